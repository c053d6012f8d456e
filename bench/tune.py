"""Does `tune` find the best schedule, cheaply? Four workloads, exhaustive grids, rivals at equal budgets.

    python bench/tune.py                           # prints the table from the stored results: seconds
    python bench/tune.py --record [WORKLOAD ...]   # trains what the reference grids miss: half an hour in all
    python bench/tune.py --replay rivals|tune|shared ...  # the searches, answered from the recorded curves
    python bench/tune.py --live [WORKLOAD ...]     # `calando.tune` itself, three times at 15 % of the grid
    python bench/tune.py --fresh [WORKLOAD ...]    # ten new seeds of what was chosen and of whatever comes near
    python bench/tune.py --write                   # also writes the table to bench/results/tune/table.md

Every step goes on where it was interrupted and leaves small text files in bench/results/tune, with their command,
commit, seeds and versions. docs/tuning-bench.md says what is measured and why.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.tuning import choosing, grid, recording, regret, table
from bench.tuning.recorded import HERE, load


def main() -> None:
    """One step, or the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="train what the reference grids miss")
    parser.add_argument("--halves", action="store_true", help="with --record: half horizons, too")
    parser.add_argument("--fresh", action="store_true", help="train new seeds of what was chosen or is near the best")
    parser.add_argument("--replay", choices=("rivals", "tune", "shared"), help="run searches on the recorded curves")
    parser.add_argument("--live", action="store_true", help="run calando.tune for real")
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--repeats", type=int, help="with --replay or --live: how many searches of each kind")
    parser.add_argument("--workers", type=int, default=1, help="processes to train in")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(grid.WORKLOADS)}; all")
    given = parser.parse_args()
    for name in given.workloads or grid.WORKLOADS:
        if name not in grid.WORKLOADS:
            parser.error(f"{name} is none of {', '.join(grid.WORKLOADS)}")
        if given.record:
            wanted = grid.wanted(name, halves=given.halves)
            recording.pack("grid", name, recording.make("grid", name, wanted, given.workers))
        if given.replay == "rivals":
            choosing.replay_rivals(name, given.repeats or choosing.REPEATS["rivals"])
        if given.replay == "tune":
            choosing.replay_tune(name, given.repeats or choosing.REPEATS["tune"])
        if given.replay == "shared":
            choosing.replay_shared(name, given.repeats or choosing.REPEATS["shared"])
        if given.live:
            choosing.live(name, given.repeats or choosing.LIVE)
        if given.fresh:
            cells = regret.worth_training(load(name), choosing.chosen(name))
            rows = recording.make("fresh", name, regret.fresh_specs(name, cells), given.workers)
            recording.pack("fresh", name, rows)
    if given.write:
        (HERE / "table.md").write_text(table.text())
    if given.write or not (given.record or given.fresh or given.replay or given.live):
        print(table.text())


if __name__ == "__main__":
    main()
