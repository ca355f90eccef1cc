// Recomputes each calculator from the formulas in its page. No request, no storage.
(function () {
  "use strict";

  function start(form) {
    const sliders = [...form.querySelectorAll("input[type=range]")];
    const names = sliders.map((slider) => slider.name);
    const results = [...form.querySelectorAll("output[data-formula]")].map((node) => ({
      node,
      compute: new Function(...names, `"use strict"; return (${node.dataset.formula});`),
    }));

    function show() {
      const values = sliders.map((slider) => Number(slider.value));
      sliders.forEach((slider) => {
        form.querySelector(`output[data-of="${slider.name}"]`).textContent = slider.value;
      });
      results.forEach(({ node, compute }) => {
        const value = compute(...values);
        const digits = Number(node.dataset.digits);
        node.dataset.value = String(value);
        node.textContent = value.toLocaleString("en-US", {
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        });
      });
    }

    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(show, 0));
    form.setAttribute("autocomplete", "off");
    form.reset();
    show();
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("form.calculator").forEach(start);
  });
})();
