// Behaviour shared by all pages. Every page works without it: forms post, links lead to pages.
(function () {
  "use strict";
  const root = document.documentElement;
  const RETRY = 15000;
  const TOAST = 6000;
  const MOVED = 409;

  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // Sentences come from the page, in its language.
  const word = (name) => document.getElementById("toasts").dataset[name] || "";

  // --- toasts ---------------------------------------------------------------------------
  function expire(line) {
    let timer;
    const start = () => { timer = setTimeout(() => line.remove(), TOAST); };
    const stop = () => clearTimeout(timer);
    line.addEventListener("mouseenter", stop);
    line.addEventListener("focusin", stop);
    line.addEventListener("mouseleave", start);
    line.addEventListener("focusout", start);
    start();
  }
  function adopt(line) {
    if (line.dataset.seen !== undefined) return;
    line.dataset.seen = "";
    const level = line.dataset.level;
    if (level !== "error" && level !== "warning") expire(line);
  }
  function toast(text, level = "success") {
    const line = document.createElement("div");
    const words = document.createElement("p");
    line.className = "toast-line";
    line.dataset.level = level;
    words.textContent = text;
    line.append(words);
    const box = document.getElementById("toasts");
    if (box) box.append(line);
    adopt(line);
  }
  window.consoleToast = toast;

  // --- theme: the form works alone, this only saves the reload ---------------------------
  function setTheme(form, button) {
    const theme = button.value;
    const dark = theme === "dark"
      || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = theme;
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.dispatchEvent(new Event("theme"));
    fetch(form.action, { method: "POST", body: new FormData(form, button), redirect: "manual" })
      .catch(() => toast(word("themeLost"), "warning"));
  }

  // --- another workspace: this page waits until its person is back in its own ---------------
  let refused = null;

  const away = () => {
    const note = document.getElementById("moved");
    return note && !note.hidden;
  };
  function moved(event) {
    const note = document.getElementById("moved");
    if (!note) {  // made before its person had a second workspace
      location.reload();
      return;
    }
    if (event && event.target.matches("form")) refused = event.target;
    note.hidden = false;
    note.scrollIntoView({ block: "nearest" });
  }
  // The page goes on as it stands; a form that was refused is sent again.
  function moveBack(note) {
    fetch(note.action, { method: "POST", body: new FormData(note), redirect: "manual" })
      .then(() => {
        note.hidden = true;
        if (refused) refused.dispatchEvent(new Event("change", { bubbles: true }));
        refused = null;
      })
      .catch(() => toast(word("moveLost"), "warning"));
  }

  // --- dialogs: a link with data-ask leads to a page whose form is shown here -------------
  let opener = null;

  function show(form) {
    const dialog = document.createElement("dialog");
    dialog.className = "ask";
    dialog.setAttribute("aria-labelledby", "ask-title");
    form.classList.remove("card", "ask-static");
    form.removeAttribute("aria-labelledby");
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener && opener.isConnected) opener.focus();
    });
    if (window.htmx) window.htmx.process(dialog);
    dialog.showModal();
    prepare(dialog);
    const first = form.querySelector("[autofocus], input:not([type=hidden]), textarea, select");
    (first || form.querySelector("[data-close]") || form).focus();
  }
  async function ask(link) {
    opener = link;
    const workspace = document.body.dataset.workspace || "";
    const headers = { "X-Requested-With": "fetch", "X-Workspace": workspace };
    const page = await fetch(link.href, { headers });
    if (page.status === MOVED) {
      moved();
      return;
    }
    if (!page.ok || page.redirected) throw new Error(String(page.status));
    const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
    const form = parsed.querySelector("[data-ask-form]");
    if (!form) throw new Error("no form");
    show(document.importNode(form, true));
  }

  // --- submitting: once, and a refused button says why ------------------------------------
  function submitted(event) {
    const form = event.target;
    const button = event.submitter;
    if (form.matches("[data-theme-form]") && button) {
      event.preventDefault();
      setTheme(form, button);
      return;
    }
    if (form.id === "moved") {
      event.preventDefault();
      moveBack(form);
      return;
    }
    if (button && button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      toast(button.dataset.why || button.title, "warning");
      return;
    }
    if (form.dataset.sent !== undefined) {
      event.preventDefault();
      return;
    }
    const menu = form.closest(".menu:popover-open");
    if (menu) setTimeout(() => menu.hidePopover());
    // Downloads and htmx forms stay on the page, so only a form that asks for it is locked.
    if (form.dataset.once === undefined || event.defaultPrevented) return;
    form.dataset.sent = "";
    if (button) button.setAttribute("aria-busy", "true");
  }
  function unlock() {
    all("[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
    });
  }

  // --- small things of a page --------------------------------------------------------------
  function reveal(box) {
    all(box.dataset.reveal).forEach((part) => {
      part.hidden = box.type === "radio" || box.type === "checkbox" ? !box.checked : false;
    });
  }
  function length(field) {
    const counter = document.querySelector(`[data-count-for="${field.id}"]`);
    if (!counter) return;
    const limit = Number(counter.dataset.max);
    const used = Array.from(field.value).length;
    counter.textContent = `${used} / ${limit}`;
    counter.dataset.over = used > limit ? "1" : "0";
  }
  function countdown(clock) {
    const until = Date.parse(clock.dataset.until);
    const tick = () => {
      const left = Math.max(0, Math.round((until - Date.now()) / 1000));
      const hours = Math.floor(left / 3600);
      const minutes = Math.floor(left / 60) % 60;
      const seconds = String(left % 60).padStart(2, "0");
      clock.textContent = hours ? `${hours} h ${minutes} min` : `${minutes} min ${seconds} s`;
      if (left && clock.isConnected) setTimeout(tick, 1000);
    };
    tick();
  }
  function prepare(within) {
    all("[data-reveal]", within).forEach(reveal);
    all("[data-count-for]", within).forEach((counter) => {
      const field = document.getElementById(counter.dataset.countFor);
      if (field) length(field);
    });
    all("[data-until]:not([data-ticking])", within).forEach((clock) => {
      clock.dataset.ticking = "";
      countdown(clock);
    });
    all(".toast-line", within).forEach(adopt);
  }
  function place(menu) {
    const button = document.querySelector(`[popovertarget="${menu.id}"]`);
    if (!button) return;
    const at = button.getBoundingClientRect();
    const box = menu.getBoundingClientRect();
    const below = at.bottom + 4;
    const top = below + box.height > innerHeight ? Math.max(4, at.top - box.height - 4) : below;
    menu.style.top = `${top}px`;
    menu.style.left = `${Math.max(8, Math.min(at.right - box.width, innerWidth - box.width - 8))}px`;
  }
  function toggleMenu(button) {
    const open = document.getElementById("rail-menu").classList.toggle("show");
    button.setAttribute("aria-expanded", String(open));
  }
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      toast(word("copied"));
    } catch {
      toast(word("copyRefused"), "warning");
    }
  }

  // --- one listener for each kind of event ---------------------------------------------------
  function clicked(event) {
    const target = event.target.closest(
      "[data-ask],[data-close],[data-dismiss],[data-toggle-menu],[data-copy],[data-show]",
    );
    if (!target) return;
    const data = target.dataset;
    if (data.ask !== undefined && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      ask(target).catch(() => { location.href = target.href; });
    } else if (data.close !== undefined) {
      const dialog = target.closest("dialog");
      if (dialog) {
        event.preventDefault();
        dialog.close();
      }
    } else if (data.dismiss !== undefined) {
      target.closest(".toast-line").remove();
    } else if (data.toggleMenu !== undefined) {
      toggleMenu(target);
    } else if (data.copy !== undefined) {
      copy(target);
    } else if (data.show !== undefined) {
      const field = document.querySelector(data.show);
      const hidden = field.type === "password";
      field.type = hidden ? "text" : "password";
      target.setAttribute("aria-pressed", String(hidden));
    }
  }
  function pressed(event) {
    const typing = event.target.closest("input,textarea,select,[contenteditable]");
    const search = document.getElementById("q-all");
    if (event.key === "/" && !typing && search && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      search.focus();
    }
    const menu = document.getElementById("rail-menu");
    if (event.key === "Escape" && menu && menu.classList.contains("show")) {
      const button = document.querySelector("[data-toggle-menu]");
      toggleMenu(button);
      button.focus();
    }
  }
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.addEventListener("submit", submitted);
  document.addEventListener("moved", moved);
  document.addEventListener("input", (event) => { if (event.target.id) length(event.target); });
  document.addEventListener("change", () => all("[data-reveal]").forEach(reveal));
  document.addEventListener("toggle", (event) => {
    if (event.newState === "open" && event.target.matches(".menu")) place(event.target);
  }, true);
  addEventListener("scroll", () => all(".menu:popover-open").forEach((m) => m.hidePopover()), true);
  // The back button may bring a page back as it was left: locked.
  addEventListener("pageshow", unlock);

  // --- live regions: calm polls ----------------------------------------------------------------
  let lost = 0;
  let tried = 0;

  const polls = (element) => (element.getAttribute("hx-trigger") || "").includes("every");
  // Somebody is at the fields of a part that asks for itself: words not sent, or a list open.
  let touched = 0;
  const touch = () => { touched = Date.now(); };
  ["pointerdown", "keydown"].forEach((name) => document.addEventListener(name, touch, true));
  function taken(selector) {
    const part = selector && document.querySelector(selector);
    if (!part) return false;
    const unsent = all("input[type=search]", part).some((box) => box.value !== box.defaultValue);
    const at = document.activeElement;
    const inField = part.contains(at) && at.matches("input,select");
    return unsent || (inField && Date.now() - touched < 10000);
  }
  const busy = (element) => Boolean(
    document.querySelector("dialog[open]") || element.querySelector(".menu:popover-open")
      || taken(element.dataset.calm),
  );
  function offline(since) {
    const note = document.getElementById("offline");
    if (!note) return;
    note.hidden = !since;
    const shown = note.querySelector("[data-since]");
    if (since) shown.textContent = timeOf(since, shown.dataset.zone, shown.dataset.hours === "12");
  }
  // As the pages write times: 14:05, or 2:05 PM.
  function timeOf(moment, timeZone, hour12) {
    const parts = { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12, timeZone };
    const text = new Intl.DateTimeFormat(hour12 ? "en-US" : "en-GB", parts).format(moment);
    return text.replace("\u202f", " ");
  }
  // What a page asks for by itself is no activity: an open page alone keeps nobody signed in.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.triggeringEvent) event.detail.headers["X-By-Itself"] = "1";
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!polls(event.detail.elt)) return;
    const waiting = lost && Date.now() - tried < RETRY;
    if (document.hidden || waiting || away() || busy(event.detail.elt)) event.preventDefault();
    else tried = Date.now();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!polls(event.detail.elt)) return;
    if (event.detail.xhr && event.detail.xhr.status === MOVED) return;
    const failed = event.detail.failed || !event.detail.xhr || event.detail.xhr.status === 0;
    lost = failed ? lost || Date.now() : 0;
    offline(lost);
  });
  // A poll after the session ended would put the sign-in page into a corner of this one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const sentTo = event.detail.xhr.responseURL;
    const asked = event.detail.requestConfig.elt;
    if (taken(asked.dataset.calm)) event.detail.shouldSwap = false;
    if (polls(asked) && sentTo && new URL(sentTo).pathname.includes("signin")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (taken(event.detail.target.dataset.calm)) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSettle", (event) => prepare(event.detail.elt));
  document.addEventListener("htmx:oobAfterSwap", () => prepare(document));

  prepare(document);
  const problem = document.querySelector("[data-focus]");
  if (problem) problem.focus();
})();
