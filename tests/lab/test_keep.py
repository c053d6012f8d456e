"""What a run keeps without any framework: values, generators, arrays, pairs of functions, and its own place."""

import math
import random
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import calando
from calando.errors import BadValue, LabError
from calando.lab import StopRun, keeping, standalone
from calando.lab.run import Run
from calando.lab.snapshot import load
from calando.records.stage import SnapshotRef


class Told:
    """Takes what a run tells of its snapshots."""

    def __init__(self) -> None:
        self.refs: list[SnapshotRef] = []
        self.reasons: list[tuple[int, str]] = []

    def __call__(self, run: Run, step: int, ref: SnapshotRef | None, reason: str) -> None:
        if ref is None:
            self.reasons.append((step, reason))
        else:
            self.refs.append(ref)


def a_run(plan: str = "linear_decay()", horizon: int = 12, **settings: Any) -> Run:
    return Run(calando.parse(plan).bind(horizon), **{"seed": 1, "peak": 0.5, "evals": 4, **settings})


def train(run: Run, loader: Any = (1.0, 2.0, 3.0, 4.0, 5.0)) -> list[Any]:
    """Descends on a number that lives in every kind of thing that can be kept."""
    random.seed(run.seed)
    np.random.seed(run.seed)
    dice, numpy_dice, old_dice = random.Random(2), np.random.default_rng(3), np.random.RandomState(4)
    array, box = np.ones(2), [0]
    state = run.hold(w=1.0, best=(math.inf, None), seen=[], of={"x": np.zeros(2)})
    run.keep(dice=[dice, {"numpy": numpy_dice, "old": old_dice}], array=array, box=(lambda: box[0], box_set(box)))
    for batch in run.steps(loader):
        noise = dice.random() + numpy_dice.random() + old_dice.rand() + random.random() + np.random.rand()
        state.w -= run.lr * (0.01 * noise + 1e-3 * (batch or 0))
        array += state.w
        box[0] += 1
        state.seen = [*state.seen, box[0]]
        state.of = {"x": state.of["x"] + state.w}
        state.best = min(state.best, (abs(state.w), run.step), key=lambda one: one[0])
        run.log(train_loss=state.w, noise=noise)
        if run.eval_due:
            run.log(val_loss=abs(state.w), at=state.best[1])
    return [state.w, state.best, state.seen, state.of["x"].tolist(), array.tolist(), box, run.digest(), run.curves()]


def box_set(box: list[int]) -> Any:
    def put(value: int) -> None:
        box[0] = value

    return put


@pytest.mark.parametrize("loader", [(1.0, 2.0, 3.0, 4.0, 5.0), None, range(100)], ids=["tuple", "none", "long"])
def test_everything_comes_back_at_every_step(loader: Any, tmp_path: Path) -> None:
    told = Told()
    whole = train(a_run(place=str(tmp_path), keep_at=range(1, 12), reached=told), loader)
    assert [ref.step for ref in told.refs] == list(range(1, 12))
    assert whole == train(a_run(), loader)
    for ref in told.refs:
        run = a_run(start=load(ref))
        assert train(run, loader) == whole
        assert (run.began, run.refused, run.outcome()[0]) == (ref.step, "", "done")


def test_only_what_is_new_is_shipped_after_a_resume(tmp_path: Path) -> None:
    told = Told()
    train(a_run(place=str(tmp_path), keep_at=[7], reached=told))
    run = a_run(start=load(told.refs[0]))
    train(run)
    shipped = run.drain()
    assert shipped["lr"][0].tolist() == [7, 8, 9, 10, 11]
    assert shipped["val_loss"][0].tolist() == [step for step in run.curves()["val_loss"].steps if step >= 7]
    assert len(run.curves()["lr"]) == 12


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": 2}, r"other seed \(1 then, 2 now\)"),
        ({"peak": 0.25}, "other peak"),
        ({"params": {"decay": 0.5}}, "other params"),
        ({"plan": "cosine()"}, "other rates"),
        ({"plan": "constant(1, 6) | linear_decay()"}, "other rates"),
        ({"evals": 5}, "other evaluations"),
        ({"horizon": 24, "plan": "constant()"}, "other rates, other evaluations"),
        ({"horizon": 6}, "it was taken after 7 updates, and the run has 6"),
    ],
)
def test_a_snapshot_of_another_past_is_refused_before_anything_is_touched(
    change: dict[str, Any], why: str, tmp_path: Path
) -> None:
    told = Told()
    train(a_run(place=str(tmp_path), keep_at=[7], reached=told))
    run, own = a_run(**change, start=load(told.refs[0])), a_run(**change)
    assert train(run) == train(own)
    assert run.began == 0
    assert re.search(why, run.refused), run.refused


