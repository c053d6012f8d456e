"""What a check of a train function found: one line per promise of the run contract."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["CheckResult", "Promise"]

Standing = Literal["ok", "warning", "broken", "untested"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of the contract and how it stands.

    `found` says what was seen, `why` what it costs where it is not kept, `fix` what to change, `where` is
    "file.py:12" of the line to look at. All but `found` are empty where the promise is kept.

    >>> Promise("the loss moves", "ok", "1.2 to 0.9").fix
    ''
    """

    name: str
    status: Standing
    found: str
    why: str = ""
    fix: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """All promises, and what it took to test them.

    >>> CheckResult("t.py:train", (Promise("the loss moves", "ok", "1.2 to 0.9"),)).status
    'ok'
    """

    train: str
    promises: tuple[Promise, ...]
    steps: int = 0
    seconds: float = 0.0
    version: int = 1

    @property
    def status(self) -> Standing:
        """The worst that was found: "broken", "warning" or "ok".

        >>> CheckResult("t.py:train", ()).status
        'ok'
        """
        found = {promise.status for promise in self.promises}
        return "broken" if "broken" in found else "warning" if found & {"warning", "untested"} else "ok"

    def promise(self, name: str) -> Promise:
        """The promise of that name.

        Raises:
            BadName: when it was not looked at.

        >>> CheckResult("t.py:train", (Promise("the loss moves", "ok", "yes"),)).promise("the loss moves").found
        'yes'
        """
        from calando.errors import BadName, did_you_mean, shown

        for promise in self.promises:
            if promise.name == name:
                return promise
        names = [promise.name for promise in self.promises]
        raise BadName(
            given=f"the promise {shown(name)}{did_you_mean(name, names)}",
            allowed=", ".join(names) or "none: nothing was checked",
            where="CheckResult.promise",
            fix="use a name from the table",
        )
