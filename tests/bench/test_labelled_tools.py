"""Runs that other tools trained and logged: their files are read as what they are, and they come out the same again."""

import csv
import io
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.watch.labelled.cases import Case
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.scoring import labelled
from bench.watch.labelled.telling import told
from bench.watch.labelled.tools.cases import TOOLS, cases
from bench.watch.labelled.tools.logged import FILES, Logged
from bench.watch.labelled.tools.reading import EPOCH, log_of, named, observed
from bench.watch.labelled.tools.recording import load, pack, wanted
from calando.cli import main
from calando.records.diagnosis import diagnose

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "hugging_face": ("transformers", "loss", "eval_loss", "learning_rate"),
    "lightning": ("lightning", "train_loss", "val_loss", "lr-SGD"),
    "keras": ("keras", "loss", "val_loss", "learning_rate"),
}


@pytest.fixture(scope="module")
def recorded():
    return load()


@pytest.fixture(scope="module")
def logs(recorded):
    return {recipe: log_of(recipe, recorded[recipe].log) for recipe in wanted()[0]}


def test_every_run_has_its_log_and_every_control_its_ends(recorded):
    runs, controls = wanted()
    assert set(recorded) == {*runs, *controls}
    assert all(recorded[recipe].log for recipe in runs)
    assert all(len(recorded[recipe].val) == 1 and not recorded[recipe].log for recipe in controls)


@pytest.mark.parametrize("tool", TOOLS)
def test_logs_are_read_with_the_right_columns(tool, logs):
    mine = {recipe: log for recipe, log in logs.items() if recipe.tool == tool}
    assert len(mine) >= 40
    for recipe, log in mine.items():
        assert (log.kind, log.loss, log.val_loss, log.lr) == COLUMNS[tool]
        by_epoch = tool == "keras" and not named(recipe)
        assert log.unit == ("epoch" if by_epoch else "step")
        assert log.last * (EPOCH if by_epoch else 1) == recipe.steps


@pytest.mark.parametrize("tool", TOOLS)
def test_held_out_losses_stand_in_the_logs_where_they_were_taken(tool, logs, recorded):
    for recipe, log in logs.items():
        if recipe.tool == tool and not recorded[recipe].diverged:
            column = log.columns[log.val_loss]
            size = EPOCH if log.unit == "epoch" else 1
            assert tuple(column.steps * size - 1) == recorded[recipe].val_at
            assert column.values == pytest.approx(recorded[recipe].val, rel=1e-3, abs=1e-9)


def test_rates_in_the_logs_are_those_asked_for_but_for_slips(logs):
    for recipe, log in logs.items():
        if recipe.tool == "hugging_face":
            column = log.columns[log.lr]
            asked = recipe.asked()[column.steps - 1]
            assert (column.values == pytest.approx(asked, rel=1e-6, abs=1e-12)) is (not recipe.defect), recipe


@pytest.mark.slow  # each tool is imported in a process of its own
@pytest.mark.parametrize("tool", TOOLS)
def test_a_recorded_run_trained_again_comes_out_the_same(tool, recorded):
    calm = [case for case in cases() if case.kind == "healthy" and case.recipe.tool == tool]
    case = random.choice(calm)
    recipe = case.recipe.but(seed=random.choice(case.seeds))
    before = recorded[recipe]
    again = trained(recipe)
    assert again.train[:3] == pytest.approx(before.train[:3], rel=1e-3)
    # another processor adds in another order, which by its end moves a run less than another seed does
    ends = [recorded[recipe.but(seed=seed)].final for seed in case.seeds]
    assert again.final == pytest.approx(before.final, abs=max(ends) - min(ends)), recipe
    assert log_of(recipe, again.log).columns.keys() == log_of(recipe, before.log).columns.keys()


def trained(recipe):
    """The recipe's run, in a process of its own: the tools set what a whole process has."""
    program = (
        "import json, sys\n"
        "from bench.watch.labelled.recipe import Recipe\n"
        "from bench.watch.labelled.tools.training import train\n"
        "found = train(Recipe(**json.loads(sys.argv[1])))\n"
        "json.dump([found.train, found.val_at, found.val, found.seconds, found.log], open(sys.argv[2], 'w'))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        ended = subprocess.run(
            [sys.executable, "-c", program, json.dumps(recipe.as_data()), str(file)], cwd=ROOT, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "torch"}, capture_output=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-3000:]
        return Logged(*json.loads(file.read_text()))


