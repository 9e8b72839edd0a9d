// A long list with a box to search it: select[data-find]. The select keeps the value and is what
// is sent; without this file it is what is shown. The keys are those of a combobox with a list.
(function () {
  "use strict";
  const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
    .replace(/[_/]/g, " ").replace(/\u2212/g, "-").trim();

  // A country is found by its English name and by the one in the person's own language.
  const tongues = ["en", navigator.language].map((tag) => {
    try {
      return new Intl.DisplayNames([tag], { type: "region" });
    } catch {
      return { of: () => "" };
    }
  });
  const countries = (code) => (code ? tongues.map((tongue) => tongue.of(code)) : []);

  // An offset as a list of zones writes it: of +8, UTC+8, GMT+0530. Elsewhere +60 is a calling code.
  const offsets = (text) => text.replace(/\b(?:utc|gmt)\s*(?=[+-])/g, "").split(/\s+/)
    .map((word) => {
      const [, sign, hours, minutes] = word.match(/^([+-])(\d{1,2}):?(\d{0,2})$/) || [];
      return sign ? `${sign}${hours.padStart(2, "0")}:${minutes}` : word;
    }).join(" ");

  function make(tag, attributes) {
    const made = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  }

  function findable(select) {
    const id = `${select.id}_find`;
    const label = document.querySelector(`label[for="${select.id}"]`);
    const box = make("input", {
      id, type: "text", class: "form-select", role: "combobox", autocomplete: "off",
      spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false",
      "aria-controls": `${id}_list`,
    });
    const list = make("ul", { id: `${id}_list`, class: "find-list", role: "listbox" });
    const none = make("p", { class: "find-none", role: "status" });
    const rows = Array.from(select.options, (option, n) => {
      const row = make("li", { id: `${id}_${n}`, role: "option" });
      const names = countries(option.dataset.country);
      row.textContent = [option.text, ...names.slice(0, 1)].join(" · ");
      row.places = names.map(plain);
      row.words = plain([option.text, option.value, ...names].join(" "));
      row.option = option;
      return row;
    });
    const hasZones = rows.some((row) => row.option.dataset.country);
    let active = null;
    list.hidden = true;
    if (label) {
      label.htmlFor = id;
      list.setAttribute("aria-label", label.textContent.trim());
    }
    ["aria-describedby", "aria-invalid", "aria-required"].forEach((name) => {
      if (select.hasAttribute(name)) box.setAttribute(name, select.getAttribute(name));
    });

    const chosen = () => (select.selectedOptions[0] ? select.selectedOptions[0].text : "");
    const matches = () => {
      const typed = plain(box.value);
      const words = (hasZones ? offsets(typed) : typed).split(/\s+/);
      const found = rows.filter((row) => words.every((word) => row.words.includes(word)));
      const isThere = (row) => row.places.some((place) => typed && place.startsWith(typed));
      return found.sort((one, other) => isThere(other) - isThere(one));
    };
    function mark(row) {
      if (active) active.setAttribute("aria-selected", "false");
      active = row || null;
      if (!active) return box.removeAttribute("aria-activedescendant");
      active.setAttribute("aria-selected", "true");
      active.scrollIntoView({ block: "nearest" });
      return box.setAttribute("aria-activedescendant", active.id);
    }
    function close() {
      list.hidden = true;
      box.setAttribute("aria-expanded", "false");
      mark(null);
    }
    function open(found) {
      list.replaceChildren(...found);
      list.hidden = !found.length;
      box.setAttribute("aria-expanded", String(Boolean(found.length)));
      none.textContent = found.length ? "" : select.dataset.find;
      mark(null);
    }
    function openWhole() {
      open(rows);
      mark(rows.find((row) => row.option.selected));
    }
    function choose(row) {
      const isNew = !row.option.selected;
      row.option.selected = true;
      settle();
      if (isNew) select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    function settle() {
      close();
      none.textContent = "";
      box.value = chosen();
    }
    function move(step) {
      if (list.hidden) return openWhole();
      const shown = Array.from(list.children);
      const next = shown.indexOf(active) + step;
      return mark(shown[(next + shown.length) % shown.length]);
    }
    function press(event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : active ? -1 : 0);
      } else if (event.key === "Enter" && !list.hidden) {
        event.preventDefault();
        const row = active || (list.children.length === 1 && list.firstElementChild);
        if (row) choose(row);
      } else if (event.key === "Escape" && (!list.hidden || box.value !== chosen())) {
        event.preventDefault();
        settle();
      }
    }

    // What is typed here is no input of the form: only a choice is.
    box.addEventListener("input", (event) => { event.stopPropagation(); open(matches()); });
    box.addEventListener("change", (event) => event.stopPropagation());
    box.addEventListener("keydown", press);
    box.addEventListener("focus", () => box.select());
    box.addEventListener("click", () => { if (list.hidden) openWhole(); });
    box.addEventListener("blur", () => {
      const found = box.value === chosen() ? [] : matches();
      if (found.length === 1) choose(found[0]);
      else settle();
    });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) choose(row);
    });
    select.addEventListener("focus", () => box.focus());
    select.addEventListener("change", () => { box.value = chosen(); });

    const frame = make("div", { class: "find" });
    select.replaceWith(frame);
    select.classList.add("visually-hidden");
    select.tabIndex = -1;
    select.setAttribute("aria-hidden", "true");
    frame.append(box, select, list, none);
    box.value = chosen();
  }

  document.querySelectorAll("select[data-find]").forEach(findable);
}());
