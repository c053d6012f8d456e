"""The verdict: who leads, who is tied, what is not proven; the same runs always give the same one."""

import json

import pytest

from calando.lab.judge import judge
from calando.records import Candidate, RunSpec, Verdict
from calando.records.plain import decode, encode
from tests.lab.made import Outcome, played, spec

NOISE = {1000: 0.0, 1001: 0.013, 1002: -0.008, 1003: 0.004}
WOBBLE = {1000: 0.001, 1001: -0.001, 1002: 0.002, 1003: 0.0}
SHARE = {"cosine()": -1.0, "wsd()": 1.0, "constant()": 1.5, "linear_decay()": -1.25}
LEVEL = {"cosine()": 0.50, "wsd()": 0.40, "constant()": 0.90, "linear_decay()": 0.4003}


def outcome(run: RunSpec) -> Outcome:
    return (
        LEVEL[run.candidate]
        + NOISE.get(run.seed, 0.0)
        + SHARE[run.candidate] * WOBBLE.get(run.seed, 0.0)
        + abs(run.peak - 0.2)
    )


def verdict(*plans: str, how=outcome, **changes: object) -> Verdict:  # type: ignore[no-untyped-def]
    question = spec(*plans, **changes)
    return judge(question, played(question, how))


def test_a_clear_winner_is_proven_and_recommended() -> None:
    found = verdict("cosine()", "wsd()", "constant()")
    assert (found.leader, found.tie_set, found.proven, found.recommended) == ("wsd()", ("wsd()",), True, "wsd()")
    assert found.headline == "wsd() is best: val_loss 0.4028 at peak 0.2."
    assert [s.label for s in found.standings] == ["wsd()", "cosine()", "constant()"]
    assert [s.rank for s in found.standings] == [1, 2, 3]
    versus = found.standing("wsd()").versus_baseline
    assert versus is not None
    assert (versus.is_, versus.reference) == ("better", "cosine()")
    assert "wsd() at peak 0.2 is better than the baseline cosine(): -0.099" in found.sentences[0]


def test_candidates_that_cannot_be_told_apart_are_a_tie_set() -> None:
    found = verdict("cosine()", "wsd()", "linear_decay()")
    assert found.leader == "linear_decay()"
    assert set(found.tie_set) == {"wsd()", "linear_decay()"}
    assert found.recommended == "linear_decay()"
    assert found.headline.startswith("No single winner: linear_decay() leads")
    assert found.standing("cosine()").why.startswith("Worse than linear_decay() by +0.09983 [")
    (more,) = found.more
    assert (more.candidate, more.reference) == ("wsd()", "linear_decay()")
    assert any("more seeds would tell" in s or "treat as equal" in s for s in found.sentences)


def test_a_baseline_in_the_tie_set_is_recommended() -> None:
    found = verdict("wsd()", "linear_decay()")
    assert found.baseline == "wsd()"
    assert found.leader == "linear_decay()"
    assert found.recommended == "wsd()"
    assert found.sentences[0] == "The baseline wsd() is in the tie set: nothing here says to leave it."


def test_a_margin_keeps_what_hardly_differs_in_the_tie_set() -> None:
    assert verdict("cosine()", "wsd()").tie_set == ("wsd()",)
    found = verdict("cosine()", "wsd()", margin=0.2)
    assert found.tie_set == ("wsd()", "cosine()")
    assert found.standing("cosine()").why.startswith("Within 0.2 of wsd()")


@pytest.mark.parametrize("how", ["diverged", "failed"])
def test_a_candidate_that_lost_a_seed_neither_leads_nor_ties(how: str) -> None:
    found = verdict(how=lambda run: how if (run.candidate, run.seed) == ("wsd()", 1001) else outcome(run))
    assert found.tie_set == ("cosine()",)
    wsd = found.standing("wsd()")
    assert (wsd.rank, wsd.lost, wsd.diverged, wsd.failed) == (2, 1, int(how == "diverged"), int(how == "failed"))
    assert wsd.values == ((1000, 0.401), (1001, None), (1002, pytest.approx(0.394)), (1003, pytest.approx(0.404)))
    lost = "1 diverged, 0 failed" if how == "diverged" else "0 diverged, 1 failed"
    assert f"wsd() lost 1 of 4 confirmation seeds: {lost}." in found.sentences
    versus = wsd.versus_baseline
    assert versus is not None
    assert versus.interval is not None
    assert versus.interval.n == 3


