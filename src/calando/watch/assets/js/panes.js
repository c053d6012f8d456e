// Two panes on one clock: losses above, learning rates below. uPlot draws axes, cursor and frame; Painter the lines.
var MARGIN = .3;           // of the window, fetched on either side so that moving shows something at once
var GAP = { left: 58, right: 12, top: 22 };   // what is drawn is named above it
var PLANNED = "planned lr", PREVIEW = "preview";
var SEEN = new Float32Array(4096);
var panes = {};
var CURVES = { head: null, window: null };

function Pane(id, label, isOurs) {
  this.node = $(id);
  this.label = label;
  this.isOurs = isOurs;    // whether a name is drawn here
  this.painter = new Painter();
  this.range = { low: 0, high: 1 };
  this.curves = [];
  this.what = el("div", { class: "what" });
  this.said = el("span");
  this.none = el("div", { class: "none" }, this.said);
  this.node.append(this.what, this.none);
  this.make();
  var self = this;
  new ResizeObserver(function () { self.size(); }).observe(this.node);
}

Pane.prototype.make = function () {
  if (this.plot) this.plot.destroy();
  var self = this, log = this.isRate ? rateLog() : state.log;
  var ink = token("--ink-2"), rule = token("--rule");
  var axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1, size: 4 }, font: "11px system-ui, sans-serif" };
  this.logged = log;
  this.plot = new uPlot({
    width: Math.max(this.node.clientWidth, 80), height: Math.max(this.node.clientHeight, 60), padding: [GAP.top, GAP.right, 0, 0],
    legend: { show: false }, pxAlign: 0,
    cursor: { sync: { key: "calando", setSeries: false, scales: ["x", null] }, drag: { x: true, y: false, setScale: false }, points: { show: false }, focus: { prox: -1 },
      bind: { dblclick: function () { return function () { wholeRun(); return null; }; } } },
    scales: {
      x: { time: false, range: function () { return [state.view.first, state.view.last]; } },
      y: { distr: log ? 3 : 1, range: function () { return [self.range.low, self.range.high]; } }
    },
    axes: [
      Object.assign({}, axis, { size: this.bottom ? 26 : 6, values: this.bottom ? function (_, splits) { return splits.map(steps); } : function (_, splits) { return splits.map(function () { return ""; }); }, space: function () { return self.node.clientWidth < 500 ? 56 : 80; }, incrs: [1, 2, 5, 10, 20, 50].concat([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14].flatMap(function (p) { return [1, 2, 2.5, 5].map(function (m) { return m * Math.pow(10, p); }); })) }),
      Object.assign({}, axis, { size: GAP.left, values: function (_, splits) { return splits.map(function (v) { return v === null ? "" : tick(v); }); }, space: 28 }, log ? { splits: function (u, axis, low, high) { var found = powers(low, high); self.node.dataset.lines = found.length; return found; }, filter: function (_, splits) { return splits; } } : {})
    ],
    series: [{}, { show: true, paths: function () { return null; }, points: { show: false } }],
    hooks: {
      draw: [function (u) { self.draw(u); }],
      setSelect: [function (u) { self.selected(u); }],
      setCursor: [function (u) { hovered(self, u); }]
    }
  }, [[0, 1], [null, null]], this.node);
  this.plot.over.addEventListener("mouseleave", function () { unhovered(); });
};

// On an axis of powers of ten: those, and what lies between only where there is room.
function powers(low, high) {
  var decades = Math.log10(high / low), found = [];
  if (!(low > 0 && high > low)) return [];
  var every = Math.max(1, Math.ceil(decades / 8)), between = decades > 3 ? [1] : decades > 1.2 ? [1, 2, 5] : decades > .5 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : null;
  if (!between) {
    var step = Math.pow(10, Math.floor(Math.log10(high - low)));
    step = (high - low) / step >= 5 ? step : (high - low) / step >= 2 ? step / 2 : step / 5;
    for (var i = Math.ceil(low / step); i * step <= high && found.length < 20; i++) found.push(Number((i * step).toPrecision(12)));
    return found;
  }
  for (var p = Math.floor(Math.log10(low) / every) * every; p <= Math.log10(high); p += every)
    between.forEach(function (m) { var v = Number((m * Math.pow(10, p)).toPrecision(12)); if (v >= low && v <= high) found.push(v); });
  return found;
}

