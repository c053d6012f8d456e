"""Which update was just made, and the rates that it really used, read off whatever drives the optimizer."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from calando.core.hosts import innermost
from calando.watch.values import Later, read

__all__ = ["Counting", "Gauge", "Hooked", "Placed", "Rates", "Reading", "gauge_for"]

Rates = Sequence["float | Later"]
MOST_GROUPS = 8
"""Groups whose rates are written down; the rest are seldom looked at, and each costs a microsecond a line."""


class Gauge(Protocol):
    """What `Watched` asks when something is logged; `knows` where it knew how many updates were made before."""

    knows: bool

    def done(self) -> int:
        """Updates made so far."""

    def rates(self) -> Rates:
        """The rates that the last update used, a group each; empty where nobody knows."""


class Hooked:
    """For optimizers that tell before each update, as PyTorch's do: exact wherever in the loop something is logged.

    Args:
        optimizer: with `param_groups` and `register_step_pre_hook`.
        position: a function that gives the step of the update under way; None counts the updates.
        begun: updates made before.
        standing: a function that gives where a scheduler that steps by epochs stands, or None.
    """

    def __init__(
        self,
        optimizer: Any,
        position: Callable[[], int] | None,
        begun: int,
        standing: Callable[[], int] | None = None,
    ) -> None:
        self._optimizer, self._position, self._standing = optimizer, position, standing
        self.knows = position is not None or standing is not None
        self._stood = 0 if standing is None else standing()
        self._done = begun
        self._used: Sequence[Any] = ()
        self._moved = False
        self._handle = _register(optimizer, self._before)

    def _before(self, *_: object) -> None:
        groups = self._optimizer.param_groups
        self._used = [group["lr"] for group in groups] if len(groups) > 1 else (groups[0]["lr"],)
        position = self._position
        self._done = (self._done if position is None else position()) + 1
        self._moved = True
        if self._standing is not None:
            self._stood = self._standing()

    def done(self) -> int:
        """Updates made so far; before the first, as many as the schedule's position says."""
        if not self._moved and self._position is not None:
            return self._position()
        return self._done

    def rates(self) -> Rates:
        """The rates in the groups when the last update was made."""
        used = self._used
        if len(used) == 1 and used[0].__class__ is float:
            return used
        return [float(rate) for rate in used[:MOST_GROUPS]]

    def stood(self) -> int:
        """Where the scheduler stood at the last update, as far as `standing` tells."""
        return self._stood

    def close(self) -> None:
        """Let the optimizer go."""
        self._handle.remove()


class Placed:
    """For optimizers that tell nothing, or whose rates are tensors, under a schedule that knows its position.

    The rates in force when something is logged after the schedule went on are the next update's; they are kept until
    then.

    Args:
        position: a function that gives the schedule's position.
        now: a function that gives the rates in force.
        optimizer: object that tells before each update, or None. A compiled or captured one does not: then whatever
            is logged has to be logged after the schedule's step.
    """

    knows = True

    def __init__(self, position: Callable[[], int], now: Callable[[], Rates], optimizer: Any = None) -> None:
        self._position, self._now = position, now
        self._at = position()
        self._next: Rates = now()
        self._used: Rates = ()
        self._made = self._looked = -1
        self._handle: Any = None
        torch = sys.modules.get("torch")
        if torch is not None and hasattr(torch, "compiler"):
            self._compiling: Callable[[], bool] = torch.compiler.is_compiling
            self._capturing: Callable[[], bool] = lambda: False
            if torch.cuda.is_available():
                self._capturing = torch.cuda.is_current_stream_capturing
            with suppress(AttributeError, TypeError):
                self._handle = optimizer.register_step_pre_hook(self._before)

    def _before(self, *_: object) -> None:
        if not (self._compiling() or self._capturing()):
            self._made = self._position() + 1

    def done(self) -> int:
        """Updates made so far: where the schedule stands, or one more just after an update."""
        position = self._position()
        return self._made if self._made == position + 1 else position

    def rates(self) -> Rates:
        """The rates that were in force when the last update began, if something was logged just before."""
        at = self._position()
        if self._made == at + 1:  # between the update and the schedule's step
            if self._looked != self._made:
                self._looked, self._at = self._made, at
                self._used = self._next = self._now()
        elif at != self._at:
            self._used = self._next if at == self._at + 1 else ()
            self._at, self._next = at, self._now()
        return self._used

    def renew(self) -> None:
        """The schedule was changed: the rates in force are others."""
        if self._made != self._at + 1:
            self._next = self._now()

    def close(self) -> None:
        """Let the optimizer go."""
        if self._handle is not None:
            self._handle.remove()


