"""What forecasting and transfer hold of what they promise: one table of all its parts.

    python bench/forecast.py            # the table, from what each part has recorded
    python bench/forecast.py --write    # runs every part first, and records bench/results/forecast/forecast.md

Every part is a module of `bench/forecasting` and can be run by itself; its own page beside the table has every case.
"""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

HERE = ROOT / "bench" / "results" / "forecast"
PARTS = ("laws", "transfer", "choosing", "coverage", "speed", "doubts", "refining")

Row = tuple[str, str, str, str, bool | None]


def stored(part: str) -> dict[str, Any] | None:
    """What a part has recorded; None when it has not."""
    path = HERE / f"{part}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def rows(part: str) -> list[Row]:
    """A part's rows of the table."""
    found = stored(part)
    module = importlib.import_module(f"bench.forecasting.{part}") if there(part) else None
    if found is None or module is None:
        return []
    if hasattr(module, "rows"):
        return [tuple(one) for one in module.rows(found)]  # type: ignore[misc]
    if part == "transfer":
        return transferred(module, found)
    return []


def there(part: str) -> bool:
    """Whether the part exists."""
    return (ROOT / "bench" / "forecasting" / f"{part}.py").is_file()


def transferred(module: Any, found: dict[str, Any]) -> list[Row]:
    """The transfer's row: the mean error in octaves against the printed table."""
    told = module.summary(module.promised(found["printed"]))
    bar = f"mean |log2 error| <= {module.GOAL:g} (no transfer {told['mean_unmoved']:.2f})"
    error = told["mean_error"]
    return [("3", f"best-peak ratios, {told['rows']} shapes", bar, f"{error:.3f}", error <= module.GOAL)]


def table(every: list[Row]) -> str:
    """The page as Markdown."""
    words = {True: "met", False: "**missed**", None: "NOT RUN"}
    lines = [
        "# Forecast and transfer: what was promised, what was measured", "",
        "| no. | what | bar | measured | |", "| --- | --- | --- | --- | --- |",
        *(
            f"| {' | '.join((*(cell.replace('|', chr(92) + '|') for cell in row[:4]), words[row[4]]))} |"
            for row in sorted(every, key=lambda row: row[0])
        ),
        "",
        "Numbers 2 and 9 (constants of the bound, files of other tools) are tests:",
        "`tests/forecast/bounds`, `tests/records/logs`.",
        "Every case, wins and losses alike, stands in the pages of the parts beside this one: "
        + ", ".join(f"`{part}.md`" for part in PARTS if (HERE / f"{part}.md").is_file()) + ".",
        "", "Made by `python bench/forecast.py --write`.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def main() -> int:
    """Print the table; with --write run every part first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="run every part and record what it measures")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="the parts to run")
    given = parser.parse_args()
    if given.write:
        for part in given.only:
            if there(part):
                command = [sys.executable, "-m", f"bench.forecasting.{part}", "--write"]
                subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    page = table([row for part in PARTS for row in rows(part)])
    print(page)
    if given.write:
        (HERE / "forecast.md").write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
