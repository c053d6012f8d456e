"""Keras' CSV log: a row for each epoch, its rate that of the whole epoch."""

import json
from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.records.logs import read_logs


@pytest.mark.parametrize("name", ["history.csv", "tabs.csv"])
def test_epochs_of_the_real_log_are_counted_as_done(keras_files: Path, name: str) -> None:
    (log,) = read_logs(keras_files / "keras" / name)
    told = json.loads((keras_files / "keras" / "used.json").read_text())
    assert (log.kind, log.unit, log.loss, log.val_loss, log.lr) == (
        "keras",
        "epoch",
        "loss",
        "val_loss",
        "learning_rate",
    )
    assert log.column("loss").steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert log.column("loss").values.tolist() == pytest.approx(told["history"]["loss"], rel=1e-12)
    assert log.column("val_loss").values.tolist() == pytest.approx(told["history"]["val_loss"], rel=1e-12)


def test_given_the_size_of_an_epoch_it_counts_updates_and_each_has_its_epochs_rate(keras_files: Path) -> None:
    file = keras_files / "keras" / "history.csv"
    told = json.loads((keras_files / "keras" / "used.json").read_text())
    (log,) = read_logs(file, steps_per_epoch=8)
    assert (log.unit, log.last) == ("step", 48)
    assert log.column("loss").steps.tolist() == [8, 16, 24, 32, 40, 48]
    assert log.rates().tolist() == pytest.approx([rate for rate in told["rates"] for _ in range(8)], rel=1e-6)
    (epochs,) = read_logs(file)
    assert epochs.in_steps(8).column("loss").steps.tolist() == [8, 16, 24, 32, 40, 48]


def test_rates_by_update_need_the_size_of_an_epoch(keras_files: Path) -> None:
    (log,) = read_logs(keras_files / "keras" / "history.csv")
    with pytest.raises(BadFile, match="--steps-per-epoch N"):
        log.rates()
