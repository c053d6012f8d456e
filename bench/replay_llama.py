"""Choosing a schedule for a 124M language model from recorded runs, at 15 % of what all of them cost.

    python -m bench.replay_llama            # prints
    python -m bench.replay_llama --write    # also records bench/results/replay_llama.md and .json

The question: 50,000 updates; which of the recorded settings (schedule and peak) ends with the lowest validation loss?
Nothing is trained: recorded runs answer. The budget is 15 % of the updates that all runs of 50,000 updates cost when
trunks are shared. Regret is the chosen setting's loss above the best one's, replicates averaged; runs of one setting
differ by about 0.002 to 0.005, so that nothing below 0.004 is told apart.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from bench.llama import Log, cost_on_file, folder, read
from bench.llama_rivals import Choice, Rival, Setting, Whole, at_horizon, at_random, halving
from bench.llama_tune import tuned
from calando.lab.executors.recorded import Recorded
from calando.lab.executors.replay import replay

RESULTS = Path(__file__).parent / "results"
FULL, SHARE, FLOOR = 50_000, 0.15, 0.004
DRAWS, REPEATS = 100, 20  # random halves of the settings, for how much of a choice is luck; other seeds
RIVALS: dict[str, Rival] = {
    "tune": tuned((0, 1)),
    "whole schedules at 15,000 updates, winner kept": at_horizon(15_000),
    "whole schedules at 25,000 updates, winner kept": at_horizon(25_000),
    "random full runs, best kept": at_random,
    "successive halving of full runs": halving,
}


def main(arguments: list[str]) -> int:
    where = folder()
    if where is None:
        print("NOT RUN: no recorded curves (set CALANDO_CURVES to the folder that holds llama.json)")
        return 0
    logs = read(where)
    found = measured(logs)
    text = page(found)
    print(text)
    if "--write" in arguments:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "replay_llama.md").write_text(text, encoding="utf-8")
        (RESULTS / "replay_llama.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def truth(logs: Sequence[Log], full: int = FULL) -> dict[Setting, float]:
    """The final loss of every setting recorded at full length, replicates averaged."""
    found: dict[Setting, list[float]] = {}
    for log in logs:
        spec, final = log.record.spec, log.record.final
        if spec.horizon == full and final is not None and spec.peak is not None:
            found.setdefault((spec.plan, spec.peak), []).append(final)
    return {setting: fmean(values) for setting, values in found.items()}


def cost(logs: Sequence[Log], full: int = FULL) -> tuple[int, int]:
    """What all runs of full length cost: as they were made, and by exact sharing of stages."""
    runs = [log for log in logs if log.record.spec.horizon == full]
    library = Recorded(log.record for log in runs)
    shared = 0
    for seed in sorted({log.record.spec.seed for log in runs}):
        settings = [(log.record.spec.plan, log.record.spec.peak) for log in runs if log.record.spec.seed == seed]
        strategy = Whole(settings, library, full, seed)  # type: ignore[arg-type]
        shared += replay(strategy, library).trained
    return cost_on_file(runs), shared


def measured(logs: Sequence[Log]) -> dict[str, Any]:
    """Every rival's choice, alone and over random halves of the settings."""
    library = Recorded(log.record for log in logs)
    losses = truth(logs)
    on_file, shared = cost(logs)
    budget = int(SHARE * min(on_file, shared))
    rows = [row(name, rival, library, losses, budget) for name, rival in RIVALS.items()]
    best = min(losses, key=losses.__getitem__)
    ranking = sorted(losses.items(), key=lambda item: item[1])
    return {
        "runs": len(logs),
        "settings": len(losses),
        "updates_on_file": on_file,
        "updates_shared": shared,
        "budget": budget,
        "best": {"plan": best[0], "peak": best[1], "loss": losses[best]},
        "ranking": [[plan, peak, round(loss, 5)] for (plan, peak), loss in ranking[:10]],
        "rows": rows,
    }


def row(name: str, rival: Rival, library: Recorded, losses: dict[Setting, float], budget: int) -> dict[str, Any]:
    """One way of choosing: on all settings, and on random halves of them at the same budget."""
    settings = list(losses)
    chosen, spent = choose(rival, library, settings, budget, dice(0))
    chosen_again = [choose(rival, library, settings, budget, dice(i))[0] for i in range(REPEATS)]
    repeats = [regret(setting, losses) for setting in chosen_again]
    halves = []
    for draw in range(DRAWS):
        random = dice(draw)
        some = random.sample(settings, len(settings) // 2)
        halves.append(regret(choose(rival, library, some, budget, random)[0], {s: losses[s] for s in some}))
    known = [value for value in halves if value is not None]
    return {
        "name": name,
        "chosen": chosen,
        "spent": spent,
        "different_choices": len(set(chosen_again)),
        "regret": mean([value for value in repeats if value is not None]),
        "halves": mean(known),
        "halves_within_floor": round(sum(value <= FLOOR for value in known) / DRAWS, 3),
        "halves_without_a_choice": DRAWS - len(known),
    }


def choose(rival: Rival, library: Recorded, settings: Sequence[Setting], budget: int, random: Random) -> Choice:
    chosen, spent = rival(library, settings, FULL, budget, random)
    if spent > budget:
        raise SystemExit(f"a rival spent {spent} of {budget} updates")
    return chosen, spent


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - not for secrets


def regret(chosen: Setting | None, losses: dict[Setting, float]) -> float | None:
    return None if chosen is None else losses[chosen] - min(losses.values())


def mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 5) if values else None


def escaped(plan: str) -> str:
    return plan.replace("|", "\\|")  # inside a table


def page(found: dict[str, Any]) -> str:
    """The measurement as a page of Markdown."""
    best = found["best"]
    lines = [
        "# A schedule for a 124M language model, chosen from recorded runs",
        "",
        f"{found['settings']} settings of {FULL:,} updates. All runs of them cost {found['updates_on_file']:,} "
        f"updates as they were made, {found['updates_shared']:,} with every stage shared; the budget is {SHARE:.0%} "
        f"of the latter: {found['budget']:,}.",
        f"The best setting is `{best['plan']}` at {best['peak']:g}: {best['loss']:.4f}.",
        "",
        f"| how | chose, {REPEATS} times | spent, first time | mean regret | over halves | of these within 0.004 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in found["rows"]:
        chosen = "nothing" if each["chosen"] is None else f"`{escaped(each['chosen'][0])}` @ {each['chosen'][1]:g}"
        if each["different_choices"] > 1:
            chosen = f"{each['different_choices']} different settings"
        none = f", {each['halves_without_a_choice']} without a choice" if each["halves_without_a_choice"] else ""
        numbers = (f"{each[key]:.4f}" if each[key] is not None else "none" for key in ("regret", "halves"))
        cells = (each["name"], chosen, f"{each['spent']:,}", *numbers, f"{each['halves_within_floor']:.0%}{none}")
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Regret: loss above the best setting's, replicates averaged; runs of one setting differ by 0.002 to 0.005.",
        f"Each way is repeated with {REPEATS} seeds; what draws settings or their order at random may choose another. "
        "`tune` asks for the same runs under every study seed here, and for the first replicate of a setting alone: "
        f"its {REPEATS} repeats are one search, not {REPEATS} successes.",
        f"Random halves: the same question on {DRAWS} random halves of the settings, at the same budget.",
        "The strategy of `tune` was developed while looking at these runs, and this question is one of those that it "
        "was tried on: its row is no forecast for other models. The halves are drawn from the same runs.",
        "Made by `python -m bench.replay_llama --write`; source and licence of the records stand in their own README.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
