"""`calando cite`: the papers behind plans."""

import click

from calando.cli.arguments import plan_argument, read_plan

__all__ = ["cite"]


@click.command(short_help="Print BibTeX for the plans used.")
@plan_argument(many=True)
def cite(plans: tuple[str, ...]) -> None:
    """Print BibTeX for exactly the plans used in PLAN, each entry once.

    \b
    calando cite "warmup(5%) | cosine(end=0.1)" >> references.bib
    """
    from calando.core.schedule import Schedule
    from calando.core.sources import cite as bibtex

    found = [read_plan(text) for text in plans]
    text = bibtex(*(item.plan if isinstance(item, Schedule) else item for item in found))
    if text:
        click.echo(text)
    else:
        click.echo("none of these plans goes back to a paper that we know", err=True)
