"""`calando report STUDY`: the study as one HTML file, or in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["made", "report"]


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The file to write.  [default: STUDY/report.html]")
@click.option("--static", is_flag=True, help="Figures as SVG: about 0.4 MB in place of 5, and no script needed.")
@click.option("--text", is_flag=True, help="Print the page here; write a file only if --out names one.")
def report(study: Path, out: Path | None, static: bool, text: bool) -> None:
    """Make the report of a study: verdict, curves, diagnosis, the snippet to paste.

    STUDY is the folder that `calando compare` wrote, or the study.sqlite3 inside it. The report is one
    self-contained HTML file; PyTorch is not needed to make it.
    """
    from calando.records import load
    from calando.report import build, renderable, write_html

    loaded = load(study)
    if text:
        from rich.console import Console

        Console(highlight=False).print(renderable(build(loaded)))
    if out is not None or not text:
        folder = study if study.is_dir() else study.parent
        path = write_html(loaded, out or folder / "report.html", static=static, made=made())
        click.echo(f"{path}  ({path.stat().st_size / 1e6:.1f} MB)")


def made() -> str:
    """When and by which calando a page was made."""
    from datetime import datetime
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = f"{version('calando')}, "
    except PackageNotFoundError:
        number = ""
    return number + datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
