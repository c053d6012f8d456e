"""One process of a training that is steered: python -m tests.watch.steering.rank RANK WORLD FOLDER HORIZON PAUSE.

Writes what each update really used to FOLDER/used-RANK.jsonl, and a checkpoint now and then; begun again it goes on.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch

import calando
import calando.torch

PLAN = "warmup(20) | cosine(end=0.05)"
EVERY = 25


def main() -> None:
    rank, world, folder, horizon, pause = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:6]
    torch.set_num_threads(1)
    agree = None
    if world > 1:
        store = (folder / "store").as_uri()
        torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
        agree = calando.torch.agree(every=3)
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    trained = torch.nn.parallel.DistributedDataParallel(model) if world > 1 else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = calando.torch.attach(optimizer, calando.parse(PLAN).bind(int(horizon)))
    saved = folder / f"checkpoint-{rank}.pt"
    at = 0
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        at = scheduler.position()
    resume = at if (folder / "runs/run/record.jsonl").exists() else None
    watched = calando.watch("run", scheduler=scheduler, folder=folder / "runs", agree=agree, resume=resume)
    with (folder / f"used-{rank}.jsonl").open("a", buffering=1) as used:
        while not watched.over:
            step = scheduler.position()
            loss = trained(torch.randn(8, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            used.write(json.dumps([step, optimizer.param_groups[0]["lr"]]) + "\n")
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=loss)
            if (step + 1) % EVERY == 0:
                parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
                kept = saved.with_suffix(f".{step}")
                torch.save({name: part.state_dict() for name, part in parts.items()}, kept)
                if world > 1:
                    torch.distributed.barrier()
                os.replace(kept, saved)  # noqa: PTH105  # whole or not there
                if world > 1:
                    torch.distributed.barrier()
            time.sleep(float(pause))
    weights = [float(one) for one in model.weight.detach().flatten()]
    (folder / f"weights-{rank}.json").write_text(json.dumps(weights))
    watched.close()
    if world > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