def test_where_nothing_works_no_one_leads() -> None:
    found = verdict(how=lambda run: "diverged")
    assert (found.leader, found.tie_set, found.recommended) == (None, (), None)
    assert found.headline == "No candidate gave a result."
    assert found.standings[0].why == "No peak of the grid gave a result, so it was not confirmed."


def test_one_confirmation_seed_proves_nothing_and_forecasts_nothing() -> None:
    found = verdict(confirm_seeds=(1000,))
    assert set(found.tie_set) == {"cosine()", "wsd()"}
    assert "Any difference: one confirmation seed shows no spread." in found.not_proven
    assert found.more == ()
    assert not any("treat as equal" in s or "more seed" in s for s in found.sentences)
    told = "Differs from wsd() by +0.098 on the only common seed: too few to tell them apart."
    assert found.standing("cosine()").why == told


def test_a_seed_that_changes_nothing_names_no_winner_and_no_chance() -> None:
    found = verdict(peaks=(0.1,), how=lambda run: LEVEL[run.candidate])
    assert any("the seed changes nothing" in s for s in found.not_proven)
    assert found.headline == "No winner can be named: the seed changes nothing; wsd() has val_loss 0.4 at peak 0.1."
    assert (found.proven, set(found.tie_set), found.more) == (False, {"cosine()", "wsd()"}, ())
    assert found.doubt == "the seed changes nothing, so nothing shows what chance does"
    told = "wsd() at peak 0.1 differs from the baseline cosine() by -0.1"
    assert f"{told}; the seed changes nothing, so this is one observation and not 4." in found.sentences
    for standing in found.standings:
        assert standing.interval is None
        for versus in (standing.versus_baseline, standing.versus_leader):
            assert versus is None or (versus.interval, versus.p, versus.is_) == (None, None, "open")


def test_twins_that_give_the_same_numbers_are_said_to() -> None:
    found = verdict(how=lambda run: 0.5 + NOISE.get(run.seed, 0.0) + abs(run.peak - 0.2))
    assert found.standing("wsd()").why == "The same numbers as cosine() on every seed."
    assert found.more == ()


def test_a_confidence_short_of_certainty_never_reads_as_certain() -> None:
    found = verdict("cosine()", "wsd()", "linear_decay()", confidence=0.9999999)
    text = " ".join([found.method, *found.sentences, *(s.why for s in found.standings)])
    assert "99.99999 %" in text
    assert "100 %" not in text


def test_a_peak_that_is_still_on_the_edge_is_told() -> None:
    found = verdict(how=lambda run: 1 / run.peak + NOISE.get(run.seed, 0.0))
    assert any("The best peak of cosine(), 1.6, is the largest that was tried" in s for s in found.sentences)
    assert any("extended past its edge for cosine() and wsd()" in s for s in found.sentences)
    fixed = verdict(how=lambda run: 1 / run.peak + NOISE.get(run.seed, 0.0), extend=0)
    told = [s for s in fixed.sentences if s.startswith("The best peak of cosine()")]
    assert told == ["The best peak of cosine(), 0.4, is the largest that was tried: its own best may lie beyond."]


def test_a_single_peak_for_all_is_a_caveat() -> None:
    found = verdict(peaks=(0.2,))
    assert any("every candidate ran at one peak" in s for s in found.not_proven)


def test_more_is_better_where_the_mode_says_so() -> None:
    found = verdict(mode="max", how=lambda run: 1 - outcome(run))
    assert found.leader == "wsd()"
    versus = found.standing("wsd()").versus_baseline
    assert versus is not None
    assert versus.interval is not None
    assert versus.interval.mean > 0
    assert versus.is_ == "better"


def test_the_same_runs_give_the_same_verdict_in_any_order() -> None:
    question = spec("cosine()", "wsd()", "linear_decay()", "constant()")
    runs = played(question, outcome)
    turned = dict(reversed(list(runs.items())))
    assert judge(question, runs) == judge(question, turned)


def test_a_verdict_survives_storage() -> None:
    found = verdict("cosine()", "wsd()", "linear_decay()")
    text = encode(found)
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert decode(Verdict, text) == found


def test_a_lone_candidate_is_held_against_nothing() -> None:
    assert "nothing to hold it against" in verdict("cosine()").headline


def test_a_pinned_twin_of_a_tuned_candidate_is_its_own_line() -> None:
    twins = (Candidate("tuned", "cosine()"), Candidate("fixed", "cosine()", peak=0.2, role="baseline"))
    found = verdict(candidates=twins, baseline="fixed", how=lambda run: 0.5 + NOISE.get(run.seed, 0.0))
    assert set(found.tie_set) == {"tuned", "fixed"}
    assert found.recommended == "fixed"
