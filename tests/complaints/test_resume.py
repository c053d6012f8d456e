"""Complaints about going on: after a restart, with another horizon, with another schedule."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from torch.optim import lr_scheduler as peers

import calando
from calando.errors import BadState
from calando.torch import attach
from tests.complaints.apart import told_apart
from tests.complaints.installed import transformers_scheduler
from tests.complaints.sides import Make, quietly, used_by, went_on
from tests.torch.helpers import optimizer_of, rates

Two = tuple[float, float]
"""The rate at a step: of a run from its start, and of one that was begun there."""


def test_pytorch_168044_a_class_begun_at_a_step_on_a_fresh_optimizer() -> None:
    theirs: Mapping[str, Callable[..., Any]] = {
        "StepLR": lambda o, **k: peers.StepLR(o, 3, gamma=0.5, **k),
        "MultiStepLR": lambda o, **k: peers.MultiStepLR(o, [3, 5], gamma=0.5, **k),
        "LinearLR": lambda o, **k: peers.LinearLR(o, 0.1, total_iters=9, **k),
        "ConstantLR": lambda o, **k: peers.ConstantLR(o, 0.5, total_iters=9, **k),
        "ExponentialLR": lambda o, **k: peers.ExponentialLR(o, 0.9, **k),
        "CosineAnnealingLR": lambda o, **k: peers.CosineAnnealingLR(o, 10, **k),
        "PolynomialLR": lambda o, **k: peers.PolynomialLR(o, 10, **k),
        "LambdaLR": lambda o, **k: peers.LambdaLR(o, lambda t: 0.9**t, **k),
    }
    plans = {
        "StepLR": "step_decay(every=3, factor=0.5)",
        "MultiStepLR": "multistep(milestones=[3, 5], factor=0.5)",
        "LinearLR": "warmup(9, start=0.1) | constant()",
        "ConstantLR": "constant(0.5, length=9) | constant()",
        "ExponentialLR": "exponential_decay(factor=0.9)",
        "CosineAnnealingLR": "cosine(length=10)",
        "PolynomialLR": "linear_decay(length=10)",
        "LambdaLR": "exponential_decay(factor=0.9)",
    }

    def begun_with(make: Callable[..., Any]) -> Two:
        optimizer = optimizer_of(1.0)
        optimizer.param_groups[0]["initial_lr"] = 1.0
        make(optimizer, last_epoch=6)  # its constructor makes the step to 7
        return used_by(make, 8)[7], rates(optimizer)[0]

    def begun_with_ours(plan: str) -> Two:
        schedule = calando.parse(plan).bind(12)
        optimizer = optimizer_of(1.0)
        attach(optimizer, schedule).step(7)
        return used_by(lambda o: attach(o, schedule), 8)[7], rates(optimizer)[0]

    def check(begun: Callable[[str], Two]) -> None:
        wrong = [name for name in plans if begun(name)[1] != pytest.approx(begun(name)[0], rel=1e-12)]
        assert not wrong, f"{len(wrong)} classes begin elsewhere: {wrong}"

    told_apart(
        check,
        living=lambda name: begun_with(theirs[name]),
        ours=lambda name: begun_with_ours(plans[name]),
        because="7 classes begin elsewhere",
    )


def test_pytorch_162591_171515_184517_a_sequence_begun_at_a_step() -> None:
    def sequence(optimizer: Any, **begin: Any) -> Any:
        parts: list[Any] = [peers.LinearLR(optimizer, 0.1, total_iters=3), peers.CosineAnnealingLR(optimizer, 10)]
        return peers.SequentialLR(optimizer, parts, [3], **begin)

    def theirs(step: int) -> Two:
        optimizer = optimizer_of(1.0)
        with quietly():
            sequence(optimizer, last_epoch=step - 1)
        return used_by(sequence, step + 1)[step], rates(optimizer)[0]

    def ours(step: int) -> Two:
        schedule = calando.parse("warmup(3, start=0.1) | cosine(length=10)").bind(13)
        optimizer = optimizer_of(1.0)
        attach(optimizer, schedule).step(step)
        return used_by(lambda o: attach(o, schedule), step + 1)[step], rates(optimizer)[0]

    def check(begun: Callable[[int], Two]) -> None:
        for step in range(2, 12):
            whole, begun_there = begun(step)
            assert begun_there == pytest.approx(whole), f"step {step} has another rate"

    told_apart(check, living=theirs, ours=ours, because="step 2 has another rate")


def test_transformers_34053_the_rate_is_discontinuous_after_a_resume() -> None:
    def hf(optimizer: Any) -> Any:
        return transformers_scheduler("linear", optimizer, 0, 10)

    def ours(optimizer: Any) -> Any:
        return attach(optimizer, calando.linear_decay().bind(10))

    def check(make: Make) -> None:
        resumed = went_on(make, make, stop=5, more=5, keep_optimizer=False)
        assert resumed[0] == pytest.approx(used_by(make, 6)[5]), "the first rate after the resume is another"
        assert resumed == pytest.approx(used_by(make, 10)[5:])

    told_apart(check, living=hf, ours=ours, because="first rate after the resume is another")


def test_sd_scripts_141_the_rate_is_zero_when_a_finished_run_gets_more_steps() -> None:
    def theirs() -> list[float]:
        return went_on(lambda o: peers.PolynomialLR(o, 10), lambda o: peers.PolynomialLR(o, 20), stop=10, more=10)

    def ours(**policy: Any) -> list[float]:
        plan = calando.linear_decay()
        return went_on(
            lambda o: attach(o, plan.bind(10)), lambda o: attach(o, plan.bind(20), **policy), stop=10, more=10
        )

    def check(longer: Callable[[], list[float]]) -> None:
        left = longer()
        assert min(left) > 0, "the rate is 0"
        assert left == pytest.approx([1 - t / 20 for t in range(10, 20)])

    told_apart(check, living=theirs, ours=lambda: ours(resume="rebind"), because="the rate is 0")
    with pytest.raises(BadState, match="horizon 10 -> 20"):  # and never without a word
        ours()


def test_detectron2_429_milestones_that_were_edited_are_overridden_by_the_checkpoint() -> None:
    old, new = [3, 6], [5, 8]
    wanted = [0.1 ** sum(m <= t for m in new) for t in range(4, 10)]

    def theirs() -> list[float]:
        return went_on(lambda o: peers.MultiStepLR(o, old), lambda o: peers.MultiStepLR(o, new), stop=4, more=6)

    def plan(milestones: Any) -> Any:
        return calando.multistep(milestones=milestones).bind(10)

    def ours() -> list[float]:
        def at_the_old_place(optimizer: Any) -> Any:
            scheduler = attach(optimizer, plan(new))
            scheduler.step(4)
            return scheduler

        return used_by(at_the_old_place, 6)

    def check(edited: Callable[[], list[float]]) -> None:
        assert edited() == pytest.approx(wanted), "the milestones are still the old ones"

    told_apart(check, living=theirs, ours=ours, because="still the old ones")
    with pytest.raises(BadState, match=r"milestones=\[3, 6\].* -> .*milestones=\[5, 8\]"):
        went_on(lambda o: attach(o, plan(old)), lambda o: attach(o, plan(new)), stop=4, more=6)


def test_insightface_2143_max_steps_has_to_be_patched_by_hand_to_train_longer() -> None:
    def theirs() -> list[float]:
        return went_on(lambda o: peers.PolynomialLR(o, 10), lambda o: peers.PolynomialLR(o, 20), stop=5, more=16)

    def ours() -> list[float]:
        plan = calando.linear_decay()
        return went_on(
            lambda o: attach(o, plan.bind(10)), lambda o: attach(o, plan.bind(20), resume="extend"), stop=5, more=16
        )

    def check(longer: Callable[[], list[float]]) -> None:
        left = longer()
        assert left[0] == pytest.approx(0.5), "it jumps"
        assert min(left[:15]) > 0, "over before the new end"
        assert left[15] == 0.0, "it does not end where it should"
        assert left == sorted(left, reverse=True)

    told_apart(check, living=theirs, ours=ours, because="over before the new end")


def test_pith_train_55_a_state_of_another_kind_of_schedule_is_taken() -> None:
    def theirs() -> list[float]:
        return went_on(lambda o: peers.StepLR(o, 3), lambda o: peers.CosineAnnealingLR(o, 10), stop=5, more=1)

    def ours() -> list[float]:
        step, cosine = calando.step_decay(every=3).bind(10), calando.cosine().bind(10)
        return went_on(lambda o: attach(o, step), lambda o: attach(o, cosine), stop=5, more=1)

    def check(load: Callable[[], list[float]]) -> None:
        refused = ""
        try:
            load()
        except Exception as error:  # noqa: BLE001  # whatever it is called, it has to speak
            refused = str(error)
        assert refused, "taken without a word"
        assert "step_decay(every=3)" in refused
        assert "cosine()" in refused

    told_apart(check, living=theirs, ours=ours, because="taken without a word")
