"""Tables of any making: how they are written, which column is what, what in them is skipped."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calando.errors import BadFile, BadName, BadValue
from calando.records.diagnosis import diagnose
from calando.records.diagnosis.observe import from_log
from calando.records.logs import Log, opened, read_logs, table

PLAIN = "step,loss,lr\n10,3.5,0.1\n20,3.25,0.05\n30,3.0,0.0\n"


def log_of(folder: Path, text: str | bytes, name: str = "a.csv", **words: Any) -> Log:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    (log,) = read_logs(file, **words)
    return log


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace(".", ","),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " | "),
        PLAIN.replace(",", "   "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        "\ufeff" + PLAIN,
        "# made by hand\n\n" + PLAIN.replace("20,", "# a note\n\n20,"),
        "# step,loss,lr\n" + PLAIN.partition("\n")[2],
        '"step","loss","lr"\n' + "".join(",".join(f'"{c}"' for c in r.split(",")) + "\n" for r in PLAIN.split()[1:]),
        PLAIN.replace(",", ", ").replace("\n", ",\n").replace("lr,", "lr"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-8-sig"),
        gzip.compress(PLAIN.encode(), mtime=0),
        PLAIN + "step,loss,lr\n",
        PLAIN.replace("loss", "train_loss").replace("lr", "learning_rate").replace("step", "Iteration"),
    ],
    ids=str,
)
def test_a_table_is_read_however_it_is_written(tmp_path: Path, text: str | bytes) -> None:
    log = log_of(tmp_path, text)
    assert log.column(log.loss).steps.tolist() == [10, 20, 30]
    assert log.column(log.loss).values.tolist() == [3.5, 3.25, 3.0]
    assert log.column(log.lr).values.tolist() == [0.1, 0.05, 0.0]
    assert log.problems == ()


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (
            "epoch,global_step,train/loss,eval/loss,train/learning_rate",
            ("train/loss", "eval/loss", "train/learning_rate"),
        ),
        ("it,Loss/train,Loss/val,lr-AdamW", ("Loss/train", "Loss/val", "lr-AdamW")),
        ("step,loss,val_loss,lr-AdamW/pg1,lr-AdamW-momentum", ("loss", "val_loss", "lr-AdamW/pg1")),
        ("_step,train_loss_step,train_loss_epoch,valid_loss,lr", ("train_loss_step", "valid_loss", "lr")),
        ("iter,acc,test loss", ("", "test loss", "")),
        ("step,cross_entropy,LearningRate", ("cross_entropy", "", "LearningRate")),
        ("step,l2,momentum", ("", "", "")),
    ],
)
def test_columns_are_guessed_by_their_names(tmp_path: Path, names: str, roles: tuple[str, str, str]) -> None:
    row = ",".join("12345"[: names.count(",") + 1])
    log = log_of(tmp_path, f"{names}\n{row}\n")
    assert (log.loss, log.val_loss, log.lr) == roles


def test_what_was_guessed_is_shown_and_can_be_said_otherwise(tmp_path: Path) -> None:
    text = "step,my_step,loss,nll,lr,eta\n1,100,3,2,0.1,0.2\n2,200,2,1,0.1,0.2\n"
    log = log_of(tmp_path, text)
    assert "training loss: column 'loss' (also possible: 'nll'; --loss NAME says which)" in log.told()
    other = log_of(tmp_path, text, step="my_step", loss="NLL", lr="eta")
    assert (other.loss, other.lr, other.losses().steps.tolist()) == ("nll", "eta", [100, 200])
    with pytest.raises(BadName, match="did you mean 'eta'"):
        log_of(tmp_path, text, lr="etta")


def test_a_column_of_labels_parts_a_table_into_runs(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("run,step,loss\nb,1,3\na,1,4\nb,2,2\na,2,3.5\n")
    first, second = read_logs(file)
    assert [(log.name, log.losses().values.tolist()) for log in (first, second)] == [("b", [3, 2]), ("a", [4, 3.5])]
    file.write_text("arm,step,loss\nb,1,3\na,1,4\n")
    assert [log.name for log in read_logs(file, run="arm")] == ["b", "a"]


def test_a_column_that_differs_in_most_rows_names_no_runs(tmp_path: Path) -> None:
    text = "trial,step,loss\n" + "".join(f"t{n},{n},3.0\n" for n in range(1, 301))
    log = log_of(tmp_path, text)
    assert (log.name, len(log.column("loss"))) == ("a", 300)
    assert any("names no runs" in note for note in log.notes)
    assert len(read_logs(tmp_path / "a.csv", run="trial")) == 300


def test_bad_rows_are_named_by_line_and_skipped(tmp_path: Path) -> None:
    text = "step,loss,note\n1,3.5,a\n2,abc,b\n3,3.25\n4.5,3.0,c\n-1,3.0,c\n\nx,2,d\n,2,d\n5,,e\n6,2.5,f\n"
    log = log_of(tmp_path, text)
    assert log.losses().steps.tolist() == [1, 6]
    assert "note" not in log.columns
    told = {problem.line: problem.what for problem in log.problems}
    assert told == {
        3: "loss is 'abc', which is no number; row skipped",
        4: "2 cells instead of 3: '3,3.25'",
        5: "step is '4.5', not a whole number from 0 to 2^53; row skipped",
        6: "step is '-1', not a whole number from 0 to 2^53; row skipped",
        8: "step is 'x', not a whole number from 0 to 2^53; row skipped",
        9: "step is '', not a whole number from 0 to 2^53; row skipped",
    }


def test_lines_are_named_right_after_cells_of_several_lines(tmp_path: Path) -> None:
    log = log_of(tmp_path, 'step,loss,note\n1,3.5,"two\nlines"\n2,3.0,x\n3,bad,y\n')
    assert [problem.line for problem in log.problems] == [5]


def test_only_the_first_bad_rows_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    text = "step,loss\n" + "".join(f"{n},{'x' if n % 2 else 3.0}\n" for n in range(1, 2001))
    log = log_of(tmp_path, text)
    assert (len(log.problems), log.unlisted) == (20, 980)
    assert log.told()[-1] == "and 980 more such problems"


def test_losses_that_are_not_finite_stay_and_are_named_first(tmp_path: Path) -> None:
    log = log_of(tmp_path, "step,loss\n10,3\n20,x\n30,inf\n40,nan\n50,nan\n")
    assert log.column("loss").steps.tolist() == [10, 30, 40, 50]
    assert log.diverged == 30
    assert log.losses().steps.tolist() == [10]
    assert log.problems[0].what == "loss is inf at step 30, and at 2 later ones"


def test_nan_in_cells_that_nothing_was_logged_in_is_no_divergence(tmp_path: Path) -> None:
    rows = [f"{n},{4 - n / 100},{3.9 - n / 100 if n % 5 == 0 else 'nan'}" for n in range(1, 51)]
    log = log_of(tmp_path, "step,loss,val_loss\n" + "\n".join(rows) + "\n")
    assert log.diverged is None
    assert log.column("val_loss").steps.tolist() == list(range(5, 51, 5))
    assert any("NaN in 'val_loss' stands for cells" in note for note in log.notes)


def test_of_a_resumed_run_the_later_rows_count(tmp_path: Path) -> None:
    first = [f"{n},{5 - n / 100}" for n in range(10, 100, 10)]
    second = [f"{n},{4 - n / 100}" for n in range(60, 90, 10)]
    log = log_of(tmp_path, "step,loss\n" + "\n".join(first + second) + "\n")
    assert log.losses().steps.tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert log.losses().values.tolist()[-3:] == [3.4, 3.3, 3.2]
    assert any("steps go back to 60: a resumed run; 4 earlier rows" in note for note in log.notes)


def test_rows_in_disorder_are_sorted(tmp_path: Path) -> None:
    log = log_of(tmp_path, "step,loss\n" + "".join(f"{n},{n / 10}\n" for n in (50, 30, 40, 10, 20)))
    assert log.losses().values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert any("sorted" in note for note in log.notes)


@pytest.mark.parametrize(
    ("steps", "made"),
    [([0, 1, 2], [1, 2, 3]), ([99, 199, 299], [100, 200, 300]), ([100, 200, 300], [100, 200, 300]), ([0, 50], [0, 50])],
)
def test_where_counting_begins_is_read_off_the_steps(tmp_path: Path, steps: list[int], made: list[int]) -> None:
    text = "step,loss\n" + "".join(f"{step},3.0\n" for step in steps)
    assert log_of(tmp_path, text).column("loss").steps.tolist() == made
    assert log_of(tmp_path, text, counted_from=1).column("loss").steps.tolist() == steps
    assert log_of(tmp_path, text, counted_from=0).column("loss").steps.tolist() == [step + 1 for step in steps]


def test_a_table_of_epochs_counts_them_and_parts_of_them_need_their_size(tmp_path: Path) -> None:
    log = log_of(tmp_path, "Epoch,Train Loss,acc\n1,3,0.1\n2,2,0.2\n")
    assert (log.unit, log.losses().steps.tolist()) == ("epoch", [1, 2])
    text = "epoch,loss\n0.25,3\n0.5,2\n"
    with pytest.raises(BadFile, match="--steps-per-epoch N"):
        log_of(tmp_path, text)
    assert log_of(tmp_path, text, steps_per_epoch=100).losses().steps.tolist() == [25, 50]


def test_what_tensorboards_page_gives_is_named_by_its_file(tmp_path: Path) -> None:
    log = log_of(tmp_path, "Wall time,Step,Value\n1.7e9,10,3\n1.7e9,20,2\n", "run-a_b-tag-train_loss.csv")
    assert log.loss == "train_loss"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (b"\n\n# nothing\n", "nothing but blank lines and comments"),
        (b"step,loss\n", "nothing was logged"),
        (b"just a sentence\nand one more\n", "no table"),
        (b"1,2,3\n2,3,4\n", "columns have no names"),
        (b"loss,lr\n3,0.1\n", "none counts steps or epochs by its name ('loss', 'lr')"),
        (bytes(range(256)) * 8, "no text and no log that is known here"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "no text"),
        ("Größe,step\n1,2\n".encode("cp1252"), "not UTF-8 ('Gr"),
        (b"x" * (opened.HEAD + 1), "a first line of more than"),
        (gzip.compress(b"", mtime=0)[:12], "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_with_what_it_is(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(BadFile) as caught:
        read_logs(file)
    assert told in str(caught.value)
    assert caught.value.where == str(file)


def test_a_packed_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "step,loss\n" + "".join(f"{n},{3 + rng.random():.12f}\n" for n in range(1, 40_001))
    log = log_of(tmp_path, gzip.compress(text.encode())[:-100_000])
    assert 10_000 < len(log.column("loss")) < 40_000
    assert "breaks off" in str(log.problems[-1])


def test_one_gigantic_line_is_skipped_and_the_rest_read(tmp_path: Path) -> None:
    text = "step,loss\n1,3\n" + "9" * (opened.LONGEST + 2 * opened.BLOCK) + "\n2,2\n"
    log = log_of(tmp_path, text)
    assert log.losses().steps.tolist() == [1, 2]
    assert (log.problems[0].line, "a line of more than" in log.problems[0].what) == (3, True)


def test_a_quote_that_never_ends_costs_what_stands_in_it_and_is_told(tmp_path: Path) -> None:
    rows = "".join(f'{n},"{3.0}"\n' for n in range(1, 30_001))
    log = log_of(tmp_path, "step,loss\n" + rows.replace('\n100,"3.0"', '\n100,"3.0'))
    assert len(log.column("loss")) > 10_000
    assert log.problems


def test_pieces_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "step,loss,val_loss\n" + "".join(f"{n},{3 - n / 1000},{'' if n % 7 else 2.5}\n" for n in range(1, 200))
    text = text.replace("\n50,", "\nfifty,").replace("\n60,", "\n60,x")
    whole = log_of(tmp_path, text)
    quoted, spaced = text.replace("step,loss,val_loss", '"step","loss","val_loss"'), text.replace(",", ", ")
    for piece, written in ((1, text), (7, text), (64, text), (1, quoted), (7, quoted), (64, spaced)):
        monkeypatch.setattr(table, "PIECE", piece)
        monkeypatch.setattr(opened, "BLOCK", 5 * piece)
        log = log_of(tmp_path, written)
        assert log.problems == whole.problems
        for name in ("loss", "val_loss"):
            assert log.column(name).steps.tolist() == whole.column(name).steps.tolist()
            assert log.column(name).values.tolist() == whole.column(name).values.tolist()


def test_names_and_cells_that_steer_a_terminal_are_shown_tame(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("run,step,loss\n<b>\x1b[2Jx</b>,1,3\n<b>\x1b[2Jx</b>,2,\x1b]0;t\x07\n")
    (log,) = read_logs(file)
    shown = "".join([*log.told(), *map(str, log.problems)])
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u241b[2J" in shown


@pytest.mark.parametrize(
    "words",
    [
        {"steps_per_epoch": 0},
        {"steps_per_epoch": True},
        {"counted_from": 2},
        {"lr_edge": "after"},
        {"loss": " "},
        {"lr": 3},
    ],
)
def test_words_that_mean_nothing_are_refused(tmp_path: Path, words: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        log_of(tmp_path, PLAIN, **words)


def test_single_values_that_are_not_finite_are_no_divergence_where_finite_ones_follow(tmp_path: Path) -> None:
    rows = [f"{n},{'inf' if n == 20 else 4 - n / 100},{'nan' if n == 30 else 3.9 - n / 100}" for n in range(1, 51)]
    log = log_of(tmp_path, "step,loss,val_loss\n" + "\n".join(rows) + "\n")
    assert log.diverged is None
    assert diagnose(from_log(log))[0].kind != "diverged"
    assert any("loss is inf at step 20" in problem.what for problem in log.problems)


def test_an_evaluation_that_always_fails_is_no_divergence_while_the_training_loss_goes_on(tmp_path: Path) -> None:
    rows = [f"{n},{4 - n / 100},{'nan' if n > 9 else 3.9}" for n in range(1, 51)]
    assert log_of(tmp_path, "step,loss,val_loss\n" + "\n".join(rows) + "\n").diverged is None
    rows = [f"{n},{4 - n / 100 if n < 40 else 'nan'},{'nan' if n > 9 else 3.9}" for n in range(1, 51)]
    assert log_of(tmp_path, "step,loss,val_loss\n" + "\n".join(rows) + "\n").diverged == 40
