"""What a host's callback asks of the watched run that it is given."""

from typing import Any, Protocol, runtime_checkable

from calando.errors import BadValue, MissingExtra, shown

__all__ = ["Watchable", "check_watched", "no_host"]


@runtime_checkable
class Watchable(Protocol):
    """A run under watch, as `calando.watch` gives it, seen from a host that may not know where it comes from."""

    @property
    def follows(self) -> bool:
        """Whether it was said what drives the run."""

    @property
    def over(self) -> bool:
        """Whether to leave the loop."""

    @property
    def ending(self) -> str | None:
        """How it ended; None while it goes on."""

    def follow(self, **said: Any) -> None:
        """Say what drives the run."""

    def log(self, *numbers: Any, **named: Any) -> None:
        """Write numbers down."""

    def close(self, *said: Any) -> None:
        """The run is over."""


def check_watched(value: object, where: str) -> None:
    """Refuse what is no watched run.

    Args:
        value: object that a user gave.
        where: name of the call that asks.

    Raises:
        BadValue: when it is none.
    """
    if not isinstance(value, Watchable):
        raise BadValue(
            given=f"{shown(value)} ({type(value).__name__})",
            allowed="what calando.watch gave",
            where=where,
            fix='pass calando.watch("first") itself',
        )


def no_host(host: str, package: str, where: str) -> MissingExtra:
    """The error of a call for a host that is not installed; no extra of ours brings one, so it names the package."""
    return MissingExtra(
        given=f"{where} without {host}", allowed=f"an installed {package}", where=where, fix=f"pip install {package}"
    )
