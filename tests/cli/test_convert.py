"""`calando convert`: plans, curves side by side, differences in words; nothing that is typed is ever run."""

import json
from pathlib import Path

import pytest

import calando
from calando.cli.calls import read_call
from calando.errors import BadText
from tests.cli.calling import call, said, spawn

COSINE = ["torch", "CosineAnnealingLR(T_max=100, eta_min=1e-5)", "--lr", "0.1"]
DEEPSPEED = {
    "optimizer": {"type": "AdamW", "params": {"lr": 0.02}},
    "scheduler": {"type": "WarmupCosineLR", "params": {"total_num_steps": 50, "warmup_num_steps": 5}},
}


def plain(*words: str) -> dict:
    found: dict = json.loads(said("convert", *words, "--json"))
    return found


def test_it_tells_the_plan_the_base_how_far_the_peer_is_and_every_difference() -> None:
    text = said("convert", *COSINE)
    assert text.startswith("anneal(over=100, end=0.0001, shape=cosine, cycle=mirror)\n")
    assert "A this plan\nB torch itself\n" in text
    assert "= beside torch itself at 100 steps: largest difference" in text
    assert "! past step 100 torch climbs back" in text
    assert "with --no-quirks: cosine(end=0.0001, length=100)" in text


def test_the_plan_that_is_told_can_be_shown_and_follows_the_peer() -> None:
    found = plain(*COSINE)
    (group,) = found["groups"]
    assert said("show", group["plan"], "--horizon", str(found["horizon"])).startswith(group["plan"])
    assert calando.from_json(json.dumps(group["json"])) == calando.parse(group["plan"])
    assert group["base"] == 0.1
    assert found["compared"]["steps"] == 100
    assert found["compared"]["largest"] < 1e-12


def test_each_group_has_its_own_base_and_its_own_floor() -> None:
    found = plain(*COSINE, "--lr", "0.01")
    assert [group["base"] for group in found["groups"]] == [0.1, 0.01]
    assert "0.0001" in found["groups"][0]["plan"]
    assert "0.001" in found["groups"][1]["plan"]
    assert found["compared"]["largest"] < 1e-12


def test_schedulers_inside_schedulers_are_built_from_the_inside() -> None:
    found = plain("torch", "SequentialLR([LinearLR(0.1, total_iters=5), CosineAnnealingLR(T_max=50)], [5])",
                  "--horizon", "55", "--per", "epoch")  # fmt: skip
    assert found["per"] == "epoch"
    assert found["groups"][0]["plan"].startswith("hold(warmup(5ep, start=0.1)")
    assert found["compared"]["largest"] < 1e-12


def test_without_quirks_the_meant_plan_comes_first_and_the_gap_is_measured() -> None:
    found = plain("torch", "OneCycleLR(max_lr=0.1, total_steps=60)", "--no-quirks")
    assert found["quirks"] is False
    assert "one_cycle" in found["groups"][0]["plan"]
    assert 0.01 < found["compared"]["largest"] < 0.1
    assert found["otherwise"]["quirks"] is True
    assert "first at step" in found["differences"][0]


def test_a_listener_is_not_stepped_and_says_so() -> None:
    text = said("convert", "torch", "ReduceLROnPlateau(patience=3)", "--horizon", "50")
    assert "torch listens to a metric" in text
    assert plain("torch", "ReduceLROnPlateau(patience=3)", "--horizon", "50")["compared"] is None


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = said("convert", "torch", "OneCycleLR(max_lr=0.1, total_steps=60)", "--width", str(width))
    assert max(map(len, text.splitlines())) <= width


def test_the_picture_of_both_curves_is_written(tmp_path: Path) -> None:
    path = tmp_path / "both.svg"
    said("convert", *COSINE, "--svg", str(path))
    drawn = path.read_text(encoding="utf-8")
    assert drawn.count('<path class="cal-line') >= 4  # two curves, two signs in the legend
    assert "torch: CosineAnnealingLR" in drawn


