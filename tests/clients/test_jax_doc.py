"""docs/jax.md keeps its word: all of its code runs as it stands, in order, and its links lead somewhere."""

import re

import numpy as np

import calando
from calando import optax as door
from tests.contracts.source import ROOT

PAGE = ROOT / "docs" / "jax.md"
TEXT = PAGE.read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_its_code_runs_from_the_first_line_to_the_last() -> None:
    names: dict[str, object] = {"__name__": "doc"}
    assert len(PYTHON) > 8
    for block in PYTHON:
        exec(compile(block, str(PAGE), "exec"), names)
    run = calando.standalone("linear_decay()", horizon=20, peak=0.1, quiet=True)
    names["train"](run)  # type: ignore[operator]
    assert run.outcome()[0] == "done"
    assert np.allclose(run.curves()["lr"].values, [0.1 * (1 - step / 20) for step in range(20)], rtol=1e-6)
    losses = run.curves()["train_loss"].values
    assert losses[-1] < losses[0]


def test_every_name_of_the_door_is_on_the_page_and_is_there() -> None:
    asked = set(re.findall(r"calando\.optax\.([A-Za-z_]+)", TEXT))
    assert {name for name in asked if not hasattr(door, name)} == set()
    states = {"Attached", "FollowState", "Heard", "InjectState", "LearningRate", "Plateau"}
    assert set(door.__all__) - states - asked == set()


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (PAGE.parent / link).exists()
    for path in re.findall(r"`(tests/[a-z_/]+\.py)`", TEXT):
        assert (ROOT / path).exists()
