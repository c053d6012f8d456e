"""Small real data, and runs that really end: what the tests of hosts stand on."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.torchvision_operators import declared as with_torchvision

__all__ = ["ROOT", "Recorder", "digits", "free_port", "model", "recorded", "run", "with_torchvision"]

ROOT = Path(__file__).resolve().parents[2]


def digits(count: int = 1000) -> tuple[Any, Any]:
    """Scans of handwritten digits, 8 by 8, and what they show."""
    import torch
    from sklearn.datasets import load_digits

    data = load_digits()
    return torch.tensor(data.data[:count], dtype=torch.float32) / 16, torch.tensor(data.target[:count])


def model() -> Any:
    """A small network over digits, the same one each time."""
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))


class Recorder:
    """Writes down the learning rate that each update uses; may end the process, as a power cut would, before one."""

    def __init__(self, file: Path, optimizer: Any, die_at: int | None = None) -> None:
        self.file = file
        self.count = 0
        self.die_at = die_at
        optimizer.register_step_pre_hook(self)

    def __call__(self, optimizer: Any, *_: Any) -> None:
        if self.count == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1
        with self.file.open("a") as out:
            out.write(f"{float(optimizer.param_groups[0]['lr'])!r}\n")


def recorded(file: Path) -> list[float]:
    """What was written down."""
    return [float(line) for line in file.read_text().split()]


def run(module: str, *arguments: Any, dies: bool = False, processes: int = 1) -> None:
    """Run a module of this folder in processes of its own; they end by themselves, or by SIGKILL where told to die."""
    command = [sys.executable, "-m", f"tests.clients.{module}", *map(str, arguments), *(["die"] if dies else [])]
    started = []
    port = free_port()
    for rank in range(processes):
        settings = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        if processes > 1:  # as torchrun tells them
            settings |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
            settings |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, **out))  # type: ignore[call-overload]
    try:
        told = [process.communicate(timeout=240)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    for process, words in zip(started, told, strict=True):
        wanted = -signal.SIGKILL if dies else 0
        assert process.returncode == wanted, f"{' '.join(command)} ended with {process.returncode}\n{words}"


def free_port() -> int:
    """A port that nobody listens to just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
