"""From runs that are wanted to legs: what each trains itself, where it goes on from, where it leaves snapshots."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from calando.records.run import RunSpec

__all__ = ["Leg", "Root", "in_order", "legs"]

Shared = Callable[[str, str], int]
"""How many first steps two runs share, by their keys."""

Sign = Callable[[str, int], object]
"""What a run does at one step: runs of one past that do the same there may share the step."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One run as it is to be trained: from update `start` to its horizon.

    `stage` is the key of the stage whose snapshot it goes on from ("" for none), `after` the key of the run that
    will write that snapshot ("" when it is there, or none is needed). `keep_at` are the steps, ascending, at which
    it writes snapshots for others.

    >>> Leg(RunSpec("a", "cosine()", None, 0, 100), start=40, stage="1f@40").steps
    60
    """

    run: RunSpec
    start: int = 0
    stage: str = ""
    after: str = ""
    keep_at: tuple[int, ...] = ()

    @property
    def steps(self) -> int:
        """Updates that this leg trains itself.

        >>> Leg(RunSpec("a", "cosine()", None, 0, 100)).steps
        100
        """
        return self.run.horizon - self.start

    @property
    def ready(self) -> bool:
        """Whether it can be started now.

        >>> Leg(RunSpec("a", "cosine()", None, 0, 100), start=40, after="1f").ready
        False
        """
        return not self.after


@dataclass(frozen=True, slots=True)
class Root:
    """Where legs may begin: at step 0, or at a stage that is there or that a running leg will reach."""

    step: int = 0
    stage: str = ""
    after: str = ""


def legs(
    rooted: Iterable[tuple[Root, Sequence[RunSpec]]], order: Mapping[str, int], shared: Shared, sign: Sign, least: int
) -> dict[str, Leg]:
    """The fewest steps that train every run, each step of the tree once but for stretches shorter than `least`.

    Each root's runs form a tree. Its longest path is one leg; whoever leaves the path starts from a snapshot there,
    and is the longest path of the tree that is left, and so on.
    """
    found: dict[str, Leg] = {}
    for root, runs in rooted:
        waiting = [(root, list(runs))]
        while waiting:
            here, group = waiting.pop()
            trunk = min(group, key=lambda run: (-run.horizon, order[run.key]))
            leaving: dict[int, list[RunSpec]] = {}
            for run in group:
                if run is not trunk:
                    leaving.setdefault(shared(trunk.key, run.key), []).append(run)
            kept, marks, last = here, [], here.step
            for step in sorted(leaving):
                if step - last >= least:
                    marks.append(step)
                    last = step
                    kept = Root(step, f"{trunk.key}@{step}", trunk.key)
                waiting += [(kept, alike) for alike in _together(leaving[step], step, shared, sign)]
            found[trunk.key] = Leg(trunk, here.step, here.stage, here.after, tuple(marks))
    return found


def _together(runs: Sequence[RunSpec], step: int, shared: Shared, sign: Sign) -> list[list[RunSpec]]:
    """Runs that leave the trunk at `step`, by who goes on together beyond it."""
    if len(runs) == 1:
        return [list(runs)]
    groups: dict[object, list[list[RunSpec]]] = {}
    for run in runs:
        alike = groups.setdefault(sign(run.key, step), [])
        for group in alike:
            if shared(group[0].key, run.key) > step:
                group.append(run)
                break
        else:
            alike.append([run])
    return [group for alike in groups.values() for group in alike]


def in_order(found: Mapping[str, Leg], order: Mapping[str, int]) -> tuple[Leg, ...]:
    """Legs by their urgency; whoever others wait for goes before the first of them."""
    urgent, depth = {key: order[key] for key in found}, dict.fromkeys(found, 0)
    for key in found:
        ahead, below = found[key].after, 0
        while ahead in found:
            below += 1
            urgent[ahead] = min(urgent[ahead], order[key])
            ahead = found[ahead].after
        depth[key] = below
    return tuple(found[key] for key in sorted(found, key=lambda key: (urgent[key], depth[key], order[key])))
