"""Files cut off anywhere, garbled anywhere, or never logs at all: logs that are true, or an error of ours."""

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calando.errors import CalandoError
from calando.records.logs import Log, read_logs
from calando.records.logs.log import listed

WANDB = '"Step","a - loss","a - loss__MIN","a - loss__MAX"\n"1","3","3","3"\n"2","2","2","2"\n'
MLFLOW = "run_id,key,value,step,timestamp\na,loss,3,1,0\na,loss,2,2,0\n"


def sources(torch_files: Path, keras_files: Path) -> list[Path]:
    return [
        torch_files / "linear" / "checkpoint-40" / "trainer_state.json",
        torch_files / "lightning" / "every4" / "version_0" / "metrics.csv",
        keras_files / "keras" / "history.csv",
        next((keras_files / "writers" / "tensors").iterdir()),
        next((keras_files / "writers" / "numbers").iterdir()),
    ]


def asked_everything(path: Path) -> list[Log] | None:
    """The logs of a file, each asked all it can answer; None for an error of ours."""
    try:
        logs = read_logs(path)
    except CalandoError:
        return None
    for log in logs:
        assert log.told()
        assert listed(log.columns)
        assert log.horizon >= log.last
        for column in log.columns.values():
            assert (column.steps[1:] > column.steps[:-1]).all()
            assert column.steps[0] >= 0
        for question in (log.losses, log.rates, lambda log=log: log.diverged):
            with suppress(CalandoError):
                question()
    return logs


def test_cut_off_at_any_byte_what_is_read_was_there(torch_files: Path, keras_files: Path, tmp_path: Path) -> None:
    chance = random.Random(0)
    for source in sources(torch_files, keras_files):
        content = source.read_bytes()
        (whole,) = read_logs(source)
        read = 0
        for _ in range(40):
            file = tmp_path / source.name
            file.write_bytes(content[: chance.randrange(len(content))])
            for log in asked_everything(file) or []:
                read += 1
                for name, column in log.columns.items():
                    if len(column) < 2:
                        continue  # where counting begins cannot be seen
                    true = whole.columns[name]
                    # The last number of a text may have lost digits; those of sealed records never.
                    sure = len(column) - (log.kind != "tensorboard")
                    assert column.steps[:sure].tolist() == true.steps[:sure].tolist()
                    assert column.values[:sure].tolist() == true.values[:sure].tolist()
        assert read > 20 or source.suffix == ".json", source


def test_garbled_anywhere_it_is_logs_or_an_error_of_ours(torch_files: Path, keras_files: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    for source in sources(torch_files, keras_files):
        content = source.read_bytes()
        for _ in range(40):
            damaged = bytearray(content)
            for _ in range(chance.choice((1, 3, 30))):
                damaged[chance.randrange(len(damaged))] = chance.choice((chance.randrange(256), 0, 10, 34, 44, 45, 57))
            file = tmp_path / source.name
            file.write_bytes(damaged)
            asked_everything(file)


def test_no_damaged_number_is_taken_from_sealed_records(keras_files: Path, tmp_path: Path) -> None:
    chance = random.Random(2)
    (source,) = (keras_files / "writers" / "tensors").iterdir()
    content, (whole,) = source.read_bytes(), read_logs(source)
    known = {name: dict(zip(c.steps.tolist(), c.values.tolist(), strict=True)) for name, c in whole.columns.items()}
    for _ in range(60):
        damaged = bytearray(content)
        place = chance.randrange(len(damaged))
        damaged[place] ^= 1 << chance.randrange(8)
        file = tmp_path / source.name
        file.write_bytes(damaged)
        for log in asked_everything(file) or []:
            for name, column in log.columns.items():
                shift = 1 - min(column.steps.tolist())  # without its first record a file does not begin at 0
                for step, value in zip(column.steps.tolist(), column.values.tolist(), strict=True):
                    assert known[name][step] == value or (shift != 0 and known[name][step + 1] == value)


heads = st.sampled_from(
    [
        b"",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\x1f\x8b\x08\x00",
        b"SQLite format 3\0",
        b'{"log_history": [',
        b'{"log_history": [{"step": 1, "loss": 2}]}',
        b"1700000000000 ",
        b"step,loss\n",
        b"step;loss;lr\n1;",
        b"epoch,loss\n0,",
        b"epoch,step,train_loss\r\n,1,",
        WANDB.encode(),
        MLFLOW.encode(),
        b"\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22",
    ]
)
cells = st.text(st.sampled_from(list('0123456789.,;-+eE"\n\r\t #naNinf_')), max_size=200).map(str.encode)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=heads, tail=st.one_of(st.binary(max_size=200), cells))
def test_any_bytes_are_logs_or_an_error_of_ours(scratch: Path, head: bytes, tail: bytes) -> None:
    file = scratch / "file"
    file.write_bytes(head + tail)
    asked_everything(file)


histories = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["step", "loss", "eval_loss", "learning_rate", "train_runtime"]), inner)
    ),
)


@settings(max_examples=100)
@given(content=histories, meta=st.none() | st.integers() | st.floats() | st.text(max_size=3))
def test_any_history_is_a_log_or_an_error_of_ours(scratch: Path, content: object, meta: object) -> None:
    file = scratch / "trainer_state.json"
    file.write_text(json.dumps({"log_history": content, "max_steps": meta, "num_train_epochs": meta}))
    asked_everything(file)
