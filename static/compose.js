// Create campaign: count, mark and preview the message while it is typed. The server counts
// again for every recipient and its figures win; nothing here knows a price.
(function () {
  "use strict";

  // --- counting (3GPP TS 23.038, sections 6.2.1 and 6.2.1.1; concatenation of 23.040) ----------
  const BASIC = new Set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    + "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
  );
  const EXTENSION = new Set("\f^{}\\[~]|€");
  const ROOM = { GSM7: { one: 160, many: 153 }, UCS2: { one: 70, many: 67 } };

  const septets = (ch) => (BASIC.has(ch) ? 1 : EXTENSION.has(ch) ? 2 : 0);
  const normalise = (text) => text.replace(/\r\n?/g, "\n").normalize("NFC");

  // Fill greedily: an escape pair or a surrogate pair that does not fit opens the next segment.
  function pack(widths, capacity) {
    const split = [0];
    for (const width of widths) {
      if (split[split.length - 1] + width > capacity) split.push(0);
      split[split.length - 1] += width;
    }
    return split;
  }
  function smsMeasure(raw) {
    const chars = Array.from(normalise(raw));
    const encoding = chars.every(septets) ? "GSM7" : "UCS2";
    const widths = chars.map(encoding === "GSM7" ? septets : (ch) => ch.length);
    const units = widths.reduce((sum, width) => sum + width, 0);
    const room = ROOM[encoding];
    if (!units) return { encoding, units, segments: 0, split: [] };
    const split = units <= room.one ? [units] : pack(widths, room.many);
    return { encoding, units, segments: split.length, split };
  }
  window.smsMeasure = smsMeasure;

  // --- variables: ${name}, a letter or _ and then letters, marks, digits, _; at most 32 ----------
  const VARIABLE = /\$\{([\p{L}_][\p{L}\p{M}\p{Nd}_]{0,31})\}/gu;
  const OPENING = /\$\{[^}\s]*\}?/gu;

  // Values are put in once and literally: a value that looks like a variable stays as it is.
  function expand(text, values) {
    return text.replace(VARIABLE, (whole, name) =>
      Object.hasOwn(values, name) ? values[name] : whole);
  }
  // The text as pieces: {kind: "text" | "var" | "bad", text, name}.
  function pieces(text, known) {
    const found = [];
    let last = 0;
    for (const match of text.matchAll(OPENING)) {
      const [whole] = match;
      const name = (whole.match(new RegExp(`^${VARIABLE.source}$`, "u")) || [])[1];
      const good = name !== undefined && (!known || known.has(name));
      found.push({ kind: "text", text: text.slice(last, match.index) });
      found.push({ kind: good ? "var" : "bad", text: whole, name });
      last = match.index + whole.length;
    }
    found.push({ kind: "text", text: text.slice(last) });
    return found;
  }
  window.smsVariables = (text) =>
    pieces(normalise(text)).filter((piece) => piece.kind === "var").map((piece) => piece.name);

  // --- plain characters for those that force Unicode and have an equal -----------------------------
  const PLAIN = new Map();
  for (const [from, to] of [
    ["‘’‚‛′`´", "'"], ["“”„‟″«»", '"'], ["‐‑‒–—―−", "-"], ["…", "..."], ["•", "-"],
    ["\u00a0\u202f\u2009\u200a\u2007\u2003\u2002\t", " "],
    ["\u200b\u2060\ufeff\u180e\u00ad", ""], ["\u2028\u2029", "\n"],
  ]) for (const ch of from) PLAIN.set(ch, to);
  const plainly = (text) => Array.from(text, (ch) =>
    (!septets(ch) && PLAIN.has(ch) ? PLAIN.get(ch) : ch)).join("");

  const editor = document.getElementById("editor");
  if (!editor) return;

  const find = (selector, within = document) => within.querySelector(selector);
  const field = find("textarea", editor);
  const back = find(".editor-back", editor);
  const words = editor.dataset;
  const preview = find("[data-preview]");
  const source = document.getElementById("preview-rows");
  const samples = source ? JSON.parse(source.textContent) : [];
  const names = Array.from(editor.querySelectorAll("[data-insert]"), (b) => b.dataset.insert);
  const known = words.strict === undefined ? null : new Set(names);
  let at = 0;
  let pause;

  const say = (count, one, many) => `${count} ${count === 1 ? one : many}`;
  const values = () => (samples.length ? samples[at].values : {});

  function mark(kind, text) {
    const element = document.createElement("mark");
    element.dataset.k = kind;
    element.textContent = text;
    return element;
  }
  function paint(found) {
    back.textContent = "";
    for (const piece of found) {
      if (piece.kind !== "text") back.append(mark(piece.kind, piece.text));
      else for (const ch of piece.text) back.append(septets(ch) ? ch : mark("uni", ch));
    }
    back.append("\n");
  }
  function named(ch) {
    if (ch.trim() && !/\p{C}/u.test(ch)) return ch;
    return `U+${ch.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  }
  function offer(text, now) {
    const list = find("[data-fixes]");
    list.textContent = "";
    const seen = [...new Set(Array.from(text).filter((ch) => !septets(ch)))];
    if (!seen.length) return;
    const item = find("#fix-one").content.firstElementChild.cloneNode(true);
    const plain = plainly(text);
    const saved = now.segments - smsMeasure(expand(plain, values())).segments;
    const helps = plain !== text && Array.from(plain).every(septets);
    find(".glyph", item).textContent = named(seen[0]);
    find("strong", item).textContent = say(seen.length, words.charForces, words.charsForce);
    const detail = seen.slice(0, 12).map(named).join("  ") + (seen.length > 12 ? " …" : "");
    const gain = saved > 0 ? ` ${words.saves.replace("#", saved)}` : "";
    find("[data-detail]", item).textContent = detail + (helps ? gain : ` ${words.fine}`);
    const button = find("button", item);
    if (!helps) button.remove();
    else button.addEventListener("click", () => replace(0, field.value.length, plain));
    list.append(item);
  }
  function count(now) {
    const encoding = find("[data-encoding]", editor);
    const gsm = now.encoding === "GSM7";
    encoding.textContent = gsm ? "GSM-7" : "Unicode";
    encoding.dataset.s = gsm ? "ok" : "warn";
    find("[data-units]", editor).textContent = say(now.units, words.char, words.chars);
    find("[data-segments]", editor).textContent = say(now.segments, words.segment, words.segments);
    const { one, many } = ROOM[now.encoding];
    const used = now.segments ? now.split[now.split.length - 1] : 0;
    const left = (now.segments > 1 ? many : one) - used;
    find("[data-room]", editor).textContent = words.left.replace("#", left);
  }
  function announce() {
    const parts = ["encoding", "units", "segments"].map((n) => find(`[data-${n}]`, editor).textContent);
    find("[data-spoken]", editor).textContent = parts.join(", ");
  }
  function show(found, now) {
    if (!preview) return;
    const bubble = find("[data-bubble]", preview);
    bubble.textContent = "";
    const row = values();
    for (const piece of found) {
      const filled = piece.kind !== "text" && Object.hasOwn(row, piece.name || "");
      if (piece.kind === "text") bubble.append(piece.text);
      else bubble.append(mark("var", filled ? row[piece.name] : piece.text));
    }
    find("[data-size]", preview).textContent =
      `${say(now.segments, words.segment, words.segments)}, ${say(now.units, words.char, words.chars)}`;
    if (!samples.length) return;
    find("[data-who]", preview).textContent = samples[at].who;
    find("[data-where]", preview).textContent = samples[at].where;
  }
  function update() {
    const text = normalise(field.value);
    const found = pieces(text, known);
    const now = smsMeasure(expand(text, values()));
    paint(found);
    count(now);
    offer(text, now);
    show(found, now);
    back.scrollTop = field.scrollTop;
    clearTimeout(pause);
    pause = setTimeout(announce, 1000);
  }
  // Through setRangeText and an input event, so that drafts and counters hear of it.
  function replace(start, end, text, select = "end") {
    field.focus();
    field.setRangeText(text, start, end, select);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function insert(name) {
    const start = field.selectionStart;
    replace(start, field.selectionEnd, `\${${name}}`);
  }
  function invent() {
    const start = field.selectionStart;
    replace(start, field.selectionEnd, "${name}");
    field.setSelectionRange(start + 2, start + 6);
  }

  field.addEventListener("input", update);
  field.addEventListener("scroll", () => { back.scrollTop = field.scrollTop; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert],[data-invent],[data-step]");
    if (!button) return;
    if (button.dataset.insert) insert(button.dataset.insert);
    else if (button.dataset.invent !== undefined) invent();
    else if (samples.length) {
      at = (at + Number(button.dataset.step) + samples.length) % samples.length;
      update();
    }
  });
  const sender = find("[name=sender]");
  const from = preview && find("[data-from]", preview);
  if (sender && from) {
    const follow = () => {
      const option = sender.selectedOptions && sender.selectedOptions[0];
      from.textContent = (option ? option.dataset.name || option.textContent : sender.value).trim();
    };
    sender.addEventListener("change", follow);
    follow();
  }

  // --- recipients: the drop area and the counter of typed numbers -----------------------------------
  for (const drop of document.querySelectorAll("[data-drop]")) {
    const file = find("input[type=file]", drop);
    const over = (on) => (event) => {
      event.preventDefault();
      drop.dataset.over = on;
    };
    drop.addEventListener("dragenter", over("1"));
    drop.addEventListener("dragover", over("1"));
    drop.addEventListener("dragleave", over("0"));
    drop.addEventListener("drop", (event) => {
      over("0")(event);
      if (!event.dataTransfer.files.length) return;
      file.files = event.dataTransfer.files;
      file.dispatchEvent(new Event("change", { bubbles: true }));
    });
    file.addEventListener("change", () => {
      const chosen = find("[data-chosen]", drop);
      if (chosen && file.files.length) chosen.textContent = file.files[0].name;
    });
  }
  for (const counter of document.querySelectorAll("[data-lines-of]")) {
    const numbers = document.getElementById(counter.dataset.linesOf);
    const limit = Number(counter.dataset.max);
    const recount = () => {
      const lines = numbers.value.split(/[\n,;]+/).filter((line) => line.trim()).length;
      counter.textContent = `${lines} / ${limit}`;
      counter.dataset.over = lines > limit ? "1" : "0";
    };
    numbers.addEventListener("input", recount);
    recount();
  }
  for (const part of editor.querySelectorAll("[data-counted]")) part.hidden = false;
  update();
})();
