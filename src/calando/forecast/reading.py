"""From logs to loss curves: each with the learning rates that it was trained under, or the reason why not."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calando.core.text import parse
from calando.errors import BadFile, BadName, BadValue, CalandoError, counted, did_you_mean, shown, tame
from calando.forecast.asked import MOST_STEPS
from calando.forecast.curve import LossCurve, plan_rates
from calando.forecast.spreading import rate_of
from calando.records.logs.guess import plain, scores
from calando.records.logs.log import ENOUGH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from calando.records.logs import Log

    FloatArray = NDArray[np.float64]

__all__ = ["Given", "Readings", "curves_of", "given_of"]

NOTHING = 0.1  # of the first loss: zeros behind such losses are rounded, or what a margin leaves


@dataclass(frozen=True, slots=True)
class Given:
    """What a user says of a run that its log does not: the plan it followed, its peak and its length in updates."""

    plan: str
    peak: float | None = None
    horizon: int | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """The curves of some logs, lines to be shown about how they were read, and the errors of those that could not.

    A run whose losses ended in what is no number, or fell to zeros at once, diverged: it is among the refused, and
    `edge` is the lowest peak at which that happened, so that nothing is chosen from there up.
    """

    curves: tuple[LossCurve, ...]
    told: tuple[str, ...]
    refused: tuple[CalandoError, ...] = ()
    edge: float = math.inf

    def below_edge(self, peak: float) -> bool:
        """Whether no run diverged at this peak or a lower one."""
        return peak < self.edge * (1.0 - 1e-9)


def given_of(
    texts: Iterable[str], peak: float | None = None, horizon: int | None = None, runs: Iterable[str] = ()
) -> dict[str, Given]:
    """What a user says of runs, in text: `[RUN=]PLAN [@ PEAK]`, by the run's name; "" stands for all others.

    Args:
        texts: one a run, or one for all.
        peak: the peak of those that name none, > 0.
        horizon: their length in updates, 2 to 10,000,000; left out, where the log ends.
        runs: names of the runs there are, which may hold any sign.

    Raises:
        BadValue: for a peak that is no rate, a length that is none, or a run that is named twice.
        PlanError: what the plan's parser raises.

    Example:
        >>> given_of(["cosine() @ 1e-3", "b.csv=wsd(cooldown=30%)"])["b.csv"]
        Given(plan='wsd(cooldown=30%)', peak=None, horizon=None)
    """
    texts, known = list(texts), sorted(runs, key=len, reverse=True)
    _checked(texts, peak, horizon)
    found: dict[str, Given] = {}
    for text in texts:
        name = next((one for one in known if text.startswith(one + "=")), "")
        said, at, rate = text[len(name) + bool(name) :].partition("@")
        equals, opens = said.find("="), said.find("(")
        plan = said
        if not name and equals > 0 and not 0 <= opens < equals:
            name, plan = said[:equals].strip(), said[equals + 1 :]
        if name in found:
            raise BadValue(
                given=f"two plans for {shown(name) if name else 'all runs'}", allowed="one plan a run", where="plan",
                fix="write RUN=PLAN for each run that differs",
            )  # fmt: skip
        schedule, own = str(parse(plan.strip())), peak
        if at:
            own = rate_of(
                rate, given=f"the peak in {shown(text)}", allowed="a finite learning rate > 0 after @", where="plan",
                fix='write for example "cosine() @ 3e-4"',
            )  # fmt: skip
        found[name] = Given(schedule, own, horizon)
    return found


def _checked(texts: list[str], peak: float | None, horizon: int | None) -> None:
    """Refuse a peak or a length that is none, or that belongs to no plan."""
    if peak is not None and not 0 < peak < math.inf:
        raise BadValue(
            given=f"peak={shown(peak)}",
            allowed="a finite learning rate > 0",
            where="peak",
            fix="write for example 3e-4",
        )
    if horizon is not None and not 2 <= horizon <= MOST_STEPS:
        raise BadValue(
            given=f"a run of {horizon:,} updates", allowed=f"2 to {MOST_STEPS:,}", where="run horizon",
            fix="give the whole length of the run in updates",
        )  # fmt: skip
    if not texts and (peak is not None or horizon is not None):
        raise BadValue(
            given="a peak or a length of runs without their plan", allowed="both, or neither", where="plan",
            fix='say which plan they followed: --plan "cosine()"',
        )  # fmt: skip


def curves_of(
    logs: "Iterable[Log]",
    given: Mapping[str, Given] | None = None,
    *,
    loss: str | None = None,
    steps_per_epoch: int | None = None,
) -> Readings:
    """Loss curves from logs; a run whose learning rates are not known is refused with what to give.

    The rates are those of the plan that was given, else of the plan that the log names, else the log's own column.
    Runs of which fewer than two losses may be fitted are refused, too.

    Args:
        logs: from `calando.records.logs.read_logs`.
        given: what the logs leave out, by the run's name, "" for all others; see `given_of`.
        loss: the column to fit; left out, the validation loss where it has enough points.
        steps_per_epoch: updates in an epoch, >= 1, for logs that count epochs.

    Raises:
        BadName: when a run is named that no log has.

    Example:
        >>> from calando.records.logs import Column, Log
        >>> column = Column(np.arange(1, 11), np.linspace(3, 2, 10))
        >>> log = Log("a", "a.csv", "csv", {"loss": column}, loss="loss")
        >>> curves_of([log], {"": Given("linear_decay()", 0.1)}).curves[0].rates[:2].tolist()
        [0.1, 0.09000...]
        >>> curves_of([log]).refused[0].fix
        'say which plan it followed: --plan "cosine() @ 3e-4", ...'
    """
    given, logs = dict(given or {}), list(logs)
    for name in given:
        if name and name not in (names := [log.name for log in logs]):
            raise BadName(
                given=f"a plan for the run {shown(name)}{did_you_mean(name, names)}",
                allowed="the name of a run that was read: " + ", ".join(shown(one, 60) for one in names[:6]),
                where="plan", fix="name the run as it is shown, or write the plan alone for all",
            )  # fmt: skip
    curves: list[LossCurve] = []
    told: list[str] = []
    refused: list[CalandoError] = []
    edge = math.inf
    for log in logs:
        if log.unit == "epoch" and steps_per_epoch is not None:
            log = log.in_steps(steps_per_epoch)
        told += log.told()
        said = given.get(log.name, given.get(""))
        try:
            if (step := _diverged(log, loss)) is not None:
                edge = min(edge, _highest(log, said))
                raise BadFile(
                    given=f"{log.name}, a run that diverged: no finite loss above 0 from step {step:,} on",
                    allowed="runs that train to their end", where=tame(log.source),
                    fix="nothing: it tells where the peak is too high, and no peak from there up is answered for",
                )  # fmt: skip
            _refuse_below_zero(log, loss)
            curves.append(_curve(log, said, loss))
            told += _zeros_left_out(log, loss)
        except CalandoError as error:
            refused.append(error)
    return Readings(tuple(curves), tuple(told), tuple(refused), edge)


def _diverged(log: "Log", loss: str | None) -> int | None:
    """The step from which on a run's losses are no numbers, or zeros in their place; None where it trained on.

    The column that is fitted tells; so does the training loss, unless the fitted one goes on behind it.
    """
    fitted = _fitted(log, loss)
    sound_to = -1
    for name in dict.fromkeys([fitted, log.loss]):
        if not name or name not in log.columns:
            continue
        column = log.columns[name]
        sound = np.isfinite(column.values)
        if name != log.val_loss and _zeros_for_nan(log, name):
            sound &= column.values != 0
        places = np.flatnonzero(sound)
        first = int(places[-1]) + 1 if len(places) else 0
        if name == fitted and len(places):
            sound_to = int(column.steps[places[-1]])
        if len(column) - first < 2 or int(column.steps[first]) <= sound_to:
            continue
        return int(column.steps[first])
    return None


def _fitted(log: "Log", loss: str | None) -> str:
    """The column that is fitted: what `Log.losses` takes."""
    dense = bool(log.val_loss) and len(log.columns[log.val_loss]) >= ENOUGH
    return loss or (log.val_loss if dense or not log.loss else log.loss) or ""


def _zeros_for_nan(log: "Log", name: str) -> bool:
    """Whether the zeros at the end of training losses stand for losses that were no numbers.

    A loss of 0 is a loss. But Hugging Face's Trainer, and what is built on it, logs 0 for a training loss that became
    NaN: at once, from where the loss was still high, and with a norm of the gradient, where it is logged, that is no
    number either.
    """
    column = log.columns[name]
    losses = np.flatnonzero(np.isfinite(column.values) & (column.values != 0))
    before = np.abs(column.values[losses])
    if not len(losses) or before[-3:].min() <= NOTHING * before[0]:
        return False
    norms = next((norms for other, norms in log.columns.items() if plain(other).endswith("grad_norm")), None)
    behind = norms.values[norms.steps > column.steps[losses[-1]]] if norms is not None else np.zeros(0)
    return not (len(behind) and bool(np.isfinite(behind).all()))


def _zeros_left_out(log: "Log", loss: str | None) -> list[str]:
    """A line where losses of 0 are not fitted."""
    name = _fitted(log, loss)
    zeros = int((log.columns[name].values == 0).sum()) if name in log.columns else 0
    words = f"{log.name}: {counted(zeros, 'time')} {shown(name)} is 0 and not fitted: laws are about losses above 0"
    return [tame(words)] if zeros else []


def _refuse_below_zero(log: "Log", loss: str | None) -> None:
    """A loss that goes below 0 is another kind of loss, and says nothing against the peak."""
    name = _fitted(log, loss)
    values = log.columns[name].values if name in log.columns else np.zeros(0)
    below = int((np.isfinite(values) & (values < 0)).sum())
    if below >= 2:
        raise BadFile(
            given=f"{log.name}, of whose losses {shown(name)} {below} are below 0", allowed="losses above 0",
            where=tame(log.source),
            fix="name a loss that cannot fall below 0, such as a cross-entropy of classes: --loss NAME; laws are about"
            " those alone",
        )  # fmt: skip


def _highest(log: "Log", given: Given | None) -> float:
    """The peak of a run that diverged; infinite where nobody knows it."""
    try:
        return _peak(log, given)
    except CalandoError:
        return math.inf


def _curve(log: "Log", given: Given | None, loss: str | None) -> LossCurve:
    losses = log.losses(loss)
    if loss is not None and scores(loss):
        raise BadFile(
            given=f"{shown(loss)}, which by its name is better when higher",
            allowed="a loss: laws of training are of what falls", where=tame(log.source),
            fix="name a loss by --loss, or leave this run out",
        )  # fmt: skip
    if int(losses.steps[-1]) > MOST_STEPS or log.horizon > MOST_STEPS:
        raise BadFile(
            given=f"{log.name}, a run of {max(log.horizon, int(losses.steps[-1])):,} updates",
            allowed=f"at most {MOST_STEPS:,}", where=tame(log.source),
            fix="name the column that counts updates, and not tokens or samples: --step NAME",
        )  # fmt: skip
    if len(losses) < 2:
        raise BadFile(
            given=f"a log of {len(losses)} loss that may be fitted", allowed="at least 2", where=tame(log.source),
            fix="log the loss more often, or name another column by --loss",
        )  # fmt: skip
    last = int(losses.steps[-1])
    seed = log.meta.get("seed")
    about = {"source": log.source, "seed": seed if isinstance(seed, int) else None}
    given = given or _known(log)
    if given is not None:
        peak = _peak(log, given)
        horizon = given.horizon if given.horizon is not None else log.horizon
        if horizon < last:
            raise BadValue(
                given=f"a run of {horizon:,} updates with a loss after {last:,}", allowed=f"{last:,} updates or more",
                where=tame(log.source), fix="give its whole length: --run-horizon",
            )  # fmt: skip
        rates = plan_rates(given.plan, peak, horizon)
        return LossCurve(log.name, losses.steps, losses.values, rates, peak=peak, plan=given.plan, **about)  # type: ignore[arg-type]
    if log.unit == "step" and not log.lr:
        raise BadFile(
            given=f"{log.name}, a log without a learning rate", allowed="one, or the plan that the run followed",
            where=tame(log.source),
            fix='say which plan it followed: --plan "cosine() @ 3e-4", with --run-horizon where it is cut short;'
            " or name the column: --lr NAME",
        )  # fmt: skip
    return LossCurve(log.name, losses.steps, losses.values, _logged(log), **about)  # type: ignore[arg-type]


def _logged(log: "Log") -> "FloatArray":
    """The logged rates; a rise that is under way where logging begins is drawn back to the start."""
    rates = np.array(log.rates())
    column = log.columns[log.lr]
    first, second = int(column.steps[0]), int(column.steps[min(1, len(column) - 1)])
    slope = (column.values[1] - column.values[0]) / (second - first) if second > first else 0.0
    if first > 1 and np.isfinite(slope) and slope > 0 and log.kind != "keras":  # whose rates hold for an epoch
        rates[:first] = np.maximum(rates[first - 1] - slope * np.arange(first - 1, -1, -1), 0.0)
    return rates


def _known(log: "Log") -> Given | None:
    """The plan that the log itself names, where that is all there is to know of its rates."""
    plan, peak = log.meta.get("plan"), log.meta.get("peak")
    if not isinstance(plan, str) or not plan or not isinstance(peak, int | float) or not peak > 0:
        return None
    schedule = parse(plan)
    if log.lr and "reduce_on_plateau" in plan:
        return None  # what the listener did stands in the log alone
    return Given(str(schedule), float(peak))


def _peak(log: "Log", given: Given | None) -> float:
    """The peak that was said, or else the log's own: the one it names, or its highest rate."""
    if given is not None and given.peak is not None:
        return given.peak
    peak = log.meta.get("peak")
    if isinstance(peak, int | float) and peak > 0:
        return float(peak)
    if log.lr:
        values = log.columns[log.lr].values
        values = values[np.isfinite(values)]
        if len(values) and values.max() > 0:
            return float(values.max())
    raise BadFile(
        given=f"{log.name}, a run whose peak learning rate is not known", allowed="a plan with its peak",
        where=tame(log.source), fix='write it after the plan: --plan "cosine() @ 3e-4", or give --peak',
    )  # fmt: skip
