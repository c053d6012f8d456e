"""An HF Trainer on a tiny GPT-2 and some text: `python -m tests.clients.run_transformers FOLDER NAME [die]`."""

import sys
import warnings
from pathlib import Path
from typing import Any

from tests.clients.small import ROOT, Recorder, with_torchvision

PLAN = "warmup(10%) | cosine(end=0.1)"
LENGTH = 32


def texts() -> Any:
    """Bytes of ARCHITECTURE.md, in pieces."""
    import torch

    data = (ROOT / "ARCHITECTURE.md").read_bytes()[: 160 * LENGTH]
    pieces = torch.tensor(list(data)).view(-1, LENGTH)
    return [{"input_ids": piece, "labels": piece} for piece in pieces]


def tiny() -> Any:
    """A GPT-2 of two layers."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=256, n_positions=LENGTH, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    return GPT2LMHeadModel(config)


def arguments(folder: Path, **more: Any) -> Any:
    """What a Trainer is told: 160 pieces by 4, accumulated by 2: 20 updates an epoch, 40 in all."""
    from transformers import TrainingArguments

    return TrainingArguments(
        str(folder), per_device_train_batch_size=4, gradient_accumulation_steps=2, num_train_epochs=2,
        learning_rate=0.01, save_steps=10, logging_steps=1, report_to=[], use_cpu=True, disable_tqdm=True, **more,
    )  # fmt: skip


def main(folder: Path, name: str, die: bool) -> None:
    """Train 40 updates; checkpoints every 10."""
    with_torchvision()
    from transformers import Trainer
    from transformers.trainer_utils import get_last_checkpoint

    import calando.transformers

    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the host's own
    warnings.filterwarnings("ignore", category=FutureWarning)
    trainer = Trainer(tiny(), arguments(folder), train_dataset=texts())
    calando.transformers.drive(trainer, PLAN)
    Recorder(folder / name, trainer.optimizer, die_at=None if not die else 23)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    told = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    (folder / "log").write_text("\n".join(map(repr, told)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "die" in sys.argv)
