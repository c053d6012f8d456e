"""What to do after a study: the schedule of a longer run, and the runs that would tell most. Plain and frozen."""

from dataclasses import dataclass

__all__ = ["Ahead", "Onward", "Telling"]


@dataclass(frozen=True, slots=True)
class Onward:
    """A schedule for a longer run, by theory.

    `way` names how it is got, `leaves` is the first update at which it differs from the run that is there (0: it
    begins anew), `bound` the theory's bound over the lowest there is. `low` to `high` is the range of what was chosen
    (`chosen`: "cooldown" and "second stage" as shares, "peak" as learning rates, or as multiples of the optimizer's own
    where the study has no peak). `peak` is None there, and where theory has a range and no best guess.

    >>> Onward("as it is", "cosine()", 0.1, 0, 1.03).leaves
    0
    """

    way: str
    plan: str
    peak: float | None
    leaves: int
    bound: float
    chosen: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """A run that would tell more than others: over so many updates, on so many seeds.

    >>> Telling("cosine()", 0.1, 1280, 1, "one of the two best that are tied").horizon
    1280
    """

    plan: str
    peak: float | None
    horizon: int
    seeds: int
    why: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """What follows from a finished study, with the commands to paste.

    `plan` at `peak` over `horizon` updates is what the study recommends. `onward` are schedules over `longer` updates,
    the advised one first; `telling` the runs that tell most where several are tied; `commands` pairs of what for and
    the command itself.

    >>> Ahead("cosine()", 0.1, 640, 1280).commands
    ()
    """

    plan: str
    peak: float | None
    horizon: int
    longer: int
    onward: tuple[Onward, ...] = ()
    telling: tuple[Telling, ...] = ()
    sentences: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
