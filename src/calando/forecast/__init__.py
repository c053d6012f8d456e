"""Forecast and transfer: what a schedule will give, before it is paid for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calando.forecast.bounds import Bound as Bound
    from calando.forecast.bounds import bound as bound
    from calando.forecast.curve import LossCurve as LossCurve

# The public names, and the modules that hold them: loaded when they are first asked for. No module may be called like a
# name here, since its own import would take the name's place.
_WHERE = {
    "Bound": "bounds",
    "LossCurve": "curve",
    "bound": "bounds",
}

__all__ = ["Bound", "LossCurve", "bound"]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        from importlib import import_module

        found: object = getattr(import_module(f"calando.forecast.{_WHERE[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'calando.forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
