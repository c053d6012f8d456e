"""Which runs are made, what each is meant to show, and the change that must help if it does show it."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.watch.labelled.recipe import DEFECTS, Recipe
from bench.watch.labelled.tasks import TASKS

__all__ = ["SEEDS", "SMALL", "UNWARMED", "Case", "cases", "unmoved"]

UNWARMED = "unwarmed"
"""The half of good runs without a warm-up, on fifteen tasks."""

SMALL = "small"
"""The half of tasks with very small batches, which has more good runs than others: noise is what it is to teach."""

OTHER = "other"
"""The half that has more runs than others that stand still: held up by a high rate, or of a rate near nothing."""

SEEDS = {"images": (0, 1, 2), "text": (0, 1, 2), "characters": (10, 11, 12), "weather": (10, 11, 12),
         "photographs": (10, 11, 12), "flights": (20, 21, 22),
         "places": (20, 21, 22), "halves": (30, 31, 32), "hours": (30, 31, 32),
         "carriers": (40, 41, 42), "manuals": (40, 41, 42), "airports": (40, 41, 42),
         "products": (50, 51, 52), "delays": (50, 51, 52), "turned": (50, 51, 52),
         "tumours": (60, 61, 62), "pendulums": (60, 61, 62), "strayed": (60, 61, 62),
         "tokens": (60, 61, 62), "cells": (70, 71, 72), "signals": (70, 71, 72), "remarks": (70, 71, 72),
         "patches": (70, 71, 72), "signs": (80, 81, 82), "modules": (80, 81, 82), "moved": (80, 81, 82),
         "throws": (80, 81, 82), "wines": (110, 111, 112), "sugars": (110, 111, 112), "moons": (110, 111, 112),
         "smudged": (110, 111, 112), "squeezed": (110, 111, 112), "blotted": (110, 111, 112),
         "noughts": (90, 91, 92), "magnets": (90, 91, 92), "rolls": (90, 91, 92),
         "levels": (90, 91, 92),
         "ways": (100, 101, 102), "automata": (100, 101, 102),
         "entities": (100, 101, 102), "spectra": (100, 101, 102),
         "hands": (120, 121, 122), "julia": (120, 121, 122),
         "arms": (120, 121, 122), "genes": (120, 121, 122)}  # fmt: skip

GOOD = {
    "images": 0.1,
    "text": 0.05,
    "characters": 0.06,
    "weather": 0.012,
    "photographs": 0.025,
    "flights": 0.02,
    "places": 0.045,
    "halves": 0.25,
    "hours": 0.004,
    "carriers": 0.08,
    "manuals": 0.03,
    "airports": 0.0075,
    "products": 0.03,
    "delays": 0.04,
    "turned": 0.25,
    "tumours": 0.15,
    "pendulums": 0.025,
    "strayed": 0.08,
    "tokens": 0.007,
    "cells": 0.04,
    "signals": 0.1,
    "remarks": 0.014,
    "patches": 0.03,
    "signs": 0.03,
    "modules": 0.04,
    "moved": 0.3,
    "throws": 0.1,
    "wines": 0.1,
    "sugars": 0.012,
    "moons": 0.06,
    "smudged": 0.008,
    "squeezed": 0.08,
    "blotted": 0.008,
    "noughts": 0.06,
    "magnets": 0.05,
    "rolls": 0.01,
    "levels": 0.02,
    "ways": 0.02,
    "automata": 0.04,
    "entities": 0.07,
    "spectra": 0.3,
    "hands": 0.012,
    "julia": 0.025,
    "arms": 0.05,
    "genes": 0.025,
}
"""Peaks near the best, from a look at a few peaks with one schedule."""

HIGH = {"images": (0.35, 0.45), "text": (0.35, 0.5), "characters": (0.5, 0.9), "weather": (0.3, 0.6),
        "photographs": (0.09, 0.13), "flights": (0.7, 1.3), "places": (0.15, 0.2),
        "halves": (1.0, 1.4), "hours": (0.2, 0.6),
        "carriers": (0.25, 0.32), "manuals": (0.25, 0.5), "airports": (0.12, 0.3),
        "products": (0.2, 0.35), "delays": (0.4, 0.5), "turned": (0.8, 1.1),
        "tumours": (1.5, 2.5), "pendulums": (0.9, 2.5), "strayed": (0.17, 0.25), "tokens": (0.06, 0.12),
        "cells": (0.3, 0.4), "signals": (0.2, 0.3), "remarks": (0.07, 0.12), "patches": (2.0, 8.0),
        "signs": (0.15, 0.35), "modules": (0.15, 0.3), "moved": (0.6, 0.8), "throws": (0.4, 0.5),
        "wines": (1.6, 3.0), "sugars": (0.8, 1.5), "moons": (0.2, 0.3), "smudged": (0.14, 0.25),
        "squeezed": (0.3, 0.4), "blotted": (0.03, 0.04),
        "noughts": (0.15, 0.2), "magnets": (0.15, 0.2), "rolls": (0.1, 0.3), "levels": (0.3, 1.0),
        "ways": (0.06, 0.08), "automata": (0.2, 0.24), "entities": (0.3, 0.6), "spectra": (1.3, 1.7),
        "hands": (0.07, 0.1), "julia": (0.1, 0.13), "arms": (0.3, 0.45), "genes": (0.13, 0.2)}  # fmt: skip
ABRUPT = {"images": (0.3, 0.45), "text": (0.25, 0.4), "characters": (0.5, 0.9), "weather": (0.12, 0.25),
          "photographs": (0.07, 0.1), "flights": (0.3, 0.8),
          "places": (0.13, 0.19), "halves": (0.8, 1.1), "hours": (0.1, 0.25),
          "carriers": (0.2, 0.3), "manuals": (0.25, 0.4), "airports": (0.05, 0.1),
          "products": (0.15, 0.25), "delays": (0.4, 0.6), "turned": (0.8, 1.0),
          "tumours": (1.1, 2.2), "pendulums": (0.2, 0.4), "strayed": (0.1, 0.2), "tokens": (0.04, 0.06),
          "cells": (0.25, 0.4), "signals": (0.2, 0.4), "remarks": (0.045, 0.06), "patches": (0.5, 1.0),
          "signs": (0.2, 0.4), "modules": (0.08, 0.12), "moved": (0.6, 0.8), "throws": (0.4, 0.55),
          "wines": (1.2, 2.0), "sugars": (0.12, 0.3), "moons": (0.2, 0.25), "smudged": (0.08, 0.11),
          "squeezed": (0.18, 0.25), "blotted": (0.02, 0.03),
          "noughts": (0.12, 0.17), "magnets": (0.12, 0.15), "rolls": (0.034, 0.04), "levels": (0.3, 2.0),
          "ways": (0.07, 0.13), "automata": (0.16, 0.25), "entities": (0.45, 0.65), "spectra": (1.5, 1.9),
          "hands": (0.05, 0.07), "julia": (0.1, 0.16), "arms": (0.25, 0.35), "genes": (0.13, 0.2)}  # fmt: skip
DEAD = {
    "images": 1.2, "text": 1.6, "characters": 20.0, "weather": 30.0, "photographs": 0.6, "flights": 30.0,
    "places": 2.0, "halves": 20.0, "hours": 40.0, "carriers": 3.0, "manuals": 20.0, "airports": 40.0,
    "products": 30.0, "delays": 20.0, "turned": 50.0, "tumours": 40.0, "pendulums": 30.0, "strayed": 30.0,
    "tokens": 5.0, "cells": 100.0, "signals": 1000.0, "remarks": 4.0, "patches": 100.0, "signs": 20.0,
    "modules": 30.0, "moved": 1000.0, "throws": 300.0, "wines": 30.0, "sugars": 30.0, "moons": 30.0,
    "smudged": 30.0, "squeezed": 10.0, "blotted": 100.0, "noughts": 10000.0, "magnets": 1000.0, "rolls": 5.0,
    "levels": 300.0, "ways": 20.0, "automata": 300.0, "entities": 20.0, "spectra": 100.0, "hands": 30.0,
    "julia": 100.0, "arms": 100.0, "genes": 20.0,
}  # fmt: skip
FEW = {
    "images": (60, 120),
    "text": (60, 200),
    "characters": (100, 300),
    "weather": (100, 150),
    "photographs": (6, 9),
    "flights": (20, 40),
    "places": (60, 120),
    "halves": (10, 30),
    "hours": (60, 150),
    "carriers": (60, 120),
    "manuals": (150, 400),
    "airports": (40, 100),
    "products": (100, 250),
    "delays": (150, 400),
    "turned": (20, 45),
    "tumours": (25, 50),
    "pendulums": (20, 50),
    "strayed": (60, 150),
    "tokens": (60, 90),
    "cells": (25, 60),
    "signals": (40, 100),
    "remarks": (80, 200),
    "patches": (30, 80),
    "signs": (60, 200),
    "modules": (100, 250),
    "moved": (50, 150),
    "throws": (50, 120),
    "wines": (8, 15),
    "sugars": (15, 30),
    "moons": (15, 40),
    "smudged": (40, 90),
    "squeezed": (20, 40),
    "blotted": (30, 80),
    "noughts": (50, 120),
    "magnets": (60, 150),
    "rolls": (60, 150),
    "levels": (12, 25),
    "ways": (50, 120),
    "automata": (40, 100),
    "entities": (60, 150),
    "spectra": (12, 30),
    "hands": (60, 150),
    "julia": (25, 60),
    "arms": (50, 150),
    "genes": (60, 150),
}
SOME = {
    "images": 250, "text": 400, "characters": 4000, "weather": 400, "photographs": 80, "flights": 400,
    "places": 500, "halves": 150, "hours": 500, "carriers": 1000, "manuals": 2500, "airports": 600,
    "products": 1200, "delays": 1200, "turned": 300, "tumours": 200, "pendulums": 400, "strayed": 1500,
    "tokens": 400, "cells": 200, "signals": 800, "remarks": 500, "patches": 300, "signs": 1100, "modules": 1000,
    "moved": 300, "throws": 500, "wines": 60, "sugars": 150, "moons": 150, "smudged": 300, "squeezed": 200,
    "blotted": 300, "noughts": 700, "magnets": 500, "rolls": 600, "levels": 400, "ways": 1500, "automata": 1500,
    "entities": 1000, "spectra": 250, "hands": 1200, "julia": 600, "arms": 1200, "genes": 800,
}  # fmt: skip
"""Examples that are learned by heart only when the rate has come down."""

ASKED = {
    "healthy": ("LR too low", "LR too high", "warm-up too short"),
    "LR too low": ("LR too low",),
    "LR too high": ("LR too high", "warm-up too short"),
    "warm-up too short": ("LR too high", "warm-up too short"),
    "plateau at high LR": ("LR too high",),
    "plateau at low LR": ("LR too low",),
    "horizon too short": ("LR too low",),
    "spikes": ("LR too low",),
    "oscillation": ("LR too high",),
}
"""Which changes of the rate are tried on the runs of a kind."""

DROP = 15
"""Share of the run, in percent, after which the rate drops where overfitting is to follow."""

USUAL = "warmup(5%) | cosine()"

SOUND = (
    (USUAL, 1.0), (USUAL, 0.6), ("warmup(10%) | linear_decay()", 1.0),
    ("wsd(warmup=5%, cooldown=30%)", 0.7), ("wsd(warmup=8%, cooldown=50%)", 1.0), ("one_cycle()", 1.2),
    ("warmup(5%) | cosine(end=0.1)", 0.8), ("warmup(5%) | multistep(milestones=[60%, 85%])", 0.7),
)  # fmt: skip
"""Plans of good runs, each with its peak as a share of the good one."""


@dataclass(frozen=True)
class Case:
    """One configuration: what it was made to show, and the controls that say whether it does."""

    kind: str
    recipe: Recipe
    controls: tuple[tuple[str, Recipe], ...] = ()
    """A finding, and the recipe with the change that it calls for: the finding holds where the change helps."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds under which it is made: a slip of the scheduler shows with one."""
        every = SEEDS[self.recipe.task]
        return every[:1] if self.kind == "LR not as asked" else every

    @property
    def name(self) -> str:
        """A short name, without the seed."""
        recipe = self.recipe
        extra = "".join(f", {key} {value}" for key, value in recipe.as_data().items()
                        if key not in ("task", "plan", "peak", "seed", "horizon"))  # fmt: skip
        return f"{recipe.task}: {recipe.plan} @ {recipe.peak:g}, {recipe.horizon} steps{extra}"


