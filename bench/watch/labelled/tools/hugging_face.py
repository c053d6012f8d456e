"""A tiny GPT-2 that Hugging Face's Trainer trains on characters of the language reference, from random weights.

Where the Trainer has a scheduler of its own for a plan it is asked for that one by name; other plans come by our door.
A run's log is its trainer_state.json.
"""

import logging
import math
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.tools.logged import FILES, Logged, logged, workshop

__all__ = ["EVERY", "OWN", "train"]

EVERY, BATCH, WIDTH, HELD = 15, 16, 32, 256
OWN = {
    "warmup(5%) | cosine()": ("cosine", 0.05),
    "warmup(10%) | linear_decay()": ("linear", 0.1),
    "warmup(5%) | constant()": ("constant_with_warmup", 0.05),
    "cosine()": ("cosine", 0.0),
}
"""Plans for which the Trainer has a scheduler: its name, and the share of updates in which it warms up."""


@cache
def windows() -> tuple[torch.Tensor, torch.Tensor, int]:
    """Stretches of 25 characters to learn from and to be judged by, and how many characters there are."""
    from bench.workloads.characters import CONTEXT, LETTERS, SEEN, UNSEEN

    found = []
    for letters, count, seed in ((SEEN, 12_000, 0), (UNSEEN, HELD, 1)):
        starts = torch.randperm(len(letters) - CONTEXT - 1, generator=torch.Generator().manual_seed(seed))[:count]
        found.append(letters[starts[:, None] + torch.arange(CONTEXT + 1)])
    return found[0], found[1], LETTERS


def train(recipe: Recipe) -> Logged:
    """One run."""
    from tests.torchvision_operators import declared

    declared()
    torch.set_num_threads(1)
    logging.getLogger("transformers").setLevel(logging.ERROR)
    with workshop() as (folder, began), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer, losses = _trainer(recipe, folder)
        trainer.train()
        trainer.save_state()
        evals = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
        return logged(
            [float(loss) for loss in losses],
            [entry["step"] - 1 for entry in evals],
            [entry["eval_loss"] for entry in evals],
            began,
            folder / FILES["hugging_face"],
        )


def _trainer(recipe: Recipe, folder: Path) -> tuple[Any, list[torch.Tensor]]:
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments, set_seed
    from transformers.trainer_callback import PrinterCallback

    import calando.transformers

    seen, unseen, letters = windows()
    losses: list[torch.Tensor] = []

    class Noted(Trainer):  # type: ignore[misc]
        """A Trainer whose losses of single updates are kept, for the label; its log has their means."""

        def compute_loss(self, model: Any, *given: Any, **options: Any) -> Any:
            found = super().compute_loss(model, *given, **options)
            if model.training:
                losses.append((found[0] if isinstance(found, tuple) else found).detach())
            return found

    class Slip(TrainerCallback):  # type: ignore[misc]
        """What a user got wrong, or a job that ended early."""

        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            if recipe.defect == "twice":
                given["lr_scheduler"].step()
            if state.global_step >= recipe.steps:
                control.should_training_stop = True

    name, warm = OWN.get(recipe.plan, ("constant", 0.0))
    set_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=letters, n_positions=seen.shape[1], n_embd=WIDTH, n_layer=1, n_head=2, bos_token_id=0,
        eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    arguments = TrainingArguments(
        str(folder), max_steps=recipe.horizon, learning_rate=recipe.peak, lr_scheduler_type=name,
        warmup_steps=math.ceil(warm * recipe.horizon), per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=HELD, logging_steps=5, eval_strategy="steps", eval_steps=EVERY, save_strategy="no",
        seed=recipe.seed, report_to=[], use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    rows = seen[: recipe.few] if recipe.few else seen
    trainer = Noted(
        GPT2LMHeadModel(config), arguments, train_dataset=[{"input_ids": row, "labels": row} for row in rows],
        eval_dataset=[{"input_ids": row, "labels": row} for row in unseen], callbacks=[Slip()],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    if recipe.plan not in OWN:
        calando.transformers.drive(trainer, recipe.plan)
    return trainer, losses
