"""What follows from a study: the schedule of a longer run, and where it is a tie the runs that would tell most.

Theory and fitted laws alone: nothing is trained for it, and nothing that the verdict says hangs on it.
"""

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.errors import CalandoError, counted
from calando.lab.judge import judge
from calando.lab.phrases import joined, number
from calando.records.ahead import Ahead, Onward, Telling
from calando.records.logs.guess import better
from calando.records.result import MoreSeeds, Standing, Verdict
from calando.records.run import RunRecord
from calando.records.study import StudySpec

if TYPE_CHECKING:
    from calando.forecast.choosing import Choice
    from calando.forecast.transferring import Extension, Way
    from calando.lab.session import Sitting

__all__ = ["conclude", "look_ahead"]

LONGER = 2
"""Times the study's horizon: the next length that is looked at."""
CURVES = 24
RATES = 20_000_000
"""Learning rates that are held for all curves together: of very long runs fewer are fitted."""
MOST = 6
"""Tied candidates that the laws are asked about."""
BEYOND = 2.0
"""Runs at peaks so many times above all of the tied ones are left out: laws have no word for too large a rate."""
SAME = 1e-3
"""Bounds that differ by less are one schedule's, however it is spelled."""
STAYS = 0.05
"""Of the run: what a longer one must share with it to count as going on from it."""
WORTH = 5.0
"""Times what the whole study took: seeds that cost more are not worth telling two candidates apart."""
AROUND = {"single": (0.5, 1.0, 2.0), "low": (0.25, 0.5, 1.0), "high": (1.0, 2.0, 4.0)}
"""Times a peak that is not known to be the best: where that is looked for, by the side it lies on."""


def conclude(here: "Sitting", spec: StudySpec, runs: Mapping[str, RunRecord], folder: Path) -> None:
    """Write a comparison's verdict and what follows from it."""
    found = judge(spec, runs)
    here.store.save_verdict(found)  # first, so that it is there whatever becomes of the rest
    here.store.save_fact("ahead", look_ahead(spec, found, runs.values(), folder, here.how.command))
    here.end(None)


def look_ahead(
    spec: StudySpec, verdict: Verdict, runs: Iterable[RunRecord], folder: str | Path, command: Sequence[str] = (),
    params: str = "",
) -> Ahead | None:  # fmt: skip
    """What goes on from the recommended schedule over twice the horizon, and which runs tell the tied apart.

    Args:
        spec: the study's question.
        verdict: its answer.
        runs: its finished runs.
        folder: of the study; the commands put what they make beside it.
        command: words that made the study, to ask it for more seeds; none: no such command.
        params: declared values that go with the choice, as JSON text.

    Returns:
        None where nobody gave a result.

    Example:
        >>> from calando.records import Candidate
        >>> spec = StudySpec("?", "t.py:train", 640, (Candidate("w", "wsd()"),), baseline="w")
        >>> won = Verdict("val_loss", "min", 0.95, 0.0, "w", "w", ("w",), "w",
        ...               (Standing(1, "w", "wsd()", "candidate", 0.1, 0.5, None),))
        >>> print(look_ahead(spec, won, (), "studies/t").sentences[0])
        To train longer, 1,280 updates: go on with wsd(cooldown=57%) at peak 0.1; ...
    """
    chosen = verdict.recommended or verdict.leader
    if chosen is None:
        return None
    found = _Looking(spec, verdict, str(folder), params)
    best = verdict.standing(chosen)
    onward = found.onward(best)
    telling = found.telling(list(runs), tuple(command))
    return Ahead(
        best.plan, best.peak, spec.horizon, LONGER * spec.horizon, onward, telling, tuple(found.said),
        tuple(found.commands),
    )  # fmt: skip


