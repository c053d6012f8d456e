"""The one-line text form of a plan: a parser (nothing is ever evaluated) and a writer.

Grammar (ARCHITECTURE.md explains it):

    plan     = piece { "|" piece }
    piece    = name [ "(" [ argument { "," argument } ] ")" ]
    argument = [ name "=" ] value
    value    = plan | number | length | word | "true" | "false" | list
    list     = "[" [ value { "," value } ] "]"
    length   = number ( "%" | "ep" | "tok" | "sa" )
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, NoReturn

from calando.core.bundle import bundle
from calando.core.clock import Length, exact, length_of
from calando.core.kinds import Items, Kind, Optional
from calando.core.plan import Nested, Parameter, Plan, is_default
from calando.errors import BadText, CalandoError, did_you_mean, shown

__all__ = ["parse", "write"]

LONGEST_TEXT: Final = 200_000
DEEPEST: Final = 60

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<word>1-sqrt\b|[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)"
    r"|(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<unit>%|[A-Za-z]+)?"
    r"|(?P<mark>[()\[\],=|]))"
)
_UNITS: Final = ("%", "ep", "tok", "sa")


class Token(NamedTuple):
    """A piece of the text and where it starts."""

    kind: str
    text: str
    unit: str
    at: int


class Word(str):
    """A bare word: a choice, or the name of a plan, as the argument decides."""

    __slots__ = ()


def parse(text: str) -> Plan:
    """Read a plan from its text form.

    Formula: see the grammar in ARCHITECTURE.md; `str(plan)` is its inverse.

    Args:
        text: at most 200,000 characters, nested at most 60 deep.

    Raises:
        BadText: where the text is not in the grammar, with the column.
        BadName: for a plan or an argument that does not exist, with the nearest one that does.
        BadValue: for an argument outside its range.

    Example:
        >>> import calando
        >>> calando.parse("warmup(5%) | cosine(end=0.1)")
        warmup(length='5%') | cosine(end=0.1)
    """
    if not isinstance(text, str):
        raise BadText(
            given=f"{shown(text)} ({type(text).__name__})", allowed="a text such as 'cosine(end=0.1)'", where="parse",
            fix="pass a str",
        )  # fmt: skip
    if len(text) > LONGEST_TEXT:
        raise BadText(
            given=f"a text of {len(text)} characters", allowed=f"at most {LONGEST_TEXT}", where="parse",
            fix="use JSON for large tables of points",
        )  # fmt: skip
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._split_on = self._split()  # token by token, so that a wrong text is refused where it goes wrong
        self._tokens: list[Token] = []
        self._next = 0
        self._depth = 0

    def _split(self) -> Iterator[Token]:
        at = 0
        end = len(self._text.rstrip())
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                self._fail(f"the character {shown(self._text[at])}", "names, numbers, and ( ) [ ] , = |", at)
            kind = match.lastgroup if match.lastgroup != "unit" else "number"
            body = match[kind or "mark"]
            yield Token(kind or "mark", body, match["unit"] or "", match.start(kind or "mark"))
            at = match.end()

    def _fail(self, given: str, allowed: str, at: int, fix: str = "mend the text there") -> NoReturn:
        near = self._text[max(at - 12, 0) : at + 12]
        raise BadText(given=given, allowed=allowed, where=f"column {at + 1}, near {shown(near)}", fix=fix)

    def _peek(self, offset: int = 0) -> Token:
        i = self._next + offset
        while i >= len(self._tokens) and (token := next(self._split_on, None)):
            self._tokens.append(token)
        return self._tokens[i] if i < len(self._tokens) else Token("end", "", "", len(self._text))

    def _take(self, mark: str) -> bool:
        if self._peek().kind == "mark" and self._peek().text == mark:
            self._next += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        token = self._peek()
        if not self._take(mark):
            found = repr(token.text) if token.text else "the end of the text"
            self._fail(found, repr(mark), token.at, f"put {mark!r} there")

    def whole(self) -> Plan:
        plan = self.chain()
        token = self._peek()
        if token.kind != "end":
            self._fail(repr(token.text), "'|' and another piece, or the end", token.at)
        return plan

    def chain(self) -> Plan:
        first = self._peek()
        plans = [self.piece()]
        while self._take("|"):
            plans.append(self.piece())
        return plans[0] if len(plans) == 1 else self._built("then", plans, {}, first.at)

    def piece(self) -> Plan:
        token = self._peek()
        if token.kind != "word":
            found = repr(token.text + token.unit) if token.text else "nothing"
            self._fail(found, "the name of a plan", token.at, "write a plan such as cosine(end=0.1)")
        self._next += 1
        return self._call(token)

    def _call(self, name: Token) -> Plan:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(f"plans nested more than {DEEPEST} deep", f"at most {DEEPEST}", name.at, "flatten the plan")
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        if self._take("("):
            while not self._take(")"):
                self._argument(args, kwargs)
                if not self._take(","):
                    self._expect(")")
                    break
        self._depth -= 1
        return self._built(name.text, args, kwargs, name.at)

    def _argument(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        token, after = self._peek(), self._peek(1)
        if token.kind == "word" and after.kind == "mark" and after.text == "=":
            self._next += 2
            if token.text in kwargs:
                self._fail(f"{token.text} twice", "each argument once", token.at, f"drop one {token.text}")
            kwargs[token.text] = self.value()
        elif kwargs:
            self._fail(
                repr(token.text + token.unit) if token.text else "nothing", "name=value after a named argument",
                token.at, "name the argument",
            )  # fmt: skip
        else:
            args.append(self.value())

    def value(self) -> Any:
        token = self._peek()
        if token.kind == "number":
            self._next += 1
            return self._number(token)
        if self._take("["):
            return self._list()
        if token.kind != "word":
            self._fail(repr(token.text) if token.text else "nothing", "a value", token.at, "write a value there")
        if token.text in ("true", "false"):
            self._next += 1
            return token.text == "true"
        after = self._peek(1)
        if after.kind == "mark" and after.text in "(|":
            return self.chain()
        self._next += 1
        return Word(token.text)

    def _list(self) -> list[Any]:
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(f"lists nested more than {DEEPEST} deep", f"at most {DEEPEST}", self._peek().at, "flatten it")
        items: list[Any] = []
        while not self._take("]"):
            items.append(self.value())
            if not self._take(","):
                self._expect("]")
                break
        self._depth -= 1
        return items

    def _number(self, token: Token) -> int | float | Length:
        if token.unit:
            if token.unit not in _UNITS:
                self._fail(
                    f"the unit {token.unit!r}{did_you_mean(token.unit, _UNITS)}",
                    "%, ep, tok, sa, or no unit for steps", token.at, "write 500, 5%, 3ep, 2e9tok or 64e6sa",
                )  # fmt: skip
            try:
                return length_of(token.text.removeprefix("+") + token.unit, f"column {token.at + 1}")
            except CalandoError as error:
                self._fail(error.given, error.allowed, token.at, error.fix)
        mantissa, _, exponent = token.text.lower().partition("e")
        if len(mantissa) > 400:
            self._fail("a number of more than 400 digits", "a number that a float64 can hold", token.at)
        if "." in mantissa or (exponent and not 0 <= int(exponent[:6]) <= 30):
            return float(token.text)
        whole = exact(mantissa, exponent or None)
        return int(whole) if whole.denominator == 1 else float(token.text)

    def _built(self, name: str, args: list[Any], kwargs: dict[str, Any], at: int) -> Plan:
        from calando.core.catalog import plan_class

        try:
            cls = plan_class(name)
            return cls(*words_to_plans(cls, args), **named_words_to_plans(cls, kwargs))
        except CalandoError as error:
            if " (column " not in error.where:
                error = type(error)(
                    given=error.given, allowed=error.allowed, fix=error.fix,
                    where=f"{error.where} (column {at + 1})",
                )  # fmt: skip
            raise error from None


def _wants_plan(kind: Kind) -> bool:
    if isinstance(kind, Optional | Items):
        return _wants_plan(kind.kind)
    return isinstance(kind, Nested)


def words_to_plans(cls: type[Plan], args: list[Any]) -> list[Any]:
    """Bare words where plans are wanted, as those plans: `scale(cosine, 0.5)`."""
    if cls.variadic or cls is bundle:
        return [_word_to_plan(value) for value in args]
    kinds = [parameter.kind for parameter in cls.parameters]
    return [_word_to_plan(v) if i < len(kinds) and _wants_plan(kinds[i]) else v for i, v in enumerate(args)]


def named_words_to_plans(cls: type[Plan], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same for named arguments."""
    wanted = {parameter.name for parameter in cls.parameters if _wants_plan(parameter.kind)}
    return {name: _word_to_plan(v) if name in wanted or cls is bundle else v for name, v in kwargs.items()}


def _word_to_plan(value: Any) -> Any:
    from calando.core.catalog import plan_class

    return plan_class(value)() if isinstance(value, Word) else value


def write(plan: Plan) -> str:
    """The text form of a plan, which `parse` reads back as an equal plan.

    Raises:
        NotSerialisable: when the plan holds a Python function that was not registered by name.
    """
    name = type(plan).__name__
    if name == "then":
        return " | ".join(write(piece) for piece in plan.children)
    if plan.variadic:
        return f"{name}({', '.join(write(piece) for piece in plan.children)})"
    if isinstance(plan, bundle):
        others = "".join(f", {quantity}={write(inner)}" for quantity, inner in plan.quantities)
        return f"bundle({write(plan.lr)}{others})"
    parts = []
    leading = True
    for parameter, value in zip(plan.parameters, plan.arguments, strict=True):
        if is_default(parameter, value):
            leading = False
            continue
        spelled = parameter.kind.text(value)
        leading = leading and _leads(plan, parameter)
        parts.append(spelled if leading else f"{parameter.name}={spelled}")
    return f"{name}({', '.join(parts)})"


def _leads(plan: Plan, parameter: Parameter) -> bool:
    return isinstance(parameter.kind, Nested) or parameter.name in plan.leading
