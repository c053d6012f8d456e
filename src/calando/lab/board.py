"""How far a study is, as data: what a live view shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calando.lab.strategy import Walk
from calando.records.run import Curve, RunRecord, RunSpec
from calando.records.study import StudySpec

__all__ = ["Board", "Row", "Running", "Tally", "board", "spark", "tally", "time_left"]

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 14


@dataclass(frozen=True, slots=True)
class Running:
    """A run under way: what it is, updates taken, and its loss so far."""

    spec: RunSpec
    steps: int
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate: what it is doing, its peak as far as chosen, its mean so far, a picture of a loss."""

    label: str
    state: str
    peak: str
    score: str
    spark: str
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How much is done; `left` is the seconds still to go (None: too early to say)."""

    done: int
    total: int
    running: int
    left: float | None


@dataclass(frozen=True, slots=True)
class Board:
    """The whole study at one moment."""

    rows: tuple[Row, ...]
    tally: Tally


def spark(values: tuple[float, ...], width: int = WIDTH) -> str:
    """A curve in `width` characters, low to high; only finite values are drawn.

    >>> spark((0.0, 1.0, 2.0, 3.0), width=4)
    '▁▃▆█'
    """
    finite = [value for value in values if abs(value) < float("inf")]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    count = min(width, len(finite))
    picked = [finite[(i * (len(finite) - 1)) // max(1, count - 1)] for i in range(count)]
    if high == low:
        return BLOCKS[0] * count
    return "".join(BLOCKS[round(7 * (value - low) / (high - low))] for value in picked)


def board(
    spec: StudySpec,
    stops: Sequence[Walk],
    runs: Mapping[str, RunRecord],
    running: Mapping[str, Running],
    workers: int,
) -> Board:
    """Show where everything stands."""
    rows = tuple(_row(spec, stop, runs, running) for stop in stops)
    return Board(rows, tally(spec, stops, runs, running, workers))


def tally(
    spec: StudySpec,
    stops: Sequence[Walk],
    runs: Mapping[str, RunRecord],
    running: Mapping[str, Running],
    workers: int,
) -> Tally:
    """Count what is done and guess the time left."""
    total = sum(len(stop.wanted) + stop.ahead for stop in stops)
    done = sum(len(stop.wanted) - len(stop.left) for stop in stops)
    finished = sorted(run.seconds for run in runs.values() if run.status == "done")
    return Tally(done, total, len(running), time_left(spec.horizon, total - done, finished, running, workers))


def time_left(
    horizon: int, more: int, finished: Sequence[float], running: Mapping[str, Running], workers: int
) -> float | None:
    """Seconds that so many runs more will take; None while none has finished.

    Args:
        horizon: updates per run, >= 1.
        more: runs to go, those under way included.
        finished: seconds of the finished ones, ascending.
        running: those under way.
        workers: how many go at a time.

    >>> time_left(100, 4, [1.0, 2.0, 9.0], {}, workers=2)
    4.0
    """
    if not finished:
        return None
    usual = finished[len(finished) // 2]  # the first run of a worker also warms its framework up
    under_way = sum(one.steps / horizon for one in running.values())
    return max(0.0, (more - under_way) * usual / max(1, workers))


def _row(spec: StudySpec, stop: Walk, runs: Mapping[str, RunRecord], running: Mapping[str, Running]) -> Row:
    label = stop.candidate.label
    phase = "confirm" if stop.selection is not None else "select"
    mine = [run for run in stop.wanted if run.phase == phase]
    records = [runs[run.key] for run in mine if run.key in runs]
    verb = "confirming" if phase == "confirm" else "choosing a peak"
    state = "finished" if len(records) == len(mine) else f"{verb} {len(records)}/{len(mine)}"
    if stop.selection is not None and not stop.selection.chosen:
        state = "no peak works"
    scores = [record.final for record in records if record.sound and record.final is not None]
    best = sum(scores) / len(scores) if scores and phase == "confirm" else None
    if phase == "select" and scores:
        best = min(scores) if spec.mode == "min" else max(scores)
    drawn = [one.losses for one in running.values() if one.spec.candidate == label and one.losses]
    if not drawn:
        drawn = [_losses(spec, record) for record in records[-1:]]
    everyone = [runs[run.key] for run in stop.wanted if run.key in runs]
    return Row(
        label,
        state,
        _peak(stop),
        "" if best is None else f"{best:.4g}",
        spark(drawn[-1]) if drawn else "",
        lost=sum(record.status != "done" for record in everyone),
    )


def _losses(spec: StudySpec, record: RunRecord) -> tuple[float, ...]:
    curve: Curve = record.curve(spec.metric)
    return (curve if len(curve) else record.curve("train_loss")).values


def _peak(stop: Walk) -> str:
    if stop.selection is None or stop.selection.peak is None:
        return ""
    edge = {"low": " (edge)", "high": " (edge)"}.get(stop.selection.edge, "")
    return f"{stop.selection.peak:g}{edge}"
