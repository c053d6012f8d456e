"""Lost seeds, diverged or failed, are no luck: who loses more of them cannot lead, tie, or be proven."""

import pytest

from calando.lab.judge import judge
from calando.records import Curve, RunRecord, RunSpec, Verdict
from tests.lab.made import Outcome, played, spec

SEEDS = (1000, 1001, 1002, 1003, 1004)
HARD = {1000: 0.0, 1001: 0.01, 1002: 2.0, 1003: 2.1, 1004: 2.05}
WOBBLE = {1000: 0.001, 1001: -0.002, 1002: 0.003, 1003: 0.0, 1004: 0.002}


def judged(*plans: str, lost: dict[str, tuple[int, ...]], level: dict[str, float], how: str = "failed") -> Verdict:
    question = spec(*plans, peaks=(0.1,), confirm_seeds=SEEDS)

    def outcome(run: RunSpec) -> Outcome:
        if run.seed in lost.get(run.candidate, ()):
            return how
        return level[run.candidate] + HARD[run.seed] + WOBBLE[run.seed] * (1 + plans.index(run.candidate))

    return judge(question, played(question, outcome))


LEVEL = {"cosine()": 0.5, "wsd()": 0.1, "constant()": 0.9}


@pytest.mark.parametrize("how", ["failed", "diverged"])
def test_who_finishes_only_the_easy_seeds_does_not_lead(how: str) -> None:
    found = judged("cosine()", "wsd()", lost={"wsd()": SEEDS[2:]}, level=LEVEL, how=how)
    assert (found.leader, found.tie_set, found.proven) == ("cosine()", ("cosine()",), False)
    assert found.recommended == "cosine()"
    assert f"is ruled out: it {how} on 3 of 5 seeds" in found.headline
    assert "is best" not in found.headline
    assert found.more == ()


def test_one_divergence_rules_out_a_better_mean_in_headline_and_reason_alike() -> None:
    found = judged("cosine()", "wsd()", lost={"wsd()": (1004,)}, level=LEVEL, how="diverged")
    told = "wsd() has the better mean on the 4 seeds that both finished but is ruled out: it diverged on 1 of 5 seeds"
    assert found.headline == f"No single winner: cosine() leads with val_loss 1.733 at peak 0.1; {told}."
    assert not found.proven
    assert found.doubt == told
    assert found.standing("cosine()").why == "Best mean of those that lost the fewest seeds."
    assert found.standing("wsd()").why.startswith(f"{told} (-0.3995 [")
    (against,) = [s for s in found.sentences if "better than the baseline cosine()" in s]
    assert against.startswith("On the 4 seeds that both finished, wsd() at peak 0.1 is better than")
    assert against.endswith("; yet wsd() is ruled out: it diverged on 1 of 5 seeds.")
    assert any(
        s.startswith("That cosine() has the best mean: what rules out wsd() is lost seeds") for s in found.not_proven
    )


def test_a_worse_one_that_lost_a_seed_leaves_the_winner_proven() -> None:
    found = judged("cosine()", "wsd()", lost={"cosine()": (1004,)}, level=LEVEL)
    assert (found.leader, found.proven) == ("wsd()", True)
    assert found.standing("cosine()").why.startswith("Failed on 1 of 5 seeds; also worse than wsd() by +0.3995 [")


def test_one_seed_in_common_is_no_ground_to_call_anyone_best() -> None:
    found = judged("cosine()", "wsd()", lost={"wsd()": SEEDS[1:]}, level=LEVEL)
    assert (found.leader, found.proven) == ("cosine()", False)
    assert "wsd() has too few seeds in common to compare and is ruled out: it failed on 4 of 5" in found.headline


def test_the_only_one_with_a_result_beats_no_one() -> None:
    found = judged("cosine()", "wsd()", "constant()", lost={"cosine()": SEEDS, "constant()": SEEDS}, level=LEVEL)
    assert (found.leader, found.proven) == ("wsd()", False)
    assert found.headline == "wsd() is the only one that gave a result: val_loss 1.334 at peak 0.1."
    assert found.standing("wsd()").why == "The only one that gave a result."
    assert not any("better than" in s for s in (*found.sentences, *(x.why for x in found.standings)))


