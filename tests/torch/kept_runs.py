"""Train functions in miniature, with everything in them that a snapshot has to bring back; also a program of its own.

`python -m tests.torch.kept_runs [[KIND, REF], ...]` goes on from each snapshot, and prints what became of it.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset, WeightedRandomSampler

import calando
from calando.lab.run import Run
from calando.lab.snapshot import load
from calando.records.stage import SnapshotRef
from calando.torch import keep

HORIZON = 60
PLAN = "warmup(5) | cosine()"
torch.set_num_threads(1)  # bits hang on the number of threads, here and in the process that goes on


class Noisy(Dataset[Any]):
    """Images that are changed at random when they are read, by the global generators."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        self.x, self.y = torch.randn(56, 6, generator=generator), torch.randint(3, (56,), generator=generator)

    def __len__(self) -> int:
        return 56

    def __getitem__(self, i: int) -> Any:
        return self.x[i] + 0.1 * torch.randn(6) + random.random() + float(np.random.rand()), self.y[i]


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def plain_loader() -> DataLoader[Any]:
    data = Noisy()
    return DataLoader(TensorDataset(data.x, data.y), batch_size=8, shuffle=True)


def weighted_loader() -> DataLoader[Any]:
    data, weights = Noisy(), torch.arange(1.0, 57.0)
    return DataLoader(data, batch_size=8, sampler=WeightedRandomSampler(weights.tolist(), 56))


def batched_loader() -> DataLoader[Any]:
    data = Noisy()
    sampler = RandomSampler(data, replacement=True, num_samples=56)
    return DataLoader(data, batch_sampler=BatchSampler(sampler, 8, drop_last=False))


def own_generator_loader() -> DataLoader[Any]:
    return DataLoader(Noisy(), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(77))


def workers_loader() -> DataLoader[Any]:
    return DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=2)


class Teller:
    """A loader that tells its own position, in the manner of torchdata's."""

    def __init__(self) -> None:
        self.dice, self.order, self.at = np.random.default_rng(9), np.zeros(0, int), 0

    def __iter__(self) -> Any:
        data = Noisy()
        if self.at >= len(self.order):
            self.order, self.at = self.dice.permutation(56), 0
        while self.at < len(self.order):
            chosen = torch.from_numpy(self.order[self.at : self.at + 8])
            self.at += 8
            yield data.x[chosen], data.y[chosen]

    def state_dict(self) -> dict[str, Any]:
        return {"order": self.order, "at": self.at, "dice": self.dice.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order, self.at = state["order"], state["at"]
        self.dice.bit_generator.state = state["dice"]


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, amsgrad=True),
}
KINDS: dict[str, tuple[str, Callable[[], Any]]] = {
    "sgd": ("sgd", plain_loader),
    "adamw": ("adamw", plain_loader),
    "noisy": ("adamw", lambda: DataLoader(Noisy(), batch_size=8, shuffle=True)),
    "weighted": ("sgd", weighted_loader),
    "batched": ("adamw", batched_loader),
    "own generator": ("sgd", own_generator_loader),
    "workers": ("adamw", workers_loader),
    "teller": ("sgd", Teller),
    "no loader": ("adamw", lambda: None),
}


def train(run: Run, kind: str) -> str:
    """Train, and give the digest of everything at the end."""
    torch.manual_seed(run.seed)
    random.seed(run.seed)
    np.random.seed(run.seed)
    optimizer_of, loader_of = KINDS[kind]
    model, loader = net(), loader_of()
    optimizer = OPTIMIZERS[optimizer_of](model.parameters())
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    dice = np.random.default_rng(run.seed)
    scheduler = run.attach(optimizer)
    best = run.hold(value=float("inf"), at=0)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, more=[average, {"dice": dice}])
    data = Noisy()
    for batch in run.steps(loader):
        x, y = batch if loader is not None else (data.x[(rows := torch.randint(56, (8,)))], data.y[rows])
        loss = nn.functional.cross_entropy(model(x + float(dice.normal()) * 0.01), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        average.update_parameters(model)
        run.log(train_loss=loss, drawn=random.random())
        if run.eval_due:
            model.eval()
            checks = DataLoader(TensorDataset(data.x, data.y), batch_size=16, shuffle=True)
            with torch.no_grad():
                value = float(sum(nn.functional.cross_entropy(average(x), y) for x, y in checks))
            model.train()
            if value < best.value:
                best.value, best.at = value, run.step
            run.log(val_loss=value, best=best.value, best_at=best.at)
    return run.digest()


def in_a_study(run: Run) -> None:
    """A train function whose result tells everything: the digest of all that it kept is logged as numbers."""
    torch.set_num_threads(1)  # what a sum comes to may depend on it
    digest = train(run, "noisy")
    run.log(**{f"digest_{i}": int(digest[8 * i : 8 * i + 8], 16) for i in range(8)})


def result(run: Run, kind: str) -> dict[str, Any]:
    """What two runs must agree on to the last bit, as JSON has it."""
    with sources_of(keep):
        digest = train(run, kind)
    curves = {
        name: [list(curve.steps), [value.hex() for value in curve.values]] for name, curve in run.curves().items()
    }
    return {"digest": digest, "curves": curves, "outcome": [str(part) for part in run.outcome()]}


@contextmanager
def sources_of(door: Any) -> Iterator[None]:
    """As in a process in which one framework alone is loaded: a digest holds the random state of all that are."""
    with mock.patch("calando.lab.snapshot.randomness.generators", door.generators):
        yield


def a_run(plan: str = PLAN, **settings: Any) -> Run:
    return Run(calando.parse(plan).bind(HORIZON), **{"seed": 3, "peak": 0.05, "evals": 6, **settings})


def snapshots(
    kind: str, place: str, steps: Sequence[int], plan: str = PLAN
) -> tuple[dict[str, Any], list[SnapshotRef]]:
    """The result of a run that was never interrupted, and the snapshots that it wrote on its way."""
    refs: list[SnapshotRef] = []

    def reached(run: Run, step: int, ref: SnapshotRef | None, reason: str) -> None:
        assert ref is not None, reason
        refs.append(ref)

    return result(a_run(plan, place=place, keep_at=steps, reached=reached), kind), refs


def main(arguments: list[str]) -> None:
    torch.rand(7), random.random()  # this process has a past of its own
    for kind, ref in json.loads(arguments[0]):
        run = a_run(start=load(SnapshotRef(**ref)))
        print(json.dumps({"kind": kind, "began": ref["step"], **result(run, kind)}))
        assert run.began == ref["step"], run.refused


def command(refs: Mapping[str, Sequence[SnapshotRef]]) -> list[str]:
    asked = [(kind, asdict(ref)) for kind, of_kind in refs.items() for ref in of_kind]
    return [sys.executable, "-m", "tests.torch.kept_runs", json.dumps(asked)]


if __name__ == "__main__":
    main(sys.argv[1:])
