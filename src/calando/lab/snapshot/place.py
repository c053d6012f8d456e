"""Snapshots in a folder or at an fsspec URL: whole or not there, and never believed without their checksum."""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calando.core.keepers import State
from calando.errors import BadFile, BadValue, MissingExtra, shown
from calando.lab.snapshot.codec import flatten, unflatten
from calando.lab.snapshot.tensors import parse, pieces
from calando.records.stage import SnapshotRef

__all__ = ["Snapshot", "listed", "load", "remove", "save"]

VERSION = 1
MANIFEST, ARRAYS = "snapshot.json", "arrays.safetensors"
NAME = re.compile(r"\.?\d+-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A whole snapshot, read and verified: after how many updates it was taken, and what it holds."""

    step: int
    state: State


def save(state: State, step: int, place: str) -> SnapshotRef:
    """Write a snapshot below a folder or an fsspec URL; it is there when this comes back, and not before.

    In a folder it is written under another name, brought to the disk and renamed. Elsewhere the arrays go first and
    the manifest last: what has no manifest is no snapshot.

    Raises:
        OSError: when it cannot be written (a full disk); nothing is left behind then.
        LabError: when the state holds something that is no plain data.
    """
    told, arrays = flatten(state)
    name = f"{step}-{os.urandom(6).hex()}"
    writer = _Remote(place, name) if "://" in place else _Local(place, name)
    try:
        sha, size = writer.write(ARRAYS, pieces(arrays))
        manifest = {
            "calando": VERSION,
            "kind": "snapshot",
            "step": step,
            "arrays": {"sha256": sha, "size": size},
            "state": told,
        }
        sha, more = writer.write(MANIFEST, [json.dumps(manifest, allow_nan=False).encode()])
        writer.finish()
    except BaseException:
        with suppress(Exception):
            writer.drop()
        raise
    return SnapshotRef(step, writer.url, sha, size + more)


def load(ref: SnapshotRef) -> Snapshot:
    """Read a snapshot and verify every byte of it.

    Raises:
        BadFile: when it is gone, cut off, damaged, of a newer version, or another one than was asked for.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load(save({"w": 1.5}, 3, folder)).state
        {'w': 1.5}
    """
    manifest = _read(ref.url, MANIFEST)
    if hashlib.sha256(manifest).hexdigest() != ref.sha256:
        raise _bad(ref.url, "another manifest than was written: it is damaged or cut off")
    try:
        told = json.loads(manifest)
        version = told["calando"]
        if version != VERSION:
            raise _bad(ref.url, f"version {shown(version)} of the format", f"version {VERSION}")
        arrays = _read(ref.url, ARRAYS)
        if hashlib.sha256(arrays).hexdigest() != told["arrays"]["sha256"]:
            raise _bad(ref.url, "arrays that are damaged or cut off")
        return Snapshot(told["step"], unflatten(told["state"], parse(arrays)))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        if isinstance(error, BadFile):
            raise
        raise _bad(ref.url, f"something else ({type(error).__name__}: {shown(str(error))})") from error


def remove(url: str) -> None:
    """Remove a snapshot, whole or torn; one that is gone already, and what is no snapshot, is left alone."""
    if NAME.fullmatch(_last(url)) is None:
        return
    if "://" in url:
        files, path = _file_system(url)
        for part in (MANIFEST, ARRAYS):  # without its manifest it is none, whatever happens then
            with suppress(FileNotFoundError):
                files.rm_file(f"{path}/{part}")
        with suppress(OSError, NotImplementedError):
            files.rmdir(path)
        return
    for part in (MANIFEST, ARRAYS):
        with suppress(FileNotFoundError, NotADirectoryError):
            (Path(url) / part).unlink()
    with suppress(OSError):
        Path(url).rmdir()


def listed(place: str) -> tuple[str, ...]:
    """The addresses of all snapshots in a place, torn ones too, in order of their names.

    >>> listed("/nowhere/at/all")
    ()
    """
    if "://" in place:
        files, path = _file_system(place)
        files.invalidate_cache()
        try:
            found = [_last(entry) for entry in files.ls(path, detail=False)]
        except FileNotFoundError:
            return ()
        return tuple(f"{place.rstrip('/')}/{name}" for name in sorted(found) if NAME.fullmatch(name))
    try:
        return tuple(str(path) for path in sorted(Path(place).iterdir()) if NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return ()


class _Local:
    """Writes into a folder whose name begins with a dot, until it is whole."""

    def __init__(self, place: str, name: str) -> None:
        self._home, self.url = Path(place), str(Path(place) / name)
        self._draft = self._home / f".{name}"
        self._draft.mkdir(parents=True)

    def write(self, part: str, content: Iterable[Any]) -> tuple[str, int]:
        sha, size = hashlib.sha256(), 0
        with (self._draft / part).open("wb") as file:
            for piece in content:
                sha.update(piece)
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        return sha.hexdigest(), size

    def finish(self) -> None:
        _sync(self._draft)
        self._draft.rename(self.url)
        _sync(self._home)

    def drop(self) -> None:
        remove(str(self._draft))


class _Remote:
    """Writes to a file system that knows no renaming; the manifest comes last."""

    def __init__(self, place: str, name: str) -> None:
        self.url = f"{place.rstrip('/')}/{name}"
        self._files, self._path = _file_system(self.url)
        self._files.makedirs(self._path, exist_ok=True)

    def write(self, part: str, content: Iterable[Any]) -> tuple[str, int]:
        sha, size = hashlib.sha256(), 0
        with self._files.open(f"{self._path}/{part}", "wb") as file:
            for piece in content:
                sha.update(piece)
                size += len(piece)
                file.write(piece)
        return sha.hexdigest(), size

    def finish(self) -> None:
        self._files.invalidate_cache()

    def drop(self) -> None:
        remove(self.url)


def _read(url: str, part: str) -> bytes:
    try:
        if "://" not in url:
            return (Path(url) / part).read_bytes()
        files, path = _file_system(url)
        content: bytes = files.cat_file(f"{path}/{part}")
        return content
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _bad(url, f"no {part}: it was removed, or never finished") from error


def _file_system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtra(
            given=f"snapshots at {url}", allowed="a folder, or fsspec installed", where="snapshots",
            fix="pip install 'calando[ray]', which brings it, or name a folder",
        ) from error  # fmt: skip
    try:
        files, path = url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise BadValue(
            given=f"{shown(url)} ({shown(str(error))})",
            allowed="a folder, or a URL of a file system that fsspec knows here",
            where="snapshots",
            fix="install what fsspec asks for, or name a folder",
        ) from error
    return files, str(path)


def _sync(folder: Path) -> None:
    with suppress(OSError):  # not every system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _bad(url: str, given: str, allowed: str = "a whole snapshot that Calando wrote") -> BadFile:
    return BadFile(
        given=given, allowed=allowed, where=url, fix="the run goes on from an earlier one, or from its start"
    )
