"""An Ignite engine on digits: `python -m tests.clients.run_ignite FOLDER NAME [die]`; goes on where it can."""

import sys
import warnings
from pathlib import Path
from typing import Any

from tests.clients.small import Recorder, digits, model

PLAN = "bundle(warmup(10%) | cosine(end=0.1), momentum=linear_decay(start=0.95, end=0.85))"


def main(folder: Path, name: str, die: bool) -> None:
    """Train 4 epochs of 10 batches; checkpoints every 5."""
    import torch
    from ignite.engine import Engine, Events
    from ignite.handlers import Checkpoint, DiskSaver
    from torch.utils.data import DataLoader, TensorDataset

    import calando
    from calando.torch import attach

    warnings.simplefilter("error")
    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    scheduler = attach(optimizer, calando.parse(PLAN).bind(40), follow=True)
    Recorder(folder / name, optimizer, die_at=23 if die else None)

    def update(engine: Any, batch: Any) -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(batch[0]), batch[1])
        loss.backward()
        optimizer.step()
        return loss.item()

    trainer = Engine(update)
    parts = {"trainer": trainer, "model": net, "optimizer": optimizer, "scheduler": scheduler}
    saver = Checkpoint(parts, DiskSaver(str(folder), require_empty=False), filename_pattern="last.pt", n_saved=None)
    trainer.add_event_handler(Events.ITERATION_COMPLETED(every=5), saver)
    if (folder / "last.pt").exists():
        Checkpoint.load_objects(parts, torch.load(folder / "last.pt", weights_only=True))
    trainer.run(DataLoader(TensorDataset(*digits()), batch_size=100), max_epochs=4)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "die" in sys.argv)
