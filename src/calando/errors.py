"""Every error a user can cause, each told in four parts.

CalandoError
├── BadValue          an argument is outside what is allowed            (ValueError)
├── BadName           a name is not known; says what was probably meant (ValueError)
├── BadText           a text is not in the grammar                      (ValueError)
├── DoesNotFit        a plan does not fit the horizon it is bound to    (ValueError)
├── OutOfRange        a step outside the run                            (ValueError)
├── NotSerialisable   a value holds something that cannot be written    (TypeError)
├── BadFile           a stored document is broken, foreign or newer     (ValueError)
├── BadState          an adapter's saved state does not belong here     (ValueError)
├── Frozen            a value was to be changed in place                (AttributeError)
├── Unconvertible     another library cannot say the same, or we cannot (ValueError)
├── MissingExtra      an optional dependency is not installed           (ImportError)
└── LabError          a train function or a study breaks its contract   (RuntimeError)
"""

from collections.abc import Iterable

__all__ = [
    "BadFile",
    "BadName",
    "BadState",
    "BadText",
    "BadValue",
    "CalandoError",
    "DoesNotFit",
    "Frozen",
    "LabError",
    "MissingExtra",
    "NotSerialisable",
    "OutOfRange",
    "Unconvertible",
    "counted",
    "did_you_mean",
    "shown",
    "tame",
]

JOINERS = "\u200c\u200d"
"""Signs without a shape of their own that letters and emoji need."""


class CalandoError(Exception):
    """What was given, what is allowed, where, and what to do.

    >>> print(CalandoError(given="end=-1", allowed="a number >= 0", where="cosine.end", fix="use end=0"))
    end=-1; allowed: a number >= 0
      at: cosine.end
      do: use end=0
    """

    def __init__(self, *, given: str, allowed: str, where: str, fix: str) -> None:
        super().__init__(given, allowed, where, fix)
        self.given = given
        self.allowed = allowed
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.given}; allowed: {self.allowed}\n  at: {self.where}\n  do: {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.given, self.allowed, self.where, self.fix))


class BadValue(CalandoError, ValueError):
    """An argument is outside what is allowed."""


class BadName(CalandoError, ValueError):
    """A name is not known here."""


class BadText(CalandoError, ValueError):
    """A text cannot be read."""


class DoesNotFit(CalandoError, ValueError):
    """A plan does not fit the horizon it is bound to."""


class OutOfRange(CalandoError, ValueError):
    """A step lies outside the run."""


class NotSerialisable(CalandoError, TypeError):
    """A value holds something that cannot be written down."""


class BadFile(CalandoError, ValueError):
    """A stored document is broken, foreign, or from a newer version."""


class BadState(CalandoError, ValueError):
    """A saved state does not belong to the schedule it is loaded into."""


class Frozen(CalandoError, AttributeError):
    """A value was to be changed in place."""


class Unconvertible(CalandoError, ValueError):
    """What one library says cannot be said exactly in another's words."""


class MissingExtra(CalandoError, ImportError):
    """An optional dependency is not installed."""


class LabError(CalandoError, RuntimeError):
    """A train function or a study breaks its contract."""


def _rebuild(kind: type[CalandoError], given: str, allowed: str, where: str, fix: str) -> CalandoError:
    return kind(given=given, allowed=allowed, where=where, fix=fix)


def shown(value: object, limit: int = 60) -> str:
    """A short, single-line spelling of any value, for use inside an error.

    >>> shown("x" * 1000, limit=10)
    "'xxxxxx..."
    """
    try:
        text = repr(value[: 4 * limit]) if isinstance(value, str | bytes) else repr(value)
    except Exception:  # noqa: BLE001  # a repr of the user's may raise anything, and an error must not hide behind it
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def counted(count: int, thing: str) -> str:
    """A count with its noun.

    >>> counted(1, "run"), counted(0, "seed"), counted(12000, "update")
    ('1 run', '0 seeds', '12,000 updates')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The nearest known names, as the tail of a sentence; empty when none is near.

    >>> did_you_mean("cosin", ["cosine", "constant"])
    "; did you mean 'cosine'?"
    """
    import difflib

    near = difflib.get_close_matches(name[:80].lower(), sorted(names), n=2, cutoff=0.6)
    return "; did you mean " + " or ".join(repr(n) for n in near) + "?" if near else ""


def tame(text: str) -> str:
    """A user's text without what would steer a terminal: control signs become visible.

    >>> tame("a\\x1b[2Jb\\u202ec")
    'a\\u241b[2Jb\\ufffdc'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(sign) for sign in text)


def _visible(sign: str) -> str:
    if sign == "\n" or sign in JOINERS or sign.isprintable():
        return sign
    code = ord(sign)
    if code == 127:
        return "\u2421"
    return " " if sign.isspace() else chr(0x2400 + code) if code < 32 else "\ufffd"
