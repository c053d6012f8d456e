"""PyTorch: a schedule drives an optimizer through a scheduler that PyTorch and its hosts take as their own.

>>> import torch, calando.torch
>>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
>>> scheduler = calando.torch.attach(optimizer, calando.cosine().bind(100))
>>> isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
True
"""

from calando.errors import MissingExtra

try:
    import torch as _torch  # noqa: F401  # asked for first, so that its absence is told in our words
except ImportError as error:
    raise MissingExtra(
        given="calando.torch without PyTorch",
        allowed="torch >= 2.4 installed",
        where="import calando.torch",
        fix="pip install 'calando[torch]'",
    ) from error

from calando.peers.torch import from_torch
from calando.torch.averaging import Averages, averages
from calando.torch.door import attach
from calando.torch.owner import attached
from calando.torch.plateau import PlateauLR
from calando.torch.scheduler import ScheduleLR
from calando.torch.together import agree

__all__ = ["Averages", "PlateauLR", "ScheduleLR", "agree", "attach", "attached", "averages", "from_torch"]
