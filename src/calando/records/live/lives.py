"""Whether the process that writes a record is there."""

import os

__all__ = ["lives"]


def lives(pid: int) -> bool | None:
    """Whether a process of that number is there; None where that cannot be told."""
    if pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OSError:
        return None
    return True
