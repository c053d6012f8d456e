"""The bodies of the labelled runs are what they are called, and a run does not hang on those beside it."""

import json

import pytest
import torch
from torch.nn import functional

from bench.tuning.recording import versions
from bench.watch.labelled import __main__ as command
from bench.watch.labelled.bodies import HEADS, SIGHTS, WINDOWS, placed, stacked
from bench.watch.labelled.recipe import Recipe
from bench.watch.labelled.recording import HERE
from bench.watch.labelled.tasks import TASKS, data_of
from bench.watch.labelled.training import train

OTHERS = [
    name
    for name, task in TASKS.items()
    if task.half in ("unseen", "blind", "final", "small", "sealed", "kept", "other")
]


def described(half):
    return json.loads((HERE / f"labelled-{half}.json").read_text())


@pytest.mark.parametrize("name", OTHERS)
def test_the_data_are_those_that_were_recorded(name):
    about = described(TASKS[name].half)
    shipped = name in ("tokens", "remarks", "signs", "modules", "entities")
    if shipped and about["versions"]["python"] != versions()["python"]:
        pytest.skip("NOT RUN: the sources of another version of Python")
    assert data_of(name) == about["data"][name]


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_is_the_same_alone_and_beside_others(name):
    task = TASKS[name]
    mine = Recipe(name, "warmup(5%) | cosine()", task.peak, 60, 12)
    others = [mine.but(peak=30 * task.peak, seed=61), mine, mine.but(peak=0.1 * task.peak)]
    (alone,) = train([mine])
    before, beside, after = train(others)
    assert beside.train == pytest.approx(alone.train, rel=1e-3)
    assert beside.val == pytest.approx(alone.val, rel=1e-3)
    assert len({round(one.final, 5) for one in (before, beside, after)}) == 3


def weights(name):
    """A stack of two, and the weights of its second row, off their start."""
    stack = stacked(TASKS[name], [0, 1], [0.0, 0.0])
    chance = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in stack.values:
            value += 0.1 * torch.randn(value.shape, generator=chance)
    return stack, iter([value[1].detach() for value in stack.values])


def inputs_of(name):
    return TASKS[name].data()[0][:10].view(2, 5, *TASKS[name].data()[0].shape[1:])


def norm(found, each):
    return functional.layer_norm(found, found.shape[-1:], next(each)[0], next(each)[0])


def layer(found, each):
    return functional.linear(found, next(each).T, next(each)[0])


def block(found, each):
    return found + layer(functional.gelu(layer(norm(found, each), each)), each)


def test_residual_blocks_are_norm_and_layers_added_to_what_went_in():
    inputs = inputs_of("pendulums")
    stack, each = weights("pendulums")
    found = layer(inputs[1], each)
    for _ in range(3):
        found = block(found, each)
    expected = layer(norm(found, each), each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_convolutions_are_convolutions():
    inputs = inputs_of("strayed")
    stack, each = weights("strayed")
    found = inputs[1].permute(0, 3, 1, 2)
    for side, stride in WINDOWS:
        weight, level = next(each), next(each)
        kernel = weight.view(side, side, found.shape[1], -1).permute(3, 2, 0, 1)
        found = functional.conv2d(found, kernel, level[0], stride).relu()
    expected = layer(layer(found.permute(0, 2, 3, 1).flatten(1), each).relu(), each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "asked"), [("tokens", lambda told: told[:, -1]), ("modules", lambda t: t.mean(1))])
def test_attention_is_attention(name, asked):
    inputs = inputs_of(name)
    stack, each = weights(name)
    found = next(each)[inputs[1]] + placed(inputs.shape[2], TASKS[name].sizes[1])
    for _ in TASKS[name].sizes[2:-1]:
        parts = layer(norm(found, each), each).chunk(3, 2)
        heads = [part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in parts]
        mixed = functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        found = block(found + layer(mixed, each), each)
    expected = layer(norm(asked(found), each), each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_gated_recurrent_units_are_those_of_torch():
    inputs = inputs_of("cells")
    stack, each = weights("cells")
    _, width, _ = TASKS["cells"].sizes
    units = torch.nn.GRU(1, width, batch_first=True)
    with torch.no_grad():
        for kind in ("ih", "hh"):
            getattr(units, f"weight_{kind}_l0").copy_(next(each).T)
            getattr(units, f"bias_{kind}_l0").copy_(next(each)[0])
        expected = layer(units(inputs[1])[1][0], each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_long_short_term_memory_is_that_of_torch():
    inputs = inputs_of("signs")
    stack, each = weights("signs")
    _, narrow, width, _ = TASKS["signs"].sizes
    found = next(each)[inputs[1]]
    memory = torch.nn.LSTM(narrow, width, batch_first=True)
    with torch.no_grad():
        for kind in ("ih", "hh"):
            getattr(memory, f"weight_{kind}_l0").copy_(next(each).T)
            getattr(memory, f"bias_{kind}_l0").copy_(next(each)[0])
        expected = layer(memory(found)[0][:, -1], each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_convolutions_with_residual_blocks_are_those():
    inputs = inputs_of("moved")
    stack, each = weights("moved")

    def seen(found, stride, padding):
        kernel = next(each).view(3, 3, found.shape[1], -1).permute(3, 2, 0, 1)
        return functional.conv2d(found, kernel, next(each)[0], stride, padding)

    found = seen(inputs[1].permute(0, 3, 1, 2), 2, 0).relu()
    for _ in TASKS["moved"].sizes[2:-1]:
        found = (found + seen(seen(found, 1, 1).relu(), 1, 1)).relu()
    expected = layer(found.mean((2, 3)), each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_convolutions_of_a_signal_are_convolutions():
    inputs = inputs_of("signals")
    stack, each = weights("signals")
    found = inputs[1].mT
    for length, stride in SIGHTS:
        weight, level = next(each), next(each)
        kernel = weight.view(length, found.shape[1], -1).permute(2, 1, 0)
        found = functional.conv1d(found, kernel, level[0], stride).relu()
    expected = layer(found.mean(2), each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


def test_normed_layers_are_layer_norm_and_gelu():
    inputs = inputs_of("patches")
    stack, each = weights("patches")
    found = inputs[1]
    for _ in range(3):
        found = functional.gelu(norm(layer(found, each), each))
    expected = layer(found, each)
    torch.testing.assert_close(stack.forward(inputs, learning=False)[1], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("named", "judged"), [([], ["write", "fresh", "last", "tools"]), (["judge"], ["judge"])])
def test_a_half_that_nobody_has_looked_at_is_judged_only_where_it_is_named(named, judged, monkeypatch):
    read = []
    monkeypatch.setattr(command, "HALVES", ("write", "judge", "fresh", "last", "tools"))
    monkeypatch.setattr(command, "UNJUDGED", ("judge",))
    monkeypatch.setattr(command, "load", lambda half: read.append(half) or {})
    monkeypatch.setattr(command.tools, "load", lambda: read.append("tools") or {})
    monkeypatch.setattr(command, "told", lambda halves: " ".join(halves))
    monkeypatch.setattr("sys.argv", ["labelled", *named])
    command.main()
    assert read == judged