function steps(value) { return Math.abs(value) >= 1e6 ? number(value / 1e6) + "M" : value >= 1e4 ? number(value / 1e3) + "k" : whole(value); }
function tick(value) {
  var size = Math.abs(value);
  return size === 0 ? "0" : size < 1e-3 || size >= 1e5 ? value.toExponential(Number.isInteger(Math.log10(size)) ? 0 : 1).replace("e+", "e") : String(Number(value.toPrecision(4)));
}

Pane.prototype.size = function () {
  if (!this.plot || !this.node.clientWidth) return;
  this.plot.setSize({ width: this.node.clientWidth, height: this.node.clientHeight });
  refine();
};

Pane.prototype.now = function () {
  var box = this.plot.bbox, ratio = devicePixelRatio || 1;
  return { first: state.view.first, last: state.view.last, low: this.range.low, high: this.range.high, log: this.logged,
    width: box.width / ratio, height: box.height / ratio, ratio: ratio };
};

Pane.prototype.draw = function (u) { this.painter.show(u.ctx, u.bbox, this.now()); };

Pane.prototype.selected = function (u) {
  var width = u.select.width;
  if (width < 6) return;
  var first = u.posToVal(u.select.left, "x"), last = u.posToVal(u.select.left + width, "x");
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  look(first, last, false);
};

Pane.prototype.redraw = function () {
  var plot = this.plot, view = state.view, range = this.range;
  this.node.dataset.low = range.low;   // what is in sight, for whoever measures
  this.node.dataset.high = range.high;
  plot.batch(function () {
    plot.setScale("x", { min: view.first, max: view.last });
    plot.setScale("y", { min: range.low, max: range.high });
  });
};

// Which values are in sight, so that one wild batch does not flatten the rest.
Pane.prototype.fit = function () {
  var low = Infinity, high = -Infinity, found = [], self = this, view = state.view;
  this.curves.forEach(function (curve) {
    var a = Infinity, b = -Infinity, count = 0, top;
    if (SEEN.length < curve.n) SEEN = new Float32Array(2 * curve.n);
    for (var i = 0; i < curve.n; i++) {
      var x = curve.x[i] + curve.from, y = curve.y[i];
      if (x < view.first || x > view.last || (self.logged && y <= 0)) continue;
      if (y < a) a = y;
      if (y > b) b = y;
      SEEN[count++] = y;
    }
    if (!count) return;
    top = b;
    if (!state.whole && !self.isRate && count > 30) {
      var seen = SEEN.subarray(0, count).sort(), usual = seen[Math.floor(count * .8)], least = seen[Math.floor(count * .02)];
      var most = self.logged ? least * Math.pow(Math.max(usual / least, 1.3), 6) : least + 8 * (usual - least);
      if (b > most && most > least) b = most;
    }
    low = Math.min(low, a);
    found.push({ run: curve.run, name: curve.name, least: a, most: b, top: top });
  });
  var whole_ = state.whole || this.isRate;
  found.forEach(function (one) { high = Math.max(high, whole_ ? one.most : Math.min(one.most, self.limit(found, one.name))); });
  this.cut = new Set(found.filter(function (one) { return one.top > high; }).map(function (one) { return one.run; })).size;
  this.lost = found.filter(function (one) { return one.least > high; }).length;
  if (!(low <= high)) {   // an axis of powers of ten must not have one that knows of none
    if (this.logged && !(this.range.low > 0)) this.range = { low: .1, high: 1 };
    return;
  }
  if (this.isRate && this.logged) low = Math.max(low, spread().least / 100);   // below that a rate is as good as none
  if (this.isRate && !this.logged) low = Math.min(low, 0);
  if (this.logged) {
    var room = Math.pow(Math.max(high / low, 1.05), .05);
    this.range = { low: low / room, high: high * room };
  } else {
    var pad = .05 * (high - low || Math.abs(high) || 1);
    this.range = { low: this.isRate && low === 0 ? 0 : low - pad, high: high + pad };
  }
};

