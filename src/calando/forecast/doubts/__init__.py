"""Where laws of training do not hold, told from the curves themselves."""

from calando.forecast.doubts.candidates import rising_again
from calando.forecast.doubts.judging import doubts_of
from calando.forecast.doubts.value import Doubt

__all__ = ["Doubt", "doubts_of", "rising_again"]
