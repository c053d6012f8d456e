"""`calando check` as it is typed."""

import json
from pathlib import Path

import pytest

from tests.cli.calling import call

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_kept_contract_is_a_table_of_ok_and_status_0() -> None:
    done = call("check", "tests.lab.trains.promises:train", "--steps", "16")
    assert done.exit_code == 0, done.output
    assert done.output.count("ok  ") == 10
    assert "every promise is kept" in done.output


def test_a_broken_promise_tells_why_what_to_do_and_where_and_ends_with_status_1() -> None:
    done = call("check", "tests.lab.trains.promises:one_loss", "--steps", "16")
    assert done.exit_code == 1
    for words in ("broken   the loss moves", "why: nothing is trained", "do: call loss.backward()", "at: "):
        assert words in done.output


def test_json_holds_every_promise() -> None:
    done = call("check", "tests.lab.trains.promises:keeps_nothing", "--steps", "16", "--json")
    assert done.exit_code == 0
    found = {promise["name"]: promise["status"] for promise in json.loads(done.stdout)["promises"]}
    assert found["a snapshot resumes bit for bit"] == "warning"
    assert len(found) == 10


def test_a_file_that_cannot_be_loaded_is_our_error(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("import nothing_of_that_name\n")
    done = call("check", f"{file}:train")
    assert done.exit_code == 2
    assert "No module named 'nothing_of_that_name'" in done.output


def test_a_peak_can_be_given_and_must_be_one() -> None:
    done = call("check", "tests.lab.trains.promises:train", "--steps", "16", "--peak", "-1")
    assert done.exit_code == 2
    assert "check.peak" in done.output
