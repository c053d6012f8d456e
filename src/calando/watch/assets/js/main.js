// Puts it together: the panes, the stream of changes, the buttons.
function isLoss(name) { return !isRate(name); }

panes.loss = new Pane("loss", "loss", isLoss);
panes.loss.empty = "Nothing of what is drawn here was logged yet.";
panes.rate = new Pane("rate", "learning rate", isRate);
panes.rate.isRate = panes.rate.bottom = true;
panes.rate.empty = "No learning rate was logged.";
panes.rate.make();
theme();

Object.values(panes).forEach(function (pane) {
  pane.node.addEventListener("wheel", wheel, { passive: false });
  fingers(pane.node);
});

function took(said) {
  var fresh = !state.chosen;
  if (said.runs.length && state.revision === -1 && !state.chosen) {
    var running = said.runs.filter(function (run) { return run.state === "running"; });
    var first = running[running.length - 1] || said.runs[said.runs.length - 1];
    state.chosen = first.id;
  }
  state.revision = said.revision;
  state.problems = said.problems;
  said.gone.forEach(function (id) {
    state.runs.delete(id);
    rows.delete(id);
    state.order = state.order.filter(function (one) { return one !== id; });
    if (state.chosen === id) { state.chosen = null; detailsOf = null; }
  });
  said.runs.forEach(function (run) {
    var known = state.runs.get(run.id);
    run.place = known ? known.place : state.runs.size;
    run.byName = bare();
    run.names.forEach(function (pair, i) { run.byName[pair[0]] = run.last[i]; });
    state.runs.set(run.id, run);
    if (!known) state.order.push(run.id);
  });
  if (!state.chosen && state.order.length) state.chosen = state.order[state.order.length - 1];
  chips();
  list();
  if (fresh && rows.get(state.chosen)) rows.get(state.chosen).node.scrollIntoView({ block: "nearest" });
  label();
  if (!state.chosen || !detailsOf || said.runs.some(function (run) { return run.id === state.chosen; })) detailsSoon();
  var moved = said.gone.length || said.runs.some(function (run) { return !state.hidden.has(run.id); });
  if (moved && state.follow) {
    var all_ = extent();
    state.view = { first: all_.first, last: Math.max(all_.last, all_.first + 4) };
    Object.values(panes).forEach(function (pane) { pane.redraw(); });
  }
  if (moved) fetchCurves();
  document.title = title();
}

function title() {
  var run = state.runs.get(state.chosen);
  if (!run) return "calando watch";
  var done = run.horizon ? Math.floor(100 * Math.min((run.step + 1) / run.horizon, 1)) + " % " : "";
  return (run.state === "running" ? done : run.state + " ") + run.name + " – calando watch";
}

function linked(live, why) {
  $("link").className = "link " + (live ? "live" : "lost");
  set($("link-text"), live ? "live" : why);
}

askJson("/api/board").then(function (said) {
  state.title = said.title;
  $("place").textContent = said.title;
  listen(took, linked);
  took(said);
}).catch(function (error) { linked(false, error.message); });

["log", "smooth", "whole"].forEach(function (name) {
  $(name).addEventListener("click", function () {
    state[name] = name === "smooth" ? !smoothNow() : !state[name];
    $(name).setAttribute("aria-pressed", String(state[name]));
    if (name === "log") { panes.loss.make(); panes.loss.fit(); panes.loss.paint(); }
    label();
    fetchCurves();
  });
});
if (matchMedia("(hover: none)").matches) $("filter").placeholder = "filter";   // no keyboard, no key
$("reset").disabled = state.follow;
$("reset").addEventListener("click", wholeRun);
$("all").addEventListener("click", all);
$("only").addEventListener("click", only);
$("filter").addEventListener("input", filtered);
$("theme").addEventListener("click", nextTheme);
$("help-open").addEventListener("click", KEYS["?"]);
system.addEventListener("change", theme);
setInterval(function () { if (detailsOf && state.runs.get(state.chosen) && state.runs.get(state.chosen).state !== "running") detailsSoon(); }, 30000);
