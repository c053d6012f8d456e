"""Keras' `CSVLogger`: a row for each epoch, counted from 0, epoch first and the rest in alphabetical order.

`loss` is the mean over the epoch, `learning_rate` (there when a callback logs it) the rate at the epoch's end.
"""

from calando.errors import BadFile
from calando.records.logs.dialect import dialect_of
from calando.records.logs.draft import Asked, Draft
from calando.records.logs.guess import find
from calando.records.logs.opened import Opened
from calando.records.logs.plain_csv import drafts

__all__ = ["looks", "read"]


def looks(file: Opened) -> bool:
    """Whether epoch comes first, a loss is there, and the rest is in order."""
    if not file.head.startswith(b"epoch"):
        return False
    try:
        names = list(dialect_of(file).names)
    except BadFile:
        return False
    rest = names[1:]
    return names[0] == "epoch" and "loss" in rest and rest == sorted(rest) and not find("step", rest)


def read(file: Opened, asked: Asked) -> list[Draft]:
    """Its run."""
    return drafts(file, dialect_of(file), asked, kind="keras", counted_from=None)
