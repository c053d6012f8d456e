"""What the short runs say about each promise; pure functions of what came back."""

import math
from collections.abc import Callable

from calando.lab.checking.probes import MOVING, Probe, Probes, apart
from calando.lab.checking.where import Places
from calando.lab.stop import BROKEN
from calando.records.checking import Promise

__all__ = ["BY_NAME", "judged"]

RUNS, SEED, OTHER = "it runs to its end", "the same seed gives the same run", "another seed gives another run"
RATE, QUARTER, MOVES = "the rate used is the rate asked", "a quarter horizon is a quarter", "the loss moves"
METRIC, LOG, RESUMES, KNOBS = "the metric is logged", "logging is cheap", "a snapshot resumes bit for bit", "knobs"
PEAK = "give --peak with a rate that trains, for example --peak 0.01, or the optimizer a smaller lr"
SMALL = 1e-4  # relative: a difference that sums in another order explain
TIMED = 0.5  # seconds, below which two runs cannot be told apart by the clock
DEAR = 0.05  # of an update's time
MANY = 200  # values an update: more than anyone looks at, and a study keeps them all


def judged(probes: Probes, places: Places, log_cost: Callable[[int], float]) -> tuple[Promise, ...]:
    """Every promise, in the order in which people should mend them.

    Args:
        probes: the short runs.
        places: lines of the source.
        log_cost: seconds that one `run.log` of so many values takes.
    """
    first = probes.first
    if first.ended.status not in ("done", "diverged"):
        return _failed(probes, places)
    promises = [
        _runs(probes, places),
        rate(probes, places),
        same(probes, places),
        other(probes, places),
        quarter(probes, places),
        moves(probes, places),
        metric(probes, places),
        logging(probes, places, log_cost),
        resumes(probes, places),
        knobs(probes),
    ]
    return tuple(promises)


def _failed(probes: Probes, places: Places) -> tuple[Promise, ...]:
    """The first run failed: which promise that breaks, and the rest untested."""
    ended = probes.first.ended
    reason = ended.reason.removeprefix(f"{BROKEN}: ")
    what, _, fix = reason.partition("; ")
    what = what or f"the run was {ended.status}"
    name, where, why = RUNS, places.at("steps"), "nothing can be learnt from a run that stops"
    if ended.reason.startswith(BROKEN):
        if "rate" in what or "nothing uses the candidate" in what or "made no update" in what:
            name, where = RATE, places.at("attach", "steps")
            why = "a study would compare schedules that were never in force"
        elif "came back after" in what:
            name, where, why = (
                QUARTER,
                places.at("steps"),
                "the run owns the horizon; a schedule that is cut is another",
            )
        elif "was not logged at the end" in what:
            name, where, why = METRIC, places.at("eval_due", "log", "steps"), "without it no run has a result"
    else:
        line = _line_of(ended.traceback, places)
        where, fix = line or where, fix or "mend the error; the traceback is below"
    found = what if name != RUNS or not ended.traceback else f"{what}\n{ended.traceback.rstrip()}"
    broken = Promise(name, "broken", found, why, fix or "see the message", where)
    rest = [n for n in BY_NAME if n != name]
    return (broken, *(Promise(n, "untested", "the first run did not reach its end") for n in rest))


def _line_of(traceback: str, places: Places) -> str:
    """The innermost line of the user's own file in a traceback."""
    found = ""
    name = places.file.rpartition("/")[2]
    for line in traceback.splitlines():
        head, _, tail = line.strip().partition('", line ')
        if head.startswith("File ") and name and head.endswith(name):
            found = f"{places.file}:{tail.partition(',')[0]}"
    return found


def _runs(probes: Probes, places: Places) -> Promise:
    lost = {name: run.ended for name, run in probes.runs.items() if run.ended.status not in ("done", "diverged")}
    if lost:
        name, ended = next(iter(lost.items()))
        said = f'the first run did, the run "{name}" did not: {ended.reason}'
        return Promise(RUNS, "broken", said, "a study makes hundreds of runs", "mend the error", places.at("steps"))
    if probes.first.ended.status == "diverged":
        asked = probes.first.task.spec.peak
        why = f"at {'the rate it starts from' if asked is None else f'peak {asked:g}'} no run should diverge so early"
        fix = f"{PEAK}, or look at the first updates"
        return Promise(
            RUNS, "warning", f"it diverged: {probes.first.ended.reason}", why, fix, places.at("attach", "lr")
        )
    return Promise(RUNS, "ok", f"{probes.steps} updates in {probes.first.ended.seconds:.2g} s")