def made_up(tool, losses, rates):
    """A log as the tool would write it, of one loss and one rate each five updates, or each epoch."""
    if tool == "hugging_face":
        history = [{"step": 5 * i + 5, "loss": loss, "eval_loss": loss, "learning_rate": rate}
                   for i, (loss, rate) in enumerate(zip(losses, rates, strict=True))]  # fmt: skip
        return json.dumps({"log_history": history, "max_steps": 5 * len(losses)})
    file = io.StringIO(newline="")
    if tool == "lightning":
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow(["epoch", "lr-SGD", "step", "train_loss", "val_loss"])
        for i, (loss, rate) in enumerate(zip(losses, rates, strict=True)):
            rows.writerows([["", rate, 5 * i + 4, "", ""], [0, "", 5 * i + 4, loss, ""], [0, "", 5 * i + 4, "", loss]])
    else:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["epoch", "learning_rate", "loss", "val_loss"])
        for i, (loss, rate) in enumerate(zip(losses, rates, strict=True)):
            rows.writerow([i, rate, loss, loss])
    return file.getvalue()


def falling(count=60):
    return [1 + math.exp(-i / 12) for i in range(count)]


def run_of(tool, losses, rates, **more):
    size = EPOCH if tool == "keras" else 5
    recipe = Recipe(TOOLS[tool].task, "warmup(5%) | cosine()", 0.1, TOOLS[tool].seed, size * len(losses), tool=tool)
    recipe = recipe.but(**more)
    return recipe, Logged(tuple(losses), tuple(range(len(losses))), tuple(losses), 0.0, made_up(tool, losses, rates))


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_found_is_found_in_the_log(tool):
    losses = [*falling()[:40], *[math.nan] * 20]
    recipe, trained = run_of(tool, losses, [0.1] * 60)
    (run,) = labelled(Case("diverged", recipe), [recipe.seed], {recipe: trained}, observed)
    assert "diverged" in run.kinds
    recipe, trained = run_of(tool, falling(), [0.1] * 60, defect="never")
    (run,) = labelled(Case("LR not as asked", recipe), [recipe.seed], {recipe: trained}, observed)
    assert run.kinds[0] == "LR not as asked"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("slip", ["", "never"])
def test_a_user_of_the_command_sees_the_same(tool, slip, tmp_path):
    recipe, trained = run_of(tool, falling(), [0.1 * (1 - i / 60) for i in range(60)], defect=slip)
    file = tmp_path / FILES[tool]
    file.write_bytes(trained.log.encode())
    words = ["diagnose", str(file), "--json"]
    if slip:
        words += ["--plan", f"{recipe.plan} @ {recipe.peak:g}"]
        words += ["--steps-per-epoch", str(EPOCH)] if tool == "keras" else []
    (told,) = json.loads(CliRunner().invoke(main, words).stdout)
    assert told["findings"] == [finding.as_data() for finding in diagnose(observed(recipe, trained))]


def test_a_log_comes_back_from_the_file_as_it_was_written(tmp_path):
    runs, controls = wanted()
    text = made_up("lightning", falling(), [0.1] * 60)
    results = {recipe: Logged((2.0, 1.0), (1,), (1.25,), 0.5, text) for recipe in (*runs, *controls)}
    pack(results, tmp_path)
    again = load(tmp_path)
    assert {again[recipe].log for recipe in runs} == {text}
    assert {again[recipe].log for recipe in controls} == {""}
    (tmp_path / "labelled-tools.json").write_text(
        (tmp_path / "labelled-tools.json").read_text().replace('"sha256": "', '"sha256": "0')
    )
    with pytest.raises(ValueError, match="not what"):
        load(tmp_path)


def test_the_page_tells_of_every_run_of_the_tools():
    runs, controls = wanted()
    texts = {tool: made_up(tool, falling(), [0.1] * 60) for tool in TOOLS}
    results = {recipe: Logged((2.0, 1.0), (1,), (1.25,), 0.5, texts[recipe.tool]) for recipe in (*runs, *controls)}
    page = told({"tools": results})
    assert f"{len(runs)} runs, " in page
    (row,) = [line for line in page.splitlines() if line.startswith("| LR not as asked |")]
    assert row.startswith("| LR not as asked | 3 | 3 | 9 |")  # all are flat: said of three healthy wsd runs a tool, too
    assert "x its control is no better" in page
