"""Writes tests/core/golden.csv from the mpmath oracle: `python -m tests.oracles.write_golden`.

The library takes no part. Read the difference before committing it: the table is the ground that every parity test
stands on.
"""

import csv
from pathlib import Path

from tests.oracles.evaluate import value_at

TABLE = Path(__file__).parent.parent / "core" / "golden.csv"
TRILLION = 10**12

ROWS: tuple[tuple[str, int, tuple[int, ...]], ...] = (
    ("constant(0.5)", 100, (0, 99, 100, 105)),
    ("warmup(10) | constant()", 100, (0, 1, 9, 10, 11, 105)),
    ("warmup(10, first=step) | constant()", 100, (0, 8, 9, 10)),
    ("warmup(10, start=0.2) | constant()", 100, (0, 5, 9, 10)),
    ("warmup(10, start=0.01, shape=exponential) | constant()", 100, (0, 5, 9, 10)),
    ("warmup(10, shape=cosine) | constant()", 100, (0, 5, 9, 10)),
    ("warmup(10, shape=1-sqrt) | constant()", 100, (0, 5, 9, 10)),
    ("warmup(5%) | cosine(end=0.1)", 1000, (0, 25, 49, 50, 51, 525, 999, 1000, 1005)),
    ("cosine()", 100, (0, 1, 25, 50, 99, 100, 105)),
    ("cosine(end=0.1, inclusive=true)", 101, (0, 50, 99, 100, 101, 106)),
    ("linear_decay()", 100, (0, 1, 50, 99, 100, 105)),
    ("linear_decay(inclusive=true)", 101, (0, 50, 99, 100, 101)),
    ("linear_decay(start=0.25, end=1)", 100, (0, 50, 99, 100)),
    ("polynomial_decay(power=2, end=0.1)", 100, (0, 50, 99, 100, 105)),
    ("polynomial_decay(power=0.5)", 100, (0, 75, 99, 100)),
    ("polynomial_decay(end=0.1, cycle=true, length=40)", 100, (0, 20, 40, 41, 80, 81, 100, 105)),
    ("step_decay(30)", 100, (0, 29, 30, 59, 60, 90, 100, 105)),
    ("step_decay(every=30, factor=0.25, staircase=false)", 100, (0, 15, 30, 100)),
    ("multistep(milestones=[30, 60])", 100, (0, 29, 30, 31, 59, 60, 100, 105)),
    ("multistep(milestones=[30%, 60%, 80%], factor=0.5)", 200, (59, 60, 119, 120, 160, 200)),
    ("exponential_decay(rate=0.05)", 100, (0, 1, 20, 100, 105)),
    ("exponential_decay(factor=0.95)", 100, (0, 1, 20, 100)),
    ("exponential_decay(factor=0.5, every=10, staircase=true)", 100, (9, 10, 99, 100)),
    ("exponential_decay(end=0.01, delay=20)", 100, (0, 20, 21, 60, 100, 105)),
    ("inverse_sqrt(warmup=100)", 1000, (0, 50, 99, 100, 101, 400, 1000, 1005)),
    ("inverse_sqrt(timescale=50)", 1000, (0, 150, 1000)),
    ("inverse_time(rate=0.5, every=10)", 100, (0, 10, 20, 100)),
    ("inverse_time(rate=0.5, every=10, staircase=true)", 100, (9, 10, 19)),
    ("warm_restarts(first=10, growth=2)", 70, (0, 5, 9, 10, 20, 29, 30, 69, 70, 75)),
    ("warm_restarts(first=10, growth=1.5, peak_decay=0.5, end=0.1)", 100, (9, 10, 24, 25, 47, 48, 100)),
    ("cyclic_cosine(period=20, low=0.1)", 100, (0, 5, 10, 20, 100)),
    ("one_cycle()", 100, (0, 15, 29, 30, 31, 65, 99, 100, 105)),
    ("one_cycle(phases=3, anneal=linear, end=0.001)", 100, (0, 15, 30, 45, 60, 80, 100)),
    ("anneal(over=2.5)", 4, (0, 1, 2, 3, 4, 9)),
    ("anneal(over=29.5, end=0.1, shape=cosine, offset=0.5)", 40, (0, 14, 29, 30, 40)),
    ("anneal(over=29, start=0.04, end=1, shape=cosine)", 40, (0, 14, 29, 40)),
    ("anneal(over=12.5%, shape=1-sqrt, offset=-1.5)", 100, (0, 1, 2, 13, 14)),
    ("anneal(over=10, shape=power, power=3, offset=2.5)", 10, (0, 5, 7, 8)),
    ("anneal(over=2.5, end=0.01, shape=exponential, cycle=mirror)", 10, (0, 1, 2, 3, 5, 10)),
    ("anneal(over=2.5, cycle=restart)", 8, (0, 2, 3, 5, 7, 8, 12)),
    ("cyclical(low=0.1, half=10)", 100, (0, 5, 10, 15, 20, 30, 100)),
    ("cyclical(low=0.1, half=4, down=16, mode=triangular2)", 100, (0, 4, 20, 24, 40, 44)),
    ("cyclical(low=0.1, half=10, mode=exp_range, gamma=0.99)", 100, (0, 10, 30, 50)),
    ("cyclical(low=0.85, high=0.95, half=10, inverse=true)", 100, (0, 10, 20)),
    ("wsd(warmup=10, cooldown=20%)", 100, (0, 9, 10, 79, 80, 81, 90, 99, 100, 105)),
    ("wsd(warmup=10, cooldown=20, cooldown_shape=1-sqrt, end=0.1)", 100, (80, 85, 99, 100)),
    ("wsd(warmup=10, cooldown=20, cooldown_shape=cosine)", 100, (80, 90, 99, 100)),
    ("wsd(warmup=10, cooldown=20, cooldown_shape=exponential, end=0.01)", 100, (80, 90, 100)),
    ("wsd(warmup=10, stable=inverse_sqrt, cooldown=20)", 100, (10, 40, 80, 90, 100)),
    ("points(at=[0, 10, 50], values=[0, 1, 0.2])", 50, (0, 5, 10, 30, 50, 55)),
    ("points(at=[0, 10, 50], values=[0, 1, 0.2], between=step)", 50, (9, 10, 49, 50)),
    ("points(at=[0, 10, 30, 50], values=[1, 0.8, 0.3, 0.1], between=cubic)", 50, (0, 5, 10, 20, 40, 50)),
    ("warmup(2ep) | multistep(milestones=[3ep, 6ep])", 100, (19, 20, 49, 50, 79, 80)),
    ("product(linear_decay(), exponential_decay(factor=0.9))", 10, (0, 5, 10)),
    ("scale(cosine(), 0.5)", 10, (0, 5, 10)),
    ("clip(cosine(), low=0.25, high=0.75)", 10, (0, 5, 10)),
    ("shift(linear_decay(), 10)", 110, (0, 10, 60, 110)),
    ("stretch(step_decay(10), 3)", 100, (29, 30, 60)),
    ("reverse(linear_decay(end=0.5))", 10, (0, 5, 10)),
    ("repeat(cosine(length=10), times=3, growth=2, decay=0.5)", 70, (0, 9, 10, 29, 30, 50, 70, 75)),
    ("minimum(linear_decay(), constant(0.5))", 10, (0, 5, 8, 10)),
    ("maximum(linear_decay(), constant(0.5))", 10, (0, 4, 5, 10)),
    ("splice(plans=[cosine(), linear_decay()], at=[50])", 100, (0, 25, 49, 50, 51, 75, 100, 105)),
    ("splice(plans=[extend(cosine(), horizon=100), scale(cosine(), by=0.5)], at=[40%])", 200, (25, 79, 80, 100, 200)),
    ("extend(linear_decay(), horizon=100)", 150, (0, 50, 100, 120, 150)),
    ("extend(linear_decay(), horizon=100, at=50)", 150, (0, 49, 50, 51, 100, 149, 150, 155)),
    ("extend(multistep(milestones=[60, 80]), horizon=100, at=50)", 150, (50, 69, 70, 109, 110, 150)),
    ("extend(cosine(end=0.1), horizon=100, at=10)", 73, (0, 10, 11, 40, 72, 73, 80)),
    ("hold(linear_decay(), every=3)", 10, (0, 2, 3, 5, 6, 9, 10)),
    ("reduce_on_plateau(cosine(), patience=5)", 100, (0, 50, 100)),
    ("warmup(1%) | cosine()", TRILLION, (1, TRILLION // 100 - 1, TRILLION // 2, TRILLION - 1, TRILLION + 5)),
    ("linear_decay()", TRILLION, (1, TRILLION // 3, TRILLION - 1)),
    ("exponential_decay(end=1e-5)", TRILLION, (1, TRILLION // 3, TRILLION)),
    ("inverse_sqrt(warmup=10000)", TRILLION, (10**8, TRILLION)),
    ("cyclic_cosine(period=1000)", TRILLION, (TRILLION - 499, TRILLION - 250)),
    ("anneal(over=123456789.7, end=0.5, shape=cosine, cycle=mirror)", TRILLION, (10**9, TRILLION // 3, TRILLION)),
    ("warm_restarts(first=7, growth=2)", TRILLION, (10**9, TRILLION - 1)),
)
"""Plan, horizon, steps. Where a plan speaks of epochs, an epoch has 10 steps."""

STEPS_PER_EPOCH = 10


def main() -> None:
    """Evaluate every row and write the table."""
    with TABLE.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["plan", "horizon", "t", "value"])
        for plan, horizon, steps in ROWS:
            for t in steps:
                value = value_at(plan, t, horizon, steps_per_epoch=STEPS_PER_EPOCH)
                table.writerow([plan, horizon, t, repr(float(value.number))])


if __name__ == "__main__":
    main()
