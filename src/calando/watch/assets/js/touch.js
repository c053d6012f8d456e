// Wheel, fingers, and what stands under the pointer.
function wheel(event) {
  event.preventDefault();
  var unit = event.deltaMode === 1 ? 16 : 1, across = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (Math.abs(across) > Math.abs(event.deltaY) || event.shiftKey) { pan(across * unit / 600); return; }
  var over = panes.loss.plot.over.getBoundingClientRect();
  var at = state.view.first + (event.clientX - over.left) / over.width * (state.view.last - state.view.first);
  zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY * unit)) * .0022), at);
}

function fingers(node) {
  var down = new Map(), began = null, moving = false;
  function middle() { var xs = [...down.values()].map(function (p) { return p.x; }); return { x: xs.reduce(function (a, b) { return a + b; }, 0) / xs.length, apart: xs.length > 1 ? Math.max(Math.abs(xs[0] - xs[1]), 20) : 0 }; }
  function start() { began = down.size ? { at: middle(), view: Object.assign({}, state.view) } : null; }
  node.addEventListener("pointerdown", function (event) {
    if (event.pointerType !== "touch") return;
    down.set(event.pointerId, { x: event.clientX });
    start();
  });
  node.addEventListener("pointermove", function (event) {
    if (!down.has(event.pointerId) || !began) return;
    down.set(event.pointerId, { x: event.clientX });
    if (moving) return;
    moving = true;
    requestAnimationFrame(function () {
      moving = false;
      if (!began || !down.size) return;
      var now = middle(), view = began.view, span = view.last - view.first, box = panes.loss.plot.over.getBoundingClientRect();
      var by = began.at.apart && now.apart ? began.at.apart / now.apart : 1;
      if (by === 1 && Math.abs(now.x - began.at.x) < 4) return;
      var held = view.first + (began.at.x - box.left) / box.width * span;
      var first = held - (now.x - box.left) / box.width * span * by;
      look(first, first + span * by, false);
    });
  });
  ["pointerup", "pointercancel"].forEach(function (kind) {
    node.addEventListener(kind, function (event) { down.delete(event.pointerId); start(); });
  });
}

function nearest(curve, step) {
  var low = 0, high = curve.n - 1;
  if (high < 0) return -1;
  while (low < high) {
    var middle_ = (low + high) >> 1;
    if (curve.x[middle_] + curve.from < step) low = middle_ + 1; else high = middle_;
  }
  return low > 0 && step - (curve.x[low - 1] + curve.from) < curve.x[low] + curve.from - step ? low - 1 : low;
}

function hovered(pane, u) {
  var left = u.cursor.left, top = u.cursor.top;
  if (left === null || left < 0 || u.cursor.event === pane.heard || !pane.node.matches(":hover")) return;   // the window moved, not the pointer
  pane.heard = u.cursor.event;
  var step = u.posToVal(left, "x");
  readout(step);
  var best = null, now = pane.now();
  pane.curves.forEach(function (curve) {
    var i = nearest(curve, step);
    if (i < 0) return;
    var dx = (curve.x[i] + curve.from - step) / (now.last - now.first) * now.width;
    if (Math.abs(dx) > 30) return;
    var dy = u.valToPos(curve.y[i], "y") - top, away = Math.abs(dy) + .3 * Math.abs(dx);
    if (away < 26 && (!best || away < best.away)) best = { away: away, curve: curve, i: i };
  });
  var tip = $("tip");
  if (!best || top < 0) { tip.hidden = true; return; }
  var run = state.runs.get(best.curve.run), box = u.over.getBoundingClientRect();
  fill(tip, el("span", { class: "name", text: run ? run.name : "" }), el("br"),
    plain(best.curve.name) + " " + number(best.curve.y[best.i]) + " at " + whole(best.curve.x[best.i] + best.curve.from));
  tip.hidden = false;
  var x = box.left + left + 14, y = box.top + top + 14;
  tip.style.left = Math.max(4, Math.min(x, innerWidth - tip.offsetWidth - 6)) + "px";
  tip.style.top = (y + tip.offsetHeight > innerHeight - 6 ? y - tip.offsetHeight - 28 : y) + "px";
}

function unhovered() { $("tip").hidden = true; readout(null); }

// What the chosen run logged at a step: from what is drawn, which is a real point, the nearest.
function readout(step) {
  var run = state.runs.get(state.chosen), parts = [];
  if (step === null || !run) { $("readout").textContent = ""; return; }
  var at = null;
  Object.values(panes).forEach(function (pane) {
    pane.curves.forEach(function (curve) {
      if (curve.run !== run.id) return;
      var i = nearest(curve, step);
      if (i < 0) return;
      if (at === null) at = curve.x[i] + curve.from;
      parts.push("  ·  " + plain(curve.name) + " ", el("b", { text: number(curve.y[i]) }));
    });
  });
  if (at === null) { $("readout").textContent = ""; return; }
  fill($("readout"), "step ", el("b", { text: whole(at) }), parts);
}
