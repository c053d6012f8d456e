"""Which runs share how many steps, and the cheapest way to train them all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from calando.errors import LabError, shown
from calando.lab.stages.due import evaluation_steps
from calando.lab.stages.legs import Leg, Root, in_order, legs
from calando.lab.stages.saving import Saving, crowd
from calando.records.run import RunSpec
from calando.records.stage import StageRecord

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["LEAST", "Tree"]

LEAST = 8
"""Steps that a snapshot must save to be worth writing, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class _Path:
    """A run and everything that decides its past."""

    run: RunSpec
    schedule: str
    evals: int
    kind: tuple[object, ...]
    """Seed, settings and peak; for one that shares nothing, itself."""


class Tree:
    """Runs by what they have in common; cheap to ask, and remembered.

    Args:
        looked: whether the train function looks at its horizon; then only runs of one horizon share stages. May be
            set later.
        alone: whether it looks at its schedule or its label; then no two runs share. May be set later.

    Example:
        >>> import calando
        >>> tree, runs = Tree(), []
        >>> for text in ("wsd(cooldown=20)", "wsd(cooldown=40)"):
        ...     runs.append(RunSpec(text, text, 0.1, 0, 100))
        ...     tree.add(runs[-1], calando.parse(text).bind(100).to_json(), evals=5)
        >>> print(tree.saving(tree.plan(runs)))
        2 candidates x 1 seed: 139 steps instead of 200: 1.4 times fewer
    """

    def __init__(self, *, looked: bool = True, alone: bool = False) -> None:
        self.looked, self.alone = looked, alone
        self._paths: dict[str, _Path] = {}

    def add(self, run: RunSpec, schedule: str, evals: int) -> None:
        """Take note of a run: its bound schedule as calando JSON, and how often it is evaluated.

        Adding it again does nothing.
        """
        if run.key not in self._paths:
            kind = (run.key,) if _bound(schedule).rule is not None else _kind(run)
            self._paths[run.key] = _Path(run, schedule, evals, kind)

    def __contains__(self, run_key: object) -> bool:
        return run_key in self._paths

    def name(self, run_key: str, step: int) -> str:
        """What the past of a run up to `step` is called, in every process."""
        return f"{run_key}@{step}"

    def prefix(self, a: str, b: str) -> int:
        """How many first steps two different runs share, by their keys; always fewer than either horizon.

        A run's last update is its own, so that no leg is empty.

        Raises:
            LabError: when a run was not added.
        """
        one, other = self._path(a), self._path(b)
        if self.alone or one.kind != other.kind or (self.looked and one.run.horizon != other.run.horizon):
            return 0
        return _common(one.schedule, one.evals, other.schedule, other.evals)

    def branches(self, run_key: str, others: Iterable[str], least: int = 1) -> tuple[int, ...]:
        """The steps at which any of the others leaves this run, ascending, at least `least` apart."""
        found, last = [], 0
        for step in sorted({self.prefix(run_key, other) for other in others if other != run_key}):
            if step - last >= least:
                found.append(step)
                last = step
        return tuple(found)

    def fits(self, stage: StageRecord, run_key: str) -> bool:
        """Whether a run may go on from where a stage ends."""
        if stage.stop >= self._path(run_key).run.horizon:
            return False
        return stage.run == run_key or self._reach(stage, run_key) >= stage.stop

    def latest(self, run_key: str, stages: Iterable[StageRecord]) -> StageRecord | None:
        """The latest stage with a snapshot that a run may go on from; its own count too."""
        fitting = (stage for stage in stages if stage.snapshot is not None and self.fits(stage, run_key))
        return max(fitting, key=lambda stage: (stage.stop, stage.run == run_key, stage.key), default=None)

    def plan(
        self,
        wanted: Sequence[RunSpec],
        stages: Iterable[StageRecord] = (),
        under_way: Mapping[str, Sequence[int]] | None = None,
        *,
        least: int = LEAST,
        share: bool = True,
    ) -> tuple[Leg, ...]:
        """The legs that train every wanted run, in the order to start them.

        Args:
            wanted: unfinished runs in the order of their urgency; each was added.
            stages: what is finished; those with a snapshot can be gone on from.
            under_way: by run key, at which steps running legs will still write snapshots; those runs are left out.
            least: steps that a snapshot must save, >= 1.
            share: False trains each run by itself, from its own latest snapshot.
        """
        coming = under_way or {}
        asked = {run.key: run for run in wanted if run.key not in coming}
        order = {key: i for i, key in enumerate(asked)}
        kept: dict[tuple[object, ...], list[StageRecord]] = {}
        for stage in stages:
            if stage.snapshot is not None:
                kept.setdefault((stage.run,), []).append(stage)
                if share and stage.spec is not None:
                    kept.setdefault(_kind(stage.spec), []).append(stage)
        rooted: dict[tuple[object, ...], tuple[Root, list[RunSpec]]] = {}
        for run in asked.values():
            kind = self._path(run.key).kind if share else (run.key,)
            near = [*kept.get(kind, ()), *(kept.get((run.key,), ()) if len(kind) > 1 else ())]
            root = self._root(run, near, coming if share else {}, least)
            family = (root, *kind, run.horizon if self.looked else 0)
            rooted.setdefault(family, (root, []))[1].append(run)
        found = legs(rooted.values(), order, self.prefix, self._sign, max(least, 1))
        return in_order(found, order)

    def saving(self, planned: Iterable[Leg]) -> Saving:
        """What a plan's runs cost alone and as they are planned."""
        ahead = list(planned)
        alone = sum(leg.run.horizon for leg in ahead)
        return Saving(alone, sum(leg.steps for leg in ahead), crowd(leg.run for leg in ahead))

    def needed(
        self, planned: Iterable[Leg], stages: Iterable[StageRecord], under_way: Iterable[str] = ()
    ) -> frozenset[str]:
        """The keys of the stages whose snapshots something unfinished still needs.

        Those are the stages that planned legs start from, and the latest one of every running leg.
        """
        kept = [stage for stage in stages if stage.snapshot is not None]
        latest = (self.latest(key, kept) for key in under_way if key in self)
        return frozenset({leg.stage for leg in planned if leg.stage and leg.ready} | {s.key for s in latest if s})

    def _path(self, run_key: str) -> _Path:
        path = self._paths.get(run_key)
        if path is None:
            raise LabError(
                given=f"the run {shown(run_key)}",
                allowed="runs that were added to the tree",
                where="Tree",
                fix="call tree.add(run, schedule, evals) first",
            )
        return path

    def _reach(self, stage: StageRecord, run_key: str) -> int:
        if stage.spec is None or not stage.schedule:
            return 0
        self.add(stage.spec, stage.schedule, stage.evals)
        return self.prefix(stage.run, run_key)

    def _root(
        self, run: RunSpec, stages: Sequence[StageRecord], coming: Mapping[str, Sequence[int]], least: int
    ) -> Root:
        """The latest point to begin at; one that is there already unless waiting saves enough."""
        found = self.latest(run.key, stages)
        here = Root() if found is None else Root(found.stop, found.key)
        ahead = Root()
        for other, steps in coming.items():
            reach = self.prefix(other, run.key) if other in self._paths else 0
            step = max((step for step in steps if step <= reach), default=0)
            if step > ahead.step:
                ahead = Root(step, self.name(other, step), other)
        return ahead if ahead.step - here.step >= max(least, 1) else here

    def _sign(self, run_key: str, step: int) -> object:
        path = self._paths[run_key]
        values = _bound(path.schedule).at(step)
        due = step in evaluation_steps(path.evals, path.run.horizon)
        return (*((name, float(value).hex()) for name, value in values.items()), due)


