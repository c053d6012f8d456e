"""Whoever looks on sees what was logged and nothing else, in memory that is bounded, whatever stands in the file."""

import json
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.records.live import RECORD, Event, Header, Recorder, Tail
from calando.records.live.growing import Growing
from calando.records.logs import read_logs


def line(step: int, **numbers: object) -> bytes:
    return json.dumps({"s": step, "w": 1.0, "m": numbers}).encode() + b"\n"


def file(folder: Path, *parts: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / RECORD).write_bytes(b"".join((Header("a").line().encode() + b"\n", *parts)))
    return folder


def test_it_sees_each_line_once_as_it_comes(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert (bool(tail.poll()), tail.state) == (False, "waiting")
    recorder = Recorder(tmp_path, Header("live", horizon=5))
    for step in range(5):
        recorder.log(step, {"loss": float(step)})
        assert tail.poll().numbers == {"loss": ([step], [float(step)])}
    assert not tail.poll()
    assert (tail.state, tail.horizon, tail.last, tail.name) == ("running", 5, 4, "live")
    recorder.event(Event(4, "ended", {"status": "done"}))
    assert [event.kind for event in tail.poll().events] == ["ended"]
    assert tail.state == "ended"
    recorder.close()


def test_a_line_in_two_parts_is_read_when_it_is_whole(tmp_path: Path) -> None:
    whole = line(0, loss=1.0)
    folder = file(tmp_path, whole[:9])
    tail = Tail(folder)
    assert not tail.poll().numbers
    with (folder / RECORD).open("ab") as end:
        end.write(whole[9:])
    assert tail.poll().numbers == {"loss": ([0], [1.0])}
    assert tail.problems == []


def test_a_resumed_run_takes_the_place_of_what_it_gave_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header("a"))
    tail = Tail(tmp_path)
    for step in range(10):
        recorder.log(step, {"loss": 1.0})
    tail.poll()
    recorder.event(Event(5, "resumed", {"from": 6, "horizon": 20}))
    recorder.log(6, {"loss": 2.0})
    news = tail.poll()
    assert (news.since, news.numbers) == (6, {"loss": ([6], [2.0])})
    assert tail.columns["loss"].values.tolist() == [1.0] * 6 + [2.0]
    assert (tail.last, tail.horizon) == (6, 20)
    late = Tail(tmp_path)
    late.poll()
    assert late.columns["loss"].values.tolist() == [1.0] * 6 + [2.0]
    recorder.close()


def test_another_record_in_the_same_place_is_read_afresh(tmp_path: Path) -> None:
    tail = Tail(file(tmp_path, line(0, a=1.0), line(1, a=1.0)))
    tail.poll()
    (tmp_path / RECORD).unlink()
    file(tmp_path, line(0, b=1.0))
    assert tail.poll().fresh
    assert list(tail.columns) == ["b"]


def test_what_is_no_line_of_a_record_is_passed_over_and_named(tmp_path: Path) -> None:
    bad = [
        b"\xff\xfe\x00garbage\n",
        b"[" * 50_000 + b"\n",
        b"17\n",
        b'{"s":true,"w":1,"m":{"a":1}}\n',
        b'{"s":1e999,"w":1,"m":{}}\n',
        b'{"s":-2,"w":1,"m":{"a":1}}\n',
        b'{"s":9007199254740993,"w":1,"m":{"a":1}}\n',
        b'{"s":1,"w":"soon","m":{"a":1}}\n',
        b'{"s":1,"w":1,"event":"ended"}\n',
        b'{"s":1,"w":1,"m":{"a":[1],"b":true,"c":"0.5"}}\n',
        b'{"calando":1,"kind":"record"}\n',
        b"x" * 3_000_000 + b"\n",
    ]
    tail = Tail(file(tmp_path, line(0, a=1.0), *bad, line(1, a=2.0)))
    tail.poll()
    assert tail.columns["a"].values.tolist() == [1.0, 2.0]
    assert len(tail.problems) + tail.unlisted >= len(bad)
    assert all(len(str(problem)) < 500 for problem in tail.problems)


def test_a_name_too_many_and_steps_that_go_back_are_left_out(tmp_path: Path) -> None:
    many = {f"n{number}": 1.0 for number in range(1000)}
    tail = Tail(file(tmp_path, line(5, **many), line(3, n0=7.0), line(5, n0=8.0), line(6, **{"x" * 1000: 1.0})))
    tail.poll()
    assert len(tail.columns) == 256
    assert tail.columns["n0"].values.tolist() == [8.0]
    assert any("after step 5" in problem.what for problem in [*tail.problems]) or tail.unlisted


def test_a_line_logged_twice_counts_once_also_across_polls(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header("a"))
    tail = Tail(tmp_path)
    recorder.log(0, {"loss": 1.0})
    tail.poll()
    recorder.log(0, {"loss": 2.0})
    recorder.log(0, {"loss": 3.0})
    tail.poll()
    recorder.close()
    assert tail.columns["loss"].values.tolist() == [3.0]


