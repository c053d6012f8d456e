"""Whatever a run calls itself and its numbers, what is told is plain text and finite numbers, and not much of it."""

import json
import math
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from calando.records.live import Event
from calando.watch.serve.board import Board
from calando.watch.serve.told import clean, details, findings, open_yet, seen
from tests.watch.serve.served import ended, record
from tests.watch.serve.test_board import only, searched

HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[2J\x00\u202e\u2066 \u2028 {{7*7}}"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(HOSTILE) | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    return [text for part in value for text in texts(part)] if isinstance(value, list) else []


def numbers(value: object) -> list[float]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    return [number for part in value for number in numbers(part)] if isinstance(value, list) else []


@given(ANYTHING)
def test_whatever_stands_in_a_record_what_is_told_is_harmless(value: object) -> None:
    told = clean(value)
    json.dumps(told, allow_nan=False)
    for text in texts(told):
        assert len(text) <= 2000
        for sign in text:
            assert sign in "\n\u200c\u200d" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert all(math.isfinite(number) for number in numbers(told))


def test_what_is_deep_or_long_is_cut() -> None:
    deep: list[object] = []
    for _ in range(1000):
        deep = [deep]
    assert len(json.dumps(clean(deep))) < 100
    assert len(clean(["x"] * 10_000)) == 500
    assert len(clean("x" * 10_000)) == 2000


def test_hostile_names_stay_texts_and_what_steered_is_seen(tmp_path: Path) -> None:
    recorder = record(tmp_path, HOSTILE)
    recorder.log(200, {HOSTILE: 1.0, "lr": float("nan"), "train_loss": float("-inf")})
    recorder.event(Event(200, "refused", {"id": HOSTILE, "text": HOSTILE, "by": HOSTILE, "reason": [HOSTILE]}))
    ended(recorder, HOSTILE, HOSTILE)
    told = details(*only(searched(Board([tmp_path]))))
    shown = " ".join(
        texts({key: value for key, value in told.items() if key != "names"}) + [name for _, name in told["names"]]
    )
    assert "<img src=x" in shown  # as it was, and text
    assert "\u241b[2J" in shown
    assert not any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in shown)
    assert told["state"] == "ended"
    json.dumps(told, allow_nan=False)


def test_what_the_curves_say_comes_with_why_and_what_to_do(tmp_path: Path) -> None:
    recorder = record(tmp_path, steps=100)
    for step in range(100, 900):
        numbers_ = {"train_loss": 0.6 * math.exp(-step / 500), "lr": 0.01}
        if step % 20 == 19:
            numbers_["val_loss"] = 0.7 + (step - 100) / 1000 + 0.001 * (step % 3)
        recorder.log(step, numbers_)
    _, run = only(searched(Board([tmp_path])))
    said = findings(seen(run))
    (worst, *_) = said
    assert "overfitting" in worst["kind"]
    assert worst["advice"]
    assert worst["why"]
    assert worst["evidence"]
    assert ["horizon too short", "at the end of the run"] in open_yet(seen(run))
    recorder.close()


def test_a_loss_that_was_not_finite_is_a_divergence_whatever_the_run_said_at_its_end(tmp_path: Path) -> None:
    recorder = record(tmp_path, steps=6)
    for step in range(6, 40):
        recorder.log(step, {"train_loss": float("nan"), "lr": 20.0})
    ended(recorder)
    _, run = only(searched(Board([tmp_path])))
    (said, *_) = findings(seen(run))
    assert (said["kind"], said["severity"]) == ("diverged", "failure")
    assert "step 6" in said["title"]


def test_rates_that_the_optimizer_did_not_use_are_laid_beside_those_that_were_asked(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    recorder.log(200, {"train_loss": 1.0, "lr": 0.3, "lr_asked": 0.1})
    _, run = only(searched(Board([tmp_path])))
    steps, asked = seen(run).asked
    assert (steps[-1], asked[-1], asked[-2]) == (200, 0.1, seen(run).lr[1][-2])
    recorder.close()
