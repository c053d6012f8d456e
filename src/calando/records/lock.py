"""One coordinator per study: a lock that dies with its holder, kill -9 included."""

import os
from pathlib import Path
from typing import IO

from calando.errors import LabError

__all__ = ["StudyLock"]


class StudyLock:
    """Hold a study folder for one writer.

    The operating system drops the lock when the holding process ends in any way.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = StudyLock(Path(folder) / "lock")
    ...     lock.release()
    """

    def __init__(self, path: Path) -> None:
        import fcntl

        self._file: IO[str] | None = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read(32).strip()
            self._file.close()
            raise LabError(
                given=f"a study that another process{f' (pid {holder})' if holder else ''} is working on",
                allowed="one coordinator per study folder",
                where=str(path.parent),
                fix="wait for it, stop it, or name another folder by --study",
            ) from error
        except OSError:  # a file system without locks
            self._file.close()
            raise
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Give the folder free; calling it twice does no harm."""
        if self._file is not None:
            self._file.close()
            self._file = None
