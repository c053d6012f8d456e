"""Where a run stands in its data: passes, ends of passes, and loaders that are not what they were."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from calando.errors import LabError
from calando.lab.feed import Feed


class Shuffled:
    """Draws an order at the beginning of each pass, and once more at its end, as PyTorch's sampler does."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        order = list(range(self.size))
        random.shuffle(order)
        yield from order
        random.random()


def mark() -> Any:
    return random.getstate()


def taken(feed: Feed, count: int) -> list[Any]:
    return [(feed.take(), random.random()) for _ in range(count)]


@pytest.mark.parametrize("after", range(1, 13))
def test_a_pass_goes_on_at_every_place(after: int) -> None:
    random.seed(1)
    feed = Feed(Shuffled(4), mark)
    taken(feed, after)
    state, now = feed.capture(), mark()
    whole = taken(feed, 9)
    random.seed(999)
    again = Feed(Shuffled(4), mark)
    again.restore(state, random.setstate)
    random.setstate(now)
    assert taken(again, 9) == whole


def test_steps_are_counted_without_a_loader() -> None:
    feed = Feed(None)
    taken(feed, 3)
    again = Feed(None)
    again.restore(feed.capture(), random.setstate)
    assert [again.take(), again.take()] == [3, 4]


def test_a_loader_that_became_shorter_is_refused() -> None:
    feed = Feed([1, 2, 3], mark)
    taken(feed, 3)
    with pytest.raises(LabError, match="ended after 2 batches instead of 3"):
        Feed([1, 2], mark).restore(feed.capture(), random.setstate)


class Teller:
    def __init__(self) -> None:
        self.at = 0

    def __iter__(self) -> Iterator[int]:
        while self.at < 3:
            self.at += 1
            yield self.at
        self.at = 0

    def state_dict(self) -> dict[str, int]:
        return {"at": self.at}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.at = state["at"]


@pytest.mark.parametrize("after", range(1, 8))
def test_a_loader_that_tells_its_position_is_asked(after: int) -> None:
    feed = Feed(Teller(), mark)
    taken(feed, after)
    again = Feed(Teller(), mark)
    again.restore(feed.capture(), random.setstate)
    assert [again.take() for _ in range(7)] == [feed.take() for _ in range(7)]


def test_a_loader_that_tells_no_position_any_more_is_refused() -> None:
    feed = Feed(Teller(), mark)
    taken(feed, 1)
    with pytest.raises(LabError, match="tells no position of its own"):
        Feed([1, 2], mark).restore(feed.capture(), random.setstate)


def test_an_empty_rest_of_a_pass_is_allowed_once() -> None:
    class Dry(Teller):
        def __iter__(self) -> Iterator[int]:
            return iter(())

    feed = Feed(Teller(), mark)
    taken(feed, 3)
    dry = Feed(Dry(), mark)
    dry.restore(feed.capture(), random.setstate)
    with pytest.raises(LabError, match="cannot be iterated again"):
        dry.take()
