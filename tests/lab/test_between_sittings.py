"""Between two sittings code may change and folders move, also while nothing but stages is finished: neither mixes
results, loses progress, or takes anything away from another study."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from calando.errors import LabError
from calando.lab import compare
from calando.records import Store, Study, load

CODE = """
import os, signal, time
from pathlib import Path
import calando, helper

@calando.declare(steps=60, evals=3)
def train(run):
    import lazy
    state = run.hold(w=1.0)
    with open("trace.txt", "a") as trace:
        for _ in run.steps():
            trace.write(f"{run.step}\\n")
            trace.flush()
            if run.step == 55 and not Path("killed").exists():
                Path("killed").touch()
                time.sleep(0.5)  # what was told is heard
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)
            state.w -= run.lr * helper.SCALE * lazy.SCALE * state.w
            run.log(train_loss=state.w)
            if run.eval_due:
                run.log(val_loss=state.w)
"""
PLANS = [f"wsd(warmup=4, cooldown={cooldown})" for cooldown in (10, 30, 50)]
COMMAND = [
    *(sys.executable, "-m", "calando", "compare", "mine.py:train", "--candidates", *PLANS, "--no-humble"),
    *("--peaks", "0.05", "--seeds", "1", "--confirm-seeds", "1", "--extend", "0", "--workers", "1", "--share"),
    *("--no-report", "--study", "s"),
]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose coordinator was killed when it had finished stages and no run."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "mine.py").write_text(CODE)
    for name in ("helper", "lazy"):
        (folder / f"{name}.py").write_text("SCALE = 1.0\n")
    told = subprocess.run(COMMAND, cwd=folder, capture_output=True, check=False, timeout=60)
    assert told.returncode == -9, told.stderr.decode()
    study = load(folder / "s")
    assert not study.runs
    assert len([stage for stage in study.stages if stage.snapshot]) == 2
    return folder


@pytest.fixture
def here(killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(killed, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / "trace.txt").unlink()
    return tmp_path / "here"


def again(folder: str = "s", **changes: Any) -> Study:
    given: dict[str, Any] = {"peaks": [0.05], "seeds": 1, "confirm_seeds": 1, "extend": 0, "humble": False}
    given |= {"workers": 1, "share": True, "live": False, "study": folder}
    return compare("mine.py:train", PLANS, **{**given, **changes})


def first_step() -> int:
    return int(Path("trace.txt").read_text().split()[0])


@pytest.mark.parametrize("name", ["helper", "lazy"])
def test_code_that_changed_when_only_stages_were_finished_is_refused(here: Path, name: str) -> None:
    before = load("s")
    (here / f"{name}.py").write_text("SCALE = 3.0\n")
    with pytest.raises(LabError, match=rf"finished stages of other code: {name}.py changed since"):
        again()
    assert load("s") == before
    (here / f"{name}.py").write_text("SCALE = 1.0\n")
    assert len(again().runs) == 3


def test_a_module_that_only_runs_import_is_known_to_every_later_sitting(here: Path) -> None:
    assert sorted(load("s").environment.sources) == ["helper.py", "lazy.py", "mine.py"]
    study = again()
    assert sorted(study.environment.sources) == ["helper.py", "lazy.py", "mine.py"]
    (here / "lazy.py").unlink()
    with pytest.raises(LabError, match=r"finished runs of other code: lazy.py changed since"):
        again(confirm_seeds=2)


def test_a_module_that_changes_before_another_worker_imports_it_is_refused(here: Path) -> None:
    shutil.rmtree("s")
    (here / "mine.py").write_text(CODE.replace("trace.flush()", 'open("lazy.py", "a").write("#")'))
    with pytest.raises(LabError, match=r"code that changed while the study runs: lazy.py"):
        again(isolate=True, share=False)
    assert len(load("s").runs) == 1


@pytest.mark.usefixtures("here")
def test_other_threads_are_refused_when_only_stages_were_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["calando.lab.session"]
    describe = module.describe  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "describe", lambda *given: replace(describe(*given), threads_per_worker=77))
    with pytest.raises(LabError, match=r"finished stages that were made otherwise: .*and is 77"):
        again()
    assert len(again(mixed=True).runs) == 3


def test_a_moved_study_goes_on_from_its_stages(here: Path) -> None:
    (here / "s").rename(here / "elsewhere")
    study = again("elsewhere")
    assert len(study.runs) == 3
    assert first_step() > 0
    assert list((here / "elsewhere" / "snapshots").iterdir()) == []


def test_a_copied_study_goes_on_and_leaves_the_original_whole(here: Path) -> None:
    shutil.copytree("s", "copy")
    before = sorted(Path("s").rglob("*"))
    assert len(again("copy").runs) == 3
    assert sorted(Path("s").rglob("*")) == before
    assert len(again().runs) == 3
    assert int(Path("trace.txt").read_text().split()[0]) > 0


def test_a_copy_of_a_study_with_a_place_elsewhere_does_not_clear_that_place(here: Path) -> None:
    shutil.rmtree("s")
    Path("killed").unlink()
    subprocess.run([*COMMAND, "--place", str(here / "place")], capture_output=True, check=False, timeout=60)
    kept = sorted((here / "place").rglob("*"))
    assert len(kept) > 3
    shutil.copytree("s", "copy")
    Path("trace.txt").unlink()
    assert len(again("copy", place=here / "place").runs) == 3
    assert first_step() > 0
    assert [path for path in kept if not path.exists()] == []
    again(place=here / "place")
    assert [path for path in kept if path.exists() and path.parent != here / "place"] == []


def test_a_file_that_names_its_snapshots_by_their_whole_path_is_still_gone_on_from(here: Path) -> None:
    with Store("s") as store:
        for stage in store.stages():
            assert stage.snapshot is None or not Path(stage.snapshot.url).is_absolute()
        store._connection.execute(
            "UPDATE stage SET snapshot = json_set(snapshot, '$.url', ? || json_extract(snapshot, '$.url'))",
            (f"{here / 's'}{os.sep}",),
        )
    assert len(again().runs) == 3
    assert first_step() > 0
