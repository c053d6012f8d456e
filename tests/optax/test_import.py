"""The door says what it needs, and brings no other framework along."""

import subprocess
import sys

import pytest

PROBE = """
import sys
import calando.optax
calando.optax.learning_rate(calando.cosine().bind(10), 0.1)(3)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "keras", "tensorflow", "flax", "timm"}))
"""

WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from calando.errors import MissingExtra
try:
    import calando.optax
except MissingExtra as error:
    print(isinstance(error, ImportError), error.given, "|", error.fix)
"""


def said(*command: str) -> str:
    done = subprocess.run([sys.executable, "-c", *command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_other_framework_comes_along() -> None:
    assert said(PROBE) == "[]"


@pytest.mark.parametrize("missing", ["jax", "optax"])
def test_what_is_missing_is_named_with_the_extra_that_brings_it(missing: str) -> None:
    assert said(WITHOUT, missing) == f"True calando.optax without {missing} | pip install 'calando[jax]'"
