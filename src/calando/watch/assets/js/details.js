// The chosen run in full: where it is, its numbers, what the curves say, what was decided. Texts stay texts.
var detailsOf = null, detailsBusy = false, detailsAgain = false;
var detailsSoon = after(150, fetchDetails);

function fetchDetails() {
  var id = state.chosen;
  if (!id) { fill($("details"), empty()); return; }
  if (detailsBusy) { detailsAgain = true; return; }
  detailsBusy = true;
  askJson("/api/run/" + encodeURIComponent(id)).then(function (told) {
    if (told.id === state.chosen) show(told);
  }).catch(function () {}).then(function () {
    detailsBusy = false;
    if (detailsAgain) { detailsAgain = false; fetchDetails(); }
  });
}

function empty() {
  return el("div", { class: "empty" }, el("h2", { text: "Nothing to see yet" }),
    el("p", { text: "No run, study or log was found" + (state.title ? " in " + state.title : "") + ". A run appears here as soon as it begins:" }),
    el("code", { text: "with calando.watch(\"first\", scheduler=scheduler) as watched:\n    for batch in loader:\n        ...\n        watched.log(train_loss=loss)" }),
    state.problems.map(function (said) { return el("p", { class: "soft", text: said }); }));
}

// Parts are built once a run and then only their contents change, so that what is typed or opened stays.
function parts() {
  var made = {};
  ["head", "progress", "numbers", "forecast", "findings", "steer", "events", "problems"].forEach(function (name) { made[name] = el("div", { class: "part-" + name }); });
  fill($("details"), Object.values(made));
  return made;
}

function show(told) {
  if (!detailsOf || detailsOf.id !== told.id) detailsOf = { id: told.id, parts: parts(), keys: {} };
  var put = detailsOf.parts;
  once("head", [told.name, told.state, told.kind, told.group, told.why], function () {
    fill(put.head, el("h2", {}, el("span", { class: "name", text: told.name }), el("span", { class: "chip " + told.state, text: told.state })),
      el("p", { class: "soft" }, [told.group ? (told.kind === "log" ? "log: " : "study: ") + told.group : "", told.why].filter(Boolean).join(" · ")));
  });
  progress(put.progress, told);
  once("numbers", [told.last, told.best, told.step], function () { numbers(put.numbers, told); });
  once("forecast", [told.forecast, told.virtual], function () { fill(put.forecast, foretold(told)); });
  once("findings", [told.findings, told.undecided, told.steer.can], function () {
    fill(put.findings, told.findings.length ? [el("h3", { text: "What the curves say" }), el("ul", { class: "findings" }, told.findings.map(function (one) { return finding(one, told.steer.can); }))] : [],
      told.undecided.length ? el("details", { class: "open" }, el("summary", { text: "not decided yet" }), el("ul", { class: "evidence" }, told.undecided.map(function (pair) { return el("li", { text: pair[0] + ": " + pair[1] }); }))) : null);
  });
  steering(put.steer, told);
  once("events", [told.events], function () { fill(put.events, events(told)); });
  once("problems", [told.problems, told.error], function () {
    fill(put.problems, told.error ? [el("h3", { text: "How it failed" }), el("pre", { class: "plan", text: told.error })] : null,
      told.problems.length ? el("details", {}, el("summary", { text: told.problems.length + (told.problems.length === 1 ? " remark" : " remarks") + " on the file" }), el("ul", { class: "evidence" }, told.problems.map(function (said) { return el("li", { text: said }); }))) : null);
  });
}

function once(name, of, make) {
  var key = JSON.stringify(of === undefined ? null : of);
  if (detailsOf.keys[name] === key) return;
  detailsOf.keys[name] = key;
  make();
}

function progress(put, told) {
  var done = told.step + 1, of = told.horizon, running = told.state === "running";
  var said = of ? whole(done) + " of " + whole(of) + " updates · " + (100 * Math.min(done / of, 1)).toFixed(done / of < .1 ? 1 : 0) + " %" : whole(done) + " updates";
  var more = running ? (told.pace ? number(told.pace) + (number(told.pace) === "1" ? " update/s" : " updates/s") : "") : told.heard ? "last heard " + ago(told.heard) : "";
  var end = running && told.left !== null && of ? duration(told.left) + " left, until " + clock(Date.now() / 1000 + told.left) : "";
  var bar = put.querySelector(".progress");
  if (!bar) {
    bar = el("div", { class: "progress", role: "progressbar", "aria-label": "Updates made", "aria-valuemin": "0", "aria-valuemax": "100" }, el("i"));
    fill(put, bar, el("p", { class: "num said" }), el("p", { class: "soft num end" }), el("p", { class: "plan name" }));
  }
  bar.hidden = !of;
  if (of) { bar.firstChild.style.width = Math.min(100, 100 * done / of) + "%"; bar.setAttribute("aria-valuenow", Math.round(Math.min(100, 100 * done / of))); }
  set(put.querySelector(".said"), said);
  set(put.querySelector(".end"), [end, more].filter(Boolean).join(" · "));
  set(put.querySelector(".plan"), told.plan ? told.plan + (told.peak ? " @ " + number(told.peak) : "") : "");
}

