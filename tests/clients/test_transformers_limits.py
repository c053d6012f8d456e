"""What a Trainer would do to a schedule without a word: refused when it is handed over, or when training begins."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import calando
import calando.torch
import calando.transformers
from calando.core.hosts import innermost
from calando.errors import BadState, BadValue, DoesNotFit
from calando.transformers import drive, horizon, pair
from tests.clients.run_transformers import texts, tiny
from tests.clients.small import with_torchvision
from tests.clients.test_transformers import PLAN, arguments, train, trainer_of, wanted

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
LISTENING = calando.reduce_on_plateau(calando.constant(), patience=0, factor=0.5)


def of(**more: Any) -> Any:
    """TrainingArguments, as far as a horizon is read off them."""
    given = {"max_steps": -1, "num_train_epochs": 2, "train_batch_size": 8, "gradient_accumulation_steps": 1}
    return SimpleNamespace(**{**given, "world_size": 1, "dataloader_drop_last": False, **more})


def sgd() -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)


def test_model_init_throws_a_schedule_away_and_is_refused(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    args = arguments(tmp_path, max_steps=6)
    trainer = Trainer(model_init=tiny, args=args, train_dataset=texts())
    with pytest.raises(BadValue, match="model_init") as caught:
        drive(trainer, PLAN)
    assert "create_scheduler" in caught.value.fix
    used: list[float] = []

    class Scheduled(Trainer):  # type: ignore[misc]
        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:  # what the message says
            schedule = calando.parse(PLAN).bind(num_training_steps)
            self.lr_scheduler = calando.torch.attach(self.optimizer, schedule)
            innermost(self.optimizer).register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
            return self.lr_scheduler

    Scheduled(model_init=tiny, args=args, train_dataset=texts()).train()
    assert used == wanted(6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interval": "epoch"}, "hold(plan, every='1ep')"),
        ({"calls_per_update": 2}, "leave it out"),
        ({"calls_per_update": "2"}, "leave it out"),
    ],
)
def test_a_clock_that_the_trainer_does_not_step_is_refused(options: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue) as caught:
        drive(trainer_of(arguments(tmp_path)), PLAN, **options)
    assert words in caught.value.fix
    with pytest.raises(BadValue) as caught:
        pair(of(), sgd(), PLAN, 80, **options)
    assert words in caught.value.fix


def test_rates_that_are_still_within_an_epoch_are_said_by_the_plan(tmp_path: Path) -> None:
    trainer = trainer_of(arguments(tmp_path, num_train_epochs=2))
    drive(trainer, "hold(linear_decay(), every=1ep)", interval="step")
    assert train(trainer) == [0.01] * 20 + [0.005] * 20


@pytest.mark.parametrize("follow", [False, True])
def test_follow_may_be_said(follow: bool, tmp_path: Path) -> None:
    trainer = trainer_of(arguments(tmp_path, max_steps=5))
    drive(trainer, PLAN, follow=follow)
    assert train(trainer) == wanted(5)
    assert pair(of(), sgd(), PLAN, 80, follow=follow)[1].options.follow is follow


def test_a_batch_size_that_is_still_to_be_found_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="auto_find_batch_size"):
        drive(trainer_of(arguments(tmp_path, auto_find_batch_size=True)), PLAN)
    with pytest.raises(BadValue, match="auto_find_batch_size"):
        pair(of(auto_find_batch_size=True), sgd(), PLAN, 80)


def test_a_second_training_is_refused_until_the_schedule_is_set_back(tmp_path: Path) -> None:
    trainer = trainer_of(arguments(tmp_path, max_steps=5))
    scheduler = drive(trainer, PLAN)
    used: list[float] = []
    trainer.optimizer.register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    trainer.train()
    with pytest.raises(BadState, match="begins at update 0, under a schedule that stands at 5"):
        trainer.train()
    scheduler.step(epoch=0)
    trainer.train()
    assert used == wanted(5) * 2


def test_a_training_that_was_broken_off_is_not_begun_anew_in_the_middle(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import TrainerCallback

    class Stop(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 3:
                raise KeyboardInterrupt

    trainer = trainer_of(arguments(tmp_path, max_steps=5), callbacks=[Stop()])
    drive(trainer, PLAN)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    with pytest.raises(BadState, match="stands at 3"):
        trainer.train()


def test_a_step_that_was_set_on_purpose_is_where_training_begins(tmp_path: Path) -> None:
    trainer = trainer_of(arguments(tmp_path, max_steps=5))
    drive(trainer, calando.parse(PLAN).bind(8)).step(epoch=3)
    assert train(trainer) == wanted(8)[3:]


def test_a_checkpoint_without_the_scheduler_is_refused(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    args = arguments(tmp_path, max_steps=4)
    args.save_strategy, args.save_steps, args.save_only_model = "steps", 2, True
    trainer = Trainer(tiny(), args, train_dataset=texts())
    drive(trainer, PLAN)
    trainer.train()
    again = Trainer(tiny(), args, train_dataset=texts())
    scheduler = drive(again, PLAN)
    with pytest.raises(BadState, match=r"scheduler\.pt"):
        again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    scheduler.step(epoch=2)
    used: list[float] = []
    innermost(again.optimizer).register_step_pre_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert used == wanted(4)[2:]


def test_the_trainers_of_transformers_4_are_asked_in_their_words(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    class Older(Trainer):  # type: ignore[misc]
        asked = 0

        def set_initial_training_values(self, args: Any, dataloader: Any, total_train_batch_size: int = 0) -> Any:
            self.asked += total_train_batch_size
            return super().set_initial_training_values(args, dataloader)

    trainer = Older(tiny(), arguments(tmp_path, gradient_accumulation_steps=2), train_dataset=texts())
    scheduler = drive(trainer, PLAN)
    assert (scheduler.tracks[0].schedule.horizon, trainer.asked) == (10, 16)
    with pytest.raises(BadValue, match="cannot be asked for the length"):
        drive(SimpleNamespace(args=of(), optimizer=sgd(), lr_scheduler=None), PLAN)


def test_tokens_and_samples_are_counted_where_their_size_is_told(tmp_path: Path) -> None:
    tokens = "warmup(2560tok) | linear_decay()"
    with pytest.raises(DoesNotFit, match=r"pass tokens_per_step=\.\.\. to calando\.transformers\.drive"):
        drive(trainer_of(arguments(tmp_path)), tokens)
    driven = drive(trainer_of(arguments(tmp_path)), tokens, tokens_per_step=256)
    assert driven.tracks[0].schedule == calando.parse(tokens).bind(20, steps_per_epoch=20, tokens_per_step=256)
    samples = "warmup(40sa) | linear_decay()"
    with pytest.raises(DoesNotFit, match=r"pass samples_per_step=\.\.\. to calando\.transformers\.pair"):
        pair(of(), sgd(), samples, 80)
    _, paired = pair(of(), sgd(), samples, 80, samples_per_step=8)
    assert paired.tracks[0].schedule == calando.parse(samples).bind(20, steps_per_epoch=10, samples_per_step=8)
    with pytest.raises(BadValue, match="bound already"):
        pair(of(), sgd(), calando.cosine().bind(20), tokens_per_step=256)


def test_epochs_ask_for_the_dataset() -> None:
    with pytest.raises(DoesNotFit, match=r"pass dataset=\.\.\."):
        pair(of(max_steps=20), sgd(), "warmup(1ep) | cosine()")
    _, scheduler = pair(of(max_steps=20), sgd(), "warmup(1ep) | cosine()", 80)
    assert scheduler.tracks[0].schedule.steps_per_epoch == 10


def test_epochs_of_a_stream_are_of_no_known_length(tmp_path: Path) -> None:
    with_torchvision()
    from transformers import Trainer

    class Stream(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Any:
            return iter(texts())

    trainer = Trainer(tiny(), arguments(tmp_path, max_steps=5), train_dataset=Stream())
    with pytest.raises(DoesNotFit, match="has no length"):
        drive(trainer, "warmup(1ep) | cosine()")
    drive(trainer, PLAN)
    assert train(trainer) == wanted(5)


@pytest.mark.parametrize("strategy", ["no", SimpleNamespace(value="no")])
def test_a_plan_that_would_never_be_told_anything_is_refused(strategy: Any) -> None:
    with pytest.raises(BadValue, match="eval_strategy"):
        pair(of(metric_for_best_model="loss", eval_strategy=strategy), sgd(), LISTENING, 80)
    pair(of(metric_for_best_model="loss", eval_strategy="steps"), sgd(), LISTENING, 80)


def test_a_trainer_that_never_evaluates_is_refused_a_plan_that_listens(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="eval_strategy=no"):
        drive(trainer_of(arguments(tmp_path, metric_for_best_model="loss")), LISTENING)


@pytest.mark.parametrize("dataset", [-3, 0, True, [], "abc", 2.5, {"train": [1]}, None, iter([1])])
@pytest.mark.parametrize("steps", [-1, 5])
def test_what_is_no_dataset_is_refused(dataset: Any, steps: int) -> None:
    if steps > 0 and (dataset is None or hasattr(dataset, "__next__")):
        assert horizon(of(max_steps=steps), dataset) == 5
    else:
        with pytest.raises(BadValue, match=r"dataset|has no length"):
            horizon(of(max_steps=steps), dataset)


@pytest.mark.parametrize(
    "more",
    [
        {"max_steps": 0},
        {"max_steps": None},
        {"max_steps": 1.5},
        {"num_train_epochs": 0},
        {"num_train_epochs": float("nan")},
        {"num_train_epochs": "3"},
        {"train_batch_size": 0},
        {"gradient_accumulation_steps": 0},
        {"world_size": None},
    ],
    ids=str,
)
def test_numbers_that_count_nothing_are_refused(more: Any) -> None:
    (name,) = more
    with pytest.raises(BadValue, match=name):
        horizon(of(**more), 80)


def test_what_is_no_trainer_and_what_are_no_arguments_is_told() -> None:
    for junk in (None, 3, "trainer", SimpleNamespace()):
        with pytest.raises(BadValue, match=r"a transformers\.Trainer"):
            drive(junk, PLAN)
        for call in (horizon, lambda args: pair(args, sgd(), PLAN)):
            with pytest.raises(BadValue, match=r"transformers\.TrainingArguments"):
                call(junk)
    with pytest.raises(BadValue, match=r"a torch\.optim\.Optimizer"):
        pair(of(), None, PLAN, 80)
