"""How often the rules for a rate too high are right on tasks that the score they use was not made from.

    python -m bench.watch.left_out            # writes bench/results/watch/left-out.md

The labelled halves are judged by the card as shipped, which was made from them. Here each task is judged by a card that
was made without it and two or three others, as in `bench.watch.heat`; all other rules and limits are as shipped.
"""

from collections.abc import Iterator
from typing import Any

from bench.watch.heat import CARDS, HIGH, TAUGHT, fitted, samples
from bench.watch.labelled.cases import cases
from bench.watch.labelled.recording import HERE, load
from bench.watch.labelled.scoring import Run, labelled, table
from calando.records.diagnosis import score

WARM = "warm-up too short"
KINDS = ("healthy", HIGH, WARM)


def cards() -> dict[str, score.Card]:
    """For each task a card that was made without it."""
    some = samples()
    tasks = sorted({one.task for one in some})
    found = {}
    for first in range(CARDS):
        out = tasks[first::CARDS]
        made = score.Card.read(fitted([one for one in some if one.task not in out]))
        found |= dict.fromkeys(out, made)
    return found


def judged(half: str, known: dict[str, Any]) -> Iterator[Run]:
    """The good runs of a half and those of a rate too high, each by the card that does not know its task."""
    results, shipped = load(half), score._card
    try:
        for case in cases(half):
            if case.kind in KINDS:
                score._card = lambda card=known[case.recipe.task]: card  # type: ignore[assignment, misc]
                yield from labelled(case, case.seeds, results)
    finally:
        score._card = shipped


def row(name: str, runs: list[Run]) -> str:
    """One line of the table."""
    told = table(runs)
    cells = [f"{told[kind]['runs']} | {told[kind]['found']} | {told[kind]['false']}" for kind in (HIGH, WARM)]
    good = told["healthy"]
    return f"| {name} | {' | '.join(cells)} | {good['runs']} | {good['found']} ({good['recall']:.3f}) |"


def page(halves: dict[str, list[Run]]) -> str:
    """The result for readers."""
    every = [run for runs in halves.values() for run in runs]
    return "\n".join([
        "# Rates too high on tasks that the score does not know", "",
        "Made by `python -m bench.watch.left_out`: labels and rules as in `labelled.md`, but each task is judged by a "
        "card of the score that was made without it. Limits were chosen with these figures in sight. Good runs, and "
        "runs made at a rate too high, with or without a warm-up; false: told of another of these runs.", "",
        f"| half | {HIGH} | found | false | {WARM} | found | false | good | without any finding |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(row(half, runs) for half, runs in halves.items()), row("all", every), "",
    ])  # fmt: skip


def main() -> None:
    """Fit, judge, and store."""
    known = cards()
    text = page({half: list(judged(half, known)) for half in TAUGHT})
    print(text)
    (HERE / "left-out.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
