"""The score of a rate too high is the one that the recorded runs give, and is right on what it was made from."""

import json

import numpy as np
import pytest

from bench.tuning.recording import source
from bench.watch.heat import CARD, MADE_BY, fitted, samples, scores


@pytest.fixture(scope="module")
def some():
    return samples()


@pytest.fixture(scope="module")
def card():
    return json.loads(CARD.read_text("utf-8"))


def test_the_card_was_made_by_the_code_that_is_here(card, some):
    assert card["about"]["source"] == source(*MADE_BY), "run: python -m bench.watch.heat --write"
    assert card["about"]["samples"] == len(some)


def test_it_finds_most_of_the_runs_it_was_made_from_and_accuses_few(card, some):
    whole = [one for one in some if one.view == "whole" and not one.run.label.left_out]
    told = scores(card, whole) > 0.65
    high = np.array([one.helps for one in whole])
    assert told[high].mean() >= 0.65
    assert told[~high].mean() <= 0.05


@pytest.mark.slow
def test_made_again_it_scores_alike(card, some):
    part = [one for one in some if one.view in ("whole", "tool")]
    again = fitted(some)
    assert scores(again, part) == pytest.approx(scores(card, part), abs=0.05)
