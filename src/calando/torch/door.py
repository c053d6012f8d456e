"""The front door: a schedule and an optimizer become a scheduler."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from calando.core.asked import bound_schedule
from calando.core.schedule import Schedule
from calando.errors import BadName, BadValue, did_you_mean, shown
from calando.torch.groups import HasGroups, check_optimizer, chosen_bases
from calando.torch.momentum import check_momentum
from calando.torch.options import Options
from calando.torch.owner import attached
from calando.torch.plateau import PlateauLR
from calando.torch.quantities import BySetter, Setter, writers_for
from calando.torch.scheduler import ScheduleLR
from calando.torch.state import check_policy
from calando.torch.tensors import check_tensors
from calando.torch.track import Track

__all__ = ["attach"]


def attach(
    optimizer: HasGroups,
    schedule: Schedule | None = None,
    *,
    peak: float | None = None,
    bases: Sequence[float] | None = None,
    groups: Mapping[int, Schedule] | None = None,
    interval: Literal["step", "epoch"] = "step",
    resume: Literal["exact", "rebind", "extend"] = "exact",
    setters: Mapping[str, Setter] | None = None,
    follow: bool = False,
    calls_per_update: int = 1,
    tensors: bool = False,
) -> ScheduleLR:
    """Let a schedule drive an optimizer: a true PyTorch LRScheduler, with the first value in force at once.

    Formula: learning rate of group g at update t = base_g * schedule(t); call `scheduler.step()` after each
    `optimizer.step()`. Accumulating gradients: after each update, not each batch. An update that a GradScaler skipped
    need not be counted: leave `step()` out, too. `follow=True` counts the updates that were made, without any calls.

    Bases: a group's `initial_lr` if it has one (as PyTorch writes it), else its `lr`. A group added later joins with
    its own base, at the step where the run is, under `schedule`. Rates, betas and momenta that are tensors are filled
    in place.

    Quantities of a bundle besides "lr" are absolute: "momentum" goes to the group's momentum or to the first of its
    betas, "beta1" and "beta2" to its betas, any other name to the number of that name in the group, or to a setter.

    Resume (`load_state_dict`): "exact" wants the schedule, horizon and bases that were saved. "rebind" wants the same
    plan, and follows the new schedule and bases from the saved step on; the rate may jump. "extend" keeps what was
    run: the part of the old schedule that was left is spread evenly over what is left of the new horizon, so the rate
    goes on without a jump and ends where it would have ended. All else raises BadState and shows the difference.
    The optimizer's state may be loaded before or after the scheduler's. A Python function is known by the values that
    it gives at 64 steps; one that was not registered by name resumes at the horizon it was saved with, and no other.

    Args:
        optimizer: a torch.optim.Optimizer, or a wrapper with `param_groups`.
        schedule: a bound plan; may be left out when `groups` names every group, and no group ever joins.
        peak: learning rate that factor 1 stands for in the group with the largest base, > 0; the ratios are kept.
        bases: one base per group, each >= 0, instead of `peak`.
        groups: schedules of their own for some groups, by index; each is evaluated once a step.
        interval: "step" for a loop that steps after every update, "epoch" for one that steps after every epoch.
        resume: one of the names exact, rebind, extend: what `load_state_dict` may change.
        setters: functions of one float for quantities that no group holds, by name; called when the value changes.
        follow: count the optimizer's own updates instead of calls of `step()`, for hosts that never call it.
        calls_per_update: how often the host calls `step()` for one update, >= 1 (Accelerate: its process count).
        tensors: True keeps every scheduled number of the groups in a tensor, for an `optimizer.step` that is compiled.

    Raises:
        BadValue: for arguments outside what is allowed here, or an optimizer that another schedule drives already.
        BadName: for a quantity that the optimizer does not have, or an unknown resume policy.

    Example:
        >>> import torch, calando.torch
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        >>> schedule = calando.parse("warmup(10%) | cosine()").bind(100)
        >>> scheduler = calando.torch.attach(optimizer, schedule)       # line one
        >>> for batch in range(5):
        ...     optimizer.step()
        ...     scheduler.step()                                        # line two
        >>> optimizer.param_groups[0]["lr"]
        0.0005

    Source: torch.optim.lr_scheduler.
    """
    owned = check_optimizer(optimizer)
    _check_free(optimizer)
    _check_follow(follow)
    schedules = _of_each_group(schedule, groups, len(owned))
    distinct: list[Schedule] = [schedule] if schedule is not None else []
    for own in schedules:
        if own not in distinct:
            distinct.append(own)
    tracks = [Track(own) for own in distinct]
    lanes = [distinct.index(own) for own in schedules]
    options = Options(
        interval=interval,
        stride=_stride(interval, distinct, follow),
        calls_per_update=_calls(calls_per_update, follow),
        follow=follow,
        resume=check_policy(resume),
        setters=_checked_setters(setters, distinct),
        open_ended=schedule is not None,
        tensors=check_tensors(tensors),
    )
    listens = any(track.rule is not None for track in tracks)
    _check_listener(listens, calls_per_update)
    for lane, track in enumerate(tracks):
        mine = [i for i, own in enumerate(lanes) if own == lane]
        track.writers = writers_for(track.schedule.quantities, [owned[i] for i in mine], mine, options.setters)
        check_momentum(optimizer, track, [owned[i] for i in mine], options.tensors)
    _check_setters_once(tracks)
    chosen = chosen_bases(owned, peak, bases)
    scheduler = (PlateauLR if listens else ScheduleLR)(optimizer, tracks, lanes, options)
    scheduler.begin(chosen)
    return scheduler


def _check_free(optimizer: object) -> None:
    owner = attached(optimizer)
    if owner is not None:
        raise BadValue(
            given=f"an optimizer that {shown(owner)} drives already",
            allowed="one schedule per optimizer: two would overwrite each other",
            where="attach(optimizer)",
            fix="call calando.torch.attached(optimizer).detach() first, or join the plans: a * b, or groups={...}",
        )


def _of_each_group(schedule: object, groups: Mapping[int, Schedule] | None, count: int) -> list[Schedule]:
    own: dict[int, Schedule] = {}
    if groups is not None:
        if not isinstance(groups, Mapping):
            raise BadValue(
                given=f"groups={shown(groups)}",
                allowed="a dict from group index to schedule",
                where="attach(groups)",
                fix="write groups={0: schedule, 1: other}",
            )
        for key, value in groups.items():
            if type(key) is not int or not 0 <= key < count:
                raise BadValue(
                    given=f"group {shown(key)}",
                    allowed=f"0 to {count - 1}, the optimizer's groups",
                    where="attach(groups)",
                    fix="name groups that the optimizer has now; later ones follow the first argument",
                )
            own[key] = bound_schedule(value, f"attach(groups[{key}])")
    if schedule is None and len(own) == count:
        return [own[i] for i in range(count)]
    default = bound_schedule(schedule, "attach(schedule)")
    return [own.get(i, default) for i in range(count)]


def _stride(interval: str, schedules: Sequence[Schedule], follow: bool) -> int:
    if interval == "step":
        return 1
    if interval != "epoch":
        raise BadName(
            given=f"interval={shown(interval)}{did_you_mean(str(interval), ['step', 'epoch'])}",
            allowed="step, epoch",
            where="attach(interval)",
            fix="use 'step', and call scheduler.step() after every update",
        )
    if follow:
        raise BadValue(
            given="interval='epoch' with follow=True",
            allowed="one of them: follow counts updates by itself",
            where="attach(follow)",
            fix="drop interval='epoch'",
        )
    sizes = {schedule.steps_per_epoch for schedule in schedules}
    size = sizes.pop() if len(sizes) == 1 else None
    if size is None:
        raise BadValue(
            given="interval='epoch' with a schedule that does not know how long an epoch is",
            allowed="schedules bound with the same steps_per_epoch",
            where="attach(interval)",
            fix="pass it when binding: plan.bind(horizon, steps_per_epoch=len(loader))",
        )
    return size


def _calls(value: Any, follow: bool) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (follow and value != 1):
        raise BadValue(
            given=f"calls_per_update={shown(value)}" + (" with follow=True" if follow else ""),
            allowed="a whole number >= 1; with follow=True only 1, since no calls are counted",
            where="attach(calls_per_update)",
            fix="give the number of times the host calls step() for one update",
        )
    return value


def _check_follow(value: object) -> None:
    if not isinstance(value, bool):
        raise BadValue(
            given=f"follow={shown(value)}",
            allowed="True or False",
            where="attach(follow)",
            fix="write follow=True to count the optimizer's own updates",
        )


def _checked_setters(setters: Mapping[str, Setter] | None, schedules: Sequence[Schedule]) -> dict[str, Setter]:
    if setters is not None and not isinstance(setters, Mapping):
        raise BadValue(
            given=f"setters={shown(setters)}",
            allowed="a dict from a quantity's name to a function of one float",
            where="attach(setters)",
            fix="write setters={'dropout': function}",
        )
    known = sorted({name for schedule in schedules for name in schedule.quantities} - {"lr"})
    for name, call in (setters or {}).items():
        if name not in known:
            raise BadName(
                given=f"a setter for {shown(name)}{did_you_mean(str(name), known)}",
                allowed=", ".join(known) or "no setters: the schedule has the learning rate alone",
                where="attach(setters)",
                fix="add the quantity to the plan: calando.bundle(plan, name=...)",
            )
        if not callable(call):
            raise BadValue(
                given=f"{shown(call)} ({type(call).__name__})",
                allowed="a function of one float",
                where=f"attach(setters[{name!r}])",
                fix="pass a function, such as lambda value: setattr(dropout, 'p', value)",
            )
    return dict(setters or {})


def _check_setters_once(tracks: Sequence[Track]) -> None:
    seen: set[str] = set()
    for track in tracks:
        for name, writer in track.writers.items():
            if isinstance(writer, BySetter):
                if name in seen:
                    raise BadValue(
                        given=f"{name!r} in the schedules of several groups, with one setter",
                        allowed="one schedule for what a setter applies",
                        where="attach(setters)",
                        fix=f"leave {name!r} in one group's schedule only",
                    )
                seen.add(name)


def _check_listener(listens: bool, calls_per_update: int) -> None:
    if listens and calls_per_update != 1:
        raise BadValue(
            given=f"calls_per_update={calls_per_update} with a schedule that listens to a metric",
            allowed="1, because each metric would be counted as often, too",
            where="attach(calls_per_update)",
            fix="keep the scheduler out of the host's hands and step it once per update",
        )