def test_a_horizon_that_was_looked_at_is_part_of_the_past(tmp_path: Path) -> None:
    def looks(run: Run, at: int) -> None:
        state = run.hold(n=0)
        for step in run.steps():
            state.n += run.lr
            if step == at:
                assert run.horizon
            run.log(val_loss=state.n)

    for at, began in ((2, 0), (9, 8)):
        told = Told()
        looks(a_run("constant()", evals=1, place=str(tmp_path), keep_at=[8], reached=told), at)
        longer = a_run("constant()", 20, evals=1, start=load(told.refs[0]))
        looks(longer, at)
        assert longer.began == began
        same = a_run("constant()", evals=1, start=load(told.refs[0]))
        looks(same, at)
        assert same.began == 8


def test_a_run_that_keeps_other_things_refuses(tmp_path: Path) -> None:
    told = Told()
    train(a_run(place=str(tmp_path), keep_at=[7], reached=told))
    run = a_run(start=load(told.refs[0]))
    run.keep(dice=random.Random(1))
    assert [run.lr for _ in run.steps()]
    assert (run.began, run.refused.startswith("other kept")) == (0, True)
    bare = a_run(start=load(told.refs[0]))
    assert len([bare.lr for _ in bare.steps()]) == 12
    assert bare.refused == "the train function keeps nothing now"


def test_what_fails_midway_is_no_result(tmp_path: Path) -> None:
    told = Told()

    def keeps(run: Run, length: int) -> None:
        run.keep(array=np.zeros(length))
        for _ in run.steps():
            run.log(val_loss=run.lr)

    keeps(a_run(place=str(tmp_path), keep_at=[7], reached=told), 2)
    run = a_run(start=load(told.refs[0]))
    with pytest.raises(StopRun, match=r"snapshot refused: float64 numbers of shape \(2,\) for an array"):
        keeps(run, 3)
    assert run.outcome()[0] == "failed"


def test_why_no_snapshot_can_be_written_is_told(tmp_path: Path) -> None:
    told = Told()
    run = a_run(place=str(tmp_path), keep_at=[3], reached=told)
    assert [run.lr for _ in run.steps()]
    assert told.reasons == [(3, "the train function keeps nothing; name what it needs by run.keep(...)")]

    run = a_run(place=str(tmp_path), keep_at=[4, 6], reached=told)
    run.grain = 3
    run.keep(dice=random.Random(1))
    assert [run.lr for _ in run.steps()]
    assert told.reasons[1:] == [(4, "snapshots of this run are possible after multiples of 3 updates only")]
    assert [ref.step for ref in told.refs] == [6]

    class Moody:
        def state_dict(self) -> Any:
            raise ValueError("not today")

        def load_state_dict(self, state: Any) -> None: ...

    run = a_run(place=str(tmp_path), keep_at=[5], reached=told)
    run.keep(moody=Moody())
    assert len([run.lr for _ in run.steps()]) == 12  # the run itself goes on
    assert told.reasons[2:] == [(5, "ValueError: not today")]


def test_a_second_loop_cannot_be_resumed_and_writes_none(tmp_path: Path) -> None:
    told = Told()
    run = a_run(place=str(tmp_path), keep_at=[2, 8], reached=told)
    run.keep(dice=random.Random(1))
    for step in run.steps():
        if run.lr and step == 5:
            break
    assert [run.lr for _ in run.steps()]
    assert [ref.step for ref in told.refs] == [2]
    assert told.reasons[0][1].startswith("run.steps was begun a second time")


def test_the_clock_asks_for_snapshots_too(tmp_path: Path) -> None:
    told = Told()
    run = a_run(horizon=200, place=str(tmp_path), every=1e-6, reached=told)
    run.keep(dice=random.Random(1))
    for _ in run.steps():
        assert run.lr
    steps = [ref.step for ref in told.refs]
    assert steps
    assert len(steps) < 100  # training gets twenty times the time that they take
    assert max(steps) < 200


@pytest.mark.parametrize("call", [lambda run: run.keep(a=random.Random(1)), lambda run: run.hold(a=1),
                                  lambda run: run.suggest("a", 0.0, 1.0)])  # fmt: skip
def test_inside_the_loop_it_is_too_late(call: Any) -> None:
    run = a_run()
    for _ in run.steps():
        assert run.lr
        with pytest.raises(LabError, match="above the loop"):
            call(run)


@pytest.mark.parametrize("thing", [3, "text", object(), {1.5}, len])
def test_what_cannot_be_put_back_in_place_is_refused(thing: Any) -> None:
    def keeps(run: Run) -> None:
        run.keep(thing=thing)
        next(run.steps())

    with pytest.raises(LabError, match="what can be put back in place"):
        keeps(a_run())


