// The list of runs: which are drawn, which one is chosen.
var rows = new Map();

function shown() { return state.order.filter(function (id) { return !state.hidden.has(id); }).map(function (id) { return state.runs.get(id); }); }

function listed() {
  var words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  return state.order.filter(function (id) {
    var run = state.runs.get(id), text = (run.name + " " + run.group + " " + run.state).toLowerCase();
    return words.every(function (word) { return text.includes(word); });
  });
}

function row(run) {
  var eye = el("button", { type: "button", class: "eye c" + run.place % 8, "aria-pressed": "true", on: { click: function () { toggle(run.id); } } }, el("i"));
  var name = el("span", { class: "name" }), mark = el("span", { class: "chip" }), says = el("span", { class: "chip" }), last = el("span", { class: "last num" });
  var pick = el("button", { type: "button", class: "pick", on: { click: function () { choose(run.id); } } }, name, mark, says);
  return { node: el("li", { class: "run" }, eye, pick, last), eye: eye, name: name, mark: mark, says: says, last: last, pick: pick };
}

var SEVERE = bare({ failure: 2, warning: 1 });
var MOST_ROWS = 400;

function list() {
  var ids = listed(), nodes = [];
  ids.slice(0, MOST_ROWS).forEach(function (id) {
    var run = state.runs.get(id), one = rows.get(id);
    if (!one) rows.set(id, one = row(run));
    var on = !state.hidden.has(id), worst = run.worst[0], wrong = worst && SEVERE[worst[0]];
    set(one.name, run.name);
    one.pick.title = run.name + (run.group ? " (" + run.group + ")" : "") + ", " + run.state + (wrong ? ", " + worst[2] : "");
    set(one.mark, run.state);
    one.mark.className = "chip state " + run.state;
    one.mark.hidden = run.state === "ended" || run.state === "running";
    set(one.says, wrong ? worst[1] : "");
    one.says.className = "chip says " + (wrong ? worst[0] : "");
    one.says.hidden = !wrong;
    set(one.last, last(run));
    one.eye.setAttribute("aria-pressed", String(on));
    one.eye.setAttribute("aria-label", (on ? "Hide " : "Show ") + run.name);
    one.pick.setAttribute("aria-current", String(id === state.chosen));
    one.node.className = "run" + (run.state === "running" ? " going" : "") + (on ? "" : " off") + (id === state.chosen ? " chosen" : "");
    nodes.push(one.node);
  });
  var list_ = $("runs");
  if (nodes.length !== list_.children.length || nodes.some(function (node, i) { return list_.children[i] !== node; })) list_.replaceChildren.apply(list_, nodes);
  var running = state.order.filter(function (id) { return state.runs.get(id).state === "running"; }).length;
  set($("runs-title"), state.order.length + (state.order.length === 1 ? " run" : " runs") + (running && state.order.length > 1 ? ", " + running + " running" : ""));
  $("runs-box").hidden = state.order.length < 2 && !(state.order.length && state.problems.length);
  document.body.classList.toggle("bare", !state.order.length);
  set($("more"), [ids.length > MOST_ROWS ? whole(ids.length - MOST_ROWS) + " more: filter by name" : "", state.filter && !ids.length ? "No run of that name." : ""].concat(state.problems.slice(0, 3)).filter(Boolean).join("; "));
}

function set(node, text) { if (node.textContent !== text) node.textContent = text; }

function last(run) {
  var name = run.byName[mainName()] !== undefined ? mainName() : run.metric, value = run.byName[name];
  return value === undefined ? "" : number(value);
}

function toggle(id) {
  if (state.hidden.has(id)) state.hidden.delete(id); else state.hidden.add(id);
  list();
  if (state.follow) wholeRun(); else refine();
}

function choose(id, quiet) {
  if (state.chosen === id) return;
  state.chosen = id;
  previewed = null;
  wanted = "";
  state.hidden.delete(id);
  list();
  fetchDetails();
  if (state.follow) wholeRun(); else refine();
  var one = rows.get(id);
  if (one && !quiet) one.node.scrollIntoView({ block: "nearest" });
}

