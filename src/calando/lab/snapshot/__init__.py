"""Snapshots: everything that a run needs to go on, bit for bit, from a step."""

from calando.lab.snapshot.place import Snapshot, listed, load, remove, save

__all__ = ["Snapshot", "listed", "load", "remove", "save"]