def test_a_loader_need_not_be_kept_by_anybody_else() -> None:
    run, loader = a_run(), {1.5, 2.5}
    run.keep(loader=loader, dice=random.Random(1))
    assert next(run.steps(loader)) in loader
    assert run.kept == ("loader", "dice")


def test_held_values_have_their_names() -> None:
    state = a_run().hold(a=1)
    with pytest.raises(LabError, match="name it when it is held"):
        state.b = 2
    assert repr(state) == "Held(a)"


def test_a_held_value_that_nobody_understands_is_told_when_it_is_written(tmp_path: Path) -> None:
    told = Told()
    run = a_run(place=str(tmp_path), keep_at=[2], reached=told)
    state = run.hold(a=object())
    assert [run.lr for _ in run.steps() if state]
    assert told.reasons[0][1].startswith("a=<object object")


def test_numbers_of_numpy_come_back_as_they_were(tmp_path: Path) -> None:
    told = Told()
    values = (np.float32(1.5), np.zeros((0, 3), np.int16), np.array(2), np.array([1, 2], ">i4"), np.datetime64(5, "D"))

    def holds(run: Run) -> Any:
        state = run.hold(values=values if not run._keeping._start else None)
        assert [run.lr for _ in run.steps()]
        return state.values

    holds(a_run(place=str(tmp_path), keep_at=[2], reached=told))
    back = holds(a_run(start=load(told.refs[0])))
    assert [type(one) for one in back] == [type(one) for one in values]
    for one, other in zip(values, back, strict=True):
        assert np.array_equal(one, other)
        assert one.dtype.newbyteorder("=") == other.dtype


# ---- outside a study


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots as often as the clock asks, however long they take."""
    monkeypatch.setattr(keeping, "SHARE", 0)


def script(folder: Path, dies_at: int | None = None, **settings: Any) -> tuple[Run, list[float]]:
    run = standalone("linear_decay()", **{"horizon": 30, "peak": 0.5, "snapshots": folder, "every": 0.001, **settings})
    dice = random.Random(run.seed)
    run.keep(dice=dice)
    for _ in run.steps():
        run.log(train_loss=dice.random() + run.lr, val_loss=1.0)
        if run.step == dies_at:
            raise KeyboardInterrupt
        time.sleep(0.001)
    return run, list(run.curves()["train_loss"].values)


def test_a_script_goes_on_by_itself_after_a_crash(
    hurried: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, whole = script(tmp_path / "whole", quiet=True)
    for dies_at in (15, 25):
        with pytest.raises(KeyboardInterrupt):
            script(tmp_path / "cut", dies_at=dies_at)
    run, found = script(tmp_path / "cut")
    assert found == whole
    assert 0 < run.began <= 25
    assert f"goes on after {run.began} updates" in capsys.readouterr().out
    assert len([path for path in (tmp_path / "cut").iterdir() if path.is_dir()]) == 2


def test_a_damaged_newest_snapshot_is_left_out(
    hurried: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        script(tmp_path, dies_at=25, quiet=True)
    (newest, older) = sorted((path for path in tmp_path.iterdir() if path.is_dir()),
                             key=lambda path: -int(path.name.partition("-")[0]))  # fmt: skip
    (newest / "arrays.safetensors").write_bytes(b"")
    run, _ = script(tmp_path)
    assert run.began == int(older.name.partition("-")[0])
    assert "damaged or cut off; it is left out" in capsys.readouterr().out


def test_another_seed_begins_anew(hurried: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(tmp_path, quiet=True)
    run, found = script(tmp_path, seed=5)
    assert run.began == 0
    assert found == script(tmp_path / "other", seed=5, quiet=True)[1]
    assert "snapshots of another run (other seed (0 then, 5 now)" in capsys.readouterr().out


def test_a_list_that_is_nonsense_begins_anew(hurried: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(tmp_path, quiet=True)
    (tmp_path / "newest.json").write_text("{")
    assert script(tmp_path)[0].began == 0
    assert "cannot be read" in capsys.readouterr().out


def test_snapshots_of_nothing_are_refused(tmp_path: Path) -> None:
    run = standalone("cosine()", horizon=3, snapshots=tmp_path, quiet=True)
    with pytest.raises(LabError, match="a run that keeps nothing"):
        next(run.steps())


@pytest.mark.parametrize("every", [0, -1, "1m", True, math.nan])
def test_seconds_between_snapshots_are_a_number(every: Any, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="every"):
        standalone("cosine()", horizon=3, snapshots=tmp_path, every=every)
