// Steering: a command goes into the run's inbox; what became of it comes back with the record's events.
var READY = [["cooldown 10%", "Cool down, 10 %"], ["scale 0.5", "Half the LR"], ["extend 20%", "20 % longer"], ["undo", "Undo"]];
var sent = null, previewed = null, wanted = "";
var previewSoon = after(180, preview);

// What a command would bring, drawn before it is sent.
function want(text) { wanted = text; if (text) previewSoon(); else unpreview(); }

function preview() {
  var id = state.chosen, text = wanted;
  if (!text || !id) return;
  askJson("/api/run/" + encodeURIComponent(id) + "/preview", { body: { text: text } }).then(function (told) {
    if (text !== wanted || id !== state.chosen) return;
    previewed = { run: id, name: PREVIEW, n: told.x.length, x: new Float32Array(told.x.map(function (x) { return x - told.step; })), y: new Float32Array(told.y), from: told.step };
    said(told.text + ": from step " + whole(told.step) + (told.horizon === told.before ? "" : ", ends at " + whole(told.horizon) + " in place of " + whole(told.before)), "");
    drawPreview();
  }).catch(function (error) {
    if (text !== wanted) return;
    previewed = null;
    said(error.told ? error.told.given + "; allowed: " + error.told.allowed : error.message, "bad");
    drawPreview();
  });
}

function unpreview() {
  wanted = "";
  var was = previewed;
  previewed = null;
  if (was) drawPreview();
  if (detailsOf && detailsOf.parts.steer.firstChild) { said("", ""); if (sent) answered(); else detailsSoon(); }
}

function drawPreview() {
  if (state.follow) wholeRun();
  if (CURVES.head) take(CURVES.head);
}

function said(text, tone) {
  var node = detailsOf && detailsOf.parts.steer.querySelector(".said");
  if (node) { set(node, text); node.className = "said " + tone; }
}

function steering(put, told) {
  if (told.kind !== "record") { fill(put); return; }
  if (!put.firstChild) {
    var buttons = READY.map(function (pair) { return el("button", { type: "button", "data-command": pair[0], title: pair[0], text: pair[1], on: { click: function () { command(pair[0]); }, pointerenter: function (event) { if (event.pointerType === "mouse") want(pair[0]); }, focus: function () { want(pair[0]); }, pointerleave: function () { want(""); }, blur: function () { want(""); } } }); });
    buttons.push(el("button", { type: "button", class: "stop", "data-command": "stop", text: "Stop", on: { click: function () { if (confirm("Stop this run after its next update?")) command("stop"); } } }));
    var input = el("input", { id: "command", placeholder: "cooldown 2000 cosine", "aria-label": "Command", maxlength: "200", autocomplete: "off", spellcheck: "false", autocapitalize: "off", on: { input: function () { want(input.value.trim()); }, blur: function () { want(""); } } });
    var form = el("form", { on: { submit: function (event) { event.preventDefault(); if (input.value.trim()) command(input.value.trim(), input); } } }, input, el("button", { text: "Send" }));
    fill(put, el("h3", { text: "Steer" }), el("div", { class: "buttons" }, buttons), form, el("p", { class: "said", role: "status" }));
  }
  var can = told.steer.can;
  put.querySelectorAll("button, input").forEach(function (node) { node.disabled = can === "nothing" || (can === "stop" && node.dataset.command !== "stop"); });
  put.querySelector("form").hidden = can !== "all";
  put.querySelector(".buttons").hidden = can === "nothing";   // dead buttons tell nobody anything
  answer(put, told);
}

function command(text, input) {
  var id = state.chosen, run = state.runs.get(id);
  unpreview();
  sent = { run: id, text: text, at: Date.now(), state: "sending" };
  answered();
  askJson("/api/run/" + encodeURIComponent(id) + "/command", { body: { text: text, revision: run.revision } }).then(function (told) {
    sent.id = told.id;
    sent.state = "sent";
    if (input) input.value = "";
    answered();
    fetchDetails();
  }).catch(function (error) {
    sent.state = error.told ? "failed" : "unsent";
    sent.why = error.told ? error.told.given + (error.told.fix ? ". " + error.told.fix : "") : error.status ? error.message : "no connection; is calando watch still running?";
    answered();
  });
}

function answered() {
  if (detailsOf && detailsOf.id === sent.run) answer(detailsOf.parts.steer, null);
}

function answer(put, told) {
  var node = put.querySelector(".said");
  if (!node) return;
  if (told && sent && sent.run === told.id && sent.id) {
    var event = told.events.slice().reverse().find(function (one) { return one.id === sent.id; });
    if (event) { sent.state = event.kind; sent.step = event.step; sent.why = event.reason || ""; }
  }
  if (wanted) return;
  var mine = sent && (!told || sent.run === told.id) && sent.run === state.chosen, text = "", tone = "";
  if (mine && sent.state === "sending") text = "sending " + sent.text;
  else if (mine && sent.state === "sent" && state.runs.get(sent.run) && state.runs.get(sent.run).state === "lost") {
    text = sent.text + " was not taken: the run was gone before its next update. It waits in the run's inbox";
    tone = "bad";
  } else if (mine && sent.state === "sent") text = "sent: " + sent.text + "; the run takes it at its next update";
  else if (mine && sent.state === "applied") { text = sent.text + " is in force from step " + whole(sent.step); tone = "good"; }
  else if (mine && (sent.state === "refused" || sent.state === "failed")) { text = sent.text + " was refused: " + sent.why; tone = "bad"; }
  else if (mine && sent.state === "unsent") { text = sent.text + " was not sent: " + sent.why; tone = "bad"; }
  else if (told && told.steer.why) text = told.steer.why;
  else if (!told) return;
  set(node, text);
  node.className = "said " + tone;
}
