"""Event files: TensorFlow's own writers', damaged ones, and those of several sittings."""

import struct
from pathlib import Path

import numpy as np
import pytest

from calando.errors import BadFile
from calando.records.logs import Log, events, read_logs
from tests.records.logs.samples import one, scalars

VERSION = one(b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2")


def write(folder: Path, content: bytes, name: str = "events.out.tfevents.100.host") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def only(path: Path) -> Log:
    (log,) = read_logs(path)
    return log


@pytest.mark.parametrize(("writer", "exact"), [("tensors", 1e-15), ("numbers", 1e-7)])
def test_what_tensorflows_writers_wrote_is_read(keras_files: Path, writer: str, exact: float) -> None:
    log = only(keras_files / "writers" / writer)
    assert (log.kind, log.name, log.loss, log.lr) == ("tensorboard", writer, "train/loss", "lr")
    assert sorted(log.columns) == ["lr", "train/loss"]  # neither histograms nor texts
    steps = np.arange(300)
    assert log.column("lr").steps.tolist() == (steps + 1).tolist()  # counted from 0
    assert np.allclose(log.column("lr").values, 0.1 * (1 - steps / 300), rtol=exact, atol=0)
    assert np.allclose(log.column("train/loss").values, 4.0 / (steps + 1), rtol=1e-7, atol=0)
    assert log.problems == ()


def test_the_two_folders_of_keras_callback_are_one_run(keras_files: Path) -> None:
    log = only(keras_files / "writers" / "callback")
    assert (log.unit, log.loss, log.val_loss) == ("epoch", "train/epoch_loss", "validation/epoch_loss")
    assert log.lr == "train/epoch_learning_rate"
    assert log.column(log.loss).steps.tolist() == [1, 2, 3, 4, 5]


def test_event_by_event_and_many_at_once_read_the_same(keras_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for writer in ("tensors", "numbers"):
        at_once = only(keras_files / "writers" / writer)
        monkeypatch.setattr(events, "PATTERNS", 0)
        one_by_one = only(keras_files / "writers" / writer)
        monkeypatch.undo()
        for name in ("lr", "train/loss"):
            assert at_once.column(name).steps.tolist() == one_by_one.column(name).steps.tolist()
            assert at_once.column(name).values.tolist() == one_by_one.column(name).values.tolist()


@pytest.mark.parametrize("window", [64, 1000, 4096])
def test_records_that_lie_across_what_is_read_at_a_time_are_whole(
    keras_files: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    whole = only(keras_files / "writers" / "tensors")
    monkeypatch.setattr(events, "WINDOW", window)
    parts = only(keras_files / "writers" / "tensors")
    assert parts.column("lr").values.tolist() == whole.column("lr").values.tolist()


def test_records_too_large_for_scalars_are_passed_over_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = scalars("loss", [1, 2], [3.0, 2.0]).tobytes(), scalars("loss", [3], [1.0]).tobytes()
    image = one(b"\x09" + bytes(8) + b"\x2a" + b"\x90\x4e" + b"\x1a\x8d\x4e" + bytes(9997))
    monkeypatch.setattr(events, "BIG", 5000)
    for window in (256, 1 << 20):
        monkeypatch.setattr(events, "WINDOW", window)
        log = only(write(tmp_path, VERSION + before + image + after))
        assert log.column("loss").values.tolist() == [3.0, 2.0, 1.0]
        assert log.problems == ()


def test_every_type_of_a_number_is_read(tmp_path: Path) -> None:
    def tensor(dtype: int, field: bytes) -> bytes:
        content = b"\x08" + bytes([dtype]) + b"\x12\x00" + field
        value = b"\x0a\x01x\x42" + bytes([len(content)]) + content
        summary = b"\x0a" + bytes([len(value)]) + value
        return one(b"\x09" + bytes(8) + b"\x10\x05\x2a" + bytes([len(summary)]) + summary)

    for dtype, field in {
        1: b"\x22\x04" + struct.pack("<f", 2.5),  # float, as bytes
        2: b"\x32\x08" + struct.pack("<d", 2.5),  # double, packed
        3: b"\x3a\x01\x02",  # int32, packed
        9: b"\x50\x02",  # int64
        14: b"\x22\x02" + struct.pack("<f", 2.5)[2:],  # bfloat16
        19: b"\x22\x02" + struct.pack("<e", 2.5),  # half
    }.items():
        log = only(write(tmp_path, VERSION + tensor(dtype, field)))
        assert log.column("x").values.tolist() == [2.0 if dtype in {3, 9} else 2.5]
    vector = b"\x08\x01\x12\x04\x12\x02\x08\x01\x2a\x04" + struct.pack("<f", 2.5)
    value = b"\x0a\x01x\x42" + bytes([len(vector)]) + vector
    body = b"\x09" + bytes(8) + b"\x10\x05\x2a" + bytes([len(value) + 2]) + b"\x0a" + bytes([len(value)]) + value
    with pytest.raises(BadFile, match="nothing was logged"):
        read_logs(write(tmp_path, VERSION + one(body)))


def test_a_file_that_is_still_written_to_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = VERSION + scalars("loss", range(1, 11), np.arange(10.0, 0, -1)).tobytes()
    log = only(write(tmp_path, whole[:-7]))
    assert log.column("loss").values.tolist() == list(np.arange(10.0, 1, -1))
    assert "is cut off" in str(log.problems[0])


def test_a_damaged_record_is_skipped_and_a_damaged_length_ends_the_file(tmp_path: Path) -> None:
    rows = scalars("loss", range(1, 11), np.arange(10.0, 0, -1))
    rows[3, 20] ^= 1
    rows[6, -6] ^= 1
    log = only(write(tmp_path, VERSION + rows.tobytes()))
    assert log.column("loss").steps.tolist() == [1, 2, 3, 5, 6, 8, 9, 10]
    assert [problem.what for problem in log.problems] == [
        "record 5 is damaged; skipped",
        "record 8 is damaged; skipped",
    ]
    rows[8, 0] ^= 1
    log = only(write(tmp_path, VERSION + rows.tobytes()))
    assert log.column("loss").steps.tolist() == [1, 2, 3, 5, 6, 8]
    assert "what stands after it was not read" in str(log.problems[-1])


def test_the_files_of_a_resumed_run_are_one_and_the_later_rows_win(tmp_path: Path) -> None:
    write(tmp_path, VERSION + scalars("loss", range(10, 60, 10), [5, 4, 3, 9, 9]).tobytes(), "events.out.tfevents.99.a")
    write(tmp_path, VERSION + scalars("loss", range(40, 70, 10), [2, 1.5, 1]).tobytes(), "events.out.tfevents.100.a")
    log = only(tmp_path)
    assert log.column("loss").values.tolist() == [5, 4, 3, 2, 1.5, 1]
    assert any("steps go back to 40: a resumed run; 2 earlier rows" in note for note in log.notes)


def test_folders_are_runs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, VERSION + scalars("loss", [1, 2], [2.0, 1.0]).tobytes())
    assert [log.name for log in read_logs(tmp_path)] == ["a", "b"]


def test_a_file_that_is_called_an_event_file_and_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="begins with no sealed record"):
        read_logs(write(tmp_path, bytes(100)))


def test_hugging_faces_tags_have_the_trainers_edge(tmp_path: Path) -> None:
    steps = np.arange(5, 41, 5)
    content = [scalars("train/loss", steps, 3.0 - steps / 100)]
    content += [
        scalars("train/learning_rate", steps, 0.01 * (1 - steps / 40)),
        scalars("train/train_runtime", [40], [1.0]),
    ]
    log = only(write(tmp_path, VERSION + b"".join(rows.tobytes() for rows in content)))
    assert (log.horizon, log.column("train/learning_rate").steps[0]) == (41, 6)
