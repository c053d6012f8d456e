"""The learning-rate scheduler that PyTorch and its hosts take as one of their own."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import index
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from calando.errors import BadState, BadValue, shown
from calando.torch.groups import Group, HasGroups, bases_of, check_optimizer, innermost, put, put_initial, separate
from calando.torch.quantities import Setter, float_key, writers_for
from calando.torch.state import check_policy, load, to_plain
from calando.torch.track import Track

__all__ = ["Options", "ScheduleLR", "attached"]

_OWNERS: "weakref.WeakKeyDictionary[Any, weakref.ref[ScheduleLR]]" = weakref.WeakKeyDictionary()


class Options:
    """How calls of `step()` become positions on the schedule, and what a load may change."""

    def __init__(
        self,
        *,
        interval: str = "step",
        stride: int = 1,
        calls_per_update: int = 1,
        follow: bool = False,
        resume: str = "exact",
        setters: Mapping[str, Setter] | None = None,
        open_ended: bool = True,
    ) -> None:
        self.interval = interval
        self.stride = stride
        self.calls_per_update = calls_per_update
        self.follow = follow
        self.resume = resume
        self.setters = dict(setters or {})
        self.open_ended = open_ended


def attached(optimizer: object) -> "ScheduleLR | None":
    """The Calando scheduler that owns an optimizer's learning rate, or None.

    Args:
        optimizer: any object.

    Example:
        >>> import torch, calando.torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> calando.torch.attached(optimizer) is None
        True
        >>> scheduler = calando.torch.attach(optimizer, calando.cosine().bind(100))
        >>> calando.torch.attached(optimizer) is scheduler
        True
    """
    owner = None
    with suppress(TypeError):  # an object that cannot be weakly referred to was never remembered
        owner = _OWNERS.get(innermost(optimizer))
    return owner() if owner is not None else None


class ScheduleLR(LRScheduler):
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

    def __init__(self, optimizer: HasGroups, tracks: Sequence[Track], lanes: Sequence[int], options: Options) -> None:
        self.optimizer: Any = optimizer
        self.tracks = list(tracks)
        self.lanes = list(lanes)
        self.options = options
        self.base_lrs: list[float] = []  # type: ignore[assignment]
        self.last_epoch = 0
        self._step_count = 1
        self._seen: Any = None
        self._listen()

    def begin(self, bases: Sequence[float]) -> None:
        """Take the optimizer over: record the bases and write the values of position 0."""
        self.base_lrs = list(bases)
        try:
            self._arrange(self.optimizer.param_groups)
            self._write()
        except BaseException:  # a setter of the user's, say: leave no hook behind
            self._unlisten()
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
            self._step_count += 1
            self._update_lr(self._whole(epoch))

    def _advance(self) -> None:
        self._step_count += 1
        self.last_epoch += 1
        self._write()

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._write()

    def _whole(self, value: object) -> int:
        try:
            whole = -1 if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
        except TypeError:
            whole = -1
        if whole < 0:
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
    def _last_lr(self) -> list[float | Tensor]:  # type: ignore[override]
        return self.get_last_lr()

    def _write(self) -> None:
        groups = self.optimizer.param_groups
        if groups is not self._seen or len(groups) != len(self.base_lrs):
            self._arrange(groups)
        options = self.options
        position = self.last_epoch * options.stride // options.calls_per_update
        if len(self.tracks) == 1:
            self._write_track(self.tracks[0], groups, self.base_lrs, position)
            return
        for track in self.tracks:
            own = track.groups
            self._write_track(track, [groups[i] for i in own], [self.base_lrs[i] for i in own], position)

    def _write_track(self, track: Track, groups: Sequence[Group], bases: Sequence[float], position: int) -> None:
        """The hot loops: a plain one where all numbers are floats, and one that fills tensors in place."""
        key = track.floats
        if key is not None and groups and groups[0]["lr"].__class__ is not float:
            key = None  # someone put a tensor there since the groups were last arranged
        if key == "":
            factor = track.factor(position)
            for group, base in zip(groups, bases):  # noqa: B905  # hot; _arrange made them equally long
                group["lr"] = base * factor
            return
        if not track.writers:
            factor = track.factor(position)
        else:
            values = track.schedule.at(position)
            factor = values["lr"] * track.scale
            if key is not None:
                value = values[next(iter(track.writers))]
                for group, base in zip(groups, bases):  # noqa: B905
                    group["lr"] = base * factor
                    group[key] = value
                return
            for name, writer in track.writers.items():
                writer.write(groups, values[name])
        for group, base in zip(groups, bases, strict=True):
            put(group, "lr", base * factor)

    # ---- groups

    def _arrange(self, groups: Sequence[Group]) -> None:
        """Take in groups that are new, and a `param_groups` list that the optimizer replaced."""
        known = len(self.base_lrs)
        if len(groups) < known:
            raise BadState(
                given=f"{len(groups)} groups where there were {known}",
                allowed="groups may be added to an optimizer, never taken away",
                where="optimizer.param_groups",
                fix="attach to the optimizer again",
            )
        if len(groups) > known:
            self._join(groups, known)
        if len(self.tracks) > 1 or len(set(self.base_lrs)) > 1:
            separate(groups)
        for lane, track in enumerate(self.tracks):
            track.groups = [i for i, own in enumerate(self.lanes) if own == lane]
            track.floats = float_key(track.writers, [groups[i] for i in track.groups])
        for group, base in zip(groups, self.base_lrs, strict=True):
            initial = group.get("initial_lr")
            if initial is None or isinstance(initial, Tensor) != isinstance(group["lr"], Tensor) or initial != base:
                put_initial(group, base)
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

    # ---- the optimizer's own hooks: nothing of it is patched

    def _listen(self) -> None:
        """Write again after the optimizer loads a state, and before an update when a group has just joined."""
        self._handles: list[Any] = []
        me = weakref.ref(self)

        def loaded(_: object) -> None:
            scheduler = me()
            if scheduler is not None:
                scheduler._write()

        def before(*_: object) -> None:
            scheduler = me()
            if scheduler is not None and len(scheduler.optimizer.param_groups) != len(scheduler.base_lrs):
                scheduler._write()

        self._register("register_load_state_dict_post_hook", loaded)
        self._register("register_step_pre_hook", before)
        if self.options.follow:
            updated = torch.compiler.disable(self._updated)  # type: ignore[no-untyped-call]
            if not self._register("register_step_post_hook", updated):
                self._unlisten()
                raise BadValue(
                    given=f"follow=True with {type(self.optimizer).__name__}",
                    allowed="an optimizer with register_step_post_hook, as torch.optim.Optimizer has",
                    where="attach(follow)",
                    fix="attach to the optimizer inside the wrapper, or call scheduler.step() yourself",
                )
        with suppress(TypeError):
            _OWNERS[innermost(self.optimizer)] = weakref.ref(self)

    def _register(self, name: str, hook: Callable[..., None]) -> bool:
        # A wrapper may inherit the method and lack what it works on, as Accelerate's does: then its inside has it.
        for optimizer in (self.optimizer, innermost(self.optimizer)):
            with suppress(AttributeError, TypeError):
                self._handles.append(getattr(optimizer, name)(hook))
                return True
        return False

    def _unlisten(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _updated(self, optimizer: object, *_: object) -> None:
        skipped = getattr(optimizer, "found_inf", None)  # a GradScaler leaves it to a fused optimizer to skip
        if skipped is None or not bool(skipped):
            self._advance()

    def detach(self) -> None:
        """Let the optimizer go: its groups get their base rates back, and another schedule may be attached.

        Example:
            >>> import torch, calando.torch
            >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
            >>> calando.torch.attach(optimizer, calando.constant(0.5).bind(10)).detach()
            >>> optimizer.param_groups[0]["lr"], calando.torch.attached(optimizer)
            (0.1, None)
        """
        self._unlisten()
        if attached(self.optimizer) is self:
            del _OWNERS[innermost(self.optimizer)]
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=False):
            put(group, "lr", base)
            group.pop("initial_lr", None)

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
        load(self, state_dict, check_policy(resume or self.options.resume))
        self._arrange(self.optimizer.param_groups)
        self._write()

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_handles", "_seen")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._seen = None
        self._listen()

    def __repr__(self) -> str:
        told = [str(track.schedule) for track in self.tracks]
        told += [f"at step {self.position()}", f"{len(self.base_lrs)} group" + "s" * (len(self.base_lrs) > 1)]
        rates = {float(rate) for rate in self.get_last_lr()}
        told.append("lr=" + (f"{min(rates):.4g}" if len(rates) == 1 else f"{min(rates):.4g} to {max(rates):.4g}"))
        return f"{type(self).__name__}({', '.join(told)})"
