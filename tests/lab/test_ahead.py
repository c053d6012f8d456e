"""What follows from a study: the longer run by theory, the runs that would tell most, and commands to paste."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from calando.cli import main
from calando.core.text import parse
from calando.forecast import LAWS, extend
from calando.forecast.curve import plan_rates
from calando.forecast.laws.base import Path as Rates
from calando.lab.ahead import look_ahead
from calando.lab.judge import judge
from calando.records import Curve, MoreSeeds, RunRecord, RunSpec, Selection, Standing, StudySpec, Verdict, load
from calando.records.ahead import Ahead
from calando.records.result import Cost
from tests.lab.made import spec

HORIZON = 400
NEAR = ("linear_decay()", "wsd(cooldown=60%)", "wsd()")


def won(plan: str, peak: float | None, *tied: tuple[str, float], more: tuple[MoreSeeds, ...] = ()) -> Verdict:
    stood = [Standing(i, one, one, "candidate", p, 0.5, None) for i, (one, p) in enumerate([(plan, peak), *tied], 1)]
    labels = tuple(one.label for one in stood)
    return Verdict("val_loss", "min", 0.95, 0.0, plan, plan, labels, plan, tuple(stood), more=more)


def ahead(found: Verdict, runs: tuple[RunRecord, ...] = (), question: StudySpec | None = None, **more: object) -> Ahead:
    question = question or spec(*(one.plan for one in found.standings), horizon=HORIZON)
    answer = look_ahead(question, found, runs, "studies/t", **more)  # type: ignore[arg-type]
    assert answer is not None
    return answer


def test_a_plan_with_a_stable_stage_goes_on_and_keeps_its_trunk_and_its_peak() -> None:
    found = ahead(won("wsd()", 0.1))
    first, anew = found.onward
    advised = {way.name: way for way in extend("wsd()", 2, peak=0.1, horizon=HORIZON).ways}[first.way]
    assert (first.plan, first.peak, first.leaves) == (advised.plan, 0.1, advised.leaves)
    old, new = parse("wsd()").bind(HORIZON), parse(first.plan).bind(2 * HORIZON)
    assert [old(step) for step in range(first.leaves)] == [new(step) for step in range(first.leaves)]
    assert first.leaves > HORIZON // 2
    assert f"Its first {first.leaves} updates are those of the run over {HORIZON}" in found.sentences[0]
    assert anew.leaves == 0


def test_what_was_measured_best_stays_the_plan_where_it_has_to_begin_anew() -> None:
    first, linear = ahead(won("cosine()", 0.1)).onward
    assert (first.plan, first.leaves) == ("cosine()", 0)
    low, high = first.low or 0.0, first.high or 0.0
    assert 0.05 < low < (first.peak or 0.0) < high < 0.1  # the best peak falls with the horizon
    assert linear.way == "anew, linear decay"
    assert len(ahead(won("linear_decay()", 0.1)).onward) == 1  # nothing is held against itself


@pytest.mark.parametrize(
    ("edge", "told", "sought"),
    [("single", "0.1 is the only peak", (0.05, 0.1, 0.2)), ("low", "0.1 is the smallest peak", (0.025, 0.05, 0.1)),
     ("high", "0.1 is the largest peak", (0.1, 0.2, 0.4))],
)  # fmt: skip
def test_from_a_peak_that_is_not_known_to_be_the_best_no_theory_goes_on(edge, told, sought) -> None:
    for plan in ("wsd()", "cosine(end=0.1)"):
        chosen = replace(won(plan, 0.1), selections=(Selection(plan, 0.1, True, edge),))
        found = ahead(chosen)
        assert found.onward == ()
        assert f"look for its best peak first; {told} that was tried" in found.sentences[0]
        ((_, command),) = found.commands
        words = shlex.split(command)
        peaks = words[words.index("--peaks") + 1 : words.index("--no-humble")]
        assert tuple(map(float, peaks)) == sought
        assert words[words.index("--steps") + 1] == "800"
    own = ahead(replace(won("wsd()", None), selections=(Selection("wsd()", None, True, "single"),)))
    assert (own.onward, own.commands) == ((), ())
    assert "only the optimizer's own rates were tried" in own.sentences[0]
    assert len(ahead(replace(won("wsd()", 0.1), selections=(Selection("wsd()", 0.1, True, ""),))).onward) == 2


def test_what_theory_takes_for_granted_stands_beside_its_advice() -> None:
    (assumed,) = [line for line in ahead(won("wsd()", 0.1)).sentences if line.startswith("That assumes: ")]
    assert all(note in assumed for note in extend("wsd()", 2, peak=0.1, horizon=HORIZON).notes)
    assert "the peak given is taken for the best one" in assumed


@pytest.mark.parametrize("plan", ["constant()", "cosine(end=0.1)", "warm_restarts(first=20%)"])
def test_where_theory_is_known_to_fail_there_is_a_range_and_no_best_guess(plan: str) -> None:
    found = ahead(won(plan, 0.1))
    (way,) = found.onward
    assert way.plan == str(parse(plan))
    assert "there is no best guess" in found.sentences[0]
    ((_, command),) = found.commands
    words = shlex.split(command)
    peaks = [float(word) for word in words[words.index("--peaks") + 1 : words.index("--no-humble")]]
    assert peaks[0] == pytest.approx(way.low, rel=0.01)
    assert peaks[2] == pytest.approx(way.high, rel=0.01)


def test_a_plan_that_listens_and_one_that_does_not_fit_say_why_nothing_is_known() -> None:
    found = ahead(won("reduce_on_plateau(cosine())", 0.1))
    assert found.onward == found.commands == ()
    assert "listens to a metric" in found.sentences[0]
    found = ahead(won("multistep(milestones=[3ep])", 0.1))
    assert found.onward == ()
    assert found.sentences[0].startswith("How multistep(milestones=[3ep]) goes on beyond 400 updates is not known")


def test_without_a_peak_rates_are_told_as_multiples_and_nothing_is_to_be_pasted() -> None:
    found = ahead(won("cosine()", None))
    assert "times the optimizer's own rates" in found.sentences[0]
    assert found.commands == ()


def a_run(plan: str, peak: float, seed: int) -> RunRecord:
    """A run of a world in which the generalised bound is the truth."""
    at = np.linspace(HORIZON // 20, HORIZON, 20).astype(int)
    law, known = LAWS["bound"], {"L_inf": 2.0, "a": 0.8, "p": 0.5, "b": 0.6, "q": 0.7}
    theta = np.array([known[one.name] for one in law.parameters])
    losses = law.losses(theta, law.prepare([Rates(plan_rates(plan, peak, HORIZON), at)]))
    losses = losses * (1 + 0.002 * np.sin(3.0 * np.arange(20) + seed + 10 * peak))
    curve = Curve(tuple(int(step) - 1 for step in at), tuple(float(loss) for loss in losses))
    spec = RunSpec(plan, str(parse(plan)), peak, seed, HORIZON)
    return RunRecord(spec, "done", final=curve.last, curves={"val_loss": curve}, steps=HORIZON)


def tied_runs(*plans: str) -> tuple[RunRecord, ...]:
    runs = [a_run(plan, peak, seed) for plan in plans for peak in (0.05, 0.1) for seed in (0, 1)]
    return tuple(replace(run, spec=replace(run.spec, phase="confirm")) for run in runs)


def test_of_tied_candidates_the_laws_say_which_two_runs_would_tell() -> None:
    found = ahead(won("wsd()", 0.1, ("wsd(cooldown=20.1%)", 0.1)), tied_runs(*NEAR))
    assert {one.plan for one in found.telling} == {"wsd(cooldown=20%)", "wsd(cooldown=20.1%)"}
    assert {one.horizon for one in found.telling} == {2 * HORIZON}
    assert any("would tell most next" in line and "12 runs" in line for line in found.sentences)
    assert [what for what, _ in found.commands][-2:] == ["make these runs", "ask the laws again with them"]


def test_where_the_laws_part_the_tied_they_say_who_is_ahead_and_ask_for_nothing() -> None:
    found = ahead(won("wsd(cooldown=10%)", 0.1, ("constant()", 0.1)), tied_runs(*NEAR, "constant()"))
    assert found.telling == ()
    assert any("put wsd(cooldown=10%) at peak 0.1 first over 800 updates" in line for line in found.sentences)


def test_where_no_law_holds_more_seeds_of_the_nearest_pair_are_asked_for() -> None:
    wish = MoreSeeds("wsd()", "linear_decay()", 4, 8 * HORIZON, 0.8)
    tied = won("linear_decay()", 0.1, ("wsd()", 0.1), more=(wish,))
    command = ("calando", "compare", "t.py:train", "--seeds", "2")
    turned = [
        replace(run, curves={"val_loss": replace(run.curves["val_loss"], values=run.curves["val_loss"].values[::-1])})
        for run in tied_runs(*NEAR)
    ]
    for runs, why in (((), "no law can be fitted"), (tuple(turned), "laws of training do not hold here")):
        found = ahead(tied, runs, command=command)
        assert [(one.plan, one.seeds) for one in found.telling] == [("linear_decay()", 4), ("wsd()", 4)]
        assert found.commands[-1][1] == "calando compare t.py:train --seeds 2 --confirm-seeds 8"
        assert any(why in line for line in found.sentences)
    ours = ahead(tied, (), command=("calando", "tune", "t.py:train"))
    assert ours.commands[-1][1].endswith("--steps 400 --study studies/t-next --confirm-seeds 4")
    script = ahead(tied, (), command=("calando", "compare", "--", "python", "t.py", "--wide"))
    assert script.commands[-1][1] == "calando compare --confirm-seeds 8 -- python t.py --wide"


def test_seeds_beyond_five_times_the_study_are_not_asked_for() -> None:
    for seeds, worth in ((20, True), (40, False)):
        wish = MoreSeeds("wsd()", "linear_decay()", seeds, 2 * seeds * HORIZON, 0.8)
        tied = won("linear_decay()", 0.1, ("wsd()", 0.1), more=(wish,))
        found = ahead(replace(tied, cost=Cost(runs=10, steps=10 * HORIZON)), command=("calando", "compare", "t.py:t"))
        assert bool(found.telling) == any("--confirm-seeds" in line for _, line in found.commands) == worth
    assert "40 more seeds of both, 8 times what the whole study took" in found.sentences[-1]


def test_the_command_that_asks_for_seeds_asks_once_and_sets_nothing_aside() -> None:
    wish = MoreSeeds("wsd()", "linear_decay()", 4, 8 * HORIZON, 0.8)
    tied = won("linear_decay()", 0.1, ("wsd()", 0.1), more=(wish,))
    before = ("calando", "compare", "t.py:t", "--confirm-seeds", "5", "--fresh", "--seeds", "2", "--confirm-seeds=4")
    assert ahead(tied, command=before).commands[-1][1] == "calando compare t.py:t --seeds 2 --confirm-seeds 8"
    script = ("calando", "compare", "--confirm-seeds", "4", "--", "python", "t.py", "--fresh")
    assert ahead(tied, command=script).commands[-1][1] == "calando compare --confirm-seeds 8 -- python t.py --fresh"


def test_where_neither_laws_nor_seeds_tell_it_says_so() -> None:
    found = ahead(won("linear_decay()", 0.1, ("wsd()", 0.1)))
    assert found.telling == ()
    assert found.sentences[-1].startswith("Which runs would tell the tied ones apart is not known: val_loss was logged")


def test_nobody_who_won_nothing_ahead() -> None:
    assert look_ahead(spec("cosine()"), judge(spec("cosine()"), {}), (), "t") is None


def test_declared_values_that_go_with_the_choice_are_told() -> None:
    found = ahead(won("wsd()", 0.1), params='{"decay":0.01}')
    assert sum('write {"decay":0.01} into the train function' in line for line in found.sentences) == 1


def test_a_finished_study_shows_what_is_next_and_its_command_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.py").write_text(
        "import calando\n"
        "@calando.declare(steps=40, evals=10)\n"
        "def train(run):\n"
        "    x = 3.0 + 0.1 * run.seed % 1\n"
        "    for _ in run.steps():\n"
        "        x -= run.lr * 2 * x\n"
        "        run.log(train_loss=x * x)\n"
        "        if run.eval_due:\n"
        "            run.log(val_loss=1 + x * x)\n"
    )
    call = CliRunner().invoke
    line = shlex.split('compare t.py:train -c "wsd()" --peaks 0.05 0.5 0.95 --no-humble --confirm-seeds 2 --quiet')
    done = call(main, [*line, "--study", "s"])
    assert done.exit_code == 0, done.output
    shown = done.output.partition("NEXT")[2]
    assert "To train longer, 80 updates: go on with wsd(cooldown=" in shown
    known = load("s").facts["ahead"]
    ((_, command),) = known["commands"]
    told = call(main, ["status", "s", "--json"]).output
    assert '"longer": 80' in told
    page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert 'id="next"' in page
    assert known["onward"][0]["plan"] in page
    again = call(main, [*shlex.split(command)[1:], "--quiet", "--no-report", "--confirm-seeds", "2"])
    assert again.exit_code == 0, again.output
    assert load("s-80").spec.horizon == 80


def test_a_run_keeps_its_epochs() -> None:
    question = replace(spec("wsd(warmup=1ep)"), horizon=HORIZON, steps_per_epoch=40)
    found = ahead(won("wsd(warmup=1ep)", 0.1), question=question)
    assert "--steps-per-epoch 40" in found.commands[0][1]
    assert isinstance(found.onward[0].leaves, int)
    assert RunSpec("a", found.onward[0].plan, 0.1, 0, 800).horizon == 800
