"""from_deepspeed: DeepSpeed's own classes, stepped, equal the plans at every step, or are refused by name."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from calando import parse
from calando.errors import BadFile, BadName, BadValue, Unconvertible
from calando.peers import from_deepspeed
from tests.peers.living import Answer, answers
from tests.peers.measured import schedules, worst

STEPS = 200
KINDS = ("LRRangeTest", "OneCycle", "WarmupLR", "WarmupDecayLR", "WarmupCosineLR")


def settings(kind: str, r: Random, groups: int) -> dict[str, Any]:
    """Random arguments of one of DeepSpeed's classes."""

    def rates(low: float, high: float) -> Any:
        return [r.uniform(low, high) for _ in range(groups)] if r.random() < 0.5 else r.uniform(low, high)

    width, total, way = r.randint(1, 60), r.randint(100, 200), r.choice(["log", "linear"])
    made: dict[str, Any] = {"warmup_num_steps": width, "warmup_type": way}
    if kind == "LRRangeTest":
        return {
            "lr_range_test_min_lr": rates(1e-5, 0.1), "lr_range_test_step_size": r.randint(1, 50),
            "lr_range_test_step_rate": r.uniform(0, 3), "lr_range_test_staircase": r.random() < 0.5,
        }  # fmt: skip
    if kind == "OneCycle":
        first = r.randint(5, 80)
        made = {
            "cycle_min_lr": rates(0, 0.01), "cycle_max_lr": rates(0.02, 0.1), "cycle_first_step_size": first,
            "cycle_momentum": r.random() < 0.7, "cycle_min_mom": rates(0.7, 0.85),
        }  # fmt: skip
        if r.random() < 0.2:
            made |= {"cycle_first_step_size": first + 0.25, "cycle_second_step_size": 40.75}
        elif r.random() < 0.6:
            made["cycle_second_step_size"] = r.randint(0, 80)
        if r.random() < 0.4:
            made["cycle_first_stair_count"] = r.randint(1, 9)
        return made | ({"decay_step_size": r.randint(1, 50), "decay_lr_rate": r.random()} if r.random() < 0.5 else {})
    if kind == "WarmupCosineLR":
        ratios = {"warmup_min_ratio": r.uniform(0, 0.3), "cos_min_ratio": r.uniform(0, 0.2)}
        return made | ratios | {"total_num_steps": total}
    made["warmup_min_lr"] = rates(0, 0.01)
    if kind == "WarmupDecayLR" or r.random() < 0.5:
        made["warmup_max_lr"] = rates(0.02, 0.1)
    return made | ({"total_num_steps": total} if kind == "WarmupDecayLR" else {})


def cases() -> list[dict[str, Any]]:
    made = []
    for kind in KINDS:
        r = Random(kind)
        for _ in range(20):
            rates = [r.choice([0.1, 0.03, 1e-3]) for _ in range(r.choice([1, 2]))]
            made.append({"class": kind, "rates": rates, "settings": settings(kind, r, len(rates)), "steps": STEPS})
    return made


CASES = cases()
CYCLE = {"cycle_min_lr": 0.01, "cycle_max_lr": 0.1, "cycle_first_step_size": 30, "cycle_min_mom": 0.7}
MOMENTUM = {"class": "OneCycle", "rates": [0.1], "settings": CYCLE, "steps": STEPS, "momenta": True, "position": 7}


@pytest.fixture(scope="module")
def stepped() -> list[Answer]:
    pytest.importorskip("deepspeed")
    return answers("deepspeed", [*CASES, MOMENTUM])


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_random_settings_of_each_class_are_equal_at_every_one_of_200_steps(
    kind: str, stepped: list[Answer]
) -> None:
    mine = [answer for case, answer in zip(CASES, stepped, strict=False) if case["class"] == kind]
    assert len(mine) == 20
    assert [answer["refused"] for answer in mine if "refused" in answer] == []
    assert max(worst(answer, STEPS) for answer in mine) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
def test_the_configuration_means_the_same_as_the_living_scheduler(kind: str, stepped: list[Answer]) -> None:
    for case, answer in zip(CASES, stepped, strict=False):
        if case["class"] == kind:
            config = {
                "scheduler": {"type": kind, "params": case["settings"]},
                "optimizer": {"type": "Adam", "params": {}},
            }
            found = from_deepspeed(config, lr=case["rates"])
            assert [plan.to_json() for plan in found.plans] == answer["plans"]
            assert list(found.bases) == answer["bases"]


