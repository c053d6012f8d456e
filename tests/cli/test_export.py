"""`calando export`: what is printed runs, and follows the schedule at every step."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import calando
from calando.core.snippet import HOSTS
from tests.cli.calling import call, said

# Runs the printed programs unchanged, in one process, and writes down what the optimizer used at each update.
RECORDER = """
import json, os, sys
import torch

used = []
real = torch.optim.AdamW.step

def step(self, *args, **kwargs):
    group = self.param_groups[0]
    used.append({"lr": float(group["lr"]), "momentum": float(group["betas"][0]), "weight_decay": group["weight_decay"]})
    return real(self, *args, **kwargs)

torch.optim.AdamW.step = step
torch.set_num_threads(1)
made = {}
for path in sys.argv[1:]:
    used.clear()
    os.chdir(os.path.dirname(path))  # its checkpoint is its own
    scope = {"__name__": "__main__"}
    exec(compile(open(path).read(), path, "exec"), scope)
    made[path] = {"used": [*used], "dropout": getattr(scope["model"], "dropout", None)}
print(json.dumps(made))
"""

PLANS = {
    "chain": "warmup(5%) | cosine(end=0.1)",
    "epochs": "warmup(2ep) | step_decay(every=3ep)",
    "momentum": str(calando.one_cycle().with_momentum()),
    "weight decay": "bundle(wsd(), weight_decay=linear_decay(start=0.1, end=0.01))",
    "own quantity": "bundle(cosine(), dropout=linear_decay(start=0.5, end=0.1))",
}


RUN = ["--horizon", "60", "--steps-per-epoch", "5", "--peak", "3e-4"]
LISTENER = "reduce_on_plateau(constant(), factor=0.5, patience=0)"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """Every plan's program, run: what was used at each update, by the plan's text."""
    folder = tmp_path_factory.mktemp("programs")
    paths = {text: folder / str(i) / "run.py" for i, text in enumerate([*PLANS.values(), LISTENER])}
    for text, path in paths.items():
        said("export", text, *RUN, "--to", "torch", "--out", str(path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RECORDER, *map(str, paths.values())],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return {text: made[str(path)] for text, path in paths.items()}


@pytest.mark.parametrize("text", PLANS.values(), ids=PLANS)
def test_the_torch_program_runs_and_follows_the_schedule_at_every_step(text: str, ran: dict[str, dict]) -> None:
    schedule = calando.parse(text).bind(60, steps_per_epoch=5)
    assert len(ran[text]["used"]) == schedule.horizon
    for step, found in enumerate(ran[text]["used"]):
        wanted = schedule.at(step)
        assert found["lr"] == 3e-4 * wanted.pop("lr")
        assert all(found[name] == value for name, value in wanted.items() if name != "dropout")
    if "dropout" in schedule.quantities:
        assert ran[text]["dropout"] == schedule.at(60)["dropout"]


def test_the_torch_program_of_a_listener_feeds_it(ran: dict[str, dict]) -> None:
    rates = [found["lr"] for found in ran[LISTENER]["used"]]
    assert rates[0] == 3e-4
    assert {rate / 3e-4 for rate in rates} <= {0.5**i for i in range(30)}
    assert min(rates) < 3e-4


@pytest.mark.parametrize("text", [*PLANS.values(), "repeat(cosine(length=10%), growth=1.5, decay=0.5)",
                                  "points(at=[0, 50%], values=[1, 0.5], between=step) | linear_decay()",
                                  "reduce_on_plateau(hold(cosine(), every=1ep), patience=3)"])  # fmt: skip
def test_the_python_builds_the_same_schedule(text: str) -> None:
    code = said("export", text, "--horizon", "90ep", "--steps-per-epoch", "5", "--to", "python")
    scope: dict = {}
    exec(code, scope)
    assert scope["schedule"] == calando.parse(text).bind("90ep", steps_per_epoch=5)


@pytest.mark.parametrize("text", PLANS.values(), ids=PLANS)
def test_the_json_reads_back(text: str) -> None:
    bound = said("export", text, "--horizon", "60", "--steps-per-epoch", "5", "--to", "json")
    assert calando.from_json(bound) == calando.parse(text).bind(60, steps_per_epoch=5)
    assert calando.from_json(said("export", text, "--to", "json")) == calando.parse(text)


def test_torch_is_what_is_printed_unless_asked_otherwise() -> None:
    assert said("export", "cosine()", "--horizon", "10", "--peak", "0.1").startswith(
        "from pathlib import Path\n\nimport torch\n"
    )


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_has_a_program_that_compiles_and_says_how_to_go_on(host: str) -> None:
    for plan in (PLANS["chain"], PLANS["momentum"], LISTENER):
        program = said("export", plan, *RUN, "--to", host)
        compile(program, host, "exec")
        assert "where the last run stopped" in program
        assert f'plan = calando.parse("{calando.parse(plan)}")' in program
        assert max(map(len, program.splitlines())) <= 130
        words = f"{'tell Follow monitor metric scheduler.step(' if plan == LISTENER else ''}".split()
        assert not words or any(word in program for word in words)


@pytest.mark.parametrize("host", HOSTS)
def test_a_quantity_that_only_the_user_can_apply_has_a_setter_or_is_refused(host: str) -> None:
    done = call("export", PLANS["own quantity"], *RUN, "--to", host)
    if host == "torch":
        assert 'setters={"dropout": set_dropout}' in done.output
    else:
        assert done.exit_code == 2
        assert "'dropout'" in done.stderr
        assert "apply schedule.at(step)['dropout'] yourself" in done.stderr


@pytest.mark.parametrize("to", ["transformers", "deepspeed", "timm", "keras"])
def test_a_config_is_json(to: str) -> None:
    plan = "constant(0, 1) | warmup(5) | constant()" if to == "deepspeed" else "cosine(end=0.1)"
    config = json.loads(said("export", plan, *RUN, "--to", to, "--form", "config"))
    own = {"transformers": "lr_scheduler_type", "deepspeed": "scheduler", "timm": "sched", "keras": "class_name"}
    assert own[to] in config


@pytest.mark.parametrize("to", ["torch", "optax"])
def test_a_scheduler_of_their_own_needs_no_calando(to: str) -> None:
    code = said("export", "warmup(5%) | cosine()", *RUN, "--to", to, "--form", "config")
    compile(code, to, "exec")
    assert "calando" not in code


@pytest.mark.parametrize(
    ("words", "given", "fix"),
    [
        (["--to", "lightning", "--form", "config"], "--form config with --to lightning", "write --to torch"),
        (["--to", "json", "--form", "config"], "--form config with --to json", "leave --form out"),
        (["--to", "timm", "--form", "code"], "--form code with --to timm", "write --to torch"),
        (["--to", "optax", "--form", "config"], "'inverse_sqrt()', for which there is nothing alike", "--form code"),
    ],
)
def test_what_cannot_be_said_is_refused_in_four_parts(words: list[str], given: str, fix: str) -> None:
    done = call("export", "inverse_sqrt()", *RUN, *words)
    assert done.exit_code == 2
    assert given in done.stderr
    assert fix in done.stderr
    assert done.stderr.count("\n") >= 4


def test_what_was_exported_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    said("export", "wsd()", "--horizon", "70", "--to", "json", "--out", str(path))
    assert "steps                            70" in said("show", str(path))
