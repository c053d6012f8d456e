"""What a scheduler was told when it was attached, besides schedules and bases."""

from collections.abc import Mapping

from calando.torch.quantities import Setter

__all__ = ["Options"]


class Options:
    """How calls of `step()` become positions on the schedule, and what a load may change."""

    def __init__(
        self,
        *,
        interval: str = "step",
        stride: int = 1,
        calls_per_update: int = 1,
        follow: bool = False,
        resume: str = "exact",
        setters: Mapping[str, Setter] | None = None,
        open_ended: bool = True,
        tensors: bool = False,
    ) -> None:
        self.interval = interval
        self.stride = stride
        self.calls_per_update = calls_per_update
        self.follow = follow
        self.resume = resume
        self.setters = dict(setters or {})
        self.open_ended = open_ended
        self.tensors = tensors
