"""from_timm: timm's own schedulers, stepped, equal the plans at every step, or are refused by name."""

from random import Random
from typing import Any

import pytest

from calando import parse
from calando.errors import Unconvertible
from calando.peers import from_timm
from tests.peers.living import Answer, answers
from tests.peers.measured import schedules, worst

STEPS = 200
KINDS = ("CosineLRScheduler", "PolyLRScheduler", "TanhLRScheduler", "MultiStepLRScheduler", "StepLRScheduler",
         "WSDLRScheduler")  # fmt: skip
MADE = ("cosine", "tanh", "step", "constant", "multistep", "poly", "wsd", "rsqrt")
"""The names of create_scheduler_v2."""


def settings(kind: str, r: Random) -> dict[str, Any]:
    """Random arguments of one of timm's classes."""
    made: dict[str, Any] = {"t_in_epochs": r.random() < 0.5}
    if r.random() < 0.6:
        made |= {"warmup_t": r.randint(1, 30), "warmup_lr_init": r.choice([0.0, 1e-5, 1e-3])}
    if kind == "WSDLRScheduler":
        total = r.randint(60, 150)
        made |= {
            "t_initial": total, "decay_t": r.randint(1, total), "lr_min": r.choice([0.0, 1e-4]),
            "stable_fn": r.choice(["constant", "constant", "rsqrt", "power"]), "stable_timescale": r.randint(5, 40),
            "stable_power": r.uniform(0.3, 1), "decay_fn": r.choice(["linear", "1-sqrt", "cosine", "power", "exp"]),
            "decay_power": r.choice([0.5, 1.7]),
        }  # fmt: skip
        return made
    made["warmup_prefix"] = r.random() < 0.5
    if kind == "StepLRScheduler":
        every = r.choice([r.randint(1, 40), 2.4, 3.3, 1.1]) if made["warmup_prefix"] else r.randint(1, 40)
        return made | {"decay_t": every, "decay_rate": r.choice([0.1, 0.5, 0.97, 1.0])}
    if kind == "MultiStepLRScheduler":
        marks = sorted(r.sample(range(150), r.randint(0, 5)))
        return made | {"decay_t": marks, "decay_rate": r.choice([0.1, 0.5, 0.97])}
    made |= {
        "t_initial": r.randint(10, 60), "lr_min": r.choice([0.0, 1e-4, 1e-3]), "cycle_limit": r.randint(1, 4),
        "cycle_mul": r.choice([1.0, 1.0, 2.0, 3.0, 1.5, 0.7]), "cycle_decay": r.choice([1.0, 0.5, 0.9]),
    }  # fmt: skip
    if kind == "TanhLRScheduler":
        return made | {"lb": r.uniform(-8, -3), "ub": r.uniform(1, 4)}
    made["k_decay"] = r.choice([1.0, 1.0, 1.5])
    return made | ({"power": r.choice([0.5, 1.0, 2.0])} if kind == "PolyLRScheduler" else {})


def factory_settings(sched: str, r: Random) -> dict[str, Any]:
    """Random arguments of create_scheduler_v2, its own defaults left alone where it is likely that people do."""
    made: dict[str, Any] = {"sched": sched, "num_epochs": r.randint(60, 180)}
    if sched == "rsqrt" or r.random() < 0.5:
        made |= {"warmup_epochs": r.randint(1, 10), "warmup_prefix": r.random() < 0.5}
    if sched == "multistep":
        made["decay_milestones"] = sorted(r.sample(range(1, 150), 3))
    if sched == "step":
        made |= {"decay_epochs": r.randint(5, 40), "decay_rate": 0.9}
    if r.random() < 0.5:
        made["min_lr"] = 1e-5
    if r.random() < 0.3:
        made |= {"step_on_epochs": False, "updates_per_epoch": 3}
    return made


