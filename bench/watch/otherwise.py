"""What the diagnosis makes of the same runs where they were logged otherwise.

    python -m bench.watch.otherwise            # writes bench/results/watch/otherwise.md; two to three minutes

Recorded runs with a label are rewritten as other loops might have logged them, and judged again by the rules as
shipped: how many good runs stay without any finding, and how many labels are still told. What a way of logging leaves
out, nobody can tell: a spike between two logged losses is lost.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.watch.labelled.cases import cases
from bench.watch.labelled.recording import HERE, load
from bench.watch.labelled.scoring import QUIET, labelled, observed
from calando.records.diagnosis import Observed, diagnose

HALVES = ("final", "small", "kept", "other")

Pair = tuple[Sequence[float], Sequence[float]]


def averaged(pair: Pair, weight: float) -> Pair:
    """An exponential mean as trackers and progress bars show it: the weight of what was before, its bias taken out."""
    mean, worth, found = 0.0, 0.0, []
    for value in pair[1]:
        mean, worth = weight * mean + (1 - weight) * value, weight * worth + 1 - weight
        found.append(mean / worth)
    return pair[0], found


def means(pair: Pair, many: int) -> Pair:
    """One mean for so many values, at the last of their steps."""
    count = len(pair[1]) // many
    values = [float(np.mean(pair[1][many * place : many * (place + 1)])) for place in range(count)]
    return [pair[0][many * (place + 1) - 1] for place in range(count)], values


def every(pair: Pair, many: int, first: int = 0) -> Pair:
    """One value in so many."""
    return list(pair[0][first::many]), list(pair[1][first::many])


def times(pair: Pair, factor: float) -> Pair:
    """The values times a factor."""
    return pair[0], [factor * value for value in pair[1]]


def further(pair: Pair, factor: float) -> Pair:
    """The steps times a factor."""
    return [factor * step for step in pair[0]], pair[1]


def since(pair: Pair, first: float) -> Pair:
    """Without what was logged before a step."""
    kept = [place for place, step in enumerate(pair[0]) if step >= first]
    return [pair[0][place] for place in kept], [pair[1][place] for place in kept]


def from_share(share: float) -> Callable[[Observed], Observed]:
    """A log that begins when so much of the run was over."""
    return lambda seen: replace(seen, **{
        name: since(getattr(seen, name), share * seen.horizon) for name in ("train", "val", "lr", "asked")
    })  # fmt: skip


def counted_in(many: int) -> Callable[[Observed], Observed]:
    """A log that counts examples or tokens."""
    return lambda seen: replace(
        seen, horizon=many * seen.horizon,
        **{name: further(getattr(seen, name), many) for name in ("train", "val", "lr", "asked")},
    )  # fmt: skip


WAYS: dict[str, Callable[[Observed], Observed]] = {
    "as recorded, every update": lambda seen: seen,
    "in bits": lambda seen: replace(seen, train=times(seen.train, 1.4427), val=times(seen.val, 1.4427)),
    "steps counted in examples (64 each)": counted_in(64),
    "training loss divided by 4 micro-batches": lambda seen: replace(seen, train=times(seen.train, 0.25)),
    "training loss summed over 4 micro-batches": lambda seen: replace(seen, train=times(seen.train, 4.0)),
    "validation loss summed over 1,000 examples": lambda seen: replace(seen, val=times(seen.val, 1000.0)),
    "means of ten training losses": lambda seen: replace(seen, train=means(seen.train, 10)),
    "every tenth training loss": lambda seen: replace(seen, train=every(seen.train, 10)),
    "every other evaluation": lambda seen: replace(seen, val=every(seen.val, 2, 1)),
    "two decimals": lambda seen: replace(
        seen, train=(seen.train[0], np.round(seen.train[1], 2).tolist()),
        val=(seen.val[0], np.round(seen.val[1], 2).tolist()),
    ),
    "training loss averaged by 0.9": lambda seen: replace(seen, train=averaged(seen.train, 0.9)),
    "training loss averaged by 0.98": lambda seen: replace(seen, train=averaged(seen.train, 0.98)),
    "no learning rate": lambda seen: replace(seen, lr=((), ()), asked=((), ())),
    "no training loss": lambda seen: replace(seen, train=((), ())),
    "no validation loss": lambda seen: replace(seen, val=((), ())),
    "begins at 15 %": from_share(0.15),
    "begins at 30 %": from_share(0.3),
    "begins at 60 %": from_share(0.6),
}  # fmt: skip


def runs(half: str) -> list[tuple[str, Observed]]:
    """The runs of a half that have a label, each with it."""
    results = load(half)
    found = [run for case in cases(half) for run in labelled(case, case.seeds, results) if not run.label.left_out]
    return [(run.label.kind, observed(run.recipe, run.trained)) for run in found]


def told(known: Sequence[tuple[str, Observed]], way: Callable[[Observed], Observed]) -> Counter[str]:
    """How often each label is told; of good runs, how many raise no alarm."""
    found: Counter[str] = Counter()
    for kind, seen in known:
        kinds = {one.kind for one in diagnose(way(seen))}
        found[kind] += kinds <= {*QUIET} if kind == "healthy" else kind in kinds
    return found


def page(known: Sequence[tuple[str, Observed]]) -> str:
    """The result for readers."""
    count = Counter(kind for kind, _ in known)
    bad = sorted({*count} - {"healthy"})
    lines = [
        "# The same runs, logged otherwise", "",
        f"Made by `python -m bench.watch.otherwise`: {len(known)} labelled runs of the halves {', '.join(HALVES)} as "
        "other loops might have logged them, judged by the rules as shipped (which know these tasks). Good: runs "
        f"without any finding, of {count['healthy']}. Below the findings how many of the runs that have them are told, "
        "one run alone; what a way of logging leaves out cannot be.", "",
        f"| logged | good | {' | '.join(bad)} |",
        f"| --- | ---: |{' ---: |' * len(bad)}",
        f"| *runs* | {count['healthy']} | {' | '.join(str(count[kind]) for kind in bad)} |",
    ]  # fmt: skip
    for name, way in WAYS.items():
        found = told(known, way)
        good = f"{found['healthy']} ({found['healthy'] / count['healthy']:.3f})"
        lines.append(f"| {name} | {good} | {' | '.join(str(found[kind]) for kind in bad)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Judge, and store."""
    (HERE / "otherwise.md").write_text(page([one for half in HALVES for one in runs(half)]), encoding="utf-8")


if __name__ == "__main__":
    main()
