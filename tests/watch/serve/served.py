"""Runs to look at, and a client that asks as a browser does, or as one should not."""

import http.client
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import calando
from calando.records.live import Event, Header, Recorder
from calando.watch.serve import Server

HORIZON = 1000
PLAN = "warmup(10%) | cosine()"
PEAK = 0.1
OURS = "the server's own"


def header(name: str, **given: Any) -> Header:
    schedule = json.loads(calando.parse(PLAN).bind(HORIZON).to_json())
    return Header(name, **{"schedule": schedule, "peak": PEAK, "horizon": HORIZON, **given})


def record(folder: Path, name: str = "first", steps: int = 200, **given: Any) -> Recorder:
    """A run that has made some updates and goes on: close it to have it lost."""
    recorder = Recorder(folder / name.replace("/", "_").replace("\0", "_")[:50], header(name, **given))
    schedule = calando.parse(PLAN).bind(HORIZON)
    for step in range(steps):
        numbers = {"train_loss": 2.0 / (1 + step / 50) + 0.01 * (step % 7), "lr": PEAK * schedule(step)}
        if step % 20 == 19:
            numbers["val_loss"] = 2.1 / (1 + step / 50)
        recorder.log(step, numbers, when=1.7e9 + step / 10)
    return recorder


def overfitted(folder: Path, name: str, status: str = "", reason: str = "") -> None:
    """A run whose curves say that it overfits; it ended so, or, without a word, is lost."""
    recorder = Recorder(folder / name, header(name))
    for step in range(700):
        numbers = {"train_loss": 2.3 * math.exp(-step / 50) + 0.01 + 0.002 * (step % 7), "lr": 0.05}
        if step % 20 == 19:
            numbers["val_loss"] = 2.3 * math.exp(-step / 30) + 0.8 + 0.0005 * step
        recorder.log(step, numbers, when=1.7e9 + step / 10)
    if status:
        recorder.event(Event(699, "ended", {"status": status, "reason": reason}))
    recorder.close()


def ended(recorder: Recorder, status: str = "done", reason: str = "") -> None:
    recorder.event(Event(0, "ended", {"status": status, "reason": reason}))
    recorder.close()


@contextmanager
def serving(*places: Path, **given: Any) -> Iterator[Server]:
    server = Server(places, **given)
    server.start()
    try:
        yield server
    finally:
        server.close()


class Client:
    """Asks one thing a connection; headers as given, those of a good client unless told otherwise."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        *,
        bearer: str | None = OURS,
        **headers: str | None,
    ) -> tuple[int, dict[str, str], bytes]:
        said: dict[str, str] = {"Host": f"127.0.0.1:{self.server.port}"}
        if bearer is not None:
            said["Authorization"] = f"Bearer {self.server.token if bearer is OURS else bearer}"
        for key, value in headers.items():
            name = key.replace("_", "-").title()
            said.pop(name, None)
            if value is not None:
                said[name] = value
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in said.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, path: str, **given: Any) -> Any:
        status, _, body = self.ask(path, **given)
        assert status == 200, (status, body[:300])
        return json.loads(body)

    def post(self, path: str, said: Any, **given: Any) -> tuple[int, Any]:
        status, _, body = self.ask(path, "POST", json.dumps(said).encode(), **given)
        return status, json.loads(body)
