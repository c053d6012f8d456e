"""Steering from the page: a click in a real browser changes the rate of a real training at the step that is named."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

import calando
from calando.records.live import read_answered
from tests.watch.serve.served import serving
from tests.watch.serve.test_browser import browser, opened
from tests.watch.steering.lives import BASE
from tests.watch.steering.rank import PLAN
from tests.watch.steering.test_killed import Training

__all__ = ["browser", "opened"]
HORIZON = 3_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_click_changes_the_rate_of_a_real_run_at_the_named_step(opened: Any, tmp_path: Path) -> None:
    training = Training(tmp_path, 1, horizon=HORIZON)
    training.begin()
    try:
        until = time.monotonic() + 120
        while not (training.run / "record.jsonl").exists() and time.monotonic() < until:
            time.sleep(0.1)
        with serving(tmp_path / "runs") as server:
            page = opened(server)
            page.click('button[data-command="cooldown 10%"]:enabled')
            said = page.wait_for_selector("text=is in force from step")
            named = int(re.search(r"from step ([\d,]+)", said.inner_text())[1].replace(",", ""))  # type: ignore[index]
            page.screenshot(path=tmp_path / "steered.png")
        assert training.wait() == [""]
    finally:
        training.end()
    used, ran = training.used(0), read_answered(training.run).schedule
    assert ran is not None
    assert ran.horizon == named + HORIZON // 10
    asked = calando.parse(PLAN).bind(HORIZON)
    assert [used[step] for step in range(named)] == [BASE * float(asked(step)) for step in range(named)]
    assert [used[step] for step in sorted(used)] == [BASE * float(ran(step)) for step in range(ran.horizon)]
    assert used[named + 1] < BASE * float(asked(named + 1)) - 1e-5
