"""One check, two sides: it has to fail with the peer and to pass with ours."""

from collections.abc import Callable
from typing import TypeVar

import pytest

Side = TypeVar("Side")


def told_apart(
    check: Callable[[Side], None],
    *,
    ours: Side,
    living: Side | None = None,
    old: Side | None = None,
    because: str,
    fails: type[BaseException] | tuple[type[BaseException], ...] = AssertionError,
) -> None:
    """Run one check on both sides.

    `living` is the peer as it is installed; `old` is what a peer did before it was mended, transcribed. `because` is a
    pattern that the failure's message must match, so that no check fails for another reason than the complaint's.
    """
    theirs = living if old is None else old
    assert theirs is not None, "a side to fail"
    assert living is None or old is None, "one side to fail"
    with pytest.raises(fails, match=because):
        check(theirs)
    check(ours)
