"""The code in docs/hosts.md is run, each piece with what its reader has: a model, data and a trainer."""

import re
from typing import Any

import pytest
import torch

import calando
import calando.torch
from tests.clients.run_transformers import texts, tiny
from tests.clients.small import ROOT, digits, model, with_torchvision

# The hosts' own calls of what Python and PyTorch are about to drop; Lightning's advice about this machine.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]
PAGE = (ROOT / "docs/hosts.md").read_text(encoding="utf-8")
PIECES = dict(re.findall(r"^## (\w+)\n```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))


def run(name: str, **given: Any) -> dict[str, Any]:
    with_torchvision()
    names = {"torch": torch, "calando": calando, **given}
    exec(compile(PIECES[name], f"docs/hosts.md, {name}", "exec"), names)  # our own page
    return names


def loader(count: int = 100) -> Any:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*digits(count)), batch_size=10)


def wanted(base: float, plan: str, steps: int) -> list[float]:
    return [base * calando.parse(plan).bind(steps)(t) for t in range(steps)]


def test_every_piece_is_run() -> None:
    assert sorted(PIECES) == ["Accelerate", "Ignite", "Lightning", "Transformers"]


def test_lightning(tmp_path: Any) -> None:
    with_torchvision()
    import lightning

    used: list[float] = []

    class LitDigits(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model()

        def training_step(self, batch: Any, index: int) -> Any:
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def on_before_optimizer_step(self, optimizer: Any) -> None:
            used.append(optimizer.param_groups[0]["lr"])

    module = run("Lightning", LitDigits=LitDigits)["Module"]()
    trainer = lightning.Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, loader())
    assert used == wanted(1e-2, "warmup(5%) | cosine(end=0.1)", 40)


def test_transformers(tmp_path: Any) -> None:
    with_torchvision()
    import transformers

    args = transformers.TrainingArguments(
        str(tmp_path), num_train_epochs=1, learning_rate=0.01, logging_steps=1, report_to=[], use_cpu=True,
        disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    names = run("Transformers", transformers=transformers, model=tiny(), args=args, data=texts())
    used = [entry["learning_rate"] for entry in names["trainer"].state.log_history if "learning_rate" in entry]
    assert used == wanted(0.01, "warmup(5%) | cosine(end=0.1)", 20)


def test_accelerate() -> None:
    with_torchvision()
    from accelerate import Accelerator

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    accelerator = Accelerator(cpu=True)
    names = run("Accelerate", accelerator=accelerator, model=net, optimizer=optimizer, loader=loader())
    assert names["steps"] == 20
    used = []
    for _ in range(2):
        for x, y in names["loader"]:
            accelerator.backward(torch.nn.functional.cross_entropy(names["model"](x), y))
            used.append(optimizer.param_groups[0]["lr"])
            names["optimizer"].step()
            names["optimizer"].zero_grad()
    assert used == wanted(0.1, "warmup(5%) | cosine()", 20)


def test_ignite() -> None:
    from ignite.engine import Engine, Events

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    used: list[float] = []

    def update(engine: Any, batch: Any) -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(batch[0]), batch[1]).backward()
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()

    parts = {"trainer": Engine(update), "evaluator": Engine(lambda engine, batch: None), "Events": Events}
    run("Ignite", optimizer=optimizer, model=net, batches=list(loader()), **parts)
    assert used == wanted(0.1, "warmup(5%) | cosine()", 40)
