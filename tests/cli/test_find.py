"""`calando find` as it is typed."""

import json
from pathlib import Path

import pytest

from tests.cli.calling import call

QUADRATIC = str(Path(__file__).parents[1] / "lab" / "trains" / "quadratic.py")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_prints_the_rules_the_mini_runs_and_the_verdict_and_draws_them() -> None:
    done = call("find", f"{QUADRATIC}:train", "--steps", "480", "--quiet")
    assert done.exit_code == 0, done.output
    for words in ("steepest", "valley", "minimum / 10", "edge", "VERDICT  peak", "not proven:", "% of one full run"):
        assert words in done.output
    page = Path("studies/quadratic-find/find.html").read_text()
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert Path("studies/quadratic-find/find.png").read_bytes().startswith(b"\x89PNG")


def test_json_holds_the_answer() -> None:
    done = call("find", f"{QUADRATIC}:train", "--steps", "480", "--quiet", "--json", "--no-picture")
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "found"
    assert answer["low"] <= answer["best"] <= answer["high"]


FLAT = """
def train(run):
    for _ in run.steps():
        run.log(train_loss=1.0 + 0 * run.lr)
        if run.eval_due:
            run.log(val_loss=1.0)
"""


def test_no_signal_is_said_with_its_reason_and_status_1() -> None:
    Path("flat.py").write_text(FLAT)
    done = call("find", "flat.py", "--steps", "480", "--quiet")
    assert done.exit_code == 1
    assert "VERDICT  no signal: the loss is flat at every rate between 1e-06 and 10" in done.output
