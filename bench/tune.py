"""Does `tune` find the best schedule, cheaply? Four workloads, exhaustive grids, rivals at equal budgets.

python bench/tune.py --record [WORKLOAD ...]   # trains what the reference grids still miss
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.tuning import grid, recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("workloads", nargs="*")
    given = parser.parse_args()
    for name in given.workloads or grid.WORKLOADS:
        if given.record:
            recording.pack("grid", name, recording.make("grid", name, grid.wanted(name), given.workers))


if __name__ == "__main__":
    main()
