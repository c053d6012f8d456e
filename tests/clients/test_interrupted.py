"""Real trainers on small real data, ended by a power cut: the rate of every update is the plan's, before and after.

Each trains in processes of its own, which record the rate that the optimizer has when it updates. The first run ends
by SIGKILL in the middle; the second goes on from the host's own checkpoint.
"""

from pathlib import Path

import pytest
import torch

import calando
from tests.clients.small import recorded, run

pytestmark = pytest.mark.slow  # each starts Python and a host twice or more

STEPS = 40
SCHEDULE = calando.parse("warmup(10%) | cosine(end=0.1)").bind(STEPS)
WANTED = [0.01 * SCHEDULE(t) for t in range(STEPS)]


def test_lightning_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    run("run_lightning", tmp_path, "first", dies=True)
    assert recorded(tmp_path / "first") == WANTED[:23]
    run("run_lightning", tmp_path, "second")
    assert recorded(tmp_path / "second") == WANTED[20:]


@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_a_plan_that_listens_goes_on_under_lightning_without_the_metrics_that_lightning_drops(
    tmp_path: Path, interval: str
) -> None:
    run("run_lightning", tmp_path, "first", "listens", interval, dies=True)
    run("run_lightning", tmp_path, "second", "listens", interval)
    each = 5 if interval == "epoch" else 1  # updates between two changes of the rate; an epoch has 5
    open_loop = [WANTED[t // each * each] for t in range(STEPS)]
    told = [0.5 ** max(t // 5 - 1, 0) for t in range(STEPS)]  # once an epoch, and never better than the first time
    assert recorded(tmp_path / "first") == [open_loop[t] * told[t] for t in range(23)]
    # The checkpoint of update 20 was written before the fourth metric came: Lightning tells neither that one nor the
    # one of the first epoch that it runs again. PyTorch's own ReduceLROnPlateau misses them as well.
    heard = [2] * 10 + [3] * 5 + [4] * 5
    assert recorded(tmp_path / "second") == [open_loop[20 + t] * 0.5**scale for t, scale in enumerate(heard)]


def test_the_trainer_of_transformers_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    run("run_transformers", tmp_path, "first", dies=True)
    assert recorded(tmp_path / "first") == WANTED[:23]
    run("run_transformers", tmp_path, "second")
    assert recorded(tmp_path / "second") == WANTED[20:]
    assert recorded(tmp_path / "log") == WANTED


def test_ignite_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    run("run_ignite", tmp_path, "first", dies=True)
    assert recorded(tmp_path / "first") == WANTED[:23]
    run("run_ignite", tmp_path, "second")
    assert recorded(tmp_path / "second") == WANTED[20:]


def test_two_processes_under_accelerate_go_on_and_may_become_one(tmp_path: Path) -> None:
    run("run_accelerate", tmp_path, "first", 4, dies=True, processes=2)
    assert recorded(tmp_path / "first.0") == recorded(tmp_path / "first.1") == WANTED[:18]
    saved = {path: path.read_bytes() for path in (tmp_path / "saved").rglob("*") if path.is_file()}
    run("run_accelerate", tmp_path, "second", 4, processes=2)
    assert recorded(tmp_path / "second.0") == recorded(tmp_path / "second.1") == WANTED[15:]
    assert (tmp_path / "second.told.0").read_text().split()[:2] == [str(STEPS), "25"]
    for path, held in saved.items():
        path.write_bytes(held)
    run("run_accelerate", tmp_path, "alone", 8)  # half as many processes, twice the accumulation: the same updates
    assert recorded(tmp_path / "alone.0") == WANTED[15:]


def test_two_processes_of_ddp_use_the_same_rates_and_go_on(tmp_path: Path) -> None:
    run("run_ddp", tmp_path, "first", dies=True, processes=2)
    assert recorded(tmp_path / "first.0") == recorded(tmp_path / "first.1") == WANTED[:18]
    run("run_ddp", tmp_path, "second", processes=2)
    assert recorded(tmp_path / "second.0") == recorded(tmp_path / "second.1") == WANTED[15:]
    mine, other = (torch.load(tmp_path / f"second.end.{rank}", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(mine[key], other[key]) for key in mine)


def test_a_deepspeed_engine_goes_on_from_its_own_checkpoint(tmp_path: Path) -> None:
    run("run_deepspeed", tmp_path, "first", dies=True)
    assert recorded(tmp_path / "first") == WANTED[:23]
    run("run_deepspeed", tmp_path, "second")
    assert recorded(tmp_path / "second") == WANTED[20:]
