"""The page for users runs as it stands; the door's names are documented and listed like all others."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import calando.keras
from tests.contracts.source import ROOT
from tests.contracts.test_exports import LISTS, order

TEXT = (ROOT / "docs" / "keras.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
OURS = sorted(name for name in LISTS if name.split(".")[:2] == ["calando", "keras"])


def test_the_code_of_the_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"calando": calando}
    for block in BLOCKS:
        exec(compile(block, "docs/keras.md", "exec"), names)
    again, plan = names["again"], names["plan"]
    assert again.optimizer.schedule == plan.bind(100)  # type: ignore[attr-defined]
    assert again.optimizer.position == 2 * 9 + 3 * 9  # type: ignore[attr-defined]
    assert names["model"].optimizer.position == 10  # type: ignore[attr-defined]
    assert len(BLOCKS) == 8


def test_every_name_of_the_page_is_one_that_there_is() -> None:
    named = set(re.findall(r"calando\.keras\.(\w+)", TEXT)) - {"learning_rate"}
    assert {"LearningRate", "Follow", "attach", "rebind", "from_keras"} <= named
    assert [name for name in sorted(named) if not hasattr(calando.keras, name)] == []
    own = set(re.findall(r"\boptimizer\.(tell|values|position|inner_optimizer)\b", TEXT))
    assert own == {"tell", "values", "position", "inner_optimizer"}


@pytest.mark.parametrize("name", sorted(set(calando.keras.__all__) - {"from_keras"}))
def test_every_name_of_the_door_is_documented(name: str) -> None:
    from tests.contracts.test_docstrings import faults  # it reads every name of the root, so not for all of this file

    thing = getattr(calando.keras, name)
    if inspect.isfunction(thing):
        assert faults(thing, wants=("Formula", "Args", "Raises", "Example")) == []
        return
    assert faults(thing, wants=("Formula", "Args", "Raises", "Source")) == []
    for method, value in vars(thing).items():
        if not method.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            assert faults(value, inherited=True) == [], method


@pytest.mark.parametrize("module", OURS)
def test_every_list_of_names_is_sorted_and_true(module: str) -> None:
    names = LISTS[module]
    assert names == sorted(names, key=order)
    loaded = importlib.import_module(module)
    assert [name for name in names if not hasattr(loaded, name)] == []
