"""The page about recorded language models: what it says of `tune` is what the code makes now."""

import json

import pytest

from bench.llama import folder, read
from bench.llama_tune import tuned
from bench.replay_llama import FULL, RESULTS, RIVALS, SHARE, cost, dice, page, truth
from calando.lab.executors.recorded import Recorded

STORED = json.loads((RESULTS / "replay_llama.json").read_text())
WHERE = folder()


def test_the_page_in_the_repository_is_what_its_figures_make_of_it() -> None:
    assert (RESULTS / "replay_llama.md").read_text() == page(STORED)


def test_the_page_says_that_the_strategy_was_developed_while_looking_at_these_runs() -> None:
    assert "developed while looking at these runs" in page(STORED)


def test_every_way_of_choosing_has_one_row_and_no_two_are_the_same() -> None:
    rows = {row["name"]: {key: value for key, value in row.items() if key != "name"} for row in STORED["rows"]}
    assert list(rows) == list(RIVALS)
    assert all(list(rows.values()).count(row) == 1 for row in rows.values())


@pytest.mark.skipif(WHERE is None, reason="NOT RUN: no recorded curves (CALANDO_CURVES)")
def test_the_row_of_tune_is_what_the_code_makes_whatever_the_study_seed_and_the_replicates() -> None:
    assert WHERE is not None
    logs = read(WHERE)
    library, settings = Recorded(log.record for log in logs), list(truth(logs))
    budget = int(SHARE * min(cost(logs)))
    assert STORED["budget"] == budget
    row = next(row for row in STORED["rows"] if row["name"] == "tune")
    for seeds in ((0,), (0, 1)):
        for study in range(3):
            chosen, spent = tuned(seeds)(library, settings, FULL, budget, dice(study))
            assert ([*chosen] if chosen else None, spent) == (row["chosen"], row["spent"])
    assert row["different_choices"] == 1
