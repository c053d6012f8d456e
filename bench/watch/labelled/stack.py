"""As many small models as there are rows, each with its own weights, gradients, rates and data, trained as one."""

import torch
from torch.nn import functional

from bench.watch.labelled.tasks import Task

__all__ = ["Stack"]

Sizes = tuple[int, ...]


class Stack:
    """Models of one task; row i begins from seed i's weights and never hears of the others."""

    def __init__(self, task: Task, seeds: list[int], dropout: list[float]) -> None:
        self.task, self.count = task, len(seeds)
        self.keep = 1 - torch.tensor(dropout)[:, None, None]
        self.chances = [torch.Generator().manual_seed(50_000 + seed) for seed in seeds]
        self.values = self.drawn(seeds)
        for value in self.values:
            value.requires_grad_()
        self.first = [torch.zeros_like(value) for value in self.values]
        self.second = [torch.zeros_like(value) for value in self.values]
        self.taken = 0

    def drawn(self, seeds: list[int]) -> list[torch.Tensor]:
        """The weights and levels at the start."""
        found = []
        for layer, (wide, narrow) in enumerate(zip(self.task.sizes, self.task.sizes[1:], strict=False)):
            scale = 1.0 if self.task.table and layer == 0 else (2 / wide) ** 0.5
            starts = [torch.Generator().manual_seed(1000 * layer + seed) for seed in seeds]
            found.append(torch.stack([scale * torch.randn(wide, narrow, generator=one) for one in starts]))
            found.append(torch.zeros(self.count, 1, narrow))
        return found

    def forward(self, inputs: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """The outputs (rows, batch, classes) for inputs (rows, batch, ...)."""
        layers = list(zip(self.values[::2], self.values[1::2], strict=True))
        found = inputs
        for place, (weight, level) in enumerate(layers):
            if place == 0 and self.task.table:
                found = self._looked_up(inputs, weight) + level
            else:
                found = torch.baddbmm(level, found, weight)
            if place + 1 < len(layers):
                found = torch.relu(found) if self.task.optimizer == "momentum" else torch.tanh(found)
            if place + 2 == len(layers):
                found = self.dropped(found, learning=learning)
        return found

    def dropped(self, found: torch.Tensor, *, learning: bool) -> torch.Tensor:
        """What dropout leaves of (rows, batch, width), each row by its own share and chance."""
        if not learning or not bool((self.keep < 1).any()):
            return found
        drawn = torch.stack([torch.rand(*found.shape[1:], generator=one) for one in self.chances])
        return found * (drawn < self.keep) / self.keep

    def _looked_up(self, ids: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
        size = self.task.sizes[0]
        offset = (torch.arange(self.count) * size)[:, None, None]
        nothing = self.count * size
        places = torch.where(ids < 0, nothing, ids + offset).flatten(0, 1)
        rows = torch.cat([table.flatten(0, 1), torch.zeros(1, table.shape[2])])
        mode = "mean" if bool((ids < 0).any()) else "sum"
        bags = functional.embedding_bag(places, rows, mode=mode, padding_idx=nothing)
        return bags.view(self.count, ids.shape[1], -1) / (1 if mode == "mean" else ids.shape[2] ** 0.5)

    def losses(self, inputs: torch.Tensor, targets: torch.Tensor, *, learning: bool = False) -> torch.Tensor:
        """Every model's mean loss."""
        told = self.forward(inputs, learning=learning)
        if self.task.answers == "class":
            each = functional.cross_entropy(told.flatten(0, 1), targets.flatten(), reduction="none")
            return each.view(self.count, -1).mean(1)
        return ((told - targets) ** 2).flatten(1).mean(1)

    def update(self, losses: torch.Tensor, rates: torch.Tensor, decay: torch.Tensor, clip: torch.Tensor) -> None:
        """One update of every model at its own rate, weight decay and largest norm of gradient (0: any)."""
        slopes = list(torch.autograd.grad(losses.sum(), self.values))
        self.taken += 1
        rate, shrink = rates[:, None, None], decay[:, None, None]
        with torch.no_grad():
            if bool((clip > 0).any()):
                norm = torch.stack([slope.flatten(1).square().sum(1) for slope in slopes]).sum(0).sqrt()
                factor = torch.where((clip > 0) & (norm > clip), clip / norm, 1.0)[:, None, None]
                slopes = [slope * factor for slope in slopes]
            for value, slope, first, second in zip(self.values, slopes, self.first, self.second, strict=True):
                if self.task.optimizer == "momentum":
                    first.mul_(0.9).add_(slope + shrink * value)
                    value.sub_(rate * first)
                elif self.task.optimizer == "nesterov":
                    first.mul_(0.9).add_(slope + shrink * value)
                    value.sub_(rate * (slope + shrink * value + 0.9 * first))
                elif self.task.optimizer == "plain":
                    value.sub_(rate * (slope + shrink * value))
                else:
                    first.lerp_(slope, 0.1)
                    second.lerp_(slope * slope, 0.001)
                    size = (second / (1 - 0.999**self.taken)).sqrt_().add_(1e-8)
                    value.mul_(1 - rate * shrink).sub_(rate * (first / (1 - 0.9**self.taken)) / size)
