"""The board finds what there is, reads on as it grows, and forgets nothing but what is gone."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from calando.errors import BadFile
from calando.records import Curve, RunRecord, RunSpec, Store
from calando.records.live import Event, Header, Recorder, Tail
from calando.watch.serve import board as module
from calando.watch.serve.board import Board
from calando.watch.serve.judge import Judge
from calando.watch.serve.told import details, planned, seen, steerable, summary
from tests.report import studies
from tests.watch.serve.served import HORIZON, PEAK, ended, record


def searched(board: Board) -> Board:
    """As some seconds later."""
    board._due = board._asked = -1e9
    for place in board._wholes.values():
        place.due = 0.0
    while board.poll():
        pass
    return board


def only(board: Board):
    ((name, run),) = board.runs.items()
    return name, run


def test_a_run_that_goes_on_is_read_on(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    board = searched(Board([tmp_path]))
    name, run = only(board)
    told = summary(name, run)
    assert (told["name"], told["state"], told["step"], told["horizon"]) == ("first", "running", 199, HORIZON)
    before = board.revision
    board.poll()
    assert board.revision == before
    recorder.log(200, {"train_loss": 1.25, "lr": 0.05})
    board.poll()
    assert board.changed[name] > before
    assert summary(name, run)["step"] == 200
    assert dict(zip((name for name, _ in summary(name, run)["names"]), summary(name, run)["last"], strict=True)) == {
        "lr": 0.05, "train_loss": 1.25, "val_loss": pytest.approx(2.1 / (1 + 199 / 50)),
    }  # fmt: skip
    recorder.close()


def test_a_run_that_begins_later_is_found_and_one_that_is_taken_away_goes(tmp_path: Path) -> None:
    board = searched(Board([tmp_path]))
    assert not board.runs
    recorder = record(tmp_path)
    name, _ = only(searched(board))
    recorder.close()
    (tmp_path / "first" / "record.jsonl").unlink()
    (tmp_path / "first").rmdir()
    assert not searched(board).runs
    assert name in board.changed
    record(tmp_path, "second").close()
    assert only(searched(board))[0] != name


def test_a_process_that_is_gone_without_a_word_is_lost_and_one_that_said_goodbye_is_not(tmp_path: Path) -> None:
    record(tmp_path, "gone").close()
    ended(record(tmp_path, "done"))
    ended(record(tmp_path, "hot"), "diverged", "train_loss is not finite")
    board = searched(Board([tmp_path]))
    assert {run.facts.name: run.facts.state for run in board.runs.values()} == {
        "done": "ended", "gone": "lost", "hot": "diverged",
    }  # fmt: skip
    assert {steerable(run)[0] for run in board.runs.values()} == {"nothing"}


def test_a_resumed_run_shows_what_replaced_the_steps_that_were_lost(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    board = searched(Board([tmp_path]))
    name, run = only(board)
    assert run.best is not None
    recorder.event(Event(100, "resumed", {"from": 100}))
    recorder.log(100, {"train_loss": 7.5, "lr": 0.1})
    board.poll()
    assert summary(name, run)["step"] == 100
    assert run.best[1] <= 99
    recorder.close()


def test_time_left_is_what_the_pace_of_late_makes_of_it(tmp_path: Path) -> None:
    recorder = record(tmp_path)  # ten updates a second
    name, run = only(searched(Board([tmp_path])))
    told = summary(name, run)
    assert told["pace"] == pytest.approx(10, rel=0.02)
    assert told["left"] == pytest.approx((HORIZON - 200) / 10, rel=0.02)
    recorder.close()


def test_the_rates_to_come_are_those_of_the_schedule_in_force(tmp_path: Path) -> None:
    import calando

    recorder = record(tmp_path)
    board = searched(Board([tmp_path]))
    _, run = only(board)
    steps, rates = planned(run)
    plan = calando.parse("warmup(10%) | cosine()").bind(HORIZON)
    assert (steps[0], steps[-1]) == (199, HORIZON - 1)
    assert rates == [PEAK * plan(step) for step in steps]
    changed = json.loads(calando.parse("constant(0.5)").bind(600).to_json())
    recorder.event(Event(200, "applied", {"id": "a", "text": "x", "revision": 1, "schedule": changed, "horizon": 600}))
    board.poll()
    steps, rates = planned(run)
    assert (steps[-1], set(rates), run.facts.revision) == (599, {PEAK * 0.5}, 1)
    recorder.close()


def test_other_tools_logs_and_studies_stand_beside_records_on_one_clock(tmp_path: Path) -> None:
    ended(record(tmp_path))
    rows = "".join(f"{step},{2 / step},0.1\n" for step in range(1, 101))
    (tmp_path / "other.csv").write_text("step,loss,lr\n" + rows)
    board = searched(Board([tmp_path]))
    runs = {run.facts.kind: run for run in board.runs.values()}
    assert set(runs) == {"record", "log"}
    assert runs["log"].columns["train_loss"].steps[0] == 0  # the first update, as in a record
    assert runs["log"].last == 99
    (tmp_path / "other.csv").write_text("step,loss,lr\n" + rows + "101,0.5,0.1\n")
    assert {run.last for run in searched(board).runs.values()} == {199, 100}
    (tmp_path / "other.csv").write_bytes(b"\x00" * 50)
    searched(board)
    assert runs["log"].last == 100
    assert board.problems


def test_a_run_of_a_study_goes_on_under_its_id_when_the_study_has_finished_it(tmp_path: Path) -> None:
    study = studies.write(tmp_path / "study", horizon=60, select=(0, 1), confirm=(1000, 1001))
    first, second = study.runs[0].spec, RunSpec("late", "cosine()", 0.1, seed=7, horizon=60)
    live = {spec.key: record(tmp_path / "study" / "live", f"run-{spec.key}", steps=10) for spec in (first, second)}
    board = searched(Board([tmp_path / "study"], logs=False))
    assert len(board.runs) == len(study.runs) + 1  # the first is finished: its record is not shown beside it
    ((late, run),) = [(name, run) for name, run in board.runs.items() if run.facts.kind == "record"]
    assert steerable(run)[0] == "stop"
    with Store(tmp_path / "study") as store:
        session = store.begin_session(("calando",), 1, 1, study.sessions[0].environment)
        done = RunRecord(second, "done", final=0.5, curves={"train_loss": Curve((0, 1), (2.0, 1.0))}, steps=60)
        store.finish(store.begin_attempt(session, second.key, 1), done)
    searched(board)
    assert board.runs[late].facts.kind == "study"
    assert board.runs[late].facts.name == "late peak 0.1 seed 7"
    assert len(board.runs) == len(study.runs) + 1
    for recorder in live.values():
        recorder.close()


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        Board([tmp_path / "nowhere"])


def test_ids_say_nothing_of_paths(tmp_path: Path) -> None:
    ended(record(tmp_path, "secret-name"))
    name, run = only(searched(Board([tmp_path])))
    assert name == "r1"
    assert str(tmp_path) not in json.dumps(details(name, run))


def test_more_runs_than_can_be_shown_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 3)
    for number in range(5):
        record(tmp_path, f"run-{number}", steps=2).close()
    board = searched(Board([tmp_path]))
    assert len(board.runs) == 3
    assert any("2 runs more" in problem for problem in board.problems)


def test_memory_is_bounded_whatever_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 1000)
    record(tmp_path, "a", steps=900).close()
    board = searched(searched(Board([tmp_path])))
    assert board.full
    before = sum(run.points for run in board.runs.values())
    record(tmp_path, "b", steps=900).close()
    searched(board)
    assert sum(run.points for run in board.runs.values()) == before
    assert any("points" in problem for problem in board.problems)


def test_a_garbled_record_is_read_as_far_as_it_goes_and_says_where_not(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    with recorder.path.open("ab") as file:
        file.write(b"\xff\xfe garbage\n" + b"x" * 3_000_000 + b"\n" + b'{"s":' + b"[" * 100_000 + b"\n")
    recorder.log(200, {"train_loss": 1.0, "lr": 0.1})
    name, run = only(searched(Board([tmp_path])))
    told = details(name, run)
    assert told["step"] == 200
    assert len(told["problems"]) >= 2
    assert len(json.dumps(told)) < 100_000
    recorder.close()


def test_a_record_that_trips_the_reader_stops_no_other_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = record(tmp_path, "bad"), record(tmp_path, "good")
    poll = Tail.poll

    def tripped(tail: Tail, blocks: int = 64) -> object:
        if tail.folder.name == "bad":
            raise ZeroDivisionError("planted")
        return poll(tail, blocks)

    monkeypatch.setattr(Tail, "poll", tripped)
    board = searched(Board([tmp_path]))
    runs = {run.folder.name: (name, run) for name, run in board.runs.items() if run.folder is not None}
    assert runs["good"][1].last == 199
    assert "ZeroDivisionError" in details(*runs["bad"])["problems"][0]
    judge = Judge(board)
    monkeypatch.setattr("calando.watch.serve.judge.findings", lambda known: 1 // 0)
    assert judge.step()
    assert any(run.findings and run.findings[0]["kind"] == "not judged" for _, run in runs.values())
    for recorder in (bad, good):
        recorder.close()


HUGE = """
import resource, sys
from pathlib import Path
from calando.records.live import Header, Recorder
from calando.watch.serve.board import Board
from calando.watch.serve.told import details
folder = Path(sys.argv[1])
recorder = Recorder(folder / "huge", Header("huge"))
recorder.log(0, {"train_loss": 2.0})
board = Board([folder])
board.poll()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 150_000_000, used + 150_000_000))
with recorder.path.open("ab") as file:
    file.truncate(600_000_000)  # one line of nothing
