"""The live page lays the finished runs of a board beside each other."""

import time
from pathlib import Path

import pytest

from calando.records.diagnosis import Observed
from calando.records.live import Event, Header, Recorder
from calando.watch.serve.board import Board
from calando.watch.serve.judge import Judge
from calando.watch.serve.laid import Laid
from calando.watch.serve.told import details, seen
from calando.watch.text import read
from tests.records.test_diagnosis_beside import ran
from tests.watch.serve.test_board import searched


def written(folder: Path, name: str, known: Observed, *, ended: bool = True, **given: object) -> Recorder:
    recorder = Recorder(folder / name, Header(name, horizon=known.horizon, **given))
    val = dict(zip(*known.val, strict=True))
    for step, (loss, rate) in enumerate(zip(known.train[1], known.lr[1], strict=True)):
        recorder.log(step, {"train_loss": loss, "lr": rate, **({"val_loss": val[step]} if step in val else {})})
    if ended:
        end(recorder)
    return recorder


def end(recorder: Recorder) -> None:
    recorder.event(Event(599, "ended", {"status": "done"}))
    recorder.close()


def judged(board: Board) -> dict[str, list[str]]:
    """The kinds of what is found in each run once the judge has nothing more to say."""
    judge = Judge(board)
    settle(judge)
    return kinds(board)


def settle(judge: Judge) -> None:
    for _ in range(40):
        judge._rest = judge._laid._due = -1e9
        judge._judged = {name: (changed, -1e9) for name, (changed, _) in judge._judged.items()}
        judge.step()


def kinds(board: Board) -> dict[str, list[str]]:
    return {run.facts.name: [one["kind"] for one in run.findings] for run in board.runs.values()}


def test_of_two_runs_of_a_board_the_cooler_says_that_the_other_was_too_high(tmp_path: Path) -> None:
    written(tmp_path, "hot", ran(0.42, 0.4))
    assert judged(searched(Board([tmp_path]))) == {"hot": ["healthy"]}
    written(tmp_path, "cool", ran(0.31, 0.1, seed=1))
    board = searched(Board([tmp_path]))
    assert judged(board) == {"hot": ["LR too high"], "cool": ["healthy"]}
    (hot,) = [(name, run) for name, run in board.runs.items() if run.facts.name == "hot"]
    (told,) = details(*hot)["findings"]
    assert "Run cool, the same plan at a quarter of the peak, ended at 0.31" in told["words"]
    assert told["evidence"][0]["name"] == "gained by cool"


def test_in_the_terminal_they_are_laid_beside_each_other_too(tmp_path: Path) -> None:
    written(tmp_path, "hot", ran(0.42, 0.4))
    written(tmp_path, "cool", ran(0.31, 0.1, seed=1))
    assert kinds(read([tmp_path])) == {"hot": ["LR too high"], "cool": ["healthy"]}


def test_a_run_that_was_judged_is_judged_again_when_a_neighbour_ends_and_no_other_is(tmp_path: Path) -> None:
    written(tmp_path, "hot", ran(0.42, 0.4))
    written(tmp_path, "else", ran(0.42, 0.4, seed=3, plan="constant()"))
    cool = written(tmp_path, "cool", ran(0.31, 0.1, seed=1), ended=False)
    board = searched(Board([tmp_path]))
    judge = Judge(board)
    settle(judge)
    assert kinds(board)["hot"] == ["healthy"]  # the other one is under way yet
    end(cool)
    searched(board)
    judge._laid._due = -1e9
    ids = {run.facts.name: name for name, run in board.runs.items()}
    assert set(judge._laid.news()) == {ids["hot"], ids["cool"]}
    judge._laid._stamps.clear()
    settle(judge)
    assert kinds(board)["hot"] == ["LR too high"]


def test_runs_of_different_settings_are_not_compared(tmp_path: Path) -> None:
    written(tmp_path, "hot", ran(0.42, 0.4), meta={"batch": 32, "seed": 1, "lr": 0.4})
    written(tmp_path, "cool", ran(0.31, 0.1, seed=1), meta={"batch": 64, "seed": 2, "lr": 0.1})
    assert judged(searched(Board([tmp_path])))["hot"] == ["healthy"]
    written(tmp_path, "same", ran(0.31, 0.1, seed=2), meta={"batch": 32, "seed": 3, "lr": 0.1})
    assert judged(searched(Board([tmp_path])))["hot"] == ["LR too high"]


def test_a_run_is_made_ready_once_and_a_look_costs_next_to_nothing_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(20):
        written(tmp_path, f"run {place}", ran(0.3 + 0.01 * place, 0.01 * 1.5**place, seed=place))
    board = searched(Board([tmp_path]))
    laid = Laid(board)
    while len(laid._made) < 20:
        laid._due = -1e9
        laid.news()
    monkeypatch.setattr("calando.watch.serve.laid.ready", lambda *_: 1 // 0)
    laid._due = -1e9
    began = time.process_time()
    assert laid.news() == []
    assert time.process_time() - began < 0.05
    name, run = next(iter(board.runs.items()))
    began = time.process_time()
    assert laid.beside(name, seen(run)).beside
    assert time.process_time() - began < 0.5
    assert laid.news() == []  # and it rests
    assert laid._due > time.monotonic()
