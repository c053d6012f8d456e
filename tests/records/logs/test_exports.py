"""What the pages of Weights & Biases and MLflow give, and MLflow's file store, as their makers document them.

W&B: the columns and their bounds are those of https://github.com/wandb/wandb/issues/5349. MLflow: the table is that of
`convertMetricsToCsv` in mlflow/server/js/.../MetricsPlotPanel; the file store's lines are written by
mlflow/store/tracking/file_store.py, `_log_run_metric`: timestamp, value, step.
"""

from pathlib import Path

import numpy as np
import pytest

from calando.errors import BadFile
from calando.records.logs import read_logs


def wandb_table(axis: str, metric: str, runs: dict[str, list[float | None]], steps: list[int]) -> str:
    names = [axis]
    for run in runs:
        names += [f"{run} - {metric}{bound}" for bound in ("", "__MIN", "__MAX")]
    lines = [",".join(f'"{name}"' for name in names)]
    for i, step in enumerate(steps):
        cells = [f'"{step}"']
        for values in runs.values():
            cells += 3 * ['""' if values[i] is None else f'"{values[i]}"']
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def test_each_run_of_a_wandb_panel_is_a_log(tmp_path: Path) -> None:
    file = tmp_path / "wandb_export_2024-05-01.csv"
    runs: dict[str, list[float | None]] = {"happy - sun, 1": [3.0, 2.0, 1.5], "dry-fog-2": [3.1, None, 1.6]}
    file.write_text(wandb_table("train/global_step", "train/loss", runs, [100, 200, 300]))
    first, second = read_logs(file)
    assert (first.kind, first.name, first.loss) == ("wandb", "happy - sun, 1", "train/loss")
    assert first.losses().values.tolist() == [3.0, 2.0, 1.5]
    assert (second.name, second.losses().steps.tolist()) == ("dry-fog-2", [100, 300])
    assert list(first.columns) == ["train/loss"]


def test_two_exports_of_the_same_runs_are_one_log_each(tmp_path: Path) -> None:
    steps = list(range(10, 110, 10))
    losses = {"a": [3.0 - s / 100 for s in steps]}
    rates = {"a": [0.01 * (1 - (s - 1) / 100) for s in steps]}
    (tmp_path / "loss.csv").write_text(wandb_table("train/global_step", "train/loss", losses, steps))
    (tmp_path / "lr.csv").write_text(wandb_table("train/global_step", "train/learning_rate", rates, steps))
    (log,) = read_logs(tmp_path / "*.csv")
    assert (log.loss, log.lr) == ("train/loss", "train/learning_rate")
    assert np.allclose(log.rates()[[9, 99]], [rates["a"][0], rates["a"][-1]])


def test_wandbs_own_step_is_said_to_count_calls(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(wandb_table("Step", "train/loss", {"a": [3.0, 2.0]}, [5, 10]))
    (log,) = read_logs(file)
    assert any("counts calls of wandb.log" in note for note in log.notes)


def test_a_panel_over_time_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(wandb_table("Relative Time (Process)", "train/loss", {"a": [3.0, 2.0]}, [5, 10]))
    with pytest.raises(BadFile, match="none counts steps or epochs"):
        read_logs(file)


def test_each_run_of_an_mlflow_table_is_a_log(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    rows = ["run_id,key,value,step,timestamp"]
    for run, height in (("0a1b", 3.0), ("9f", 2.0)):
        for step in range(0, 300, 100):
            rows.append(f"{run},train_loss,{height - step / 1000},{step},1700000000000")
            rows.append(f"{run},val_loss,{height},{step},1700000000000")
    file.write_text("\n".join([*rows, "9f,train_loss,what,400,0", ""]))
    first, second = read_logs(file)
    assert (first.kind, first.name, second.name) == ("mlflow", "0a1b", "9f")
    assert (first.loss, first.val_loss) == ("train_loss", "val_loss")
    assert second.column("train_loss").values.tolist() == [2.0, 1.9, 1.8]
    assert "value is 'what', which is no number; row skipped" in str(second.problems[0])


def test_the_metrics_of_a_run_in_the_file_store_are_one_log(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / "abc123"
    for key, height in (("loss", 3.0), ("eval/loss", 3.5), ("lr", 0.1)):
        file = run / "metrics" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"17000000000{i:02d} {height - i / 100} {10 * i}\n" for i in range(1, 6)))
    (run / "meta.yaml").write_text("run_id: abc123\nrun_name: brave-owl-7\n")
    (log,) = read_logs(tmp_path / "mlruns")
    assert (log.kind, log.name, log.loss, log.val_loss, log.lr) == ("mlflow", "brave-owl-7", "loss", "eval/loss", "lr")
    assert log.column("loss").steps.tolist() == [10, 20, 30, 40, 50]
    (alone,) = read_logs(run / "metrics" / "loss")
    assert list(alone.columns) == ["loss"]


def test_a_line_of_a_metric_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "metrics" / "loss"
    file.parent.mkdir()
    file.write_text("1700000000000 3.0 1\nx\n1700000000002 nan 2\n1700000000003 0.5 2.5\n")
    (log,) = read_logs(file)
    assert log.diverged == 2
    assert [problem.line for problem in log.problems] == [0, 2, 4]
