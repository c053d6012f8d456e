"""The rules for a rate too high are judged by cards that do not know the task, and none of those is left behind."""

from itertools import islice

import pytest

from bench.watch import left_out
from bench.watch.labelled.cases import cases
from calando.records.diagnosis import score


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """The first case of a half alone."""
    monkeypatch.setattr(left_out, "cases", lambda half: islice(cases(half), 1))


def asked(monkeypatch, card):
    """The runs of a half, and the cards that were asked for meanwhile."""
    seen, real = [], left_out.labelled
    monkeypatch.setattr(left_out, "labelled", lambda *a: (seen.append(score._card()), real(*a))[1])
    (case,) = left_out.cases("final")
    return list(left_out.judged("final", {case.recipe.task: card})), seen


def test_the_card_of_the_task_is_asked_and_the_shipped_one_comes_back(monkeypatch):
    shipped, card = score._card, score.Card(-9.0, {})
    runs, seen = asked(monkeypatch, card)
    assert len(runs) == 3
    assert seen == [card]
    assert score._card is shipped


def test_a_line_counts_good_runs_and_those_of_either_finding(monkeypatch):
    runs, _ = asked(monkeypatch, score.Card(-9.0, {}))
    cells = left_out.row("final", runs).strip("| ").split(" | ")
    assert cells[0] == "final"
    assert len(cells) == left_out.page({"final": runs}).splitlines()[4].count("|") - 1
    assert int(cells[7]) == sum(not run.label.left_out for run in runs)
