"""What the page asks for: the board, one run, curves of a window, news within a second, commands, previews."""

import json
import socket
import struct
import time

import pytest

import calando
from calando.records.live import Event, Inbox
from tests.watch.serve.served import HORIZON, PEAK, PLAN, Client, ended, record, serving


@pytest.fixture
def recorder(tmp_path):
    made = record(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server(tmp_path, recorder):
    with serving(tmp_path) as server:
        while not server.board.runs or next(iter(server.board.runs.values())).last < 0:
            time.sleep(0.01)
        yield server


@pytest.fixture
def client(server):
    return Client(server)


def curves(body: bytes) -> tuple[dict, dict[str, list[tuple[float, float]]]]:
    length = struct.unpack("<I", body[:4])[0]
    head, at, found = json.loads(body[4 : 4 + length]), 4 + length, {}
    for curve in head["curves"]:
        numbers = struct.unpack(f"<{2 * curve['n']}f", body[at : at + 8 * curve["n"]])
        found[curve["name"]] = list(zip(numbers[: curve["n"]], numbers[curve["n"] :], strict=True))
        at += 8 * curve["n"]
    assert at == len(body)
    return head, found


def test_the_board_says_what_each_run_is_doing(client):
    told = client.json("/api/board")
    (run,) = told["runs"]
    assert (run["name"], run["state"], run["step"], run["horizon"], run["steer"]["can"]) == (
        "first",
        "running",
        199,
        HORIZON,
        "all",
    )
    assert dict(zip((name for name, _ in run["names"]), run["last"], strict=True))["lr"] == pytest.approx(
        PEAK * calando.parse(PLAN).bind(HORIZON)(199)
    )


def test_curves_of_a_window_are_the_points_that_were_logged(client):
    _, _, body = client.ask("/api/curves?run=r1&name=lr&name=train_loss&name=nothing&from=50&to=60&px=400")
    head, found = curves(body)
    assert set(found) == {"lr", "train_loss"}
    assert head["last"] == 199
    assert [50 + x for x, _ in found["train_loss"]] == list(range(49, 62))
    assert found["train_loss"][1][1] == pytest.approx(2.0 / 2 + 0.01 * (50 % 7), rel=1e-6)


def test_smooth_curves_are_means_and_rates_stay_as_they_were(client):
    _, _, body = client.ask("/api/curves?run=r1&name=train_loss&name=lr&from=0&to=199&px=16&means=1")
    _, found = curves(body)
    assert len(found["train_loss"]) == 16
    first = [2.0 / (1 + t / 50) + 0.01 * (t % 7) for t in range(13)]  # the first sixteenth of the window
    assert found["train_loss"][0] == (pytest.approx(6.0), pytest.approx(sum(first) / 13, rel=1e-6))
    plan = calando.parse(PLAN).bind(HORIZON)
    assert all(rate == pytest.approx(PEAK * plan(int(step)), rel=1e-6) for step, rate in found["lr"])


def test_a_new_line_is_news_within_a_second(server, recorder):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        head = f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        line.sendall(f"{head}Authorization: Bearer {server.token}\r\n\r\n".encode())
        heard = b""
        while b'"step": 199' not in heard:
            heard += line.recv(65536)
        waits = []
        for step in range(200, 205):
            time.sleep(0.13)
            began = time.monotonic()
            recorder.log(step, {"train_loss": 1.0, "lr": 0.1})
            while f'"step": {step}'.encode() not in heard:
                heard = heard[-2000:] + line.recv(65536)
            waits.append(time.monotonic() - began)
    assert sorted(waits)[2] < 1.0


def test_a_command_reaches_the_runs_inbox_in_the_pages_name(client, recorder):
    status, told = client.post("/api/run/r1/command", {"text": " cooldown  10% cosine", "revision": 0})
    assert status == 200
    (heard,) = Inbox(recorder.folder).poll()
    assert (heard.command.id, heard.command.text, heard.command.by, heard.command.revision) == (
        told["id"], "cooldown 10% cosine", "page", 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["explode", "cooldown", "scale -1", "scale 0.5 please", "stop now", "<b>", "cooldown 10% square"]
)
def test_a_command_that_is_none_is_refused_before_it_is_sent(client, recorder, text):
    status, told = client.post("/api/run/r1/command", {"text": text, "revision": 0})
    assert status in (404, 422)
    assert told["error"]["allowed"]
    assert Inbox(recorder.folder).poll() == []


def test_what_a_command_would_bring_is_shown_before_it_is_sent(client, recorder):
    status, told = client.post("/api/run/r1/preview", {"text": "cooldown 100"})
    assert status == 200
    assert (told["step"], told["horizon"], told["before"]) == (200, 300, HORIZON)
    now = PEAK * calando.parse(PLAN).bind(HORIZON)(200)
    assert told["y"][0] == pytest.approx(now)
    assert told["y"][50] == pytest.approx(now / 2)
    assert Inbox(recorder.folder).poll() == []
    status, told = client.post("/api/run/r1/preview", {"text": "scale 100"})
    assert status == 422
    assert "force" in told["error"]["fix"]


def test_what_was_changed_already_counts_in_a_preview(client, recorder, server):
    recorder.event(Event(200, "applied", {"id": "a", "text": "scale 0.5", "revision": 1}))
    while server.board.runs["r1"].facts.revision < 1:
        time.sleep(0.05)
    _, halved = client.post("/api/run/r1/preview", {"text": "scale 0.5"})
    plan = calando.parse(PLAN).bind(HORIZON)
    assert halved["y"][0] == pytest.approx(PEAK * 0.25 * plan(200))
    _, undone = client.post("/api/run/r1/preview", {"text": "undo"})
    assert undone["y"][0] == pytest.approx(PEAK * plan(200))


def test_a_run_of_a_study_may_only_be_stopped(tmp_path):
    recorder = record(tmp_path)
    with serving(tmp_path) as server:
        client = Client(server)
        run = server.board.runs["r1"]
        run.study = True
        while run.last < 0:
            time.sleep(0.01)
        status, told = client.post("/api/run/r1/command", {"text": "scale 0.5"})
        assert status == 422
        assert "fair comparison" in told["error"]["fix"]
        assert client.post("/api/run/r1/command", {"text": "stop"})[0] == 200
    recorder.close()


def test_looking_only_sends_nothing(tmp_path, recorder):
    with serving(tmp_path, steering=False) as server:
        status, told = Client(server).post("/api/run/r1/command", {"text": "stop"})
        assert status == 422
        assert "--no-steering" in told["error"]["fix"]
    assert Inbox(recorder.folder).poll() == []


def test_a_run_that_is_over_takes_no_commands(tmp_path):
    ended(record(tmp_path, "over"))
    with serving(tmp_path) as server:
        while server.board.runs["r1"].last < 0:
            time.sleep(0.01)
        status, told = Client(server).post("/api/run/r1/command", {"text": "stop"})
    assert status == 422
    assert told["error"]["fix"] == "It is over."


def test_a_question_is_answered_while_long_records_are_being_read(tmp_path):
    record(tmp_path, "small").close()
    long_ = record(tmp_path, "long", steps=2)
    row = '{"s":%d,"w":1.0,"m":{"train_loss":1.0,"lr":0.1}}\n'
    long_.close()
    with long_.path.open("a", encoding="utf-8") as file:
        file.writelines(row % step for step in range(2, 400_000))
    with serving(tmp_path) as server:
        waits = []
        for _ in range(8):
            began = time.monotonic()
            Client(server).json("/api/board")
            waits.append(time.monotonic() - began)
        assert sorted(waits)[4] < 1.0