class Reading:
    """For optimizers that give their count and the last update's rate themselves, as ours for Keras do."""

    knows = True

    def __init__(self, driven: Any) -> None:
        self._driven = driven
        self._last: tuple[int, Rates] = (0, ())

    def done(self) -> int:
        """Updates made so far, as the optimizer counts them."""
        found = self._driven.reading()
        if found is not None:
            self._last = (int(found[0]), (float(found[1]),) if found[0] else ())
        return self._last[0]

    def rates(self) -> Rates:
        """The rate of the last update."""
        return self._last[1]


class Counting:
    """Where nothing tells: whoever logs says the step, or a name that comes again begins the next."""

    knows = False

    def __init__(self, begun: int, now: Callable[[], Rates] | None = None) -> None:
        self._done, self._now = begun, now
        self._names: set[str] = set()

    def note(self, names: Sequence[str], step: int | None) -> None:
        """These names are logged now."""
        if step is not None:
            if step + 1 != self._done:
                self._names.clear()
            self._done = step + 1
        elif not self._names or not self._names.isdisjoint(names):
            self._done += 1
            self._names.clear()
        self._names.update(names)

    def done(self) -> int:
        """Updates made so far, as far as was logged."""
        return self._done

    def rates(self) -> Rates:
        """The rates in the optimizer now; without a schedule of ours nobody says whether they are the next one's."""
        return () if self._now is None else self._now()


def gauge_for(scheduler: Any, optimizer: Any, begun: int) -> "Hooked | Placed | Reading | Counting":
    """The gauge that suits what there is.

    Args:
        scheduler: what a front door gave, or another library's scheduler, or None.
        optimizer: an optimizer with `param_groups`, or None; the scheduler's own unless given.
        begun: number of updates made before, where nothing else tells.
    """
    if callable(getattr(scheduler, "reading", None)):
        return Reading(scheduler)
    inside: Any = optimizer if optimizer is not None else getattr(scheduler, "optimizer", None)
    groups = getattr(inside, "param_groups", None)
    position = _position(scheduler)
    standing = getattr(scheduler, "position", None) if position is None else None
    standing = standing if callable(standing) else None
    if standing is not None:
        begun = begun or int(standing())
    if groups:
        if not any(hasattr(group["lr"], "dtype") for group in groups):
            with suppress(AttributeError, TypeError):
                return Hooked(innermost(inside), position, begun, standing)

        def now() -> Rates:
            return [read("lr", group["lr"]) for group in inside.param_groups[:MOST_GROUPS]]

        return Placed(position, now, innermost(inside)) if position is not None else Counting(begun, now)
    return Counting(begun)


def _position(scheduler: Any) -> Callable[[], int] | None:
    """Where a scheduler of ours stands, a step for each update; None for others, and for one that steps by epochs."""
    found = getattr(scheduler, "position", None)
    if not callable(found) or getattr(getattr(scheduler, "options", None), "interval", "step") != "step":
        return None
    position: Callable[[], int] = found
    return position


def _register(optimizer: Any, hook: Callable[..., None]) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "compiler"):
        hook = torch.compiler.disable(hook)
    return optimizer.register_step_pre_hook(hook)
