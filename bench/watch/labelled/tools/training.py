"""Any of the tools, by the recipe's name for it."""

from importlib import import_module

from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tools.logged import FILES, Logged

__all__ = ["train"]


def train(recipe: Recipe) -> Logged:
    """One run by the tool that the recipe names."""
    if recipe.tool not in FILES:
        raise ValueError(f"{recipe.tool!r} is none of {', '.join(FILES)}")
    found: Logged = import_module(f"bench.watch.labelled.tools.{recipe.tool}").train(recipe)
    return found
