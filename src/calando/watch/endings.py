"""How watched runs end: by themselves, with their process, or not at all in a child that was forked."""

import atexit
import os
import weakref
from collections.abc import Sequence
from typing import Literal, Protocol

from calando.errors import BadName, did_you_mean, shown

__all__ = ["ENDINGS", "Ending", "check_word", "remember", "told_of"]

Ending = Literal["done", "stopped", "unfinished", "failed", "interrupted"]
ENDINGS: tuple[Ending, ...] = ("done", "stopped", "unfinished", "failed", "interrupted")


def check_word(word: object, words: Sequence[str], where: str, fix: str) -> None:
    """See that a word is one of those that there are.

    Raises:
        BadName: where it is not.
    """
    if word not in words:
        raise BadName(
            given=f"{shown(word)}{did_you_mean(str(word), words)}", allowed=", ".join(words), where=where, fix=fix
        )


class Leaves(Protocol):
    """What is told when the process ends or forks."""

    def leave(self) -> None:
        """The process ends."""

    def forked(self) -> None:
        """This is a child now."""


def told_of(error: BaseException) -> tuple[Ending, str]:
    """How a run ended that an exception ended, and why.

    >>> told_of(ZeroDivisionError("1 by 0")), told_of(KeyboardInterrupt())
    (('failed', "ZeroDivisionError: '1 by 0'"), ('interrupted', 'Ctrl-C'))
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "Ctrl-C"
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return "unfinished", "the program left"
    return "failed", f"{type(error).__name__}: {shown(str(error), 300)}"


_ALIVE: "weakref.WeakSet[Leaves]" = weakref.WeakSet()


def remember(run: Leaves) -> None:
    """Tell it when the process ends, as long as somebody holds it."""
    _ALIVE.add(run)


def _leave_all() -> None:
    for run in list(_ALIVE):
        run.leave()


def _forked_all() -> None:
    for run in list(_ALIVE):
        run.forked()


atexit.register(_leave_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked_all)
