"""Finding a peak: range tests that bracket it, mini-runs that decide, a fit that carries it to the full horizon."""

from calando.lab.finding.ranges import RangeTest, range_steps

__all__ = ["RangeTest", "range_steps"]
