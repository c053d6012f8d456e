"""The record of a run under way: what was logged stands in the file, whatever becomes of the process or the disk."""

import json
import math
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from calando.errors import BadFile, BadValue, LabError
from calando.records.live import RECORD, Event, Header, Recorder, Tail, read_answered

WRITER = """
import sys
from calando.records.live import Event, Header, Recorder
recorder = Recorder(sys.argv[1], Header("killed"))
print("open", flush=True)
step = 0
while True:
    recorder.log(step, {"train_loss": step / 8, "lr": 0.1})
    if step % 50 == 0:
        recorder.event(Event(step, "note", {"text": "x" * 100}))
    print(step, flush=True)
    step += 1
"""


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / RECORD).read_text().splitlines()]


def test_a_line_stands_in_the_file_before_the_call_returns(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a", Header("a", horizon=10, peak=0.5))
    recorder.log(0, {"train_loss": 2.5, "lr": 0.1}, when=12.3456)
    header, numbers = lines(tmp_path / "a")
    assert (header["calando"], header["kind"], header["horizon"], header["pid"]) == (1, "record", 10, os.getpid())
    assert numbers == {"s": 0, "w": 12.346, "m": {"train_loss": 2.5, "lr": 0.1}}
    recorder.close()


def test_numbers_come_back_to_the_last_bit_and_what_is_not_finite_as_a_text(tmp_path: Path) -> None:
    given = {"a": 0.1 + 0.2, "b": np.float64(1) / 3, "c": math.nan, "d": -math.inf, "e": 5e-324, 'q"\n\u2028': 1}
    with_odd_names = Recorder(tmp_path, Header("odd"))
    with_odd_names.log(3, given)
    with_odd_names.close()
    assert lines(tmp_path)[1]["m"]["c"] == "nan"  # type: ignore[index]
    tail = Tail(tmp_path)
    tail.poll()
    found = {name: float(column.values[0]) for name, column in tail.columns.items()}
    assert {name: value for name, value in found.items() if name != "c"} == {
        name: float(value) for name, value in given.items() if name != "c"
    }
    assert math.isnan(found["c"])
    assert tail.problems == []


def test_a_second_writer_is_refused_and_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    first = Recorder(tmp_path, Header("one"))
    with pytest.raises(LabError, match="another process writes to"):
        Recorder(tmp_path, Header("one"))
    first.close()
    again = Recorder(tmp_path, Header("other"))
    assert again.resumed
    again.close()
    assert [line.get("name") for line in lines(tmp_path)] == ["one"]


def test_a_torn_last_line_stays_by_itself(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header("torn"))
    recorder.log(0, {"loss": 1.0})
    recorder.close()
    whole = (tmp_path / RECORD).read_bytes()
    (tmp_path / RECORD).write_bytes(whole + b'{"s":1,"w":1.0,"m":{"lo')
    again = Recorder(tmp_path, Header("torn"))
    again.log(2, {"loss": 3.0})
    again.close()
    tail = Tail(tmp_path)
    tail.poll()
    assert tail.columns["loss"].steps.tolist() == [0, 2]
    assert [problem.line for problem in tail.problems] == [3]


def test_killed_at_random_moments_it_has_every_line_that_was_logged(tmp_path: Path) -> None:
    chance = random.Random(0)
    for turn in range(6):
        folder = tmp_path / str(turn)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(chance.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            said = [int(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        tail = Tail(folder)
        tail.poll()
        steps = tail.columns["train_loss"].steps.tolist() if tail.columns else []
        assert steps == list(range(len(steps)))
        assert len(steps) >= len(said)
        assert tail.state == "lost"
        assert tail.problems == []


def test_a_full_disk_is_told_and_what_comes_after_it_is_read(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, Header("full"))
    recorder.log(0, {"loss": 1.0})
    size = (tmp_path / RECORD).stat().st_size
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
        with pytest.raises(LabError, match="cannot be written"):
            recorder.log(1, {"loss": 2.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    recorder.log(2, {"loss": 3.0})
    recorder.close()
    tail = Tail(tmp_path)
    tail.poll()
    assert tail.columns["loss"].steps.tolist() == [0, 2]
    assert len(tail.problems) == 1


@pytest.mark.parametrize("data", [{"value": math.nan}, {"object": object()}, {"text": "x" * 2_000_000}])
def test_an_event_is_plain_json_of_a_bounded_size(tmp_path: Path, data: dict[str, object]) -> None:
    recorder = Recorder(tmp_path, Header("a"))
    with pytest.raises(BadValue):
        recorder.event(Event(0, "note", data))
    recorder.close()
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "allowed: a header"),
        (b"[1]", "allowed: a header"),
        (b'{"calando":1,"kind":"schedule"}', "allowed: a header"),
        (b'{"calando":2,"kind":"record"}', "version 2"),
        (b"[" * 100_000, "allowed: a header"),
    ],
)
def test_what_is_no_header_is_refused(line: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        Header.read(line)


def test_a_header_with_strange_values_has_none_of_them() -> None:
    odd = {"name": 5, "peak": "x", "horizon": -3, "mode": "down", "meta": [], "schedule": "cosine()", "pid": True}
    header = Header.read(json.dumps({"calando": 1, "kind": "record", **odd}))
    assert header == Header("")


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot be written"):
        Recorder(tmp_path / "file" / "run", Header("a"))


def test_a_line_of_which_only_the_end_is_missing_was_never_written(tmp_path: Path) -> None:
    """A full disk may leave room for all of an answer but its newline: it was told as failed, and does not rule."""
    recorder = Recorder(tmp_path, Header("full"))
    answer = Event(4, "applied", {"id": "a1", "text": "scale 0.5", "revision": 1}, 1.0)
    os.write(recorder._file, answer.line().encode())
    assert read_answered(tmp_path).applied == []
    recorder._torn = True
    recorder.log(5, {"train_loss": 1.0})
    recorder.close()
    tail = Tail(tmp_path)
    tail.poll()
    assert (read_answered(tmp_path).applied, tail.applied, tail.last, len(tail.problems)) == ([], 0, 5, 1)
