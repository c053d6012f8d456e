"""What fresh seeds say of a choice: only its own pair, lost runs counted, and a seed that changes nothing."""

from dataclasses import replace

import pytest

from calando.lab.tuning.verdict import verdict
from calando.records import Candidate, RunRecord, RunSpec, StudySpec, Verdict
from calando.records.run import Phase, Status
from calando.records.tuning import Spending, Standpoint, Tuned, TuneSpec

PLANS = ("wsd()", "cosine()", "constant()")
SPEC = StudySpec(
    "?", "t.py:train", 100, tuple(Candidate(plan, plan) for plan in PLANS), baseline="cosine()", mode="min"
)
TUNED = Tuned(
    "wsd()", "wsd()", 0.2, standpoints=tuple(Standpoint(plan, 0.2, 1.0, 0.1, 0.3, 0.0, 5, 2) for plan in PLANS)
)
SEEDS = range(1000, 1008)


def setup(plan: str, peak: float = 0.2, params: str = "") -> RunSpec:
    return RunSpec(plan, plan, peak, 0, 100, "final", params)


def fresh(one: RunSpec, *values: float | None) -> dict[str, RunRecord]:
    """Confirmation runs of a setting; None is one that diverged."""
    found = {}
    for seed, value in zip(SEEDS, values, strict=False):
        spec = replace(one, seed=seed, phase="confirm")
        status = "done" if value is not None else "diverged"
        found[spec.key] = RunRecord(spec, status, final=value, steps=100)
    return found


def judged(mine: dict[str, RunRecord], theirs: dict[str, RunRecord], rival: str = "cosine()") -> Verdict:
    pair = setup("wsd()"), setup(rival)
    spec = SPEC if rival == SPEC.baseline else replace(SPEC, baseline="wsd()")
    return verdict(spec, TuneSpec("9runs", 900, (100,)), TUNED, {**mine, **theirs}, pair)


LOW = [1.0 + 0.01 * (i % 3) for i in range(8)]
HIGH = [1.5 + 0.02 * (i % 2) for i in range(8)]


def test_only_runs_of_the_present_choice_and_rival_are_evidence() -> None:
    """Another peak, other values and an earlier rival were confirmed before the study was extended."""
    stale = {
        **fresh(setup("wsd()", 0.05), *[9.0 + v for v in LOW]),
        **fresh(setup("wsd()", 0.2, '{"decay":1}'), *[9.0 + v for v in LOW]),
        **fresh(setup("constant()"), *[0.1 * v for v in LOW]),
        **fresh(setup("cosine()", 0.4), *[0.1 * v for v in LOW]),
    }
    alone = judged(fresh(setup("wsd()"), *LOW[:4]), fresh(setup("cosine()"), *HIGH[:4]))
    for order in (lambda old, new: {**old, **new}, lambda old, new: {**new, **old}):
        mixed = judged(order(stale, fresh(setup("wsd()"), *LOW[:4])), fresh(setup("cosine()"), *HIGH[:4]))
        assert (mixed.headline, mixed.standings) == (alone.headline, alone.standings)
    assert alone.headline == "Use wsd() at peak 0.2: better than cosine() on 4 fresh seeds."
    assert alone.standing("cosine()").peak == 0.2
    assert not alone.standing("constant()").values


def test_a_choice_that_diverges_on_fresh_seeds_is_not_better() -> None:
    told = judged(fresh(setup("wsd()"), *LOW[:4], None, None, None, None), fresh(setup("cosine()"), *HIGH))
    assert told.recommended == "cosine()"
    assert told.headline.startswith("Keep cosine(): wsd() lost on 4 of 8 fresh seeds")
    assert not told.proven
    assert "wsd() lost on 4 of 8" in told.doubt
    assert any("wsd() lost on 4 of 8" in line for line in told.not_proven)
    assert told.standing("wsd()").versus_baseline is not None
    assert told.standing("wsd()").versus_baseline.is_ == "open"  # type: ignore[union-attr]


def test_a_baseline_that_diverges_on_fresh_seeds_is_not_kept_for_it() -> None:
    near = [v + 0.01 * (-1) ** i for i, v in enumerate(LOW)]
    told = judged(fresh(setup("wsd()"), *LOW), fresh(setup("cosine()"), *near[:5], None, None, None))
    assert told.recommended == "wsd()"
    assert "cosine() lost on 3 of 8 fresh seeds" in told.headline
    assert not told.proven


def test_where_both_lose_alike_the_choice_is_not_called_better() -> None:
    told = judged(fresh(setup("wsd()"), *LOW[:7], None), fresh(setup("cosine()"), *HIGH[:7], None))
    assert told.recommended == "cosine()"
    assert "not shown to be better" in told.headline
    assert "lost on 1 of 8" in told.headline


@pytest.mark.parametrize(("by", "recommended", "word"), [(0.3, "cosine()", "worse"), (-0.3, "wsd()", "better")])
def test_the_same_difference_on_every_seed_is_said_and_decides(by: float, recommended: str, word: str) -> None:
    told = judged(fresh(setup("wsd()"), *[1.0 + by] * 8), fresh(setup("cosine()"), *[1.0] * 8))
    assert told.recommended == recommended
    assert word in told.headline
    assert "by exactly 0.3 on each of 8 fresh seeds; the seed changes nothing, so that is one obs" in told.headline
    assert not any("too few" in line for line in told.sentences)
    assert any("one observation" in line for line in told.not_proven)
    assert not told.proven


def test_no_difference_on_any_seed_keeps_what_you_have() -> None:
    told = judged(fresh(setup("wsd()"), *[1.0] * 8), fresh(setup("cosine()"), *[1.0] * 8))
    assert told.recommended == "cosine()"
    assert "with exactly the same on each of 8 fresh seeds" in told.headline


def test_fresh_seeds_that_all_gave_nothing_are_said() -> None:
    told = judged(fresh(setup("wsd()"), *[None] * 8), fresh(setup("cosine()"), *[None] * 8))
    assert told.recommended == "cosine()"
    assert "none of 8 gave a result of both" in told.headline
    assert "0 fresh seeds" not in told.headline


def test_where_the_choice_is_the_baseline_its_rival_can_be_used_instead() -> None:
    told = judged(fresh(setup("wsd()"), *HIGH), fresh(setup("constant()"), *LOW), rival="constant()")
    assert told.recommended == told.leader == "constant()"
    assert told.headline.startswith("Use constant(): wsd() at peak 0.2")
    assert "wsd()" not in told.tie_set


def test_the_numbers_of_runs_agree_with_one_another() -> None:
    def run(phase: Phase, seed: int, status: Status) -> RunRecord:
        return RunRecord(RunSpec("wsd()", "wsd()", 0.2, seed, 100, phase), status, steps=100)

    phases = {"probe": 1, "range test": 2, "full horizon": 15, "confirmation": 8, "earlier sittings": 4}
    spending = tuple(Spending(phase, 100, 100, runs) for phase, runs in phases.items())
    runs = [run("probe", 0, "diverged"), run("range", 1, "diverged"), run("final", 2, "diverged")]
    found = {one.spec.key: one for one in [*runs, run("final", 3, "done")]}
    tuned = replace(TUNED, budget=1000, spent=900, spending=spending)
    told = verdict(SPEC, TuneSpec("9runs", 900, (100,)), tuned, found)
    counts = "30 runs (15 to choose, 8 to prove, 3 to measure, 4 from earlier sittings); 1 diverged, 0 failed."
    assert any(line.endswith(counts) for line in told.sentences)
    assert "chosen on 15 runs" in told.headline, "those of the shapes, neither probe nor range tests"
