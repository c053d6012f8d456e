"""Hugging Face's Trainer."""

from typing import TYPE_CHECKING

from calando.core.snippet.words import refuse_own, words

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["transformers_code"]


def transformers_code(schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete program with the Trainer, which saves and resumes the scheduler in its own checkpoints."""
    told = words(schedule, peak, every)
    refuse_own(told, "transformers")
    metric = (
        f"""
    eval_strategy="steps",
    eval_steps={told.every},
    metric_for_best_model="loss",  # the schedule listens to it"""
        if told.listens
        else ""
    )
    evaluated = "\n    eval_dataset=data,  # your validation data" if told.listens else ""
    return f"""from pathlib import Path

import torch
import transformers

import calando
import calando.transformers

{told.plan}


class Model(torch.nn.Module):  # your model
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(10, 1)

    def forward(self, inputs, labels):
        outputs = self.layer(inputs)
        return {{"loss": torch.nn.functional.mse_loss(outputs, labels), "logits": outputs}}


data = [{{"inputs": torch.randn(10), "labels": torch.randn(1)}} for _ in range({32 * told.epoch})]  # your data
arguments = transformers.TrainingArguments(
    output_dir="checkpoints",
    learning_rate={told.rate},  # of the Trainer's own optimizer; it is factor 1
    max_steps=schedule.horizon,
    per_device_train_batch_size=32,
    save_steps={told.save},{metric}
    report_to=[],
)
trainer = transformers.Trainer(
    model=Model(),
    args=arguments,
    train_dataset=data,{evaluated}
)
calando.transformers.drive(trainer, schedule)
started = any(Path("checkpoints").glob("checkpoint-*"))
trainer.train(resume_from_checkpoint=started)  # goes on where the last run stopped"""
