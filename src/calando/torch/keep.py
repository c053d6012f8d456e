"""Keepers of PyTorch's objects: how they become plain data, and go back into the very same tensors."""

import zlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from calando.core.hosts import innermost
from calando.core.keepers import Keeper, State
from calando.errors import LabError
from calando.torch.kept_modules import ModuleKeeper
from calando.torch.kept_optimizers import OptimizerKeeper
from calando.torch.kept_tensors import fill, from_plain, marked, to_plain
from calando.torch.scheduler import ScheduleLR

__all__ = ["generators", "keeper_for"]


def keeper_for(thing: Any) -> Keeper | None:
    """Who keeps a module, an optimizer, a scheduler, a loader, a generator, a tensor, or what holds tensors by itself.

    None for everything else. Wrappers (torch.compile, DistributedDataParallel) are looked through.

    Args:
        thing: any object.

    Example:
        >>> generator = torch.Generator().manual_seed(1)
        >>> keeper = keeper_for(generator)
        >>> kept, first = keeper.capture(), torch.rand(3, generator=generator)
        >>> keeper.restore(kept)
        >>> bool((torch.rand(3, generator=generator) == first).all())
        True
    """
    if isinstance(thing, nn.Module):
        return ModuleKeeper(thing)
    if isinstance(thing, ScheduleLR):
        return _Follower(thing)
    if isinstance(thing, torch.optim.Optimizer):
        return OptimizerKeeper(innermost(thing))
    if isinstance(thing, torch.Generator):
        return _Generator(thing)
    if isinstance(thing, Tensor):
        return _Tensor(thing)
    both = callable(getattr(thing, "state_dict", None)) and callable(getattr(thing, "load_state_dict", None))
    if both and not isinstance(thing, type):
        return _Stateful(thing)
    if isinstance(thing, DataLoader):
        return _Loader(thing)
    return None


def generators() -> Mapping[str, Keeper]:
    """PyTorch's global sources of random numbers: the CPU's, and those of every accelerator in use.

    Example:
        >>> sorted(generators())
        ['torch.cpu']
    """
    found: dict[str, Keeper] = {"torch.cpu": _Generator(torch.default_generator)}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        found |= {f"torch.cuda.{i}": _Generator(one) for i, one in enumerate(torch.cuda.default_generators)}
    if torch.backends.mps.is_available():
        found["torch.mps"] = _Generator(torch.mps._get_default_mps_generator())
    return found


class _Generator:
    """A generator of random numbers."""

    random = True

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def capture(self) -> State:
        return to_plain(self._generator.get_state(), "a generator")

    def restore(self, state: State) -> None:
        self._generator.set_state(from_plain(state))


class _Tensor:
    """A tensor by itself."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def capture(self) -> State:
        return to_plain(self._tensor, "a tensor")

    def marks(self) -> dict[int, object]:
        return dict(marked(self._tensor))

    def restore(self, state: State) -> None:
        fill(self._tensor, state, "a tensor")


class _Follower:
    """A scheduler of Calando's: where it stands, and what its listener remembers; which schedule it follows is its own.

    So a branch, whose schedule is another one from here on, goes on from its trunk's snapshot.
    """

    def __init__(self, scheduler: ScheduleLR) -> None:
        self._scheduler = scheduler

    def capture(self) -> State:
        scheduler = self._scheduler
        return {
            "last_epoch": int(scheduler.last_epoch),
            "step_count": int(scheduler._step_count),
            "rules": [None if t.rule is None else dict(t.rule.to_plain(t.state)) for t in scheduler.tracks],
        }

    def restore(self, state: State) -> None:
        scheduler = self._scheduler
        with scheduler._all_or_nothing():
            scheduler.last_epoch, scheduler._step_count = state["last_epoch"], state["step_count"]
            for track, kept in zip(scheduler.tracks, state["rules"], strict=True):
                track.forget()
                if track.rule is not None:
                    track.state = track.rule.from_plain(kept)
            scheduler._arrange(scheduler.optimizer.param_groups)
            scheduler._write()


_STEPPED = (LRScheduler, GradScaler)


def _numbers(thing: Any) -> list[Any]:
    state = thing.state_dict()
    return sorted((name, value) for name, value in state.items() if type(value) in (bool, int, float, str))


class _Stateful:
    """Whatever gives its state by state_dict and takes it by load_state_dict: PyTorch's schedulers, AMP scalers, ..."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing
        self._name = type(thing).__qualname__

    def capture(self) -> State:
        return to_plain(self._thing.state_dict(), f"{self._name}.state_dict()")

    def marks(self) -> dict[int, object]:
        """A checksum of the state of what PyTorch steps; of anything else it is not known what asking would cost."""
        if not isinstance(self._thing, _STEPPED):
            return {}
        return {id(self._thing): (zlib.crc32(repr(_numbers(self._thing)).encode()), self._thing)}

    def restore(self, state: State) -> None:
        # What the object has now tells which kinds of dict and tuple it wants, and keeps functions where they are.
        self._thing.load_state_dict(from_plain(state, like=self._thing.state_dict()))


class _Loader:
    """The generators from which a loader and its samplers draw; its position is found by passing over the data."""

    random = True

    def __init__(self, loader: "DataLoader[Any]") -> None:
        self._loader = loader

    def capture(self) -> State:
        if self._loader.num_workers and self._loader.persistent_workers:
            raise LabError(
                given="a DataLoader with persistent_workers=True",
                allowed="workers that start anew with each pass: the random state of those that stay cannot be read",
                where="run.steps",
                fix="leave persistent_workers out, or use a loader with state_dict",
            )
        return [to_plain(one.get_state(), "a loader's generator") for one in self._generators()]

    def restore(self, state: State) -> None:
        for one, saved in zip(self._generators(), state, strict=True):
            one.set_state(from_plain(saved))

    def _generators(self) -> list[torch.Generator]:
        loader = self._loader
        inner = getattr(loader.batch_sampler, "sampler", None)
        found: list[torch.Generator] = []
        for owner in (loader, loader.sampler, loader.batch_sampler, inner, getattr(loader, "dataset", None)):
            one = getattr(owner, "generator", None)
            if isinstance(one, torch.Generator) and not any(one is known for known in found):
                found.append(one)
        return found
