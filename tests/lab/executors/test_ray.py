"""Studies on Ray: an actor is a worker slot, one that dies loses nothing, and nothing loads Ray unasked."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from calando.core.text import parse
from calando.lab.executors.base import Ended, Ready, Task
from calando.lab.executors.slot import Home, Slot
from calando.lab.trainref import TrainRef, name_train
from calando.records import RunSpec, load

TRAINS = Path(__file__).parents[1] / "trains"
WAITS = f"{TRAINS / 'waits.py'}:train"
STUDY = ["--candidates", "wsd(cooldown=10)", "wsd(cooldown=15)", "cosine()", "--no-humble", "--peaks", "0.05"]
STUDY += [
    "--seeds",
    "1",
    "--confirm-seeds",
    "2",
    "--extend",
    "0",
    "--workers",
    "2",
    "--retries",
    "3",
    "--quiet",
    "--no-report",
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def compare(name: str, *words: str) -> "subprocess.Popen[bytes]":
    line = [sys.executable, "-m", "calando", "compare", WAITS, *STUDY, "--study", name, *words]
    env = dict(os.environ, RAY_AUTH_TOKEN=secrets.token_hex(16))  # so that Ray leaves none in the home folder
    with Path(f"{name}.txt").open("wb") as out:
        return subprocess.Popen(line, stdout=out, stderr=out, env=env)


def said(name: str) -> str:
    return Path(f"{name}.txt").read_text()


def marked(what: str, study: "subprocess.Popen[bytes]") -> int:
    """The process that waits to be killed."""
    for _ in range(3000):
        for mark in Path().glob(f"killed-{what}-*"):
            return int(mark.name.rpartition("-")[2])
        if study.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(said("there"))


def made() -> list[str]:
    """The updates that were made: candidate, peak, seed, step."""
    return Path("trace.txt").read_text().splitlines()


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.slow
def test_a_study_on_ray_loses_a_worker_and_a_slot_and_ends_like_one_on_this_machine() -> None:
    assert compare("here").wait(300) == 0, said("here")
    Path("trace.txt").unlink()
    Path("kill-1-worker").touch()
    Path("kill-2-slot").touch()
    there = compare("there", "--ray", "local")
    try:
        os.kill(marked("1-worker", there), signal.SIGKILL)
        os.kill(parent(marked("2-slot", there)), signal.SIGKILL)
        assert there.wait(300) == 0, said("there")
    finally:
        there.kill()
        there.wait()
    one, other = load("here"), load("there")
    assert {run.spec.key: (run.status, run.final) for run in one.runs} == {
        run.spec.key: (run.status, run.final) for run in other.runs
    }
    assert {run.spec.key: run.curves for run in one.runs} == {run.spec.key: run.curves for run in other.runs}
    assert one.verdict == other.verdict
    assert sum(run.reused for run in other.runs) == sum(run.reused for run in one.runs) > 0
    trunk = Counter(
        line.split(maxsplit=1)[1] for line in made() if line.startswith("wsd") and int(line.split()[3]) < 45
    )
    assert set(trunk.values()) == {1}  # what was finished once was never made again, whoever died
    lost = [attempt.reason for attempt in other.attempts if attempt.outcome == "lost"]
    assert len(lost) == 2
    assert any("signal 9" in reason for reason in lost)
    assert any("Ray actor died" in reason for reason in lost)


def test_a_slot_makes_a_run_and_brings_home_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    ref = TrainRef(str(TRAINS / "script.py"), "train", ())
    slot = Slot(Home(str(Path.cwd()), ref, ref, ref.fingerprint()), threads=1, timeout=60.0, isolate=False)
    try:
        slot.warm()
        assert isinstance(next(event for event in told(slot)), Ready)
        spec = RunSpec("a", "linear_decay()", 0.05, seed=0, horizon=40)
        slot.submit(Task(spec, parse(spec.plan).bind(40).to_json(), 4, "val_loss", "min", log="elsewhere/run.log"))
        printed = b""
        while True:
            heard = slot.poll(0.5)
            printed += heard.printed
            if any(isinstance(event, Ended) for event in heard.events):
                break
        assert printed == b"the end, as __main__ with []\n"
        assert not Path("elsewhere").exists()
    finally:
        slot.close()


def told(slot: Slot):
    while True:
        yield from slot.poll(0.5).events


def test_a_machine_without_the_studys_folder_uses_the_copy_that_was_sent(tmp_path: Path) -> None:
    from calando.lab.executors.slot import _at_hand

    Path("mine").mkdir()
    Path("sent").mkdir()
    for folder in ("mine", "sent"):
        Path(folder, "t.py").write_text("def train(run): ...\n")
    train, shipped = TrainRef("mine/t.py", "train"), TrainRef("t.py", "train")
    os.chdir("sent")
    home = Home(str(tmp_path), train, shipped, name_train("t.py:train").fingerprint())
    assert _at_hand(home) == train
    assert Path.cwd() == tmp_path
    os.chdir("sent")
    Path(tmp_path, "mine", "t.py").write_text("def train(run): pass\n")  # another state of the file lies there
    assert _at_hand(home) == shipped
    assert Path.cwd() == tmp_path / "sent"


def test_nothing_else_loads_ray() -> None:
    code = "import sys, pkgutil, importlib, calando, calando.lab, calando.report\n"
    code += "for m in pkgutil.walk_packages(calando.lab.__path__, 'calando.lab.'): importlib.import_module(m.name)\n"
    code += "from calando.cli import compare, run\n"
    code += "assert 'calando.lab.executors.ray' in sys.modules\n"
    code += "assert not {'ray', 'fsspec'} & set(sys.modules), 'loaded'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_ray_the_extra_is_named() -> None:
    code = "import sys; sys.modules['ray'] = None\nfrom calando.cli import main\nmain()"
    line = [sys.executable, "-c", code, "compare", WAITS, *STUDY, "--ray", "auto"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "pip install 'calando[ray]'" in done.stderr


def test_a_cluster_that_does_not_answer_is_told_at_once() -> None:
    line = [sys.executable, "-m", "calando", "compare", WAITS, *STUDY, "--ray", "127.0.0.1:9", "--study", "s"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "a Ray cluster that cannot be joined" in done.stderr
    assert "127.0.0.1:9" in done.stderr
