"""Every way a run can end, with real worker processes: a result, never the end of the study."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calando.errors import LabError
from calando.lab import compare
from calando.records import load
from tests.lab.small import TRAINS, alive, finals, outcomes, study


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_exception_is_a_result_with_its_traceback_and_the_rest_goes_on() -> None:
    found = study("crashes_on_wsd")
    assert outcomes(found) == {"failed": 2}
    assert outcomes(found, "linear_decay()") == {"done": 4}
    for run in found.of("wsd()"):
        assert run.reason == "ValueError: no <b>wsd</b> here"
        assert "crashes_on_wsd" in run.traceback
        assert run.attempts == 1
    assert found.verdict is not None
    assert found.verdict.leader == "linear_decay()"


def test_a_train_function_that_never_works_ends_the_study_early() -> None:
    with pytest.raises(LabError, match="ZeroDivisionError: never works"):
        study("crashes", seeds=3)
    assert len(load("s").runs) < 8


def test_a_worker_that_is_killed_is_tried_once_more_and_then_recorded() -> None:
    found = study("kills_itself", peaks=[0.05])
    assert outcomes(found) == {"failed": 2}
    assert {run.reason.split(" at step")[0] for run in found.of("wsd()")} == {"the worker died by signal 9 (SIGKILL)"}
    starts = Counter(a.key for a in found.attempts)
    assert {starts[run.spec.key] for run in found.of("wsd()")} == {2}
    assert outcomes(found, "linear_decay()") == {"done": 2}


def test_a_worker_that_dies_once_costs_nothing_but_time() -> None:
    found = study("dies_once", peaks=[0.05])
    assert outcomes(found) == {"done": 2}
    assert {run.attempts for run in found.of("wsd()")} == {2}
    plain = study("train", peaks=[0.05], study="plain")
    assert finals(found) == finals(plain)


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        ("leaves", "the worker died with exit status 3"),
        ("exits", "SystemExit: enough"),
        ("cancels", "asyncio.exceptions.CancelledError: as a \udcff half character"),
        ("is_unspeakable", "quadratic.Unspeakable: <exception str() failed>"),
    ],
)
def test_leaving_the_process_is_a_recorded_failure(habit: str, reason: str) -> None:
    found = study(habit, peaks=[0.05], retries=0)
    assert outcomes(found) == {"failed": 2}
    assert all(run.reason.startswith(reason) for run in found.of("wsd()"))


def test_a_run_that_hangs_is_killed_recorded_and_not_repeated() -> None:
    found = study("hangs", peaks=[0.05], timeout=1.5, confirm_seeds=1)
    (run,) = found.of("wsd()")
    assert (run.status, run.attempts) == ("failed", 1)
    assert "no step for 1.5 seconds" in run.reason


def test_a_hang_inside_a_c_call_is_killed_too() -> None:
    found = study("holds_the_interpreter", peaks=[0.05], timeout=1.5, confirm_seeds=1)
    assert outcomes(found) == {"failed": 1}


def test_a_source_that_hangs_while_it_is_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calando.lab.executors.local.LOADING", 4.0)
    (tmp_path / "t.py").write_text("import time\nprint('loading the data', flush=True)\ntime.sleep(3600)")
    with pytest.raises(LabError, match=r"no step for 4 seconds: killed\nloading the data"):
        compare("t.py:train", ["cosine()"], steps=10, timeout=2, live=False)


def test_a_megabyte_of_printing_neither_blocks_nor_shows(capfd: pytest.CaptureFixture[str]) -> None:
    found = study("shouts", peaks=[0.05], live=True)
    assert outcomes(found) == {"done": 2}
    shown = capfd.readouterr()
    assert "xxx" not in shown.out + shown.err
    assert "script" not in shown.out + shown.err
    logs = [path.stat().st_size for path in Path("s/logs").glob("run-*.log")]
    assert len(logs) == 4
    assert max(logs) < 2_000_000


def test_a_child_that_the_train_function_forked_does_not_speak_for_it() -> None:
    found = study("forks", peaks=[0.05])
    assert Counter(run.status for run in found.runs) == {"done": 4}
    plain = study("train", peaks=[0.05], study="plain")
    assert finals(found) == finals(plain)


def test_children_of_a_worker_die_with_it() -> None:
    study("leaves_a_child", peaks=[0.05], retries=0)
    children = [int(path.stem.split("-")[1]) for path in Path().glob("child-*.pid")]
    assert children
    assert not [pid for pid in children if alive(pid)]


def test_a_run_that_closes_every_file_loses_its_worker_and_nothing_else() -> None:
    found = study("closes_everything", peaks=[0.05], retries=0)
    assert outcomes(found) == {"failed": 2}
    assert all("the worker died" in run.reason for run in found.of("wsd()"))
    assert {run.status for run in found.of("linear_decay()")} == {"done"}


def test_a_child_that_outlives_everything_holds_nothing_up() -> None:
    began = time.monotonic()
    found = study("leaves_a_stranger", peaks=[0.05], timeout=30)
    children = [int(path.stem.split("-")[1]) for path in Path().glob("child-*.pid")]
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    assert Counter(run.status for run in found.runs) == {"done": 4}
    assert len(children) == 4
    assert time.monotonic() - began < 30
    assert finals(found) == finals(study("train", peaks=[0.05], study="plain"))


def test_a_parent_that_exits_while_its_child_hangs_is_a_recorded_failure() -> None:
    found = study("forks_and_hangs", peaks=[0.05], retries=0, timeout=30)
    assert outcomes(found) == {"failed": 2}
    assert all(run.reason == "the worker died with exit status 5 at step 0" for run in found.of("wsd()"))


def test_a_metric_that_is_no_number_is_a_recorded_divergence() -> None:
    found = study("reports_nothing_finite", peaks=[0.05])
    assert outcomes(found) == {"diverged": 2}
    assert all(run.reason == "val_loss is nan at step 9" for run in found.of("wsd()"))
    assert outcomes(found, "linear_decay()") == {"done": 2}


def test_a_run_does_not_notice_what_the_one_before_did_to_their_process() -> None:
    found = study("leaves_traces", peaks=[0.05], workers=1)
    assert Counter(run.status for run in found.runs) == {"done": 4}
    assert {len(list(Path("s/logs").glob("run-*.log")))} == {4}


def test_every_run_can_have_a_process_of_its_own() -> None:
    found = study(peaks=[0.05], isolate=True, candidates=["wsd()"], confirm_seeds=3)
    assert len({attempt.pid for attempt in found.attempts}) == 3
    together = study(peaks=[0.05], candidates=["wsd()"], confirm_seeds=3, workers=1, study="t")
    assert len({attempt.pid for attempt in together.attempts}) == 1
    assert finals(found) == finals(together)


def test_a_loss_that_is_not_finite_is_data_even_if_exceptions_are_swallowed() -> None:
    found = study("swallows", candidates=["wsd()"])
    assert outcomes(found) == {"diverged": 2}
    assert found.verdict is not None
    assert found.verdict.headline == "No candidate gave a result."


@pytest.mark.parametrize(
    ("habit", "told"),
    [("stops_early", "came back after 0 of 20 updates"), ("forgets_the_metric", "val_loss was not logged at the end")],
)
def test_a_broken_contract_is_told(habit: str, told: str) -> None:
    with pytest.raises(LabError, match=told):
        study(habit)


def test_a_rate_set_behind_our_back_is_told() -> None:
    with pytest.raises(LabError, match=r"update 3 asked for the rate .* and found 0.123"):
        compare(f"{TRAINS / 'host.py'}:overwrites", ["cosine()"], peaks=[0.1, 0.2], steps=10, live=False, study="s")


def test_a_framework_with_a_front_door_is_measured_at_every_update() -> None:
    found = compare(f"{TRAINS / 'host.py'}:train", ["cosine()"], peaks=[0.1], steps=10, live=False, humble=False)
    (first, *_) = found.runs
    assert first.curve("lr").values[0] == 0.1
    assert len(first.curve("lr")) == 10


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("def train(run)", "SyntaxError"),
        ("import no_such_module_anywhere", "No module named"),
        ("def trian(run): ...", "did you mean 'trian'"),
        ("import calando\ncalando.compare('t.py:train', ['cosine()'])", "__main__"),
        ("import os; os._exit(9)", "exit status 9"),
    ],
)
def test_a_source_that_cannot_be_loaded_is_told_with_its_traceback(tmp_path: Path, source: str, told: str) -> None:
    (tmp_path / "t.py").write_text(source)
    with pytest.raises(LabError, match="cannot be loaded") as caught:
        compare("t.py:train", ["cosine()"], steps=10, live=False)
    assert told in caught.value.given


LOADS_LATE = """
import os, signal
from pathlib import Path
from typing import Any
mark = Path("loads")
mark.write_text(mark.read_text() + "x" if mark.exists() else "x")
if len(mark.read_text()) <= {deaths}:
    os.kill(os.getpid(), signal.SIGKILL)
