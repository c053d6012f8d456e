"""What is told of choosing and of bands is what the library does with the recorded runs, today."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import forecast as one_table
from bench.forecasting import alone, choosing, coverage, spreads
from bench.forecasting.records import NOT_RUN, folder, llama
from calando.forecast.asked import plan_text
from calando.forecast.bands import ALONE, OTHERWISE, WIDTHS

DOC = " ".join((Path(__file__).parents[2] / "docs" / "forecast.md").read_text().split())
STORED: dict[str, Any] = json.loads((choosing.HERE / "choosing.json").read_text())
BANDS: dict[str, Any] = json.loads((choosing.HERE / "coverage.json").read_text())


def same(row: dict[str, Any], told: dict[str, Any]) -> None:
    """The same case with the same answer; losses of other machines may round otherwise."""
    assert (row["case"], row["verdict"], row["tied"]) == (told["case"], told["verdict"], told["tied"])
    assert (row["plan"], row["peak"]) == (plan_text(told["plan"]), told["peak"])
    for name in ("regret", "keep", "linear"):
        assert row[name] == (None if told[name] is None else pytest.approx(told[name], abs=1e-5))


def test_at_one_peak_of_the_language_model_nothing_humble_is_better() -> None:
    if folder() is None:
        pytest.skip(NOT_RUN)
    logs = llama(folder())  # type: ignore[arg-type]
    cases = choosing.one_peak(logs, choosing.ASKED, [choosing.PAIR], [choosing.FULL])
    assert len(cases) == len(STORED["one_peak"]) == 3
    for case, told in zip(cases, STORED["one_peak"], strict=True):
        row = choosing.row(case)
        same(row, told)
        assert row["regret"] <= choosing.FLOOR
        assert row["regret"] <= min(row["keep"], row["linear"])


def test_over_peaks_of_the_language_model_the_stored_choices_are_made_again() -> None:
    if folder() is None:
        pytest.skip(NOT_RUN)
    cases = choosing.several_peaks(llama(folder()))  # type: ignore[arg-type]
    for case, told in zip(cases, STORED["several_peaks"], strict=True):
        same(choosing.row(case), told)


def test_on_our_own_task_stored_choices_are_made_again_refusals_too() -> None:
    cases = choosing.live_cases(choosing.LIVE_PEAKS)
    told = STORED["live_several_peaks"]
    assert len(cases) == len(told) == 32
    verdicts = [row["verdict"] for row in told]
    refused = [place for place, verdict in enumerate(verdicts) if verdict == "not enough"]
    answered = [place for place, verdict in enumerate(verdicts) if verdict != "not enough"]
    for place in (*refused[:2], *answered[:2], answered[-1]):
        same(choosing.row(cases[place]), told[place])


def test_over_peaks_the_mean_regret_is_at_most_half_of_keeping_the_better_short_run() -> None:
    for part in (STORED["live_several_peaks"], STORED["several_peaks"][:1]):
        sums = choosing.summary(part)
        assert sums["regret"] <= sums["keep"] / 2


def test_the_page_tells_losses_and_refusals_too() -> None:
    page = choosing.text(STORED)
    assert (choosing.HERE / "choosing.md").read_text() == page
    listed = [row for part in ("several_peaks", "live_several_peaks") for row in STORED[part]]
    assert page.count("| not enough |") == sum(row["verdict"] == "not enough" for row in listed)
    assert "worse" in page
    assert "no proof for other models" in page


def test_the_documentation_tells_how_rarely_one_candidate_stands_alone() -> None:
    parts = [rows for rows in STORED.values() if isinstance(rows, list)]
    verdicts = [row["verdict"] for rows in parts for row in rows]
    alone, refused, ties = (verdicts.count(verdict) for verdict in ("choose", "not enough", "tie"))
    assert f"Of the {len(verdicts)} questions of our bench `choose` named one candidate alone in {alone}," in DOC
    assert f"and in {refused} it refused; the other {ties} are ties" in DOC
    answered = [row for rows in parts for row in rows if row["verdict"] != "not enough"]
    tied = sum(row["best_is_tied"] for row in answered)
    assert f"among the tied in {tied} of the {len(answered)} answers that were given" in DOC


def test_the_documentation_tells_what_the_shipped_bands_hold_of_the_large_model() -> None:
    one, two, three = (row["shipped_share"] for row in BANDS["llama 124M"])
    assert f"hold {one:.0%} of the losses at its own horizon, {two:.0%} at twice".replace("%", " %") in DOC
    assert (three == 1.0) == ("and all 30 at 3.3 times" in DOC)
    assert BANDS["llama 124M"][2]["losses"] == 30


def test_the_page_of_the_bands_tells_shares_by_peak_what_is_shipped_and_what_was_tried() -> None:
    page = coverage.text(BANDS)
    assert (choosing.HERE / "coverage.md").read_text() == page
    for name in coverage.MODELS:
        for row in BANDS[name]:
            assert ", ".join(f"{peak}: {told}" for peak, told in row["by_peak"].items()) in page
    shipped = [row for row in coverage.rows(BANDS) if "as shipped" in row[1]]
    assert [row[4] for row in shipped] == [
        row["shipped_interval"][0] <= 0.8 <= row["shipped_interval"][1] for row in BANDS["llama 124M"]
    ]
    assert not all(row[4] for row in shipped)
    tried = {row["form"]: row for row in BANDS["forms"]}
    assert set(tried) == set(spreads.FORMS)
    assert all(row["3.3"]["low"] > 0.8 for row in tried.values())
    assert {row["plans"] for row in BANDS["rising"]} == {"that fall", "that rise again"}


def test_the_binomial_interval_of_what_the_bands_held_contains_four_fifths() -> None:
    assert [row["ratio"] for row in BANDS["llama 124M"]] == [1.0, 2.0, 3.3]
    for row in BANDS["llama 124M"]:
        assert row["low"] <= 0.8 <= row["high"], row


def test_the_shipped_widths_are_no_narrower_than_either_model_asks_for() -> None:
    for ratio, factor in WIDTHS:
        for rows in (BANDS["llama 124M"], BANDS["our own small model"]):
            assert all(row["factor"] <= factor + 0.005 for row in rows if row["ratio"] == ratio)


def test_bands_from_one_run_are_as_wide_as_its_stored_errors_ask_for() -> None:
    rows = [row for row in BANDS["alone"] if row["losses"] >= 12]
    most = {kind: max(row["factor"] for row in rows if row["source"] == kind) for kind in (alone.SHOWN, alone.STAYS)}
    assert (round(most[alone.SHOWN], 1), round(most[alone.STAYS], 1)) == (ALONE, OTHERWISE)
    assert f"its bands are twice as wide, and {OTHERWISE:g} times where it came down" in DOC
    guessed = [row for row in rows if row["source"] == alone.GUESSED]
    assert max(row["largest"] for row in guessed) > 0.5  # no factor is honest there


def test_what_a_run_that_was_cut_short_tells_of_its_end_is_measured_again() -> None:
    if folder() is None:
        pytest.skip(NOT_RUN)
    logs = [log for log in llama(folder()) if (log.horizon, log.peak, log.cooldown) == (50_000, 5e-4, 0.2)]  # type: ignore[arg-type]
    run = next(log for log in logs if log.shape != "sqrt")
    told = list(alone.prefixes(run.curve, run.peak))
    assert {one.kind: one.source for one in told} == {
        **{f"cut at {part}%": alone.GUESSED for part in (30, 50, 75)}, "cut at 95%": alone.SHOWN,
    }  # fmt: skip
    assert max(one.size for one in told if one.source == alone.GUESSED) > 4 * ALONE
    assert all(one.size < 2 * ALONE for one in told if one.source == alone.SHOWN)


def test_a_stored_coverage_is_measured_again_on_one_peak_of_our_own_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "LIVE_PEAKS", (0.016,))
    monkeypatch.setattr(coverage, "SEEDS", (0,))
    monkeypatch.setattr(coverage, "HORIZONS", (300, 600, 1200))
    found = [one for one in coverage.small() if coverage.bucket(one.ratio) == 2.0]
    assert len(found) == 18
    known = next(row for row in BANDS["our own small model"] if row["ratio"] == 2.0)
    assert all(abs(one.share) < 4 * known["error_80"] for one in found)


def test_the_one_table_has_every_number_and_says_what_was_not_run() -> None:
    rows = [row for part in ("transfer", "choosing", "coverage", "speed") for row in one_table.rows(part)]
    assert {row[0] for row in rows} >= {"3", "4", "5", "6", "7"}
    page = one_table.table([*rows, ("4", "what", "bar", NOT_RUN, None), ("4", "what", "bar", "1", False)])
    assert "| NOT RUN |" in page
    assert "**missed**" in page


def test_without_the_records_nothing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {**STORED, "one_peak": None, "one_peak_more": None, "several_peaks": None}
    met = {row[4] for row in choosing.rows(without) if row[1].startswith("124M")}
    assert met == {None}
    assert coverage.rows({"llama 124M": None})[0][4] is None
    assert NOT_RUN in coverage.text({**BANDS, "llama 124M": None, "forms": None})
    assert NOT_RUN in choosing.text(without)
    monkeypatch.setenv("CALANDO_CURVES", "/nowhere")
    assert folder() is None
