"""The stage tree: pasts that are equal bit for bit are trained once, and every run's path is whole."""

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calando
from calando.errors import CalandoError, LabError
from calando.lab.stages import Leg, Tree
from calando.records import RunSpec
from calando.records.stage import SnapshotRef, StageRecord
from tests.lab.stages.trie import Asked, past, pasts, trained

TEXTS = (
    "constant()",
    "cosine()",
    "scale(cosine(), by=1)",
    "linear_decay()",
    "wsd(cooldown=4)",
    "wsd(cooldown=6)",
    "wsd(warmup=3, cooldown=4)",
    "wsd(warmup=3, cooldown=8)",
    "multistep(milestones=[5, 9])",
    "multistep(milestones=[5, 8])",
    "multistep(milestones=[5])",
    "bundle(constant(), momentum=0.9)",
    "bundle(constant(), momentum=multistep(milestones=[7]))",
    "reduce_on_plateau(constant())",
)


def asked(text: str, *, peak: float | None = 0.1, seed: int = 0, horizon: int = 20, evals: int = 4, params="") -> Asked:
    run = RunSpec(text, text, peak, seed, horizon, params=params)
    return run, calando.parse(text).bind(horizon), evals


def grown(runs: list[Asked], *, looked: bool = True) -> Tree:
    tree = Tree(looked=looked)
    for run, schedule, evals in runs:
        tree.add(run, schedule.to_json(), evals)
    return tree


def specs(runs: list[Asked]) -> list[RunSpec]:
    return [run for run, _, _ in runs]


def snapshot(run: Asked, step: int, *, there: bool = True) -> StageRecord:
    spec, schedule, evals = run
    ref = SnapshotRef(step, f"at/{step}", "", 1) if there else None
    return StageRecord(
        f"{spec.key}@{step}", spec.key, 0, step, snapshot=ref, spec=spec, schedule=schedule.to_json(), evals=evals
    )


@st.composite
def studies(draw: st.DrawFn) -> list[Asked]:
    """A handful of runs, many of them alike for a while."""
    found = {}
    for _ in range(draw(st.integers(1, 9))):
        one = asked(
            draw(st.sampled_from(TEXTS)),
            peak=draw(st.sampled_from([0.1, 0.2])),
            seed=draw(st.sampled_from([0, 0, 1])),
            horizon=draw(st.sampled_from([20, 20, 30])),
            evals=draw(st.sampled_from([4, 4, 6])),
            params=draw(st.sampled_from(["", "", '{"decay":0.1}'])),
        )
        found[one[0].key] = one
    return list(found.values())


@given(studies(), st.booleans())
def test_the_steps_trained_are_the_distinct_pasts(runs: list[Asked], looked: bool) -> None:
    legs = grown(runs, looked=looked).plan(specs(runs), least=1)
    assert trained(legs) == len(pasts(runs, looked=looked))
    assert sorted(leg.run.key for leg in legs) == sorted(run.key for run, _, _ in runs)


@given(studies(), st.booleans(), st.integers(1, 12), st.data())
def test_every_path_is_whole_and_every_start_is_of_the_same_past(
    runs: list[Asked], looked: bool, least: int, data: st.DataObject
) -> None:
    tree, known = grown(runs, looked=looked), {one[0].key: one for one in runs}
    there = data.draw(st.lists(st.tuples(st.sampled_from(runs), st.integers(1, 19)), max_size=3))
    stages = {f"{one[0].key}@{step}": snapshot(one, step) for one, step in there}
    going = {}
    for one in data.draw(st.lists(st.sampled_from(runs), max_size=2, unique_by=lambda one: one[0].key)):
        going[one[0].key] = sorted(data.draw(st.sets(st.integers(1, 19), max_size=2)))
    legs = tree.plan(specs(runs), stages.values(), going, least=least)
    assert {leg.run.key for leg in legs} == known.keys() - going.keys()
    place = {leg.run.key: position for position, leg in enumerate(legs)}
    for leg in legs:
        assert all(leg.start < step < leg.run.horizon for step in leg.keep_at)
        assert leg.keep_at == tuple(sorted(set(leg.keep_at)))
        if leg.start == 0:
            assert (leg.stage, leg.after) == ("", "")
            continue
        if leg.after:
            trainer = known[leg.after]
            if leg.after in going:
                assert leg.start in going[leg.after]
            else:
                assert leg.start in legs[place[leg.after]].keep_at
                assert place[leg.after] < place[leg.run.key]
        else:
            stage = stages[leg.stage]
            assert stage.stop == leg.start
            trainer = known[stage.run]
        assert leg.start < leg.run.horizon
        assert past(trainer, leg.start, looked=looked) == past(known[leg.run.key], leg.start, looked=looked) or (
            trainer[0].key == leg.run.key  # a listener goes on from its own snapshot
        )


