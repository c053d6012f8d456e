"""What a snapshot would miss is no snapshot, and what a loader draws its order from is kept."""

import itertools
import random
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calando.errors import LabError
from calando.lab import standalone
from calando.lab.run import Run
from calando.lab.snapshot import load
from tests.lab.test_keep import Told, a_run


def enumerates(run: Run) -> None:
    state = run.hold(w=0.0)
    for turn, _ in enumerate(run.steps()):
        state.w += run.lr * turn
        run.log(train_loss=state.w, val_loss=1.0)


def remembers(run: Run) -> None:
    state, best = run.hold(w=1.0), 9.0
    for _ in run.steps():
        state.w -= run.lr * 0.1
        best = min(best, state.w)
        run.log(train_loss=best, val_loss=1.0)


def gathers(run: Run) -> None:
    state, seen = run.hold(w=1.0), []
    for _ in run.steps():
        seen.append(run.lr)
        run.log(train_loss=state.w + len(seen), val_loss=1.0)


def rebinds(run: Run) -> None:
    weights = np.ones(3)
    run.keep(weights=weights)
    for _ in run.steps():
        weights = weights - run.lr * weights
        run.log(train_loss=float(weights[0]), val_loss=1.0)


def carries(run: Run) -> None:
    """A recurrent state from one stretch of the data to the next."""
    state, hidden = run.hold(w=1.0), np.zeros(2)
    for _ in run.steps():
        hidden = 0.5 * hidden + state.w
        run.log(train_loss=run.lr * float(hidden[0]), val_loss=1.0)


def carries_two(run: Run) -> None:
    state, hidden = run.hold(w=1.0), (np.zeros(2), np.zeros(2))
    for _ in run.steps():
        hidden = (hidden[1] + state.w, hidden[0])
        run.log(train_loss=run.lr * float(hidden[0][0]), val_loss=1.0)


def draws_by_hand(run: Run) -> None:
    run.hold(w=1.0)
    batches = iter([float(n) for n in range(100)])
    for _ in run.steps():
        run.log(train_loss=run.lr * next(batches), val_loss=1.0)


def draws_inside(run: Run) -> None:
    run.hold(w=1.0)
    batches = itertools.cycle(range(5))

    def batch() -> float:
        return float(next(batches))

    for _ in run.steps():
        run.log(train_loss=run.lr * batch(), val_loss=1.0)


def forgets(run: Run) -> None:
    run.hold(w=1.0)
    last = deque([0.0, 0.0], maxlen=2)
    for _ in run.steps():
        last.append(run.lr)
        run.log(train_loss=sum(last), val_loss=1.0)


class Remembers:
    def __init__(self) -> None:
        self.total, self.dice, self.mean, self.seen = 0.0, random.Random(3), None, []


def gathers_inside(run: Run) -> None:
    run.hold(w=1.0)
    mine = Remembers()
    for _ in run.steps():
        mine.seen.append(run.lr)
        run.log(train_loss=len(mine.seen), val_loss=1.0)


def averages_inside(run: Run) -> None:
    run.hold(w=1.0)
    mine = Remembers()
    for _ in run.steps():
        mine.mean = np.ones(2) if mine.mean is None else mine.mean + run.lr
        run.log(train_loss=run.lr * float(mine.mean[0]), val_loss=1.0)


def averages_anew(run: Run) -> None:
    """An average of as many numbers, in another list each turn."""
    state, ema = run.hold(w=1.0), [1.0, 2.0]
    for _ in run.steps():
        ema = [0.9 * one + run.lr for one in ema]
        run.log(train_loss=state.w + sum(ema), val_loss=1.0)


def averages_by_name(run: Run) -> None:
    run.hold(w=1.0)
    stats = {"best": 9.0, "deep": [[0.0]]}
    for _ in run.steps():
        stats["deep"][0][0] += run.lr
        run.log(train_loss=stats["deep"][0][0], val_loss=1.0)


def remembers_a_pair(run: Run) -> None:
    run.hold(w=1.0)
    best = (9.0, 0)
    for _ in run.steps():
        best = min(best, (run.lr, run.step))
        run.log(train_loss=best[0], val_loss=1.0)


def averages_in_place(run: Run) -> None:
    run.hold(w=1.0)
    mean = np.zeros((2, 3))[:, ::2]
    for _ in run.steps():
        mean += run.lr
        run.log(train_loss=float(mean[0, 1]), val_loss=1.0)


def averages_a_large_one_in_place(run: Run) -> None:
    run.hold(w=1.0)
    means = {"large": np.zeros(3_000_000)}
    for _ in run.steps():
        means["large"] += run.lr
        run.log(train_loss=float(means["large"][7]), val_loss=1.0)


