"""Fitting laws to curves: the search, what it found, how sure it is, and why not to believe it."""

from calando.forecast.fitting.fitted import Fit
from calando.forecast.fitting.resampling import resample
from calando.forecast.fitting.searching import fit

__all__ = ["Fit", "fit", "resample"]
