"""Several processes that train together do the same thing at the same update: one speaks, all hear it."""

import json
from typing import Any

import torch

from calando.errors import BadValue, LabError, shown

__all__ = ["Agreement", "agree"]

LARGEST = 1 << 24
"""Bytes of what is agreed on."""


class Agreement:
    """What `calando.torch.agree` gives: called with plain JSON, it returns what the first process gave.

    Every process calls it, and each as often as the others.

    Args:
        every: number of updates between two calls that a watched loop makes, >= 1.
        group: an object of torch.distributed, or None for all processes.

    Source: torch.distributed.broadcast.
    """

    def __init__(self, every: int, group: Any = None) -> None:
        self.every = every
        self._group = group

    def __call__(self, value: Any) -> Any:
        """What the first process gave; nothing but numbers goes over the wire, and nothing that is heard is run."""
        group: Any = torch.distributed
        if not (group.is_available() and group.is_initialized()):
            return value
        first = 0 if self._group is None else group.get_global_rank(self._group, 0)
        where = self._device()
        speaks = group.get_rank() == first
        said = json.dumps(value).encode() if speaks else b""
        size = torch.tensor([len(said)], dtype=torch.int64, device=where)
        group.broadcast(size, first, group=self._group)
        length = int(size.item())
        if not 0 < length <= LARGEST:
            raise LabError(
                given=f"{length} bytes to agree on",
                allowed=f"1 to {LARGEST}",
                where="calando.torch.agree",
                fix="let every process call it at the same updates, and nothing else in between",
            )
        told = torch.empty(length, dtype=torch.uint8, device=where)
        if speaks:
            told.copy_(torch.frombuffer(bytearray(said), dtype=torch.uint8))
        group.broadcast(told, first, group=self._group)
        return json.loads(bytes(told.cpu().tolist()))

    def _device(self) -> torch.device:
        group: Any = torch.distributed
        backend = str(group.get_backend(self._group))
        if "nccl" in backend and "gloo" not in backend:
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")


def agree(every: int = 10, group: Any = None) -> Agreement:
    """For `calando.watch(agree=...)` in a run of several processes: commands are applied by all at the same update.

    Formula: at every update whose number passes a multiple of `every`, the first process tells the others what was
    asked since; a change rules from that very update on, everywhere. A call costs one broadcast of eight bytes and one
    of some ninety more.

    Args:
        every: number of updates between two such moments, >= 1.
        group: an object, the process group of torch.distributed; left out, all processes.

    Raises:
        BadValue: for a number outside its range.

    Example:
        >>> import calando.torch
        >>> together = calando.torch.agree(every=5)
        >>> together({"revision": 1}), together.every
        ({'revision': 1}, 5)

    Source: torch.distributed.broadcast.
    """
    if isinstance(every, bool) or not isinstance(every, int) or not 1 <= every <= 1_000_000:
        raise BadValue(
            given=f"every={shown(every)}",
            allowed="a whole number of updates from 1 to 1000000",
            where="agree(every)",
            fix="write agree(every=10)",
        )
    return Agreement(every, group)
