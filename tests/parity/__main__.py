"""The matrix on the terminal, and into docs/parity.md.

python -m tests.parity [--write]
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.parity.plans import SETTINGS
from tests.parity.table import ROOT, asked, matrix, rendered
from tests.parity.worker import COLUMNS

PAGE = ROOT / "docs/parity.md"
PACKAGES = ("numpy", "torch", "jax", "optax", "keras", "tensorflow-cpu", "mpmath")

WORDS = """# One number in every framework

Every plan of the catalog, {settings} settings in all, at every step of a run of 2,000, at spots up to 10 million,
around 2^24 (where float32 stops counting) in a run of 2^25 and around 2^31 (where int32 ends) in a run of 2^32, beside
mpmath at 50 digits. A number is the largest error in units of what is allowed; at most 1 is right. Allowed in float64:
4 ulp x (1 + |exponent|); in float32: 1e-6 of the value, or 1e-7 of the largest where the value is below 1e-4.

Columns in float64: plain floats, NumPy, torch float64; all others are float32. Where compiling everything would take
minutes, a column is asked the first setting of each plan alone (`tests/parity/plans.py`), {plans} in all; this is what
each was asked, at all the steps of its runs:

{asked}

`optax` is `calando.optax.learning_rate` under `jit` on two-word counts, `Keras on ...` is `calando.keras.LearningRate`
on arrays of the backend (compiled on JAX), `tf.function` the same compiled by TensorFlow; `jax jit` and Keras on JAX
count in int32, so they end before the last run. A Python function of so many steps is refused by name wherever a
framework would have to compute it; for a short run JAX takes a table of it.

Made by `python -m tests.parity --write`; `make test` makes it anew and fails above 1
(`tests/parity/test_matrix.py`). Versions: {versions}.

{table}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cells, _ = matrix(tuple(COLUMNS), Path(folder))
    table = rendered(cells)
    print(table)
    if "--write" in sys.argv:
        versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        settings = sum(len(texts) for texts in SETTINGS.values())
        words = WORDS.format(settings=settings, plans=len(SETTINGS), asked=asked(cells), versions=versions, table=table)
        PAGE.write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
