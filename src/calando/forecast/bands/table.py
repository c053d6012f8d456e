"""How wide bands have to be, as measured: a small table of constants."""

from typing import Final

__all__ = ["ALONE", "BEYOND", "FLOOR", "LAST_RATIO", "NOMINAL", "OTHERWISE", "WIDTHS"]

NOMINAL: Final = 0.8
"""The share of final losses that a band of the table's widths holds."""
FLOOR: Final = 0.002
"""Share of the loss by which laws that agree are still off: no narrower spread is believed."""
WIDTHS: Final[tuple[tuple[float, float], ...]] = ((1.0, 1.5), (2.0, 1.6), (4.0, 1.9), (8.0, 1.9), (16.0, 2.2))
"""(horizon ratio, factor): the band's half width in units of the spread, at the nominal share.

For each ratio the larger factor of two calibrations: recorded runs of a 124M language model (1 to 3.3 times), and our
own small one (1 to 16 times). `python -m bench.forecasting.coverage` makes them, and tells the observed shares with
whole peaks left out.
"""
LAST_RATIO: Final = 16.0
"""The largest horizon ratio that was calibrated."""
BEYOND: Final = 1.0
"""Beyond it the factor grows with the ratio to this power: an assumption, not a measurement."""
ALONE: Final = 2.0
"""So many times as wide are bands from one run, whole or cut short, as the table's: it was made of contrasting pairs.

The largest of what finished runs and prefixes of runs that had come below three tenths of their peak need;
`python -m bench.forecasting.coverage` makes it.
"""
OTHERWISE: Final = 3.8
"""The same where that one run came down and the candidate does not."""
