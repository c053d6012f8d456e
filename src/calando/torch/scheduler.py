"""The learning-rate scheduler that PyTorch and its hosts take as one of their own."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isclose
from operator import index
from typing import Any

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from calando.errors import BadState, BadValue, shown
from calando.torch.changing import Changing
from calando.torch.groups import (
    Group,
    HasGroups,
    bases_of,
    check_optimizer,
    put,
    put_initial,
    recall,
    remember,
    separate,
)
from calando.torch.kept import Held, hand_back, held_before, put_back, scheduled_tensors
from calando.torch.options import Options
from calando.torch.owner import Hold
from calando.torch.quantities import float_key, writers_for
from calando.torch.state import check_policy, load, to_plain
from calando.torch.tensors import into_tensors, start_buffers
from calando.torch.track import Track

__all__ = ["ScheduleLR"]

MOST_CALLS = 2**63 - 1
"""The largest `last_epoch` that can be jumped to, saved and loaded."""


class ScheduleLR(Changing, LRScheduler):
    """A schedule attached to an optimizer; made by `calando.torch.attach`, never by hand.

    Formula: learning rate of group g at position t = base_g * schedule(t) * scale, where t is `last_epoch` (times
    `steps_per_epoch` with interval="epoch") and scale is 1 unless a feedback rule lowered it.

    Source: torch.optim.lr_scheduler.LRScheduler, whose interface this class has.

    Example:
        >>> import torch, calando.torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(2))
        >>> scheduler.step()
        >>> scheduler.get_last_lr(), optimizer.param_groups[0]["lr"]
        ([0.05], 0.05)
    """

    watched_as = ""
    """The id of the run that this is, where it is watched: its checkpoints hold it."""

    def __init__(self, optimizer: HasGroups, tracks: Sequence[Track], lanes: Sequence[int], options: Options) -> None:
        self.optimizer: Any = optimizer
        self.tracks = list(tracks)
        self.lanes = list(lanes)
        self.options = options
        self.base_lrs: list[float] = []  # type: ignore[assignment]
        self.last_epoch = 0
        self._step_count = 1
        self._seen: Any = None
        self._before: list[Held] = []
        self._kept: list[Held] = []
        self._detached = False
        self._idle = False
        self._hold: Hold | None = Hold(self, options.follow)

    def begin(self, bases: Sequence[float]) -> None:
        """Take the optimizer over: record the bases and write the values of position 0."""
        try:
            with self._all_or_nothing():
                self.base_lrs = list(bases)
                self._arrange(self.optimizer.param_groups)
                self._write()
        except BaseException:  # a setter of the user's, say: leave no hook behind
            self._let_go()
            raise

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Should what is done inside fail, both the scheduler and the optimizer's groups are as they were."""
        groups = self.optimizer.param_groups
        kept = remember(groups)
        clock = self.last_epoch, self._step_count, list(self.base_lrs), list(self.lanes)
        tracks = [(track, dict(vars(track))) for track in self.tracks]
        try:
            yield
        except BaseException:
            self.last_epoch, self._step_count, self.base_lrs, self.lanes = clock
            for track, was in tracks:
                vars(track).update(was)
                track.forget()
            recall(groups, kept)
            self._seen = None
            del self._before[len(self.base_lrs) :]
            raise

    # ---- the clock

    def position(self) -> int:
        """The step of the schedule that the next optimizer update uses."""
        return self.last_epoch * self.options.stride // self.options.calls_per_update

    def step(self, epoch: int | None = None) -> None:
        """One optimizer update has been made (or one epoch, with interval="epoch"): go to the next value.

        Args:
            epoch: a position to jump to instead, a whole number >= 0.

        Raises:
            BadValue: when `epoch` is no whole number: a metric belongs to a schedule with a listener.
        """
        if epoch is None:
            if not self.options.follow:
                self._advance()
        else:
            self._update_lr(self._whole(epoch))
            self._step_count += 1

    def _advance(self) -> None:
        self._update_lr()
        self._step_count += 1

    def _update_lr(self, epoch: int | None = None) -> None:
        before = self.last_epoch
        self.last_epoch = before + 1 if epoch is None else epoch
        try:
            self._write()
            self._idle = False
        except BaseException:  # past the end of a strict schedule, say: the clock stays where it was
            self.last_epoch = before
            raise

    def _whole(self, value: object) -> int:
        try:
            whole = -1 if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
        except TypeError:
            whole = -1
        if not 0 <= whole <= MOST_CALLS:
            raise BadValue(
                given=f"step({shown(value)})",
                allowed="step() after each update; step(metric) only where the schedule listens to one",
                where=f"{type(self).__name__}.step",
                fix="wrap the plan: reduce_on_plateau(plan), then bind and attach it",
            )
        return whole

    # ---- values

    def get_lr(self) -> list[float | Tensor]:
        """The learning rate of each group at `last_epoch`: a pure function of it, fit for hosts that set it.

        Tensors come as copies where the group's rate is a tensor.
        """
        groups = self.optimizer.param_groups
        if groups is not self._seen or len(groups) != len(self.base_lrs):
            self._arrange(groups)
        position = self.position()
        factors = [track.factor(position) for track in self.tracks]
        rates: list[float | Tensor] = []
        for group, base, lane in zip(groups, self.base_lrs, self.lanes, strict=True):
            lr, rate = group["lr"], base * factors[lane]
            rates.append(lr.detach().clone().fill_(rate) if isinstance(lr, Tensor) else rate)
        return rates

    def get_last_lr(self) -> list[float | Tensor]:
        """The learning rates that the optimizer has now; tensors as copies."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return [rate.detach().clone() if isinstance(rate, Tensor) else rate for rate in rates]

    @property
    def _last_lr(self) -> list[float | Tensor]:
        return self.get_last_lr()

    @_last_lr.setter
    def _last_lr(self, value: object) -> None:
        """Ignored: PyTorch's classes and some hosts write this record of theirs; here it is read off the optimizer."""

    def _write(self) -> None:
        if self.last_epoch < 0:
            return  # in a SequentialLR of PyTorch's, before its turn
        groups = self.optimizer.param_groups
        if groups is not self._seen or len(groups) != len(self.base_lrs):
            self._arrange(groups)
        options = self.options
        position = self.last_epoch * options.stride // options.calls_per_update
        if len(self.tracks) == 1:
            track = self.tracks[0]
            self._write_track(track, groups, self.base_lrs, *track.values(position))
            return
        values = [track.values(position) for track in self.tracks]  # all of them before any is written
        for track, (factor, others) in zip(self.tracks, values, strict=True):
            own = track.groups
            self._write_track(track, [groups[i] for i in own], [self.base_lrs[i] for i in own], factor, others)

    def _write_track(
        self,
        track: Track,
        groups: Sequence[Group],
        bases: Sequence[float],
        factor: float,
        others: Mapping[str, float],
    ) -> None:
        """The hot loops: a plain one where all numbers are floats, and one that fills tensors in place."""
        key = track.floats
        if key is not None and groups and groups[0]["lr"].__class__ is not float:
            key = None  # someone put a tensor there since the groups were last arranged
        if key == "":
            for group, base in zip(groups, bases):  # noqa: B905  # hot; _arrange made them equally long
                group["lr"] = base * factor
            return
        if key is not None:
            value = others[next(iter(track.writers))]
            for group, base in zip(groups, bases):  # noqa: B905
                group["lr"] = base * factor
                group[key] = value
            return
        for name, writer in track.writers.items():
            writer.write(groups, others[name])
        for group, base in zip(groups, bases, strict=True):
            put(group, "lr", base * factor)

    # ---- groups

    def _arrange(self, groups: Sequence[Group]) -> None:
        """Take in groups that are new, and a `param_groups` list that the optimizer replaced."""
        if self._detached:
            raise BadState(
                given="a scheduler that was detached",
                allowed="the scheduler that an optimizer is attached to",
                where=type(self).__name__,
                fix="attach a schedule to the optimizer again, and use the scheduler that this gives",
            )
        known = len(self.base_lrs)
        if len(groups) < known:
            raise BadState(
                given=f"{len(groups)} groups where there were {known}",
                allowed="groups may be added to an optimizer, never taken away",
                where="optimizer.param_groups",
                fix="calando.torch.attached(optimizer).detach(), then attach again",
            )
        if self.options.tensors:
            put_back(groups, self._kept)
        if len(groups) > known:
            self._join(groups, known)
        if len(self.tracks) > 1 or len(set(self.base_lrs)) > 1:
            separate(groups)
        writers = [self.tracks[lane].writers for lane in self.lanes]
        for i in range(len(self._before), len(groups)):
            self._before.append(held_before(groups[i], writers[i], self.options.tensors))
        for lane, track in enumerate(self.tracks):
            track.groups = [i for i, own in enumerate(self.lanes) if own == lane]
            if self.options.tensors:
                into_tensors(groups, track.groups, track.writers)
            track.floats = float_key(track.writers, [groups[i] for i in track.groups])
        for group, base in zip(groups, self.base_lrs, strict=True):
            initial = group.get("initial_lr")
            if initial is None or isinstance(initial, Tensor) != isinstance(group["lr"], Tensor) or initial != base:
                put_initial(group, base)
        if self.options.tensors:
            start_buffers(self.optimizer)
            self._kept = [scheduled_tensors(group, own) for group, own in zip(groups, writers, strict=True)]
        self._seen = groups

    def _join(self, groups: Sequence[Group], known: int) -> None:
        check_optimizer(self.optimizer)
        default = self.tracks[0]
        if known and not self.options.open_ended:
            raise BadValue(
                given=f"a new group, number {known}, and no schedule for it",
                allowed="new groups where `attach` was given a schedule besides groups={...}",
                where="optimizer.add_param_group",
                fix="attach(optimizer, schedule, groups={...}): new groups follow the schedule",
            )
        for i in range(known, len(groups)):
            if known and default.writers:
                writers_for(tuple(default.writers), [groups[i]], [i], self.options.setters)
        self.base_lrs.extend(bases_of(groups, known, self.base_lrs))
        self.lanes.extend([0] * (len(groups) - len(self.lanes)))

    # ---- the hold on the optimizer

    def _updated(self, optimizer: object, *_: object) -> None:
        skipped = getattr(optimizer, "found_inf", None)  # a GradScaler leaves it to a fused optimizer to skip
        if skipped is None or not bool(skipped):
            self._advance()

    def detach(self) -> None:
        """Let the optimizer go: its groups get back their base rates, and what else was scheduled as it was before.

        Another schedule may be attached then.

        Example:
            >>> import torch, calando.torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
            >>> calando.torch.attach(optimizer, calando.constant(0.5).bind(10)).detach()
            >>> optimizer.param_groups[0]["lr"], calando.torch.attached(optimizer)
            (0.1, None)
        """
        if self._hold is None:
            return  # a copy, which owns nothing, or let go before: the groups may be another's by now
        self._let_go()
        hand_back(self.optimizer.param_groups, self.base_lrs, self._before)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.release(self)
        self._hold, self._seen, self._detached = None, None, True

    # ---- state

    def state_dict(self) -> dict[str, Any]:
        """The position, bases, schedules and rule states as plain numbers, texts, lists and dicts.

        It loads with `torch.load(weights_only=True)`, and holds no tensor, no class and no function.
        """
        return to_plain(self)

    def load_state_dict(self, state_dict: Mapping[str, Any], resume: str | None = None) -> None:
        """Go on where a saved scheduler stood, and give the optimizer its learning rates at once.

        Args:
            state_dict: what `state_dict()` returned.
            resume: "exact", "rebind" or "extend"; left out, what `attach` was told. See `calando.torch.attach`.

        Raises:
            BadState: when the state is not Calando's, is broken, or belongs to another schedule than `resume` allows;
                the scheduler is then as it was.
        """
        policy = check_policy(self.options.resume if resume is None else resume)
        with self._all_or_nothing():
            load(self, state_dict, policy)
            self._arrange(self.optimizer.param_groups)
            others = self._of_another(state_dict) if policy == "exact" else None
            if others is None:
                self._write()
            else:
                for group, rate in zip(self.optimizer.param_groups, others, strict=True):
                    put(group, "lr", rate)
        self._idle = others is not None

    def _of_another(self, state: Mapping[str, Any]) -> list[float] | None:
        """The rates that were saved, if they are another scheduler's: after its turn in a SequentialLR, say."""
        rates = state.get("_last_lr")
        if self.last_epoch < 0 or not isinstance(rates, list) or not all(isinstance(rate, float) for rate in rates):
            return None
        mine = [float(rate) for rate in self.get_lr()]
        if len(mine) != len(rates):
            return None
        same = all(isclose(a, b, rel_tol=1e-6, abs_tol=1e-30) for a, b in zip(mine, rates, strict=True))
        return None if same else rates

    def __copy__(self) -> "ScheduleLR":
        """A scheduler with a clock of its own, that neither owns the optimizer nor listens to it."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.tracks = [copy.copy(track) for track in self.tracks]
        other.base_lrs, other.lanes = list(self.base_lrs), list(self.lanes)
        other._hold = None
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_hold": self._hold is not None, "_seen": None, "_kept": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hold = Hold(self, self.options.follow) if state["_hold"] else None

    def __repr__(self) -> str:
        told = [str(track.schedule) for track in self.tracks]
        told += [f"at step {self.position()}", f"{len(self.base_lrs)} group" + "s" * (len(self.base_lrs) > 1)]
        rates = {float(rate) for rate in self.get_last_lr()}
        told.append("lr=" + (f"{min(rates):.4g}" if len(rates) == 1 else f"{min(rates):.4g} to {max(rates):.4g}"))
        return f"{type(self).__name__}({', '.join(told)})"