// Of several runs a few that went wild do not set the scale of a quantity; the chosen one is in sight, wild or not.
Pane.prototype.limit = function (found, name) {
  var same = found.filter(function (one) { return one.name === name; }), logged = this.logged;
  if (same.length < 2) return Infinity;
  var low = Math.min.apply(null, same.map(function (one) { return one.least; }));
  var tops = same.map(function (one) { return one.most; }).sort(function (p, q) { return p - q; });
  var middle = tops[Math.floor((tops.length - 1) / 2)];
  function above(times, power) { return logged ? low * Math.pow(Math.max(middle / low, 1.3), power) : low + times * (middle - low); }
  var limit = above(2, 1.6), far = above(8, 3);
  if (!(limit > low)) return Infinity;
  same.forEach(function (one) {
    if (one.run === state.chosen || (one.least > limit && one.most <= far)) limit = Math.max(limit, one.most);
  });
  return limit;
};

// Whether a logarithmic axis has room for none of the points.
Pane.prototype.none_ = function () { return !this.curves.some(function (curve) { return curve.y.some(function (y) { return y > 0; }); }); };

// How far apart the highest rates of the runs are: beyond twentyfold one axis shows them only by powers of ten.
function spread() {
  var tops = new Map();
  panes.rate.curves.forEach(function (curve) {
    if (curve.name !== "lr") return;
    for (var i = 0; i < curve.n; i++) if (curve.y[i] > (tops.get(curve.run) || 0)) tops.set(curve.run, curve.y[i]);
  });
  var sorted = [...tops.values()].sort(function (p, q) { return p - q; });
  return { least: sorted[0] || 0, by: sorted.length > 1 ? sorted[sorted.length - 1] / sorted[0] : 1 };
}

function rateLog() { return state.rateLog === null ? !!panes.rate && spread().by > 20 : state.rateLog; }

Pane.prototype.lines = function () {
  var many = shown().length > 12, chosen = state.chosen, main = mainName(), self = this;
  return this.curves.map(function (curve) {
    var run = state.runs.get(curve.run), mine = curve.run === chosen, side = !self.isRate && curve.name !== main;
    var planned = curve.name === PLANNED;
    if (curve.name === PREVIEW) return { x: curve.x, y: curve.y, from: curve.from, ink: token("--accent"), order: 4, dash: [2, 3], alpha: 1, width: 2.2 };
    return { x: curve.x, y: curve.y, from: curve.from, ink: colour(run ? run.place : 0), order: planned ? 3 : mine ? 2 : side ? 0 : 1,
      dash: planned ? [4, 4] : many ? [] : DASHES[Math.floor((run ? run.place : 0) / 8) % 3], alpha: mine ? (side ? .5 : 1) : side ? .3 : many ? .45 : .9,
      width: mine && state.runs.size > 1 ? 2.2 : many ? 1 : side ? 1.1 : 1.5, dots: !many && curve.n <= 60 && !self.isRate && !smoothNow() };
  }).sort(function (a, b) { return a.order - b.order; });
};

Pane.prototype.paint = function () {
  var self = this, now = this.now(), span = now.last - now.first;
  var first = now.first - MARGIN * span, last = now.last + MARGIN * span;
  var view = Object.assign({}, now, { first: first, last: last, width: now.width * (1 + 2 * MARGIN) });
  this.painter.paint(this.lines(), view, function () { self.redraw(); });
};

// What is asked for next: the window with its margin, at most one question at a time, the latest wins.
var asking = null, again = false;
var ENOUGH = 80000, COARSE = 20000;   // points over all runs, of one quantity
var soon = after(90, function () { fetchCurves(true); });
var later = after(400, function () { fetchCurves(false, true); });

function refine() { soon(); later(); }

