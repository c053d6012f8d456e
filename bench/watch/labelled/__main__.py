"""Is the diagnosis right? Real trainings with labels that control runs bear out.

python -m bench.watch.labelled                    # what is recorded, but `UNJUDGED`, judged by the rules as they are
python -m bench.watch.labelled --write            # the same, into bench/results/watch/labelled.md
python -m bench.watch.labelled --beside           # each run together with another one
python -m bench.watch.labelled --spread           # how far repeats of one recipe end apart
python -m bench.watch.labelled --record [HALF...]  # trains what is missing
"""

import argparse

from bench.watch.labelled.beside import spread
from bench.watch.labelled.beside import told as beside
from bench.watch.labelled.recording import HERE, load, make, pack
from bench.watch.labelled.telling import told
from bench.watch.labelled.tools import recording as tools

HALVES = (
    "write",
    "judge",
    "fresh",
    "last",
    "tools",
    "unwarmed",
    "unseen",
    "blind",
    "final",
    "small",
    "sealed",
    "kept",
    "other",
)
UNJUDGED: tuple[str, ...] = ()
"""Halves that nobody has looked at yet: judged only where they are named."""


def main() -> None:
    """Record, or judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="train what is missing")
    parser.add_argument("--write", action="store_true", help="write bench/results/watch/labelled.md")
    parser.add_argument("--beside", action="store_true", help="judge each run together with another one")
    parser.add_argument("--spread", action="store_true", help="say how far repeats of one recipe end apart")
    parser.add_argument("halves", nargs="*", metavar="HALF", help=f"{', '.join(HALVES)}; usually those looked at")
    given = parser.parse_args()
    chosen = given.halves or [half for half in HALVES if given.record or half not in UNJUDGED]
    for half in chosen:
        if half not in HALVES:
            parser.error(f"{half} is none of {', '.join(HALVES)}")
        if given.record:
            tools.pack(tools.make()) if half == "tools" else pack(half, make(half))
    if given.record:
        return  # what was not looked at yet stays so
    read = {half: tools.load() if half == "tools" else load(half) for half in chosen}
    if given.beside or given.spread:
        print("\n".join(spread(read) if given.spread else beside(read)))
        return
    text = told(read)
    print(text)
    if given.write:
        (HERE / "labelled.md").write_text(text + "\n".join(beside(read)) + "\n")


if __name__ == "__main__":
    main()
