"""Records as plain JSON: what is written is read back, what is not ours is refused."""

import math

import pytest

from calando.errors import BadFile
from calando.records import Candidate, Comparison, Interval, PeakScore, RunRecord, RunSpec, StudySpec, Verdict
from calando.records.plain import decode, encode

RECORDS = [
    StudySpec("?", "t.py:t", 10, (Candidate("a\u2028<b>", "cosine()", peak=None),), margin=1e300),
    RunRecord(RunSpec("c", "cosine()", None, 3, 10, "confirm"), "failed", "why", "Traceback\n  x", notes=("a", "b")),
    Comparison("a", "b", Interval(-math.inf, math.nan, math.inf, 0.95, 2), 1e-300, 3, "worse", True),
    PeakScore(0.1, None, ((0, 0.5), (1, None)), diverged=1),
    Verdict("m", "max", 0.9, 0.0, "b", None, ("a", "b")),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_every_record_survives(record: object) -> None:
    text = encode(record)
    again = decode(type(record), text)
    assert encode(again) == text
    assert repr(again) == repr(record)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"nope": 1}',
        '{"candidate": 3}',
        '{"candidate": "c", "plan": "p", "peak": true, "seed": 0, "horizon": 1}',
        '{"candidate": "c", "plan": "p", "peak": 0.1, "seed": 0.5, "horizon": 1}',
        '{"candidate": "c", "plan": "p", "peak": 0.1, "seed": 0, "horizon": 1, "phase": "other"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadFile):
        decode(RunSpec, text)
