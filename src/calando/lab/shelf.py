"""The snapshots of a study: which are there, what they use, and how they go away."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace

from calando.errors import CalandoError
from calando.records.stage import SnapshotRef, StageRecord
from calando.records.store import Store

__all__ = ["DISK", "Shelf"]

DISK = 2_000_000_000  # bytes that the snapshots of one study may use, unless told otherwise


class Shelf:
    """Snapshots by the key of the stage that they end; a snapshot that nothing needs is taken away at once.

    `stages` are the stages that can be gone on from, without their curves.

    Args:
        store: the study's file; what it does not know is no snapshot of this study.
        place: the folder or fsspec URL below which all of them lie.
        limit: bytes that they may use together, >= 0.
        stages: what is known already.
    """

    def __init__(self, store: Store, place: str, limit: int = DISK, stages: Iterable[StageRecord] = ()) -> None:
        self.place = place
        self.limit = limit
        self.stages: dict[str, StageRecord] = {
            s.key: replace(s, curves={}, snapshot=replace(s.snapshot, url=store.resolved(s.snapshot.url)))
            for s in stages
            if s.snapshot is not None
        }
        self.used = sum(_size(stage) for stage in self.stages.values())
        self._largest = max((_size(stage) for stage in self.stages.values()), default=0)
        self._store = store

    def holds(self, snapshot: SnapshotRef) -> bool:
        """Whether there is room for a snapshot that was just written; where there is none it is removed at once."""
        self._largest = max(self._largest, snapshot.size)
        if self.used + snapshot.size <= self.limit:
            return True
        self._remove(snapshot.url)
        return False

    def put(self, stage: StageRecord) -> None:
        """Take in a snapshot that was just committed."""
        self.stages[stage.key] = replace(stage, curves={})
        self.used += _size(stage)
        self._largest = max(self._largest, _size(stage))

    def room(self, coming: int) -> int:
        """How many snapshots more may be asked for while so many are still to come; any number until one is there.

        The first ones show how large they are; what does not fit then is removed again, see `holds`.
        """
        if self._largest == 0:
            return 1 << 30 if self.limit else 0
        return max(0, (self.limit - self.used) // self._largest - coming)

    def keep_only(self, needed: Collection[str], leaned: Collection[str] = ()) -> None:
        """Take away every snapshot but these; the past of the stages `leaned` on stays known, see `drop`."""
        for key in [key for key in self.stages if key not in needed]:
            self.drop(key, leaned)

    def drop(self, key: str, leaned: Collection[str] = ()) -> None:
        """Take one snapshot away; first out of the store, so that nobody goes on from half of one.

        Args:
            key: of the stage that it ends.
            leaned: keys of the stages that runs under way went on from: what was logged before is still theirs.
        """
        stage = self.stages.pop(key, None)
        if stage is None or stage.snapshot is None:
            return
        self.used -= _size(stage)
        self._store.drop_snapshot(key, leaned)
        self._remove(stage.snapshot.url)

    def sweep(self) -> None:
        """Remove what a process that was killed left half written, or had no time to remove."""
        from calando.lab.snapshot import listed

        known = {stage.snapshot.url for stage in self.stages.values() if stage.snapshot is not None}
        with suppress(OSError, CalandoError):
            for url in listed(self.place):
                if url not in known:
                    self._remove(url)

    def _remove(self, url: str) -> None:
        """Away with it if it lies in this study's own place; where that fails the next sweep tries again."""
        from calando.lab.snapshot import remove

        if url.rpartition("/")[0] == self.place.rstrip("/"):
            with suppress(OSError, CalandoError):
                remove(url)


def _size(stage: StageRecord) -> int:
    return 0 if stage.snapshot is None else stage.snapshot.size
