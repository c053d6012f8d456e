"""What is told of transferred peaks is what the recorded runs say, today."""

import json
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
