"""The runs of a study are laid beside those at its other peaks."""

from calando.records import Curve, RunRecord, RunSpec
from calando.records.diagnosis import diagnose
from calando.report.notes import _beside, groups
from tests.records.test_diagnosis_beside import USUAL, ran
from tests.report import studies


def run(end, peak, seed, phase="select", params="", status="done"):
    """A run of a study, calm whatever its peak."""
    seen = ran(end, peak, seed=seed)
    known = {"train_loss": seen.train, "val_loss": seen.val, "lr": seen.lr}
    curves = {name: Curve(tuple(steps), tuple(values)) for name, (steps, values) in known.items()}
    spec = RunSpec("mine", USUAL, peak, seed, 600, phase, params)
    return RunRecord(spec, status, curves=curves, final=end, steps=600)


def kinds(study, runs):
    return [[one.kind for one in diagnose(seen)] for seen in _beside(study, runs)]


def test_a_peak_that_did_worse_than_a_cooler_one_is_too_high_and_names_it(tmp_path):
    study = studies.write(tmp_path / "s", horizon=40, select=(0,), confirm=(1000, 1001))
    hot, cool = [run(0.42, 0.4, seed) for seed in (0, 1)], [run(0.31, 0.1, seed) for seed in (0, 1)]
    told = _beside(study, [*hot, *cool])
    (finding,) = diagnose(told[0])
    assert finding.kind == "LR too high"
    assert "Run mine at 0.1 (2 runs), the same plan at a quarter of the peak" in finding.words
    assert [one.kind for one in diagnose(told[2])] == ["healthy"]


def test_runs_that_confirm_are_repeats_of_those_that_chose(tmp_path):
    study = studies.write(tmp_path / "s", horizon=40, select=(0,), confirm=(1000, 1001))
    runs = [run(0.31, 0.1, 0), run(0.31, 0.1, 1000, "confirm"), run(0.42, 0.4, 0)]
    assert _beside(study, runs)[2].beside[0].runs == 2
    assert [len(seen.beside) for seen in _beside(study, runs)] == [1, 1, 1]


def test_other_settings_of_the_train_function_are_another_training(tmp_path):
    study = studies.write(tmp_path / "s", horizon=40, select=(0,), confirm=(1000, 1001))
    runs = [run(0.42, 0.4, 0, params='{"decay":0.1}'), run(0.31, 0.1, 0, params='{"decay":0.01}')]
    assert kinds(study, runs) == [["healthy"], ["healthy"]]


def test_a_study_of_one_training_does_not_ask_where_its_runs_began(tmp_path):
    study = studies.write(tmp_path / "s", horizon=40, select=(0,), confirm=(1000, 1001))
    hot, cool = run(0.42, 0.4, 0), run(0.31, 0.1, 1)
    first = cool.curves["train_loss"]
    cool.curves["train_loss"] = Curve(first.steps, (9.0, *first.values[1:]))
    assert kinds(study, [hot, cool])[0] == ["LR too high"]


def test_every_run_that_is_judged_has_its_note(tmp_path):
    study = studies.write(tmp_path / "s", horizon=200)
    noted = groups(study, {plan: place for place, plan in enumerate(studies.SHAPES)})
    assert sum(len(group.runs) for group in noted) == len(study.runs)
    low = [note for group in noted if group.peak == 0.01 and group.phase == "select" for note in group.runs]
    assert any("at 3 times the peak" in one.words for note in low for one in note.findings if one.kind == "LR too low")
