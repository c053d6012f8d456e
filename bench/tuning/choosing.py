"""Running the searches and storing what they chose: counts of cells, and the steps it took."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.tuning.grid import Cell, budget
from bench.tuning.recorded import HERE, load
from bench.tuning.recording import commit, versions
from bench.tuning.regret import counted, uncounted
from bench.tuning.rivals import RIVALS, SHARES, replays

__all__ = ["chosen", "live", "replay_rivals", "replay_tune"]

REPEATS = {"rivals": 200, "tune": 60}  # replays of each rival, and of tune, which takes longer
LIVE, AT = 3, 0.15  # live repeats, at that share of the grid
Found = Sequence[tuple[Cell | None, int]]  # what was chosen and the steps it took, one a search


def told(found: Found, name: str, share: float) -> dict[str, Any]:
    """What is stored of many searches at one budget."""
    spent = [steps for _, steps in found]
    return {
        "choices": counted([cell for cell, _ in found]),
        "budget": budget(name, share),
        "steps": round(fmean(spent)),
        "most": max(spent),
    }


def store(kind: str, name: str, what: dict[str, Any], command: str, folder: Path) -> None:
    """Put one workload's choices into the file of their kind, beside those of the others."""
    path = folder / f"{kind}.json"
    have = json.loads(path.read_text()) if path.exists() else {"made": {}, "workloads": {}}
    have["made"][name] = {
        "command": command,
        "commit": commit(),
        "versions": versions() | {"optuna": optuna_version()},
    }
    have["workloads"][name] = what
    new = path.with_suffix(".new")
    new.write_text(json.dumps(have, indent=1) + "\n")
    new.replace(path)


def optuna_version() -> str:
    """The version whose samplers and pruners were replayed."""
    from importlib.metadata import version

    return version("optuna")


def replay_rivals(name: str, repeats: int = REPEATS["rivals"], folder: Path = HERE) -> None:
    """Every rival at every budget, `repeats` seeds each."""
    recorded, what = load(name, folder), {}
    for rival in RIVALS:
        every = replays(recorded, rival, repeats)
        what[rival] = {
            str(share): told([(one[i].cell, one[i].spent) for one in every], name, share)
            for i, share in enumerate(SHARES)
        }
    store("rivals", name, what, f"python bench/tune.py --replay rivals {name}", folder)


def replay_tune(name: str, repeats: int = REPEATS["tune"], folder: Path = HERE) -> None:
    """`tune` at every budget, `repeats` study seeds each."""
    from bench.tuning import ours

    recorded = load(name, folder)
    what = {
        str(share): told([ours.replayed(recorded, share, seed) for seed in range(repeats)], name, share)
        for share in SHARES
    }
    store("replays", name, what, f"python bench/tune.py --replay tune {name}", folder)


def live(name: str, repeats: int = LIVE, folder: Path = HERE) -> None:
    """`calando.tune` for real, some study seeds at 15 % of the grid."""
    from bench.tuning import ours

    found = [ours.live(name, AT, seed) for seed in range(repeats)]
    store("live", name, {str(AT): told(found, name, AT)}, f"python bench/tune.py --live {name}", folder)


def chosen(name: str, folder: Path = HERE) -> list[Cell]:
    """Every cell that any stored search chose; live ones may lie beside those of the grid."""
    found: list[Cell] = []
    for kind in ("rivals", "replays", "live"):
        path = folder / f"{kind}.json"
        if path.exists():
            stored = json.loads(path.read_text())["workloads"].get(name, {})
            budgets = [one for some in (stored.values() if kind == "rivals" else [stored]) for one in some.values()]
            found += [cell for one in budgets for cell in uncounted(one["choices"]) if cell is not None]
    return list(dict.fromkeys(found))
