"""Averaged weights of a model under training, several windows at once, by PyTorch's own AveragedModel."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel, update_bn

from calando.core.windows import WINDOWS, bad_averages, check_every, check_windows, head_of, nothing_averaged
from calando.errors import BadValue, shown

__all__ = ["Averages", "averages"]


class Averages:
    """What `calando.torch.averages` gives: averages of a model's weights that follow its training.

    Formula: after update t of the averages, each is a <- a + (1 - (1 - 1/t)^(2/p - 1)) * (weights - a), so that its
    mean age is that of a plain mean over the last share p of the updates so far.

    Source: Karras et al., arXiv 2312.02696 (power function averages); torch.optim.swa_utils.AveragedModel.
    """

    def __init__(self, model: torch.nn.Module, windows: Sequence[float], every: int) -> None:
        self._model, self._every = model, every
        self._calls = 0
        self._count = 0
        self._kept = {window: AveragedModel(model, multi_avg_fn=self._rule(window)) for window in windows}
        for kept in self._kept.values():
            kept.eval()

    def _rule(self, window: float) -> Callable[[Any, Any, Any], None]:
        power = 2 / window - 1

        def toward(averaged: Any, current: Any, _: Any) -> None:
            weight = 1 - (1 - 1 / self._count) ** power
            if averaged[0].is_floating_point() or averaged[0].is_complex():
                torch._foreach_lerp_(averaged, current, weight)
                return
            for one, other in zip(averaged, current, strict=True):
                one.copy_(other)

        return toward

    @property
    def windows(self) -> tuple[float, ...]:
        """The shares of the updates so far that are averaged over."""
        return tuple(self._kept)

    @property
    def count(self) -> int:
        """How many times the weights were taken in."""
        return self._count

    @property
    def normalised(self) -> bool:
        """Whether the model has batch norms, whose statistics are not those of averaged weights."""
        return any(isinstance(part, torch.nn.modules.batchnorm._BatchNorm) for part in self._model.modules())

    def update(self) -> None:
        """Take the weights in; call it after each update, unless an optimizer was given."""
        self._calls += 1
        if self._calls % self._every == 0:
            self._count += 1
            for kept in self._kept.values():
                kept.update_parameters(self._model)

    def model(self, window: float) -> torch.nn.Module:
        """The averaged model of one window, in evaluation mode; its buffers are the model's own.

        Args:
            window: a number, one of `windows`.

        Raises:
            BadValue: for another.
        """
        if window not in self._kept:
            raise BadValue(
                given=f"window={shown(window)}",
                allowed=", ".join(f"{one:g}" for one in self._kept),
                where="Averages.model",
                fix="give one of these, or ask averages(windows=...) for others",
            )
        return self._kept[window]

    def evaluate(
        self, loss_of: Callable[[torch.nn.Module], Any], data: Iterable[Any] | None = None
    ) -> dict[float, float]:
        """The loss of each averaged model: what `calando.watch.virtual` takes.

        Nothing of the run is touched: not the model, not the random numbers of the processor.

        Args:
            loss_of: function of a model that gives its loss, a number or a tensor of one; no gradients are kept.
            data: list or loader of batches to take the statistics of batch norms from, for each window anew; left out,
                they are the model's own, which belong to other weights.

        Raises:
            LabError: before anything was averaged.

        Example:
            >>> import torch, calando.torch
            >>> model = torch.nn.Linear(1, 1)
            >>> kept = calando.torch.averages(model, windows=[0.2])
            >>> kept.update()
            >>> kept.evaluate(lambda averaged: averaged(torch.zeros(1)) * 0 + 0.5)
            {0.2: 0.5}
        """
        if not self._count:
            raise nothing_averaged("call update() after each optimizer.step(), or give averages(model, optimizer)")
        found = {}
        cuda: Any = torch.cuda
        devices = range(cuda.device_count()) if cuda.is_initialized() else ()
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            for window, kept in self._kept.items():
                if data is not None:
                    update_bn(data, kept, device=next(self._model.parameters()).device)
                kept.eval()
                found[window] = float(loss_of(kept))
        return found

    def state_dict(self) -> dict[str, Any]:
        """Everything, as plain data and tensors."""
        kept = [[f"{window!r}", one.module.state_dict()] for window, one in self._kept.items()]
        return {"count": self._count, "calls": self._calls, "kept": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Args:
            state: dict of another with the same windows.

        Raises:
            BadState: where it is none, or of other windows.
        """
        count, calls, theirs = head_of(state, self.windows)
        if theirs != [repr(window) for window in self._kept]:
            raise bad_averages(theirs, self.windows)
        for (_, weights), kept in zip(state["kept"], self._kept.values(), strict=True):
            kept.module.load_state_dict(weights)
            kept.n_averaged.fill_(count)
        self._count, self._calls = count, calls


def averages(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    windows: Sequence[float] = WINDOWS,
    every: int = 1,
) -> Averages:
    """Averaged weights beside a training: what the model would be worth after a cooldown, without one.

    Each window holds a copy of the model, on its device, and costs one pass over its weights per update.

    Args:
        model: object with the weights; under DDP the module inside.
        optimizer: an optimizer whose every step is followed; left out, call `update()` yourself.
        windows: numbers above 0, at most 0.5: shares of the updates so far to average over.
        every: number of updates from one taking in of the weights to the next, >= 1.

    Raises:
        BadValue: for an argument outside its range.

    Example:
        >>> import torch, calando.torch
        >>> model = torch.nn.Linear(4, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> kept = calando.torch.averages(model, optimizer)
        >>> for _ in range(10):
        ...     model(torch.ones(4)).backward()
        ...     optimizer.step()
        >>> sorted(kept.evaluate(lambda averaged: averaged(torch.ones(4)).item()))
        [0.01, 0.05, 0.2]

    Source: torch.optim.swa_utils.AveragedModel; Karras et al., arXiv 2312.02696.
    """
    found = Averages(model, check_windows(windows), check_every(every))
    if optimizer is not None:
        optimizer.register_step_post_hook(lambda *_: found.update())
    return found