def test_a_rival_without_any_result_does_not_stop_a_proof_against_the_others() -> None:
    found = judged("cosine()", "wsd()", "constant()", lost={"constant()": SEEDS}, level=LEVEL)
    assert (found.leader, found.proven) == ("wsd()", True)
    assert found.standing("wsd()").why == "Best mean, and better than every other that gave a result."


def test_those_who_all_lost_seeds_are_held_on_the_seeds_that_all_finished() -> None:
    found = judged("cosine()", "wsd()", lost={"cosine()": (1000,), "wsd()": (1004,)}, level=LEVEL)
    versus = found.standing("wsd()").versus_baseline
    assert versus is not None
    assert versus.n == 3
    assert (found.leader, found.tie_set, found.proven) == ("wsd()", ("wsd()",), True)


def test_three_who_lost_a_seed_each_are_compared_on_what_all_three_finished() -> None:
    plans = ("cosine()", "wsd()", "constant()")
    found = judged(*plans, lost={plan: (seed,) for plan, seed in zip(plans, SEEDS, strict=False)}, level=LEVEL)
    assert found.leader == "wsd()"
    for line in found.standings:
        for versus in (line.versus_baseline, line.versus_leader):
            assert versus is None or versus.n == 2
        assert line.mean == pytest.approx(LEVEL[line.label] + sum(HARD[seed] for seed in SEEDS[3:]) / 2, abs=0.01)


def test_where_no_seed_is_shared_nothing_is_compared() -> None:
    lost = {"cosine()": (1000, 1001, 1002), "wsd()": (1002, 1003, 1004)}
    question = spec("cosine()", "wsd()", peaks=(0.1,), confirm_seeds=SEEDS)
    found = judge(
        question,
        played(question, lambda r: "failed" if r.seed in lost[r.candidate] else LEVEL[r.candidate] + HARD[r.seed]),
    )
    assert set(found.tie_set) == {"cosine()", "wsd()"}
    assert found.headline.startswith("No winner: none of the 2 candidates can be told apart")
    assert found.standing("cosine()").why == "No common seed to compare it with wsd()."
    assert found.more == ()


def test_many_ruled_out_ones_are_told_in_one_breath() -> None:
    plans = ("cosine()", "wsd()", "constant()", "linear_decay()")
    level = dict.fromkeys(plans, 0.1) | {"cosine()": 0.5}
    found = judged(*plans, lost=dict.fromkeys(plans[1:], (1004,)), level=level)
    assert found.doubt == (
        "wsd(), constant() and linear_decay() are ruled out by the seeds they lost, not by their means"
    )


def test_a_metric_that_nobody_logged_is_named_beside_what_was() -> None:
    question = spec(metric="val_los")

    def silent(run: RunSpec) -> RunRecord:
        curves = {"lr": Curve((0,), (0.1,)), "train_loss": Curve((0,), (1.0,)), "val_loss": Curve((99,), (0.4,))}
        reason = "broken contract: val_los was not logged at the end"
        return RunRecord(run, "failed", reason=reason, curves=curves, steps=run.horizon)

    runs = {key: silent(record.spec) for key, record in played(question, lambda run: "failed").items()}
    found = judge(question, runs)
    assert found.sentences[0] == "Of 12 runs, 0 diverged, 12 failed."
    assert found.sentences[1] == "The metric 'val_los' was never logged; logged were: train_loss and val_loss."


def test_why_no_one_gave_a_result_is_told_in_the_runs_own_words() -> None:
    question = spec(extend=0)
    found = judge(question, played(question, lambda run: "failed" if run.seed == 0 else "diverged"))
    assert found.headline == "No candidate gave a result."
    assert found.sentences[1:] == ("made up (12 runs).", "Read the tracebacks.", "Lower the peaks.")
