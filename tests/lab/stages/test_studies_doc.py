"""docs/studies.md says what is so: its code runs and prints what stands below it."""

import re
from pathlib import Path

import pytest

DOC = Path(__file__).parents[3] / "docs" / "studies.md"


def test_the_plan_on_the_page_is_what_its_code_prints(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.findall(r"```python\n((?:(?!```).)*Tree\(\).*?)```\s*```\n(.*?)```", DOC.read_text(), re.DOTALL)
    ((code, told),) = found
    exec(compile(code, str(DOC), "exec"), {})
    assert capsys.readouterr().out == told
