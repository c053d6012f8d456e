"""How two peers count bad epochs, transcribed line by line; scales instead of learning rates."""

import math
from dataclasses import dataclass


@dataclass
class TorchPlateau:
    """torch 2.13 ReduceLROnPlateau.step and _is_better, without its eps.

    One line differs on purpose: the relative threshold takes the sign of the best metric, so that the bar also lies on
    the better side of a negative one. `literal=True` restores torch's own line.
    """

    factor: float = 0.1
    patience: int = 10
    cooldown: int = 0
    threshold: float = 1e-4
    threshold_mode: str = "relative"
    mode: str = "min"
    min_scale: float = 0.0
    literal: bool = False

    def __post_init__(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.scale = 1.0

    def step(self, metric: float) -> float:
        if self._is_better(metric):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.scale = max(self.scale * self.factor, self.min_scale)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        return self.scale

    def _is_better(self, metric: float) -> bool:
        threshold = self.threshold
        if self.threshold_mode == "relative":
            threshold = threshold if self.literal else math.copysign(threshold, self.best)
            if self.mode == "min":
                return metric < self.best * (1.0 - threshold)
            return metric > self.best * (threshold + 1.0)
        return metric < self.best - threshold if self.mode == "min" else metric > self.best + threshold


@dataclass
class KerasPlateau:
    """keras 3.15 ReduceLROnPlateau.on_epoch_end; min_delta is the absolute threshold."""

    factor: float = 0.1
    patience: int = 10
    cooldown: int = 0
    threshold: float = 1e-4
    mode: str = "min"
    min_scale: float = 0.0

    def __post_init__(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.wait = 0
        self.cooldown_counter = 0
        self.scale = 1.0

    def step(self, metric: float) -> float:
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._monitor_op(metric):
            self.best = metric
            self.wait = 0
        elif not self.cooldown_counter > 0:
            self.wait += 1
            if self.wait >= self.patience and self.scale > self.min_scale:
                self.scale = max(self.scale * self.factor, self.min_scale)
                self.cooldown_counter = self.cooldown
                self.wait = 0
        return self.scale

    def _monitor_op(self, metric: float) -> bool:
        if self.mode == "min":
            return metric < self.best - self.threshold
        return metric > self.best + self.threshold