function numbers(put, told) {
  var order = told.names.map(function (pair, i) { return { name: pair[0], said: pair[1], value: told.last[i] }; });
  function rank(one) { return one.name === told.metric ? 0 : /loss/.test(one.name) ? 1 : one.name === "lr" ? 2 : 3; }
  order.sort(function (a, b) { return rank(a) - rank(b); });
  fill(put, el("dl", { class: "numbers" }, order.slice(0, 9).map(function (one) {
    var best = one.name === told.metric && told.best ? el("small", { text: "best " + number(told.best.value) + " at " + placed(told.best.step) }) : null;
    return el("div", {}, el("dt", { class: "name", text: one.said, title: one.said }), el("dd", {}, number(one.value), best));
  })));
}

function band(value, low, high) {
  return [el("b", { text: number(value) }), low !== null && low !== undefined && high !== null && high !== undefined ? " (" + number(low) + " to " + number(high) + ")" : ""];
}

function foretold(told) {
  var made = [], f = told.forecast, rows_ = [];
  if (f) {
    made.push(el("h3", { text: "Forecast" }));
    if (f.value === null) made.push(el("p", { class: "soft", text: f.words }));
    else made.push(el("p", { class: "told" }, f.metric + " at the end: ", band(f.value, f.low, f.high), el("span", { class: "soft", text: " " + Math.round(100 * f.level) + " % band, as of step " + whole(f.done - 1) })));
    made = made.concat(f.doubts.slice(0, 3).map(function (said) { return el("p", { class: "soft", text: "less sure: " + said }); }));
    rows_ = f.cooled.map(function (one) { return [whole(one.steps) + " updates", one.value, one.low, one.high, "the law"]; });
  }
  (told.virtual || []).forEach(function (one) { rows_.push([one.steps ? whole(one.steps) + " updates" : "", one.value, one.low, one.high, one.source || ""]); });
  var same = rows_.every(function (one) { return one[0] === rows_[0][0]; });
  if (rows_.length) made.push(el("h3", { text: "If it cooled down now" + (same && rows_[0][0] ? ", over " + rows_[0][0] : "") }), el("table", { class: "cooled num" }, el("tbody", {}, rows_.map(function (one) {
    return el("tr", {}, same ? null : el("th", { scope: "row", text: one[0] }), el("td", { class: "band" }, band(one[1], one[2], one[3])), el("td", { class: "soft name", text: one[4] }));
  }))));
  return made;
}

function finding(one, can) {
  var steps_ = one.changes.filter(function (change) { return change.steer && (can === "all" || (can === "stop" && change.steer === "stop")); });
  return el("li", { class: one.severity }, el("p", {}, el("b", { text: one.title }), one.severity === "good" ? null : el("span", { class: "sure", text: one.certainty })),
    el("p", {}, coded(one.words)),
    one.advice.length ? el("ul", { class: "advice" }, one.advice.map(function (said) { return el("li", {}, coded(said)); })) : null,
    steps_.length ? el("div", { class: "buttons" }, steps_.slice(0, 3).map(function (change) {
      return el("button", { type: "button", text: "do it: " + change.steer, on: { click: function () { command(change.steer); }, pointerenter: function (event) { if (event.pointerType === "mouse") want(change.steer); }, pointerleave: function () { want(""); } } });
    })) : null,
    one.severity === "good" ? null : el("details", {}, el("summary", { text: "why, and on what evidence" }), one.why ? el("p", { class: "evidence" }, coded(one.why)) : null,
      one.evidence.length ? el("ul", { class: "evidence" }, one.evidence.map(function (said) { return el("li", { text: said.text }); })) : null));
}

var BY = bare({ cli: "by hand", page: "from the page" });

function events(told) {
  if (!told.events.length) return [];
  var latest = told.events.filter(function (one) { return one.kind !== "virtual"; }).slice().reverse();
  return [el("h3", { text: "Decisions, by step" }), el("ul", { class: "events" }, latest.slice(0, 100).map(function (one) {
    var what = one.text || one.status || one.title || (one.kind === "resumed" && one.from !== undefined ? "from step " + whole(one.from) : "");
    var by = BY[one.by] || (/^rule:/.test(one.by) ? "by the rule " + one.by.slice(5) : one.by || "");
    return el("li", { class: one.kind }, el("span", { class: "at", text: placed(one.step), title: one.when ? new Date(one.when * 1000).toLocaleString() : "" }),
      el("p", {}, el("b", { text: one.kind }), what ? " " + what : "", by ? el("span", { class: "soft", text: " " + by }) : null, one.reason ? el("span", { class: "soft", text: " – " + one.reason }) : null));
  }))];
}
