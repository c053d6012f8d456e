"""What this machine has to share out: cores, threads, GPUs."""

import os
from pathlib import Path

__all__ = ["cores", "gpus", "threads_for"]


def cores() -> int:
    """Cores that this process may use.

    >>> cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(workers: int) -> int:
    """Threads for each of so many workers: cores / workers, at least 1.

    >>> threads_for(10**6)
    1
    """
    return max(1, cores() // workers)


def gpus() -> list[str]:
    """The GPUs that workers share out: what CUDA_VISIBLE_DEVICES lists, else what the driver shows."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device for device in visible.split(",") if device.strip()]
    driver = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []
