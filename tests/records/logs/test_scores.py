"""Logs without a loss: a metric that is better when higher is found by its name, or named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calando.errors import BadFile, BadValue
from calando.records.diagnosis import diagnose
from calando.records.diagnosis.observe import from_log
from calando.records.live import Header, Recorder
from calando.records.logs import read_logs
from calando.records.logs.guess import better, find
from tests.records.logs.samples import state

EPOCHS = 24
GOOD = [0.9 - 0.7 * float(np.exp(-epoch / 4)) + 0.004 * ((7 * epoch) % 5 - 2) for epoch in range(EPOCHS)]
TRAINED = [0.98 - 0.8 * float(np.exp(-epoch / 4)) for epoch in range(EPOCHS)]
BAD = [value - 0.01 * max(0, epoch - 8) for epoch, value in enumerate(GOOD)]


def keras(path: Path, values: list[float]) -> Path:
    """As `keras.callbacks.CSVLogger` writes it where nothing but accuracies is logged: in alphabetical order."""
    rows = [f"{i},{TRAINED[i]!r},{value!r}" for i, value in enumerate(values)]
    path.write_text("\n".join(["epoch,accuracy,val_accuracy", *rows]) + "\n")
    return path


def lightning(path: Path, values: list[float]) -> Path:
    """As `lightning.pytorch.loggers.CSVLogger` writes it: rows of their own for training and validation."""
    lines = ["epoch,lr-SGD,step,train_acc,val_acc"]
    for i, value in enumerate(values):
        last = 50 * (i + 1) - 1
        lines += [f"{i},{0.1 * (1 - i / EPOCHS)!r},{last - 9},,", f"{i},,{last - 9},{TRAINED[i]!r},"]
        lines.append(f"{i},,{last},,{value!r}")
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return path


def trainer(path: Path, values: list[float]) -> Path:
    """As a Trainer writes it with compute_metrics, whose model gives no loss at evaluation."""
    rate = [{"step": 50 * i + 10, "epoch": i, "learning_rate": 1e-3 * (1 - i / EPOCHS)} for i in range(EPOCHS)]
    seen = [{"step": 50 * (i + 1), "epoch": i + 1, "eval_accuracy": value, "eval_runtime": 1.5}
            for i, value in enumerate(values)]  # fmt: skip
    state(path, sorted([*rate, *seen], key=lambda entry: entry["step"]), max_steps=50 * EPOCHS)
    return path / "trainer_state.json"


@pytest.mark.parametrize(
    ("write", "score", "of_training"),
    [(keras, "val_accuracy", "accuracy"), (lightning, "val_acc", "train_acc"), (trainer, "eval_accuracy", "")],
)
def test_an_accuracy_is_read_as_a_metric_that_is_better_when_higher(
    tmp_path: Path, write: object, score: str, of_training: str
) -> None:
    (log,) = read_logs(write(tmp_path / "log.csv", GOOD))  # type: ignore[operator]
    assert (log.loss, log.val_loss, log.score, log.train_score) == ("", "", score, of_training)
    assert f"score, better when higher: '{score}'" in log.told()[0]
    seen = from_log(log)
    assert (seen.metric, seen.higher_is_better, seen.train_higher) == (score, True, bool(of_training))
    assert [one.kind for one in diagnose(seen)] == ["healthy"]
    (log,) = read_logs(write(tmp_path / "bad.csv", BAD))  # type: ignore[operator]
    assert [one.kind for one in diagnose(from_log(log))] == ["overfitting"]
    with pytest.raises(BadFile, match="none is a loss"):
        log.losses()


def test_a_loss_is_judged_before_any_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1.0,0.4,1.1\n1,0.6,0.9,0.5,1.0\n")
    (log,) = read_logs(path)
    assert (log.loss, log.val_loss, log.score, log.train_score) == ("loss", "val_loss", "", "")


@pytest.mark.parametrize(
    "name",
    ["val_accuracy", "val/acc", "Accuracy/val", "eval_f1", "val_f1_macro", "valid_auroc", "eval_bleu", "val/top1",
     "val/Acc@1", "test_acc", "validation/epoch_accuracy", "val_miou", "eval_matthews_correlation"],
)  # fmt: skip
def test_names_of_scores(name: str) -> None:
    assert find("score", [name]) == [name]
    assert not find("loss", [name])


@pytest.mark.parametrize("name", ["best_val_acc", "reward", "recall", "val_precision", "grad_norm", "val_error", "lr"])
def test_names_of_none(name: str) -> None:
    assert not find("score", [name])
    assert not find("train_score", [name])


@pytest.mark.parametrize(
    "name",
    ["reward", "Return", "score", "episode_reward", "rollout/ep_rew_mean", "charts/episodic_return", "eval/mean_reward",
     "env_runners/episode_return_mean", "rewards/margins", "rewards/accuracies", "objective/rlhf_reward", "win_rate",
     "eval/success_rate", "val_precision", "recall", "val_psnr", "test_score", "val_acc", "val/ndcg@10", "mrr",
     "mAP@0.5", "eval_pass@1", "hit_rate@10", "recall@20", "eval_spearman_cosine", "pearsonr"],
)  # fmt: skip
def test_what_is_better_when_higher_is_so_by_its_name_once_it_is_named(tmp_path: Path, name: str) -> None:
    assert (better(name), find("loss", [name]), find("val_loss", [name])) == ("max", [], [])
    path = tmp_path / "a.csv"
    path.write_text(f"step,{name}\n" + "".join(f"{10 * i},{200 * value!r}\n" for i, value in enumerate(GOOD)))
    for asked in ({"val_loss": name}, {"loss": name}):
        (log,) = read_logs(path, **asked)
        assert (log.loss, log.val_loss) == ("", "")
        assert [one.kind for one in diagnose(from_log(log))] == ["healthy"]


@pytest.mark.parametrize(
    "name",
    ["reward_loss", "loss/reward", "return_loss", "reward_std", "return_mse", "reward_error", "value_loss",
     "ep_len_mean", "brier_score", "fid_score", "z_score", "score_loss", "reward_model_loss", "regret", "val_loss",
     "total", "mean", "recall_loss", "hits_time", "map_size", "elbo_loss", "step_time"],
)  # fmt: skip
def test_a_loss_of_a_reward_is_a_loss(name: str) -> None:
    assert better(name) == "min"


def test_an_accuracy_of_whatever_data_is_judged_with_a_doubt(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,accuracy\n" + "".join(f"{10 * i},{value!r}\n" for i, value in enumerate(BAD)))
    (log,) = read_logs(path)
    assert (log.score, log.train_score) == ("", "accuracy")
    seen = from_log(log)
    assert (seen.metric, seen.higher_is_better, seen.unsure) == ("accuracy", True, True)


def test_a_metric_that_no_name_tells_is_named_with_its_direction(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("step,return\n" + "".join(f"{10 * i},{value!r}\n" for i, value in enumerate(BAD)))
    seen = from_log(*read_logs(path))
    assert (seen.val, seen.logged) == (([], []), ("return",))
    (log,) = read_logs(path, val_loss="return")
    assert (log.val_loss, log.score) == ("", "return")
    (log,) = read_logs(path, val_loss="return", higher=True)
    assert (log.val_loss, log.score) == ("", "return")
    assert from_log(log).higher_is_better
    assert read_logs(keras(tmp_path / "k.csv", GOOD), val_loss="val_accuracy")[0].score == "val_accuracy"
    assert read_logs(keras(tmp_path / "k.csv", GOOD), val_loss="val_accuracy", higher=False)[0].score == ""
    assert read_logs(keras(tmp_path / "k.csv", GOOD), loss="accuracy")[0].loss == ""
    with pytest.raises(BadValue, match="--val-loss NAME"):
        read_logs(path, higher=True)


def test_a_folder_is_searched_for_accuracies_too(tmp_path: Path) -> None:
    keras(tmp_path / "history.csv", GOOD)
    (tmp_path / "prices.csv").write_text("step,price\n1,2\n2,3\n")
    assert [log.score for log in read_logs(tmp_path)] == ["val_accuracy"]


def test_a_watched_run_whose_metric_is_better_when_higher_is_judged_by_it(tmp_path: Path) -> None:
    header = Header("run", schedule=None, peak=1.0, horizon=EPOCHS, metric="hits", mode="max")
    recorder = Recorder(str(tmp_path / "run"), header)
    for step, value in enumerate(BAD):
        recorder.log(step, {"hits": value})
    recorder.close()
    seen = from_log(*read_logs(tmp_path / "run"))
    assert (seen.metric, seen.higher_is_better, len(seen.val[0])) == ("hits", True, EPOCHS)


@pytest.mark.parametrize("ending", ["nan", "inf"])
@pytest.mark.parametrize("write", [keras, lightning])
def test_scores_that_are_none_any_more_are_told_as_a_divergence(tmp_path: Path, write, ending: str) -> None:
    lost = [value if epoch < 14 else float(ending) for epoch, value in enumerate(GOOD)]
    (log,) = read_logs(write(tmp_path / "metrics.csv", lost))
    if write is keras:
        assert log.diverged is None  # the training accuracy goes on: it is the validation that broke
        (log,) = read_logs(tmp_path / "metrics.csv", val_loss="val_accuracy", higher=True, loss="val_accuracy")
    else:
        log = replace(log, train_score="")
    assert log.diverged is not None
    assert any(f"is {ending} at" in str(problem) for problem in log.problems)
    (found,) = diagnose(from_log(log))
    assert found.kind == "diverged"
    assert "is not a number from step" in found.words


@pytest.mark.parametrize("lost", [[5], [5, 6, 7], [23], []])
def test_a_score_that_is_a_number_again_or_lacks_its_last_value_has_not_diverged(tmp_path: Path, lost) -> None:
    lines = [f"{epoch},{float('nan') if epoch in lost else value}" for epoch, value in enumerate(GOOD)]
    (tmp_path / "log.csv").write_text("\n".join(["epoch,val_auc", *lines]) + "\n")
    (log,) = read_logs(tmp_path / "log.csv")
    assert log.diverged is None
    assert len(log.problems) == bool(lost)
    assert [one.kind for one in diagnose(from_log(log))] == ["healthy"]
