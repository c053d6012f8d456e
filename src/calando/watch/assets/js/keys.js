// The keyboard, dark and light.
function press(id) { $(id).click(); }

var KEYS = bare({
  j: function () { step_(1); }, k: function () { step_(-1); }, ArrowDown: function () { step_(1); }, ArrowUp: function () { step_(-1); },
  " ": function () { if (state.chosen) toggle(state.chosen); }, o: only, a: all,
  f: function () { if (!$("runs-box").hidden) $("filter").focus(); }, "/": function () { KEYS.f(); },
  ArrowLeft: function () { pan(-.2); }, ArrowRight: function () { pan(.2); },
  "+": function () { zoom(.6); }, "=": function () { zoom(.6); }, "-": function () { zoom(1 / .6); }, r: wholeRun, "0": wholeRun,
  l: function () {
    if (document.activeElement !== $("rate")) { press("log"); return; }
    state.rateLog = !rateLog();
    take(CURVES.head);
  }, s: function () { press("smooth"); }, y: function () { press("whole"); }, m: nextName, t: function () { press("theme"); },
  c: function () { var input = $("command"); if (input && !input.disabled) { input.focus(); input.scrollIntoView({ block: "nearest" }); } },
  "?": function () { $("help").showModal(); }
});

document.addEventListener("keydown", function (event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") { if (event.target.id === "filter") { event.target.value = ""; filtered(); } event.target.blur(); }
    return;
  }
  if (event.key === " " && event.target.closest("button, summary")) return;
  if (event.key.startsWith("Arrow") && event.target.closest("#details") && /Up|Down/.test(event.key)) return;
  var work = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!work) return;
  event.preventDefault();
  work();
});

// After a click by mouse or finger the keyboard is the page's again, not the button's.
document.addEventListener("click", function (event) {
  var button = event.detail && event.target.closest("button, summary");
  if (button && button === document.activeElement) button.blur();
});

function filtered() { state.filter = $("filter").value; list(); }

var THEMES = ["auto", "dark", "light"];
var system = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  var asked = localStorage.getItem("calando-theme") || "auto", dark = asked === "dark" || (asked === "auto" && system.matches);
  document.documentElement.classList.toggle("dark", dark);
  $("theme").textContent = asked;
  Object.values(panes).forEach(function (pane) { pane.make(); pane.size(); pane.paint(); });
}

function nextTheme() {
  var asked = localStorage.getItem("calando-theme") || "auto";
  localStorage.setItem("calando-theme", THEMES[(THEMES.indexOf(asked) + 1) % 3]);
  theme();
}
