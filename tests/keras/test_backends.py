"""The tests inside, and the door's own examples, once on each backend of Keras, each in a process of its own.

Versions that this was written against: keras 3.15.1, tensorflow 2.21, jax 0.10.2, torch 2.13.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.source import ROOT

BACKENDS = ("tensorflow", "jax", "torch")
LEAST = 150  # tests inside on any backend; should they be lost, nobody would notice otherwise

# Warnings are errors, as in pyproject.toml, but for what the libraries say of themselves, in this order: Keras'
# convert_to_numpy calls numpy.array(tensor), and PyTorch 2.13 knows no copy= of NumPy 2; PyTorch's compiler mentions
# a cache inside Keras.
INI = {
    "addopts": "",
    "python_files": "test_*.py",
    "doctest_optionflags": "ELLIPSIS NORMALIZE_WHITESPACE",
    "filterwarnings": """
        error
        ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning
        ignore:Dynamo detected a call to a:UserWarning
        """,
}


def run_inside(backend: str, *targets: str) -> "subprocess.CompletedProcess[str]":
    settings = [part for name, value in INI.items() for part in ("-o", f"{name}={value}")]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-rfE", "--import-mode=importlib", "--doctest-modules", "-n0"),
        *("-p", "no:cacheprovider", *settings, *targets),
    ]
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "CALANDO_INSIDE_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
    }
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=580)


def passed(output: str) -> int:
    found = re.search(r"(\d+) passed", output)
    return int(found[1]) if found else 0


def ready(backend: str) -> bool:
    return all(importlib.util.find_spec(name) for name in ("keras", backend))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", BACKENDS)
def test_everything_inside_passes(backend: str) -> None:
    if not ready(backend):
        pytest.skip(f"NOT RUN: needs Keras and {backend}")
    done = run_inside(backend, "tests/keras/inside", "src/calando/keras")
    print(done.stdout[-2000:])
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-4000:]}"
    assert passed(done.stdout) >= LEAST, done.stdout[-4000:]


@pytest.mark.slow
def test_a_failure_inside_is_a_failure_here(tmp_path: Path) -> None:
    if not ready("torch"):
        pytest.skip("NOT RUN: needs Keras and torch")
    (tmp_path / "test_planted.py").write_text(
        "import keras\ndef test_planted():\n    assert keras.config.backend() == 'planted'\n", encoding="utf-8"
    )
    done = run_inside("torch", str(tmp_path / "test_planted.py"))
    assert done.returncode != 0
    assert "'torch' == 'planted'" in done.stdout
    assert passed(done.stdout) == 0
