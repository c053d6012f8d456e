"""`torch.compile(optimizer.step)` under a schedule: compiled once, and the values it works with are the schedule's.

Graphs are counted behind inductor's own passes, which decide whether a number is baked into the graph; where code is
not needed for the count, the last pass hands the graph back instead of compiling C++.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import OneCycleLR

import calando
from calando.errors import BadValue
from calando.torch import attach
from tests.torch.helpers import through_disk

STEPS = 12
CYCLE = calando.bundle(calando.one_cycle(), momentum=calando.points(at=[0, 4, 12], values=[0.95, 0.85, 0.95]))
WITH_DECAY = calando.bundle(CYCLE.lr, momentum=dict(CYCLE.quantities)["momentum"], weight_decay=calando.linear_decay())

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # inductor's own, of NumPy and of Python


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No compiled code from elsewhere, and none left behind; every recompilation is made, never given up."""
    torch.compiler.reset()
    with torch._dynamo.config.patch(recompile_limit=64), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Profiler record function")
        yield
    torch.compiler.reset()


def parameters() -> list[Parameter]:
    torch.manual_seed(0)
    return [Parameter(torch.rand(3)), Parameter(torch.rand(4))]


def trained(optimizer: Any, scheduler: Any, step: Callable[[], Any], steps: int = STEPS) -> list[torch.Tensor]:
    """The parameters after some updates; each gradient depends on the parameters."""
    inside = [p for group in optimizer.param_groups for p in group["params"]]
    for _ in range(steps):
        for i, parameter in enumerate(inside):
            parameter.grad = parameter.detach() * (i + 1)
        step()
        scheduler.step()
    return [p.detach().clone() for p in inside]


def compiled(optimizer: Any, code: bool = False) -> tuple[Callable[[], Any], list[Any]]:
    """The compiled step, and the graphs that were compiled for it."""
    from torch._inductor.compile_fx import compile_fx

    graphs: list[Any] = []

    def counting(graph: Any, inputs: Any) -> Any:
        works = any(node.op.startswith("call") for node in graph.graph.nodes)  # what surrounds the step may be empty
        made = compile_fx(graph, inputs) if code else compile_fx(graph, inputs, inner_compile=lambda g, *_, **__: g)
        graphs.extend([graph] * works)  # only now: inductor may ask for another trace, which then comes here again
        return made

    return torch.compile(optimizer.step, backend=counting), graphs


KINDS: dict[str, Callable[[], Any]] = {
    "SGD": lambda: SGD(parameters(), lr=0.1, momentum=0.9),
    "SGD, Nesterov": lambda: SGD(parameters(), lr=0.1, momentum=0.9, nesterov=True),
    "AdamW": lambda: AdamW(parameters(), lr=0.1),
    "Adam": lambda: Adam(parameters(), lr=0.1),
    "RMSprop": lambda: RMSprop(parameters(), lr=0.1, momentum=0.9),
}


