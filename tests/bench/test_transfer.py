"""What is told of transferred peaks is what the recorded runs say, today."""

import json
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bench.forecasting import best_peaks, transfer
from bench.forecasting.records import NOT_RUN, folder

STORED: dict[str, Any] = json.loads((transfer.HERE / "transfer.json").read_text())


def alike(rows: list[dict[str, Any]], stored: list[dict[str, Any]]) -> None:
    assert len(rows) == len(stored)
    for row, told in zip(rows, stored, strict=True):
        assert row.keys() == told.keys()
        for name, value in row.items():
            assert value == (pytest.approx(told[name], rel=1e-4) if isinstance(value, float) else told[name]), row


def known(**wanted: Any) -> list[dict[str, Any]]:
    rows = [*(STORED["recorded"] or []), *STORED["own"], *(STORED["live"] or [])]
    return transfer.promised(row for row in rows if all(row[key] == value for key, value in wanted.items()))


def test_against_the_printed_table_the_error_is_below_the_goal_and_a_quarter_of_no_transfer() -> None:
    rows = transfer.printed_rows()
    alike(rows, STORED["printed"])
    summary = transfer.summary(transfer.promised(rows))
    assert summary["rows"] == 8
    assert summary["mean_unmoved"] == pytest.approx(0.54, abs=0.005)
    assert summary["mean_error"] <= transfer.GOAL


def test_the_stored_rows_of_our_own_grids_are_what_the_library_says_of_the_recorded_runs() -> None:
    own = [peaks for name in best_peaks.OWN for peaks in best_peaks.own_peaks(name)]
    alike(transfer.rows_of(own, lambda _: "linear_decay()"), STORED["own"])


def test_the_stored_rows_of_the_language_models_are_what_the_library_says_of_the_records() -> None:
    if folder() is None:
        pytest.skip(NOT_RUN)
    recorded = best_peaks.llama_peaks()
    alike(transfer.rows_of(recorded, transfer.SOURCE.get), STORED["recorded"])
    alike(transfer.extensions(recorded), STORED["extensions"])


def test_transfer_beats_no_transfer_on_every_task_but_one_and_the_table_says_which() -> None:
    worse = [
        where for where in ("llama 124M", *best_peaks.OWN, "characters, live")
        if (summary := transfer.summary(known(where=where)))["mean_error"] >= summary["mean_unmoved"]
    ]  # fmt: skip
    assert worse == ["weather"]


def test_four_in_five_of_our_own_best_peaks_lie_in_the_range_that_is_told() -> None:
    rows = [row for name in best_peaks.OWN for row in known(where=name)]
    assert sum(row["inside"] for row in rows) >= 0.8 * len(rows)


def test_the_table_is_made_of_what_is_stored() -> None:
    assert (transfer.HERE / "transfer.md").read_text() == transfer.text(STORED)


def test_a_best_peak_is_a_parabolas_lowest_point_or_none() -> None:
    bowl = [(peak, (i - 1.25) ** 2) for i, peak in enumerate((1.0, 2.0, 4.0, 8.0))]
    assert best_peaks.best_peak(bowl) == pytest.approx(2**1.25)
    falling = [(1.0, 3.0), (2.0, 2.0), (4.0, 1.0)]
    assert best_peaks.best_peak(falling) is None
    assert best_peaks.best_peak(bowl[:2]) is None
    roots = [(peak, 1 / peak**0.5 + peak**0.5 / 3) for peak in (1.0, 2.0, 4.0, 8.0)]
    assert best_peaks.by_roots(roots) == pytest.approx(3.0)


DOC = (Path(__file__).parents[2] / "docs" / "transfer.md").read_text()


def test_the_errors_that_the_documentation_claims_are_the_recorded_ones() -> None:
    parts = {
        "ratios as printed": transfer.promised(STORED["printed"]),
        "the same from the records": known(where="llama 124M", horizon=50_000),
        "the same at 25,000": known(where="llama 124M", horizon=25_000),
        "character model,": known(where="characters, live"),
        "images,": known(where="images"),
        "characters, 80": known(where="characters"),
        "text,": known(where="text"),
        "weather,": known(where="weather"),
    }
    for words, rows in parts.items():
        (line,) = [line for line in DOC.splitlines() if line.startswith("| ") and words in line]
        summary = transfer.summary(rows)
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")][1:]
        assert cells == [str(summary["rows"]), f"{summary['mean_error']:.3f}", f"{summary['mean_unmoved']:.3f}"], words


def test_the_other_numbers_of_the_documentation_are_recorded_ones() -> None:
    inside = {where: sum(row["inside"] for row in known(where=where)) for where in best_peaks.OWN}
    assert f"({sum(inside.values())} of 48; weather {inside['weather']} of 12)" in DOC
    for words in ("llama 124M", "characters, live"):
        assert all(row["inside"] for row in known(where=words))
    for where, told in (
        ("llama 124M", "124M"),
        ("characters, live", "character model"),
        *((n, n) for n in best_peaks.OWN),
    ):
        middle = median(row["exponent"] for row in STORED["exponents"] if row["where"] == where)
        assert f"{told} {middle:.2f}" in " ".join(DOC.split()), where
    for row in STORED["extensions"]:
        assert f"{row['loss']:.4f}" in DOC, row["way"]
    floors = [row for row in STORED["recorded"] if row["horizon"] == 50_000 and row["promise"] == "range"]
    assert sorted((f"{row['predicted']:.2f}", f"{row['empirical']:.2f}") for row in floors) == [
        ("0.55", "0.30"),
        ("1.55", "1.01"),
    ]
    last = next(row for row in STORED["live"] if row["horizon"] == 4800 and "end=0.1" in row["plan"])
    assert f"{last['predicted']:.3f}, measured {last['empirical']:.3f}" in DOC


def test_the_python_of_the_documentation_runs() -> None:
    (block,) = [part.split("```")[0] for part in DOC.split("```python\n")[1:]]
    exec(block, {})
