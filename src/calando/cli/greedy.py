"""Options that take several values in one go: `--peaks 0.03 0.1 0.3`."""

from collections.abc import Iterable
from typing import Any

import click

__all__ = ["GreedyCommand", "spread"]


def spread(arguments: Iterable[str], greedy: Iterable[str]) -> list[str]:
    """Repeat a greedy option before each of its values, so that click understands it.

    A greedy option takes everything up to the next option.

    >>> spread(["t.py:f", "--peaks", "0.1", "0.3", "--seeds", "3"], ["--peaks"])
    ['t.py:f', '--peaks', '0.1', '--peaks', '0.3', '--seeds', '3']
    """
    names, given = set(greedy), list(arguments)
    found: list[str] = []
    taking, taken = "", 0
    for position, argument in enumerate(given):
        if argument == "--":
            return found + given[position:]
        if argument in names:
            found.append(argument)
            taking, taken = argument, 0
        elif argument.startswith("-") and not _is_number(argument):
            found.append(argument)
            taking = ""
        else:
            if taking and taken:
                found.append(taking)
            taken += 1
            found.append(argument)
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class GreedyCommand(click.Command):
    """A command whose options with `multiple=True` take several values each time they are named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spread the greedy options, then parse as ever."""
        options: list[Any] = [p for p in self.params if isinstance(p, click.Option) and p.multiple]
        return super().parse_args(ctx, spread(args, [name for option in options for name in option.opts]))
