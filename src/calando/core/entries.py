"""What installed packages offer by entry points, and how one of it is opened."""

from typing import TYPE_CHECKING, Any

from calando.errors import CalandoError, MissingExtra

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["installed", "opened"]

EXTRAS = {"optax": "jax"}
"""The extras that are not named like the door that they are for."""


def installed(group: str) -> "dict[str, EntryPoint]":
    """The entry points of a group, each by its name: the root module of the framework that it serves."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def opened(point: "EntryPoint", what: str, where: str) -> Any:
    """What an entry point names, imported.

    Args:
        point: one of `installed`.
        what: what it is to whoever asks, for the message.
        where: the call that asks.

    Raises:
        MissingExtra: when it cannot be imported.
    """
    try:
        return point.load()
    except CalandoError:
        raise
    except ImportError as error:
        raise MissingExtra(
            given=f"{what} for {point.name}: {error}", allowed="an installed framework", where=where,
            fix=_remedy(point, error),
        ) from error  # fmt: skip


def _remedy(point: "EntryPoint", error: ImportError) -> str:
    """What to install: the extra that our own door stands on, or what somebody else's cannot do without."""
    package, _, inside = point.module.partition(".")
    if package != "calando":
        return f"install {(error.name or point.name).partition('.')[0]}, which {point.module} imports"
    room = inside.partition(".")[0]
    return f"pip install 'calando[{EXTRAS.get(room, room)}]'"
