"""Studies made by formula and written through the store, as `calando compare` would leave them."""

import math

import numpy as np

from calando.records import (
    Candidate,
    Comparison,
    Cost,
    Curve,
    Environment,
    Interval,
    MoreSeeds,
    PeakScore,
    RunRecord,
    RunSpec,
    Selection,
    Standing,
    Store,
    StudySpec,
    Verdict,
    load,
)
from tests.records.synthetic import training

SHAPES = {
    "warmup(5%) | cosine(end=0.1)": ("cosine", 0.02, "baseline"),
    "warmup(5%) | linear_decay()": ("linear", 0.002, "humble"),
    "wsd(warmup=5%, cooldown=20%)": ("wsd", 0.0265, "humble"),
    "constant()": ("constant", 0.06, "humble"),
    "warmup(5%) | step_decay(every=33%, factor=0.1)": ("step", 0.03, "candidate"),
}
PEAKS = (0.01, 0.03, 0.1, 0.3)
TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 31, in train
    loss = step(batch)
  File "train.py", line 17, in step
    raise ValueError("labels must lie in [0, 10), got 10")
ValueError: labels must lie in [0, 10), got 10
"""


def record(label, plan, shape, shift, peak, seed, phase, horizon):
    """One run: too low a peak crawls, the highest diverges or is noisy, the rest differ by shape and seed."""
    spec = RunSpec(label, plan, peak, seed, horizon, phase)
    common = 0.012 * math.sin(7.1 * seed + 1)
    best = 0.1
    run = training(shape, steps=horizon, peak=peak / best, seed=seed, noise=0.08, speed=80.0, held_up=0.12)
    own = 0.004 * math.sin(13.3 * seed + 40 * shift)
    miss = 0.05 * max(0.0, math.log10(peak / best)) ** 2
    train = run.train + miss
    val = run.val + shift + common + own + miss + 0.04 * math.log10(max(best / peak, 1))
    if shape == "constant":  # overfits: the validation loss turns up after 45 % of the run
        val = val + 0.25 * np.clip(run.val_at / horizon - 0.45, 0, None)
    cut, status, reason, traceback = horizon, "done", "", ""
    if peak >= 0.3 and (seed % 2 == 0 or shape in ("constant", "wsd")):
        cut = int(horizon * (0.04 + 0.03 * (seed % 5)))
        first = max(2, cut - 12)
        train[first:cut] *= np.exp(0.5 * np.arange(cut - first))
        train[cut - 1] = math.nan
        status, reason = "diverged", f"train_loss was nan at step {cut - 1}"
    if shape == "step" and seed == 1004:
        cut, status, reason, traceback = horizon // 3, "failed", "ValueError: labels must lie in [0, 10)", TRACEBACK
    kept = run.val_at < (cut if status == "done" else cut - 1)
    curves = {
        "lr": Curve(tuple(range(cut)), tuple((best * run.lr[:cut]).tolist())),
        "train_loss": Curve(tuple(range(cut)), tuple(train[:cut].tolist())),
        "val_loss": Curve(tuple(run.val_at[kept].tolist()), tuple(val[kept].tolist())),
    }
    final = float(val[-1]) if status == "done" else None
    return RunRecord(
        spec, status, reason, traceback, final, curves, steps=cut, seconds=cut * 0.0031 + 0.01 * (seed % 7)
    )  # fmt: skip


def interval(values, factor=2.571):
    mean = float(np.mean(values))
    half = factor * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Interval(mean, mean - half, mean + half, confidence=0.95, n=len(values))


def finals_of(runs):
    finals = {}
    for r in runs:
        finals.setdefault((r.spec.candidate, r.spec.peak, r.spec.phase), {})[r.spec.seed] = r.final
    return finals


def selections(spec, runs):
    """For each candidate the best of the peaks at which nothing was lost."""
    finals, found = finals_of(runs), []
    for c in spec.candidates:
        scores = []
        for peak in spec.peaks:
            values = finals.get((c.label, peak, "select"), {})
            sound = [v for v in values.values() if v is not None]
            mean = float(np.mean(sound)) if sound else None
            scores.append(PeakScore(peak, mean, tuple(values.items()), diverged=len(values) - len(sound)))
        whole = [s for s in scores if s.mean is not None and not s.diverged]
        best = min(whole, key=lambda s: s.mean).peak if whole else None
        edge = "low" if best == spec.peaks[0] else ""
        found.append(Selection(c.label, best, bool(whole), edge, tuple(scores)))
    return tuple(found)


def verdict(spec, runs):
    """A plain stand-in for the lab's statistics: paired t intervals, the leader and all that touch it."""
    finals, chosen = finals_of(runs), {s.label: s.peak for s in selections(spec, runs)}
    means = {}
    for c in spec.candidates:
        values = finals.get((c.label, chosen[c.label], "confirm"), {})
        means[c.label] = (np.mean([v for v in values.values() if v is not None]), values)
    lost = {label: sum(v is None for v in values.values()) for label, (_, values) in means.items()}
    order = sorted(spec.candidates, key=lambda c: (lost[c.label], means[c.label][0]))
    leader = order[0].label

    def versus(label, reference):
        if label == reference:
            return None
        a, b = means[label][1], means[reference][1]
        pairs = [a[s] - b[s] for s in a if a[s] is not None and b.get(s) is not None]
        if len(pairs) < 2:
            return Comparison(label, reference, None, None, len(order) - 1)
        span = interval(pairs, 4.0)
        is_ = "better" if span.high < 0 else "worse" if span.low > 0 else "open"
        return Comparison(label, reference, span, 0.01, len(order) - 1, is_)

    standings = []
    for rank, c in enumerate(order, 1):
        values = means[c.label][1]
        sound = [v for v in values.values() if v is not None]
        gap = versus(c.label, leader)
        tied = gap is None or gap.is_ == "open"
        why = "it leads" if gap is None else "not separated from the leader" if tied else "worse than the leader"
        standings.append(Standing(
            rank, c.label, c.plan, c.role, chosen[c.label], float(means[c.label][0]), interval(sound),
            tuple(values.items()), failed=lost[c.label], tied=tied, versus_baseline=versus(c.label, spec.baseline),
            versus_leader=gap, why=why,
        ))  # fmt: skip
    ties = tuple(s.label for s in standings if s.tied)
    lead = standings[0]
    return Verdict(
        spec.metric, spec.mode, 0.95, 0.0, spec.baseline, leader, ties, leader, tuple(standings),
        selections(spec, runs),
        more=(MoreSeeds(standings[1].label, leader, 5, 5 * 2 * spec.horizon, 0.8),),
        cost=Cost(len(runs), sum(r.steps for r in runs), 3, 1),
        method="Paired differences over the seeds that both finished; two-sided t intervals at 95 %, Holm-corrected.",
        headline=f"{leader} at peak {lead.peak:g} is better than the baseline by "
                 f"{-lead.versus_baseline.interval.mean:.4f} {spec.metric}.",
        sentences=(
            f"On {len(spec.confirm_seeds)} paired seeds that chose nothing, the difference to "
            f"{spec.baseline} is {lead.versus_baseline.interval.mean:+.4f}, 95 % interval "
            f"[{lead.versus_baseline.interval.low:+.4f}, {lead.versus_baseline.interval.high:+.4f}].",
            "Every schedule was compared at its own best peak.",
        ),
        not_proven=(f"anything beyond {spec.horizon:,} updates: the best peak moves with the horizon",
                    "other models, data or batch sizes"),
    )  # fmt: skip


