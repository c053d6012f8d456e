"""`calando find` as it is typed."""

import json
from pathlib import Path

import pytest

from calando.cli.find import following
from calando.records.finding import Finding, RangeReading
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


def test_a_search_that_is_finished_is_resumed_as_a_search_and_status_says_so() -> None:
    first = call("find", f"{QUADRATIC}:train", "--steps", "480", "--quiet", "--no-picture")
    again = call("resume", "studies/quadratic-find", "--quiet", "--no-report")
    assert again.exit_code == 0, again.output
    assert "nothing was left to do" in again.output
    verdict = next(line for line in first.output.splitlines() if line.startswith("VERDICT"))
    assert verdict in again.output
    told = call("status", "studies/quadratic-find").output
    assert "find of" in told
    assert "480 updates a run: finished" in told
    assert verdict.removeprefix("VERDICT  ") in told


def test_the_command_that_comes_next_says_everything_again() -> None:
    found = Finding("found", "", "python train.py --width 8", "cosine()", 640, 0.1, metric="acc", mode="max")
    assert following(found, 20) == [
        *("calando", "compare", "--candidates", "cosine() @ 0.1", "--steps", "640", "--metric", "acc"),
        *("--mode", "max", "--steps-per-epoch", "20", "--", "python", "train.py", "--width", "8"),
    ]


def test_at_an_edge_the_next_command_looks_beyond_it() -> None:
    low = Finding("edge", "the lowest peak", "t.py:train", "cosine()", 640, 0.1)
    assert " ".join(following(low)) == (
        "calando compare t.py:train --candidates cosine() --no-humble --peaks 0.00625 0.025 0.1 --steps 640"
    )
    high = Finding("edge", "the highest peak", "t.py:train", "cosine()", 640, 0.1, reading=RangeReading(True))
    assert " ".join(following(high)) == (
        "calando find t.py:train --plan cosine() --rates 1e-6..1e+03 --fresh --steps 640"
    )
