// Asking the server. The token came in the address; it is taken out of it and goes into a header of every request.
var TOKEN = new URLSearchParams(location.search).get("token") || "";
sessionStorage.setItem("calando-token", TOKEN);
history.replaceState(null, "", "/");

function ask(path, given) {
  var options = { headers: { Authorization: "Bearer " + TOKEN }, cache: "no-store", referrerPolicy: "no-referrer", signal: given && given.signal };
  if (given && given.body) {
    options.method = "POST";
    options.body = JSON.stringify(given.body);
    options.headers["Content-Type"] = "application/json";
  }
  return fetch(path, options).then(function (answer) {
    if (answer.ok) return answer;
    return answer.json().catch(function () { return {}; }).then(function (said) {
      throw Object.assign(new Error(said.error ? said.error.given : "status " + answer.status), { told: said.error, status: answer.status });
    });
  });
}

function askJson(path, given) { return ask(path, given).then(function (answer) { return answer.json(); }); }

// Curves of a window: a head in JSON, then x (counted from the window's first step) and y of each, in single precision.
function askCurves(window_, signal) {
  var query = window_.runs.map(function (run) { return "run=" + encodeURIComponent(run); })
    .concat(window_.names.map(function (name) { return "name=" + encodeURIComponent(name); }))
    .concat(["from=" + window_.first, "to=" + window_.last, "px=" + window_.pixels, "means=" + (window_.means ? 1 : 0)]);
  return ask("/api/curves?" + query.join("&"), { signal: signal }).then(function (answer) { return answer.arrayBuffer(); }).then(function (body) {
    var length = new DataView(body).getUint32(0, true);
    var head = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length)));
    var at = 4 + length;
    head.curves.forEach(function (curve) {
      curve.x = new Float32Array(body, at, curve.n);
      curve.y = new Float32Array(body, at + 4 * curve.n, curve.n);
      curve.from = head.first;
      at += 8 * curve.n;
    });
    return head;
  });
}

// The stream of changes, read by fetch so that the token stays in a header; taken up again when it breaks off.
function listen(heard, told) {
  function hear(text) {   // one message that trips us is not the last one
    try { heard(JSON.parse(text)); } catch (error) { console.info("calando watch: " + error.message); }
  }
  var wait = 500, timer = 0;
  function again(why) {
    told(false, why);
    setTimeout(begin, wait);
    wait = Math.min(wait * 1.6, 8000);
  }
  function begin() {
    var control = new AbortController();
    function alive() { clearTimeout(timer); timer = setTimeout(function () { control.abort(); }, 25000); }
    alive();
    ask("/api/stream", { signal: control.signal }).then(function (answer) {
      var reader = answer.body.getReader(), decoder = new TextDecoder(), rest = "";
      wait = 500;
      told(true);
      function on() {
        return reader.read().then(function (part) {
          if (part.done) throw new Error("the server has stopped");
          alive();
          var lines = (rest + decoder.decode(part.value, { stream: true })).split("\n\n");
          rest = lines.pop();
          lines.forEach(function (line) { if (line.startsWith("data: ")) hear(line.slice(6)); });
          return on();
        });
      }
      return on();
    }).catch(function (error) {
      clearTimeout(timer);
      if (error.status === 401) { told(false, "this page's token is no longer good: open the new address from the terminal"); return; }
      again(error.status ? error.message : "no connection; is calando watch still running?");
    });
  }
  begin();
}
