"""The laws: one small file each, one line each in `LAWS`."""

from calando.forecast.laws.base import Law, Parameter, Path
from calando.forecast.laws.bounded import BoundLaw
from calando.forecast.laws.effective import EffectiveRate
from calando.forecast.laws.functional import Functional
from calando.forecast.laws.momentum import Momentum
from calando.forecast.laws.multi_power import MultiPower
from calando.forecast.laws.peaked import PeakBound

__all__ = ["LAWS", "EffectiveRate", "Law", "Parameter", "Path"]

LAWS: dict[str, Law] = {
    "multi_power": MultiPower(),
    "functional": Functional(),
    "bound": BoundLaw(),
    "peak_bound": PeakBound(),
    "momentum": Momentum(),
    "multi_power_effective": EffectiveRate(MultiPower()),
    "functional_effective": EffectiveRate(Functional()),
    "bound_effective": EffectiveRate(BoundLaw()),
}
"""Every law by its name."""
