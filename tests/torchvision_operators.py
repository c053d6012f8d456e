"""torchvision beside PyTorch's CPU build: its build for CUDA cannot be imported until two operators are declared."""

import importlib.util
from contextlib import suppress
from typing import Any

__all__ = ["declared"]

_KEPT: list[Any] = []
"""The operators are gone with the library object that declared them."""


def declared() -> None:
    """Declare the operators, which nobody calls, so that Lightning, Transformers and timm can be imported."""
    if _KEPT or not importlib.util.find_spec("torchvision"):
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        with suppress(RuntimeError):  # a torchvision that works has them
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)