def averages_anew_inside(run: Run) -> None:
    run.hold(w=1.0)
    mine = Remembers()
    mine.seen.append(0.0)
    for _ in run.steps():
        mine.seen = [0.9 * mine.seen[0] + run.lr]
        run.log(train_loss=mine.seen[0], val_loss=1.0)


def averages_in_place_inside(run: Run) -> None:
    run.hold(w=1.0)
    mine = Remembers()
    mine.mean = np.zeros(3)
    for _ in run.steps():
        mine.mean += run.lr
        run.log(train_loss=float(mine.mean[0]), val_loss=1.0)


@pytest.mark.parametrize(
    ("train", "why"),
    [
        (averages_anew, "(ema)"),
        (averages_by_name, "(stats)"),
        (remembers_a_pair, "(best)"),
        (averages_in_place, "(mean)"),
        (averages_a_large_one_in_place, "(means)"),
        (averages_anew_inside, "(mine.seen)"),
        (averages_in_place_inside, "(mine)"),
        (enumerates, "enumerate"),
        (remembers, "(best)"),
        (gathers, "(seen)"),
        (rebinds, "(weights)"),
        (carries, "(hidden)"),
        (carries_two, "(hidden)"),
        (draws_by_hand, "(batches)"),
        (draws_inside, "(batches)"),
        (forgets, "(last)"),
        (gathers_inside, "(mine.seen)"),
        (averages_inside, "(mine.mean)"),
    ],
)
def test_a_loop_that_remembers_by_itself_is_not_snapshot(train: Any, why: str, tmp_path: Path) -> None:
    told = Told()
    train(a_run(place=str(tmp_path), keep_at=[5], reached=told))
    assert told.refs == []
    ((_, reason),) = told.reasons
    assert why in reason


class Data:
    """Items that are made when they are first asked for."""

    def __init__(self) -> None:
        self.made, self.values, self.last = np.zeros(9, bool), np.zeros(9), [0]

    def __getitem__(self, place: int) -> float:
        if not self.made[place]:
            self.made[place], self.values[place], self.last = True, place * 0.5, [place]
        return float(self.values[place])


def is_honest(run: Run) -> None:
    """Changes what is kept, by whatever name; what it makes anew each turn; and what it resets."""
    weights, first, box, lists = np.ones(3), np.zeros(2), [0], [[1.0], {"a": (2, "b")}]
    view, batch, losses, sums, data = weights[1:], [0.0, 0.0], [0.5], {"loss": 0.0, "n": 0}, Data()
    frozen, pair, nan = np.broadcast_to(np.ones(1), (4, 4)), (1, (2.0, "x")), [float("nan")]
    state = run.hold(w=first)
    run.keep(weights=weights, box=(lambda: list(box), lambda kept: box.__setitem__(slice(None), kept)))
    for _ in run.steps():
        batch = [data[run.step % 9], run.lr]
        weights -= run.lr * batch[0] + 0 * frozen[0, 0] * len(lists)
        state.w += float(view[0]) + pair[0]
        box[0] += 1
        box.append(run.step)
        losses, sums["n"] = [0.5], sums["n"] + 1
        run.log(train_loss=float(state.w[0]) + losses[0], turns=len(box), val_loss=sums["n"], odd=len(nan))
        sums["n"], pair = 0, (1, (2.0, "x"))


def test_what_is_kept_or_made_anew_or_reset_hinders_nothing(tmp_path: Path) -> None:
    told = Told()
    whole = a_run(place=str(tmp_path), keep_at=[3, 8], reached=told)
    is_honest(whole)
    assert told.reasons == []
    assert len(told.refs) == 2
    for ref in told.refs:
        again = a_run(start=load(ref))
        is_honest(again)
        assert (again.began, again.curves()) == (ref.step, whole.curves())


def counts(run: Run) -> None:
    """Generators and an object of its own, none of them named."""
    state, mine, dice, rng = run.hold(w=1.0), Remembers(), random.Random(1), np.random.default_rng(2)
    old, loss, after = np.random.RandomState(4), np.zeros(1), iter(())
    for _ in run.steps():
        loss = np.array([dice.random() + rng.random() + old.rand() + mine.dice.random()])
        mine.total += float(loss[0])
        state.w -= run.lr * 0.01 * mine.total
        run.log(train_loss=float(loss[0]), total=mine.total, val_loss=1.0)
    assert list(after) == []


def test_generators_and_counting_objects_in_local_variables_are_kept_without_being_named(tmp_path: Path) -> None:
    told = Told()
    whole = a_run(place=str(tmp_path), keep_at=[2, 7], reached=told)
    counts(whole)
    assert told.reasons == [], "what the loop writes before it reads, or never reads, is nothing that it carries"
    for ref in told.refs:
        again = a_run(start=load(ref))
        counts(again)
        assert (again.began, again.refused) == (ref.step, "")
        assert again.curves() == whole.curves()
        assert again.digest() == whole.digest()


