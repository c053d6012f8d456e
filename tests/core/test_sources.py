"""The bibliography knows every paper that a plan names, and no other; citing prints exactly what is used."""

import re

import pytest

import calando
from calando.core.sources import SOURCES, cite, source, sources_of
from calando.errors import BadName

ASKED = {key for entry in calando.catalog.entries() for key in entry.cites}


def test_every_source_that_a_plan_names_is_known() -> None:
    assert ASKED - set(SOURCES) == set()


def test_every_known_source_is_behind_some_plan() -> None:
    assert set(SOURCES) - ASKED == set()


def test_keys_are_sorted_and_say_the_year() -> None:
    assert list(SOURCES) == sorted(SOURCES)
    assert [entry.key for entry in SOURCES.values() if not entry.key.endswith(str(entry.year))] == []


@pytest.mark.parametrize("entry", SOURCES.values(), ids=lambda entry: entry.key)
def test_an_entry_is_whole_bibtex(entry) -> None:
    text = entry.bibtex()
    assert text.isascii()
    assert text.count("{") == text.count("}")
    assert re.match(r"@(misc|article|inproceedings)\{" + entry.key + ",\n", text)
    for field in ("author", "title", "year", "url"):
        assert len(re.findall(rf"^  {field} += \{{.+\}},$", text, flags=re.MULTILINE)) == 1
    assert re.search(r"arXiv:\d{4}\.\d{5}|doi:10\.\d+/", entry.identifier)


def test_citing_gives_exactly_the_plans_used_each_once() -> None:
    plan = calando.parse("warmup(5%) | cosine(end=0.1)")
    text = cite(plan, calando.warm_restarts(first=10))
    assert re.findall(r"^@\w+\{(\w+),$", text, flags=re.MULTILINE) == ["goyal2017", "loshchilov2017"]
    assert "% cosine, warm_restarts\n" in text


def test_plans_inside_others_are_cited_too() -> None:
    inner = calando.bundle(calando.clip(calando.wsd(), low=0.1), momentum=calando.one_cycle())
    assert [entry.key for entry in sources_of(inner)] == ["hagele2024", "hu2024", "smith2018"]


def test_a_plan_without_a_paper_gives_nothing() -> None:
    assert cite(calando.constant()) == ""


def test_an_unknown_key_says_what_was_meant() -> None:
    with pytest.raises(BadName, match="did you mean 'goyal2017'"):
        source("goyal2018")
