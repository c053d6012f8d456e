"""A small attention classifier that Keras trains on snippets of source; a run's log is that of its CSVLogger.

Two plans are made by Keras' own schedules, two by its LearningRateScheduler, which holds a rate for an epoch; the
others come by our door. The rate is logged once an epoch by the callback that people write for it.
"""

import os
import warnings
from functools import cache
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import torch

from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tools.logged import FILES, Logged, logged, workshop

__all__ = ["EPOCH", "OWN", "train"]

EPOCH, BATCH, WORDS, WIDTH, ROWS = 8, 32, 24, 24, 2048
OWN = ("warmup(5%) | cosine()", "cosine()")
"""Plans that are made by Keras' CosineDecay."""
BY_EPOCH = ("warmup(10%) | linear_decay()", "warmup(2%) | multistep(milestones=[10%, 20%], factor=0.05)")
"""Plans that come by Keras' LearningRateScheduler."""


@cache
def snippets() -> tuple[np.ndarray[Any, Any], ...]:
    """Snippets as numbers of words, 0 where there is none, and their packages; to learn from and to be judged by."""
    from bench.workloads.text import ANSWERS, LABELS, TABLE, TEXTS, UNSEEN

    order = torch.randperm(len(TEXTS), generator=torch.Generator().manual_seed(0))
    some = torch.randperm(len(UNSEEN), generator=torch.Generator().manual_seed(0))[:400]
    seen, unseen = (
        torch.where(ids == TABLE, 0, 1 + ids % (ROWS - 1))[:, :WORDS] for ids in (TEXTS[order], UNSEEN[some])
    )
    return tuple(part.numpy() for part in (seen, LABELS[order], unseen, ANSWERS[some]))


def train(recipe: Recipe) -> Logged:
    """One run."""
    import keras

    torch.set_num_threads(1)
    with workshop() as (folder, began), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras.utils.set_random_seed(recipe.seed)
        model = _model()
        rate, callbacks = _rate(recipe)
        model.compile(keras.optimizers.Adam(rate), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        noted = _noted()
        seen, labels, unseen, answers = snippets()
        if recipe.few:
            seen, labels = seen[: recipe.few], labels[: recipe.few]
        chance = np.random.default_rng(recipe.seed)
        rows = np.concatenate([chance.permutation(len(seen)) for _ in range(-(-recipe.steps * BATCH // len(seen)))])

        def batches() -> Any:
            for first in range(0, recipe.steps * BATCH, BATCH):
                some = rows[first : first + BATCH]
                yield seen[some], labels[some]

        told = model.fit(
            batches(), steps_per_epoch=EPOCH, epochs=recipe.steps // EPOCH, verbose=0,
            validation_data=(unseen, answers), validation_batch_size=len(unseen),
            callbacks=[noted, *callbacks, keras.callbacks.CSVLogger(folder / FILES["keras"])],
        )  # fmt: skip
        held = told.history["val_loss"]
        at = [EPOCH * (i + 1) - 1 for i in range(len(held))]
        return logged(noted.losses, at, [float(loss) for loss in held], began, folder / FILES["keras"])


def _model() -> Any:
    from keras import Input, Model, layers

    words = Input((WORDS,), dtype="int32")
    found = layers.Embedding(ROWS, WIDTH)(words)
    found = layers.LayerNormalization()(found + layers.MultiHeadAttention(2, WIDTH // 2)(found, found))
    found = layers.GlobalAveragePooling1D()(found)
    found = layers.Dense(32, activation="relu")(found)
    return Model(words, layers.Dense(8)(found))


def _noted() -> Any:
    """A callback that keeps the losses of single updates, for the label: Keras tells means since the epoch began."""
    from keras.callbacks import Callback

    class Noted(Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.losses: list[float] = []
            self.sum = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            before, self.sum = (self.sum if batch else 0.0), (batch + 1) * float(logs["loss"])
            self.losses.append(self.sum - before)

    return Noted()


def _rate(recipe: Recipe) -> tuple[Any, list[Any]]:
    """The learning rate for the optimizer, and the callbacks that set or log it."""
    import keras

    import calando.keras

    schedule = calando.parse(recipe.plan).bind(recipe.horizon)
    if recipe.defect == "epochs" or recipe.plan in BY_EPOCH:
        each = 1 if recipe.defect else EPOCH  # one who forgets that a schedule counts updates

        def at(epoch: int, _before: float) -> float:
            return recipe.peak * float(schedule(min(epoch * each + each - 1, recipe.horizon - 1)))

        return recipe.peak, [keras.callbacks.LearningRateScheduler(at)]

    class Told(keras.callbacks.Callback):  # type: ignore[misc]
        """The rate among the numbers of an epoch."""

        def on_epoch_end(self, _epoch: int, logs: Any = None) -> None:
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    if recipe.plan not in OWN:
        return calando.keras.LearningRate(schedule, recipe.peak), [Told()]
    warm = recipe.horizon // 20 if recipe.plan.startswith("warmup") else 0
    made = keras.optimizers.schedules.CosineDecay(
        0.0 if warm else recipe.peak, recipe.horizon - warm, warmup_target=recipe.peak if warm else None,
        warmup_steps=warm,
    )  # fmt: skip
    return made, [Told()]
