"""What a run of PyTorch's would miss is no snapshot, and a folder of another model's is refused in words."""

from dataclasses import dataclass
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


class Mean(torch.nn.Module):
    """A buffer that is made anew each turn, which PyTorch puts where the last but one has lain."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(20_000))

    def forward(self, new: torch.Tensor) -> torch.Tensor:
        self.mean = torch.lerp(self.mean, new, 0.1)
        return self.mean[0]


@dataclass
class Book:
    mean: torch.Tensor


def changed(what: str, run: Run) -> None:
    """Keeps its layer; something beside it changes in place, too, and nothing is named that way."""
    torch.manual_seed(run.seed)
    layer, shadow, mean, moments = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1), torch.zeros(1), [torch.zeros(1)]
    head, optimizer = layer.weight.detach(), torch.optim.SGD(layer.parameters(), lr=0.1)  # of what is kept
    by_name, book, numbers, old = {"n": 1, "mean": torch.zeros(1)}, Book(torch.zeros(1)), head.numpy(), [head]
    second = torch.optim.SGD([layer.bias], lr=0.1, momentum=0.9 if what == "second" else 0.0)
    later = torch.optim.lr_scheduler.StepLR(second, 3)
    scaler = torch.amp.GradScaler("cpu", enabled=what == "scaler")
    scheduler = run.attach(optimizer)
    run.keep(model=layer)
    for _ in run.steps():
        optimizer.zero_grad()
        scaler.scale((layer(torch.ones(1, 1)) ** 2).mean()).backward()
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        second.param_groups[0]["lr"] = run.lr / 10
        second.step()
        with torch.no_grad():
            if what == "shadow":
                shadow.weight.lerp_(layer.weight, 0.1)
            if what == "mean":
                mean.mul_(0.9).add_(head[0])
            if what == "moments":
                moments[0] += 1
            if what == "by_name":
                by_name["mean"] = 0.9 * by_name["mean"] + head[0]
            if what == "book":
                book.mean.add_(head[0])
            if what == "later":
                later.step()
        run.log(train_loss=float(numbers[0, 0]) * len(old), val_loss=float(mean[0] + moments[0][0]))


@pytest.mark.parametrize("what", ["shadow", "mean", "moments", "by_name", "book", "second", "later", "scaler"])
def test_an_average_or_an_optimizer_that_nobody_keeps_is_seen_to_change(what: str, tmp_path: Path) -> None:
    told = Told()
    changed(what, a_run(place=str(tmp_path), keep_at=[5], reached=told))
    assert told.refs == []
    ((_, reason),) = told.reasons
    assert reason.startswith("the loop changes ")
    assert f"which no snapshot has ({what})" in reason
    assert "made inside the loop" in reason


def averaged(run: Run, *, kept: bool) -> None:
    layer, average = torch.nn.Linear(1, 1), Mean()
    run.keep(model=torch.nn.ModuleList([layer, average]) if kept else layer)
    for _ in run.steps():
        run.log(train_loss=1.0, val_loss=float(average(torch.full((20_000,), run.lr))))


def test_a_buffer_made_anew_is_seen_whatever_memory_it_gets(tmp_path: Path) -> None:
    for step in range(1, 12):  # asked at one step a run: what was once seen is not looked for again
        told = Told()
        averaged(a_run(place=str(tmp_path), keep_at=[step], reached=told), kept=False)
        assert [reason[:46] for _, reason in told.reasons] == ["the loop changes objects, which no snapshot ha"], step


def test_a_buffer_made_anew_in_a_part_of_what_is_kept_hinders_nothing(tmp_path: Path) -> None:
    told = Told()
    averaged(a_run(place=str(tmp_path), keep_at=[3, 7], reached=told), kept=True)
    assert [ref.step for ref in told.refs] == [3, 7], told.reasons


def test_what_stands_still_or_is_part_of_what_is_kept_hinders_nothing(tmp_path: Path) -> None:
    told = Told()
    changed("", a_run(place=str(tmp_path), keep_at=[5], reached=told))
    assert told.reasons == []
    assert len(told.refs) == 1
