"""Recorded good runs as others might have logged them: without the first part, or evaluated on another scale."""

from dataclasses import replace

import pytest

from bench.watch.labelled.cases import cases
from bench.watch.labelled.recording import load
from bench.watch.labelled.scoring import QUIET, labelled, observed
from calando.records.diagnosis import diagnose


def since(first, pair):
    steps, values = pair
    kept = [place for place, step in enumerate(steps) if step >= first]
    return [steps[place] for place in kept], [values[place] for place in kept]


@pytest.fixture(scope="module")
def good():
    results = load("other")
    runs = [run for case in cases("other") for run in labelled(case, case.seeds, results)]
    return [observed(run.recipe, run.trained) for run in runs if run.label.kind == "healthy" and not run.label.left_out]


def quiet(seen):
    """The share of the runs of which nothing bad is said."""
    return sum({one.kind for one in diagnose(run)} <= {*QUIET} for run in seen) / len(seen)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_good_runs_whose_logs_begin_late_raise_no_alarm(share, good):
    assert len(good) >= 100
    cut = [
        replace(seen, **{name: since(share * seen.horizon, getattr(seen, name)) for name in ("train", "val", "lr")})
        for seen in good
    ]
    assert quiet(cut) >= 0.95


@pytest.mark.parametrize("factor", [0.25, 3, 1000])
def test_good_runs_that_were_evaluated_on_another_scale_raise_no_alarm(factor, good):
    apart = [replace(seen, val=(seen.val[0], [factor * value for value in seen.val[1]])) for seen in good]
    assert quiet(apart) >= 0.95