@given(studies(), st.integers(1, 12))
def test_little_stretches_are_not_shared_and_nothing_is_trained_needlessly(runs: list[Asked], least: int) -> None:
    tree = grown(runs)
    legs = tree.plan(specs(runs), least=least)
    known = {leg.run.key: leg for leg in legs}
    for leg in legs:
        marks = (leg.start, *leg.keep_at)
        assert all(after - before >= least for before, after in zip(marks, marks[1:], strict=False))
    fewest = len(pasts(runs, looked=True))
    assert fewest <= trained(legs) <= fewest + (least - 1) * (len(known) - 1)


@given(studies())
def test_alone_every_run_is_made_whole(runs: list[Asked]) -> None:
    legs = grown(runs).plan(specs(runs), share=False)
    assert trained(legs) == sum(run.horizon for run, _, _ in runs)
    assert all(leg.ready and not leg.keep_at for leg in legs)


@settings(max_examples=25)
@given(studies(), st.booleans())
def test_prefixes_are_what_the_trie_says(runs: list[Asked], looked: bool) -> None:
    tree = grown(runs, looked=looked)
    for one, other in product(runs, runs):
        if one is not other:
            alike = [
                step
                for step in range(1, min(one[0].horizon, other[0].horizon))
                if past(one, step, looked=looked) == past(other, step, looked=looked)
            ]
            assert tree.prefix(one[0].key, other[0].key) == max(alike, default=0)


def test_twelve_cooldowns_cost_one_trunk() -> None:
    runs = [asked(f"wsd(cooldown={100 + 50 * i})", seed=seed, horizon=1000) for i in range(12) for seed in range(3)]
    tree = grown(runs)
    saving = tree.saving(tree.plan(specs(runs)))
    assert saving.steps_alone == 36_000
    assert str(saving).startswith("12 candidates x 3 seeds: ")
    # one trunk to 900, cooldowns of 100, 150, ...; a step is shared with the cooldown's first value, which is 1
    assert saving.steps_shared == 3 * (901 + sum(100 + 50 * i - 1 for i in range(12)))
    assert saving.times > 2


def test_a_run_goes_on_from_its_own_snapshot_before_anothers_of_the_same_step() -> None:
    mine, other = asked("wsd(cooldown=4)"), asked("wsd(cooldown=6)")
    tree = grown([mine, other])
    stages = [snapshot(other, 10), snapshot(mine, 10), snapshot(mine, 12, there=False), snapshot(mine, 5)]
    assert tree.latest(mine[0].key, stages) == stages[1]
    assert tree.plan([mine[0]], stages) == (Leg(mine[0], 10, f"{mine[0].key}@10"),)


def test_a_stage_is_known_by_itself_when_its_run_is_wanted_no_longer() -> None:
    mine, gone = asked("wsd(cooldown=4)"), asked("wsd(cooldown=6)")
    tree = grown([mine])
    assert tree.fits(snapshot(gone, 15), mine[0].key)
    assert not tree.fits(snapshot(gone, 16), mine[0].key)
    assert not tree.fits(snapshot(asked("wsd(cooldown=6)", seed=5), 15), mine[0].key)


