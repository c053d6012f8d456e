"""Hosts under watch: the record has the rate that each update really used, and a command rules from its step."""

import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.ignite
import calando.lightning
import calando.transformers
from calando.errors import MissingExtra
from calando.records.live import Tail, read_answered, send
from calando.torch import attach
from tests.clients.run_transformers import texts, tiny
from tests.clients.small import digits, model, with_torchvision
from tests.contracts.source import ROOT

# The hosts' own calls of what PyTorch and Python are about to drop, and their advice about this machine and these data.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
]
PLAN = "warmup(10%) | cosine(end=0.1)"
HORIZON = 40


class Used:
    """The rates that updates used, seen at the optimizer, and a word spoken after some of them."""

    def __init__(self, say: Callable[[int], None]) -> None:
        self.rates: list[float] = []
        self.say = say

    def see(self, optimizer: Any) -> Any:
        optimizer.register_step_pre_hook(lambda o, *_: self.rates.append(float(o.param_groups[0]["lr"])))
        optimizer.register_step_post_hook(lambda *_: self.say(len(self.rates)))
        return optimizer


def by_lightning(watched: Any, folder: Path, used: Used) -> None:
    with_torchvision()
    import lightning
    from torch.utils.data import DataLoader, TensorDataset

    class Digits(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model()

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1]))

        def configure_optimizers(self) -> Any:
            optimizer = used.see(torch.optim.AdamW(self.parameters(), lr=0.01))
            return calando.lightning.configure(self, optimizer, PLAN)

    loader = DataLoader(TensorDataset(*digits(200)), batch_size=10)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=folder, max_epochs=4, accumulate_grad_batches=2,
        callbacks=[calando.lightning.watching(watched)],
    )  # fmt: skip
    trainer.fit(Digits(), loader, DataLoader(TensorDataset(*digits(10)), batch_size=10))


def by_transformers(watched: Any, folder: Path, used: Used) -> None:
    with_torchvision()
    from transformers import Trainer, TrainingArguments

    args = TrainingArguments(
        str(folder / "out"), per_device_train_batch_size=8, num_train_epochs=2, learning_rate=0.01, logging_steps=1,
        eval_strategy="epoch", report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    trainer = Trainer(
        tiny(), args, train_dataset=texts(), eval_dataset=texts()[:8],
        callbacks=[calando.transformers.watching(watched)],
    )  # fmt: skip
    calando.transformers.drive(trainer, PLAN)
    used.see(trainer.optimizer)
    trainer.train()


def by_ignite(watched: Any, folder: Path, used: Used) -> None:
    from ignite.engine import Engine, Events
    from ignite.metrics import Loss

    net = model()
    optimizer = used.see(torch.optim.AdamW(net.parameters(), lr=0.01))
    scheduler = attach(optimizer, calando.parse(PLAN).bind(HORIZON), follow=True)
    watched.follow(scheduler=scheduler)
    cost = torch.nn.functional.cross_entropy

    def update(engine: Any, batch: Any) -> float:
        optimizer.zero_grad()
        loss = cost(net(batch[0]), batch[1])
        loss.backward()
        optimizer.step()
        return loss.item()

    trainer = Engine(update)
    evaluator = Engine(lambda engine, batch: (net(batch[0]), batch[1]))
    Loss(cost).attach(evaluator, "loss")
    x, y = digits(100)
    data = [(x[i : i + 10], y[i : i + 10]) for i in range(0, 100, 10)]
    calando.ignite.watching(trainer, watched, evaluator=evaluator)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run(data[:1]))
    trainer.run(data, max_epochs=4)


HOSTS = {"lightning": by_lightning, "transformers": by_transformers, "ignite": by_ignite}


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    assert tail.problems == []
    return tail


@pytest.mark.parametrize("host", HOSTS)
def test_the_record_has_the_rate_and_loss_of_every_update(tmp_path: Path, host: str) -> None:
    used = Used(lambda made: None)
    watched = calando.watch(host, folder=tmp_path / "runs")
    HOSTS[host](watched, tmp_path, used)
    tail = tail_of(tmp_path / "runs" / host)
    rates, losses = tail.columns["lr"], tail.columns["train_loss"]
    schedule = calando.parse(PLAN).bind(HORIZON)
    assert rates.values.tolist() == used.rates == [0.01 * schedule(t) for t in range(HORIZON)]
    assert rates.steps.tolist() == losses.steps.tolist() == list(range(HORIZON))
    assert 0.95 * losses.values[:5].mean() > losses.values[-5:].mean()
    assert losses.values[0] == pytest.approx(math.log(256 if host == "transformers" else 10), rel=0.1)
    assert tail.columns["val_loss"].steps.tolist()[-1] == HORIZON - 1
    assert tail.header is not None
    assert (tail.header.horizon, tail.header.peak, tail.header.schedule is not None) == (HORIZON, 0.01, True)
    assert (tail.state, tail.ended and tail.ended.data["status"]) == ("ended", "done")


@pytest.mark.parametrize("host", HOSTS)
def test_a_command_rules_from_the_step_it_names_and_ends_the_host_earlier(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calando.watch.steer.PAUSE", 0.0)
    folder = tmp_path / "runs" / host

    def say(made: int) -> None:
        if made == 11:
            send(folder, "cooldown 8")

    used = Used(say)
    HOSTS[host](calando.watch(host, folder=tmp_path / "runs"), tmp_path, used)
    tail = tail_of(folder)
    (applied,) = [event for event in tail.events if event.kind == "applied"]
    schedule = read_answered(folder).schedule
    assert schedule is not None
    assert (applied.step, applied.data["horizon"]) == (11, 19)
    assert len(used.rates) == 19
    assert tail.columns["lr"].values.tolist() == used.rates == [0.01 * schedule(t) for t in range(19)]
    assert used.rates[:11] == [0.01 * calando.parse(PLAN).bind(HORIZON)(t) for t in range(11)]
    assert 0 < used.rates[18] < used.rates[11] / 4
    assert tail.ended is not None
    assert tail.ended.data["status"] == "done"


def test_a_host_that_fails_leaves_a_run_that_failed(tmp_path: Path) -> None:
    from ignite.engine import Engine

    trainer = Engine(lambda engine, batch: 1 / (2 - batch))
    watched = calando.watch("a", folder=tmp_path)
    calando.ignite.watching(trainer, watched)
    with pytest.raises(ZeroDivisionError):
        trainer.run(range(4))
    assert watched.ending == "failed"
    assert tail_of(tmp_path / "a").columns["train_loss"].values.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("package", "watching"),
    [
        ("lightning", calando.lightning.watching),
        ("transformers", calando.transformers.watching),
        ("pytorch-ignite", lambda watched: calando.ignite.watching(None, watched)),
    ],
)
def test_a_host_that_is_not_installed_is_named_as_what_pip_installs(
    package: str, watching: Callable[[Any], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = package.removeprefix("pytorch-")
    for name in [name for name in sys.modules if name.partition(".")[0] in (root, "pytorch_lightning")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, root, None)  # type: ignore[arg-type]  # what Python takes for not installed
    watched = calando.watch("first", folder=tmp_path)
    with pytest.raises(MissingExtra) as told:
        watching(watched)
    watched.close()
    assert told.value.fix == f"pip install {package}"
    assert re.search(rf"^{package}==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
