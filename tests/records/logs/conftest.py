"""Files that the real tools wrote, made once for all tests and workers."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def made(factory: pytest.TempPathFactory, tool: str) -> Path:
    """A folder that `tests.records.logs.tools.TOOL` has filled."""
    base = factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = base / f"logs-{tool}"
    with (base / f"logs-{tool}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            command = [sys.executable, "-m", f"tests.records.logs.tools.{tool}", str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def torch_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory, "with_torch")


@pytest.fixture(scope="session")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory, "with_keras")
