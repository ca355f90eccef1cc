// Replaces each static drawing by the interactive one. Without this script the static drawing stays.
(function () {
  "use strict";

  const options = { renderer: "svg", actions: false, ast: false };

  async function draw(container) {
    const source = container.querySelector("script.chart-spec");
    const drawing = container.querySelector("svg");
    const spec = JSON.parse(source.textContent);
    const host = document.createElement("div");
    host.className = "chart-live";
    container.appendChild(host);
    try {
      const result = await window.vegaEmbed(host, spec, options);
      const svg = host.querySelector("svg");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", spec.description);
      host.removeAttribute("role");
      drawing.remove();
      container.dataset.drawn = "live";
      return result;
    } catch (error) {
      host.remove();
      container.dataset.drawn = "static";
      throw error;
    }
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("div.chart").forEach(draw);
  });
})();
