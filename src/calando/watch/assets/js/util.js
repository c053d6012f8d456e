// Small things: elements without markup, numbers and times as people write them.
function $(id) { return document.getElementById(id); }

function el(tag, given) {
  var node = document.createElement(tag);
  Object.keys(given || {}).forEach(function (key) {
    if (key === "text") node.textContent = given.text;
    else if (key === "on") Object.keys(given.on).forEach(function (kind) { node.addEventListener(kind, given.on[kind]); });
    else if (given[key] === true) node.setAttribute(key, "");
    else if (given[key] !== false && given[key] !== null && given[key] !== undefined) node.setAttribute(key, given[key]);
  });
  for (var i = 2; i < arguments.length; i++) {
    var child = arguments[i];
    if (child === null || child === undefined || child === false) continue;
    (Array.isArray(child) ? child : [child]).forEach(function (one) {
      if (one !== null && one !== undefined && one !== false) node.append(one);  // a text stays a text
    });
  }
  return node;
}

// A text in which `this` is code.
function coded(text) { return text.split("`").map(function (part, i) { return i % 2 ? el("code", { text: part }) : part; }); }

function fill(node) {
  node.replaceChildren.apply(node, [].slice.call(arguments, 1).flat().filter(function (one) { return one !== null && one !== undefined && one !== false; }));
}

function whole(n) { return typeof n !== "number" ? "–" : Math.round(n).toLocaleString("en-US"); }

// A step; what is logged before the first update stands at -1.
function placed(step) { return step < 0 ? "the start" : whole(step); }

function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (typeof value !== "number") return "–";
  if (value === 0) return "0";
  var size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(size >= 1e6 ? 3 : 2).replace("e+", "e");
  if (Number.isInteger(value) && size < 1e5) return String(value);
  return String(Number(value.toPrecision(4)));
}

function duration(seconds) {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) return "–";
  var s = Math.round(seconds), d = Math.floor(s / 86400), h = Math.floor(s % 86400 / 3600), m = Math.floor(s % 3600 / 60);
  if (d) return d + " d " + h + " h";
  if (h) return h + " h " + m + " min";
  if (m >= 10) return m + " min";
  return m ? m + " min " + s % 60 + " s" : s + " s";
}

function clock(seconds) {
  var then = new Date(seconds * 1000), day = 86400e3;
  var hours = then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === new Date().toDateString()) return hours;
  return Math.abs(then - Date.now()) < 6 * day ? then.toLocaleDateString("en-GB", { weekday: "short" }) + " " + hours
    : then.toLocaleDateString("en-GB", { day: "numeric", month: "short" }) + " " + hours;
}

function ago(seconds) {
  var passed = Date.now() / 1000 - seconds;
  if (passed > 3 * 86400) return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
  return passed < 5 ? "now" : duration(passed) + " ago";
}

// An object without a past: whatever key is asked for, only what was put there is found.
function bare(given) { return Object.assign(Object.create(null), given); }

function token(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function after(wait, work) {
  var timer = 0;
  return function () { clearTimeout(timer); timer = setTimeout(work, wait); };
}

// What all parts know. Nothing is kept of a curve but what is drawn.
var state = {
  runs: new Map(), order: [], hidden: new Set(), chosen: null, filter: "", names: [], picked: null,
  view: { first: 0, last: 1 }, follow: true, log: false, rateLog: null, smooth: null, whole: false, revision: -1, title: "", problems: []
};
