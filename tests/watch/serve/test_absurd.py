"""A record with absurd times, steps or plans costs itself a line, and the runs beside it nothing."""

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calando.records.live import RECORD, Tail
from calando.records.live.even import Even
from calando.watch.foretell import Foreteller
from calando.watch.serve import judge as judging
from calando.watch.serve import told as telling
from calando.watch.serve.board import Board
from calando.watch.serve.told import details, summary
from calando.watch.text import once, read
from tests.watch.serve.served import Client, ended, header, record, serving

TIMES = ['"inf"', "1e999", "-1e999", '"nan"', "1e300", "-5", "1e400", "9" * 400]
NOW = 0.0
"""On another machine, which cannot be asked, a run heard of now counts as running; `now` sets it for each test."""


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "NOW", round(time.time(), 1))


def written(folder: Path, *lines: str, name: str = "odd", **given: Any) -> Path:
    """A record of ten sound lines and those."""
    (folder / name).mkdir(parents=True)
    sound = [f'{{"s":{s},"w":{NOW + s},"m":{{"train_loss":{2 - s / 100},"lr":0.1}}}}' for s in range(10)]
    (folder / name / RECORD).write_text("\n".join([header(name, **given).line(), *sound, *lines, ""]))
    return folder / name


def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    once([folder], as_json=True)
    said = json.loads(capsys.readouterr().out)
    return {run["name"]: run for run in said["runs"]}