def test_what_is_there_is_not_waited_for_to_save_a_few_steps() -> None:
    mine, other = asked("wsd(cooldown=4)"), asked("wsd(cooldown=6)")
    tree = grown([mine, other])
    going = {other[0].key: (14,)}
    assert tree.plan([mine[0]], [snapshot(other, 10)], going, least=8)[0].stage == f"{other[0].key}@10"
    assert tree.plan([mine[0]], [snapshot(other, 10)], going, least=2)[0].after == other[0].key
    assert tree.plan([mine[0]], [], going, least=8)[0].after == other[0].key


def test_snapshots_are_needed_by_who_will_start_from_them_and_by_who_is_running() -> None:
    one, two, three = asked("wsd(cooldown=4)"), asked("wsd(cooldown=6)"), asked("cosine()")
    tree = grown([one, two, three])
    stages = [snapshot(one, 5), snapshot(one, 10), snapshot(three, 6), snapshot(three, 9)]
    legs = tree.plan([two[0]], stages, {one[0].key: ()})
    assert tree.needed(legs, stages) == {f"{one[0].key}@10"}
    assert tree.needed(legs, stages, [three[0].key]) == {f"{one[0].key}@10", f"{three[0].key}@9"}
    assert tree.needed([], stages) == set()


def test_identical_runs_share_all_but_their_last_update() -> None:
    runs = [asked("cosine()"), asked("scale(cosine(), by=1)")]
    legs = grown(runs).plan(specs(runs))
    assert [(leg.start, leg.keep_at, leg.steps) for leg in legs] == [(0, (19,), 20), (19, (), 1)]


def test_whom_others_wait_for_goes_first() -> None:
    runs = [
        asked("wsd(cooldown=4)"),
        asked("cosine()"),
        asked("wsd(cooldown=6)", horizon=40, evals=8),
        asked("linear_decay()"),
    ]
    legs = grown(runs, looked=False).plan(specs(runs))
    assert [leg.run.candidate for leg in legs] == ["wsd(cooldown=6)", "wsd(cooldown=4)", "cosine()", "linear_decay()"]


def test_what_was_never_added_is_told_so() -> None:
    with pytest.raises(LabError, match="allowed: runs that were added"):
        Tree().prefix("0" * 16, "1" * 16)
    with pytest.raises(LabError, match="JSON of a cosine"):
        Tree().add(asked("cosine()")[0], calando.cosine().to_json(), 1)
    with pytest.raises(CalandoError):
        Tree().add(asked("cosine()")[0], "{", 1)


@pytest.mark.alone
def test_a_hundred_runs_of_a_million_steps_are_planned_in_seconds() -> None:
    texts = [f"wsd(warmup=1%, cooldown={5 + i}%)" for i in range(40)]
    texts += [f"warmup(1%) | multistep(milestones=[{20 + i}%, {70 + i}%])" for i in range(20)]
    texts += [f"cosine(end=0.0{i + 1})" for i in range(9)]
    texts += [f"hold(wsd(cooldown={5 + i}%), every=1000)" for i in range(10)]
    texts += [f"polynomial_decay(power={1 + i / 10:g})" for i in range(21)]
    runs = [asked(text, horizon=1_000_000, evals=50) for text in texts]
    begun = time.perf_counter()
    tree = grown(runs)
    saving = tree.saving(tree.plan(specs(runs)))
    assert time.perf_counter() - begun < 5
    assert saving.steps_alone == 100_000_000
    assert saving.times > 1.5


@pytest.mark.alone
def test_a_thousand_runs_are_planned_again_and_again_at_no_cost() -> None:
    texts = [f"wsd(cooldown={10 + i})" for i in range(200)]
    runs = [asked(text, seed=seed, horizon=1000) for seed in range(5) for text in texts]
    tree = grown(runs)
    first = tree.plan(specs(runs))
    stages = [snapshot(one, 500) for one in runs[::10]]
    begun = time.perf_counter()
    for _ in range(5):
        again = tree.plan(specs(runs))
    assert again == first
    assert len(tree.plan(specs(runs), stages)) == 1000
    assert time.perf_counter() - begun < 3
