"""Lightning's Trainer with what `calando.lightning.configure` gave it: the rate that each update used is the plan's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import calando
import calando.lightning
from calando.errors import BadValue, CalandoError
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


@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("length", ["", "length=15"], ids=["to the end", "ends early"])
@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau conditioned on metric")
def test_the_clock_of_a_plan_that_listens_counts_no_metrics(tmp_path: Path, interval: Any, length: str) -> None:
    # Lightning tells a metric after every second epoch here; the rate goes on in each.
    plan = f"reduce_on_plateau(linear_decay({length}), patience=100)"
    used, _ = train(
        tmp_path,
        lambda m, o: calando.lightning.configure(m, o, plan, interval=interval, monitor="val_loss", strict=False),
        check_val_every_n_epoch=2,
    )
    each = 10 if interval == "epoch" else 1
    assert used == [wanted(40, f"linear_decay({length})")[t // each * each] for t in range(40)]


def test_every_quantity_and_every_group_of_a_plan_that_listens_waits_for_its_epoch(tmp_path: Path) -> None:
    decay = calando.points(at=[0, 40], values=[0.1, 0.0])
    listens = calando.bundle(calando.reduce_on_plateau(calando.cosine(), patience=0, factor=0.5), weight_decay=decay)
    sizes = {"horizon": 40, "steps_per_epoch": 10}
    groups = {1: calando.linear_decay().bind(**sizes)}
    seen: list[list[float]] = []

    def configure(module: Any, optimizer: Any) -> Any:
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.02})
        optimizer.register_step_pre_hook(
            lambda o, *_: seen.append([g[key] for g in o.param_groups for key in ("lr", "weight_decay")][:3])
        )
        return calando.lightning.configure(
            module, optimizer, listens.bind(**sizes), interval="epoch", monitor="val_loss", groups=groups
        )

    train(tmp_path, configure)
    lr, other = listens.bind(**sizes), groups[1]
    expected = [
        [0.01 * lr(t) * 0.5 ** max(t // 10 - 1, 0), lr.at(t)["weight_decay"], 0.02 * other(t)]
        for t in (t // 10 * 10 for t in range(40))
    ]
    assert seen == [pytest.approx(each) for each in expected]


@pytest.mark.parametrize(
    ("scheduling", "options", "updates"),
    [
        ({0: 1, 2: 5}, {}, 24),
        ({0: 4}, {}, 12),
        ({1: 3, 9: 2}, {}, 22),
        ({0: 1, 2: 5}, {"max_steps": 17}, 17),
        ({0: 3, 1: 4}, {"limit_train_batches": 5}, 8),
    ],
    ids=["two factors", "one factor", "one that never comes", "limited by steps", "limited by batches"],
)
def test_an_accumulation_that_changes_with_the_epochs_is_counted(
    tmp_path: Path, scheduling: dict[int, int], options: Any, updates: int
) -> None:
    with_torchvision()
    from lightning.pytorch.callbacks import GradientAccumulationScheduler

    used, trainer = train(
        tmp_path,
        lambda m, o: calando.lightning.configure(m, o, PLAN),
        callbacks=[GradientAccumulationScheduler(dict(scheduling))],
        **options,
    )
    assert trainer.global_step == updates
    assert used == wanted(updates)


def test_epochs_of_different_lengths_are_no_unit(tmp_path: Path) -> None:
    with_torchvision()
    from lightning.pytorch.callbacks import GradientAccumulationScheduler

    for plan, options in (("warmup(1ep) | cosine()", {}), ("cosine()", {"interval": "epoch"})):
        with pytest.raises(CalandoError, match="steps_per_epoch"):
            train(
                tmp_path,
                lambda m, o, plan=plan, options=options: calando.lightning.configure(m, o, plan, **options),
                callbacks=[GradientAccumulationScheduler({0: 1, 2: 5})],
            )
    used, _ = train(  # of the same length, though accumulated otherwise
        tmp_path,
        lambda m, o: calando.lightning.configure(m, o, "warmup(1ep) | linear_decay()"),
        callbacks=[GradientAccumulationScheduler({0: 5, 1: 6})],
    )
    assert used == wanted(8, "warmup(2) | linear_decay()")


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


LISTENS = calando.reduce_on_plateau(calando.cosine()).bind(40)
BOUND = calando.cosine().bind(40)


@pytest.mark.parametrize(
    ("plan", "options", "told"),
    [
        (BOUND, {"follow": True}, "no follow"),
        (BOUND, {"follow": False}, "no follow"),
        (BOUND, {"tokens_per_step": "junk"}, "bound already"),
        (BOUND, {"samples_per_step": 8}, "bound already"),
        (LISTENS, {"monitor": 7}, "monitor=7"),
        (LISTENS, {"monitor": "val_loss", "interval": "epoch"}, "does not know how long an epoch is"),
        (LISTENS, {"monitor": "val_loss", "interval": "batch"}, "interval='batch'"),
        ("cosine()", {}, "without a trainer"),
    ],
)
def test_what_cannot_be_meant_is_refused(plan: Any, options: Any, told: str) -> None:
    with_torchvision()
    import lightning

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(CalandoError, match=told):
        calando.lightning.configure(lightning.LightningModule(), optimizer, plan, **options)
    assert calando.torch.attached(optimizer) is None


@pytest.mark.parametrize("plan", ["cosine()", BOUND, LISTENS], ids=["text", "schedule", "listens"])
def test_what_is_no_module_and_no_trainer_is_refused(plan: Any) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(BadValue, match=r"calando\.lightning\.configure"):
        calando.lightning.configure(None, optimizer, plan)
    with pytest.raises(BadValue, match=r"a lightning\.Trainer"):
        calando.lightning.horizon(None)
