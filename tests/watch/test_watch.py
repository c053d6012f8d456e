"""`calando.watch` in loops of one's own: what stands in the record is what was logged, and the rate that was used."""

import json
import math
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import calando
import calando.torch
from calando.errors import BadName, BadValue, LabError
from calando.records.live import Tail
from calando.watch.gauges import Hooked, Placed


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    assert tail.problems == []
    return tail


def values(tail: Tail, name: str) -> list[float]:
    return [float(value) for value in tail.columns[name].values]


def sgd(*rates: float, **options: Any) -> torch.optim.Optimizer:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, **options)


def test_it_is_a_package_and_a_function() -> None:
    import calando.watch as package
    from calando.watch import opening

    assert calando.watch is package
    assert calando.watch.open is opening.watch


def test_two_lines_in_a_loop_record_losses_and_the_rates_that_updates_used(tmp_path: Path) -> None:
    optimizer = sgd(0.5)
    schedule = calando.parse("warmup(20%) | cosine()").bind(20)
    scheduler = calando.torch.attach(optimizer, schedule)
    with calando.watch("first", scheduler=scheduler, folder=tmp_path) as watched:
        while not watched.over:
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=torch.tensor(1.0 / (watched.step + 1), requires_grad=True))
            if watched.step % 5 == 4:
                watched.log(val_loss=2.0)
    tail = tail_of(tmp_path / "first")
    assert tail.header is not None
    assert tail.columns["lr"].steps.tolist() == list(range(20))
    assert values(tail, "lr") == [0.5 * schedule(t) for t in range(20)]
    assert tail.columns["val_loss"].steps.tolist() == [4, 9, 14, 19]
    assert values(tail, "train_loss") == [float(np.float32(1.0 / (t + 1))) for t in range(20)]
    assert "lr_asked" not in tail.columns
    assert (tail.header.peak, tail.header.horizon) == (0.5, 20)
    assert calando.from_json(json.dumps(tail.header.schedule)) == schedule
    assert (tail.state, tail.ended and tail.ended.data["status"]) == ("ended", "done")


@pytest.mark.parametrize("when", ["before the scheduler", "after the scheduler", "inside follow"])
def test_the_step_is_right_wherever_in_the_loop_something_is_logged(tmp_path: Path, when: str) -> None:
    optimizer = sgd(0.5)
    schedule = calando.linear_decay().bind(6)
    scheduler = calando.torch.attach(optimizer, schedule, follow=when == "inside follow")
    with calando.watch("a", scheduler=scheduler, folder=tmp_path) as watched:
        for step in range(6):
            optimizer.step()
            if when == "before the scheduler":
                watched.log(train_loss=float(step))
            scheduler.step()
            if when != "before the scheduler":
                watched.log(train_loss=float(step))
    tail = tail_of(tmp_path / "a")
    assert tail.columns["train_loss"].steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert values(tail, "train_loss") == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert values(tail, "lr") == [0.5 * schedule(t) for t in range(6)]


def test_a_rate_that_did_not_reach_the_optimizer_stands_beside_the_one_asked(tmp_path: Path) -> None:
    optimizer = sgd(0.5)
    scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(4))
    with calando.watch("a", scheduler=scheduler, folder=tmp_path) as watched:
        for step in range(4):
            if step == 2:
                optimizer.param_groups[0]["lr"] = 9.0
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=1.0)
    tail = tail_of(tmp_path / "a")
    assert values(tail, "lr") == [0.5, 0.375, 9.0, 0.125]
    assert (tail.columns["lr_asked"].steps.tolist(), values(tail, "lr_asked")) == ([2], [0.25])


def test_groups_with_rates_of_their_own_have_columns_of_their_own(tmp_path: Path) -> None:
    optimizer = sgd(0.5, 0.1, 0.5)
    scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(2), groups={1: calando.constant().bind(2)})
    with calando.watch("a", scheduler=scheduler, folder=tmp_path) as watched:
        for _ in range(2):
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=1.0)
    tail = tail_of(tmp_path / "a")
    assert sorted(tail.columns) == ["lr", "lr_1", "train_loss"]
    assert (values(tail, "lr"), values(tail, "lr_1")) == ([0.5, 0.25], [0.1, 0.1])


def test_tensor_rates_are_those_that_were_in_force_before_the_update(tmp_path: Path) -> None:
    optimizer = sgd(0.5, foreach=False)
    scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(4), tensors=True)
    watched = calando.watch("a", scheduler=scheduler, folder=tmp_path)
    assert isinstance(watched._gauge, Placed)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
        watched.log(train_loss=1.0)
    watched.close()
    assert values(tail_of(tmp_path / "a"), "lr") == [0.5, 0.375, 0.25, 0.125]


