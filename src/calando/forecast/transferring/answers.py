"""What a transfer answers: plain, frozen, every number computed."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Cooldown", "Extension", "Promise", "Sizes", "Target", "Transfer", "Way"]

Promise = Literal["best guess", "range", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What an update consumes, as the plan was bound with: without it a text such as "wsd(warmup=5ep)" has no length.

    >>> Sizes(steps_per_epoch=100).sizes
    {'steps_per_epoch': 100, 'tokens_per_step': None, 'samples_per_step': None}
    """

    steps_per_epoch: int | None = None
    tokens_per_step: float | None = None
    samples_per_step: float | None = None

    @property
    def sizes(self) -> dict[str, Any]:
        """The three by name, as `bind` takes them."""
        return {name: getattr(self, name) for name in ("steps_per_epoch", "tokens_per_step", "samples_per_step")}


@dataclass(frozen=True, slots=True)
class Target(Sizes):
    """A plan, and where its best peak lies beside the source's.

    `ratio` is the theory's best peak over the source's own, `low` and `high` the range in which it is to be looked for;
    `peak`, `peak_low`, `peak_high` the same as learning rates where the source's was given. `keeping` is by what
    factor the bound rises when the source's peak is kept, `relative` the bound at the best peak over the source's,
    both over equally many steps. With the promise "range" there is no best guess and `peak` is None; with "none"
    nothing is known, and `reasons` say why.

    >>> Target("cosine()", 10_000, "none", reasons=("it listens",)).peak is None
    True
    """

    plan: str
    horizon: int
    promise: Promise
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    peak: float | None = None
    peak_low: float | None = None
    peak_high: float | None = None
    keeping: float | None = None
    relative: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cooldown:
    """The cooldown of a warm-up-stable-decay plan whose best peak is the one wanted.

    `share` is of the whole run (None: no cooldown is that long, or that short), `low` and `high` the range.

    >>> Cooldown("wsd(cooldown=40%)", 1e-3, 0.4, 0.3, 0.5).share
    0.4
    """

    plan: str
    peak: float
    share: float | None
    low: float | None
    high: float | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer(Sizes):
    """From one plan's best peak to others'.

    `plan`, `peak` (None: only ratios were asked) and `horizon` are the source's; `assumed` tells that nobody gave the
    horizon. `exponent` and `exponents` (lowest, highest) are how the best peak is taken to move with the horizon,
    as horizon to that power; they matter where horizons differ. `notes` hold for all targets.

    >>> Transfer("cosine()", 1e-3, 10_000, True, -0.3, (-0.5, -0.2), ()).targets
    ()
    """

    plan: str
    peak: float | None
    horizon: int
    assumed: bool
    exponent: float
    exponents: tuple[float, float]
    targets: tuple[Target, ...]
    cooldown: Cooldown | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a longer run.

    `multiple` is the peak over the plan's best one at that horizon, `bound` the bound over the lowest there is, that
    of a linear decay at its best peak (1.0 is as good as it gets); `low` and `high` the range of what was chosen
    (`chosen`: "cooldown", "second stage" or "peak") over the exponents; `leaves` the first update at which it differs
    from the run that is there, 0: it begins anew. Where the extension's promise is "range" there is no best guess:
    `value` is None, so is the `peak` of what begins anew, and `plan` is one out of the range.

    >>> Way("as it is", "cosine()", 1e-3, 1.0, 1.03, 0).chosen
    ''
    """

    name: str
    plan: str
    peak: float | None
    multiple: float
    bound: float
    leaves: int
    chosen: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Extension(Sizes):
    """Ways to make a run longer, side by side.

    `plan`, `peak` (None: not given) and `horizon` are the run's as it is, `longer` its new horizon; `assumed` tells
    that nobody gave the horizon. `advice` is the name of the way with the lowest bound among those that go on from
    the run as it is. `promise` is "range" where the theory is known to fail.

    >>> Extension("cosine()", 1e-3, 100, 200, False, -0.3, (-0.5, -0.2), "best guess", "", ()).longer
    200
    """

    plan: str
    peak: float | None
    horizon: int
    longer: int
    assumed: bool
    exponent: float
    exponents: tuple[float, float]
    promise: Promise
    advice: str
    ways: tuple[Way, ...]
    notes: tuple[str, ...] = ()
