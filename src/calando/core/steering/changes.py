"""What may be asked of a run under way, as values and as one line of text each."""

from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias, cast

from calando.core.clock import Length, length_of
from calando.core.kinds import Number, number_text
from calando.errors import BadName, BadText, CalandoError, did_you_mean, shown

__all__ = ["SHAPES", "WORDS", "Change", "Cooldown", "Extend", "Scale", "Stop", "Undo", "read_change"]

SHAPES: Final = ("linear", "cosine", "1-sqrt")
LONGEST: Final = 200
"""Signs of a command."""

WORDS: Final = {
    "cooldown": "cooldown LENGTH [linear|cosine|1-sqrt] [to END]",
    "scale": "scale NUMBER [force]",
    "extend": "extend LENGTH",
    "stop": "stop",
    "undo": "undo",
}
"""Every command, and how it is written."""

Shape: TypeAlias = Literal["linear", "cosine", "1-sqrt"]


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Fall from the factor in force to `end` in so many steps, and end there; None takes the steps that are left.

    >>> str(read_change("cooldown 10% cosine to 0.1"))
    'cooldown 10% cosine to 0.1'
    """

    length: Length | None
    shape: Shape = "linear"
    end: float = 0.0

    def __str__(self) -> str:
        shape = "" if self.shape == "linear" else f" {self.shape}"
        end = f" to {number_text(self.end)}" if self.end else ""
        return f"cooldown {'rest' if self.length is None else self.length}{shape}{end}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Multiply every factor from now on; `force` where that is more than twice of what was tried.

    >>> str(read_change("scale .5"))
    'scale 0.5'
    """

    by: float
    force: bool = False

    def __str__(self) -> str:
        return f"scale {number_text(self.by)}" + (" force" if self.force else "")


@dataclass(frozen=True, slots=True)
class Extend:
    """Make the run longer by so many steps.

    >>> str(read_change("extend 2ep"))
    'extend 2ep'
    """

    length: Length

    def __str__(self) -> str:
        return f"extend {self.length}"


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run with the updates that are made."""

    def __str__(self) -> str:
        return "stop"


@dataclass(frozen=True, slots=True)
class Undo:
    """Go on as if the last change that is still in force had not been made; an undo itself cannot be undone."""

    def __str__(self) -> str:
        return "undo"


Change: TypeAlias = Cooldown | Scale | Extend | Stop | Undo


def read_change(text: str) -> Change:
    """The change that a command asks for.

    Args:
        text: `cooldown 10%|500|2ep|rest [linear|cosine|1-sqrt] [to END]`, `scale 0.5 [force]`, `extend 20000|20%`,
            `stop` or `undo`; at most 200 signs.

    Raises:
        BadText: for what is no command, or has too much or too little behind it.
        BadName: for a command or a shape that there is not.
        BadValue: for a length or a number outside its range.

    Example:
        >>> read_change("scale 0.5")
        Scale(by=0.5, force=False)
    """
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        _refuse(f"{shown(text)} as a command", "cooldown 10%")
    word, *rest = text.lower().split()
    rest = [piece.removeprefix("--") for piece in rest]
    if word not in WORDS:
        raise BadName(
            given=f"the command {shown(word)}{did_you_mean(word, WORDS)}",
            allowed="; ".join(WORDS.values()),
            where="steer",
            fix="use one of these, spelled like this",
        )
    if word in ("stop", "undo"):
        if rest:
            _refuse(f"{shown(' '.join(rest))} behind {word}", word)
        return Stop() if word == "stop" else Undo()
    if not rest:
        _refuse(f"{word} without a {'number' if word == 'scale' else 'length'}", WORDS[word])
    if word == "cooldown":
        return _cooldown(rest)
    if word == "scale":
        force = rest[1:] == ["force"]
        if len(rest) > 1 and not force:
            _refuse(f"{shown(' '.join(rest[1:]))} behind scale", WORDS[word])
        return Scale(_number(rest[0], "steer.scale"), force)
    if len(rest) > 1:
        _refuse(f"{shown(' '.join(rest[1:]))} behind extend", WORDS[word])
    return Extend(_length(rest[0], "steer.extend"))


def _cooldown(rest: list[str]) -> Cooldown:
    length = None if rest[0] == "rest" else _length(rest[0], "steer.cooldown")
    rest, shape, end = rest[1:], "linear", 0.0
    if rest and rest[0] != "to":
        shape, rest = rest[0], rest[1:]
        if shape not in SHAPES:
            raise BadName(
                given=f"the shape {shown(shape)}{did_you_mean(shape, SHAPES)}",
                allowed=", ".join(SHAPES),
                where="steer.cooldown",
                fix=f"write {WORDS['cooldown']}",
            )
    if rest:
        if rest[0] != "to" or len(rest) != 2:
            _refuse(f"{shown(' '.join(rest))} at the end", WORDS["cooldown"])
        end = _number(rest[1], "steer.cooldown")
    return Cooldown(length, cast(Shape, shape), end)


def _length(text: str, where: str) -> Length:
    try:
        length = length_of(int(text) if text.isascii() and text.isdigit() and len(text) < 20 else text, where)
    except CalandoError as error:
        raise type(error)(
            given=error.given,
            allowed="whole steps (500) or a number with its unit (10%, 2ep, 2e9tok, 64e6sa)",
            where=where,
            fix="write cooldown 10%, or extend 20000",
        ) from None
    return length


def _number(text: str, where: str) -> float:
    try:
        value = float(text) if "_" not in text else None
    except ValueError:
        value = None
    if value is None:
        _refuse(f"{shown(text)} where a number should be", "scale 0.5")
    return Number(high=1e6).check(value, where)


def _refuse(given: str, instead: str) -> NoReturn:
    raise BadText(given=given, allowed="; ".join(WORDS.values()), where="steer", fix=f"write {instead}")
