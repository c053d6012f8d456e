"""Many even lines are read at once, and what comes of it is what comes of them one by one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.records.live import Header, Tail
from calando.records.live import tail as module
from calando.records.live.even import even

NAMES = (("train_loss", "lr"), ("val_loss",), ('odd"name', "ünï"), ("lr", "train_loss"))
ODD = (
    "",
    "no JSON",
    '{"s":3,"w":1.0,"event":{"kind":"note"}}',
    '{"s":0,"w":1.0,"m":{"train_loss":"nan","lr":0.1}}',
    '{"s":9007199254740999,"w":1.0,"m":{"val_loss":1.0}}',
    '{"s":40,"w":1.0,"event":{"kind":"resumed","from":20}}',
    '{"s":60,"w":1.0,"event":{"kind":"ended"}}',
)


def line(step: int, names: tuple[str, ...], value: float) -> str:
    numbers = {name: value + i for i, name in enumerate(names)}
    return json.dumps({"s": step, "w": 1e9 + step / 8, "m": numbers}, separators=(",", ":"))


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Stretches of even lines with other lines between them, some going back in time."""
    lines, step = [Header("x").line()], 0
    for _ in range(draw(st.integers(1, 6))):
        names = draw(st.sampled_from(NAMES))
        for _ in range(draw(st.sampled_from((1, 3, 15, 16, 17, 60)))):
            lines.append(line(step, names, draw(st.sampled_from((0.5, 1e-7, -3.0, 2e22)))))
            step += 1
        lines += draw(st.lists(st.sampled_from(ODD), max_size=2))
        step = max(0, step - draw(st.sampled_from((0, 0, 0, 1, 10))))
    return ("\n".join(lines) + "\n").encode()


def fed(text: bytes, size: int) -> str:
    tail, news = Tail("nowhere", points=10_000), []
    for at in range(0, len(text), size):
        part = module.News()
        tail.feed(text[at : at + size], part)
        news.append((part.numbers, part.since))
    columns = {name: (c.steps.tolist(), c.values.tolist()) for name, c in tail.columns.items()}
    problems = [str(problem) for problem in tail.noted.found]
    return repr((news, columns, tail.last, tail.heard, tail.events, tail.ended, problems))  # a NaN equals itself here


@given(records(), st.sampled_from((10**9, 700)))
def test_read_at_once_or_one_by_one_it_is_the_same(text: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST", 10**9)
        slow = fed(text, size)
    assert fed(text, size) == slow


def test_a_stretch_ends_before_the_first_line_that_differs() -> None:
    lines = [line(step, ("a", "b"), 0.5) for step in range(5)] + [line(5, ("b", "a"), 0.5)]
    text = ("\n".join(lines) + "\n").encode()
    stretch = even(("a", "b")).read(text, 0)
    assert stretch is not None
    assert len(stretch.rows) == 5
    assert text[stretch.stop :] == lines[5].encode() + b"\n"
    assert even(("a", "b")).read(text, stretch.stop) is None
