"""Tables read in pieces: numbers by column, labels by row; a row or cell that is none is named and skipped."""

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from calando.errors import counted, shown
from calando.records.logs.cells import Bools, even_cells, floats
from calando.records.logs.dialect import Dialect, split
from calando.records.logs.draft import Problems
from calando.records.logs.log import Floats, Ints
from calando.records.logs.opened import Opened, blocks, lines

__all__ = ["Table", "read_table"]

PIECE = 1 << 14
MOST = 20_000_000
FURTHEST = 2.0**53


@dataclass(slots=True)
class Table:
    """What was read, by row: steps; numbers of each column and in which rows it has any (None: all); labels.

    Labels are numbers into `words`.
    """

    steps: Floats
    values: dict[str, Floats]
    filled: dict[str, Bools | None]
    labels: dict[str, Ints]
    words: dict[str, list[str]]

    def groups(self, label: str) -> Iterator[tuple[str, Ints]]:
        """Each word of a column of labels, and its rows."""
        labels = self.labels[label]
        order = np.argsort(labels, kind="stable")
        ends = np.searchsorted(labels[order], np.arange(len(self.words[label])), side="right").tolist()
        for word, start, end in zip(self.words[label], [0, *ends], ends, strict=False):
            yield word, order[start:end]

    def columns(self, rows: Ints | None = None) -> dict[str, tuple[Floats, Floats]]:
        """Steps and values of each column's filled cells, in some of the rows."""
        done = {}
        steps = self.steps if rows is None else self.steps[rows]
        for name, values in self.values.items():
            filled = self.filled[name]
            if rows is not None:
                values, filled = values[rows], None if filled is None else filled[rows]
            done[name] = (steps, values) if filled is None else (steps[filled], values[filled])
        return done


@dataclass(slots=True)
class _Pieces:
    values: list[Floats] = field(default_factory=list)
    filled: list[Bools | None] = field(default_factory=list)
    numeric: bool | None = None  # None: nothing but empty cells so far

    def joined(self) -> tuple[Floats, Bools | None]:
        values = np.concatenate(self.values)
        if all(filled is None for filled in self.filled):
            return values, None
        every = [np.ones(v.size, np.bool_) if f is None else f for v, f in zip(self.values, self.filled, strict=True)]
        return values, np.concatenate(every)


def read_table(
    file: Opened,
    dialect: Dialect,
    problems: Problems,
    *,
    step: str,
    whole: bool,
    needed: Sequence[str] = (),
    labels: Sequence[str] = (),
    skip: Collection[str] = (),
) -> Table:
    """All rows of a table.

    Args:
        file: where it stands.
        dialect: its form.
        problems: where bad rows are named.
        step: the name of the column that counts.
        whole: whether that column counts in whole numbers.
        needed: names of columns in which a cell that is no number spoils its row.
        labels: names of columns that hold labels.
        skip: names of columns that nothing is wanted of.
    """
    reading = _Reading(dialect, problems, step, whole, frozenset(needed), labels, skip)
    for first, part in _parts(file, dialect, problems):
        if reading.seen >= MOST:
            problems.add(f"only the first {reading.seen:,} rows were read")
            break
        cells = None if isinstance(part, list) else even_cells(part, dialect.delimiter, len(dialect.names))
        if cells is not None:
            reading.take(cells, range(first, first + len(cells[0])))
        elif isinstance(part, list):
            reading.take_rows(part, first)
        else:
            for place, rows in _rows(part.split("\n")[: part.count("\n") + 1], first, dialect, problems):
                reading.take_rows(rows, place)
    return reading.table()


def _parts(file: Opened, dialect: Dialect, problems: Problems) -> Iterator[tuple[int, str | list[list[str]]]]:
    """The lines after the names, each part with the number of its first: text, or rows where cells may be quoted."""
    if dialect.quoted:  # a cell may go over many lines
        text = lines(file, problems)
        for _ in islice(text, dialect.skip):
            pass
        yield from _rows(text, dialect.skip + 1, dialect, problems)
        return
    number, skip = 1, dialect.skip
    for part in blocks(file, problems):
        count = part.count("\n")
        if skip:
            above = min(skip, count)
            part = part.split("\n", above)[above]
            skip, number, count = skip - above, number + above, count - above
        if part:
            yield number, part
        number += count


def _rows(
    text: Iterable[str], first: int, dialect: Dialect, problems: Problems
) -> Iterator[tuple[int, list[list[str]]]]:
    """Rows of lines in pieces, and the line in which a piece begins; one that is too large for a cell is named."""
    reader = split(text, dialect.delimiter, quoted=dialect.quoted)
    ended = False
    while not ended:
        rows: list[list[str]] = []
        before = reader.line_num
        try:
            rows.extend(islice(reader, PIECE))  # what was read before an error stays
            ended = len(rows) < PIECE
        except csv.Error as error:
            problems.add(f"a row that cannot be read ({error})", first + reader.line_num - 1)
        if rows:
            yield first + before, rows