def cases(half: str) -> Iterator[Case]:
    """All cases of a half, each under its first seed."""
    for name, task in TASKS.items():
        if half == UNWARMED and task.half not in ("unseen", "blind", "final", SMALL, "sealed", "kept", OTHER):
            yield from _unwarmed(name, SEEDS[name][0])
        elif task.half == half:
            yield from _of(name, SEEDS[name][0])
            if half == SMALL:
                yield from _unwarmed(name, SEEDS[name][0])
                yield from _lower(name, SEEDS[name][0])
            if half == OTHER:
                yield from _still(name, SEEDS[name][0])


def _unwarmed(task: str, seed: int) -> Iterator[Case]:
    """Runs without any warm-up that are meant to be good, as most small ones are."""
    usual = Recipe(task, "cosine()", GOOD[task], seed, TASKS[task].horizon)
    for plan, share in (("cosine()", 0.5), ("linear_decay()", 0.35), ("multistep(milestones=[50%, 75%])", 0.35),
                        ("wsd(warmup=0, cooldown=40%)", 0.35)):  # fmt: skip
        made = usual.but(plan=plan, peak=share * usual.peak)
        warmed = made.but(plan=f"warmup(20%) | {plan}" if "wsd" not in plan else "wsd(warmup=20%, cooldown=40%)")
        yield Case("healthy", made, (
            ("warm-up too short", warmed), ("LR too high", made.but(peak=made.peak / 4)),
            ("LR too low", made.but(peak=4 * made.peak)),
        ))  # fmt: skip


