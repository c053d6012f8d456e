"""A study under way can be looked at: each run writes a record, nothing can be changed there, and all of it goes."""

import threading
import time
from array import array
from pathlib import Path

import calando
from calando.lab.alive import REFUSAL, Alive
from calando.lab.executors.base import Progress
from calando.records import Candidate, RunSpec, StudySpec, load
from calando.records.live import Tail, discover, send

SCRIPT = """
import time
def train(run):
    w = 1.0
    for step in run.steps():
        time.sleep(0.01)
        w -= run.lr * 0.1 * w
        run.log(train_loss=w * w)
        if run.eval_due:
            run.log(val_loss=w * w)
"""


def spec_of(seed: int = 0) -> RunSpec:
    return RunSpec("linear", "linear_decay()", 0.5, seed, 10)


def alive(folder: Path) -> Alive:
    question = StudySpec("Which?", "t.py:train", 10, (Candidate("linear", "linear_decay()"),))
    return Alive(folder, question, lambda run: calando.parse(run.plan).bind(run.horizon).to_json())


def heard(key: str, *steps: int) -> Progress:
    columns = {"train_loss": (array("q", steps), array("d", [float(step) for step in steps]))}
    return Progress(key, steps[-1] + 1, {}, columns)


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    assert tail.problems == []
    return tail


def test_a_study_under_way_is_seen_and_its_records_go_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(SCRIPT)
    seen: dict[str, Tail] = {}
    refused: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for found in discover(tmp_path / "s", logs=False) if (tmp_path / "s").exists() else []:
                if found.kind == "run":
                    tail = seen.setdefault(found.path.name, Tail(found.path))
                    if tail.poll().numbers and not any(event.kind == "refused" for event in tail.events):
                        send(found.path, "stop", by="page")
                    refused.extend(e.data["reason"] for e in tail.events if e.kind == "refused")
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        calando.compare(
            f"{tmp_path / 't.py'}:train", ["cosine()"], humble=False, peaks=[0.5], seeds=[0], confirm_seeds=[1],
            steps=150, workers=1, study=tmp_path / "s", live=False,
        )  # fmt: skip
    finally:
        over.set()
        thread.join()
    assert seen
    assert set(refused) == {REFUSAL}
    runs = {run.spec.key: run for run in load(tmp_path / "s").runs}
    for name, tail in seen.items():
        run = runs[name.removeprefix("run-")]
        curve = run.curves["train_loss"]
        known = dict(zip(curve.steps, curve.values, strict=True))
        column = tail.columns["train_loss"]
        assert len(column)
        assert [known[int(step)] for step in column.steps] == column.values.tolist()
        assert tail.header is not None
        assert (tail.header.horizon, tail.header.peak, tail.header.meta["steering"]) == (150, 0.5, REFUSAL)
    assert not (tmp_path / "s" / "live").exists()


def test_what_is_written_down_is_thinned_and_its_newest_point_stays(tmp_path: Path) -> None:
    study, run = alive(tmp_path), spec_of()
    study.progress(run, 0, heard(run.key, *range(1000)))
    (folder,) = (tmp_path / "live").iterdir()
    steps = tail_of(folder).columns["train_loss"].steps.tolist()
    assert len(steps) <= 65
    assert steps[-1] == 999
    assert {b - a for a, b in zip(steps, steps[1:], strict=False)} == {16}
    study.close(finished=True)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_begun_again_goes_on_in_its_record(tmp_path: Path) -> None:
    study, run = alive(tmp_path), spec_of()
    study.progress(run, 0, heard(run.key, *range(8)))
    study.again(run.key)
    study.progress(run, 5, heard(run.key, 5, 6))
    study.ended(run.key, "diverged", "the loss was inf", 7)
    (folder,) = (tmp_path / "live").iterdir()
    tail = tail_of(folder)
    assert tail.columns["train_loss"].steps.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert [(event.kind, event.data.get("from", event.data.get("status"))) for event in tail.events] == [
        ("resumed", 5),
        ("ended", "diverged"),
    ]
    assert tail.name == "linear peak 0.5 seed 0"


def test_only_the_newest_that_ended_are_kept_and_what_cannot_be_written_hurts_nobody(tmp_path: Path) -> None:
    study = alive(tmp_path)
    for seed in range(30):
        run = spec_of(seed)
        study.progress(run, 0, heard(run.key, 1))
        study.ended(run.key, "done", "", 2)
    assert len(list((tmp_path / "live").iterdir())) == 20
    (tmp_path / "file").write_text("")
    nowhere = alive(tmp_path / "file")
    nowhere.progress(run, 0, heard(run.key, 1))
    nowhere.progress(run, 0, heard(run.key, 2))
    nowhere.ended(run.key, "done", "", 2)
    nowhere.close(finished=True)
