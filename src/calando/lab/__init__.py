"""The lab: the run contract, and studies that compare schedules with evidence."""

from calando.lab.check import check
from calando.lab.compare import compare
from calando.lab.declare import Declared, declare
from calando.lab.find import find
from calando.lab.resume import resume
from calando.lab.run import Run
from calando.lab.script import current_run
from calando.lab.standalone import standalone
from calando.lab.stop import StopRun
from calando.lab.tune import tune

__all__ = [
    "Declared",
    "Run",
    "StopRun",
    "check",
    "compare",
    "current_run",
    "declare",
    "find",
    "resume",
    "standalone",
    "tune",
]