def rate(probes: Probes, places: Places) -> Promise:
    """The rate that the optimizer saw at every update, held against the schedule by the run itself."""
    turns = [note for note in probes.first.ended.notes if "in one turn" in note]
    if turns:
        why = "a schedule counts updates: with two in one turn it moves half as fast as you think"
        fix = "make one turn of the loop per optimizer.step(), also under gradient accumulation"
        return Promise(RATE, "warning", turns[0], why, fix, places.at("steps"))
    rates, again = probes.get("rates"), probes.get("again")
    by_hand = not places.has("attach") and bool(places.file) and (places.has("lr") or places.has("schedule"))
    if rates is None or rates.ended.status not in ("done", "diverged"):
        return Promise(RATE, "untested", "no run with other rates came to its end")
    steady = again is not None and difference(probes.first, again) is None
    if steady and _unmoved(probes.first, rates):
        why = "a study would compare schedules that change nothing"
        fix = "use the rate of every update: run.attach(optimizer), or run.lr in the step of your own"
        said = "every logged number is the same under other rates: the rate is read and not used"
        return Promise(RATE, "broken", said, why, fix, places.at("attach", "lr", "steps"))
    if by_hand:
        said = "taken by hand from run.lr or run.schedule; other rates give another run" if steady else "taken by hand"
        return Promise(
            RATE, "ok" if steady else "untested", f"{said}, beyond that only you know", where=places.at("lr")
        )
    return Promise(RATE, "ok", f"at every one of {probes.steps} updates of {MOVING}")


def _unmoved(first: Probe, rates: Probe) -> bool:
    """Whether two runs under different rates logged the very same numbers."""
    mine, other = ({n: c for n, c in probe.ended.curves.items() if n != "lr"} for probe in (first, rates))
    return len(set(first.losses)) > 1 and mine == other  # a loss that never moves is another promise's


def same(probes: Probes, places: Places) -> Promise:
    """The same seed in this process, and in another."""
    first, again, twin = probes.first, probes.get("again"), probes.get("twin")
    if any(run is None or run.ended.status not in ("done", "diverged") for run in (again, twin)):
        return Promise(SEED, "untested", "a run of the same seed did not come to its end")
    here = None if again is None else difference(first, again)
    there = None if twin is None else difference(first, twin)
    if here is None and there is None:
        return Promise(SEED, "ok", "bit for bit, in one process and in two")
    why = "pairs of runs share their seed, which quarters the bill; without it noise hides what schedules do"
    fix, where = _culprit(first, again, twin, here, there, places)
    return Promise(SEED, "broken", here or there or "", why, fix, where)


def _culprit(
    first: Probe, again: Probe | None, twin: Probe | None, here: str | None, there: str | None, places: Places
) -> tuple[str, str]:
    if here is not None and there is None:
        return (
            "something outlives a run in its process (a model or a cache made at import); make it in the train"
            " function, or use --isolate",
            places.at(),
        )
    other = again if here is not None else twin
    gap = apart(first.losses, other.losses) if other is not None else None
    if there is not None and here is None:
        if gap is not None and twin is not None and twin.task.keep_at and gap[0] >= twin.task.keep_at[0]:
            return "the runs part where a snapshot was written: capturing the state must not change it", places.at(
                "keep"
            )
        return (
            "it differs from process to process: sort what comes from a set or a folder, and let nothing depend on"
            " hash(), the clock or the process id",
            places.at(),
        )
    size = max((abs(x) for x in first.losses if math.isfinite(x)), default=1.0)
    if gap is not None and 0 < gap[1] <= SMALL * size:
        return (
            "the difference is tiny, so it is arithmetic: torch.use_deterministic_algorithms(True),"
            " torch.backends.cudnn.benchmark = False, and one number of threads",
            places.at(),
        )
    if gap is not None and gap[0] == 0:
        return (
            "it differs from the first update on: seed the initialisation and the data order from run.seed"
            " (torch.manual_seed(run.seed), numpy.random.default_rng(run.seed), a loader's generator)",
            places.at("seed"),
        )
    return (
        "it begins alike and parts later: a generator is unseeded (dropout, augmentation, a loader's workers), or the"
        " data order is",
        places.at("seed", "steps"),
    )


def difference(left: Probe, right: Probe) -> str | None:
    """How two runs that ought to be equal differ, in words; None where they agree bit for bit."""
    for name in sorted({*left.ended.curves, *right.ended.curves}, key=lambda name: (name != "train_loss", name)):
        mine, other = left.ended.curves.get(name), right.ended.curves.get(name)
        if mine is None or other is None:
            return f"{name} was logged by one of two runs only"
        if mine.steps != other.steps:
            return f"{name} was logged at other updates"
        if (gap := apart(mine.values, other.values)) is not None:
            return (
                f"{name} differs from update {mine.steps[min(gap[0], len(mine.steps) - 1)]} on, by up to {gap[1]:.2g}"
            )
    if left.ended.digest != right.ended.digest:
        return "everything logged agrees, but what is kept at the end differs"
    return None


