"""Bands around predicted losses, as wide as held-out losses have shown that they must be."""

from calando.forecast.bands.banding import band, checked_level, factor_at
from calando.forecast.bands.calibrating import Coverage, calibrated, covered_leaving_out, interval, spread_of
from calando.forecast.bands.evidence import alone, wider
from calando.forecast.bands.table import ALONE, BEYOND, FLOOR, LAST_RATIO, NOMINAL, OTHERWISE, WIDTHS

__all__ = [
    "ALONE",
    "BEYOND",
    "FLOOR",
    "LAST_RATIO",
    "NOMINAL",
    "OTHERWISE",
    "WIDTHS",
    "Coverage",
    "alone",
    "band",
    "calibrated",
    "checked_level",
    "covered_leaving_out",
    "factor_at",
    "interval",
    "spread_of",
    "wider",
]