function step_(by) {
  var ids = listed(), at = ids.indexOf(state.chosen);
  if (ids.length) choose(ids[Math.max(0, Math.min(ids.length - 1, at + by))]);
}

function only() {
  state.order.forEach(function (id) { if (id === state.chosen) state.hidden.delete(id); else state.hidden.add(id); });
  list();
  wholeRun();
}

function all() { state.hidden.clear(); list(); wholeRun(); }

// Which quantities are drawn: learning rates below, what is picked above.
function isRate(name) { return /^lr(_|$)|^learning_rate|^planned lr$|^preview$/.test(name); }

function mainName() {
  if (state.picked && state.picked.length) return state.picked[0];
  var run = state.runs.get(state.chosen) || state.runs.values().next().value;
  if (!run) return "";
  if (run.byName[run.metric] !== undefined && !isRate(run.metric)) return run.metric;
  var losses = run.names.map(function (pair) { return pair[0]; }).filter(function (name) { return !isRate(name); });
  return losses.find(function (name) { return /loss/.test(name); }) || losses[0] || "";
}

function lossNames() {
  if (state.picked && state.picked.length) return state.picked;
  var main = mainName(), few = shown().length <= 8;
  var beside = few && main !== "train_loss" && state.names.includes("train_loss") ? ["train_loss"] : [];
  return main ? [main].concat(beside) : [];
}

function drawnNames() {
  var lr = state.names.filter(function (name) { return name === "lr" || name === "lr_asked"; });
  return lossNames().concat(lr.length ? lr : state.names.filter(isRate).slice(0, 1), state.chosen ? [PLANNED] : []).slice(0, 16);
}

function chips() {
  var known = new Map();
  state.runs.forEach(function (run) { run.names.forEach(function (pair) { known.set(pair[0], pair[1]); }); });
  var names = [...known.keys()].sort(), on = lossNames();
  SHOWN_AS = known;
  if (names.join("\n") === state.names.join("\n") && on.join("\n") === chips.on) return false;
  state.names = names;
  on = lossNames();
  chips.on = on.join("\n");
  var losses = names.filter(function (name) { return !isRate(name); });
  losses.sort(function (a, b) { return (on.indexOf(b) - on.indexOf(a)) || (/loss/.test(b) - /loss/.test(a)) || (a < b ? -1 : 1); });
  fill($("names"), losses.slice(0, 12).map(function (name) {
    return el("button", { type: "button", class: "name", "aria-pressed": String(on.includes(name)), text: known.get(name), title: known.get(name), on: { click: function () { pickName(name); } } });
  }));
  return true;
}

function pickName(name) {
  var on = lossNames().slice();
  if (on.includes(name)) on.splice(on.indexOf(name), 1); else on.unshift(name);
  state.picked = on.length ? on : [name];
  renamed();
}

function nextName() {
  var names = state.names.filter(function (name) { return !isRate(name); });
  if (!names.length) return;
  state.picked = [names[(names.indexOf(mainName()) + 1) % names.length]];
  renamed();
}

function renamed() {
  chips.on = null;
  chips();
  list();
  label();
  refine();
}

// Many noisy lines over each other are one grey block, so they are smooth unless told otherwise.
function smoothNow() { return state.smooth === null ? shown().length > 12 : state.smooth; }

// A name as it may be shown; the name itself is only sent back.
function plain(name) { return SHOWN_AS.get(name) || name; }
var SHOWN_AS = new Map();

function label() {
  var names = lossNames().map(plain);   // the first stands out, see Pane.lines
  set(panes.loss.what, (names[0] || "losses") + (names.length > 1 ? ", pale: " + names.slice(1).join(", ") + "," : "") + " by step" + (smoothNow() ? ", smoothed" : "") + (state.log ? ", logarithmic" : ""));
  var run = state.runs.get(state.chosen);
  set(panes.rate.what, "learning rate" + (run && run.steer.can === "all" ? ", to come: dashed" : "") + (panes.rate.logged ? ", logarithmic" : ""));
}
