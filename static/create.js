// Create campaign: the way of giving numbers, the file, and the last words before leaving.
// The form works without it; compose.js counts and previews.
(function () {
  "use strict";
  const form = document.getElementById("compose");
  if (!form) return;
  const content = form.elements.content;
  const file = document.getElementById("id_file");
  const ways = Array.from(form.querySelectorAll("input[name=source]"));
  const ask = document.getElementById("ask-switch");
  const why = document.getElementById("manual-why");
  const first = ways.find((way) => way.checked);
  let dirty = false;
  let leaving = false;

  // A list that would be dropped is asked about; the radio stays until somebody agrees.
  function choose(event) {
    if (!ask || event.target === first) return;
    first.checked = true;
    event.stopPropagation();
    ask.click();
  }
  ways.forEach((way) => way.addEventListener("change", choose));

  // Typed numbers have no values: with variables in the content only a file is offered.
  function offer() {
    const manual = ways.find((way) => way.value === "manual");
    const some = window.smsVariables(content.value).length > 0;
    manual.disabled = some && !manual.checked;
    why.textContent = some ? why.dataset.variables : why.dataset.plain;
  }
  content.addEventListener("input", offer);
  offer();

  // A chosen or dropped file is imported at once.
  file.addEventListener("change", (event) => {
    event.stopPropagation();
    if (file.files.length) form.requestSubmit(document.getElementById("import-file"));
  });

  // What was typed in the last half second is kept even if the page is left now.
  form.addEventListener("input", () => {
    dirty = true;
    leaving = false;
  });
  // The last to hear of it: a submit that was held back leaves nothing.
  addEventListener("submit", (event) => {
    if (event.target !== form || event.defaultPrevented) return;
    if (!event.submitter || event.submitter.dataset.download !== undefined) return;
    dirty = false;
    leaving = true;
  });
  // A button has sent the whole form: the save that waits would only come after it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt !== form) return;
    if (leaving) event.preventDefault();
    else dirty = false;
  });
  addEventListener("pageshow", () => { leaving = false; });
  addEventListener("pagehide", () => {
    if (!dirty) return;
    const typed = new FormData(form);
    typed.delete("file");
    navigator.sendBeacon(form.action, new URLSearchParams(typed));
  });
})();