@pytest.mark.parametrize(
    "text",
    [
        '__import__("os").system("x")', "StepLR(30, gamma=1+1)", "StepLR(30, gamma=lambda: 1)", "StepLR(*[30])",
        "StepLR(**{'step_size': 30})", "[StepLR(30)]", "StepLR(", "StepLR(30); print(1)", "StepLR(open('x'))(1)", "",
        "StepLR([x for x in (1, 2)])", "StepLR(f'{1}')", "StepLR(b'x')", "30", "StepLR(" * 500 + ")" * 500, "\0",
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(BadText):
        read_call(text)
    assert call("convert", "torch", "--", text).exit_code == 2


def test_a_call_reads_back_as_itself() -> None:
    text = "join_schedules([linear_schedule(0, 0.1, 10), exponential_decay(0.1, staircase=True)], [-10, {1: None}])"
    assert str(read_call(text)) == text
    assert read_call("torch.optim.lr_scheduler.StepLR").name == "StepLR"


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["torch", "StepLr(30)"], "did you mean 'StepLR'"),
        (["torch", "LambdaLR(1)"], "functions cannot be given"),
        (["torch", "Optimizer()"], "Optimizer"),
        (["torch", "StepLR()"], "missing 1 required"),
        (["torch", "StepLR(30)"], "--horizon"),
        (["torch", "StepLR(30)", "--horizon", "many"], "whole number"),
        (["torch", "StepLR(30)", "--lr", "-1"], "--lr"),
        (["keras", "nowhere.json"], "nowhere.json"),
        (["keras", "{nonsense"], "JSON"),
        (["deepspeed", "{}"], "scheduler"),
        (["deepspeed", '{"type": "WarmupLR", "params": []}', "--horizon", "10"], "params=[]"),
        (["deepspeed", '{"optimizer": {"params": null}, "scheduler": {"type": "WarmupCosineLR"}}'], "total_num_steps"),
        (["torch", "MultiStepLR(milestones=['a', 3])", "--horizon", "10"], "milestones"),
        (["transformers", "linear(1, 2, 3)"], "3 arguments without a name"),
        (["transformers", "polynomial(1, 10, lr_end='x')"], "from_transformers.lr_end"),
        (["timm", "cosine(90)"], "arguments without a name"),
        (["keras", "[]"], "a schedule of Keras"),
        (["keras", "/"], "directory"),
        (["deepspeed", '{"type": "WarmupLR", "params": {"warmup_num_steps": 5}}', "--per", "epoch"], "torch and timm"),
    ],
)
def test_what_is_wrong_is_told_in_four_parts(words: list[str], word: str) -> None:
    done = call("convert", *words)
    assert done.exit_code == 2
    assert word in done.stderr
    assert all(part in done.stderr for part in ("error:", "  allowed:", "  at:", "  do:"))


def test_a_horizon_that_is_not_used_or_is_too_short_is_told() -> None:
    words = ["deepspeed", '{"type": "WarmupLR", "params": {"warmup_num_steps": 30, "warmup_max_lr": 0.1}}']
    assert "peer's own: --horizon 10 is not used" in said("convert", *COSINE, "--horizon", "10")
    assert "is not used" not in said("convert", *COSINE, "--horizon", "100")
    done = spawn("convert", *words, "--horizon", "10")
    assert "the plan is longer than the 10 that are given" in " ".join(done.stdout.split()), done.stderr
    assert plain(*COSINE, "--horizon", "10")["horizon_asked"] == 10


@pytest.mark.slow
def test_a_name_of_the_peers_own_that_no_plan_can_say_is_refused_with_the_reason() -> None:
    done = spawn("convert", "transformers", "greedy()", "--lr", "1e-3")
    assert done.returncode == 2
    assert "which raises and lowers its rate by what it hears" in done.stderr


@pytest.mark.slow
def test_schedules_of_nothing_are_refused_by_name() -> None:
    done = spawn("convert", "optax", "join_schedules([], [])", "--horizon", "10")
    assert done.returncode == 2
    assert "join_schedules of no schedules" in done.stderr


def test_a_configuration_file_of_deepspeed_is_read_and_stepped(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "ds_config.json"
    path.write_text(json.dumps(DEEPSPEED), encoding="utf-8")
    done = spawn("convert", "deepspeed", str(path), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [group["base"] for group in found["groups"]] == [0.02]
    assert found["compared"]["steps"] == 50
    assert found["compared"]["largest"] < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["keras", "CosineDecay(0.0, 90, warmup_target=0.1, warmup_steps=10)"], 1e-6),
        (["optax", "join_schedules([linear_schedule(0, 0.1, 10), cosine_decay_schedule(0.1, 90)], [10])"], 1e-6),
        (["timm", "cosine(num_epochs=90, warmup_epochs=5)", "--lr", "0.1", "--lr", "0.01"], 1e-12),
        (["timm", "WSDLRScheduler(90, decay_t=20, t_in_epochs=False)"], 1e-12),
        (
            ["ignite", "CosineAnnealingScheduler(start_value=0.1, end_value=0.01, cycle_size=50)", "--horizon", "50"],
            1e-12,
        ),
        (["transformers", "cosine(num_warmup_steps=10, num_training_steps=100)", "--lr", "5e-5"], 1e-12),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_every_peer_is_built_stepped_and_compared(words: list[str], most: float) -> None:
    done = spawn("convert", *words, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["compared"]["steps"] == found["horizon"]
    assert found["compared"]["largest"] < most


def test_without_the_peer_a_configuration_is_still_read_and_says_that_nothing_was_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from calando.cli import living

    monkeypatch.setitem(living.MODULES, "keras", "keras_that_is_not_installed")
    found = plain("keras", "CosineDecay(0.1, decay_steps=100)")
    assert found["groups"][0]["plan"] == "cosine(length=100)"
    assert "not installed" in found["not_compared"]
    monkeypatch.setitem(living.MODULES, "optax", "optax_that_is_not_installed")
    refused = call("convert", "optax", "constant_schedule(0.1)", "--horizon", "10")
    assert refused.exit_code == 2
    assert "pip install 'calando[jax]'" in refused.stderr