// While the window moves, a picture that is soon there is better than a fine one.
function fetchCurves(moving, unlessKnown) {
  if (moving && shown().length * 300 < COARSE) moving = false;   // few runs: fine at once
  if (asking) { again = !moving || again; return; }
  var span = state.view.last - state.view.first, names = drawnNames();
  var runs = shown().map(function (run) { return run.id; });
  var width = Math.max(panes.loss.now().width, 100) * (1 + 2 * MARGIN);
  if (!runs.length || !names.length) { take({ curves: [], last: -1 }); return; }
  var perRun = Math.max(moving ? 60 : 150, Math.min(width * (devicePixelRatio > 1 ? 1.5 : 1), (moving ? COARSE : ENOUGH) / (2 * runs.length)));
  var window_ = { runs: runs, names: names, first: Math.floor(state.view.first - MARGIN * span), last: Math.ceil(state.view.last + MARGIN * span) + 1,
    pixels: Math.round(Math.min(perRun, 6000)), means: smoothNow() };
  var key = JSON.stringify(window_);
  if (unlessKnown && key === CURVES.window) return;
  CURVES.window = key;
  asking = askCurves(window_).then(take).catch(function () {}).then(function () {
    asking = null;
    if (again) { again = false; fetchCurves(); }
  });
}

function take(head) {
  $("smooth").setAttribute("aria-pressed", String(smoothNow()));
  CURVES.head = head;
  panes.loss.node.dataset.last = head.last;   // the last step that is drawn, for whoever measures
  var chosen = state.chosen;
  Object.values(panes).forEach(function (pane) {
    pane.curves = head.curves.filter(function (curve) { return pane.isOurs(curve.name) && (curve.name !== PLANNED || curve.run === chosen); });
    if (pane.isRate && previewed) pane.curves.push(previewed);
    if (pane.isRate && pane.logged !== rateLog()) { pane.make(); label(); }
    pane.fit();
    set(pane.said, pane.curves.some(function (c) { return c.n; }) ? (pane.logged && pane.none_() ? "Nothing of what is drawn here is above 0, as a logarithmic axis needs it." : "") : pane.curves.some(function (c) { return c.name !== PLANNED; }) ? "No value in this window can be drawn: there is none, or none is finite and below 1e30." : state.runs.size ? pane.empty : "");
    pane.paint();
    pane.redraw();
  });
  var cut = panes.loss.cut, lost = panes.loss.lost;
  $("cut").textContent = lost ? (lost === 1 ? "One curve lies" : lost + " curves lie") + " wholly above the edge: \u201call values\u201d shows " + (lost === 1 ? "it." : "them.")
    : cut ? "The highest values of " + (cut === 1 ? "one run are" : cut + " runs are") + " above the edge: \u201call values\u201d shows them." : "";
}

// Where we look. Following means: up to the latest step, as it comes.
function extent() {
  var last = 1;
  shown().forEach(function (run) { last = Math.max(last, run.step, run.state === "running" && run.id === state.chosen && run.horizon ? run.horizon - 1 : 0); });
  if (previewed && previewed.n) last = Math.max(last, previewed.from + previewed.x[previewed.n - 1]);
  return { first: 0, last: last };
}

function look(first, last, follow) {
  var whole_ = extent(), span = Math.max(last - first, 4), most = (whole_.last - whole_.first) * 1.02 + 4;
  if (span > most) { span = most; first = whole_.first; }
  first = Math.max(whole_.first - .25 * span, Math.min(first, whole_.last - .75 * span));
  state.view = { first: first, last: first + span };
  state.follow = follow;
  $("reset").disabled = follow;
  Object.values(panes).forEach(function (pane) { pane.redraw(); });
  refine();
}

function wholeRun() { var all = extent(); look(all.first, all.last, true); }
function pan(share) { var span = state.view.last - state.view.first; look(state.view.first + share * span, state.view.last + share * span, false); }
function zoom(by, at) {
  var view = state.view, span = view.last - view.first, centre = at === undefined ? view.first + span / 2 : at;
  look(centre - (centre - view.first) * by, centre + (view.last - centre) * by, false);
}
