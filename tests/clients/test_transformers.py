"""The Trainer of transformers with `drive` and `pair`, on a tiny GPT-2: what each update used is the plan's rate."""

from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.transformers
from calando.errors import BadValue
from tests.clients.run_transformers import texts, tiny
from tests.clients.small import with_torchvision

# The host's own calls of what Python and PyTorch are about to drop.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
PLAN = "warmup(10%) | cosine(end=0.1)"


def arguments(folder: Path, **more: Any) -> Any:
    with_torchvision()
    from transformers import TrainingArguments

    given = {"per_device_train_batch_size": 8, "learning_rate": 0.01, "num_train_epochs": 1, **more}
    return TrainingArguments(str(folder), report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no", **given)


def trainer_of(args: Any, **more: Any) -> Any:
    from transformers import Trainer

    return Trainer(tiny(), args, train_dataset=texts(), eval_dataset=texts()[:8], **more)


def train(trainer: Any) -> list[float]:
    """The rates that the updates used."""
    used: list[float] = []
    trainer.optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    trainer.train()
    return used


def wanted(horizon: int) -> list[float]:
    schedule = calando.parse(PLAN).bind(horizon)
    return [0.01 * schedule(t) for t in range(horizon)]


@pytest.mark.parametrize(
    "options",
    [
        {"num_train_epochs": 2},
        {"num_train_epochs": 1.5, "gradient_accumulation_steps": 3},
        {"per_device_train_batch_size": 7, "dataloader_drop_last": True, "gradient_accumulation_steps": 5},
        {"max_steps": 13},
    ],
    ids=["epochs", "parts of an epoch", "what is left over", "steps"],
)
def test_percent_are_of_the_updates_that_the_trainer_makes(tmp_path: Path, options: Any) -> None:
    args = arguments(tmp_path, **options)
    trainer = trainer_of(args)
    scheduler = calando.transformers.drive(trainer, PLAN)
    used = train(trainer)
    assert used == wanted(trainer.state.max_steps)
    assert trainer.state.global_step == trainer.state.max_steps == calando.transformers.horizon(args, texts())
    assert scheduler.position() == len(used)


def test_a_pair_is_bound_by_the_arguments_and_the_dataset(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    args, model = arguments(tmp_path, logging_steps=1), tiny()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    pair = calando.transformers.pair(args, optimizer, PLAN, texts())
    trainer = Trainer(model, args, train_dataset=texts(), optimizers=pair)
    assert train(trainer) == wanted(20)
    log = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert log == wanted(20)


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_horizon_counts_processes_as_accelerate_shares_batches(world: int, tmp_path: Path) -> None:
    with_torchvision()
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler

    for samples, size, accumulate in [(100, 8, 4), (97, 8, 1), (1000, 3, 7)]:
        shards = [BatchSamplerShard(BatchSampler(range(samples), size, False), world, rank) for rank in range(world)]
        (batches,) = {len(shard) for shard in shards}
        args = arguments(tmp_path, per_device_train_batch_size=size, gradient_accumulation_steps=accumulate)
        told = type("Told", (), {name: getattr(args, name) for name in dir(args) if name in READ})
        told.world_size, told.num_train_epochs = world, 2  # type: ignore[attr-defined]
        assert calando.transformers.horizon(told, samples) == 2 * -(-batches // accumulate)


READ = {"max_steps", "train_batch_size", "dataloader_drop_last", "gradient_accumulation_steps"}


def test_a_plan_that_listens_is_told_the_evaluations_and_the_log_names_what_was_used(tmp_path: Path) -> None:
    args = arguments(tmp_path, logging_steps=1, eval_strategy="steps", eval_steps=5, metric_for_best_model="loss")
    trainer = trainer_of(args)
    plan = calando.reduce_on_plateau(calando.parse(PLAN), patience=0, factor=0.5, threshold=0.9)  # ever too little
    scheduler = calando.transformers.drive(trainer, plan)
    used = train(trainer)
    assert used == pytest.approx([wanted(20)[t] * 0.5 ** max(t // 5 - 1, 0) for t in range(20)])
    log = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert log == used
    assert scheduler.position() == 20


def test_a_pair_that_listens_counts_by_itself(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    args = arguments(tmp_path, eval_strategy="steps", eval_steps=5, metric_for_best_model="loss")
    model = tiny()
    plan = calando.reduce_on_plateau(calando.parse(PLAN), patience=0, factor=0.5, threshold=0.9)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    pair = calando.transformers.pair(args, optimizer, plan, texts())
    used = train(Trainer(model, args, train_dataset=texts(), eval_dataset=texts()[:8], optimizers=pair))
    assert used == pytest.approx([wanted(20)[t] * 0.5 ** max(t // 5 - 1, 0) for t in range(20)])


def test_what_cannot_be_driven_is_refused(tmp_path: Path) -> None:
    trainer = trainer_of(arguments(tmp_path))
    calando.transformers.drive(trainer, PLAN)
    with pytest.raises(BadValue, match="a Trainer without a scheduler"):
        calando.transformers.drive(trainer, PLAN)
    listening = calando.reduce_on_plateau(calando.cosine())
    with pytest.raises(BadValue, match="metric_for_best_model"):
        calando.transformers.drive(trainer_of(arguments(tmp_path)), listening)
    with pytest.raises(BadValue, match="which has no length"):
        calando.transformers.pair(arguments(tmp_path), trainer.optimizer, PLAN, iter([]))
    with pytest.raises(BadValue, match="a plan, its text, or a schedule"):
        calando.transformers.drive(trainer_of(arguments(tmp_path)), 3)  # type: ignore[arg-type]
