"""What a run of PyTorch's would miss is no snapshot, and a folder of another model's is refused in words."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

import calando
from calando.errors import LabError
from calando.lab.run import Run
from calando.lab.snapshot import load
from tests.lab.test_keep import Told, a_run


class Counted(Sampler[int]):
    """Its order depends on a counter of passes."""

    def __init__(self, size: int) -> None:
        self.size, self.passes = size, 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.passes += 1
        return iter(torch.randperm(self.size, generator=torch.Generator().manual_seed(self.passes)).tolist())

    def __len__(self) -> int:
        return self.size


class Numbers(Dataset[torch.Tensor]):
    """Noise from a generator of its own."""

    def __init__(self) -> None:
        import numpy as np

        self.rng = np.random.default_rng(1)

    def __getitem__(self, place: int) -> torch.Tensor:
        return torch.tensor([float(place) + self.rng.normal()])

    def __len__(self) -> int:
        return 9


def train(run: Run, *, width: int = 1, size: int = 2, model: bool = True) -> None:
    torch.manual_seed(run.seed)
    layer = torch.nn.Linear(1, width)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    scheduler = run.attach(optimizer)
    data = Numbers()
    loader = DataLoader(data, batch_size=size, sampler=Counted(len(data)))
    run.keep(model=layer if model else None, optimizer=optimizer, loader=loader)
    for batch in run.steps(loader):
        loss = (layer(batch) ** 2).mean() / 1e4
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss, first=batch[0], val_loss=loss)


def test_counters_and_generators_of_samplers_and_data_sets_are_kept(tmp_path: Path) -> None:
    told = Told()
    whole = a_run(peak=0.01, place=str(tmp_path), keep_at=[7], reached=told)
    train(whole)
    again = a_run(peak=0.01, start=load(told.refs[0]))
    train(again)
    assert (again.began, again.refused) == (7, "")
    assert again.curves() == whole.curves()


def test_without_the_model_there_is_no_snapshot(tmp_path: Path) -> None:
    told = Told()
    run = a_run(peak=0.01, place=str(tmp_path), keep_at=[7], reached=told)
    train(run, model=False)
    assert run.kept == ()
    assert told.refs == []
    assert "2 of 2 tensors that the optimizer trains" in told.reasons[0][1]


def test_a_folder_of_another_model_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "kept"

    def one() -> Run:
        return calando.standalone("constant()", horizon=9, peak=0.01, quiet=True, snapshots=folder, every=0.001)

    train(one())
    with pytest.raises(LabError, match="kept that do not fit this run"):
        train(one(), width=3)
    other = one()
    train(other, size=3)
    assert other.refused == "other data"


def changed(what: str, run: Run) -> None:
    """Keeps its layer; something beside it changes in place, too, and nothing is named that way."""
    torch.manual_seed(run.seed)
    layer, shadow, mean, moments = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1), torch.zeros(1), [torch.zeros(1)]
    head, optimizer = layer.weight.detach(), torch.optim.SGD(layer.parameters(), lr=0.1)  # of what is kept
    scheduler = run.attach(optimizer)
    run.keep(model=layer)
    for _ in run.steps():
        optimizer.zero_grad()
        (layer(torch.ones(1, 1)) ** 2).mean().backward()
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            if what == "shadow":
                shadow.weight.lerp_(layer.weight, 0.1)
            if what == "mean":
                mean.mul_(0.9).add_(head[0])
            if what == "moments":
                moments[0] += 1
        run.log(train_loss=1.0, val_loss=float(mean[0] + moments[0][0]))


@pytest.mark.parametrize("what", ["shadow", "mean", "moments"])
def test_an_average_that_nobody_keeps_is_seen_to_change(what: str, tmp_path: Path) -> None:
    told = Told()
    changed(what, a_run(place=str(tmp_path), keep_at=[5], reached=told))
    assert told.refs == []
    ((_, reason),) = told.reasons
    assert reason == f"the loop changes objects, which no snapshot has ({what}); name them by run.keep"


def test_what_stands_still_or_is_part_of_what_is_kept_hinders_nothing(tmp_path: Path) -> None:
    told = Told()
    changed("", a_run(place=str(tmp_path), keep_at=[5], reached=told))
    assert told.reasons == []
    assert len(told.refs) == 1
