"""What a run finds around it in a process that made other runs before, and where its printing goes."""

import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["LOG_LIMIT", "Surroundings", "flush"]

LOG_LIMIT = 1_000_000  # bytes of a run's own printing that are kept, about


class Surroundings:
    """The folder, the environment and the output of this process, as they are to be found by every run.

    >>> Surroundings().folder == Path.cwd()
    True
    """

    def __init__(self) -> None:
        self.folder = Path.cwd()
        self._environ = dict(os.environ)

    def restore(self, log: str = "") -> None:
        """Undo what the run before may have done to the process, as far as that is cheap; print to `log`, if any."""
        with suppress(OSError):
            os.chdir(self.folder)
        if dict(os.environ) != self._environ:
            os.environ.clear()
            os.environ.update(self._environ)
        signal.alarm(0)
        flush()
        if log:
            with suppress(OSError):
                fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
                os.dup2(fd, 1)
                os.dup2(fd, 2)
                os.close(fd)
            sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)  # noqa: SIM115

    def bound_log(self) -> None:
        """Keep the log of a run that prints without end from filling the disk: start it over."""
        try:
            if os.fstat(1).st_size > LOG_LIMIT:
                flush()
                os.ftruncate(1, 0)
                os.write(1, b"[calando: what was printed before was dropped, it was over a megabyte]\n")
        except OSError:
            pass

    @staticmethod
    def seed(seed: int) -> None:
        """Begin the process-wide generators of Python and NumPy, should the train function forget to."""
        random.seed(seed)
        if (numpy := sys.modules.get("numpy")) is not None:
            numpy.random.seed(seed % 2**32)


def flush() -> None:
    """Write out what was printed, as far as the streams still stand."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
