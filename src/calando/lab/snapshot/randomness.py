"""The global sources of random numbers: Python's, NumPy's, and those of every framework that is loaded."""

import random
import sys
from collections.abc import Mapping

from calando.core.keepers import Array, Keeper, State, generators
from calando.lab.snapshot.codec import frozen
from calando.lab.snapshot.plain import pack, unpack

__all__ = ["Randomness"]


class Randomness:
    """All sources of random numbers that a run draws from: the global ones, and those that it keeps.

    Args:
        kept: keepers of generators that the run named, by path.

    >>> both = Randomness({})
    >>> kept, first = both.capture(), random.random()
    >>> both.restore(kept)
    >>> random.random() == first
    True
    """

    def __init__(self, kept: Mapping[str, Keeper]) -> None:
        self._kept = kept

    def keepers(self) -> list[Keeper]:
        """The keepers of those that the run keeps."""
        return list(self._kept.values())

    def also(self, more: Mapping[str, Keeper]) -> "Randomness":
        """The same with further sources."""
        return Randomness({**self._kept, **more})

    def capture(self) -> State:
        """Where all of them stand, in memory of its own."""
        version, words, gauss = random.getstate()
        state: dict[str, State] = {"python": (version, _words(words), gauss)}
        if (numpy := sys.modules.get("numpy")) is not None:
            state["numpy"] = pack(numpy.random.get_state(legacy=False))[0]
        state["global"] = {name: frozen(keeper.capture()) for name, keeper in generators().items()}
        state["kept"] = {path: frozen(keeper.capture()) for path, keeper in self._kept.items()}
        return state

    def restore(self, state: State) -> None:
        """Put all of them back where they stood; a framework that was not loaded then is left alone."""
        version, words, gauss = state["python"]
        random.setstate((version, tuple(memoryview(words.data).cast("I")), gauss))
        if "numpy" in state:
            import numpy as np

            np.random.set_state(unpack(state["numpy"]))
        here = generators()
        for name, saved in state["global"].items():
            if name in here:
                here[name].restore(saved)
        for path, saved in state["kept"].items():
            if path in self._kept:
                self._kept[path].restore(saved)


def _words(words: tuple[int, ...]) -> Array:
    from array import array

    return Array("U32", (len(words),), array("I", words).tobytes())
