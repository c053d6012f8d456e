"""Several processes that train together do the same thing at the same update: one speaks, all hear it."""

import atexit
import json
import math
import sys
import time
import warnings
import weakref
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any, NoReturn

import torch

from calando.errors import BadValue, LabError, shown

__all__ = ["PATIENCE", "Agreement", "agree"]

LARGEST = 1 << 24
"""Bytes of what is agreed on."""

PATIENCE = 300.0
"""Seconds for which the first process waits until the others have heard what it said."""

LONGER = 1800.0
"""Seconds for which the others wait for the first one, which may evaluate or save alone; as torch.distributed does."""

SOON = 10.0
"""Seconds after which the first process says that it waits."""

FOREVER = timedelta(days=3650)
"""What stands for a wait without end where a number is asked for."""

FAREWELL = 5.0
"""Seconds for which a process that ends lets the others hear its last word."""

_NUMBERS = count(1)
"""All processes make theirs in the same order."""


class Agreement:
    """What `calando.torch.agree` gives: called with plain JSON, it returns what the first process gave.

    Every process calls it, and each as often as the others. What is said goes through the store by which the processes
    found one another, so that it never comes between the collective operations of the training.

    Args:
        every: number of updates between two calls that a watched loop makes, >= 1.
        group: an object of torch.distributed, or None for all processes.
        patience: seconds to wait for a process that does not call it, > 0; None for ever.

    Source: torch.distributed.Store.
    """

    def __init__(self, every: int, group: Any = None, patience: float | None = PATIENCE) -> None:
        self.every, self.patience = every, math.inf if patience is None else patience
        self._group, self._number = group, next(_NUMBERS)
        self._calls = 0
        self._store: Any = None
        self._ranks: Sequence[int] = ()
        self._heard: str | None = None
        """The key that says that all others have heard the latest word; None where that is known."""

    def __call__(self, value: Any) -> Any:
        """What the first process gave; nothing but text goes over the wire, and nothing that is heard is run.

        Raises:
            LabError: where a process does not call it within `patience`, or is gone.
        """
        group: Any = torch.distributed
        if not (group.is_available() and group.is_initialized()):
            return value
        if self._store is None:
            self._meet()
        if len(self._ranks) < 2:
            return value
        turn, self._calls = self._calls, self._calls + 1
        if group.get_rank() == self._ranks[0]:
            return self._speak(turn, value)
        return self._hear(turn, group.get_rank())

    def _meet(self) -> None:
        group: Any = torch.distributed
        self._ranks = group.get_process_group_ranks(self._group)
        found = getattr(group.distributed_c10d, "_get_default_store", lambda: None)()
        if found is None:
            raise LabError(
                given=f"processes that met without a store (backend {group.get_backend(self._group)})",
                allowed="processes that init_process_group brought together by an address or a file",
                where="calando.torch.agree",
                fix="give watch(agree=) a function of your own, which gives every process what the first one holds",
            )
        self._store = group.PrefixStore(f"calando/{self._number}/{self._ranks[0]}-{len(self._ranks)}", found)
        if group.get_rank() == self._ranks[0]:
            _SPEAKERS.add(self)

    # ---- the first process

    def _speak(self, turn: int, value: Any) -> Any:
        said = json.dumps(value)
        if len(said) > LARGEST:
            raise LabError(
                given=f"{len(said)} bytes to agree on",
                allowed=f"1 to {LARGEST}",
                where="calando.torch.agree",
                fix="give it less: plain numbers and texts",
            )
        try:
            if not self.settled(self.patience):
                self._alone(turn)
            if turn > 1:
                for key in (f"said/{turn - 2}", f"heard/{turn - 2}", f"all/{turn - 2}"):
                    self._store.delete_key(key)
            self._store.set(f"said/{turn}", said)
        except LabError:
            raise
        except RuntimeError as error:  # the store is gone, and with it whoever kept it
            _gone("a process that kept the others together is gone", error)
        self._heard = f"all/{turn}"
        return json.loads(said)

    def settled(self, patience: float) -> bool:
        """Whether the others have heard the latest word, waited for so many seconds."""
        if self._heard is None:
            return True
        began, pause, told = time.monotonic(), 0.0005, False
        while not self._store.check([self._heard]):
            waited = time.monotonic() - began
            if waited >= patience:
                return False
            if waited >= min(SOON, self.patience / 2) and not told:
                told = True
                left = f"for {math.ceil(patience - waited)} s more" if patience < math.inf else "without end"
                warnings.warn(
                    f"this process has logged, and waits for {self._missing()} to do so, too: call watched.log in every"
                    f" process at the same updates. It waits {left}",
                    stacklevel=2,
                )
            time.sleep(pause)
            pause = min(1.5 * pause, 0.05)
        self._heard = None
        return True

    def _missing(self) -> str:
        latest = self._calls - 2
        late = []
        for rank in self._ranks[1:]:
            key = f"at/{rank}"
            if not self._store.check([key]) or int(self._store.get(key)) < latest:
                late.append(rank)
        named = ", ".join(map(str, late[:8])) + ", ..." * (len(late) > 8)
        return f"process{'es' * (len(late) > 1)} {named}" if late else "the others"

    def _alone(self, turn: int) -> NoReturn:
        opening = turn < 2
        missing = self._missing()
        did = "open the watch with agree=" if opening else "call watched.log at the update at which this one did"
        raise LabError(
            given=f"{missing} did not {did}, within {self.patience:g} s",
            allowed="processes that all open the watch, and all log at the same updates",
            where="calando.torch.agree",
            fix="call watched.log in every process at the same updates (numbers of the first alone are written down), "
            "also what is logged under `if rank == 0`; or open the watch with agree=None in the first process alone, "
            "which then logs alone and refuses every command; agree(patience=...) waits longer",
        )

    # ---- the others

    def _hear(self, turn: int, rank: int) -> Any:
        key, longest = f"said/{turn}", max(LONGER, self.patience)
        try:
            self._store.wait([key], timedelta(seconds=longest) if longest < math.inf else FOREVER)
            said = self._store.get(key)
            self._store.set(f"at/{rank}", str(turn))
            if self._store.add(f"heard/{turn}", 1) == len(self._ranks) - 1:
                self._store.set(f"all/{turn}", "1")
        except RuntimeError as error:
            _gone("the first process did not call watched.log at the update at which this one did, or is gone", error)
        return json.loads(said)