def cases() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for kind in (*KINDS, *MADE):
        r = Random(kind)
        for _ in range(20):
            rates = [r.choice([0.1, 0.03, 5e-3]) for _ in range(r.choice([1, 1, 2]))]
            case = {"class": kind, "rates": rates, "steps": STEPS}
            made.append(case | {"settings": settings(kind, r) if kind in KINDS else factory_settings(kind, r)})
            if len(rates) == 2:
                made[-1]["scales"] = [1.0, 0.3]
    return made


CASES = cases()
NO_PREFIX = {"t_initial": 100, "warmup_t": 20, "lr_min": 1e-3}
RESTARTS = {"t_initial": 1, "cycle_mul": 3.0, "cycle_limit": 6}
SINGLE = [
    {"class": "CosineLRScheduler", "rates": [0.1], "steps": STEPS, "settings": s} | more
    for s, more in [
        (NO_PREFIX, {"importer": {"quirks": False}}), (RESTARTS, {}), (RESTARTS, {"importer": {"quirks": False}}),
        (NO_PREFIX | {"noise_range_t": [50, 100]}, {}), (NO_PREFIX, {"importer": {"per": "step"}}),
    ]
] + [
    {"class": "PlateauLRScheduler", "rates": [0.1, 0.01], "steps": 0, "settings": {
        "decay_rate": 0.5, "patience_t": 3, "lr_min": 1e-3, "mode": "min", **more}} | importer
    for more, importer in [({}, {}), ({"warmup_t": 5}, {}), ({"warmup_t": 5}, {"importer": {"quirks": False}})]
] + [
    {"class": "MultiStepLRScheduler", "rates": [0.1], "steps": STEPS, "importer": {"quirks": False},
     "settings": {"decay_t": [30, 60], "decay_rate": 0.1, "t_in_epochs": False}},
]  # fmt: skip

APART = [1.0, 0.03]
FLOOR = {"t_initial": 20, "decay_t": 5, "lr_min": 0.1}
TANH = {"t_initial": 1, "warmup_prefix": False}
EDGES = [
    {"class": kind, "rates": APART, "steps": STEPS, "settings": settings} | more
    for kind, settings in [
        ("WSDLRScheduler", {"t_initial": 1, "decay_t": 1, "lr_min": 0.1, "warmup_t": 0}),
        ("WSDLRScheduler", FLOOR),
        ("WSDLRScheduler", FLOOR | {"warmup_t": 5}),
        ("WSDLRScheduler", FLOOR | {"stable_fn": "rsqrt", "stable_timescale": 4}),
        ("WSDLRScheduler", FLOOR | {"stable_fn": "power", "stable_timescale": 4, "decay_fn": "exp", "warmup_t": 3}),
        ("TanhLRScheduler", TANH),
        ("TanhLRScheduler", TANH | {"cycle_limit": 3}),
        ("TanhLRScheduler", TANH | {"warmup_t": 1}),
        ("TanhLRScheduler", {"t_initial": 10, "cycle_limit": 0}),
        ("CosineLRScheduler", {"t_initial": 10, "cycle_limit": 0, "lr_min": 0.01}),
        ("CosineLRScheduler", {"t_initial": 10, "cycle_limit": 2, "lr_min": 0.1}),
        ("PolyLRScheduler", {"t_initial": 1, "lr_min": 0.01, "warmup_prefix": True}),
    ]
    for more in ({}, {"importer": {"quirks": False}})
]
"""Stretches of a step or of none, and floors above a group's own rate."""


@pytest.fixture(scope="module")
def stepped() -> list[Answer]:
    pytest.importorskip("torch")
    return answers("timm", CASES + SINGLE + EDGES, PYTHONWARNINGS="ignore::FutureWarning")


