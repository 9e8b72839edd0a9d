// Runs before the first paint: says that scripts work, and gives "auto" the system's theme.
(function () {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.js = "";
  function follow() {
    if (root.dataset.theme !== "auto") return;
    root.setAttribute("data-bs-theme", system.matches ? "dark" : "light");
  }
  follow();
  system.addEventListener("change", function () {
    follow();
    document.dispatchEvent(new Event("theme"));
  });
})();
