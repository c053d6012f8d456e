"""Keras: a schedule inside any Keras optimizer, on TensorFlow, JAX and PyTorch, eager and compiled.

>>> import keras, calando.keras
>>> rate = calando.keras.LearningRate(calando.cosine().bind(100), peak=0.1)
>>> optimizer = keras.optimizers.SGD(rate)
>>> round(float(optimizer.learning_rate), 6)
0.1
"""

from typing import Any

from calando.errors import MissingExtra

try:
    import keras as _keras  # noqa: F401  # asked for first, so that its absence is told in our words
except ImportError as error:
    _missing = (error.name or "keras").partition(".")[0]
    _extra = _missing if _missing in ("tensorflow", "jax", "torch") else "keras"
    raise MissingExtra(
        given="calando.keras without "
        + ("Keras" if _extra == "keras" else f"{_extra}, the backend that Keras is set to"),
        allowed="keras >= 3.10 and one of its backends: tensorflow, jax, torch",
        where="import calando.keras",
        fix=f"pip install 'calando[{_extra}]', or name an installed backend in the environment variable KERAS_BACKEND",
    ) from error

from calando.keras.averaging import Averages, Averaging, averages
from calando.keras.door import attach, rebind
from calando.keras.drive import fit
from calando.keras.follow import Follow
from calando.keras.learning_rate import LearningRate
from calando.keras.scheduled import Scheduled
from calando.keras.watching import Watching

__all__ = [
    "Averages",
    "Averaging",
    "Follow",
    "LearningRate",
    "Scheduled",
    "Watching",
    "attach",
    "averages",
    "fit",
    "from_keras",
    "rebind",
]


def __getattr__(name: str) -> Any:
    if name == "from_keras":
        from calando.peers import from_keras

        return from_keras
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