class _Looking:
    """Sentences and commands, as they are found."""

    def __init__(self, spec: StudySpec, verdict: Verdict, folder: str, params: str) -> None:
        self.spec, self.verdict, self.folder, self.params = spec, verdict, folder, params
        self.longer = LONGER * spec.horizon
        self.said: list[str] = []
        self.refused = ""
        self.commands: list[tuple[str, str]] = []

    # A longer run.

    def onward(self, best: Standing) -> tuple[Onward, ...]:
        """Schedules over the longer horizon, the advised one first; none where theory says nothing."""
        from calando.forecast import extend

        spec = self.spec
        try:
            answer = extend(
                best.plan, LONGER, peak=best.peak, horizon=spec.horizon, steps_per_epoch=spec.steps_per_epoch
            )
        except CalandoError as error:
            self.said.append(f"How {best.label} goes on beyond {spec.horizon:,} updates is not known: {error.given}.")
            return ()
        if not answer.ways:
            self.said.append(f"How {best.label} goes on is not known: {joined(answer.notes)}.")
            return ()
        if untold := self._untold(best):
            return self._sought(best, untold)
        ways = [_onward(one, best.peak) for one in answer.ways]
        if answer.promise != "best guess":
            return self._between(best, answer, next(one for one in ways if one.way == "anew, peak retuned"))
        staying = next((one for one in ways if one.way == answer.advice and self._stays(one)), None)
        own = next(one for one in ways if one.way == "anew, peak retuned")  # what was measured best stays the plan
        linear = next(one for one in ways if one.way == "anew, linear decay")
        first = staying or own
        alike = first.leaves == 0 and abs(linear.bound - first.bound) < SAME
        both = (first,) if alike else (first, linear)
        self.said += [self._longer(best, first), f"That assumes: {'; '.join(answer.notes)}."]
        if best.peak is not None:
            against = ", against a linear decay begun anew, which theory takes for the best" if len(both) > 1 else ""
            self._command(f"run it over that length{against}", [(one.plan, one.peak) for one in both], self.longer)
        return both

    def _untold(self, best: Standing) -> str:
        """Why the peak is not known to be its plan's best; "" where the study found it between others."""
        edge = next((one.edge for one in self.verdict.selections if one.label == best.label), "")
        if edge and best.peak is None:
            return "only the optimizer's own rates were tried"
        side = {"": "", "single": "only", "low": "smallest", "high": "largest"}[edge]
        return side and f"{best.peak:.4g} is the {side} peak that was tried"

    def _sought(self, best: Standing, untold: str) -> tuple[Onward, ...]:
        """No theory from a peak that may not be the best: it is to be looked for."""
        self.said.append(
            f"To train {best.plan} longer, {self.longer:,} updates: look for its best peak first; {untold}, and theory "
            "knows a way from a best peak only."
        )
        if best.peak is not None:
            edge = next(one.edge for one in self.verdict.selections if one.label == best.label)
            peaks = [float(f"{best.peak * times:.3g}") for times in AROUND[edge]]
            self._command("look for it over that length", [(best.plan, None)], self.longer, peaks=peaks)
        return ()

    def _stays(self, way: Onward) -> bool:
        return way.leaves >= STAYS * self.spec.horizon

    def _longer(self, best: Standing, way: Onward) -> str:
        told = f"To train longer, {self.longer:,} updates: "
        between = ""
        if self._stays(way):
            if way.low is not None and way.high is not None:
                what = "cooldown" if way.chosen == "cooldown" else "second stage's factor"
                between = f"; the {what} by theory, between {_percent(way.low)} and {_percent(way.high)}"
            return (
                f"{told}go on with {way.plan}{_at(way.peak)}{between}. Its first {way.leaves:,} updates are those of "
                f"the run over {self.spec.horizon:,}, so a snapshot from there goes on and nothing is trained again."
            )
        if way.low is not None and way.high is not None:
            unit = "" if way.peak is not None else " times the optimizer's own rates"
            guess = "" if way.peak is None else f" {way.peak:.3g},"
            between = f"its peak by theory{guess} between {way.low:.2g} and {way.high:.2g}{unit}"
        return (
            f"{told}begin anew with {way.plan}, {between}; {best.plan} has no stage that a longer run could go on from."
        )

    def _between(self, best: Standing, answer: "Extension", way: Onward) -> tuple[Onward, ...]:
        """A range, where theory is known to fail."""
        low, high = way.low or 0.0, way.high or 0.0
        reason = next(iter(answer.notes), "")
        unit = "" if best.peak is not None else " times the optimizer's own rates"
        self.said.append(
            f"To train {best.plan} longer, {self.longer:,} updates: look for its peak between {low:.2g} and "
            f"{high:.2g}{unit}; there is no best guess: {reason}."
        )
        if best.peak is not None:
            peaks = sorted({float(f"{peak:.3g}") for peak in (low, math.sqrt(low * high), high)})
            self._command("look for it there", [(way.plan, None)], self.longer, peaks=peaks)
        return (way,)

    # Which runs tell.

    def telling(self, runs: Sequence[RunRecord], command: tuple[str, ...]) -> tuple[Telling, ...]:
        """The runs that tell the tied candidates apart: what the laws ask for; where these fail, more seeds."""
        tied = [self.verdict.standing(label) for label in self.verdict.tie_set]
        tied = [one for one in tied if one.peak is not None and "plateau" not in one.plan][:MOST]
        if len(tied) < 2:
            return ()
        if (answer := self._asked(tied, runs)) is not None:
            return self._by_laws(answer, tied)
        return self._by_seeds(command)

    def _asked(self, tied: Sequence[Standing], runs: Sequence[RunRecord]) -> "Choice | None":
        """What the laws say of the tied over the longer horizon; None where they do not hold."""
        from calando.forecast.studied import LOSSES, curve_of_run, usable_runs

        spec, top = self.spec, max(one.peak or 0.0 for one in tied)
        usable = [run for run in usable_runs(spec, runs, self.params) if (run.spec.peak or 0.0) <= BEYOND * top]
        usable.sort(key=lambda run: run.spec.phase != "confirm")  # at their own best peaks first
        if len({run.spec.plan for run in usable}) < 2:
            seldom = f"logged fewer than {LOSSES} times in a run, or not a loss above 0"
            self.refused = f"{spec.metric} was {seldom}: no law can be fitted"
            return None
        from calando.forecast import choose

        most = max(2, min(CURVES, RATES // spec.horizon))
        pairs: list[tuple[Any, float]] = [(one.plan, one.peak) for one in tied if one.peak is not None]
        try:
            curves = [curve_of_run(run, spec.metric, spec.steps_per_epoch) for run in usable[:most]]
            found = choose(curves, self.longer, candidates=pairs)
        except CalandoError as error:
            self.refused = f"no law can be fitted: {error.given}"
            return None
        doubts = () if found.forecast is None else found.forecast.doubts
        names = sorted({doubt.name for doubt in doubts if doubt.refuses})
        self.refused = f"laws of training do not hold here: {joined(names)}"
        return None if names else found

    def _by_laws(self, answer: "Choice", tied: Sequence[Standing]) -> tuple[Telling, ...]:
        count = 0 if answer.forecast is None else len(answer.forecast.curves)
        fitted = f"laws fitted to {counted(count, 'run')}"
        if answer.verdict == "choose":
            first, second = answer.ranked[:2]
            self.said.append(
                f"Of the {len(tied)} that are tied here, {fitted} put {first.plan}{_at(first.peak)} first over "
                f"{self.longer:,} updates, ahead of {second.plan} by {number(second.regret)} "
                f"({number(second.regret_low)} to {number(second.regret_high)}): a forecast, nothing was trained."
            )
            return ()
        runs = tuple(Telling(one.plan, one.peak, one.horizon, 1, one.why) for one in answer.next_runs)
        if not runs:
            return ()
        why = f"{fitted} do not tell the tied ones apart" if answer.verdict == "tie" else joined(answer.reasons)
        each = joined([f"{one.plan}{_at(one.peak)}" for one in runs])
        steps = max(one.horizon for one in runs)
        self.said.append(f"The runs that would tell most next: {each}, over {steps:,} updates ({why}).")
        aside = f"{self.folder}-next"
        self._command("make these runs", [(one.plan, one.peak) for one in runs], steps, aside, seeds=1)
        ask = ["calando", "choose", self.folder, aside, "--horizon", str(self.longer)]
        self.commands.append(("ask the laws again with them", shlex.join(ask)))
        return runs

    def _by_seeds(self, command: tuple[str, ...]) -> tuple[Telling, ...]:
        """More seeds of the two that are nearest to being told apart."""
        known = [one for one in self.verdict.more if one.seeds is not None]
        if not known:
            self.said.append(f"Which runs would tell the tied ones apart is not known: {self.refused}.")
            return ()
        wish = min(known, key=lambda one: (one.seeds or 0, one.candidate))
        pair = [self.verdict.standing(label) for label in (wish.reference, wish.candidate)]
        spent = self.verdict.cost.steps
        if spent and wish.steps > WORTH * spent:
            self.said.append(
                f"{pair[0].label} and {pair[1].label}, the nearest to being told apart, are not worth it: that takes "
                f"about {counted(wish.seeds or 0, 'more seed')} of both, {wish.steps / spent:.0f} times what the whole "
                f"study took ({self.refused}). Take either."
            )
            return ()
        why = f"{counted(wish.seeds or 0, 'seed')} more of both would tell them apart"
        runs = tuple(Telling(one.plan, one.peak, self.spec.horizon, wish.seeds or 0, why) for one in pair)
        more, names = counted(wish.seeds or 0, "more seed"), joined([one.label for one in pair])
        self.said.append(f"The runs that would tell most next: {more} of {names} ({self.refused}).")
        self._seeds(command, wish, runs)
        return runs

    # Commands.

    def _seeds(self, command: tuple[str, ...], wish: MoreSeeds, pair: Sequence[Telling]) -> None:
        """The study's own command, asking for more seeds; of a search the two alone, on as many as it takes."""
        have = max(len(self.verdict.standing(one).values) for one in (wish.candidate, wish.reference))
        if command[:2] == ("calando", "compare"):
            words = _without(command, flags=("--fresh",), valued=("--confirm-seeds",))
            end = words.index("--") if "--" in words else len(words)
            words[end:end] = ["--confirm-seeds", str(len(self.spec.confirm_seeds) + (wish.seeds or 0))]
            self.commands.append(("add them, to every candidate (a further look at the data)", shlex.join(words)))
        else:
            pairs = [(one.plan, one.peak) for one in pair]
            self._command("run both on as many seeds as it takes", pairs, self.spec.horizon, f"{self.folder}-next",
                          seeds=have + (wish.seeds or 0))  # fmt: skip

    def _command(
        self,
        what: str,
        pairs: Sequence[tuple[str, float | None]],
        steps: int,
        folder: str = "",
        *,
        peaks: Sequence[float] = (),
        seeds: int = 0,
    ) -> None:
        if self.params:
            note = f"The command takes the defaults of declared values: write {self.params} into the train function."
            self.said += [] if note in self.said else [note]
        spec = self.spec
        script = spec.train.startswith("python ")
        words = ["calando", "compare", *([] if script else [spec.train])]
        words += ["--candidates", *(plan if peak is None else f"{plan} @ {peak:.4g}" for plan, peak in pairs)]
        words += ["--peaks", *(f"{peak:g}" for peak in peaks)] if peaks else []
        words += ["--no-humble", "--steps", str(steps), "--study", folder or f"{self.folder}-{steps}"]
        words += ["--confirm-seeds", str(seeds)] if seeds else []
        words += ["--steps-per-epoch", str(spec.steps_per_epoch)] if spec.steps_per_epoch else []
        words += ["--metric", spec.metric] if spec.metric != "val_loss" else []
        words += ["--mode", spec.mode] if {spec.mode, better(spec.metric)} != {"min"} else []
        self.commands.append((what, shlex.join(words) + (f" -- {spec.train}" if script else "")))


def _without(command: Sequence[str], flags: Sequence[str], valued: Sequence[str]) -> list[str]:
    """A command's words without some options, up to where a script of its own begins."""
    end = command.index("--") if "--" in command else len(command)
    left: list[str] = []
    place = 0
    while place < end:
        word = command[place]
        place += 2 if word in valued else 1
        if word not in (*flags, *valued) and not word.startswith(tuple(f"{one}=" for one in valued)):
            left.append(word)
    return [*left, *command[end:]]


def _onward(way: "Way", peak: float | None) -> Onward:
    """A way with its range; that of a peak in learning rates where the study's own is known."""
    low, high = way.low, way.high
    if way.chosen == "peak" and peak is not None:
        low, high = (None if low is None else low * peak), (None if high is None else high * peak)
    return Onward(way.name, way.plan, way.peak, way.leaves, way.bound, way.chosen, low, high)


def _at(peak: float | None) -> str:
    return "" if peak is None else f" at peak {peak:.4g}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
