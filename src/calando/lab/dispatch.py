"""From runs that are wanted to legs that can be started now: who goes first, who waits for whose snapshot."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from calando.lab.executors.base import Opened, Reached
from calando.lab.live import View
from calando.lab.moves import Strategy
from calando.lab.shelf import Shelf
from calando.lab.stages import Leg, Tree
from calando.records.run import Curve, RunSpec
from calando.records.stage import StageRecord

__all__ = ["EVERY", "WORTH", "Dispatch"]

EVERY = 60.0  # seconds of training that a crash may cost
WORTH = 0.05  # part of the steps that sharing must save to be begun without being asked for
LOOKED = "the train function reads run.label or run.schedule, which tell its candidates apart; use run.attach or run.lr"


class Dispatch:
    """The stage tree while it is trained.

    Args:
        strategy: knows the schedule and the evaluations of every run.
        shelf: the snapshots that are there.
        stages: every finished stage, also those without a snapshot.
        view: is told once what sharing saves, or why nothing is shared.
        share: True or False; None shares where that saves at least 5 % of the steps.
    """

    def __init__(
        self, strategy: Strategy, shelf: Shelf, stages: Sequence[StageRecord], view: View, share: bool | None
    ) -> None:
        self._strategy = strategy
        self._shelf = shelf
        self._known = {stage.key: replace(stage, curves={}) for stage in stages}
        self._view = view
        self._share = share
        self._tree = Tree(looked=True)
        self._keeps = True  # until a run says otherwise
        self._looked: bool | None = None
        self._grain = 1
        self._said: set[str] = set()
        self._wanted: list[RunSpec] = []
        self._legs: dict[str, Leg] = {}  # planned and not begun, in the order to begin them
        self._begun: dict[str, Leg] = {}
        self._coming: dict[str, list[int]] = {}  # steps at which legs under way will still leave a snapshot
        self._newest: dict[str, str] = {}  # by run under way the stage that it would go on from if it died now
        self._clock: dict[str, float] = {}
        self._stale = False

    def want(self, wanted: list[RunSpec]) -> None:
        """Take note of what is wanted now, in this order."""
        if wanted == self._wanted and not self._stale:
            return
        self._wanted = wanted
        keys = {run.key for run in wanted}
        for key in [key for key in self._legs if key not in keys]:
            del self._legs[key]
        self._stale |= any(key not in self._legs and key not in self._begun for key in keys)

    def next(self, but: Collection[str] = ()) -> Leg | None:
        """The most urgent leg that can be begun now; None where all wait for others, or nothing is left.

        Args:
            but: keys of runs that are held back.
        """
        for _ in range(2):
            if self._stale:
                self._plan()
            for leg in self._legs.values():
                if leg.run.key not in but and self._ready(leg):
                    return leg
            if not self._stale:
                break
        if not self._begun and not but:
            return next(iter(self._legs.values()), None) if self._alone() else None
        return None

    def begin(self, leg: Leg) -> tuple[Leg, StageRecord | None]:
        """Begin a leg: as it is to be trained, with the stage that it goes on from."""
        key, keep_at = leg.run.key, leg.keep_at
        if keep_at:
            room = self._shelf.room(sum(map(len, self._coming.values())))
            if room < len(keep_at):
                self._say(f"fewer snapshots are kept: they may use {self._shelf.limit:,} bytes together (--disk)")
                leg, self._stale = replace(leg, keep_at=keep_at[:room]), True
        self._legs.pop(key, None)
        self._begun[key] = leg
        self._coming[key] = list(leg.keep_at)
        self._newest[key] = leg.stage
        self._clock[key] = 0.0
        return leg, self._shelf.stages.get(leg.stage)

    @property
    def every(self) -> float:
        """Seconds between two snapshots that only guard against a crash; 0 for none."""
        return EVERY if self._keeps and self._shelf.room(0) else 0.0

    def opened(self, event: Opened) -> None:
        """Learn what can be kept, and how much two horizons have in common."""
        if self._looked is None or event.looked > self._looked:
            self._looked = event.looked
            self._stale |= self._tree.looked != event.looked
            self._tree.looked = event.looked
        self._look(event)
        if event.grain != self._grain:
            self._grain, self._stale = event.grain, True
        if event.key in self._begun:
            if event.refused or event.start != self._begun[event.key].start:
                self._astray(event)
            kept = [step for step in self._coming[event.key] if step % self._grain == 0 and event.kept]
            self._stale |= kept != self._coming[event.key]
            self._coming[event.key] = kept
        if not event.kept:
            self._without(event.unkept or "the train function keeps nothing by run.keep")

    def reached(self, event: Reached) -> StageRecord | None:
        """The stage that a run has finished; None where no snapshot could be made."""
        key, leg = event.key, self._begun[event.key]
        if event.step in self._coming[key]:
            self._coming[key].remove(event.step)
        if event.looked and not self._looked:
            self._looked = self._tree.looked = self._stale = True
        self._look(event)
        if event.snapshot is None:
            if event.step % self._grain == 0:
                self._without(event.reason or "a snapshot could not be written")
            return None
        if not self._shelf.holds(event.snapshot):
            self._say(f"no more snapshots are kept: they may use {self._shelf.limit:,} bytes together (--disk)")
            self._stale = True
            return None
        parent = self._newest[key]
        start = self._known[parent].stop if parent else 0
        stage = StageRecord(
            key=self._tree.name(key, event.step),
            run=key,
            start=start,
            stop=event.step,
            seconds=event.seconds - self._clock[key],
            curves=_stretch(event.curves, start),
            snapshot=event.snapshot,
            spec=leg.run,
            schedule=self._strategy.schedule(leg.run),
            evals=self._strategy.evals(leg.run),
            parent=parent,
        )
        self._clock[key] = event.seconds
        return stage

    def committed(self, stage: StageRecord) -> None:
        """A finished stage is in the store: who waited for it may begin, and what it replaces may go."""
        self._known[stage.key] = replace(stage, curves={})
        self._shelf.put(stage)
        self._newest[stage.run] = stage.key
        self._clear()

    def ended(self, key: str, *, finished: bool) -> None:
        """A leg is over; a run that is not finished by that is planned again where it is still wanted."""
        leg = self._begun.pop(key)
        self._stale |= bool(self._coming.pop(key)) or not finished
        del self._newest[key], self._clock[key]
        if finished:
            with suppress(ValueError):
                self._wanted.remove(leg.run)
        self._clear()

    def unreadable(self, key: str, reason: str) -> None:
        """The snapshot that a leg was to go on from is no good; others of its run may be, or the beginning is."""
        leg = self._begun[key]
        self._view.say(f"{leg.run.candidate}: {reason}; it goes on from further back")
        self._shelf.drop(leg.stage, self._leaned(but=key))
        self._stale = True

    def reused(self, leg: Leg) -> int:
        """How many first steps of a run others trained."""
        stage = self._known.get(leg.stage)
        while stage is not None and stage.run == leg.run.key:
            stage = self._known.get(stage.parent)
        return 0 if stage is None else stage.stop

    def seconds(self, leg: Leg) -> float:
        """What earlier legs of the same run took, as far as this one goes on from them."""
        total, stage = 0.0, self._known.get(leg.stage)
        while stage is not None and stage.run == leg.run.key:
            total += stage.seconds
            stage = self._known.get(stage.parent)
        return total

    def leg(self, key: str) -> Leg:
        """The leg under way of that run; where its snapshot was refused, from the beginning."""
        return self._begun[key]

    def close(self) -> None:
        """Nothing is wanted any more: no snapshot is needed either."""
        self._shelf.keep_only(())
        self._shelf.sweep()

    def _plan(self) -> None:
        self._stale = False
        runs = [run for run in self._wanted if run.key not in self._begun]
        for run in runs:
            self._tree.add(run, self._strategy.schedule(run), self._strategy.evals(run))
        stages = self._shelf.stages.values()
        legs = self._tree.plan(runs, stages, self._coming, share=self._share is not False)
        if self._share is None or not self._keeps:
            saving = self._tree.saving(legs)
            if not self._keeps or saving.part < WORTH:
                legs = self._tree.plan(runs, stages, self._coming, share=False)
            else:
                self._share = True
        if self._share and self._keeps and any(leg.after for leg in legs) and "saving" not in self._said:
            self._said.add("saving")
            self._view.say(f"sharing stages: {self._tree.saving(legs).words}")
        self._legs = {leg.run.key: leg for leg in self._grained(legs)}
        self._clear()

    def _alone(self) -> bool:
        """Nobody is under way, so waiting would be for ever: every leg from where it can begin now."""
        runs = [leg.run for leg in self._legs.values()]
        legs = self._tree.plan(runs, self._shelf.stages.values(), share=False)
        self._legs = {leg.run.key: leg for leg in legs}
        return bool(legs)

    def _grained(self, legs: Sequence[Leg]) -> list[Leg]:
        """Put branch points where snapshots are possible: at the multiple of the grain before."""
        if self._grain == 1:
            return list(legs)
        grain, done = self._grain, dict(self._begun)
        for leg in legs:
            marks = sorted({step // grain * grain for step in leg.keep_at})
            if leg.after:
                trunk, start = done[leg.after], leg.start // grain * grain
                if start > trunk.start:
                    leg = replace(leg, start=start, stage=self._tree.name(leg.after, start))
                else:
                    leg = replace(leg, start=trunk.start, stage=trunk.stage, after=trunk.after)
            done[leg.run.key] = replace(leg, keep_at=tuple(step for step in marks if step > leg.start))
        return [done[leg.run.key] for leg in legs]

    def _ready(self, leg: Leg) -> bool:
        if not leg.stage or leg.stage in self._shelf.stages:
            return True
        if leg.after in self._legs or leg.start in self._coming.get(leg.after, ()):
            return False
        self._stale = True  # whoever was to write the snapshot did not
        return False

    def _clear(self) -> None:
        """Take away the snapshots that nothing unfinished needs."""
        if self._shelf.stages and not self._stale:
            needed = {leg.stage for leg in self._legs.values()} | set(self._newest.values())
            self._shelf.keep_only(needed, self._leaned())

    def _leaned(self, but: str = "") -> set[str]:
        """The stages that legs under way stand on, whether or not another leg has found their snapshot no good."""
        on = {leg.stage for key, leg in self._begun.items() if key != but}
        return (on | {stage for key, stage in self._newest.items() if key != but}) - {""}

    def _look(self, event: Opened | Reached) -> None:
        """Once a train function looked at its candidate, no run goes on from another candidate's past."""
        if event.alone and not self._tree.alone:
            if self._share or any(leg.after for leg in self._legs.values()):
                self._say(f"nothing is shared: {LOOKED}")
            self._tree.alone = self._stale = True

    def _astray(self, event: Opened) -> None:
        """A run began at 0 although it was given a snapshot."""
        leg = self._begun[event.key]
        self._view.say(f"{leg.run.candidate}: {event.refused or 'its snapshot was not used'}; it begins anew")
        self._begun[event.key] = replace(leg, start=event.start, stage="", after="")
        self._newest[event.key] = ""

    def _without(self, reason: str) -> None:
        """Go on without snapshots."""
        if not self._keeps:
            return
        self._keeps, self._stale = False, True
        if self._share or any(leg.after for leg in self._legs.values()):
            self._say(f"nothing is shared: {reason}")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._view.say(text)


def _stretch(curves: Mapping[str, Curve], start: int) -> dict[str, Curve]:
    from bisect import bisect_left

    found = {}
    for name, curve in curves.items():
        low = bisect_left(curve.steps, start)
        if low < len(curve):
            found[name] = curve if low == 0 else Curve(curve.steps[low:], curve.values[low:])
    return found
