"""States that nobody should load: foreign, of another version, or broken in one place."""

from typing import Any

import pytest
import torch

import calando
from calando.errors import BadState
from calando.torch import attach
from tests.torch.helpers import bound, optimizer_of


def planted() -> dict[str, Any]:
    """States that nobody should load."""
    good = attach(optimizer_of(0.1), bound("cosine()")).state_dict()
    track = good["tracks"][0]
    torch_state = torch.optim.lr_scheduler.StepLR(optimizer_of(0.1), 3).state_dict()
    return {
        "PyTorch's own": torch_state,
        "nothing": {},
        "no dict": [1],
        "newer": {**good, "calando": 2},
        "no position": {k: v for k, v in good.items() if k != "last_epoch"},
        "negative position": {**good, "last_epoch": -3},
        "position as text": {**good, "last_epoch": "20"},
        "position beyond all floats": {**good, "last_epoch": 10**400},
        "bases beyond all floats": {**good, "base_lrs": [10**400]},
        "bases of nan": {**good, "base_lrs": [float("nan")]},
        "lanes astray": {**good, "lanes": [4]},
        "lanes missing": {**good, "lanes": []},
        "broken JSON": {**good, "tracks": [{**track, "schedule": "{"}]},
        "a plan": {**good, "tracks": [{**track, "schedule": calando.cosine().to_json()}]},
        "another horizon than its schedule": {**good, "tracks": [{**track, "horizon": 80}]},
        "a horizon beyond all floats": {**good, "tracks": [{**track, "horizon": 10**400}]},
        "knots that go back": {
            **good,
            "tracks": [{**track, "horizon": 9, "knots": [[5, 5, 1], [9, 3, 1], [9, 50, 1]]}],
        },
        "one knot": {**good, "tracks": [{**track, "horizon": 5, "knots": [[5, 50, 1]]}]},
        "no sketch": {**good, "tracks": [{**track, "schedule": None}]},
        "a broken sketch": {**good, "tracks": [{**track, "sketch": {"plan": "?"}}]},
        "sketch's values of text": {
            **good,
            "tracks": [{**track, "sketch": {"plan": "?", "names": [], "sizes": {}, "values": {"lr": ["1"]}}}],
        },
        "sketch's values beyond all floats": {
            **good,
            "tracks": [{**track, "sketch": {"plan": "?", "names": [], "sizes": {}, "values": {"lr": [10**400]}}}],
        },
        "no calls for an update": {**good, "calls_per_update": 0},
        "more schedules than there are": {**good, "tracks": [track, track]},
        "version as text": {**good, "calando": "1"},
        "version as truth": {**good, "calando": True},
        "knots astray": {**good, "tracks": [{**track, "knots": [[1, 2, 0], [2, 3, 1]]}]},
        "a rule out of nowhere": {**good, "tracks": [{**track, "rule": {"best": 1}}]},
        "tracks of text": {**good, "tracks": ["cosine"]},
    }


@pytest.mark.parametrize("name", planted())
def test_a_state_that_is_foreign_or_broken_is_refused(name: str) -> None:
    scheduler = attach(optimizer_of(0.1), bound("cosine()"))
    before = scheduler.state_dict()
    with pytest.raises(BadState):
        scheduler.load_state_dict(planted()[name])
    assert scheduler.state_dict() == before
