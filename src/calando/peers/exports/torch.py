"""PyTorch's own schedulers: code that needs no Calando."""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from calando.core.schedule import Schedule
from calando.peers.exports.equal import Candidate, checked, chosen
from calando.peers.exports.stages import WAYS, Stage, neat, stages_of
from calando.peers.exports.transformers import plateau_arguments

__all__ = ["to_torch"]

WHO = "to_torch"
HAS = (
    "levels, straight lines between 0 and the peak, cosines and powers that fall from the peak, exponentials, drops, "
    "warm restarts, one cosine or linear cycle, and triangles"
)
MOST = 50
"""Schedulers that are joined at the most."""


class Part(NamedTuple):
    """A piece of the run: the class, its arguments after the optimizer, and the factor of the base rate it gives."""

    name: str
    arguments: str
    steps: int
    value: Callable[[int], float]

    @property
    def code(self) -> str:
        return f"{self.name}(optimizer, {self.arguments})"


def to_torch(schedule: Schedule, peak: float) -> str:
    """Code that builds PyTorch's own scheduler, equal to ours: stepped once after every update.

    Equal at every update of the run. Past its end they part: CosineAnnealingLR rises again, ours holds.

    Args:
        schedule: what to say.
        peak: learning rate that factor 1 stands for, > 0; a group with another base falls to the same absolute floor.

    Raises:
        Unconvertible: when PyTorch has nothing equal at every step, with the nearest and how far it is off.
        BadValue: for anything but a schedule and a rate.

    Example:
        >>> import calando
        >>> from calando.peers.exports import to_torch
        >>> print(to_torch(calando.parse("cosine(end=0.1)").bind(1000), peak=0.5))
        import torch
        from torch.optim.lr_scheduler import CosineAnnealingLR
        <BLANKLINE>
        model = torch.nn.Linear(10, 1)  # your model
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.5)  # your optimizer
        scheduler = CosineAnnealingLR(optimizer, T_max=1000, eta_min=0.05)

    Source: torch/optim/lr_scheduler.py.
    """
    schedule, peak = checked(schedule, peak, WHO)
    if schedule.rule is not None:
        given = plateau_arguments(schedule, peak, WHO)
        rate = given.pop("rate")
        part = Part("ReduceLROnPlateau", ", ".join(f"{name}={value!r}" for name, value in given.items()), 1, float)
        return _program([part], rate)
    code: str = chosen(schedule, peak, _candidates(stages_of(schedule), peak), who=WHO, has=HAS)
    return code


def _number(value: float) -> str:
    return repr(neat(value))


def _program(parts: list[Part], rate: float) -> str:
    names = {part.name for part in parts} | ({"SequentialLR"} if len(parts) > 1 else set())
    marks = [sum(part.steps for part in parts[:i]) for i in range(1, len(parts))]
    if len(parts) == 1:
        made = parts[0].code
    else:
        inside = "".join(f"        {part.code},\n" for part in parts)
        made = f"SequentialLR(\n    optimizer,\n    [\n{inside}    ],\n    milestones={marks},\n)"
    return "\n".join(
        [
            "import torch",
            f"from torch.optim.lr_scheduler import {', '.join(sorted(names))}",
            "",
            "model = torch.nn.Linear(10, 1)  # your model",
            f"optimizer = torch.optim.AdamW(model.parameters(), lr={_number(rate)})  # your optimizer",
            f"scheduler = {made}",
        ]
    )


def _candidates(stages: tuple[Stage, ...], peak: float) -> Iterator[Candidate]:
    top = max((max(stage.start, stage.end, float(stage.more.get("high", 0.0))) for stage in stages), default=0.0)
    if top <= 0.0:
        return
    cycle = _one_cycle(stages, peak)
    if cycle:
        yield cycle
    parts: list[Part] = []
    for stage in stages:
        part = _part(stage, top, peak, alone=len(stages) == 1)
        if part is None or len(parts) == MOST:
            return
        parts.append(part)
    starts = [sum(part.steps for part in parts[:i]) for i in range(len(parts))]

    def value(t: int) -> float:
        i = sum(start <= t for start in starts) - 1
        return peak * top * parts[i].value(t - starts[i])

    name = parts[0].name if len(parts) == 1 else f"SequentialLR of {', '.join(part.name for part in parts)}"
    yield Candidate(name, _program(parts, peak * top), value)


