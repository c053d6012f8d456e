"""Where not every process logs, nothing hangs: an error of ours says what was done and what to do."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import calando.torch
from calando.errors import BadValue
from tests.contracts.source import ROOT
from tests.watch.steering.alone import HORIZON, PATIENCE

LIMIT = 60.0


def trained(case: str, folder: Path) -> tuple[list[str], list[int], float]:
    """What each of the two processes said, how it ended, and how long both took."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    both = [
        subprocess.Popen(
            [sys.executable, "-W", "default", "-m", "tests.watch.steering.alone", case, str(rank), str(folder)],
            cwd=ROOT, env={**environment, "RANK": str(rank)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    said = []
    for process in both:
        try:
            said.append(process.communicate(timeout=LIMIT)[0])
        except subprocess.TimeoutExpired:
            process.kill()
            said.append("HANGS: " + process.communicate()[0])
    return said, [process.returncode for process in both], time.monotonic() - began


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("case", "latest"), [("first logs alone", 6), ("second stops logging", 24), ("first opens alone", 0)]
)
def test_a_first_process_that_logs_alone_is_told_so_and_what_to_do(tmp_path: Path, case: str, latest: int) -> None:
    said, ends, took = trained(case, tmp_path)
    assert ends[0] == 3, said
    assert took < 30 + PATIENCE
    updates = int(said[0].split("update ")[1].split(":")[0])
    assert updates <= latest
    assert "process 1 did not" in said[0]
    assert "call watched.log in every process at the same updates" in said[0]
    assert "agree=None" in said[0]
    assert ends[1] != 0 or case == "first opens alone"
    assert "HANGS" not in said[1]


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_processes_that_wait_for_a_first_one_that_does_not_log_are_told_so_too(tmp_path: Path) -> None:
    said, ends, _ = trained("second logs alone", tmp_path)
    assert ends[1] == 3, said
    assert "the first process did not" in said[1]
    assert "HANGS" not in said[0]


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_one_that_is_slower_than_the_other_is_waited_for(tmp_path: Path) -> None:
    said, ends, _ = trained("one is slow", tmp_path)
    assert ends == [0, 0], said
    assert [line.splitlines()[-1] for line in said] == [f"{rank} ended at {HORIZON}" for rank in range(2)]


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_without_patience_the_first_says_that_it_waits_and_waits_for_ever(tmp_path: Path) -> None:
    said, ends, _ = trained("first waits for ever", tmp_path)
    assert ends == [0, 0], said
    assert "waits for process 1" in said[0]
    assert "It waits without end" in said[0]
    assert said[0].splitlines()[-1] == f"0 ended at {HORIZON}"


@pytest.mark.parametrize(
    "given",
    [{"every": 0}, {"every": True}, {"patience": 0}, {"patience": True}, {"patience": "1"}, {"patience": math.nan},
     {"patience": math.inf}],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(BadValue, match="agree") as caught:
        calando.torch.agree(**given)  # type: ignore[arg-type]
    if "patience" in given:
        assert "None to wait for ever" in caught.value.fix


def test_waiting_for_ever_may_be_asked_for_in_one_way() -> None:
    assert calando.torch.agree(patience=None).patience == math.inf


def test_a_process_alone_agrees_with_itself() -> None:
    assert calando.torch.agree()({"revision": 1}) == {"revision": 1}