def other(probes: Probes, places: Places) -> Promise:
    """Another seed must change something."""
    second = probes.get("other")
    if second is None or second.ended.status not in ("done", "diverged"):
        return Promise(OTHER, "untested", "no run of a second seed came to its end")
    if probes.first.losses and difference(probes.first, second) is None:
        why = "seeds that change nothing make every result look certain"
        fix = "seed from run.seed, not from a number of your own: torch.manual_seed(run.seed)"
        return Promise(OTHER, "broken", "seeds 0 and 1 gave the very same numbers", why, fix, places.at("seed"))
    if len(set(probes.first.losses)) > 1 and apart(probes.first.losses, second.losses) is None:
        why, fix = (
            "two seeds must see different data or start elsewhere",
            "seed initialisation and data order from run.seed",
        )
        return Promise(OTHER, "broken", "seeds 0 and 1 gave the same losses", why, fix, places.at("seed"))
    return Promise(OTHER, "ok", "seeds 0 and 1 part")


def quarter(probes: Probes, places: Places) -> Promise:
    """A quarter of the updates, and about a quarter of the time."""
    short, full = probes.get("quarter"), probes.get("again") or probes.first
    if short is None or short.ended.status != "done":
        return Promise(QUARTER, "untested", "no quarter came to its end" if short is not None else "no quarter was run")
    wanted = probes.steps // 4
    if short.ended.steps != wanted:
        said = f"{short.ended.steps} updates where {wanted} were asked for"
        return Promise(
            QUARTER, "broken", said, "the run owns the horizon", "loop over run.steps alone", places.at("steps")
        )
    seconds, whole = short.ended.seconds, full.ended.seconds
    said = f"{wanted} of {probes.steps} updates in {seconds:.2g} of {whole:.2g} s"
    if whole < TIMED:
        return Promise(QUARTER, "ok", f"{said}, too quick to tell more")
    if seconds > 0.75 * whole:
        why = "short runs would cost as much as long ones: most of the time does not depend on the horizon"
        fix = "load data and build what is fixed once, at import; evaluate only when run.eval_due"
        return Promise(QUARTER, "warning", said, why, fix, places.at())
    return Promise(QUARTER, "ok", said)


def moves(probes: Probes, places: Places) -> Promise:
    """The training loss must change."""
    losses = [loss for loss in probes.first.losses if math.isfinite(loss)]
    if "train_loss" not in probes.first.ended.curves and "loss" not in probes.first.ended.curves:
        fix = "write run.log(train_loss=loss) after every update"
        why = "range tests, divergence and the live view read it"
        return Promise(MOVES, "warning", "no train_loss was logged", why, fix, places.at("log", "steps"))
    if len(losses) > 1 and max(losses) == min(losses):
        why = "nothing is trained, so no schedule can matter"
        fix = "call loss.backward() and optimizer.step() on the model's own parameters, and log this update's loss"
        return Promise(MOVES, "broken", f"it is {losses[0]:.6g} at every update", why, fix, places.at("*.step", "log"))
    return Promise(MOVES, "ok", f"{losses[0]:.4g} to {losses[-1]:.4g}" if losses else "nothing finite")


def metric(probes: Probes, places: Places) -> Promise:
    """The metric whenever it is due, at the end, and finite."""
    from calando.lab.stages import evaluation_steps

    curve = probes.first.ended.curves.get(probes.metric)
    due = sorted(evaluation_steps(probes.first.task.evals, probes.steps))
    steps = list(curve.steps) if curve is not None else []
    missing = sorted(set(due) - set(steps))
    fix = f"write `if run.eval_due: run.log({probes.metric}=...)` inside the loop"
    if probes.first.ended.status == "diverged":
        return Promise(
            METRIC, "untested", "the run diverged before its end", "nothing shows what a study would judge", PEAK
        )
    if missing:
        said = f"{probes.metric} is missing at {len(missing)} of {len(due)} evaluations"
        why = "curves of the metric have holes; only the last one decides"
        return Promise(METRIC, "warning", said, why, fix, places.at("eval_due", "log"))
    if len(steps) > len(due):
        said = f"{probes.metric} was logged {len(steps)} times where {len(due)} were due"
        why = "an evaluation that is not due costs time that no budget counts"
        return Promise(METRIC, "warning", said, why, fix, places.at("log"))
    values = curve.values if curve is not None else ()
    if any(not math.isfinite(value) for value in values):
        why = "a run whose metric is not finite counts as diverged"
        return Promise(
            METRIC, "broken", f"{probes.metric} is {values[-1]}", why, "mend the evaluation", places.at("log")
        )
    return Promise(METRIC, "ok", f"{probes.metric} at all {len(due)} evaluations, {values[-1]:.4g} at the end")


