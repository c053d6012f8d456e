"""Importing timm and Lightning where torchvision has operators for a GPU alone."""

import importlib.util
from contextlib import suppress
from typing import Any

import pytest
import torch

_OPERATORS: list[Any] = []
"""Kept: they are gone with the library object that defined them."""


def importing(name: str) -> Any:
    """A module that imports torchvision, whose two missing operators are declared (and never called)."""
    if not _OPERATORS and importlib.util.find_spec("torchvision"):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            with suppress(RuntimeError):  # a torchvision that works has them
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _OPERATORS.append(library)
    return pytest.importorskip(name)


def timm_scheduler(kind: str, optimizer: Any, **options: Any) -> Any:
    """A scheduler of timm's."""
    return getattr(importing("timm.scheduler"), kind)(optimizer, **options)
