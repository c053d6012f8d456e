"""A DeepSpeed engine on digits: `python -m tests.clients.run_deepspeed FOLDER NAME [die]`; goes on where it can."""

import os
import sys
import warnings
from pathlib import Path

from tests.clients.small import Recorder, digits, free_port, model, with_torchvision


def main(folder: Path, name: str, die: bool) -> None:
    """Train 40 updates of two batches; checkpoints every 5."""
    port = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", DS_ACCELERATOR="cpu", **port)
    with_torchvision()
    import deepspeed
    import torch

    import calando
    from calando.torch import attach

    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # the host's own
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=ResourceWarning)
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scheduler = attach(optimizer, calando.parse("warmup(10%) | cosine(end=0.1)").bind(40))
    Recorder(folder / name, optimizer, die_at=23 if die else None)
    settings = {"train_micro_batch_size_per_gpu": 10, "gradient_accumulation_steps": 2, "steps_per_print": 10**9}
    engine, *_ = deepspeed.initialize(model=net, optimizer=optimizer, lr_scheduler=scheduler, config=settings)
    if (folder / "saved").exists():
        engine.load_checkpoint(str(folder / "saved"))
    x, y = digits(800)
    while engine.global_steps < 40:
        i = 10 * engine.micro_steps
        engine.backward(torch.nn.functional.cross_entropy(engine(x[i : i + 10]), y[i : i + 10]))
        engine.step()
        if engine.is_gradient_accumulation_boundary() and engine.global_steps % 5 == 0:
            engine.save_checkpoint(str(folder / "saved"))
    engine.destroy()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "die" in sys.argv)
