"""The slow, literal oracle: every past of every run written out step by step."""

import struct
from collections.abc import Sequence

from calando.core.schedule import Schedule
from calando.lab.stages import Leg, evaluation_steps
from calando.records import RunSpec

Asked = tuple[RunSpec, Schedule, int]


def past(asked: Asked, step: int, *, looked: bool) -> tuple:
    """Everything that decides where a run stands after its first `step` updates."""
    run, schedule, evals = asked
    due = set(evaluation_steps(evals, run.horizon))
    did = tuple(
        (tuple((name, struct.pack("<d", value)) for name, value in schedule.at(t).items()), t in due)
        for t in range(step)
    )
    alone = run.key if schedule.rule is not None else None
    return run.seed, run.params, run.peak, alone, run.horizon if looked else None, did


def pasts(runs: Sequence[Asked], *, looked: bool) -> set[tuple]:
    """Every distinct past there is; the end of a run is its own, whoever else ends there too."""
    inner = {past(one, step, looked=looked) for one in runs for step in range(1, one[0].horizon)}
    return inner | {("the end of", one[0].key) for one in runs}


def trained(legs: Sequence[Leg]) -> int:
    return sum(leg.steps for leg in legs)
