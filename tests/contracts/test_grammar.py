"""The grammar in ARCHITECTURE.md is the one that is read: every sentence it makes is understood as a sentence."""

import re
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calando import errors, parse
from tests.contracts.source import ROOT

GRAMMAR = re.findall(r"```ebnf\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), flags=re.DOTALL)[0]
TERMINALS = {"letter": st.sampled_from("abcxyzABCXYZ"), "digit": st.sampled_from("0123456789")}
BLANKS = {"plan", "piece", "arguments", "unnamed", "named", "list"}  # rules between whose parts white space may stand


def tokens(body: str) -> list[str]:
    return re.findall(r'"[^"]*"|[\w]+|[{}()\[\],|]', re.sub(r"\(\*.*?\*\)", "", body, flags=re.DOTALL))


RULES = {name: tokens(body) for name, body in re.findall(r"^(\w+)\s*=(.*?);\s*(?:\(\*.*?\*\))?$", GRAMMAR, re.M | re.S)}


LIMITS = ("at most", "0 to", "each argument once", "a number that a float64 can hold")


class Reader:
    """Turns the right-hand side of one rule into a strategy for its sentences."""

    def __init__(self, rule: str) -> None:
        self.rule, self.left = rule, list(RULES[rule])

    def choice(self, closing: str = "") -> st.SearchStrategy[str]:
        options = [self.sequence(closing)]
        while self.left and self.left[0] == "|":
            self.left.pop(0)
            options.append(self.sequence(closing))
        return st.one_of(options)

    def sequence(self, closing: str) -> st.SearchStrategy[str]:
        parts = []
        while self.left and self.left[0] not in {"|", closing}:
            if self.left[0] == ",":
                self.left.pop(0)
            parts.append(self.part())
        gap = st.sampled_from(["", " ", "  "]) if self.rule in BLANKS else st.just("")
        return st.tuples(*parts, gap).map(lambda found: found[-1].join(found[:-1]))

    def part(self) -> st.SearchStrategy[str]:
        sign = self.left.pop(0)
        if sign in "{[(":
            inside = self.choice(closing={"{": "}", "[": "]", "(": ")"}[sign])
            self.left.pop(0)
            if sign == "(":
                return inside
            return st.lists(inside, max_size=2 if sign == "{" else 1).map("".join)
        return st.just(sign[1:-1]) if sign.startswith('"') else st.deferred(lambda: sentences(sign))


@cache
def sentences(rule: str) -> st.SearchStrategy[str]:
    return TERMINALS[rule] if rule in TERMINALS else Reader(rule).choice()


def test_every_rule_is_used_and_defined() -> None:
    named = {token for body in RULES.values() for token in body if token.isidentifier()}
    assert named - set(TERMINALS) == set(RULES) - {"plan"} | {"plan"}


@given(sentences("plan"))
def test_a_sentence_of_the_grammar_is_read_as_one(text: str) -> None:
    # No such plan, or a number outside its range: then the sentence itself was understood. Its depth or a number's
    # size may be too much; its form may not.
    with suppress(errors.BadName, errors.BadValue):
        complaint = misread(text)
        assert complaint is None or any(said in complaint.allowed for said in LIMITS), repr(complaint)


def misread(text: str) -> errors.BadText | None:
    try:
        parse(text)
    except errors.BadText as error:
        return error
    return None


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("cosine(end = 0.1 , )", "cosine(end=0.1)"),
        ("warmup(2e3)|cosine", "warmup(2000) | cosine()"),
        ("min(cosine, linear_decay)", "minimum(cosine(), linear_decay())"),
        ("scale(cosine, 0.5)", "scale(cosine(), by=0.5)"),
        ("wsd(cooldown_shape=1-sqrt)", "wsd(cooldown_shape=1-sqrt)"),
        ("then(warmup(5%), cosine())", "warmup(5%) | cosine()"),
    ],
)
def test_spellings_that_mean_the_same(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize("text", ["cosine(end=0.1", "5 %", "warmup(5 %)", "cosine(end=0.1, 2)", "cosine(1 2)", "|", ""])
def test_what_is_no_sentence_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(errors.BadText, match="column"):
        parse(text)
