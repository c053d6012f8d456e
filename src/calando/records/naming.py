"""The names that numbers are recorded under."""

from calando.errors import BadValue, shown

__all__ = ["check_name"]

LONGEST = 200
"""Characters of a name at the most."""


def check_name(given: object, what: str, where: str) -> str:
    """A name that numbers can be recorded under, or BadValue: printable text of 1 to 200 characters.

    >>> check_name("val_loss", "metric", "run.log")
    'val_loss'
    """
    if isinstance(given, str) and 0 < len(given) <= LONGEST and given.isprintable():
        return given
    raise BadValue(
        given=f"a {what} named {shown(given)}",
        allowed=f"a name of 1 to {LONGEST} printable characters",
        where=where,
        fix="log it under a plain name, such as val_loss",
    )
