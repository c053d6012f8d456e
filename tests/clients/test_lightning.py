"""Lightning's Trainer with what `calando.lightning.configure` gave it: the rate that each update used is the plan's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import calando
import calando.lightning
from calando.errors import BadValue
from tests.clients.small import digits, model, with_torchvision

# Lightning's own calls of what PyTorch and Python are about to drop, and its advice about this machine and these data.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
]
PLAN = "warmup(10%) | cosine(end=0.1)"


def train(folder: Path, configure: Callable[[Any, Any], Any], **options: Any) -> tuple[list[float], Any]:
    """The rates that the updates used, and the trainer: 10 batches an epoch."""
    with_torchvision()
    import lightning

    used: list[float] = []

    class Digits(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model()

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.tensor(1.0))

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
            return configure(self, optimizer)

    loader = DataLoader(TensorDataset(*digits(100)), batch_size=10)
    checked = DataLoader(TensorDataset(*digits(10)), batch_size=10)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, num_sanity_val_steps=0, default_root_dir=folder, **{"max_epochs": 4, **options},
    )  # fmt: skip
    trainer.fit(Digits(), loader, checked)
    return used, trainer


def wanted(horizon: int, plan: str = PLAN, **sizes: Any) -> list[float]:
    schedule = calando.parse(plan).bind(horizon, **sizes)
    return [0.01 * schedule(t) for t in range(horizon)]


@pytest.mark.parametrize(
    ("options", "updates"),
    [
        ({}, 40),
        ({"accumulate_grad_batches": 4}, 12),  # 2.5 updates an epoch: the last two batches make one of their own
        ({"max_epochs": -1, "max_steps": 15}, 15),
        ({"limit_train_batches": 5}, 20),
    ],
    ids=["batches", "accumulated", "limited by steps", "limited by batches"],
)
def test_percent_are_of_the_updates_that_lightning_makes(tmp_path: Path, options: Any, updates: int) -> None:
    used, trainer = train(tmp_path, lambda m, o: calando.lightning.configure(m, o, PLAN), **options)
    assert trainer.global_step == updates
    assert used == wanted(updates)


def test_epochs_are_lightnings_epochs(tmp_path: Path) -> None:
    used, _ = train(tmp_path, lambda m, o: calando.lightning.configure(m, o, "multistep(milestones=[1ep, 3ep])"))
    assert used == wanted(40, "multistep(milestones=[10, 30])")


def test_a_rate_may_change_between_epochs_only(tmp_path: Path) -> None:
    used, _ = train(tmp_path, lambda m, o: calando.lightning.configure(m, o, PLAN, interval="epoch"))
    assert used == [wanted(40)[t // 10 * 10] for t in range(40)]


def test_a_period_longer_than_an_epoch_passes_as_said(tmp_path: Path) -> None:
    # Lightning's frequency=15 would count within an epoch of 10 batches and never come (Lightning#17544).
    used, _ = train(tmp_path, lambda m, o: calando.lightning.configure(m, o, "step_decay(every=15, factor=0.5)"))
    assert used == pytest.approx([0.01 * 0.5 ** (t // 15) for t in range(40)])


def test_a_plan_that_listens_is_told_the_monitored_metric_after_each_epoch(tmp_path: Path) -> None:
    plan = f"reduce_on_plateau({PLAN}, patience=0, factor=0.5)"
    used, _ = train(tmp_path, lambda m, o: calando.lightning.configure(m, o, plan, monitor="val_loss"))
    assert used == pytest.approx([wanted(40)[t] * 0.5 ** max(t // 10 - 1, 0) for t in range(40)])


def test_several_optimizers_have_schedules_of_their_own(tmp_path: Path) -> None:
    with_torchvision()
    import lightning

    used: dict[str, list[float]] = {"a": [], "b": []}
    plans = {"a": calando.cosine().bind(40), "b": calando.linear_decay().bind(20)}

    class Two(lightning.LightningModule):
        automatic_optimization = False

        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.parts = torch.nn.ModuleDict({"a": torch.nn.Linear(64, 10), "b": torch.nn.Linear(64, 10)})

        def training_step(self, batch: Any, index: int) -> None:
            for name, optimizer in zip("ab", self.optimizers(), strict=True):
                if name == "b" and index % 2:
                    continue
                optimizer.zero_grad()
                self.manual_backward(torch.nn.functional.cross_entropy(self.parts[name](batch[0]), batch[1]))
                optimizer.step()

        def configure_optimizers(self) -> Any:
            told = []
            for name, part in self.parts.items():
                optimizer = torch.optim.SGD(part.parameters(), lr=1.0)
                optimizer.register_step_pre_hook(lambda o, *_, n=name: used[n].append(o.param_groups[0]["lr"]))
                told.append(calando.lightning.configure(self, optimizer, plans[name]))
            return told

    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=tmp_path, max_epochs=4,
    )  # fmt: skip
    trainer.fit(Two(), DataLoader(TensorDataset(*digits(100)), batch_size=10))
    assert used == {name: [plan(t) for t in range(plan.horizon)] for name, plan in plans.items()}


def test_a_run_without_end_and_a_missing_monitor_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="known number of updates"):
        train(tmp_path, lambda m, o: calando.lightning.configure(m, o, PLAN), max_epochs=-1)
    plan = calando.reduce_on_plateau(calando.cosine()).bind(40)
    with pytest.raises(BadValue, match="monitor='val_loss'"):
        train(tmp_path, lambda m, o: calando.lightning.configure(m, o, plan))
    with pytest.raises(BadValue, match="listens"):
        train(tmp_path, lambda m, o: calando.lightning.configure(m, o, PLAN, monitor="val_loss"))
