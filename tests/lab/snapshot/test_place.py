"""Snapshots on a disk and at a URL: whole or not there, and never believed when they are damaged."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from calando.core.keepers import Array
from calando.errors import BadFile, BadValue, LabError
from calando.lab.snapshot import listed, load, place, remove, save
from calando.lab.snapshot.tensors import parse
from calando.records.stage import SnapshotRef

STATE = {"w": Array("F32", (2, 2), bytes(range(16))), "n": [1, (2.5, None)], "odd": Array("F4", (3,), b"ab")}


def same(found: Any) -> bool:
    return (bytes(found["w"].data), found["n"], bytes(found["odd"].data), found["odd"].shape) == (
        bytes(range(16)), [1, (2.5, None)], b"ab", (3,),
    )  # fmt: skip


@pytest.fixture(params=["folder", "memory"])
def somewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "deep" / "down") if request.param == "folder" else f"memory://{tmp_path.name}/deep"


def test_what_was_saved_is_loaded(somewhere: str) -> None:
    ref = save(STATE, 12, somewhere)
    found = load(ref)
    assert same(found.state)
    assert found.step == ref.step == 12
    assert listed(somewhere) == (ref.url,)


def test_a_removed_snapshot_is_gone_and_removing_it_again_does_no_harm(somewhere: str) -> None:
    ref, other = save(STATE, 1, somewhere), save(STATE, 2, somewhere)
    remove(ref.url)
    remove(ref.url)
    assert listed(somewhere) == (other.url,)
    with pytest.raises(BadFile, match="it was removed, or never finished"):
        load(ref)


def test_nothing_but_snapshots_is_removed_or_listed(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "snapshot.json").write_text("mine")
    remove(str(tmp_path / "notes"))
    remove(str(tmp_path))
    assert (tmp_path / "notes" / "snapshot.json").read_text() == "mine"
    assert listed(str(tmp_path)) == ()


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    ref = save(STATE, 3, str(tmp_path))
    dice = random.Random(8)
    for part in sorted(Path(ref.url).iterdir()):
        good = part.read_bytes()
        bad = [good[:-1], b"", good + b"x", good[: len(good) // 2]]
        for _ in range(60):
            at = dice.randrange(len(good))
            bad.append(good[:at] + bytes([good[at] ^ (1 << dice.randrange(8))]) + good[at + 1 :])
        for content in bad:
            part.write_bytes(content)
            with pytest.raises(BadFile, match="damaged or cut off") as caught:
                load(ref)
            assert ref.url in caught.value.where
        part.write_bytes(good)
        assert same(load(ref).state)
        part.unlink()
        with pytest.raises(BadFile, match="never finished"):
            load(ref)
        part.write_bytes(good)


def test_a_file_that_says_nonsense_is_refused_whatever_its_checksum(tmp_path: Path) -> None:
    import hashlib

    ref = save(STATE, 3, str(tmp_path))
    manifest = Path(ref.url) / "snapshot.json"
    whole = json.loads(manifest.read_bytes())
    changes: list[Any] = [
        [], 3, None, {}, {**whole, "calando": 2}, {**whole, "state": {"a": "nobody"}}, {**whole, "state": {"z": 1}},
        {**whole, "state": {"b": "?"}}, {**whole, "state": {}}, {**whole, "arrays": []},
    ]  # fmt: skip
    for change in changes:
        text = json.dumps(change).encode()
        manifest.write_bytes(text)
        with pytest.raises(BadFile):
            load(SnapshotRef(3, ref.url, hashlib.sha256(text).hexdigest(), 0))


def test_a_newer_version_is_named(tmp_path: Path) -> None:
    import hashlib

    ref = save(STATE, 3, str(tmp_path))
    manifest = Path(ref.url) / "snapshot.json"
    text = json.dumps({**json.loads(manifest.read_bytes()), "calando": 9}).encode()
    manifest.write_bytes(text)
    with pytest.raises(BadFile, match="version 9 of the format; allowed: version 1"):
        load(SnapshotRef(3, ref.url, hashlib.sha256(text).hexdigest(), 0))


def test_the_arrays_are_a_safetensors_file(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import load_file
    from safetensors.numpy import save as written

    numbers = np.arange(6, dtype=np.float64).reshape(2, 3)
    ref = save({"a": {"b": Array("F64", (2, 3), numbers.tobytes())}, "c": Array("U8", (1,), b"z")}, 1, str(tmp_path))
    found = load_file(Path(ref.url) / "arrays.safetensors")
    assert sorted(found) == ["a/b", "c"]
    assert np.array_equal(found["a/b"], numbers)

    theirs = parse(written({"x": numbers, "y": np.array([1, 2], np.int16)}))
    assert bytes(theirs["x"].data) == numbers.tobytes()
    assert (theirs["y"].dtype, theirs["y"].shape) == ("I16", (2,))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = save(STATE, 1, str(tmp_path))
    opened = Path.open
    for part in ("arrays.safetensors", "snapshot.json"):

        def full(self: Path, *args: Any, part: str = part, **kwargs: Any) -> Any:
            if self.name == part and args == ("wb",):
                raise OSError(errno.ENOSPC, "No space left on device")
            return opened(self, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            with pytest.raises(OSError, match="No space left"):
                save(STATE, 2, str(tmp_path))
        assert listed(str(tmp_path)) == (kept.url,)
    assert [path.name for path in tmp_path.iterdir()] == [Path(kept.url).name]


def test_what_is_no_plain_data_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"a set\) in the state of model/seen"):
        save({"model": {"seen": {1}}}, 1, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


WRITES = """
import sys
from calando.core.keepers import Array
from calando.lab.snapshot import save
big = Array("U8", (1 << 20,), bytes(1 << 20))
for step in range(100000):
    ref = save({"big": big}, step, sys.argv[1])
    print(step, ref.url, ref.sha256, ref.size, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_snapshots_and_orphans_that_can_be_removed(tmp_path: Path) -> None:
    for delay in (0.0, 0.003, 0.011, 0.017):
        with subprocess.Popen(
            [sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(3)]
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.read().splitlines()
        told = [line.split() for line in lines if line.strip()]
        known = set()
        for step, url, sha, size in told:
            assert load(SnapshotRef(int(step), url, sha, int(size))).step == int(step)
            known.add(url)
        for url in set(listed(str(tmp_path))) - known:
            remove(url)
        assert set(listed(str(tmp_path))) == known == {str(path) for path in tmp_path.iterdir()}
        for url in known:
            remove(url)


def test_a_torn_upload_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somewhere = f"memory://{tmp_path.name}/torn"
    dropped: list[str] = []

    class Dies(Exception):
        pass

    def write(self: Any, part: str, content: Any, write: Any = place._Remote.write) -> Any:
        if part == "snapshot.json":
            raise Dies
        return write(self, part, content)

    monkeypatch.setattr(place._Remote, "write", write)
    monkeypatch.setattr(place._Remote, "drop", lambda self: dropped.append(self.url))  # a kill lets nobody clean up
    with pytest.raises(Dies):
        save(STATE, 4, somewhere)
    (url,) = listed(somewhere)
    assert dropped == [url]
    with pytest.raises(BadFile, match=r"no snapshot\.json"):
        load(SnapshotRef(4, url, "", 0))
    remove(url)
    assert listed(somewhere) == ()


def test_a_url_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadValue, match="a file system that fsspec knows"):
        save(STATE, 1, "teleport://there")


def test_a_snapshot_can_be_written_where_others_are_being_written(tmp_path: Path) -> None:
    refs = [save(STATE, step, str(tmp_path)) for step in (5, 5, 5)]
    assert len({ref.url for ref in refs}) == 3
    assert all(os.path.basename(ref.url).startswith("5-") for ref in refs)  # noqa: PTH119
