"""The machine and the packages that runs are made with, written down with every sitting."""

import os
import platform
from collections.abc import Mapping

from calando.records.study import Environment

__all__ = ["describe"]


def describe(packages: Mapping[str, str], threads: int, sources: Mapping[str, str] | None = None) -> Environment:
    """This machine, and the packages and source files that a worker reported.

    >>> describe({"calando": "0.1.0"}, threads=1).packages
    {'calando': '0.1.0'}
    """
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        machine=platform.machine(),
        cpus=os.cpu_count() or 1,
        threads_per_worker=threads,
        packages=dict(packages),
        sources=dict(sources or {}),
    )