_SPEAKERS: "weakref.WeakSet[Agreement]" = weakref.WeakSet()


def _farewell() -> None:
    """The store may end with this process: let the others hear its last word, unless it dies of an error."""
    if getattr(sys, "last_value", None) is not None:
        return
    for one in list(_SPEAKERS):
        with suppress(Exception):
            one.settled(FAREWELL)


atexit.register(_farewell)


def _gone(what: str, error: Exception) -> NoReturn:
    raise LabError(
        given=f"{what} ({shown(str(error).splitlines()[0] if str(error) else type(error).__name__, 120)})",
        allowed="processes that all open the watch, and all log at the same updates",
        where="calando.torch.agree",
        fix="call watched.log in every process at the same updates; where one of them died, see what it said",
    ) from error


def agree(every: int = 10, group: Any = None, *, patience: float | None = PATIENCE) -> Agreement:
    """For `calando.watch(agree=...)` in a run of several processes: commands are applied by all at the same update.

    Formula: at every update whose number passes a multiple of `every`, the first process tells the others what was
    asked since; a change rules from that very update on, everywhere. At the next such update it sees whether they all
    heard it: who trains in step has by then, so that nobody waits but for one that does not log.

    Args:
        every: number of updates between two such moments, >= 1.
        group: an object, the process group of torch.distributed; left out, all processes.
        patience: seconds that the first process waits for others that do not log, above 0, before it says so by an
            error; they wait half an hour for it, since it may evaluate or save alone. None: for ever, all of them.

    Raises:
        BadValue: for a number outside its range.

    Example:
        >>> import calando.torch
        >>> together = calando.torch.agree(every=5)
        >>> together({"revision": 1}), together.every
        ({'revision': 1}, 5)

    Source: torch.distributed.Store.
    """
    if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= 1_000_000:
        raise BadValue(
            given=f"every={shown(every)}",
            allowed="a whole number of updates from 1 to 1000000",
            where="agree(every)",
            fix="write agree(every=10)",
        )
    numeric = isinstance(patience, int | float) and not isinstance(patience, bool)
    if patience is not None and not (numeric and 0 < patience <= 1e6):
        raise BadValue(
            given=f"patience={shown(patience)}",
            allowed="seconds above 0, at most 1e6, or None",
            where="agree(patience)",
            fix=f"leave it out for {PATIENCE:g} seconds, give None to wait for ever",
        )
    return Agreement(every, group, patience)