def _lower(task: str, seed: int) -> Iterator[Case]:
    """The plans of good runs at a half and at a quarter of their peaks: where noise decides, such are often as good."""
    for plan, share in SOUND:
        for part in (0.5, 0.25):
            made = Recipe(task, plan, part * share * GOOD[task], seed, TASKS[task].horizon)
            yield Case("healthy", made, _rates(made))


def _still(task: str, seed: int) -> Iterator[Case]:
    """Constant rates of up to four times the good peak, which a cooldown must beat, and further rates near nothing."""
    steps, peak = TASKS[task].horizon, GOOD[task]
    for long in (1, 2):
        for share in (1.5, 2.0, 3.0, 4.0):
            flat = Recipe(task, "warmup(5%) | constant()", share * peak, seed, long * steps)
            cooled = ("plateau at high LR", flat.but(plan="wsd(warmup=5%, cooldown=30%)"))
            yield Case(cooled[0], flat, (cooled, *(one for one in _rates(flat) if one[0] == "LR too high")))
    known = (unmoved(task, seed), Recipe(task, "warmup(10%) | constant()", peak / 50000, seed, steps))  # as in `_of`
    for part in (20000, 50000, 100000):
        for plan in (USUAL, "warmup(10%) | constant()", "wsd(warmup=5%, cooldown=20%)"):
            made = Recipe(task, plan, peak / part, seed, steps)
            if made not in known:
                yield Case("not converging", made)


