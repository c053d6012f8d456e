"""The surrogate, the space and the rule of what to run next."""

import numpy as np
import pytest

from calando import parse
from calando.lab.tuning.acquire import pick, suppose, together
from calando.lab.tuning.bound import POINTS, prior
from calando.lab.tuning.budget import proving, read_budget
from calando.lab.tuning.compress import compressed
from calando.lab.tuning.model import Runs, believe
from calando.lab.tuning.rounds import known
from calando.lab.tuning.space import build, lattice, settings_for
from calando.records import Candidate, RunRecord
from calando.records.stage import Knob


def grid():
    return build([Candidate(p, p) for p in ("linear_decay()", "wsd()")], (0.1, 0.2, 0.4, 0.8), (100, 400))


def test_the_bound_gives_the_published_ratios_between_shapes() -> None:
    def wsd(cooldown: float) -> list[float]:
        return [min(1.0, (1 - t / 2000) / cooldown) for t in range(2000)]

    for cooldown, ratio in ((0.1, 0.4613), (0.2, 0.5145), (0.4, 0.6076), (0.6, 0.7083), (0.8, 0.8324)):
        assert 2 ** prior(wsd(cooldown))[0] == pytest.approx(ratio, rel=0.02)
    assert 2 ** prior([(1 - t / 2000) ** 2 for t in range(2000)])[0] == pytest.approx(2**0.5, rel=0.02)


@pytest.mark.parametrize("text", ["cosine()", "cosine(end=0.1)", "wsd(cooldown=20%)", "warmup(10%) | constant()"])
def test_the_prior_is_the_published_double_sum(text: str) -> None:
    def published(eta: "np.ndarray") -> tuple[float, float]:
        eta = eta[: int(np.flatnonzero(eta > 0)[-1]) + 1]
        area, square = eta[::-1].cumsum()[::-1], (eta**2)[::-1].cumsum()[::-1]
        terms = eta[:-1] / area[1:] * square[:-1] / area[:-1]
        return 1 / (2 * area[0]), (square[0] / area[0] + terms.sum()) / 2

    shape = np.array([parse(text).bind(POINTS)(t) for t in range(POINTS)])
    (b, v), (b0, v0) = published(shape), published(1 - np.arange(POINTS) / POINTS)
    shift, price = np.log2(b / v * v0 / b0) / 2, np.log(b * v / b0 / v0) / 2
    assert prior(shape) == pytest.approx((shift, price), rel=1e-12, abs=1e-12)
    assert prior(shape - 5 * (shape == 0)) == prior(shape), "below zero counts as zero"
    assert prior(0 * shape) == (0.0, 0.0)


def test_what_was_seen_is_believed_and_what_was_not_is_less_sure() -> None:
    space = grid()
    full = [i for i, row in enumerate(space.rows) if row.level == 1 and row.shape == 0]
    seen = Runs(np.array(full), np.zeros(4, dtype=int), np.array([3.0, 1.0, 1.2, 4.0]))
    other = [i for i, row in enumerate(space.rows) if row.level == 1 and row.shape == 1]
    belief = believe(
        space.cells, seen, np.array(full + other), Runs(np.array([], int), np.array([], int), np.array([]))
    )
    assert int(np.argmin(belief.mean[:4])) in (1, 2)
    sure, unsure = np.diag(belief.cov)[:4].mean(), np.diag(belief.cov)[4:].mean()
    assert sure < unsure


def test_a_run_that_was_lost_is_believed_worst() -> None:
    space = grid()
    full = [i for i, row in enumerate(space.rows) if row.level == 1 and row.shape == 0]
    seen = Runs(np.array(full), np.zeros(4, dtype=int), np.array([2.0, 1.0, 1.5, np.nan]))
    belief = believe(space.cells, seen, np.array(full), Runs(np.array([], int), np.array([], int), np.array([])))
    assert int(np.argmax(belief.mean)) == 3


def test_a_cheap_run_is_taken_before_an_equal_dear_one_and_supposing_it_makes_surer() -> None:
    space = grid()
    runs = {}
    for row in space.rows[:3]:
        spec = space.ask(row, 0)
        runs[spec.key] = RunRecord(spec, "done", final=float(row.peak), steps=spec.horizon)
    now = known(space, (0, 1), runs, "min")
    assert now.belief is not None
    steps = np.ones(len(now.choices), dtype=np.int64)
    index, worth = pick(now.belief, steps)
    steps[index] = 1000
    assert pick(now.belief, steps)[0] != index
    after = suppose(now.belief, index)
    assert np.trace(after.cov) < np.trace(now.belief.cov)
    assert together(now.belief, [index, (index + 1) % len(steps)], 2) >= 0.4 * worth


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [("45m", "seconds", 2700), ("1.5h", "seconds", 5400), ("90s", "seconds", 90), ("20runs", "runs", 20),
     ("1 run", "runs", 1), ("100k steps", "steps", 100_000), ("2M updates", "steps", 2_000_000),
     ("500 steps", "steps", 500)],
)  # fmt: skip
def test_budgets_are_read_as_people_write_them(text: str, field: str, value: float) -> None:
    assert getattr(read_budget(text), field) == value


def test_less_is_kept_for_proving_where_the_budget_is_small() -> None:
    assert [proving(runs, 0.25, 8) for runs in (1, 18, 24, 40, 1000)] == [0, 0, 3, 5, 8]


def test_a_schedule_in_updates_is_compressed_whole_and_one_that_listens_to_shares_only_its_open_loop() -> None:
    assert compressed("multistep(milestones=[300, 600])", 1000, 250) == "multistep(milestones=[30%, 60%])"
    assert compressed("warm_restarts(first=250)", 1000, 100) is None or "%" in str(
        compressed("warm_restarts(first=250)", 1000, 100)
    )
    assert compressed("step_decay(every=2ep)", 1000, 250, steps_per_epoch=100) == "step_decay(every=20%)"


def test_a_lattice_of_peaks_stays_small_however_wide() -> None:
    assert lattice(0.01, 0.16) == (0.01, 0.02, 0.04, 0.08, 0.16)
    assert len(lattice(1e-6, 1.0)) == 12


def test_settings_begin_with_the_default_and_stay_inside_their_ranges() -> None:
    knobs = [Knob("decay", 1e-4, 1e-1, log=True, default="0.01"), Knob("layers", 1, 4, whole=True, default="2"),
             Knob("act", choices=('"relu"', '"gelu"'), default='"gelu"')]  # fmt: skip
    texts, cube = settings_for(knobs, 8)
    assert texts[0] == '{"act":"gelu","decay":0.01,"layers":2}'
    assert len(set(texts)) == 9
    assert all(0 <= x <= 1 for point in cube for x in point)
