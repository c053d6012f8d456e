"""The living peers: a test that needs one which is not installed is skipped."""

import logging
from typing import Any

import pytest

from tests.torchvision_operators import declared


def importing(name: str) -> Any:
    """A module that imports torchvision, whose operators for a GPU are declared (and never called) where they lack."""
    declared()
    return pytest.importorskip(name)


def transformers_scheduler(kind: str, optimizer: Any, *steps: int, **settings: Any) -> Any:
    """A scheduler of transformers': warm-up steps, and steps in all."""
    optimization = pytest.importorskip("transformers.optimization")
    return optimization.get_scheduler(kind, optimizer, *steps, scheduler_specific_kwargs=settings or None)


def timm_scheduler(kind: str, optimizer: Any, **settings: Any) -> Any:
    """A scheduler of timm's."""
    return getattr(importing("timm.scheduler"), kind)(optimizer, **settings)


def deepspeed_scheduler(kind: str, optimizer: Any, **settings: Any) -> Any:
    """A scheduler of DeepSpeed's, silent."""
    schedules = pytest.importorskip("deepspeed.runtime.lr_schedules")
    logging.getLogger("DeepSpeed").setLevel(logging.CRITICAL)
    return getattr(schedules, kind)(optimizer, **settings)
