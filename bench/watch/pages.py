"""Writes docs/diagnosis: one page a finding, from the catalogue that the rules read, and a page that lists them.

python -m bench.watch.pages
"""

from pathlib import Path

from calando.records.diagnosis.catalogue import CATALOGUE, Entry

__all__ = ["FOLDER", "pages"]

FOLDER = Path(__file__).parents[2] / "docs" / "diagnosis"
MADE = "<!-- Made by `python -m bench.watch.pages` from calando/records/diagnosis/entries.py: change it there. -->"
ALIKE = (
    "Runs are compared where `calando diagnose` is given several, on the live page and in a study's report, and only "
    "where their logs bear it out: the same metric, the same number of updates, the same loss before anything was "
    "learned, and rates that are the same up to one factor, or up to how long they rise. Repeats under other seeds are "
    "taken together, and the spread between them is part of the error; of single runs it is assumed."
)


def page(entry: Entry) -> str:
    """One finding's page."""
    lines = [MADE, "", f"# {entry.kind}", "", f"*{entry.severity}*", "", "## What it looks like", "", entry.looks, "",
             "## Why", "", entry.why, ""]  # fmt: skip
    if entry.do:
        lines += ["## What to do", "", *(f"{number}. {one}" for number, one in enumerate(entry.do, 1)), ""]
    lines += ["## Evidence that a finding carries", "", entry.shown, ""]
    if entry.not_it:
        lines += ["## Not to be taken for it", "", entry.not_it, ""]
    if entry.second:
        lines += ["## What a second run adds", "", entry.second, "", ALIKE, ""]
    if entry.limits:
        lines += ["## Numbers that the rule turns on", "", "| number | value | what it is |", "|---|--:|---|"]
        lines += [f"| {name} | {limit.value:g} | {cell(limit.why)} |" for name, limit in entry.limits.items()] + [""]
    lines += ["How often it is right on runs that were not used while the rule was written: "
              "[bench/results/watch/labelled.md](../../bench/results/watch/labelled.md). All findings: "
              "[index](index.md).",
              ""]  # fmt: skip
    return "\n".join(lines)


def index() -> str:
    """The list of all findings."""
    lines = [MADE, "", "# What a run's curves can tell", "",
             "`calando diagnose LOG...` reads the logs of any tool, studies and records, and says what it finds, worst "
             "first, with its evidence and what to do; the report and the live page say the same. `--json` prints it "
             "for "
             "programs, where each advice also stands as a change that a program can make. It ends with status 1 "
             "where a "
             "run has a warning or worse. A run under way is judged as far as it came; what cannot be told yet is "
             "said. Several runs named in one call are laid beside each other: those that differ in their rates alone "
             "say of each other whether a peak is too high or too low, or a warm-up too short.",
             "", "| finding | what it looks like | first thing to do |", "|---|---|---|"]  # fmt: skip
    rows = [(f"[{e.kind}]({e.slug}.md)", e.looks, e.do[0] if e.do else "") for e in CATALOGUE.values()]
    return "\n".join([*lines, *(f"| {' | '.join(map(cell, row))} |" for row in rows), ""])


def cell(text: str) -> str:
    """A text in a table, where a bar, in code too, would end the cell."""
    return text.replace("|", "\\|")


def pages() -> dict[str, str]:
    """All pages by their file names."""
    return {"index.md": index(), **{f"{entry.slug}.md": page(entry) for entry in CATALOGUE.values()}}


def main() -> None:
    """Write them, and remove those of findings that are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
