"""`calando list`: the catalog of plans."""

from textwrap import wrap

import click

from calando.core.catalog import Entry, entries, entry, names

__all__ = ["list_"]

KINDS = {
    "shape": "Shapes: a curve with a length",
    "plan": "Plans that people know",
    "feedback": "Listening to a metric",
    "combinator": "Putting plans together",
    "bundle": "Several quantities on one clock",
}


def _complete(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in names() if name.startswith(incomplete)]


@click.command("list", short_help="Look into the catalog of plans.")
@click.argument("name", required=False, shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON instead.")
def list_(name: str | None, as_json: bool) -> None:
    """List every plan with its formula; with NAME, all there is to know of that one.

    \b
    calando list
    calando list one_cycle
    """
    found = entries() if name is None else (entry(name),)
    if as_json:
        click.echo(_json(found))
        return
    width = min(100, _columns())
    for line in _all(found, width) if name is None else _one(found[0], width):
        click.echo(line)


def _columns() -> int:
    from shutil import get_terminal_size

    return max(40, get_terminal_size((100, 24)).columns)


def _json(found: tuple[Entry, ...]) -> str:
    import json

    return json.dumps(
        [e._asdict() | {"parameters": [p._asdict() for p in e.parameters]} for e in found], indent=2, ensure_ascii=False
    )


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    return wrap(" ".join(text.split()), width, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _all(found: tuple[Entry, ...], width: int) -> list[str]:
    lines: list[str] = []
    kind = ""
    for item in found:
        if item.kind != kind:
            kind = item.kind
            lines += ([""] if lines else []) + [click.style(KINDS[kind], bold=True)]
        lines += ["", "  " + click.style(item.name, fg="cyan", bold=True)]
        lines += _wrapped(item.summary, 4, width)
        lines += [click.style(line, dim=True) for line in _wrapped(item.formula, 4, width)]
    return [*lines, "", "calando list NAME tells all of one of them."]


def _one(item: Entry, width: int) -> list[str]:
    from calando.core.sources import source

    required = [p.name for p in item.parameters if p.default is None]
    optional = [
        f"{p.name}={p.default}" if p.default != "None" else p.name for p in item.parameters if p.default is not None
    ]
    lines = _wrapped(f"{item.name}({', '.join(required + optional)})", 0, width)
    lines = [click.style(line, bold=True) for line in lines]
    lines += ["", *_wrapped(item.summary, 0, width)]
    lines += ["", click.style("Formula", bold=True), *_wrapped(item.formula, 2, width)]
    if item.parameters:
        lines += ["", click.style("Arguments", bold=True)]
    for p in item.parameters:
        default = (
            "required" if p.default is None else "may be left out" if p.default == "None" else f"default {p.default}"
        )
        lines.append(f"  {click.style(p.name, fg='cyan')}  ({default})")
        lines += _wrapped(f"{p.about.rstrip('.')}. Allowed: {p.allowed}." if p.allowed else p.about, 6, width)
    lines += ["", click.style("Example", bold=True), *("  " + line for line in item.example.splitlines())]
    if item.source:
        lines += ["", click.style("Source", bold=True), *_wrapped(item.source, 2, width)]
    for key in item.cites:
        found = source(key)
        lines += _wrapped(f"[{key}] {found.title}. {found.venue}, {found.year}. {found.identifier}", 2, width)
    return lines