@pytest.mark.parametrize("kind", [*KINDS, *MADE])
def test_twenty_random_settings_of_each_are_equal_at_every_one_of_200_steps(kind: str, stepped: list[Answer]) -> None:
    mine = [answer for case, answer in zip(CASES, stepped, strict=False) if case["class"] == kind]
    assert len(mine) == 20
    refused = [answer["refused"][0] for answer in mine if "refused" in answer]
    assert refused == []
    assert max(worst(answer, STEPS) for answer in mine) < 1e-12
    for case, answer in zip(CASES, stepped, strict=False):
        if case["class"] == kind:
            assert answer["per"] == ("epoch" if answer_counts_epochs(case) else "step")


def test_stretches_of_one_step_and_floors_above_a_groups_rate_are_equal_and_told(stepped: list[Answer]) -> None:
    for case, answer in zip(EDGES, stepped[-len(EDGES) :], strict=True):
        assert "refused" not in answer, (case, answer)
        if "importer" not in case:
            assert worst(answer, STEPS, (answer["horizon"],)) < 1e-12, case
        elif worst(answer, STEPS, (answer["horizon"],)) > 1e-12:
            assert any("first at epoch" in text for text in answer["differences"]), case


def answer_counts_epochs(case: dict[str, Any]) -> bool:
    return bool(case["settings"].get("t_in_epochs", case["settings"].get("step_on_epochs", True)))


def test_groups_have_their_own_floor_and_their_own_scale(stepped: list[Answer]) -> None:
    two = [(c, a) for c, a in zip(CASES, stepped, strict=False) if "scales" in c and c["class"] == "CosineLRScheduler"]
    for case, answer in two:
        assert answer["bases"] == [case["rates"][0], case["rates"][1] * 0.3]


def test_the_peak_that_is_never_reached_is_told(stepped: list[Answer]) -> None:
    answer = stepped[len(CASES)]
    assert [str(s.plan) for s in schedules(answer, STEPS)] == ["hold(warmup(20ep) | cosine(end=0.01, length=80ep))"]
    (text,) = answer["differences"]
    assert "warmup_prefix=False" in text
    assert "first at epoch 20" in text


def test_a_restart_that_timm_misses_is_missed_too_or_told(stepped: list[Answer]) -> None:
    exact, meant = stepped[len(CASES) + 1], stepped[len(CASES) + 2]
    assert worst(exact, STEPS) < 1e-12
    assert exact["rows"][121][0] == 0.0  # where the sixth cycle begins
    assert schedules(meant, STEPS)[0](121) == 1.0
    (text,) = meant["differences"]
    assert "epoch 121" in text


def test_noise_is_refused_by_name(stepped: list[Answer]) -> None:
    assert "noise" in stepped[len(CASES) + 3]["refused"][0]


def test_the_clock_can_be_said(stepped: list[Answer]) -> None:
    assert stepped[len(CASES) + 4]["per"] == "step"
    assert worst(stepped[len(CASES) + 4], STEPS) < 1e-12


def test_the_plateau_becomes_a_listener_with_each_group_s_own_floor(stepped: list[Answer]) -> None:
    plain, warm, told = stepped[len(CASES) + 5 : len(CASES) + 8]
    rules = [schedule.rule for schedule in schedules(plain, STEPS)]
    assert [(rule.factor, rule.patience, rule.mode, rule.min_scale) for rule in rules] == [
        (0.5, 3, "min", 0.01), (0.5, 3, "min", 0.1)]  # fmt: skip
    assert "does not hear" in warm["refused"][0]
    assert any("first 5 epochs" in text for text in told["differences"])


def test_the_milestone_that_comes_early_is_told(stepped: list[Answer]) -> None:
    answer = stepped[len(CASES) + 8]
    assert schedules(answer, STEPS)[0].plan == parse("multistep(milestones=[30, 60], factor=0.1)")
    assert "first at step 29, 0.01 in timm and 0.1 here" in answer["differences"][0]


def test_what_is_no_scheduler_of_timm_is_refused() -> None:
    with pytest.raises(Unconvertible, match="CosineLRScheduler"):
        from_timm(object())
