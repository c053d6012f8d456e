"""The bench of what the lab costs: its page says what was measured, and its gate looks at what was promised."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import lab

STORED: dict[str, Any] = json.loads((lab.RESULTS / "lab.json").read_text())


def measured(**changes: Any) -> dict[str, Any]:
    """A measurement that meets every target, but for the changes."""
    found = copy.deepcopy(STORED)
    found["times_faster"] = {"Optuna with SQLite, 1 process": 8.0}
    found["log"] = {"median_us": 0.6, "mean_us": 10.0}
    found["report"] = {"runs": 1000, "wall_s": 4.0, "cpu_s": 2.0, "mb": 7.0}
    for part, values in changes.items():
        found[part] = {**found[part], **values}
    return found


def test_the_page_in_the_repository_is_what_its_figures_make_of_it() -> None:
    assert (lab.RESULTS / "lab.md").read_text() == lab.page(STORED)


def test_what_meets_every_target_is_said_to() -> None:
    assert lab.missed(measured()) == []
    assert "All met." in lab.page(measured())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report": {"wall_s": 11.4}}, "the report takes 11.4 s"),
        ({"report": {"mb": 12.0}}, "12.0 MB"),
        ({"log": {"mean_us": 25.0}}, "run.log takes 25.0 us (mean)"),
        ({"log": {"median_us": 21.0}}, "run.log takes 21.0 us (median)"),
        ({"times_faster": {"Ray Tune, 2 at a time": 4.9}}, "Ray Tune, 2 at a time: only 4.9 times faster"),
    ],
)
def test_a_missed_target_stops_the_bench_and_stands_on_the_page(changes: dict[str, Any], words: str) -> None:
    found = measured(**changes)
    assert [words in slow for slow in lab.missed(found)] == [True]
    assert "NOT MET: " in lab.page(found)
    assert words in lab.page(found)


def test_the_page_tells_wall_and_cpu_time_the_load_and_the_rounds() -> None:
    page = lab.page(measured())
    assert "4.0 s (CPU 2.0 s)" in page
    assert "- load before: `" in page
    assert "; one round." in page
    assert "; median of 3 rounds in turn." in lab.page({**measured(), "rounds": 3})


def test_ray_tune_takes_part_or_the_page_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for present in (True, False):
        monkeypatch.setattr(
            lab.importlib.util, "find_spec", lambda name, here=present: name if here or name == "ray" else None
        )
        assert ("Ray Tune, 2 at a time" in lab.contestants()) is present
        assert lab.not_run() == ("" if present else "Ray Tune: NOT RUN (pyarrow cannot be imported here)")
        assert ("NOT RUN" in lab.page({**measured(), "not_run": lab.not_run()})) is not present


def test_the_command_on_the_page_is_the_one_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "RESULTS", tmp_path)
    monkeypatch.setattr(lab, "logging", lambda: measured()["log"])
    monkeypatch.setattr(lab, "report", lambda: measured()["report"])
    monkeypatch.setattr(lab, "studies", lambda runs, rounds: STORED["studies"])
    monkeypatch.setattr(sys, "argv", ["lab.py", "--rounds", "1", "--write"])
    lab.main()
    written = json.loads((tmp_path / "lab.json").read_text())
    assert written["about"]["command"] == "python bench/lab.py --rounds 1 --write"
    assert written["rounds"] == 1
    assert {"load before", "load after", "commit"} <= set(written["about"])
    assert (tmp_path / "lab.md").read_text() == lab.page(written)
