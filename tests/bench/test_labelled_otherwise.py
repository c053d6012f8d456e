"""Recorded runs as others might have logged them: what cannot be told is not told, and good ones stay good."""

import math

import pytest

from bench.watch.otherwise import WAYS, averaged, every, means, page, runs, since, told

KEEPS = [name for name in WAYS if "averaged" not in name and name != "every other evaluation"]
"""Ways of logging that leave enough to tell a good run by; the others are in the results, with what they cost."""


@pytest.fixture(scope="module")
def known():
    return runs("other")


@pytest.mark.parametrize("way", KEEPS)
def test_good_runs_raise_no_alarm_however_they_were_logged(way, known):
    good = [one for one in known if one[0] == "healthy"]
    assert len(good) >= 100
    assert told(good, WAYS[way])["healthy"] >= 0.95 * len(good)


@pytest.mark.parametrize("way", [name for name in WAYS if "micro-batches" in name or "1,000" in name])
def test_a_scale_hides_no_finding(way, known):
    bad = [one for one in known if one[0] != "healthy"]
    plain, scaled = told(bad, WAYS["as recorded, every update"]), told(bad, WAYS[way])
    assert all(scaled[kind] >= 0.85 * plain[kind] for kind in plain)


def test_ways_of_logging_are_what_they_say():
    pair = ([0, 1, 2, 3, 4], [4.0, 2.0, 1.0, 1.0, 8.0])
    assert means(pair, 2) == ([1, 3], [3.0, 1.0])
    assert every(pair, 2) == ([0, 2, 4], [4.0, 1.0, 8.0])
    assert since(pair, 3) == ([3, 4], [1.0, 8.0])
    assert averaged(pair, 0.5)[1] == pytest.approx([4.0, 8 / 3, 12 / 7, 4 / 3, 4.774], abs=1e-3)
    assert averaged(([0], [math.pi]), 0.9)[1] == pytest.approx([math.pi])


def test_the_page_counts_what_is_told(known):
    few = known[:6]
    rows = [line for line in page(few).splitlines() if line.startswith("| ")]
    assert len(rows) == len(WAYS) + 3
    assert rows[2].split("|")[2].strip() == str(sum(kind == "healthy" for kind, _ in few))
