"""How a table is written: what stands between its cells, how its columns are called, where its rows begin."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from calando.errors import shown
from calando.records.logs.opened import LONGEST, Opened, text_of

__all__ = ["Dialect", "dialect_of", "split"]

DELIMITERS = (",", ";", "\t", "|", " ")
LOOK = 30
COMMA = re.compile(r"\s*[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A table's form. `skip` lines stand before its first row; `comma` says that it writes 0,5 for 0.5."""

    delimiter: str
    names: tuple[str, ...]
    skip: int
    quoted: bool
    comma: bool
    rows: tuple[tuple[str, ...], ...]


def split(lines: Iterable[str], delimiter: str, *, quoted: bool) -> "csv._reader":  # type: ignore[name-defined]
    """The rows of lines."""
    if quoted:
        return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=True)


def dialect_of(file: Opened) -> Dialect:
    """The form of a table, from its beginning.

    Raises:
        BadFile: when it is no text, its names cannot be read, or it is no table of named columns.
    """
    text = text_of(file)
    if text is None:
        raise file.refused(
            f"no text and no log that is known here (it begins with {shown(file.head[:16])})",
            "CSV, trainer_state.json, TensorBoard event files, MLflow metrics, our studies",
            "give a file that a trainer wrote",
        )
    every = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not file.ended:
        if len(every) < 2:
            raise file.refused(
                f"a first line of more than {len(text):,} signs",
                f"a line of names of up to {len(text):,} signs, of {LONGEST:,} in the rows",
                "export fewer columns",
            )
        every.pop()
    places = [i for i, line in enumerate(every) if line.strip() and not line.lstrip().startswith("#")][: LOOK + 1]
    comments = [
        line.lstrip("# \t") for line in every[: places[0] if places else len(every)] if line.lstrip()[:1] == "#"
    ]
    if not places:
        raise file.refused("nothing but blank lines and comments", "a table", "give a file that a run has written to")
    quoted = '"' in text
    found: Dialect | None = None
    for delimiter in DELIMITERS:
        rows = _rows([every[i] for i in places], delimiter, quoted=quoted)
        if rows is None:
            continue
        names, skip, rest = rows[0], places[0] + 1, rows[1:]
        last = _rows(comments[-1:], delimiter, quoted=quoted) if _number(names) and comments else None
        if last and len(last[0]) == len(names):  # as numpy.savetxt writes them
            names, skip, rest = last[0], places[0], rows
        agree = sum(len(row) == len(names) or (len(row) == len(names) + 1 and not row[-1]) for row in rest)
        if delimiter == " " and not any(_number(row) for row in rest):
            continue  # a sentence
        if len(names) > 1 and 2 * agree >= len(rest) and (found is None or len(names) > len(found.names)):
            comma = delimiter not in ", " and any(COMMA.fullmatch(cell) for row in rest for cell in row)
            found = Dialect(delimiter, _distinct(names), skip, quoted, comma, tuple(map(tuple, rest)))
            if delimiter != " " and len(names) > 2:
                break
    if found is None:
        raise file.refused(
            f"text that is no table (it begins with {shown(every[places[0]][:80])})",
            "columns with names in the first line, with a comma, semicolon or tab between them",
            "give a log that a trainer wrote, or a CSV file",
        )
    if _number(found.names):
        raise file.refused(
            f"a table whose columns have no names (its first line is {shown(','.join(found.names)[:200])})",
            "names in the first line, such as step,loss,lr",
            "write the names above the numbers",
        )
    broken = "\ufffd" in "".join(found.names)
    if broken and b"\xef\xbf\xbd" not in file.head:
        raise file.refused(
            f"names of columns that are not {file.encoding.upper().removesuffix('-SIG')}"
            f" ({shown(next(name for name in found.names if chr(0xFFFD) in name))})",
            "text in UTF-8, or UTF-16 with its mark",
            "save it as UTF-8",
        )
    return found


def _rows(lines: list[str], delimiter: str, *, quoted: bool) -> list[list[str]] | None:
    try:
        rows = list(split([line + "\n" for line in lines], delimiter, quoted=quoted))
    except csv.Error:
        return None
    return rows if rows and rows[0] else None


def _number(cells: Iterable[str]) -> bool:
    """Whether most cells are numbers: then they are no names."""
    told = [cell for cell in cells if cell.strip()]
    return 2 * sum(_is_number(cell) for cell in told) > len(told)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return bool(COMMA.fullmatch(cell))
    return True


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, each its own: what is there twice, or not at all, gets a number."""
    seen: dict[str, int] = {}
    done = []
    for i, name in enumerate(names, start=1):
        name = name.strip() or f"column {i}"
        again = seen.get(name, 0)
        seen[name] = again + 1
        while again and f"{name}.{again}" in seen:
            again += 1
        done.append(f"{name}.{again}" if again else name)
        seen.setdefault(done[-1], 1)
    return tuple(done)