def train(run):
    for _ in run.steps():
        run.log(train_loss=run.lr, val_loss=run.lr)
"""


def test_a_first_worker_that_is_killed_while_it_loads_is_started_again(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(LOADS_LATE.format(deaths=2))
    given: dict[str, Any] = {"steps": 3, "workers": 1, "humble": False, "confirm_seeds": 1, "live": False}
    with pytest.raises(LabError, match=r"died by signal 9 \(SIGKILL\) while it was loading"):
        compare("t.py:train", ["cosine()"], retries=0, **given)
    (tmp_path / "loads").unlink()
    found = compare("t.py:train", ["cosine()"], retries=2, **given)
    assert [run.status for run in found.runs] == ["done"]


def test_workers_get_their_share_of_the_threads(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "import os\nTHREADS = os.environ['OMP_NUM_THREADS']\n"
        "def train(run):\n"
        "    for _ in run.steps(): run.log(train_loss=run.lr, val_loss=float(THREADS))\n"
    )
    from calando.lab.executors.machine import threads_for

    found = compare("t.py:train", ["cosine()"], steps=3, workers=1, humble=False, confirm_seeds=1, live=False)
    assert [run.final for run in found.runs] == [threads_for(1)]
    assert found.environment.threads_per_worker == threads_for(1)


def test_nothing_is_left_running_and_no_warning_is_left_behind() -> None:
    study()
    mine = f"{os.getpid()}"
    states = [
        path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()
    ]
    assert [state for state in states if state[1] == mine] == []