@pytest.mark.parametrize("kind", KINDS)
def test_twelve_steps_of_one_cycle_with_momentum_are_one_graph(kind: str) -> None:
    plain = KINDS[kind]()
    scheduler = attach(plain, CYCLE.bind(STEPS))
    wanted = trained(plain, scheduler, plain.step)
    optimizer = KINDS[kind]()
    scheduler = attach(optimizer, CYCLE.bind(STEPS), tensors=True)
    step, graphs = compiled(optimizer)
    found = trained(optimizer, scheduler, step)
    assert len(graphs) == 1
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["SGD", "AdamW", "RMSprop"])
@pytest.mark.parametrize("buffers", ["kept", "replaced"])
def test_a_load_in_the_middle_is_no_further_graph_but_for_the_buffers(kind: str, buffers: str) -> None:
    """`Optimizer.load_state_dict` replaces momentum buffers, which are compiled in, with or without a schedule."""
    plain = KINDS[kind]()
    wanted = trained(plain, attach(plain, CYCLE.bind(STEPS)), plain.step)
    optimizer = KINDS[kind]()
    scheduler = attach(optimizer, CYCLE.bind(STEPS), tensors=True)
    step, graphs = compiled(optimizer)
    trained(optimizer, scheduler, step, 5)
    before = dict(optimizer.state)
    saved = through_disk([optimizer.state_dict(), scheduler.state_dict()])
    optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    if buffers == "kept":
        optimizer.state.update(before)
    found = trained(optimizer, scheduler, step, STEPS - 5)
    assert len(graphs) == (1 if buffers == "kept" else 2)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_pytorchs_own_one_cycle_is_compiled_again_at_every_step(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = KINDS[kind]()
    step, graphs = compiled(optimizer)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Detected call of `lr_scheduler.step"
        )  # false: it sees no compiled step
        trained(optimizer, OneCycleLR(optimizer, max_lr=0.1, total_steps=STEPS + 1), step)
    ours = KINDS[kind]()
    again, one = compiled(ours)
    trained(ours, attach(ours, CYCLE.bind(STEPS), tensors=True), again)
    with capsys.disabled():
        print(f"\n{kind}: {STEPS} steps of one-cycle with momentum: PyTorch's {len(graphs)} graphs, ours {len(one)}")
    assert len(graphs) >= 8
    assert len(one) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_scheduled_weight_decay_is_no_further_graph(kind: str) -> None:
    plain = KINDS[kind]()
    wanted = trained(plain, attach(plain, WITH_DECAY.bind(STEPS)), plain.step)
    optimizer = KINDS[kind]()
    scheduler = attach(optimizer, WITH_DECAY.bind(STEPS), tensors=True)
    step, graphs = compiled(optimizer)
    found = trained(optimizer, scheduler, step)
    assert len(graphs) == 1
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.slow  # a C++ compiler runs
@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_the_code_that_inductor_writes_works_with_the_schedules_values(kind: str) -> None:
    plain = KINDS[kind]()
    wanted = trained(plain, attach(plain, CYCLE.bind(STEPS)), plain.step)
    optimizer = KINDS[kind]()
    scheduler = attach(optimizer, CYCLE.bind(STEPS), tensors=True)
    step, graphs = compiled(optimizer, code=True)
    found = trained(optimizer, scheduler, step)
    assert len(graphs) == 1
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_without_compiling_the_tensors_give_what_the_floats_give(kind: str) -> None:
    plain, optimizer = KINDS[kind](), KINDS[kind]()
    wanted = trained(plain, attach(plain, WITH_DECAY.bind(STEPS)), plain.step)
    found = trained(optimizer, attach(optimizer, WITH_DECAY.bind(STEPS), tensors=True), optimizer.step)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_a_compiled_run_goes_on_from_a_checkpoint_in_one_graph(kind: str) -> None:
    plain = KINDS[kind]()
    wanted = trained(plain, attach(plain, CYCLE.bind(STEPS)), plain.step)
    first = KINDS[kind]()
    scheduler = attach(first, CYCLE.bind(STEPS), tensors=True)
    half = trained(first, scheduler, first.step, 6)
    saved = through_disk({"optimizer": first.state_dict(), "scheduler": scheduler.state_dict()})
    optimizer = KINDS[kind]()
    with torch.no_grad():
        for parameter, value in zip(optimizer.param_groups[0]["params"], half, strict=True):
            parameter.copy_(value)
    scheduler = attach(optimizer, CYCLE.bind(STEPS), tensors=True)
    optimizer.load_state_dict(saved["optimizer"])
    scheduler.load_state_dict(saved["scheduler"])
    step, graphs = compiled(optimizer)
    found = trained(optimizer, scheduler, step, 6)
    assert len(graphs) == 1
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "plan"),
    [
        (lambda: SGD(parameters(), lr=0.1, momentum=0.9, fused=True), CYCLE),
        (lambda: SGD(parameters(), lr=0.1, momentum=0.9, foreach=True), CYCLE),
        (lambda: AdamW(parameters(), lr=0.1, foreach=True), calando.cosine()),
    ],
    ids=["fused momentum", "foreach momentum", "foreach AdamW"],
)
def test_what_pytorch_cannot_read_from_a_tensor_is_refused_when_attaching(optimizer: Any, plan: Any) -> None:
    made = optimizer()
    before = {key: value for key, value in made.param_groups[0].items() if key != "params"}
    with pytest.raises(BadValue, match=r"attach\(tensors=True\)"):
        attach(made, plan.bind(STEPS), tensors=True)
    assert {key: value for key, value in made.param_groups[0].items() if key != "params"} == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="NOT RUN: CUDA graphs need a GPU")
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_a_captured_cuda_graph_reads_the_schedules_values(kind: Any) -> None:
    def made(device: str) -> Any:
        options: dict[str, Any] = {"momentum": 0.9} if kind is SGD else {"capturable": device == "cuda"}
        rate = torch.tensor(0.1, device=device) if kind is SGD and device == "cuda" else 0.1
        return kind([Parameter(p.detach().to(device)) for p in parameters()], lr=rate, **options)

    plan = calando.one_cycle().bind(STEPS)
    plain = made("cpu")
    wanted = trained(plain, attach(plain, plan), plain.step)
    optimizer = made("cuda")
    scheduler = attach(optimizer, plan, tensors=True)
    inside = optimizer.param_groups[0]["params"]
    kept = [p.detach().clone() for p in inside]
    for parameter in inside:
        parameter.grad = torch.zeros_like(parameter)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # a first update outside, as PyTorch's notes on CUDA graphs ask; then all is undone
        optimizer.step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for i, parameter in enumerate(inside):
            parameter.grad.copy_(parameter * (i + 1))
        optimizer.step()
    with torch.no_grad():
        for parameter, value in zip(inside, kept, strict=True):
            parameter.copy_(value)
        for state in optimizer.state.values():
            for value in state.values():
                value.zero_()
    for _ in range(STEPS):
        graph.replay()
        scheduler.step()
    for a, b in zip(inside, wanted, strict=True):
        torch.testing.assert_close(a.detach().cpu(), b, rtol=1e-4, atol=1e-5)
