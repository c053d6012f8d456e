"""A million rows are read in seconds and in bounded memory. Measured in seconds of the processor, by themselves."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calando.records.logs import Log, read_logs
from tests.records.logs.samples import scalars

ROWS = 1_000_000
BUDGET = 3.0

pytestmark = pytest.mark.alone


def timed(path: Path) -> Log:
    started = time.process_time()
    (log,) = read_logs(path)
    spent = time.process_time() - started
    print(f"{path.name}: {spent:.2f} of {BUDGET} s")
    assert spent < BUDGET
    return log


def text(path: Path, head: str, row: Callable[[int, float], str]) -> Path:
    losses = 3 + np.random.default_rng(0).random(ROWS)
    with path.open("w", newline="") as file:
        file.write(head)
        file.writelines(row(i, loss) for i, loss in enumerate(losses.tolist()))
    return path


def test_a_million_rows_of_csv(tmp_path: Path) -> None:
    file = text(
        tmp_path / "a.csv", "step,loss,lr\n", lambda i, loss: f"{i + 1},{loss:.6f},{1e-3 * (1 - i / ROWS):.8g}\n"
    )
    log = timed(file)
    assert len(log.column("loss")) == len(log.column("lr")) == log.last == ROWS


def test_a_million_sparse_rows(tmp_path: Path) -> None:
    file = text(
        tmp_path / "metrics.csv",
        "epoch,lr-SGD,step,train_loss,val_loss\r\n",
        lambda i, loss: f"0,,{i},,{loss:.5f}\r\n" if i % 50 == 49 else f"0,,{i},{loss:.5f},\r\n",
    )
    log = timed(file)
    assert (log.kind, len(log.column("train_loss")), len(log.column("val_loss"))) == ("lightning", 980_000, 20_000)


def test_a_million_scalars_of_two_tags(tmp_path: Path) -> None:
    steps = np.arange(1, ROWS // 2 + 1)
    losses = scalars("train/loss", steps, 3 - steps / ROWS)
    rates = scalars("train/learning_rate", steps, 1e-3 * (1 - steps / steps.size))
    file = tmp_path / "events.out.tfevents.1.x"
    with file.open("wb") as out:
        for i in range(0, steps.size, 1000):  # as a run does: now of the one, now of the other
            out.write(losses[i : i + 1000].tobytes() + rates[i : i + 1000].tobytes())
    log = timed(file)
    assert np.allclose(log.column("train/loss").values, 3 - steps / ROWS, rtol=1e-6)
    assert len(log.column("train/learning_rate")) == steps.size
