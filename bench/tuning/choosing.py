"""Running the searches and storing what each of them chose, by its seed, and the steps it took."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.tuning.grid import Cell, budget
from bench.tuning.recorded import HERE, Recorded, load
from bench.tuning.recording import UNDER_WAY, commit, source, versions
from bench.tuning.regret import by_seed, choices
from bench.tuning.rivals import RIVALS, SHARES, replays

__all__ = ["chosen", "live", "replay_rivals", "replay_shared", "replay_tune"]

REPEATS = {"rivals": 200, "tune": 60, "shared": 30}  # replays of each rival, and of tune, which takes longer
GRID = ("src/calando/core", "src/calando/records/run.py", "bench/tuning/grid.py", "bench/tuning/recorded.py")
TUNE = (
    *GRID,
    "src/calando/lab",
    "src/calando/records/study.py",
    "src/calando/records/tuning.py",
    "bench/tuning/ours.py",
)
MADE_OF = {  # what a search's choice hangs on, beside the recorded curves
    "rivals": (*GRID, "bench/tuning/rivals.py"),
    "replays": TUNE,
    "shared": TUNE,
    "live": (*TUNE, "src/calando/torch", "bench/workloads"),
}
LIVE, AT = 3, 0.15  # live repeats, at that share of the grid
Found = Sequence[tuple[Cell | None, int]]  # what was chosen and the steps it took, one a search


def told(found: Found, name: str, share: float) -> dict[str, Any]:
    """What is stored of many searches at one budget, seeds 0, 1, 2 and so on."""
    spent = [steps for _, steps in found]
    return {
        **by_seed([cell for cell, _ in found]),
        "budget": budget(name, share),
        "steps": round(fmean(spent)),
        "most": max(spent),
    }


@cache
def code(kind: str) -> dict[str, str]:
    """The commit, with a plus sign where the tree differs from it, and a hash of the files; as they were at first."""
    return {"commit": commit(*MADE_OF[kind]), "source": source(*MADE_OF[kind])}


def store(kind: str, name: str, what: dict[str, Any], command: str, folder: Path, method: str = "") -> None:
    """Put one workload's choices into the file of their kind, beside those of the others; of one method where given."""
    path = folder / f"{kind}.json"
    have = json.loads(path.read_text()) if path.exists() else {"made": {}, "workloads": {}}
    made = {"command": command, **code(kind), "versions": versions() | {"optuna": optuna_version()}}
    if method:
        have["made"].setdefault(name, {})[method] = made
        have["workloads"].setdefault(name, {})[method] = what
    else:
        have["made"][name], have["workloads"][name] = made, what
    new = path.with_suffix(".new")
    new.write_text(json.dumps(have, indent=1) + "\n")
    new.replace(path)


def optuna_version() -> str:
    """The version whose samplers and pruners were replayed."""
    from importlib.metadata import version

    return version("optuna")


def replay_rivals(name: str, repeats: int = REPEATS["rivals"], folder: Path = HERE) -> None:
    """Every rival at every budget, `repeats` seeds each."""
    code("rivals")
    recorded = load(name, folder)
    for rival in RIVALS:
        every = replays(recorded, rival, repeats)
        what = {
            str(share): told([(one[i].cell, one[i].spent) for one in every], name, share)
            for i, share in enumerate(SHARES)
        }
        store("rivals", name, what, f"python bench/tune.py --replay rivals {name}", folder, rival)


def searches(recorded: Recorded, share: float, repeats: int, shared: bool = False) -> Found:
    """What `tune` chooses by study seed, and the steps it took.

    A study seed decides two things, in which order the recorded seeds are used and which half of the lattice is read
    first. So there are twelve searches at most, and each of them is made once.
    """
    from bench.tuning import ours

    made: dict[tuple[object, ...], tuple[Cell | None, int]] = {}
    found = []
    for seed in range(repeats):
        kind = ours.kind(seed)
        if kind not in made:
            made[kind] = ours.replayed(recorded, share, seed, shared)
        found.append(made[kind])
    return found


def replay_tune(name: str, repeats: int = REPEATS["tune"], folder: Path = HERE) -> None:
    """`tune` at every budget, `repeats` study seeds each."""
    code("replays")
    recorded = load(name, folder)
    what = {str(share): told(searches(recorded, share, repeats), name, share) for share in SHARES}
    store("replays", name, what, f"python bench/tune.py --replay tune {name}", folder)


def replay_shared(name: str, repeats: int = REPEATS["shared"], folder: Path = HERE) -> None:
    """`tune` with shared stages, as live, at 15 % of the grid."""
    code("shared")
    found = searches(load(name, folder), AT, repeats, shared=True)
    store("shared", name, {str(AT): told(found, name, AT)}, f"python bench/tune.py --replay shared {name}", folder)


def live(name: str, repeats: int = LIVE, folder: Path = HERE) -> None:
    """`calando.tune` for real, some study seeds at 15 % of the grid; interrupted, it goes on where it was."""
    from bench.tuning import ours

    path = UNDER_WAY / f"live-{name}-{code('live')['source']}.json"
    found: list[tuple[Cell | None, int]] = []
    if path.exists():
        found = [(None if cell is None else (cell[0], cell[1]), steps) for cell, steps in json.loads(path.read_text())]
    UNDER_WAY.mkdir(parents=True, exist_ok=True)
    for seed in range(len(found), repeats):
        found.append(ours.live(name, AT, seed))
        path.write_text(json.dumps(found))
    store(
        "live",
        name,
        {str(AT): told(found, name, AT)},
        f"python bench/tune.py --live --repeats {repeats} {name}",
        folder,
    )


def chosen(name: str, folder: Path = HERE) -> list[Cell]:
    """Every cell that any stored search chose; live ones may lie beside those of the grid."""
    found: list[Cell] = []
    for kind in ("rivals", "replays", "shared", "live"):
        path = folder / f"{kind}.json"
        if path.exists():
            stored = json.loads(path.read_text())["workloads"].get(name, {})
            budgets = [one for some in (stored.values() if kind == "rivals" else [stored]) for one in some.values()]
            found += [cell for one in budgets for cell in choices(one) if cell is not None]
    return list(dict.fromkeys(found))
