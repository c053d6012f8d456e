"""Commands are read from one line of text, and what is no command is refused with what there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.core.clock import length_of
from calando.core.steering import Cooldown, Extend, Scale, Stop, Undo, read_change
from calando.errors import CalandoError

READ = {
    "cooldown 10%": Cooldown(length_of("10%")),
    "cooldown 500 cosine": Cooldown(length_of(500), "cosine"),
    "cooldown 2ep 1-sqrt to 0.1": Cooldown(length_of("2ep"), "1-sqrt", 0.1),
    "cooldown rest to 1e-3": Cooldown(None, end=0.001),
    "scale 0.5": Scale(0.5),
    "scale 4 --force": Scale(4.0, force=True),
    "extend 20000": Extend(length_of(20000)),
    "  EXTEND   20% ": Extend(length_of("20%")),
    "stop": Stop(),
    "undo": Undo(),
}

REFUSED = {
    "": "as a command",
    "colldown 10%": "did you mean 'cooldown'",
    "cooldown": "without a length",
    "cooldown -5": "'-5'",
    "cooldown 5%%": "'5%%'",
    "cooldown 10% sqrt": "shape 'sqrt'",
    "cooldown 10% to": "at the end",
    "cooldown 10% to nan": "nan",
    "cooldown 10% linear to 0.1 now": "at the end",
    "cooldown 120%": "120%",
    "scale": "without a number",
    "scale half": "'half'",
    "scale 1_000": "'1_000'",
    "scale inf": "inf",
    "scale -1": "-1",
    "scale 1e9": "1000000000",
    "scale 0.5 please": "'please'",
    "extend": "without a length",
    "extend 5 10": "'10'",
    "extend 1e400ep": "beyond 1e30",
    "stop now": "'now'",
    "undo 2": "'2'",
    "x" * 5000: "as a command",
}


@pytest.mark.parametrize("text", READ)
def test_a_command_is_read(text: str) -> None:
    assert read_change(text) == READ[text]


@pytest.mark.parametrize("text", READ)
def test_what_is_written_is_read_back(text: str) -> None:
    assert read_change(str(READ[text])) == READ[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_command_is_refused_with_what_was_wrong(text: str) -> None:
    with pytest.raises(CalandoError) as caught:
        read_change(text)
    told = caught.value.given + caught.value.where
    assert REFUSED[text].lower() in told.lower()
    assert caught.value.fix


@given(
    st.text(max_size=60) | st.from_regex(r"(cooldown|scale|extend|stop|undo)( [0-9a-z%.\-]{1,8}){0,4}", fullmatch=True)
)
def test_any_text_is_a_command_or_an_error_of_ours(text: str) -> None:
    try:
        change = read_change(text)
    except CalandoError:
        return
    assert read_change(str(change)) == change
