// Painting lines: onto a canvas of its own, some thousands of points a frame, and from there as a picture onto the pane.
// While the window moves the picture moves with it, so a frame costs the same for one run and for a hundred.
var PER_FRAME = 2500, PART = 128;
var DASHES = [[], [7, 4], [2, 3]];

function colour(place) { return token("--s" + place % 8); }

function Painter() {
  this.done = null;      // { canvas, view } as it is shown
  this.job = null;
  this.spare = null;     // the canvas before that, to be painted next
}

// lines: [{ x, y, from, ink, dash, alpha, width, dots }]; view: { first, last, low, high, log, width, height, ratio }
Painter.prototype.paint = function (lines, view, finished) {
  this.cancel();
  var total = lines.reduce(function (sum, line) { return sum + line.x.length; }, 0);
  var job = { canvas: this.spare || document.createElement("canvas"), lines: lines, at: 0, view: view };
  var width = Math.max(1, Math.round(view.width * view.ratio)), height = Math.max(1, Math.round(view.height * view.ratio));
  this.spare = null;
  job.context = job.canvas.getContext("2d");
  if (job.canvas.width !== width || job.canvas.height !== height) {
    job.canvas.width = width;
    job.canvas.height = height;
  } else {
    job.context.setTransform(1, 0, 0, 1, 0, 0);
    job.context.clearRect(0, 0, width, height);
  }
  job.context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  var self = this;
  this.job = job;
  function some() {
    if (self.job !== job) return;
    var left = PER_FRAME;
    while (job.at < lines.length && left > 0) {
      stroke(job.context, lines[job.at], view);
      left -= lines[job.at].x.length + 50;
      job.at++;
    }
    if (job.at < lines.length) { job.timer = requestAnimationFrame(some); return; }
    self.job = null;
    self.spare = self.done && self.done.canvas;
    self.done = { canvas: job.canvas, view: view };
    finished();
  }
  if (total <= PER_FRAME) some(); else job.timer = requestAnimationFrame(some);
};

Painter.prototype.cancel = function () {
  if (this.job) {
    cancelAnimationFrame(this.job.timer);
    this.spare = this.job.canvas;
  }
  this.job = null;
};

// The picture, where its window lies in the one shown now.
Painter.prototype.show = function (context, box, now) {
  if (!this.done || this.done.view.log !== now.log) return;
  var was = this.done.view, high = scaled(now.high, now.log), low = scaled(now.low, now.log);
  var across = box.width / (now.last - now.first), up = box.height / (high - low);
  var x = box.left + (was.first - now.first) * across, width = (was.last - was.first) * across;
  var y = box.top + (high - scaled(was.high, was.log)) * up, height = (scaled(was.high, was.log) - scaled(was.low, was.log)) * up;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.imageSmoothingEnabled = false;   // it stands still a moment later, and is painted anew
  context.drawImage(this.done.canvas, x, y, width, height);
  context.restore();
};

function scaled(value, log) { return log ? Math.log10(Math.max(value, 1e-300)) : value; }

function stroke(context, line, view) {
  var across = view.width / (view.last - view.first), high = scaled(view.high, view.log);
  var up = view.height / (high - scaled(view.low, view.log)), shift = line.from - view.first;
  var n = line.x.length, cap = 4 * view.height;
  context.strokeStyle = context.fillStyle = line.ink;
  context.globalAlpha = line.alpha;
  context.lineWidth = line.width;
  context.lineJoin = "bevel";
  context.setLineDash(line.dash || []);
  context.beginPath();
  for (var i = 0; i < n; i++) {
    var x = (line.x[i] + shift) * across;
    var y = (high - (view.log ? Math.log10(Math.max(line.y[i], 1e-300)) : line.y[i])) * up;
    if (y > cap) y = cap; else if (y < -cap) y = -cap;
    if (i) context.lineTo(x, y); else context.moveTo(x, y);
    if (i % PART === PART - 1) {   // long paths that cross themselves are slow to fill
      context.stroke();
      context.beginPath();
      context.moveTo(x, y);
    }
  }
  context.stroke();
  context.setLineDash([]);
  if (line.dots) {
    context.globalAlpha = Math.min(1, line.alpha + .2);
    for (i = 0; i < n; i++) {
      x = (line.x[i] + shift) * across;
      y = (high - scaled(line.y[i], view.log)) * up;
      context.beginPath();
      context.arc(x, y, line.width + .9, 0, 6.3);
      context.fill();
    }
  }
}