def _part(stage: Stage, top: float, peak: float, *, alone: bool) -> Part | None:
    """One of PyTorch's schedulers for a stage; factors are of the base rate, which is the largest factor's."""
    a, b, n = stage.start / top, stage.end / top, stage.span
    more, floor = stage.more, _number(peak * stage.end)

    def part(name: str, arguments: str, value: Callable[[int], float]) -> Part:
        return Part(name, arguments, stage.steps, value)

    if stage.way == "level":
        # never switched off inside the run: ConstantLR(factor=0) could not come back
        return part("ConstantLR", f"factor={_number(a)}, total_iters={stage.steps + 1}", lambda _: a)
    if stage.way == "linear" and a == 0.0:
        slope = "step" if b == 1.0 else f"{_number(b)} * step"
        return part("LambdaLR", f"lambda step: {slope} / {n}", lambda t: b * t / n)  # LinearLR cannot start at 0
    if stage.way == "linear":
        code = f"start_factor={_number(a)}, end_factor={_number(b)}, total_iters={n}"
        return part("LinearLR", code, lambda t: a + (b - a) * min(t, n) / n)
    if stage.way == "cosine" and a == 1.0:
        tail = f", eta_min={floor}" if b else ""
        return part("CosineAnnealingLR", f"T_max={n}{tail}", lambda t: b + (1 - b) * WAYS["cosine"](t / n))
    if stage.way == "power" and a == 1.0 and b == 0.0:
        power = float(more["power"])
        return part("PolynomialLR", f"total_iters={n}, power={power!r}", lambda t: (1.0 - min(t, n) / n) ** power)
    if stage.way == "exponential" and a == 1.0:
        gamma = b ** (1.0 / n)
        return part("ExponentialLR", f"gamma={gamma!r}", lambda t: float(gamma**t))
    if stage.way == "decay" and a == 1.0 and not more["delay"]:
        return _decay(stage)
    if stage.way == "drops" and a == 1.0:
        marks, factor = more["at"], more["factor"]
        code = f"milestones={marks}, gamma={factor!r}"
        return part("MultiStepLR", code, lambda t: float(factor ** sum(t >= mark for mark in marks)))
    if stage.way == "restarts" and a == 1.0 and more["decay"] == 1.0 and float(more["growth"]).is_integer():
        return _restarts(stage, floor)
    if stage.way == "triangles" and alone:
        return _triangles(stage, top, peak)
    return None


def _decay(stage: Stage) -> Part:
    every, factor = stage.more["every"], stage.more["factor"]
    if stage.more["staircase"]:
        code = f"step_size={every}, gamma={factor!r}"
        return Part("StepLR", code, stage.steps, lambda t: float(factor ** (t // every)))
    gamma = factor ** (1.0 / every)
    return Part("ExponentialLR", f"gamma={gamma!r}", stage.steps, lambda t: float(gamma**t))


def _restarts(stage: Stage, floor: str) -> Part:
    first, growth, low = stage.span, int(stage.more["growth"]), stage.end / stage.start
    code = f"T_0={first}" + (f", T_mult={growth}" if growth > 1 else "") + (f", eta_min={floor}" if low else "")

    def value(t: int) -> float:
        length = first
        while t >= length and growth > 1:
            t, length = t - length, length * growth
        return low + (1 - low) * WAYS["cosine"](t % length / length)

    return Part("CosineAnnealingWarmRestarts", code, stage.steps, value)


def _triangles(stage: Stage, top: float, peak: float) -> Part:
    up, down, mode, gamma = (stage.more[name] for name in ("up", "down", "mode", "gamma"))
    low = stage.start / top
    words = [f"base_lr={_number(peak * stage.start)}", f"max_lr={_number(peak * top)}", f"step_size_up={up}"]
    words += [f"step_size_down={down}"] * (down != up) + [f"mode={mode!r}"] * (mode != "triangular")
    words += [f"gamma={gamma!r}"] * (mode == "exp_range") + ["cycle_momentum=False"]

    def value(t: int) -> float:
        cycle, here = divmod(t, up + down)
        height = here / up if here <= up else (up + down - here) / down
        return float(low + (1 - low) * height * {"triangular2": 0.5**cycle, "exp_range": gamma**t}.get(mode, 1.0))

    return Part("CyclicLR", ", ".join(words), stage.steps, value)


def _one_cycle(stages: tuple[Stage, ...], peak: float) -> Candidate | None:
    """OneCycleLR ends a phase one step before its share of total_steps: both are given one step more."""
    ways = {stage.way for stage in stages}
    if len(stages) not in (2, 3) or ways not in ({"cosine"}, {"linear"}) or not stages[0].rises:
        return None
    way = ways.pop()
    up, horizon = stages[0].steps, sum(stage.steps for stage in stages)
    low, high, end = stages[0].start, stages[0].end, stages[-1].end
    if min(low, high) <= 0.0 or (len(stages) == 3 and (stages[1].steps != up or stages[1].end != low)):
        return None
    share = (up + 1) / (horizon + 1)
    words = [
        f"max_lr={_number(peak * high)}", f"total_steps={horizon + 1}", f"pct_start={share!r}",
        f"anneal_strategy={'cos' if way == 'cosine' else 'linear'!r}", f"div_factor={_number(high / low)}",
        f"final_div_factor={_number(low / end) if end else 'float(' + repr('inf') + ')'}", "cycle_momentum=False",
    ]  # fmt: skip
    words += ["three_phase=True"] * (len(stages) == 3)
    marks = [0.0, share * (horizon + 1) - 1.0]
    marks += [2.0 * share * (horizon + 1) - 2.0] if len(stages) == 3 else []
    marks.append(float(horizon))
    levels = [low, high, *([low] if len(stages) == 3 else []), end]

    def value(t: int) -> float:
        i = next((i for i, mark in enumerate(marks[1:]) if t <= mark), len(marks) - 2)
        x = (t - marks[i]) / (marks[i + 1] - marks[i])
        a, b = levels[i], levels[i + 1]
        return peak * (b + (a - b) * ((1.0 + math.cos(math.pi * x)) / 2.0 if way == "cosine" else 1.0 - x))

    part = Part("OneCycleLR", ", ".join(words), horizon, value)
    return Candidate("OneCycleLR", _program([part], peak * high), value)
