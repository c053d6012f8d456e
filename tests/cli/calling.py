"""Calling the command line, in this process and in one of its own."""

import os
import subprocess
import sys
from typing import Any

from click.testing import CliRunner, Result

from calando.cli import main


def call(*words: str, **settings: Any) -> Result:
    """`calando words...`, in this process; it must not fail in a way that is not ours."""
    done = CliRunner().invoke(main, list(words), prog_name="calando", **settings)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def said(*words: str, **settings: Any) -> str:
    """What a call that goes well prints to stdout."""
    done = call(*words, **settings)
    assert done.exit_code == 0, done.output
    return done.stdout


def spawn(*words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own, with 80 columns and no colours asked for."""
    env = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "COLUMNS")}
    settings = {"capture_output": True, "text": True, "timeout": 120, "env": env} | settings
    return subprocess.run([sys.executable, "-m", "calando", *words], check=False, **settings)