recorder.log(1, {"train_loss": 1.5})
recorder.log(2, {"train_loss": 1.0})
while board.poll():
    pass
((name, run),) = board.runs.items()
told = details(name, run)
print(told["step"], len(told["problems"]))
"""


def test_a_line_of_600_megabytes_is_passed_over_in_memory_that_has_no_room_for_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HUGE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["2", "1"], done.stderr[-500:]


def test_every_run_is_judged_in_time_and_a_healthy_one_is_not_judged_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ended(record(tmp_path, name))
    board = searched(Board([tmp_path]))
    judge = Judge(board)
    limit = time.monotonic() + 20
    while not all(run.findings for run in board.runs.values()) and time.monotonic() < limit:
        judge.step()
        time.sleep(0.01)
    assert all(run.findings for run in board.runs.values())
    time.sleep(0.5)
    assert not judge.step()


def test_a_run_of_which_there_was_too_little_is_judged_again_as_soon_as_there_is_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "young", Header("young", horizon=1000))
    board = searched(Board([tmp_path]))
    judge = Judge(board)
    now = 1000.0
    monkeypatch.setattr("calando.watch.serve.judge.time", SimpleNamespace(monotonic=lambda: now))
    assert judge.step()
    assert [said["kind"] for said in only(board)[1].findings] == ["too little data"]
    for step in range(300):
        recorder.log(step, {"train_loss": 1 + float(np.exp(-step / 60))})
    searched(board)
    now += 0.5
    assert not judge.step()
    now += 1.0
    assert judge.step()
    assert [said["kind"] for said in only(board)[1].findings] != ["too little data"]
    recorder.log(300, {"train_loss": 1.0})
    searched(board)
    now += 1.5
    assert not judge.step()  # what is said already may wait
    recorder.close()


def test_a_log_that_is_still_written_short_of_its_end_is_a_run_under_way_until_it_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [{"step": step, "loss": 2.0 - step / 200, "learning_rate": 0.1} for step in range(1, 178)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"max_steps": 200, "log_history": entries}))
    board = searched(Board([tmp_path]))
    name, run = only(board)
    assert (run.facts.state, run.facts.horizon, seen(run).status) == ("running", 200, "running")
    before = board.revision
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 200)
    board._asked = -1e9
    board.read()
    assert (run.facts.state, board.changed[name]) == ("ended", before + 1)
    entries += [{"step": step, "loss": 1.0} for step in range(178, 201)]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"max_steps": 200, "log_history": entries}))
    assert only(searched(Board([tmp_path])))[1].facts.state == "ended"