def _kind(run: RunSpec) -> tuple[object, ...]:
    return run.seed, run.params, _exact(run.peak)


def _exact(peak: float | None) -> str:
    return "" if peak is None else float(peak).hex()


@lru_cache(maxsize=4096)
def _bound(schedule: str) -> "Schedule":
    from calando.core.codec import from_json
    from calando.core.schedule import Schedule

    found = from_json(schedule)
    if isinstance(found, Schedule):
        return found
    raise LabError(
        given=f"JSON of a {type(found).__name__.lower()}",
        allowed="a bound schedule",
        where="Tree.add",
        fix="bind the plan to the run's horizon first",
    )


@lru_cache(maxsize=1 << 16)
def _common(one: str, evals: int, other: str, more: int) -> int:
    """Steps that two schedules have in common, evaluations included; fewer than either horizon."""
    if (other, more) < (one, evals):
        return _common(other, more, one, evals)
    from calando.core.agree import agreement

    a, b = _bound(one), _bound(other)
    sizes = [(s.steps_per_epoch, s.tokens_per_step, s.samples_per_step) for s in (a, b)]
    if sizes[0] != sizes[1]:
        return 0
    steps = min(a.horizon, b.horizon) - 1
    apart = set(evaluation_steps(evals, a.horizon)) ^ set(evaluation_steps(more, b.horizon))
    steps = min([steps, *apart])
    return min(steps, agreement(a, b)) if steps else 0
