// Replaces each static drawing by the interactive one, and lets one choice of patient speak to all charts of a page.
// Without this script the static drawings stay.
(function () {
  "use strict";

  const options = { renderer: "svg", actions: false };
  const views = [];

  async function draw(container) {
    const spec = JSON.parse(container.querySelector("script.chart-spec").textContent);
    const drawing = container.querySelector("svg");
    const host = document.createElement("div");
    host.className = "chart-live";
    container.appendChild(host);
    try {
      const { view } = await window.vegaEmbed(host, spec, options);
      const svg = host.querySelector("svg");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", spec.description);
      drawing.remove();
      if ("patient" in view.getState().signals) {
        views.push(view);
      }
      container.dataset.drawn = "live";
    } catch (error) {
      host.remove();
      container.dataset.drawn = "static";
      console.error(error);
    }
  }

  // A chart as wide as its card listens to the window only; the card can also change without it, or after it.
  function follow(containers) {
    const widths = new Map();
    const observer = new ResizeObserver((entries) => {
      const changed = entries.filter(({ target }) => widths.get(target) !== target.clientWidth);
      changed.forEach(({ target }) => widths.set(target, target.clientWidth));
      if (changed.length) {
        requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
      }
    });
    containers.forEach((container) => {
      widths.set(container, container.clientWidth);
      observer.observe(container);
    });
  }

  function listen(select) {
    select.addEventListener("change", () => {
      views.forEach((view) => view.signal("patient", select.value).run());
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    const containers = document.querySelectorAll("div.chart");
    Promise.all([...containers].map(draw)).then(() => follow(containers));
    document.querySelectorAll("select.patient-choice").forEach(listen);
  });
})();
