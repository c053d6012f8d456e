"""What there is to find in the curves of a run: one entry a finding, read by rules, pages, command line and docs."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from calando.records.diagnosis.entries import ENTRIES

__all__ = ["CATALOGUE", "WORST_FIRST", "Entry", "Limit", "limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a rule turns on, and the reason for it."""

    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of finding, told for people.

    `kind` is its name everywhere, `looks` what it looks like, `why` where it comes from, `do` what to do in the order
    in which to try it, `shown` the evidence that a finding carries, `limits` the numbers that its rule turns on,
    `not_it` what is easily taken for it, `second` what a second run beside it adds.
    """

    kind: str
    severity: str
    looks: str
    why: str
    do: tuple[str, ...]
    shown: str
    limits: MappingProxyType[str, Limit]
    not_it: str = ""
    second: str = ""

    @property
    def slug(self) -> str:
        """The name of its page, docs/diagnosis/SLUG.md.

        >>> CATALOGUE["LR too low"].slug
        'lr-too-low'
        """
        return self.kind.lower().replace(" ", "-")


def _entry(kind: str, told: dict[str, object]) -> Entry:
    limits: dict[str, tuple[float, str]] = told.get("limits", {})  # type: ignore[assignment]
    return Entry(
        kind, str(told["severity"]), str(told["looks"]), str(told["why"]), tuple(told["do"]),  # type: ignore[arg-type]
        str(told["shown"]), MappingProxyType({name: Limit(*pair) for name, pair in limits.items()}),
        str(told.get("not_it", "")), str(told.get("second", "")),
    )  # fmt: skip


CATALOGUE = MappingProxyType({kind: _entry(kind, told) for kind, told in ENTRIES.items()})
"""Every finding by its kind, worst first."""

WORST_FIRST = tuple(CATALOGUE)


def limit(kind: str, name: str) -> float:
    """A number that a rule turns on.

    >>> 0 < limit("LR too low", "half") < 1
    True
    """
    return CATALOGUE[kind].limits[name].value