def test_huge_records_are_read_in_bounded_memory(tmp_path: Path) -> None:
    folder = file(tmp_path, *(line(step, loss=step % 17) for step in range(60_000)), b"y" * 8_000_000)
    tail = Tail(folder, points=1000)
    tracemalloc.start()
    try:
        while tail.poll(blocks=1).more:
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    column = tail.columns["loss"]
    assert len(column) <= 1000
    assert (column.values.min(), column.values.max(), tail.last) == (0, 16, 59_999)
    assert tail.thinned
    assert peak < 30e6


def test_events_are_bounded_and_the_newest_are_kept(tmp_path: Path) -> None:
    event = b'{"s":%d,"w":1,"event":{"kind":"note"}}\n'
    tail = Tail(file(tmp_path, *(event % step for step in range(25_000))))
    tail.poll()
    assert len(tail.events) <= 10_000
    assert tail.events[-1].step == 24_999


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(1, 60))
def test_any_bytes_in_any_portions_are_read_alike(parts: list[bytes], size: int) -> None:
    text = Header("a").line().encode() + b"\n" + b"".join(p + b"\n" + line(i, a=1.0) for i, p in enumerate(parts))
    whole, by_parts = Tail("nowhere"), Tail("nowhere")
    whole.feed(text)
    for start in range(0, len(text), size):
        by_parts.feed(text[start : start + size])
    assert whole.columns.keys() == by_parts.columns.keys()
    for name, column in whole.columns.items():
        assert np.array_equal(column.values, by_parts.columns[name].values, equal_nan=True)
    assert len(whole.columns["a"]) >= 1 if parts else True


@given(st.integers(16, 200), st.lists(st.floats(), min_size=1, max_size=2000))
def test_thinning_keeps_order_bounds_and_the_newest(most: int, values: list[float]) -> None:
    column = Growing(most)
    column.extend(list(range(len(values))), values)
    assert len(column) <= most
    assert (np.diff(column.steps) > 0).all()
    assert column.last == len(values) - 1
    known = np.array(values)
    finite = known[np.isfinite(known)]
    kept = column.values[np.isfinite(column.values)]
    if finite.size and len(values) <= most:
        assert np.array_equal(column.values, known, equal_nan=True)
    if finite.size:
        assert (kept.max(), kept.min()) == (finite.max(), finite.min())
    assert np.isnan(known).any() == np.isnan(column.values).any()


def test_a_run_on_another_machine_runs_until_it_is_silent(tmp_path: Path) -> None:
    import time

    header = Header("far", host="elsewhere", pid=1).line().encode() + b"\n"
    for age, state in ((5.0, "running"), (500.0, "lost")):
        said = {"s": 0, "w": time.time() - age, "m": {"a": 1.0}}
        (tmp_path / RECORD).write_bytes(header + json.dumps(said).encode() + b"\n")
        tail = Tail(tmp_path)
        tail.poll()
        assert tail.state == state


def test_a_process_that_is_gone_leaves_a_lost_run(tmp_path: Path) -> None:
    code = "import os,sys; from calando.records.live import *; Recorder(sys.argv[1], Header('a')); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    tail = Tail(tmp_path)
    tail.poll()
    assert tail.state == "lost"


@pytest.mark.parametrize("packed", [False, True])
def test_logs_have_the_record_with_steps_counted_as_made(tmp_path: Path, packed: bool) -> None:
    import gzip

    import calando

    schedule = calando.linear_decay().bind(10)
    header = Header("a", schedule=json.loads(schedule.to_json()), peak=0.5, horizon=10, meta={"seed": 3})
    recorder = Recorder(tmp_path / "run", header)
    for step in range(4):
        recorder.log(step, {"train_loss": 4.0 - step, "lr": 0.5 * schedule(step)})
    recorder.event(Event(1, "resumed", {"from": 2}))
    recorder.log(2, {"train_loss": float("nan"), "lr": 0.5 * schedule(2)})
    recorder.close()
    place = tmp_path / "run"
    if packed:
        place = tmp_path / "packed.gz"
        place.write_bytes(gzip.compress((tmp_path / "run" / RECORD).read_bytes()))
    (log,) = read_logs(place)
    assert (log.kind, log.name, log.loss, log.lr) == ("record", "a", "train_loss", "lr")
    assert log.columns["train_loss"].steps.tolist() == [1, 2, 3]
    assert log.diverged == 3
    assert {name: log.meta[name] for name in ("plan", "peak", "horizon", "seed")} == {
        "plan": "linear_decay()", "peak": 0.5, "horizon": 10, "seed": 3,
    }  # fmt: skip
    assert log.rates(3).tolist() == [0.5, 0.45, 0.4]


def test_a_record_garbled_anywhere_is_a_log_or_an_error_of_ours(tmp_path: Path) -> None:
    from tests.records.logs.test_damage import asked_everything

    recorder = Recorder(tmp_path / "run", Header("a", horizon=40))
    for step in range(-1, 40):
        recorder.log(step, {"train_loss": 3.0 / (step + 2), "val_loss": 3.5 / (step + 2), "lr": 0.1})
    recorder.close()
    whole = (tmp_path / "run" / RECORD).read_bytes()
    chance, read = random.Random(0), 0
    for _ in range(120):
        content = bytearray(whole[: chance.randrange(len(whole))] if chance.random() < 0.5 else whole)
        for _ in range(chance.randrange(6) if content else 0):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / RECORD).write_bytes(bytes(content))
        read += asked_everything(tmp_path / "b" / RECORD) is not None
    assert read > 60
