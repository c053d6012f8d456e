"""What every importer is asked beside its source, checked once."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Final

from calando.core.clock import LONGEST
from calando.errors import BadName, BadValue, shown
from calando.peers.finish import number

__all__ = ["check_asked", "rates_of"]

CLOCKS: Final = ("step", "epoch")


def check_asked(where: str, *, quirks: Any = True, horizon: Any = None, per: Any = "step") -> None:
    """The options that importers share.

    Args:
        where: the importer's name, for errors.
        quirks: True or False.
        horizon: whole steps from 1 to 2^53, or None.
        per: "step" or "epoch".

    Raises:
        BadValue: for other quirks, or another horizon.
        BadName: for another `per`.

    >>> check_asked("from_keras", horizon=100)
    """
    if not isinstance(quirks, bool):
        raise BadValue(
            given=f"quirks={shown(quirks)}", allowed="True or False", where=f"{where}(quirks)",
            fix="pass quirks=False for the plan that was probably meant",
        )  # fmt: skip
    whole = isinstance(horizon, Integral) and not isinstance(horizon, bool)
    if horizon is not None and (not whole or not 1 <= horizon <= LONGEST):
        raise BadValue(
            given=f"horizon={shown(horizon)}", allowed="a whole number of steps from 1 to 2^53",
            where=f"{where}(horizon)", fix="give the length of your run, or leave it out",
        )  # fmt: skip
    if not isinstance(per, str) or per not in CLOCKS:
        raise BadName(given=f"per={shown(per)}", allowed=", ".join(CLOCKS), where=f"{where}(per)",
                      fix="use one of these")  # fmt: skip


def rates_of(lr: Any, where: str) -> tuple[float, ...]:
    """One learning rate, or one for each group, each >= 0.

    Raises:
        BadValue: for anything else, or for none at all.

    >>> rates_of([0.1, 1], "from_deepspeed")
    (0.1, 1.0)
    """
    given: Sequence[Any] = lr if isinstance(lr, list | tuple) else [lr]
    if not given:
        raise BadValue(given="lr=[]", allowed="a learning rate, or one for each group", where=f"{where}(lr)",
                       fix="give at least one")  # fmt: skip
    return tuple(number(rate, f"{where}(lr)", 0.0) for rate in given)
