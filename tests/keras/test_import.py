"""What importing the door brings along, and what it says where something is missing."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="NOT RUN: needs Keras")

PROBE = """
import sys
names = "torch tensorflow jax optax flax lightning transformers ignite accelerate".split()
loaded = lambda: {name for name in names if name in sys.modules}
import keras
alone = loaded()
import calando.keras
print(*(loaded() - alone))
print(*sorted(name for name in sys.modules if name.startswith(("calando.torch", "calando.optax", "calando.lab"))))
"""


def run(code: str, backend: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_door_loads_no_framework_that_keras_has_not_loaded_itself(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"NOT RUN: needs {backend}")
    done = run(PROBE, backend)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["", ""]


@pytest.mark.parametrize(
    ("missing", "backend", "extra"),
    [("keras", "jax", "keras"), ("tensorflow", "tensorflow", "tensorflow"), ("jax", "jax", "jax")],
)
def test_what_is_missing_is_named_with_the_extra_that_brings_it(missing: str, backend: str, extra: str) -> None:
    done = run(f"import sys\nsys.modules[{missing!r}] = None\nimport calando.keras", backend)
    assert "MissingExtra" in done.stderr
    assert f"pip install 'calando[{extra}]'" in done.stderr
