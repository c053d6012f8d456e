"""Which runs each tool makes, in the terms of the runs of our own loop: kind, recipe, and controls that must help."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.watch.labelled.cases import ASKED, USUAL, Case
from bench.watch.labelled.recipe import Recipe

__all__ = ["TOOLS", "Tool", "cases"]


@dataclass(frozen=True)
class Tool:
    """What a tool learns, and where its peaks lie, as final held-out losses of a short scan had it."""

    task: str
    seed: int
    horizon: int
    good: float
    """Near the best peak under the usual plan."""
    high: tuple[float, float]
    """Peaks that still train, but worse than a quarter of them: under the usual plan, and under a long plateau."""
    abrupt: float
    """A peak that wants a warm-up."""
    dead: float
    """A peak at which the loss ends above its start."""
    few: int
    """Training examples that are learned by heart."""
    short: int
    """Updates of the control that ends before they are."""
    stop: int
    """Updates after which a run of three times the horizon is stopped: about 8 %, at an evaluation."""
    defect: str
    """How the schedule fails to reach the optimizer."""


TOOLS = {
    "hugging_face": Tool("characters", 10, 300, 0.003, (0.015, 0.015), 0.01, 10.0, 60, 45, 75, "twice"),
    "lightning": Tool("images", 0, 300, 0.12, (0.28, 0.25), 0.3, 30.0, 30, 90, 75, "epochs"),
    "keras": Tool("text", 0, 320, 0.006, (0.04, 0.04), 0.05, 100.0, 100, 40, 80, "epochs"),
}

HEALTHY = {
    "hugging_face": ((USUAL, 1.0), ("warmup(10%) | linear_decay()", 0.6), ("wsd(warmup=5%, cooldown=30%)", 0.7),
                     ("one_cycle()", 1.2)),
    "lightning": ((USUAL, 0.8), ("one_cycle()", 1.2), ("wsd(warmup=5%, cooldown=30%)", 0.7),
                  ("warmup(5%) | multistep(milestones=[60%, 85%])", 0.7)),
    "keras": ((USUAL, 1.0), ("warmup(10%) | linear_decay()", 0.8), ("wsd(warmup=5%, cooldown=30%)", 0.6),
              ("warmup(5%) | cosine(end=0.1)", 1.2)),
}  # fmt: skip

FLAT, FALLING, WAVES = "warmup(5%) | constant()", "wsd(warmup=5%, cooldown=30%)", "cyclical(low=0.1, half=11.1%)"
MORE: dict[str, tuple[tuple[str, dict[str, Any], dict[str, Any] | None], ...]] = {
    "hugging_face": (("overfitting", {"few": 60, "peak": 0.009}, {"horizon": 45}),),
    "lightning": (("LR too low", {"peak": 0.012}, None),
                  ("LR too low", {"plan": "warmup(10%) | linear_decay()", "peak": 0.016}, None),
                  ("plateau at high LR", {"plan": FLAT, "peak": 0.1, "horizon": 600}, {"plan": FALLING}),
                  ("warm-up too short", {"plan": "cosine()", "peak": 0.2}, None),
                  ("plateau at high LR", {"plan": FLAT, "peak": 0.15, "horizon": 600}, {"plan": FALLING}),
                  ("oscillation", {"plan": WAVES, "peak": 0.25, "horizon": 600}, {"plan": USUAL})),
    "keras": (("LR too low", {"plan": "wsd(warmup=5%, cooldown=20%)", "peak": 0.00015}, None),
              ("plateau at high LR", {"plan": FLAT, "peak": 0.02, "horizon": 640}, {"plan": FALLING}),
              ("oscillation", {"plan": WAVES, "peak": 0.024, "horizon": 640}, {"plan": USUAL})),
}  # fmt: skip
"""Kind, recipe and control of cases made when controls of the first had turned out no better, or runs that did not
get anywhere at all; no diagnosis was seen."""


def cases() -> Iterator[Case]:
    """All cases of all tools, each under its first seed."""
    for name in TOOLS:
        yield from _of(name)


def _of(name: str) -> Iterator[Case]:
    tool = TOOLS[name]
    usual = Recipe(tool.task, USUAL, tool.good, tool.seed, tool.horizon, tool=name)

    def made(kind: str, recipe: Recipe, control: Recipe | None = None) -> Case:
        own = () if control is None else ((kind, control),)
        return Case(kind, recipe, (*own, *(one for one in _rates(recipe) if one[0] in ASKED.get(kind, ()))))

    for plan, share in HEALTHY[name]:
        yield made("healthy", usual.but(plan=plan, peak=share * tool.good))
    yield made("LR too low", usual.but(peak=tool.good / 60))
    yield made("LR too low", usual.but(plan="warmup(10%) | linear_decay()", peak=tool.good / 150))
    yield made("LR too high", usual.but(peak=tool.high[0]))
    yield made("LR too high", usual.but(plan="wsd(warmup=10%, cooldown=30%)", peak=tool.high[1]))
    yield made("warm-up too short", usual.but(plan="cosine()", peak=tool.abrupt))
    yield made("diverged", usual.but(plan="warmup(5%) | constant()", peak=tool.dead))
    known = usual.but(few=tool.few)
    yield made("overfitting", known, known.but(horizon=tool.short))
    flat = usual.but(plan="warmup(5%) | constant()", horizon=2 * tool.horizon, peak=2 * tool.good)
    yield made("plateau at high LR", flat, flat.but(plan="wsd(warmup=5%, cooldown=30%)"))
    early = usual.but(plan="warmup(2%) | multistep(milestones=[10%, 20%], factor=0.05)", peak=0.7 * tool.good)
    yield made("plateau at low LR", early, early.but(plan=USUAL))
    whole = usual.but(horizon=3 * tool.horizon, peak=0.4 * tool.good)
    yield made("horizon too short", whole.but(stop=tool.stop), whole)
    wave = usual.but(plan="cyclical(low=0.1, half=6%)", horizon=2 * tool.horizon,
                     peak=min(3 * tool.good, 0.8 * tool.high[0]))  # fmt: skip
    yield made("oscillation", wave, wave.but(plan=USUAL))
    yield Case("LR not as asked", usual.but(defect=tool.defect))
    for kind, changes, control in MORE[name]:
        recipe = usual.but(**changes)
        yield made(kind, recipe, None if control is None else recipe.but(**control))


def _rates(recipe: Recipe) -> tuple[tuple[str, Recipe], ...]:
    """The changes of the rate that are tried on every run."""
    found = [("LR too low", recipe.but(peak=4 * recipe.peak)), ("LR too high", recipe.but(peak=recipe.peak / 4))]
    if recipe.plan in ("cosine()", USUAL):
        found.append(("warm-up too short", recipe.but(plan="warmup(20%) | cosine()")))
    return tuple(found)