def write(folder, *, horizon=400, question="Which schedule should the digits classifier have?", shapes=SHAPES,
          select=(0, 1, 2), confirm=tuple(range(1000, 1006)), finished=True, environment=None,
          rename=None):  # fmt: skip
    """A whole study in `folder`, through the store; gives it as loaded. `rename` bends labels and plans."""
    rename = rename or (lambda text: text)
    candidates = tuple(Candidate(rename(plan), plan, role=role) for plan, (_, _, role) in shapes.items())
    spec = StudySpec(
        question, "examples/digits_torch.py:train", horizon, candidates, train_sha256="9f" * 32, steps_per_epoch=40,
        peaks=PEAKS, select_seeds=select, confirm_seeds=confirm, baseline=candidates[0].label,
    )  # fmt: skip
    env = environment or Environment(
        "3.11.7", "Linux-6.1-x86_64-glibc2.36", "x86_64", 2, 1,
        {"calando": "0.1.0", "numpy": "2.4.6", "torch": "2.13.0", "scikit-learn": "1.9.1"},
    )  # fmt: skip
    command = ("calando", "compare", "examples/digits_torch.py:train", "--candidates", *shapes, "--peaks",
               ",".join(map(str, PEAKS)), "--workers", "2")  # fmt: skip
    runs = []
    with Store(folder) as store:
        store.save_spec(spec)
        session = store.begin_session(command, 4242, 2, env)

        def finish(run):
            runs.append(run)
            store.finish(store.begin_attempt(session, run.spec.key, 4243), run)

        for candidate, (shape, shift, _) in zip(candidates, shapes.values(), strict=True):
            for peak in PEAKS:
                for seed in select:
                    finish(record(candidate.label, candidate.plan, shape, shift, peak, seed, "select", horizon))
        if finished:
            chosen = {s.label: s.peak for s in selections(spec, runs)}
            for candidate, (shape, shift, _) in zip(candidates, shapes.values(), strict=True):
                peak = chosen[candidate.label]
                for seed in confirm:
                    finish(record(candidate.label, candidate.plan, shape, shift, peak, seed, "confirm", horizon))
            store.save_verdict(verdict(spec, runs))
        store.end_session(session)
    return load(folder)
