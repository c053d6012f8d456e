"""Plain data through JSON and back: equal, of the same types, and nothing else gets through."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando.core.keepers import Array
from calando.errors import LabError
from calando.lab.snapshot.codec import digest, flatten, unflatten

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9)
    | st.binary(max_size=6).map(lambda data: Array("U8", (len(data),), data))
)  # fmt: skip
STATES = st.recursive(
    LEAVES,
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.lists(inside, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inside, max_size=4)
    ),
    max_leaves=15,
)


def told(state: Any) -> Any:
    """A state in a form that can be compared, types, order and the sign of zero included."""
    if isinstance(state, Array):
        return ("array", state.dtype, state.shape, bytes(state.data))
    if isinstance(state, float):
        return ("float", "nan" if math.isnan(state) else struct.pack("<d", state))
    if isinstance(state, dict):
        return ("dict", [(type(key), key, told(item)) for key, item in state.items()])
    if isinstance(state, list | tuple):
        return (type(state), [told(item) for item in state])
    return (type(state), state)


@given(STATES)
def test_any_state_comes_back_equal_in_value_and_type(state: Any) -> None:
    flat, arrays = flatten(state)
    assert told(unflatten(json.loads(json.dumps(flat, allow_nan=False)), arrays)) == told(state)


@given(STATES, STATES)
def test_a_digest_tells_states_apart(one: Any, other: Any) -> None:
    def unordered(state: Any) -> str:
        return json.dumps(flatten(state)[0], sort_keys=True) + str(told(state))

    if told(one) == told(other):
        assert digest(one) == digest(other)
    elif unordered(one) != unordered(other) and "dict" not in str(told(one)):
        assert digest(one) != digest(other)


@pytest.mark.parametrize("thing", [{1, 2}, object(), 1j, {(1, 2): 3}, {None: 1}, range(3), bytearray(b"x")])
def test_what_is_no_plain_data_is_named_with_its_path(thing: Any) -> None:
    with pytest.raises(LabError, match="in the state of model/0") as caught:
        flatten({"model": [thing]})
    assert "(get, set)" in caught.value.fix


def test_paths_that_collide_keep_their_own_arrays() -> None:
    one, other = Array("U8", (1,), b"1"), Array("U8", (1,), b"2")
    flat, arrays = flatten({"a/b": one, "a": {"b": other}, "__metadata__": Array("U8", (0,), b"")})
    back = unflatten(flat, arrays)
    assert (back["a/b"].data, back["a"]["b"].data) == (b"1", b"2")
    assert len(arrays) == 3
