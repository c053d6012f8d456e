"""Values that a train function replaces at every update, held where a snapshot finds them."""

from typing import Any

from calando.errors import LabError, shown

__all__ = ["Held"]


class Held:
    """What `run.hold` gives: one attribute for each value, to be read and set instead of a variable.

    >>> state = Held({"count": 0})
    >>> state.count += 1
    >>> state.count
    1
    """

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__:
            raise LabError(
                given=f"a new value {shown(name)}",
                allowed=", ".join(self.__dict__) or "the names that run.hold was given",
                where="run.hold",
                fix=f"name it when it is held: run.hold({name}=...)",
            )
        self.__dict__[name] = value

    def __repr__(self) -> str:
        return f"Held({', '.join(self.__dict__)})"
