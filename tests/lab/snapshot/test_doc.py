"""What docs/snapshots.md shows runs, and its script goes on by itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "snapshots.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.slow
def test_the_example_runs_and_goes_on_from_its_snapshots(tmp_path: Path) -> None:
    script = tmp_path / "fit.py"
    script.write_text(CODE[0].replace("every=60", "every=0.001"), encoding="utf-8")

    def said() -> str:
        done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first, second = said(), said()
    assert re.search(r"goes on after \d+ updates?, from snapshots", second)
    assert first.splitlines()[-1] == second.splitlines()[-1]  # every number of the last line, to the last digit


def test_the_loader_that_knows_its_place_does() -> None:
    assert len(CODE) == 2
    exec(compile(CODE[1], str(PAGE), "exec"), {})
