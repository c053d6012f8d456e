"""The TRAIN argument: a function by its name, or a script's whole command line after `--`."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["cluster_options", "read_train", "train_argument"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

PYTHON = re.compile(r"python[0-9.]*(\.exe)?")


def read_train(words: tuple[str, ...]) -> str:
    """The one text that names a train function: `FILE.py:FUNCTION`, or `python FILE.py ARGUMENTS`.

    >>> read_train(("python", "train.py", "--width", "8"))
    'python train.py --width 8'
    """
    if len(words) > 1 and PYTHON.fullmatch(Path(words[0]).name):
        return shlex.join(words)
    if len(words) > 1:
        surplus = " ".join(words[1:])
        raise click.UsageError(
            f"Got unexpected extra argument{'s' if len(words) > 2 else ''} ({surplus}); "
            "a script comes last: -- python FILE.py ARGUMENTS"
        )
    return words[0]


def train_argument(command: Decorated) -> Decorated:
    """The argument `train`, which takes a function or everything after `--`."""
    return click.argument(
        "train",
        nargs=-1,
        required=True,
        metavar="FILE.py:FUNCTION | -- python FILE.py ...",
        callback=lambda _context, _parameter, words: read_train(words),
    )(command)


def cluster_options(command: Decorated) -> Decorated:
    """The options `ray` and `place`: where runs are made, and where their snapshots lie."""
    for option in (
        click.option("--place", metavar="URL", help="Folder or fsspec URL for snapshots.  [default: in the study]"),
        click.option("--ray", metavar="ADDRESS", help="Work on a Ray cluster; auto joins or starts a local one."),
    ):
        command = option(command)
    return command
