"""An Accelerate loop, in N processes: `python -m tests.clients.run_accelerate FOLDER NAME ACCUMULATE [die]`."""

import os
import sys
import warnings
from pathlib import Path

from tests.clients.small import Recorder, digits, model, with_torchvision

PLAN = "warmup(10%) | cosine(end=0.1)"
EPOCHS = 2


def main(folder: Path, name: str, accumulate: int, die: bool) -> None:
    """Train 2 epochs of 160 batches, shared by the processes and accumulated; checkpoints every 5 updates."""
    with_torchvision()
    import torch
    from accelerate import Accelerator
    from torch.utils.data import DataLoader, TensorDataset

    import calando.accelerate

    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the host's own
    warnings.filterwarnings("ignore", category=FutureWarning)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=accumulate)
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    recorder = Recorder(folder / f"{name}.{accelerator.process_index}", optimizer, die_at=18 if die else None)
    loader = DataLoader(TensorDataset(*digits(640)), batch_size=4, shuffle=True)
    net, optimizer, loader = accelerator.prepare(net, optimizer, loader)
    horizon = calando.accelerate.horizon(accelerator, loader, EPOCHS)
    scheduler = calando.accelerate.attach(accelerator, optimizer, calando.parse(PLAN).bind(horizon))
    if (folder / "saved").exists():
        accelerator.load_state(str(folder / "saved"))
        accelerator.step = 0  # its own count of batches, which a changed accumulation does not divide any more
    first = scheduler.position() * accumulate
    for epoch in range(first // len(loader), EPOCHS):
        left = accelerator.skip_first_batches(loader, max(first - epoch * len(loader), 0))
        for x, y in left:
            with accelerator.accumulate(net):
                accelerator.backward(torch.nn.functional.cross_entropy(net(x), y))
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients and scheduler.position() % 5 == 0:
                accelerator.save_state(str(folder / "saved"))
    (folder / f"{name}.told.{accelerator.process_index}").write_text(f"{horizon} {recorder.count} {os.getpid()}")
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), "die" in sys.argv)
