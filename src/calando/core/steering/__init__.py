"""Changes of a schedule while its run is under way: what may be asked, and the value that the run then follows."""

from calando.core.steering.changes import Change, Cooldown, Extend, Scale, Stop, Undo, read_change
from calando.core.steering.steered import Applied, Steerable, Steered, joined

__all__ = [
    "Applied",
    "Change",
    "Cooldown",
    "Extend",
    "Scale",
    "Steerable",
    "Steered",
    "Stop",
    "Undo",
    "joined",
    "read_change",
]