def test_another_librarys_scheduler_and_accumulated_gradients_count_updates(tmp_path: Path) -> None:
    optimizer = sgd(0.5)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    watched = calando.watch("a", scheduler=scheduler, horizon=3, folder=tmp_path)
    assert isinstance(watched._gauge, Hooked)
    for batch in range(6):
        if batch % 2:
            optimizer.step()
            scheduler.step()
        if batch:
            watched.log(train_loss=float(batch))
    assert watched.over
    watched.close()
    tail = tail_of(tmp_path / "a")
    assert (tail.columns["train_loss"].steps.tolist(), values(tail, "lr")) == ([0, 1, 2], [0.5, 0.25, 0.125])


def test_without_anything_a_name_that_comes_again_begins_the_next_step(tmp_path: Path) -> None:
    schedule = calando.linear_decay().bind(10)
    with calando.watch("a", schedule=schedule, peak=2.0, folder=tmp_path) as watched:
        watched.log(train_loss=1.0)
        watched.log(val_loss=1.5)
        watched.log(train_loss=2.0)
        watched.log(train_loss=3.0, step=7)
        watched.log(val_loss=1.0, step=7)
        watched.log({"lr": 5.0, "train_loss": 4.0})
    tail = tail_of(tmp_path / "a")
    assert tail.columns["train_loss"].steps.tolist() == [0, 1, 7, 8]
    assert tail.columns["val_loss"].steps.tolist() == [0, 7]
    assert values(tail, "lr") == [2.0, 1.8, 2.0 * schedule(7), 5.0]
    assert values(tail, "lr_asked") == [2.0 * schedule(8)]


def test_numbers_of_any_library_are_read_and_what_is_none_is_told_once(tmp_path: Path) -> None:
    import jax.numpy

    watched = calando.watch("a", folder=tmp_path)
    watched.log(a=1, b=np.float32(0.5), c=torch.ones(1, 1), d=jax.numpy.float32(0.25), e=math.inf, f=True)
    odd = {"vector": torch.ones(3), "text": "0.5", "g": 1.0, "": 1.0}
    with pytest.warns(UserWarning, match="a float can hold|printable characters") as told:
        watched.log(odd, step=1)
    watched.log(odd, step=2)
    watched.log(odd, step=3)
    watched.close()
    assert len(told) == 3
    tail = tail_of(tmp_path / "a")
    assert {name: values(tail, name) for name in "abcdef"} == {
        "a": [1.0], "b": [0.5], "c": [1.0], "d": [0.25], "e": [math.inf], "f": [1.0],
    }  # fmt: skip
    assert len(tail.columns["g"]) == 3


def test_numbers_on_a_device_are_fetched_together_and_kept_apart_from_what_the_loop_changes(tmp_path: Path) -> None:
    from calando.watch.values import Later, resolved

    class Remote(torch.Tensor):
        """Says that it is elsewhere."""

        @property
        def is_cpu(self) -> bool:  # type: ignore[override]
            return False

    loss = torch.zeros(()).as_subclass(Remote)
    watched = calando.watch("a", folder=tmp_path)
    for step in range(5):
        loss.fill_(float(step))
        watched.log(train_loss=loss, n=float(step))
    assert not (tmp_path / "a" / "record.jsonl").read_text().count('"m"')
    watched.close()
    tail = tail_of(tmp_path / "a")
    assert values(tail, "train_loss") == values(tail, "n") == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert resolved([Later(torch.tensor(0.5)), Later(torch.tensor(1.5))]) == [0.5, 1.5]


def test_a_name_that_is_taken_gets_a_number_and_names_lead_nowhere_else(tmp_path: Path) -> None:
    for name in ("a", "a-2", "a-3"):
        watched = calando.watch("a", horizon=1, folder=tmp_path)
        assert (watched.folder, tail_of(tmp_path / name).name) == (tmp_path / name, name)
        if name != "a":
            watched.close()
    for name in ("", "..", "../a", "a/../b", "/a", "a//b", ".a", "a\n", "x" * 300, "a\\b", 5):
        with pytest.raises(BadValue):
            calando.watch(name, horizon=1, folder=tmp_path)  # type: ignore[arg-type]
    assert calando.watch("group/b", horizon=1, folder=tmp_path).folder == tmp_path / "group" / "b"


@pytest.mark.parametrize(
    "given",
    [
        {"peak": 0.0}, {"peak": True}, {"horizon": 0}, {"horizon": 1.5}, {"metric": ""}, {"mode": "down"},
        {"meta": {"a": object()}}, {"meta": [1]}, {"resume": -1}, {"schedule": "cosine()"}, {"sinks": [3]},
    ],
)  # fmt: skip
def test_arguments_outside_what_is_allowed_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        calando.watch("a", folder=tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "mode"),
    [({"metric": "val_loss"}, "min"), ({"metric": "episode_reward"}, "max"), ({"metric": "val_accuracy"}, "max"),
     ({"metric": "reward_loss"}, "min"), ({"metric": "hits", "mode": "max"}, "max"),
     ({"metric": "score", "mode": "min"}, "min")],
)  # fmt: skip
def test_which_way_is_better_is_said_or_told_by_the_name_of_the_metric(
    tmp_path: Path, given: dict[str, Any], mode: str
) -> None:
    with calando.watch("first", folder=tmp_path, **given) as watched:
        watched.log(loss=1.0)
    header = tail_of(tmp_path / "first").header
    assert header is not None
    assert header.mode == mode


