"""`calando watch`: the runs under way, and those that were, as a live page or in the terminal."""

from pathlib import Path

import click

from calando.errors import BadFile, tame

__all__ = ["watch"]

USUAL = ("runs", "studies")


@click.command(short_help="See runs live: curves, diagnosis, steering.")
@click.argument("places", nargs=-1, metavar="[RUN|STUDY|LOG|FOLDER ...]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on.  [default: any free one]")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; another one lets others in."
)
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
@click.option("--no-steering", is_flag=True, help="Look only: the page sends no commands.")
@click.option("--text", is_flag=True, help="Here in the terminal; no server.")
@click.option("--once", is_flag=True, help="Say how things stand, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: as JSON.")
def watch(
    places: tuple[str, ...], port: int, host: str, *, no_browser: bool, no_steering: bool, text: bool, once: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """See what runs do while they do it: losses and learning rates on one clock, progress, diagnosis, decisions.

    Runs that calando.watch records, studies, and the logs of other tools, several over each other; without a name
    those in ./runs and ./studies. What is not there yet is waited for. The page is served on this machine alone, and
    opens with the token in its address.

    \b
    calando watch                          everything below runs/ and studies/
    calando watch runs/first trainer_state.json
    calando watch --text runs/first        the same in the terminal
    calando watch --once --json runs       for scripts
    """
    named = _named(places, wait=not (once or as_json))
    if once or as_json:
        from calando.watch.text import once as say

        say(named, as_json=as_json)
    elif text:
        from calando.watch.text import follow

        follow(named)
    else:
        _serve(named, host, port, browser=not no_browser, steering=not no_steering)


def _named(places: tuple[str, ...], wait: bool) -> list[Path]:
    found = [Path(place) for place in places] or [Path(name) for name in USUAL if Path(name).is_dir()]
    if not found and wait:
        found = [Path(name) for name in USUAL]
    if not found:
        raise BadFile(
            given="no runs/ and no studies/ in this folder",
            allowed="a run, a study, a log, or a folder with any of them",
            where="calando watch",
            fix="name one: calando watch FOLDER",
        )
    return found


def _serve(places: list[Path], host: str, port: int, *, browser: bool, steering: bool) -> None:
    from calando.watch.serve.server import Server

    server = Server(places, host, port, steering=steering)
    if server.open_to_others:
        warning = f"open to others: whoever reaches {tame(host)} and has this address sees the runs, and steers them;"
        click.echo(click.style(warning, fg="red", bold=True), err=True)
        click.echo(
            "nothing is encrypted on the way. Through ssh it would be: ssh -L PORT:127.0.0.1:PORT HOST", err=True
        )
    for said in server.board.problems:
        click.echo(said, err=True)
    click.echo(server.address)
    click.echo("ctrl-c stops looking; the runs go on", err=True)
    opened = _open(server.address) if browser else None
    try:
        server.run()
    finally:
        server.close()
        if opened is not None:
            opened.unlink(missing_ok=True)


def _open(address: str) -> Path:
    """Open the browser by a file that this user alone can read: an address on a command line is seen by all."""
    import html
    import os
    import tempfile
    import threading
    import webbrowser

    handle, name = tempfile.mkstemp(prefix="calando-", suffix=".html")  # mode 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={html.escape(address)}">'
        )
    opener = threading.Timer(0.5, webbrowser.open, [Path(name).as_uri()])
    opener.daemon = True
    opener.start()
    return Path(name)
