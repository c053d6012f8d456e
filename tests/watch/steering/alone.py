"""One of two processes that do not log alike: python -m tests.watch.steering.alone CASE RANK FOLDER.

It says how it ended: at which update, and by which error.
"""

import os
import sys
import time
from pathlib import Path

import torch

import calando
import calando.torch
from calando.errors import LabError
from calando.torch import together

PATIENCE = 2.5
HORIZON = 40


def logs(case: str, rank: int, step: int) -> bool:
    """Whether this process logs update `step`."""
    if case in ("first logs alone", "first opens alone"):
        return rank == 0
    if case == "second stops logging":
        return rank == 0 or step < 20
    if case == "second logs alone":
        return rank == 1
    return True


def main() -> None:
    case, rank, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=(folder / "store").as_uri(), rank=rank, world_size=2)
    trained: torch.nn.Module = torch.nn.Linear(4, 1)
    if case != "first waits for ever":  # there only the watch keeps the two together
        trained = torch.nn.parallel.DistributedDataParallel(trained)
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    scheduler = calando.torch.attach(optimizer, calando.constant().bind(HORIZON))
    if case == "second logs alone":
        together.LONGER = PATIENCE  # half an hour is not for a test
    together.SOON = 0.5
    agree = calando.torch.agree(every=3, patience=None if case == "first waits for ever" else PATIENCE)
    watched = None
    try:
        if rank == 0 or case != "first opens alone":
            watched = calando.watch("run", scheduler=scheduler, folder=folder / "runs", agree=agree)
        for step in range(HORIZON):
            trained(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
            scheduler.step()
            if case == "one is slow" and step == (14 if rank else 28):
                time.sleep(1.2 * PATIENCE)  # an evaluation, say
            if case == "first waits for ever" and rank == 1 and step == 14:
                time.sleep(1.2 * PATIENCE)
            if watched is not None and logs(case, rank, step):
                watched.log(train_loss=1.0)
    except LabError as error:
        print(f"{rank} update {scheduler.position()}: {error}", flush=True)
        os._exit(3)  # as a launcher does: the others are not waited for
    except RuntimeError as error:  # of the training itself: its neighbour is gone
        print(f"{rank} RuntimeError {error}", flush=True)
        os._exit(4)
    if watched is not None:
        watched.close()
    print(f"{rank} ended at {scheduler.position()}", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
