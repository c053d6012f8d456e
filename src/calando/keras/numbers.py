"""An optimizer's numbers other than the rate: where they are kept, and how they follow the clock."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from calando.errors import BadName, BadValue, did_you_mean, shown

__all__ = ["InForce", "Traced", "places_for", "stand_in"]

_NAMES: Mapping[str, tuple[str, ...]] = {
    "momentum": ("momentum", "beta_1"),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "weight_decay": ("weight_decay",),
    "rho": ("rho",),
    "epsilon": ("epsilon",),
}


def places_for(optimizer: Any, quantities: tuple[str, ...]) -> dict[str, str]:
    """Quantity -> attribute of the optimizer, for all but the learning rate.

    Raises:
        BadName: when the optimizer has no such number.
        BadValue: for a momentum that the optimizer was built without.
    """
    places: dict[str, str] = {}
    for name in quantities:
        if name == "lr":
            continue
        found = next((place for place in _NAMES.get(name, ()) if place in vars(optimizer)), None)
        if found is None:
            raise _no_place(optimizer, name)
        if found in places.values():
            raise BadValue(
                given=f"two quantities for {type(optimizer).__name__}.{found}",
                allowed="one of momentum and beta1: here they are the same number",
                where="attach(schedule)",
                fix="drop one of them from the bundle",
            )
        if found == "momentum" and optimizer.built and not optimizer.momentum:
            raise BadValue(
                given=f"a schedule of momentum for a {type(optimizer).__name__} that was built without one",
                allowed="an optimizer that keeps the sums that momentum needs",
                where="attach(optimizer)",
                fix=f"attach before the first update, or make it {type(optimizer).__name__}(..., momentum=0.9)",
            )
        places[name] = found
    return places


def _no_place(optimizer: Any, name: str) -> BadName:
    held = [known for known, places in _NAMES.items() if any(place in vars(optimizer) for place in places)]
    return BadName(
        given=f"a schedule of {shown(name)} for a {type(optimizer).__name__}{did_you_mean(name, held)}",
        allowed=", ".join(held) + ": the numbers that this optimizer reads at every update",
        where="attach(schedule)",
        fix="rename it, or apply schedule.at(step) to it yourself in a callback",
    )


class InForce:
    """Lets an optimizer have other values for the time of an update, and its own ones afterwards.

    They go straight into its dict: Keras and TensorFlow watch attributes, and would keep these with the model. Under a
    strategy of several replicas updates overlap; the last one to end gives the optimizer its own values back.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._kept: dict[str, Any] = {}

    @contextmanager
    def __call__(self, optimizer: Any, values: Mapping[str, Any]) -> Iterator[None]:
        own = vars(optimizer)
        if not self._inside:
            self._kept = {name: own[name] for name in values}
        self._inside += 1
        own.update(values)
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                own.update(self._kept)


def stand_in(value: Any) -> Any:
    """A value that the optimizer takes for its own number, under whatever test it makes of it.

    Optimizers skip momentum where `self.momentum != 0` is false, and a number in a graph cannot answer. A scheduled
    number is always used: zero is the smallest float above it, which is 0.0 again in float32.
    """
    return (value or 5e-324) if isinstance(value, float) else Traced(value)


class Traced:
    """A number inside a graph that is under way; it computes like its tensor, and counts as one above zero."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return True

    def __ge__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return False

    def __le__(self, other: object) -> bool:
        return False

    def __neg__(self) -> Any:
        return -self.value

    def __add__(self, other: Any) -> Any:
        return self.value + other

    def __radd__(self, other: Any) -> Any:
        return other + self.value

    def __sub__(self, other: Any) -> Any:
        return self.value - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.value

    def __mul__(self, other: Any) -> Any:
        return self.value * other

    def __rmul__(self, other: Any) -> Any:
        return other * self.value

    def __truediv__(self, other: Any) -> Any:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value

    def __pow__(self, other: Any) -> Any:
        return self.value**other

    def __rpow__(self, other: Any) -> Any:
        return other**self.value

    # How each library asks a stranger for its array.

    def __jax_array__(self) -> Any:
        return self.value

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self.value if dtype is None or self.value.dtype == dtype else _cast(self.value, dtype)


def _cast(value: Any, dtype: Any) -> Any:
    import keras

    return keras.ops.cast(value, getattr(dtype, "name", dtype))
