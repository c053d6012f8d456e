"""Lightning's `CSVLogger`: metrics.csv, with training and validation in rows of their own.

Lightning logs under the number of the update that a batch took part in, counted from 0, and a validation under the last
update before it; so step s stands for s+1 updates made. `LearningRateMonitor` logs rates before the update.
"""

from calando.errors import BadFile
from calando.records.logs.dialect import dialect_of
from calando.records.logs.draft import Asked, Draft
from calando.records.logs.opened import Opened
from calando.records.logs.plain_csv import drafts

__all__ = ["looks", "read"]


def looks(file: Opened) -> bool:
    """Whether its names are in alphabetical order, epoch and step among them, and its lines end as csv.DictWriter's."""
    first = file.head[: file.head.find(b"\n") + 1]
    if not first.endswith(b"\r\n") or b"epoch" not in first or b"step" not in first:
        return False
    try:
        names = list(dialect_of(file).names)
    except BadFile:
        return False
    return names == sorted(names) and {"epoch", "step"} <= set(names)


def read(file: Opened, asked: Asked) -> list[Draft]:
    """Its run."""
    return drafts(file, dialect_of(file), asked, kind="lightning", counted_from=0)