def _of(task: str, seed: int) -> Iterator[Case]:
    steps, peak = TASKS[task].horizon, GOOD[task]

    def made(kind: str, recipe: Recipe, control: Recipe | None = None) -> Case:
        own = () if control is None else ((kind, control),)
        return Case(kind, recipe, (*own, *(one for one in _rates(recipe) if one[0] in ASKED.get(kind, ()))))

    usual = Recipe(task, USUAL, peak, seed, steps)
    for plan, share in SOUND:
        yield made("healthy", usual.but(plan=plan, peak=share * peak))
    yield made("healthy", usual.but(horizon=2 * steps))
    for share, plan in ((1 / 60, USUAL), (1 / 120, "warmup(5%) | "
                                                   "linear_decay()"), (1 / 200, "wsd(warmup=5%, "
                                                                                "cooldown=20%)")):  # fmt: skip
        low = usual.but(plan=plan, peak=share * peak)
        yield made("LR too low", low)
    for high in HIGH[task]:
        yield made("LR too high", usual.but(peak=high))
        yield made("LR too high", usual.but(peak=high, plan="wsd(warmup=10%, cooldown=30%)"))
    for high in ABRUPT[task]:
        for plan in ("cosine()", "wsd(warmup=0, cooldown=40%)"):
            yield made("warm-up too short", usual.but(peak=high, plan=plan))
    for share, long in ((1.2, 2), (2.5, 2)):
        flat = usual.but(plan="warmup(5%) | constant()", horizon=long * steps, peak=share * peak)
        yield made("plateau at high LR", flat, flat.but(plan="wsd(warmup=5%, cooldown=30%)"))
        late = flat.but(plan="wsd(warmup=5%, cooldown=4%)")
        yield made("plateau at high LR", late, late.but(plan="wsd(warmup=5%, cooldown=40%)"))
    for plan in ("warmup(2%) | multistep(milestones=[10%, 20%], factor=0.05)",
                 "exponential_decay(factor=0.0001, every=60%)", "polynomial_decay(power=12)"):  # fmt: skip
        early = usual.but(plan=plan, peak=0.7 * peak)
        yield made("plateau at low LR", early, early.but(plan=USUAL))
    for few in FEW[task]:
        for plan in (USUAL, "warmup(5%) | constant()"):
            known = usual.but(plan=plan, few=few, peak=0.5 * peak)
            yield made("overfitting", known, known.but(horizon=max(40, steps // 8)))
    for factor, share in ((0.3, 1.5), (0.2, 0.7)):
        plan = f"warmup(5%) | multistep(milestones=[{DROP}%], factor={factor})"
        dropped = usual.but(plan=plan, few=SOME[task], wrong=0.3, peak=share * peak, horizon=2 * steps)
        stopped = dropped.but(stop=2 * steps * (DROP + 5) // 100)
        yield made("overfitting after a drop", dropped, stopped)
    for plan, long, part in ((USUAL, 2, 0.08), ("warmup(5%) | linear_decay()", 2, 0.06),
                             ("warmup(2%) | constant()", 1, 0.12)):  # fmt: skip
        whole = usual.but(plan=plan, horizon=long * steps, peak=0.4 * peak)
        cut = whole.but(stop=int(part * whole.horizon))
        cooled = cut.but(plan="wsd(warmup=5%, cooldown=30%)", horizon=cut.stop, stop=0)
        case = made("horizon too short", cut, whole)
        yield Case(case.kind, cut, (*case.controls, ("plateau at high LR", cooled)))
    for plan, share in (("cyclical(low=0.02, half=10%)", 4.0), ("warm_restarts(first=15%)", 5.0),
                        ("cyclical(low=0.1, half=6%)", 6.0)):  # fmt: skip
        wave = usual.but(plan=plan, peak=min(share * peak, 0.8 * HIGH[task][0]), horizon=2 * steps)
        yield made("oscillation", wave, wave.but(plan=USUAL))
    for glitch, clip in ((50, 0.0), (66, 1.0), (90, 1.0)):
        struck = usual.but(glitch=glitch, clip=clip, peak=0.3 * peak)
        yield made("spikes", struck, struck.but(glitch=0))
    for defect in DEFECTS:
        if defect:
            yield Case("LR not as asked", usual.but(defect=defect))
    for high, plan in ((3 * DEAD[task], USUAL), (10 * DEAD[task], "warmup(10%) | constant()"), (DEAD[task], "cosine()"),
                       (40 * DEAD[task], "wsd()")):  # fmt: skip
        yield made("diverged", usual.but(peak=high, plan=plan))
    yield made("not converging", unmoved(task, seed))
    yield made("not converging", usual.but(peak=peak / 50000, plan="warmup(10%) | constant()"))


def unmoved(task: str, seed: int) -> Recipe:
    """A run of so low a rate that it stays where it begins."""
    return Recipe(task, USUAL, GOOD[task] / 20000, seed, TASKS[task].horizon)


def _rates(recipe: Recipe) -> tuple[tuple[str, Recipe], ...]:
    """The changes of the rate that are tried on every run."""
    body = recipe.plan.partition("| ")[2] if recipe.plan.startswith("warmup") else recipe.plan
    longer = body.replace("warmup=0", "warmup=20%") if "warmup=" in body else f"warmup(20%) | {body}"
    found = [("LR too low", recipe.but(peak=4 * recipe.peak)), ("LR too high", recipe.but(peak=recipe.peak / 4))]
    if recipe.plan in ("cosine()", "wsd(warmup=0, cooldown=40%)", USUAL):
        found.append(("warm-up too short", recipe.but(plan=longer)))
    return tuple(found)
