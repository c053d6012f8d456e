"""Every format that can be read, in the order in which a file is held against them: one line each."""

from collections.abc import Callable
from typing import NamedTuple

from calando.records.logs import keras, lightning, mlflow, plain_csv, record, study, tensorboard, transformers, wandb
from calando.records.logs.draft import Asked, Draft
from calando.records.logs.log import Kind
from calando.records.logs.opened import Opened

__all__ = ["FORMATS", "Format", "format_of"]


class Format(NamedTuple):
    """How a format is known and read."""

    kind: Kind
    looks: Callable[[Opened], bool]
    read: Callable[[Opened, Asked], list[Draft]]


FORMATS = (
    Format("study", study.looks, study.read),
    Format("record", record.looks, record.read),
    Format("tensorboard", tensorboard.looks, tensorboard.read),
    Format("transformers", transformers.looks, transformers.read),
    Format("mlflow", mlflow.looks, mlflow.read),
    Format("wandb", wandb.looks, wandb.read),
    Format("lightning", lightning.looks, lightning.read),
    Format("keras", keras.looks, keras.read),
    Format("csv", plain_csv.looks, plain_csv.read),  # takes whatever is left
)


def format_of(file: Opened) -> Format:
    """The format of a file, by what stands in it."""
    return next(known for known in FORMATS if known.looks(file))
