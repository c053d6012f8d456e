"""The command line: one file a verb, each loaded only when it is called.

Errors of ours go to stderr in their four parts and end with status 2; `--debug` shows the traceback instead.
"""

import os
from importlib import import_module
from typing import Any, Final

import click

from calando.errors import CalandoError, did_you_mean, tame

__all__ = ["main"]

# Verb: where its command is, and one line about it (written here so that `calando --help` loads none of them).
VERBS: Final = {
    "show": ("calando.cli.show:show", "Draw schedules in the terminal, with facts, lint and values."),
    "export": ("calando.cli.export:export", "Print a schedule as PyTorch code, Python or JSON."),
    "convert": ("calando.cli.convert:convert", "Turn another library's schedule into a plan, and measure both."),
    "list": ("calando.cli.list:list_", "Look into the catalog of plans."),
    "cite": ("calando.cli.cite:cite", "Print BibTeX for the plans used."),
    "check": ("calando.cli.check:check", "Test in seconds whether a train function keeps the run contract."),
    "find": ("calando.cli.find:find", "Find the peak learning rate, for at most one run's cost."),
    "forecast": ("calando.cli.forecast:forecast", "What schedules would give, from recorded losses."),
    "choose": ("calando.cli.choose:choose", "Which peak and shape for a long run, from a few short ones."),
    "diagnose": ("calando.cli.diagnose:diagnose", "What recorded runs say: what is wrong, why, what to do."),
    "transfer": ("calando.cli.transfer:transfer", "From one plan's best peak to another's, or to a longer run."),
    "compare": ("calando.cli.compare:compare", "Compare schedules on your own training, with evidence."),
    "tune": ("calando.cli.tune:tune", "Find which schedule to use, inside a budget, and prove it."),
    "resume": ("calando.cli.resume:resume", "Go on with a study that was stopped."),
    "status": ("calando.cli.status:status", "Say how far a study is, also while it runs."),
    "run": ("calando.cli.run:run", "Make one run of a script under a schedule, recorded and resumable."),
    "steer": ("calando.cli.steer:steer", "Tell a run under way what to do, such as cooldown 10%."),
    "watch": ("calando.cli.watch:watch", "See runs live: curves, diagnosis, steering."),
    "report": ("calando.cli.report:report", "Make the report of a study."),
}

INTERRUPTED: Final = 130
WRONG: Final = 2


class Group(click.Group):
    """A group that loads its commands when they are called, and tells our errors in their four parts."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS]  # not list(VERBS): once its module is loaded, `list` here is the verb

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            near = did_you_mean(args[0], VERBS).removeprefix("; ")
            ctx.fail(f"No such command {args[0]!r}.{' ' + near[0].upper() + near[1:] if near else ''}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, about) for verb, (_, about) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        elif os.environ.get("FORCE_COLOR"):
            ctx.color = True
        try:
            return super().invoke(ctx)
        except CalandoError as error:
            if ctx.find_root().meta.get("calando.debug"):
                raise
            _tell(error)
            ctx.exit(WRONG)
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(INTERRUPTED)


def _tell(error: CalandoError) -> None:
    """An error in its four parts, wrapped where a person reads it."""
    import sys

    parts = (("error", error.given), ("  allowed", error.allowed), ("  at", error.where), ("  do", error.fix))
    for label, text in parts:
        line = f"{label}: {tame(text)}"  # a user's own words may be in it
        if sys.stderr.isatty():
            from shutil import get_terminal_size
            from textwrap import fill

            line = fill(line, max(40, get_terminal_size().columns - 1), subsequent_indent="    ")
        click.echo(click.style("error", fg="red", bold=True) + line[5:] if label == "error" else line, err=True)


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta["calando.debug"] = True


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Show the traceback of an error.",
    )


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from calando import __version__

        click.echo(f"calando {__version__}")
        ctx.exit()


EPILOG: Final = """\b
Examples:
calando show "warmup(5%) | cosine(end=0.1)" --horizon 10000 --peak 3e-4
calando list wsd
calando export "wsd(warmup=5%)" --horizon 10000 --peak 3e-4 --to torch
calando compare train.py:train --candidates "cosine()" "wsd()" --peaks 0.1 0.3

Completion for bash: eval "$(_CALANDO_COMPLETE=bash_source calando)"; zsh and fish likewise.
"""


@click.command(
    cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Say which version this is.",
)
def main() -> None:
    """Learning-rate schedules as values: draw, explain, export and compare them.

    A schedule is one line of text such as "warmup(5%) | cosine(end=0.1)"; `calando list` names the pieces.
    """


main.params.append(_debug_option())