class Shuffles:
    """A loader of one's own whose generators and counter nobody names."""

    def __init__(self) -> None:
        self.dice, self.numpy, self.passes = random.Random(1), np.random.default_rng(2), 0

    def __iter__(self) -> Any:
        self.passes += 1
        order = [float(self.numpy.random()) + self.passes for _ in range(5)]
        self.dice.shuffle(order)
        return iter(order)


def shuffles(run: Run) -> None:
    rng = np.random.default_rng(3)
    run.keep(rng=rng)
    state = run.hold(w=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    for batch in run.steps(Shuffles()):
        state.w = state.w * (1 - run.lr * batch)
        run.log(train_loss=batch, child=rng.spawn(1)[0].random(), order=state.w.flags.f_contiguous, val_loss=1.0)


def test_what_a_loader_draws_its_order_from_is_kept(tmp_path: Path) -> None:
    told = Told()
    whole = a_run(place=str(tmp_path), keep_at=[7], reached=told)
    shuffles(whole)
    again = a_run(start=load(told.refs[0]))
    shuffles(again)
    assert (again.began, again.refused) == (7, "")
    assert again.curves() == whole.curves()
    assert again.digest() == whole.digest()


def test_children_that_were_spawned_since_are_forgotten() -> None:
    from calando.lab.snapshot.keepers import leaves

    rng = np.random.default_rng(1)
    ((_, _, keeper),) = leaves("rng", rng)
    kept, first = keeper.capture(), rng.spawn(1)[0].random()
    if int(np.__version__.split(".")[0]) < 2:
        with pytest.raises(LabError, match="update NumPy"):  # it has no way back
            keeper.restore(kept)
        return
    keeper.restore(kept)
    assert rng.spawn(1)[0].random() == first


def kept_in_a_loop(run: Run, odd: Any) -> None:
    run.keep(odd=odd)
    list(run.steps())


@pytest.mark.parametrize("odd", [np.ma.ones(3), np.zeros(2, dtype=[("a", "f4")]), np.ones((2, 2)).view(np.matrix)])
def test_arrays_that_would_come_back_as_others_are_refused(odd: Any) -> None:
    run = a_run()
    with pytest.raises(LabError, match="structured"):
        run.hold(odd=[odd])
    with pytest.raises(LabError):
        kept_in_a_loop(run, odd)


def late(run: Run, look: str) -> None:
    state = run.hold(w=1.0)
    for step in run.steps():
        if step == 3:
            state.w = float(run.horizon) if look == "horizon" else run.schedule(11)
        state.w *= 1 - run.lr * 0.01
        run.log(train_loss=state.w, val_loss=1.0)


@pytest.mark.parametrize(("look", "word"), [("horizon", "other horizon"), ("schedule", "other candidate")])
def test_a_look_is_remembered_over_a_resumption(look: str, word: str, tmp_path: Path) -> None:
    told = Told()
    late(a_run("constant()", place=str(tmp_path), keep_at=[5], reached=told), look)
    resumed = a_run("constant()", start=load(told.refs[0]), place=str(tmp_path), keep_at=[8], reached=told)
    late(resumed, look)
    assert (resumed.began, resumed.looked, resumed.alone) == (5, look == "horizon", look == "schedule")
    longer = a_run("constant()", horizon=20, start=load(told.refs[1]))
    late(longer, look)
    assert longer.began == 0
    assert word in longer.refused


def test_attaching_and_the_rate_are_no_look() -> None:
    run = a_run()
    state = run.hold(w=1.0)
    for _ in run.steps():
        state.w -= run.lr
        run.log(train_loss=1.0, val_loss=1.0)
    assert not run.alone
    assert not run.looked
    assert not hasattr(run, "length")
    assert not hasattr(run, "evaluations")


def small(folder: Path, script: str, size: int) -> Run:
    source = f"""
def train(standalone, np):
    run = standalone("constant()", horizon=6, peak=0.1, quiet=True, snapshots={str(folder / "kept")!r}, every=0.001)
    w = np.ones({size})
    run.keep(w=w)
    for step in run.steps():
        w -= run.lr
        run.log(val_loss=float(w[0]))
        if {script == "first"} and step == 4:
            break
    return run
"""
    file = folder / f"{script}.py"
    file.write_text(source, encoding="utf-8")
    found: dict[str, Any] = {}
    exec(compile(source, str(file), "exec"), found)
    run: Run = found["train"](standalone, np)
    return run


def test_another_script_does_not_go_on_from_a_folder(tmp_path: Path) -> None:
    small(tmp_path, "first", 3)
    assert small(tmp_path, "first", 3).began > 0
    assert small(tmp_path, "other", 3).refused == "other script"
