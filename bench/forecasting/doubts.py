"""Do curves on which laws fail say so by themselves, and do good ones keep still?

python -m bench.forecasting.doubts            # prints
python -m bench.forecasting.doubts --write    # also records bench/results/forecast/doubts.json and .md
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.forecasting.live import load
from bench.forecasting.live.grids import PEAKS, PLAIN, SHAPES, WAVES
from bench.forecasting.records import folder, llama, multipower
from calando.forecast.curve import LossCurve
from calando.forecast.doubts import doubts_of

HERE = Path(__file__).parents[1] / "results" / "forecast"
LANGUAGE = [name for name in SHAPES if name not in WAVES]
GOOD, BAD = "good", "bad"
SILENT = 0.02  # of the sets of curves on which laws fail


def groups() -> Iterable[tuple[str, str, list[list[LossCurve]]]]:
    """What is judged: whether laws ought to hold, what it is, and the sets of curves that are judged together."""
    where = folder()
    if where is not None:
        yield (
            GOOD,
            "124M language model (llama), each run alone",
            alone(run.curve for run in llama(where, dataset=None)),
        )
        runs = [curve for curves in multipower(where).values() for curve in curves.values()]
        yield GOOD, "25M and 100M language models (multipower), each run alone", alone(runs)
    yield GOOD, "our language model, peaks .004 to .064, each run alone", alone(load("characters", peaks=PEAKS[:5]))
    yield (
        GOOD,
        "our language model, three plans at peaks .008, .016, .032 together",
        [
            load(
                "characters",
                horizons=[horizon],
                peaks=PEAKS[1:4],
                shapes=["wsd 20 %", "wsd 50 %", "linear"],
                seeds=[seed],
            )
            for horizon in (300, 600, 1200)
            for seed in range(4)
        ],
    )
    yield (
        BAD,
        "our language model, peak .128 beside .016 (too large), 2400 and 4800 updates",
        [
            load("characters", horizons=[horizon], peaks=[0.016, 0.128], shapes=[shape], seeds=[seed])
            for horizon in (2400, 4800)
            for shape in LANGUAGE
            for seed in range(4)
        ],
    )
    yield BAD, "images learned by heart, held-out loss, each run alone", alone(load("images-few", shapes=PLAIN))
    yield (
        BAD,
        "images, peaks .4 to 1.6 beside .05 (too large)",
        [
            load("images", horizons=[horizon], peaks=[0.05, peak], shapes=[shape], seeds=[seed])
            for horizon in (400, 1600)
            for peak in (0.4, 0.8, 1.6)
            for shape in PLAIN
            for seed in range(3)
        ],
    )
    yield BAD, "images under warm restarts and cycles, each run alone", alone(load("images", shapes=WAVES))
    learned = load("images", shapes=PLAIN, peaks=[0.05, 0.1], loss="train_loss")
    yield BAD, "images, training loss that comes to nothing, each run alone", alone(learned)
    yield BAD, "fine-tuning on much text, each run alone", alone(load("tuning"))
    yield BAD, "fine-tuning on little text, each run alone", alone(load("tuning-few"))


def alone(curves: Iterable[LossCurve]) -> list[list[LossCurve]]:
    """Every curve as a set of its own."""
    return [[curve] for curve in curves]


def measured() -> list[dict[str, Any]]:
    """For every group: how many sets, refused, only widened, left alone, and for which reasons."""
    found = []
    for kind, what, sets in groups():
        doubts = [doubts_of(curves) for curves in sets]
        refused = sum(any(doubt.refuses for doubt in some) for some in doubts)
        widened = sum(bool(some) for some in doubts) - refused
        counted = Counter(name for some in doubts for name in {doubt.name for doubt in some})
        names = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
        found.append(
            {
                "kind": kind, "what": what, "sets": len(sets), "refused": refused, "widened": widened,
                "silent": len(sets) - refused - widened, "names": dict(names),
            }
        )  # fmt: skip
    return found


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, str, bool | None]]:
    """For the one table: number, what, bar, measured, met."""
    good = [row for row in found["groups"] if row["kind"] == GOOD]
    bad = [row for row in found["groups"] if row["kind"] == BAD]
    count, kept_still = (sum(row[key] for row in good) for key in ("sets", "silent"))
    sets, refused, silent = (sum(row[key] for row in bad) for key in ("sets", "refused", "silent"))
    said = f"{refused} of {sets} refused, {sets - refused - silent} widened, {silent} silent"
    return [
        ("8", "good records suspected", "none", f"{count - kept_still} of {count}", kept_still == count),
        (
            "8",
            "images, fine-tuning, too large rates: said by themselves",
            f"at most {SILENT:.0%} silent",
            said,
            silent <= SILENT * sets,
        ),
    ]


def page(found: dict[str, Any]) -> str:
    """The page as Markdown."""
    lines = [
        "# Where laws do not hold: what the curves say of themselves", "",
        "| laws ought to hold | curves | judged | refused | widened | silent | reasons |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {'yes' if row['kind'] == GOOD else 'no'} | {row['what']} | {row['sets']} | {row['refused']} |"
            f" {row['widened']} | {row['silent']} |"
            f" {', '.join(f'{name} {count}' for name, count in row['names'].items()) or '-'} |"
            for row in found["groups"]
        ),
        "",
        "Every limit was set while looking at these records: the shares describe them and are no test on unseen ones.",
        "A set is refused where any of its doubts refuses; widened where it has only doubts that widen.",
        "", f"Made by `{found['command']}`.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Print, and write when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bench/results/forecast/doubts.json and .md")
    given = parser.parse_args()
    found = {"command": "python -m bench.forecasting.doubts --write", "groups": measured()}
    print(page(found))
    if given.write:
        (HERE / "doubts.json").write_text(json.dumps(found, indent=1) + "\n")
        (HERE / "doubts.md").write_text(page(found))


if __name__ == "__main__":
    main()
