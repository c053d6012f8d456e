"""Our own runs: what is recorded, and recording it.

python -m bench.forecasting.live                        # what lies there
python -m bench.forecasting.live --record [WORKLOAD...]  # trains what is missing, going on where it was interrupted
"""

import argparse

from bench.forecasting.live import recorded
from bench.forecasting.live.grids import GRIDS
from bench.forecasting.live.recording import make, pack


def main() -> None:
    """Record, or tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="train what is missing")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(GRIDS)}; all")
    given = parser.parse_args()
    for name in given.workloads or GRIDS:
        if name not in GRIDS:
            parser.error(f"{name} is none of {', '.join(GRIDS)}")
        if given.record:
            pack(name, make(name))
        about = recorded(name).about
        kept = ("runs", "diverged", "updates", "seeds", "horizons", "cpu_seconds", "commit", "data", "command")
        print(f"{name}: " + ", ".join(f"{word} {about[word]}" for word in kept))


if __name__ == "__main__":
    main()
