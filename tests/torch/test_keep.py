"""What the PyTorch door keeps: each kind of object comes back bit for bit, in place, and what cannot be is refused."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import calando
import calando.torch
from calando.core.keepers import Keeper
from calando.errors import LabError
from calando.lab.snapshot import load, save
from calando.torch.keep import generators, keeper_for


def kept(thing: Any) -> Keeper:
    keeper = keeper_for(thing)
    assert keeper is not None
    return keeper


def through_a_file(state: Any, folder: Any) -> Any:
    return load(save(state, 1, str(folder))).state


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def update(model: nn.Module, optimizer: torch.optim.Optimizer, times: int = 3) -> None:
    generator = torch.Generator().manual_seed(4)
    for _ in range(times):
        x = torch.randn(5, 3, generator=generator)

        def closure(x: torch.Tensor = x) -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            return loss

        optimizer.step(closure)


def tensors(value: Any) -> list[Any]:
    """Every number in a nest of dicts and lists, tensors with their type and place."""
    if isinstance(value, torch.Tensor):
        return [(value.dtype, value.device, value.detach().reshape(-1).tolist())]
    if isinstance(value, dict):
        return [part for key in value for part in [key, *tensors(value[key])]]
    if isinstance(value, list | tuple):
        return [part for item in value for part in tensors(item)]
    return [value]


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD with momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "SGD before it has buffers": lambda p: torch.optim.SGD(p, lr=0.1),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW of foreach": lambda p: torch.optim.AdamW(p, lr=0.1, foreach=True),
    "AdamW fused": lambda p: torch.optim.AdamW(p, lr=0.1, fused=True),
    "AdamW, its rate a tensor": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.1)),
    "Adam with betas in tensors": lambda p: torch.optim.Adam(
        p, lr=torch.tensor(0.1), betas=(torch.tensor(0.9), torch.tensor(0.99)), foreach=False
    ),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "Adadelta": lambda p: torch.optim.Adadelta(p),
    "Adamax": lambda p: torch.optim.Adamax(p),
    "Adafactor": lambda p: torch.optim.Adafactor(p),
    "NAdam": lambda p: torch.optim.NAdam(p),
    "RAdam": lambda p: torch.optim.RAdam(p),
    "RMSprop": lambda p: torch.optim.RMSprop(p, momentum=0.5, centered=True),
    "Rprop": lambda p: torch.optim.Rprop(p),
    "ASGD": lambda p: torch.optim.ASGD(p),
    "LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=3, history_size=4),
}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_an_optimizer_goes_on_as_if_never_interrupted(name: str, tmp_path: Any) -> None:
    torch.manual_seed(0)
    model = net()
    fresh = deepcopy(model)
    optimizer = OPTIMIZERS[name](model.parameters())
    update(model, optimizer)
    state = {"model": kept(model).capture(), "optimizer": kept(optimizer).capture()}
    state = through_a_file(state, tmp_path)
    again = OPTIMIZERS[name](fresh.parameters())
    parameters = list(fresh.parameters())
    rate = again.param_groups[0]["lr"]
    kept(fresh).restore(state["model"])
    kept(again).restore(state["optimizer"])
    assert tensors(again.state_dict()) == tensors(optimizer.state_dict())
    assert all(a is b for a, b in zip(parameters, again.param_groups[0]["params"], strict=True))
    assert not isinstance(rate, torch.Tensor) or again.param_groups[0]["lr"] is rate
    update(model, optimizer)
    update(fresh, again)
    assert tensors(again.state_dict()) == tensors(optimizer.state_dict())
    assert tensors(dict(fresh.state_dict())) == tensors(dict(model.state_dict()))


def test_states_keep_their_own_type_and_their_layout() -> None:
    weight = nn.Parameter(torch.zeros(2, 3, 4, 4, dtype=torch.bfloat16).to(memory_format=torch.channels_last))
    one, other = (torch.optim.Adam([weight]) for _ in range(2))
    average = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    one.state[weight] = {"step": torch.tensor(3.0), "exp_avg": average, "past": [torch.ones(2), 5], "on": True}
    kept(other).restore(kept(one).capture())
    state = other.state[weight]
    assert state["exp_avg"].dtype == torch.float32  # load_state_dict would have rounded it to bfloat16
    assert state["exp_avg"].stride() == average.stride()
    assert torch.equal(state["exp_avg"], average)
    assert (state["past"][1], state["on"]) == (5, True)


def test_buffers_that_are_there_already_are_filled() -> None:
    model = net()
    one, other = (torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9) for _ in range(2))
    update(model, one)
    update(model, other, times=1)
    buffer = other.state[next(model.parameters())]["momentum_buffer"]
    kept(other).restore(kept(one).capture())
    assert other.state[next(model.parameters())]["momentum_buffer"] is buffer
    assert tensors(other.state_dict()) == tensors(one.state_dict())


def test_an_optimizer_over_other_parameters_is_refused() -> None:
    one, other = net(), nn.Linear(3, 2)
    state = kept(torch.optim.SGD(one.parameters(), lr=0.1)).capture()
    with pytest.raises(LabError, match=r"groups of \[2\] parameters where .* \[6\]"):
        kept(torch.optim.SGD(other.parameters(), lr=0.1)).restore(state)


def test_sparse_states_are_refused_in_words() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1, momentum=0.9)
    table(torch.tensor([1, 2])).sum().backward()
    optimizer.step()
    with pytest.raises(LabError, match=r"torch\.sparse_coo") as caught:
        kept(optimizer).capture()
    assert "sparse=False" in caught.value.fix


def test_a_module_keeps_every_buffer_and_stays_the_same_tensors(tmp_path: Any) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(2, 2)
            self.register_buffer("hidden", torch.zeros(2), persistent=False)
            self.register_buffer("grows", torch.zeros(1))
            self.count = 0

        def get_extra_state(self) -> Any:
            return {"count": self.count, "last": torch.tensor([self.count])}

        def set_extra_state(self, state: Any) -> None:
            self.count = state["count"]

    one, other = Odd(), Odd()
    one.hidden += 3.5
    one.grows = torch.arange(4.0)
    one.count = 7
    one.head.eval()
    one.head.bias.requires_grad_(False)
    identities = [id(tensor) for tensor in (*other.parameters(), *other.buffers())]
    kept(other).restore(through_a_file(kept(one).capture(), tmp_path))
    assert tensors(dict(other.named_parameters())) == tensors(dict(one.named_parameters()))
    assert tensors(dict(other.named_buffers())) == tensors(dict(one.named_buffers()))
    assert [id(tensor) for tensor in (*other.parameters(), *other.buffers())] == identities
    assert other.count == 7
    assert (other.training, other.head.training) == (True, False)
    assert [parameter.requires_grad for parameter in other.parameters()] == [True, False]


def test_tied_weights_stay_tied() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = nn.Embedding(4, 3), nn.Linear(3, 4, bias=False)
            self.head.weight = self.table.weight
            self.view = nn.Parameter(self.table.weight.data[1:])  # another parameter over the same memory

    one, other = Tied(), Tied()
    state = kept(one).capture()
    assert sorted(state["tensors"]) == ["table.weight", "view"]
    kept(other).restore(state)
    assert other.head.weight is other.table.weight
    with torch.no_grad():
        other.table.weight.fill_(2.0)
    assert bool((other.view == 2.0).all())


def test_wrappers_are_looked_through() -> None:
    model = net()
    compiled = torch.compile(model, backend="eager")
    state = kept(compiled).capture()
    assert sorted(state["tensors"])[0] == "0.bias"
    fresh = net()
    kept(torch.compile(fresh, backend="eager")).restore(state)
    assert tensors(dict(fresh.state_dict())) == tensors(dict(model.state_dict()))


def test_a_data_parallel_wrapper_is_looked_through() -> None:
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        model = net()
        state = kept(nn.parallel.DistributedDataParallel(model)).capture()
    finally:
        torch.distributed.destroy_process_group()
    assert state["tensors"].keys() == kept(model).capture()["tensors"].keys()


def test_averaged_weights_go_on_averaging() -> None:
    model = net()
    one = torch.optim.swa_utils.AveragedModel(model)
    one.update_parameters(model)
    other = torch.optim.swa_utils.AveragedModel(net())
    kept(other).restore(kept(one).capture())
    assert int(other.n_averaged) == 1
    assert tensors(dict(other.state_dict())) == tensors(dict(one.state_dict()))


def test_lazy_parameters_get_their_shape_back() -> None:
    model, fresh = nn.LazyLinear(2), nn.LazyLinear(2)
    with pytest.raises(LabError, match="the lazy parameter weight"):
        kept(model).capture()
    model(torch.zeros(1, 3))
    optimizer = torch.optim.SGD(fresh.parameters(), lr=0.1)
    kept(fresh).restore(kept(model).capture())
    x = torch.ones(1, 3)
    assert torch.equal(fresh(x), model(x))
    assert optimizer.param_groups[0]["params"][0] is fresh.weight


def test_another_model_is_refused() -> None:
    with pytest.raises(LabError, match=r"of shape \(2, 3\) for weight, which is .* of shape \(3, 3\)"):
        kept(nn.Linear(3, 3)).restore(kept(nn.Linear(3, 2)).capture())
    with pytest.raises(LabError, match="'bias'"):
        kept(nn.Linear(3, 3, bias=False)).restore(kept(nn.Linear(3, 3)).capture())


SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: torch.optim.lr_scheduler.StepLR(o, 2),
    "MultiStepLR": lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [2, 4, 4]),
    "LambdaLR": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 0.9**t),
    "OneCycleLR": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=20),
    "CyclicLR": lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.1, 0.3, step_size_up=3),
    "CosineAnnealingWarmRestarts": lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    "SequentialLR": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [torch.optim.lr_scheduler.ConstantLR(o, 0.5, 2), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)],
        milestones=[3],
    ),
}


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_schedulers_of_pytorch_go_on(name: str, tmp_path: Any) -> None:
    def made() -> tuple[torch.optim.Optimizer, Any]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2, momentum=0.9)
        return optimizer, SCHEDULERS[name](optimizer)

    def run(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
        rates = []
        for _ in range(steps):
            optimizer.step()
            scheduler.step()
            rates.append(optimizer.param_groups[0]["lr"])
        return rates

    one, two = made(), made()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SequentialLR calls its parts in PyTorch's deprecated way
        run(*one, 4)
        state = through_a_file([kept(part).capture() for part in one], tmp_path)
        for part, saved in zip(two, state, strict=True):
            kept(part).restore(saved)
        assert run(*two, 6) == run(*one, 6)


def test_a_plateau_scheduler_of_pytorch_goes_on() -> None:
    optimizers = [torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0) for _ in range(2)]
    one, two = (torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=1) for o in optimizers)
    for metric in (1.0, 1.0):
        one.step(metric)
    kept(two).restore(kept(one).capture())
    two.step(1.0)
    assert optimizers[1].param_groups[0]["lr"] == pytest.approx(0.1)


def test_our_scheduler_stands_where_it_stood_whatever_its_schedule_is_from_there() -> None:
    def made(plan: str) -> Any:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
        return optimizer, calando.torch.attach(optimizer, calando.parse(plan).bind(10))

    (_, trunk), (optimizer, branch), (alone, own) = made("constant()"), *[made("wsd(warmup=0, cooldown=5)")] * 2
    for _ in range(7):
        trunk.step()
    kept(branch).restore(kept(trunk).capture())
    assert branch.position() == 7
    assert optimizer.param_groups[0]["lr"] == 0.5 * branch.tracks[0].schedule(7) < 0.5
    assert own is branch
    assert alone is optimizer


def test_an_amp_scaler_goes_on_with_its_scale() -> None:
    one, other = (torch.amp.GradScaler("cpu", init_scale=64.0, growth_interval=2) for _ in range(2))
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(3):
        one.scale(weight.sum()).backward()
        one.step(optimizer)
        one.update()
    kept(other).restore(kept(one).capture())
    assert other.state_dict() == one.state_dict()
    assert other.get_scale() == 128.0
    off = torch.amp.GradScaler("cpu", enabled=False)
    kept(off).restore(kept(off).capture())


def test_generators_go_on_where_they_were() -> None:
    for generator in (torch.Generator().manual_seed(3), torch.default_generator):
        keeper = kept(generator)
        state = keeper.capture()
        first = torch.rand(4, generator=generator)
        keeper.restore(state)
        assert torch.equal(torch.rand(4, generator=generator), first)
    assert "torch.cpu" in generators()
    assert all(getattr(keeper, "random", False) for keeper in generators().values())


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.tensor([1 + 2j], dtype=torch.complex128),
        torch.empty(0, 3),
        torch.arange(6).reshape(2, 3).t(),
        torch.tensor([True, False]),
        torch.tensor([0.5]).to(torch.float8_e4m3fn),
    ],
    ids=str,
)
def test_tensors_of_every_type_come_back(tensor: torch.Tensor, tmp_path: Any) -> None:
    other = torch.empty_like(tensor)
    kept(other).restore(through_a_file(kept(tensor).capture(), tmp_path))
    assert torch.equal(other.view(torch.uint8) if other.dtype.itemsize == 1 else other,
                       tensor.view(torch.uint8) if tensor.dtype.itemsize == 1 else tensor)  # fmt: skip


def test_persistent_workers_are_refused_with_the_line_to_change() -> None:
    loader = DataLoader([1, 2], num_workers=1, persistent_workers=True)
    with pytest.raises(LabError) as caught:
        kept(loader).capture()
    assert "persistent_workers" in caught.value.fix


@pytest.mark.parametrize("thing", [3, "text", [1.0], {"a": 1}, object(), nn.Module, None])
def test_what_is_not_of_pytorch_is_left_to_others(thing: Any) -> None:
    assert keeper_for(thing) is None
