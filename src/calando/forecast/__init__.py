"""Forecast and transfer: what a schedule will give, before it is paid for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calando.forecast.bounds import Bound as Bound
    from calando.forecast.bounds import bound as bound
    from calando.forecast.choosing import Choice as Choice
    from calando.forecast.choosing import choose as choose
    from calando.forecast.curve import LossCurve as LossCurve
    from calando.forecast.designing import Design as Design
    from calando.forecast.designing import design as design
    from calando.forecast.fitting import Fit as Fit
    from calando.forecast.fitting import fit as fit
    from calando.forecast.fitting import resample as resample
    from calando.forecast.forecasted import Forecast as Forecast
    from calando.forecast.forecasting import forecast as forecast
    from calando.forecast.laws import LAWS as LAWS
    from calando.forecast.refining import Refined as Refined
    from calando.forecast.refining import refine as refine
    from calando.forecast.transferring import Extension as Extension
    from calando.forecast.transferring import Transfer as Transfer
    from calando.forecast.transferring import extend as extend
    from calando.forecast.transferring import transfer as transfer

# The public names, and the modules that hold them: loaded when they are first asked for. No module may be called like a
# name here, since its own import would take the name's place.
_WHERE = {
    "Bound": "bounds",
    "Choice": "choosing",
    "Design": "designing",
    "Extension": "transferring",
    "Fit": "fitting",
    "Forecast": "forecasted",
    "LAWS": "laws",
    "LossCurve": "curve",
    "Refined": "refining",
    "Transfer": "transferring",
    "bound": "bounds",
    "choose": "choosing",
    "design": "designing",
    "extend": "transferring",
    "fit": "fitting",
    "forecast": "forecasting",
    "refine": "refining",
    "resample": "fitting",
    "transfer": "transferring",
}

__all__ = [
    "LAWS",
    "Bound",
    "Choice",
    "Design",
    "Extension",
    "Fit",
    "Forecast",
    "LossCurve",
    "Refined",
    "Transfer",
    "bound",
    "choose",
    "design",
    "extend",
    "fit",
    "forecast",
    "refine",
    "resample",
    "transfer",
]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        from importlib import import_module

        found: object = getattr(import_module(f"calando.forecast.{_WHERE[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'calando.forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
