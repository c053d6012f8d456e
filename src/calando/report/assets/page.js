// Draws the figures in the page's own colours, redraws them when light turns dark or goes to paper,
// lets the key hide schedules in all figures at once, and copies code. No network, no storage.
(function () {
  "use strict";
  var root = document.documentElement;
  var hidden = {};
  var drawn = [];

  function token(text) {
    var found = /^var\((--[a-z0-9-]+)\)(?:\/([0-9.]+))?$/.exec(text);
    if (!found) return text;
    var value = getComputedStyle(root).getPropertyValue(found[1]).trim();
    if (!found[2]) return value;
    var n = parseInt(value.slice(1), 16);
    return "rgba(" + [n >> 16, (n >> 8) & 255, n & 255, found[2]].join(",") + ")";
  }

  function inked(value) {
    if (typeof value === "string") return token(value);
    if (Array.isArray(value)) return typeof value[0] === "number" ? value.slice() : value.map(inked);
    if (value && typeof value === "object") {
      var copy = {};
      Object.keys(value).forEach(function (key) { copy[key] = inked(value[key]); });
      return copy;
    }
    return value;
  }

  function draw(one) {
    var figure = inked(one.figure);
    figure.data.forEach(function (trace) { trace.visible = !hidden[trace.meta]; });
    figure.layout.uirevision = "kept";
    window.Plotly.react(one.place, figure.data, figure.layout, {
      responsive: true, displaylogo: false, displayModeBar: false, showTips: false, doubleClick: "reset"
    });
  }

  function all() { drawn.forEach(draw); }

  document.querySelectorAll("script.figure-data").forEach(function (data) {
    var place = document.querySelector('[data-figure="' + CSS.escape(data.dataset.name) + '"]');
    if (place && window.Plotly) drawn.push({ place: place, figure: JSON.parse(data.textContent) });
  });
  all();

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.addEventListener("beforeprint", function () { root.classList.add("paper"); all(); });
  window.addEventListener("afterprint", function () { root.classList.remove("paper"); all(); });

  document.querySelectorAll(".key button").forEach(function (button) {
    button.addEventListener("click", function () {
      var slot = button.dataset.slot;
      hidden[slot] = !hidden[slot];
      button.setAttribute("aria-pressed", String(!hidden[slot]));
      all();
    });
  });

  document.querySelectorAll(".copy").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var code = button.parentNode.querySelector("code");
      var done = function () { button.textContent = "Copied"; setTimeout(function () { button.textContent = "Copy"; }, 1500); };
      var select = function () { getSelection().selectAllChildren(code); button.textContent = "Press Ctrl+C"; };
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done, select); else select();
    });
  });
})();