@contextmanager
def little_memory(more: int = 3 << 30) -> Iterator[None]:
    """At most so many bytes of addresses more than now."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("when", TIMES)
def test_a_line_of_no_time_is_named_and_passed_over(tmp_path: Path, when: str) -> None:
    tail = Tail(written(tmp_path, f'{{"s":60,"w":{when},"m":{{"val_loss":1}}}}'))
    tail.poll()
    assert (tail.last, tail.heard, "val_loss" in tail.columns) == (9, NOW + 9, False)
    assert any("no time" in str(problem) for problem in tail.problems)


@pytest.mark.parametrize("when", ["1e300", "-5.0", "1e400"])
def test_a_long_stretch_of_lines_of_no_time_is_passed_over_as_well(tmp_path: Path, when: str) -> None:
    lines = [f'{{"s":{s},"w":{when if s == 30 else s},"m":{{"train_loss":1.5,"lr":0.1}}}}' for s in range(10, 60)]
    tail = Tail(written(tmp_path, *lines))
    tail.poll()
    assert tail.heard == NOW + 9
    assert 30 not in tail.columns["lr"].steps
    assert len(tail.columns["lr"]) == 59


@pytest.mark.parametrize("when", TIMES)
def test_a_run_that_began_at_no_time_is_told_with_the_others(
    tmp_path: Path, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = written(tmp_path, f'{{"s":60,"w":{when},"m":{{"val_loss":1}}}}',
                  f'{{"s":60,"w":{when},"event":{{"kind":"note","text":"x"}}}}') / RECORD  # fmt: skip
    odd.write_text(odd.read_text().replace('"began":0.0', f'"began":{when}', 1))
    ended(record(tmp_path, "sound"))
    runs = told(tmp_path, capsys)
    assert runs["odd"]["began"] is None
    assert any("no time" in problem for problem in runs["odd"]["problems"])
    assert runs["sound"]["step"] == 199
    with serving(tmp_path) as server:
        assert len(Client(server).json("/api/board")["runs"]) == 2


@pytest.mark.parametrize("step", [10**8 + 1, 10**10, 10**15, 2**53])
def test_no_step_however_large_takes_memory(tmp_path: Path, step: int, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, f'{{"s":{step},"w":1.8e9,"m":{{"train_loss":1,"lr":0.1}}}}', schedule=None, peak=None)
    ended(record(tmp_path, "sound"))
    with little_memory():
        runs = told(tmp_path, capsys)
        columns = read([tmp_path]).runs["r1"].columns
        found = Foreteller().look(columns, "train_loss", "min", None, None)
    assert set(runs) == {"odd", "sound"}
    assert found is not None
    assert "more than" in found.refused


def test_a_horizon_or_a_resumption_beyond_all_steps_is_passed_over(tmp_path: Path) -> None:
    far = "9" * 400
    tail = Tail(written(
        tmp_path,
        f'{{"s":9,"w":1.8e9,"event":{{"kind":"applied","id":"a","text":"x","horizon":{far}}}}}',
        f'{{"s":9,"w":1.8e9,"event":{{"kind":"resumed","from":{far}}}}}',
        '{"s":9,"w":1.8e9,"event":{"kind":"resumed","from":-7}}',
    ))  # fmt: skip
    tail.poll()
    assert (tail.horizon, tail.last) == (1000, 9)
    assert sum("resumed" in str(problem) for problem in tail.problems) == 2
    json.dumps(summary("r1", next(iter(read([tmp_path]).runs.values()))), allow_nan=False)


@pytest.mark.parametrize("where", ["judge", "foretell", "summary", "details"])
def test_whatever_trips_over_one_run_leaves_the_others_told(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path)
    ended(record(tmp_path, "sound"))
    inner = {"judge": (judging, "seen"), "summary": (telling, "_pace"), "details": (telling, "_virtual")}
    if where == "foretell":
        monkeypatch.setattr(judging.Foreteller, "look", lambda *_: 1 / 0)
    else:
        module, name = inner[where]
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda it: 1 / 0 if _odd(it) else real(it))
    runs = told(tmp_path, capsys)
    assert runs["sound"]["step"] == 199
    assert any(one["title"] for one in runs["sound"]["findings"])
    assert "ZeroDivisionError" in json.dumps(runs["odd"])
    once([tmp_path])
    assert "sound" in capsys.readouterr().out
    with serving(tmp_path) as server:
        ids = {run["name"]: run["id"] for run in Client(server).json("/api/board")["runs"]}
        assert set(ids) == {"odd", "sound"}
        assert Client(server).json(f"/api/run/{ids['odd']}")["name"] == "odd"


def _odd(it: object) -> bool:
    if hasattr(it, "facts"):
        return bool(it.facts.name == "odd")
    return np.asarray(it.steps)[-1] == 9  # type: ignore[attr-defined]


def test_a_pace_that_is_no_number_is_none(tmp_path: Path) -> None:
    lines = ['{"s":0,"w":0,"m":{"a":1}}', '{"s":9007199254740991,"w":1e-320,"m":{"a":1}}']
    (tmp_path / "fast").mkdir()
    (tmp_path / "fast" / RECORD).write_text("\n".join([header("fast").line(), *lines, ""]))
    board = Board([tmp_path])
    board.poll()
    said = details("r1", board.runs["r1"])
    json.dumps(said, allow_nan=False)
    assert said["pace"] is None


@pytest.mark.parametrize("last", ['{"s":5,"w":1,"m":{"a":1}}', '{"s":7000,"w":1e300,"m":{"a":1}}'])
def test_long_stretches_that_cannot_be_taken_whole_are_not_looked_at_again_for_every_line(
    tmp_path: Path, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, real = [], Even.read
    monkeypatch.setattr(Even, "read", lambda self, text, place: looked.append(place) or real(self, text, place))
    lines = [last if last.startswith('{"s":5,') else f'{{"s":{s},"w":1,"m":{{"a":1}}}}' for s in range(10, 6000)]
    tail = Tail(written(tmp_path, *lines, last))
    tail.poll()
    assert 0 < len(looked) < 100


def test_of_very_many_quantities_the_metric_losses_and_rates_are_told_first(tmp_path: Path) -> None:
    many = ",".join(f'"grad/{i:03d}":1' for i in range(200))
    written(tmp_path, f'{{"s":60,"w":{NOW},"m":{{{many},"zeta":1,"val_loss":1}}}}', metric="zeta")
    board = Board([tmp_path])
    board.poll()
    told_ = [plain for plain, _ in summary("r1", board.runs["r1"])["names"]]
    assert told_[:4] == ["zeta", "train_loss", "val_loss", "lr"]
    assert len(told_) == 64


def test_what_a_run_says_of_a_cooldown_is_numbers_or_nothing(tmp_path: Path) -> None:
    said = '{"kind":"virtual","source":["x"],"value":{"a":1},"low":"q","high":true,"steps":1e999}'
    written(tmp_path, f'{{"s":60,"w":{NOW},"event":{said}}}')
    board = Board([tmp_path])
    board.poll()
    (one,) = details("r1", board.runs["r1"])["virtual"]
    assert [one[key] for key in ("value", "low", "high", "steps")] == [None] * 4
    assert isinstance(one["source"], str)


def test_values_near_the_largest_number_are_judged_without_a_warning(tmp_path: Path) -> None:
    lines = [
        f'{{"s":{s},"w":{NOW + s},"m":{{"train_loss":{1e308 * (-1) ** s},"val_loss":-1e308,"lr":1e308}}}}'
        for s in range(10, 200)
    ]
    written(tmp_path, *lines)
    (one, *_) = read([tmp_path]).runs["r1"].findings  # a warning would be an error
    assert one["title"] != "not judged"
