"""Messages between processes arrive whole, however the bytes are cut."""

import random
from array import array

from hypothesis import given
from hypothesis import strategies as st

from calando.lab.executors.wire import Inbox, pack

COLUMNS = st.dictionaries(
    st.text(max_size=5), st.lists(st.tuples(st.integers(0, 2**53), st.floats(allow_nan=False)), max_size=5), max_size=3
)


@given(messages=st.lists(st.tuples(st.dictionaries(st.text(max_size=3), st.integers()), COLUMNS)), seed=st.integers())
def test_any_messages_survive_any_cuts(messages: list, seed: int) -> None:
    messages = [({**head, "op": "x"}, columns) for head, columns in messages]
    for head, _ in messages:
        head.pop("columns", None)
    sent = b"".join(
        pack(head, {n: (array("q", [s for s, _ in c]), array("d", [v for _, v in c])) for n, c in columns.items()})
        for head, columns in messages
    )
    inbox, chance, heard = Inbox(), random.Random(seed), []
    while sent:
        cut = chance.randint(1, 40)
        heard += [
            (head, {n: list(zip(*pair, strict=True)) for n, pair in columns.items()})
            for head, columns in inbox.feed(sent[:cut])
        ]
        sent = sent[cut:]
    assert heard == messages