def test_its_momentum_and_its_second_beta_become_a_bundle(stepped: list[Answer]) -> None:
    answer = stepped[-1]
    (schedule,) = schedules(answer, STEPS)
    for t in range(STEPS + 1):
        wanted = answer["rows"][t][0]
        found = schedule.at(t)
        assert [found["beta1"], found["beta2"]] == pytest.approx(wanted, rel=1e-12)
    assert answer["rows"][0][0][0] == 0.7  # DeepSpeed starts where its momentum is lowest, and is high at once after
    assert any("0.99" in text for text in answer["differences"])


def test_a_living_scheduler_knows_where_it_stands(stepped: list[Answer]) -> None:
    assert stepped[-1]["position"] == 7


def test_the_meant_plan_is_a_warm_up_without_the_lag_and_says_so() -> None:
    config = {"type": "WarmupDecayLR", "params": {
        "total_num_steps": 100, "warmup_num_steps": 10, "warmup_max_lr": 0.1, "warmup_type": "linear"}}  # fmt: skip
    found = from_deepspeed(config, quirks=False)
    assert found.plan == parse("warmup(10) | linear_decay()")
    assert found.horizon == 100
    lag, past = found.differences
    assert "step t-1 at update t" in lag
    assert "first at step 1, 0 in DeepSpeed and 0.01 here" in lag
    assert "goes on to warmup_min_lr" in past


def test_the_first_two_updates_of_a_warm_up_are_alike() -> None:
    plan = from_deepspeed(
        {"type": "WarmupLR", "params": {"warmup_num_steps": 10, "warmup_type": "linear"}}, lr=0.1
    ).plan
    assert [plan.bind(50)(t) for t in (0, 1, 2, 11)] == [0.0, 0.0, 0.1, 1.0]


def test_a_configuration_is_read_from_json_and_from_a_file(tmp_path: Path) -> None:
    config = {
        "train_batch_size": 8,
        "optimizer": {"type": "AdamW", "params": {"lr": 0.02}},
        "scheduler": {"type": "WarmupCosineLR", "params": {"total_num_steps": 50, "warmup_num_steps": 5}},
    }
    path = tmp_path / "ds_config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    assert from_deepspeed(config) == from_deepspeed(json.dumps(config)) == from_deepspeed(path)
    assert from_deepspeed(path).bases == (0.02,)


def test_sgd_has_no_betas_to_cycle() -> None:
    config = {"optimizer": {"type": "SGD", "params": {"lr": 0.1}}, "scheduler": {"type": "OneCycle", "params": CYCLE}}
    assert from_deepspeed(config).plan.kind != "bundle"


@pytest.mark.parametrize(
    ("config", "error", "word"),
    [
        ({"type": "WarmupDecayLR", "params": {"total_num_steps": "auto"}}, Unconvertible, "auto"),
        ({"type": "OneCycle", "params": CYCLE | {"cycle_second_step_size": 10.5}}, Unconvertible, "40.5"),
        ({"type": "OneCycle", "params": CYCLE | {"decay_step_size": 5, "decay_mom_rate": 0.1}}, Unconvertible, "mom"),
        ({"type": "LRRangeTest", "params": {"lr_range_test_step_rate": -1}}, Unconvertible, "step_rate"),
        ({"type": "LRRangeTest", "params": {"lr_range_test_min_lr": 0}}, Unconvertible, "min_lr"),
        ({"type": "WarmupLR", "params": {"warmup_max_lr": -0.1}}, Unconvertible, "-0.1"),
        ({"type": "WarmupCosineLR", "params": {"total_num_steps": 10}}, BadValue, "learning rate"),
        ({"type": "WarmupLR", "params": {}}, BadValue, "learning rate"),
        ({"type": "WarmupDecayLR", "params": {}}, BadValue, "total_num_steps"),
        ({"type": "WarmupLR", "params": {"warmup_steps": 3}}, BadName, "warmup_steps"),
        ({"type": "WarmupLr"}, BadName, "WarmupLR"),
        ({"type": "WarmupLR", "params": 3}, BadValue, "params=3"),
        ({"type": []}, BadName, "OneCycle"),
        ({"type": "OneCycle", "params": CYCLE | {"cycle_second_stair_count": float("nan")}}, BadValue, "nan"),
        ({"type": "WarmupCosineLR", "params": {"total_num_steps": 9, "last_batch_iteration": None}}, BadValue, "None"),
        ({"train_batch_size": 8}, BadValue, "scheduler"),
        ("{no json", BadFile, "JSON"),
        ("nowhere/ds.json", BadFile, "nowhere"),
        (object(), Unconvertible, "object"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(config: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        from_deepspeed(config)
