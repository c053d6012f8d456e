"""A DistributedDataParallel loop on digits: `python -m tests.clients.run_ddp FOLDER NAME [die]`, in two processes."""

import sys
import warnings
from pathlib import Path

from tests.clients.small import Recorder, digits, model


def main(folder: Path, name: str, die: bool) -> None:
    """Train 40 updates; checkpoints every 5, by the first process."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    import calando
    from calando.torch import attach

    warnings.simplefilter("error")
    distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    net = DistributedDataParallel(model())
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scheduler = attach(optimizer, calando.parse("warmup(10%) | cosine(end=0.1)").bind(40))
    if (folder / "saved").exists():
        saved = torch.load(folder / "saved", weights_only=True)
        net.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
    Recorder(folder / f"{name}.{rank}", optimizer, die_at=18 if die else None)
    x, y = digits(400)
    while scheduler.last_epoch < 40:
        mine = slice(10 * scheduler.last_epoch + rank, 10 * scheduler.last_epoch + 10, world)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[mine]), y[mine]).backward()
        optimizer.step()
        scheduler.step()
        if rank == 0 and scheduler.last_epoch % 5 == 0:
            parts = {"model": net, "optimizer": optimizer, "scheduler": scheduler}
            torch.save({key: part.state_dict() for key, part in parts.items()}, folder / "saved.new")
            (folder / "saved.new").replace(folder / "saved")
        distributed.barrier()
    torch.save(net.module.state_dict(), folder / f"{name}.end.{rank}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "die" in sys.argv)
