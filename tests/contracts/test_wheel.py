"""The wheel holds the whole package, and works where there is no source tree."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.contracts.source import PACKAGE, ROOT
from tests.contracts.test_extras import DECLARED, rooms
from tests.report import studies

pytestmark = pytest.mark.slow

FILES = {
    str(path.relative_to(PACKAGE.parent))
    for path in PACKAGE.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
ROOMS = sorted(rooms() - {"__init__", "__main__"})

FIRST_STEPS = """
import sys, pathlib
import calando, torch
from calando.torch import attach

schedule = calando.parse("warmup(5%) | cosine(end=0.1)").bind(100)
assert schedule(5) == 1.0 and calando.from_json(schedule.to_json()) == schedule
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
scheduler = attach(optimizer, schedule)
assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
other = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
plan, bases = calando.torch.from_torch(torch.optim.lr_scheduler.StepLR(other, 30, 0.5))
assert plan.bind(100)(30) == 0.5 and list(bases) == [0.1]
"""

EVERY_ROOM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module("calando." + name)
"""

FROM_HERE = """
import pathlib, sys
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] == "calando" and getattr(module, "__file__", None):
        assert pathlib.Path(module.__file__).is_relative_to(sys.prefix), module.__file__
assert "calando" in sys.modules
"""


def run(*command: object, cwd: Path, **settings: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PIP_CONSTRAINT")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env=kept | settings, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    building = ("-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation")
    run(sys.executable, *building, "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("calando-*.whl"))


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, which borrows every other package from this one."""
    home = tmp_path_factory.mktemp("elsewhere")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    python = home / "venv/bin/python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
    # a line of a .pth file is searched, but the .pth files in that folder, ours to the source among them, are not read
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps")
    run(*pip, "--ignore-installed", wheel, cwd=home)
    return home


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.partition("/")[0].endswith(".dist-info")}
        meta = [name for name in archive.namelist() if name.endswith("METADATA")]
        text = archive.read(meta[0]).decode()
    assert names == FILES
    assert {"calando/py.typed", "calando/report/assets/page.html"} <= names
    assert "License-Expression: Apache-2.0" in text


def test_first_steps_without_the_source_tree(place: Path) -> None:
    run(place / "venv/bin/python", "-W", "ignore", "-c", FIRST_STEPS + FROM_HERE, cwd=place)


def test_every_room_opens_without_the_source_tree(place: Path) -> None:
    settings = {"KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    run(
        place / "venv/bin/python",
        "-W",
        "ignore",
        "-c",
        DECLARED + EVERY_ROOM + FROM_HERE,
        *ROOMS,
        cwd=place,
        **settings,
    )


def test_the_command_line_works_without_the_source_tree(place: Path) -> None:
    calando = place / "venv/bin/calando"
    assert "cosine" in run(calando, "list", cwd=place)
    assert "one_cycle" in run(calando, "show", "one_cycle()", "--horizon", "100", cwd=place)
    studies.write(place / "study", horizon=60, select=(0, 1), confirm=(1000, 1001))
    run(calando, "report", place / "study", "--static", cwd=place)
    page = (place / "study/report.html").read_text(encoding="utf-8")
    assert "</html>" in page
    assert (PACKAGE / "report/assets/page.css").read_text(encoding="utf-8").strip().splitlines()[0] in page


def test_a_source_tree_behind_it_would_be_found(place: Path) -> None:
    planted = f"import sys\nsys.path.insert(0, {str(PACKAGE.parent)!r})\nimport calando\n"
    with pytest.raises(AssertionError, match=r"src/calando/\w+\.py"):
        run(place / "venv/bin/python", "-c", planted + FROM_HERE, cwd=place)