def test_steps_events_and_endings_are_checked(tmp_path: Path) -> None:
    watched = calando.watch("a", folder=tmp_path)
    with pytest.raises(BadValue, match="whole number"):
        watched.log(a=1.0, step=0.5)  # type: ignore[arg-type]
    with pytest.raises(BadName, match="finding"):
        watched.event("findings")
    with pytest.raises(BadName, match="done"):
        watched.close("doned")  # type: ignore[arg-type]
    watched.note("x" * 5000)
    watched.close("failed", "because")
    watched.close()
    tail = tail_of(tmp_path / "a")
    assert [event.kind for event in tail.events] == ["note", "ended"]
    assert (len(tail.events[0].data["text"]), tail.events[1].data["reason"]) == (1000, "because")
    with pytest.warns(UserWarning, match="ended"):
        watched.log(a=1.0)


def test_what_drives_a_run_is_said_once(tmp_path: Path) -> None:
    watched = calando.watch("a", folder=tmp_path)
    assert not watched.follows
    optimizer = sgd(0.5)
    watched.follow(optimizer=optimizer, horizon=5, begun=3)
    with pytest.raises(LabError, match="already"):
        watched.follow(optimizer=optimizer)
    optimizer.step()
    watched.log(train_loss=1.0)
    watched.close()
    assert (tail_of(tmp_path / "a").last, watched.ending) == (3, "unfinished")


def test_a_run_goes_on_in_its_record_where_its_scheduler_stands(tmp_path: Path) -> None:
    def part(steps: int, state: Any) -> Any:
        optimizer = sgd(0.5)
        scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(10))
        if state:
            scheduler.load_state_dict(state)
        watched = calando.watch("a", scheduler=scheduler, folder=tmp_path)
        kept = None
        for _ in range(steps):
            optimizer.step()
            scheduler.step()
            watched.log(train_loss=1.0 if state is None else 2.0)
            if watched.step == 3:
                kept = scheduler.state_dict()
        watched.close("failed" if state is None else None)
        return kept

    state = part(7, None)
    part(6, state)
    tail = tail_of(tmp_path / "a")
    assert [place.name for place in tmp_path.iterdir()] == ["a"]
    assert values(tail, "train_loss") == [1.0] * 4 + [2.0] * 6
    assert values(tail, "lr") == [0.5 * calando.linear_decay().bind(10)(t) for t in range(10)]
    assert [event.kind for event in tail.events] == ["ended", "resumed", "ended"]
    assert tail.state == "ended"


@pytest.mark.parametrize(("resume", "wanted"), [(True, [0, 1, 2, 3]), (1, [0, 1]), (False, [0])])
def test_resume_says_whether_and_from_where(tmp_path: Path, resume: Any, wanted: list[int]) -> None:
    first = calando.watch("a", folder=tmp_path)
    for _ in range(3):
        first.log(train_loss=1.0)
    first.close()
    second = calando.watch("a", folder=tmp_path, resume=resume)
    second.log(train_loss=2.0)
    assert second.folder is not None
    second.close()
    tail = tail_of(second.folder)
    assert (tail.columns["train_loss"].steps.tolist(), values(tail, "train_loss")[-1]) == (wanted, 2.0)


def test_a_run_that_another_process_writes_is_not_gone_on_with(tmp_path: Path) -> None:
    first = calando.watch("a", horizon=5, folder=tmp_path)
    with pytest.raises(LabError, match="another process"):
        calando.watch("a", horizon=5, folder=tmp_path, resume=True)
    first.close()


def test_threads_may_log_at_once(tmp_path: Path) -> None:
    watched = calando.watch("a", horizon=10, folder=tmp_path)

    def work(name: str) -> None:
        for step in range(300):
            watched.log({name: float(step)}, step=step)

    threads = [threading.Thread(target=work, args=(f"n{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watched.close()
    tail = tail_of(tmp_path / "a")
    assert [len(tail.columns[f"n{number}"]) for number in range(4)] == [300] * 4


def test_only_the_first_of_several_processes_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    for rank, kept in (("1", False), ("0", True)):
        monkeypatch.setenv("RANK", rank)
        optimizer = sgd(0.5)
        watched = calando.watch("a", optimizer=optimizer, folder=tmp_path, sinks=[lambda step, _: seen.append(step)])
        optimizer.step()
        watched.log(train_loss=1.0)
        assert (watched.step, watched.folder is not None) == (0, kept)
        watched.close()
    assert seen == [0]
    assert [place.name for place in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_fills_up_costs_the_record_and_never_the_run(tmp_path: Path) -> None:
    watched = calando.watch("a", horizon=3, folder=tmp_path)
    assert watched._recorder is not None
    real, watched._recorder._file = watched._recorder._file, os.open("/dev/full", os.O_WRONLY)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            watched.log(train_loss=1.0)
    assert ["No space left" in str(one.message) for one in told] == [True]
    os.close(real)
    watched.close()
    assert watched.step == 2
