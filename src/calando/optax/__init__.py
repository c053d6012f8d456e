"""JAX: a schedule as a pure function of the step for optax, Flax NNX, Equinox and loops of your own.

>>> import jax, optax, calando.optax
>>> rate = calando.optax.learning_rate(calando.linear_decay().bind(100), peak=0.1)
>>> optimizer = optax.adamw(rate)
>>> jax.jit(rate)(50), rate(50)
(Array(0.05, dtype=float32), 0.05)
"""

from calando.errors import MissingExtra

try:
    import jax as _jax  # noqa: F401  # asked for first, so that its absence is told in our words
    import optax as _optax  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        given=f"calando.optax without {error.name or 'JAX and optax'}",
        allowed="jax >= 0.6 and optax >= 0.2.5 installed",
        where="import calando.optax",
        fix="pip install 'calando[jax]'",
    ) from error

from calando.optax.averaging import Averages, AveragesState, averages
from calando.optax.clock import clock_of, tell, with_clock
from calando.optax.count import Count
from calando.optax.door import Attached, attach
from calando.optax.follow import FollowState, follow
from calando.optax.inject import InjectState, inject
from calando.optax.plateau import Heard, Plateau, plateau
from calando.optax.rate import LearningRate, learning_rate
from calando.peers import from_optax

__all__ = [
    "Attached",
    "Averages",
    "AveragesState",
    "Count",
    "FollowState",
    "Heard",
    "InjectState",
    "LearningRate",
    "Plateau",
    "attach",
    "averages",
    "clock_of",
    "follow",
    "from_optax",
    "inject",
    "learning_rate",
    "plateau",
    "tell",
    "with_clock",
]