def logging(probes: Probes, places: Places, cost: Callable[[int], float]) -> Promise:
    """What `run.log` costs of an update."""
    curves = probes.first.ended.curves
    count = sum(len(curve) for name, curve in curves.items() if name != "lr")
    each = max(1, round(count / max(1, probes.steps)))
    took = cost(each)
    update = max(1e-9, (probes.get("again") or probes.first).ended.seconds / probes.steps)
    share = 100 * took / update
    said = f"{each} value{'s' if each > 1 else ''} an update, {1e6 * took:.0f} us ({share:.2g} % of an update)"
    if each > MANY or (took > DEAR * update and each > 20):
        fix = "log fewer numbers, or only when run.eval_due"
        return Promise(LOG, "warning", said, "logging slows the training", fix, places.at("log"))
    return Promise(LOG, "ok", said)


def resumes(probes: Probes, places: Places) -> Promise:
    """A run that goes on from a snapshot must equal the one never interrupted."""
    twin, resumed = probes.get("twin"), probes.get("resumed")
    opened = twin.opened if twin is not None else None
    why = "without it a killed run begins anew or goes on wrongly, and what runs share may be wrong"
    add = (
        "name what changes, above the loop:"
        " run.keep(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader)"
    )
    if opened is not None and not opened.kept:
        what = opened.unkept or "run.keep names nothing"
        return Promise(RESUMES, "warning", what, why, add, places.at("keep", "steps"))
    if twin is None or opened is None or twin.ended.status != "done":
        return Promise(RESUMES, "untested", "no run reached a snapshot")
    if resumed is None:
        said = twin.reached.reason if twin.reached is not None and twin.reached.reason else "no snapshot was written"
        return Promise(
            RESUMES, "broken", said, why, "keep only what can be kept; see docs/snapshots.md", places.at("keep")
        )
    names = ", ".join(opened.kept)
    if resumed.opened is not None and resumed.opened.refused:
        return Promise(RESUMES, "broken", resumed.opened.refused, why, add, places.at("keep"))
    if resumed.ended.status != "done":
        said = f"the resumed run {resumed.ended.status}: {resumed.ended.reason}"
        return Promise(RESUMES, "broken", said, why, add, places.at("keep"))
    if (how := _parted(probes.first, resumed)) is None:
        return Promise(RESUMES, "ok", f"from update {twin.task.keep_at[0]} of {probes.steps}, with {names} kept")
    if same(probes, places).status == "broken":
        return Promise(
            RESUMES, "untested", "the same seed does not give the same run, so nothing can be held against it"
        )
    missing = [note for note in resumed.ended.notes if note.startswith("not kept")]
    hint = f"; {missing[0]}" if missing else ""
    fix = "keep everything that changes and is used again: other models, averages, counters (run.hold), generators"
    return Promise(RESUMES, "broken", f"{how}{hint} (kept: {names})", why, fix, places.at("keep", "steps"))


def _parted(whole: Probe, resumed: Probe) -> str | None:
    """How a resumed run differs from the second part of the whole one; None where it does not."""
    begin = resumed.opened.start if resumed.opened is not None else 0
    for name, curve in sorted(whole.ended.curves.items(), key=lambda item: (item[0] != "train_loss", item[0])):
        late = [(s, v) for s, v in zip(curve.steps, curve.values, strict=True) if s >= begin]
        other = resumed.ended.curves.get(name)
        mine = [] if other is None else [p for p in zip(other.steps, other.values, strict=True) if p[0] >= begin]
        if [s for s, _ in late] != [s for s, _ in mine]:
            return f"after a resumption {name} was logged at other updates"
        if (gap := apart(tuple(v for _, v in late), tuple(v for _, v in mine))) is not None:
            return f"after a resumption {name} differs from update {late[gap[0]][0]} on, by up to {gap[1]:.2g}"
    if whole.ended.digest != resumed.ended.digest:
        return "everything logged agrees after a resumption, but what is kept at the end differs"
    return None


def knobs(probes: Probes) -> Promise:
    """What the train function lets a study choose."""
    opened = probes.first.opened
    found = opened.knobs if opened is not None else ()
    if not found:
        return Promise(KNOBS, "ok", "none; run.suggest(name, low, high) would let tune search along it")
    said = []
    for knob in found:
        span = (
            f"one of {len(knob.choices)}"
            if knob.choices
            else f"{knob.low:g} to {knob.high:g}{' log' if knob.log else ''}"
        )
        said.append(f"{knob.name} ({span}, else {knob.default})")
    return Promise(KNOBS, "ok", ", ".join(said))


BY_NAME = (RUNS, RATE, SEED, OTHER, QUARTER, MOVES, METRIC, LOG, RESUMES, KNOBS)
