"""Where laws of training do not hold, told from the curves themselves."""

from calando.forecast.doubts.candidates import rising_again
from calando.forecast.doubts.cooled import COMES_DOWN, comes_down, never_cooled, unseen
from calando.forecast.doubts.judging import doubts_of
from calando.forecast.doubts.value import Doubt

__all__ = ["COMES_DOWN", "Doubt", "comes_down", "doubts_of", "never_cooled", "rising_again", "unseen"]