class _Reading:
    def __init__(
        self,
        dialect: Dialect,
        problems: Problems,
        step: str,
        whole: bool,
        needed: frozenset[str],
        labels: Sequence[str],
        skip: Collection[str],
    ) -> None:
        self.dialect, self.problems, self.step, self.whole, self.needed = dialect, problems, step, whole, needed
        self.pieces = {name: _Pieces() for name in dialect.names if name not in labels and name not in skip}
        self.pieces[step].numeric = True
        self.seen = 0
        self.codes: dict[str, dict[str, int]] = {name: {} for name in labels}
        self.labels: dict[str, list[Ints]] = {name: [] for name in labels}

    def take_rows(self, rows: list[list[str]], first: int) -> None:
        """The next rows, the first of which stands in line `first`; those of a wrong length are named."""
        rows, numbers = self._even(rows, first)
        if rows:
            self.take(list(zip(*rows, strict=True)), numbers)

    def take(self, columns: Sequence[Sequence[str]], numbers: Sequence[int]) -> None:
        """The cells of the next rows, by column, and the lines that they stand in."""
        names = self.dialect.names
        cells = dict(zip(names, columns, strict=True))
        spoilt: dict[int, str] = {}
        steps = self._steps(cells[self.step], spoilt)
        read = {name: self._column(name, cells[name], numbers, spoilt) for name in self.pieces if name != self.step}
        for i in sorted(spoilt):
            repeated = all(cells[name][i].strip() == name for name in names)
            if not repeated and cells[names[0]][i].lstrip()[:1] != "#":
                self.problems.add(spoilt[i], numbers[i])
        self.seen += len(steps)
        keep = np.ones(len(steps), np.bool_)
        keep[list(spoilt)] = False
        self.pieces[self.step].values.append(steps[keep])
        for name, (values, filled) in read.items():
            self.pieces[name].values.append(values[keep])
            self.pieces[name].filled.append(None if filled is None else filled[keep])
        for name, codes in self.codes.items():
            found = (codes.setdefault(cell, len(codes)) for cell in cells[name])
            self.labels[name].append(np.fromiter(found, np.int64, len(steps))[keep])

    def table(self) -> Table:
        """Everything taken."""
        nothing = np.empty(0)
        counts = self.pieces.pop(self.step).values
        kept = {name: piece for name, piece in self.pieces.items() if piece.numeric}
        joined = {name: piece.joined() for name, piece in kept.items()}
        return Table(
            steps=np.concatenate(counts) if counts else nothing,
            values={name: values for name, (values, _) in joined.items()},
            filled={name: filled for name, (_, filled) in joined.items()},
            labels={
                name: np.concatenate(found) if found else np.empty(0, np.int64) for name, found in self.labels.items()
            },
            words={name: list(codes) for name, codes in self.codes.items()},
        )

    def _even(self, rows: list[list[str]], first: int) -> tuple[list[list[str]], list[int]]:
        """The rows that have as many cells as there are names, and their lines; the others are named."""
        width = len(self.dialect.names)
        kept, numbers, line = [], [], first
        for row in rows:
            number, line = line, line + 1 + sum(cell.count("\n") for cell in row)
            if len(row) == width + 1 and not row[-1]:
                row = row[:-1]
            if len(row) == width:
                kept.append(row)
                numbers.append(number)
            elif row and row[0].lstrip()[:1] != "#" and any(cell.strip() for cell in row):
                cells = counted(len(row), "cell")
                self.problems.add(f"{cells} instead of {width}: {shown(','.join(row)[:200])}", number)
        return kept, numbers

    def _steps(self, cells: Sequence[str], spoilt: dict[int, str]) -> Floats:
        steps, _, _ = floats(cells, comma=self.dialect.comma)
        with np.errstate(invalid="ignore"):
            wrong = ~((steps >= 0) & (steps <= FURTHEST))
            if self.whole:
                wrong |= np.floor(steps) != steps
        wanted = "a whole number from 0 to 2^53" if self.whole else "a number >= 0"
        for i in np.flatnonzero(wrong).tolist():
            spoilt[i] = f"{self.step} is {shown(cells[i])}, not {wanted}; row skipped"
        return steps

    def _column(
        self, name: str, cells: Sequence[str], numbers: Sequence[int], spoilt: dict[int, str]
    ) -> tuple[Floats, Bools | None]:
        piece = self.pieces[name]
        if piece.numeric is False:
            return np.empty(len(cells)), None
        values, filled, bad = floats(cells, comma=self.dialect.comma)
        if piece.numeric is None:
            told = len(cells) if filled is None else int(filled.sum()) + len(bad)
            piece.numeric = None if not told else 2 * len(bad) <= told
        if piece.numeric:
            for i in bad:
                what = f"{name} is {shown(cells[i])}, which is no number"
                if name in self.needed:
                    spoilt.setdefault(i, what + "; row skipped")
                elif i not in spoilt:
                    self.problems.add(what, numbers[i])
        return values, filled
