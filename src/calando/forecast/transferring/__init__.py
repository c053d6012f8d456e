"""From the best peak of one schedule to that of another: shapes, horizons, longer runs. Theory; nothing is trained."""

from calando.forecast.transferring.answers import Cooldown, Extension, Target, Transfer, Way
from calando.forecast.transferring.between import transfer
from calando.forecast.transferring.longer import extend

__all__ = ["Cooldown", "Extension", "Target", "Transfer", "Way", "extend", "transfer"]
