"""What a log answers: losses to fit, rates by update, and what to give where it has none."""

import numpy as np
import pytest

from calando.errors import BadFile, BadName, BadValue
from calando.records.logs import Column, Log


def column(steps: list[int], values: list[float]) -> Column:
    return Column(np.array(steps), np.array(values))


def log_of(**given: Column) -> Log:
    roles = {name: name if name in given else "" for name in ("loss", "val_loss", "lr")}
    return Log("a", "a.csv", "csv", given, **roles)


def test_validation_losses_are_fitted_where_there_are_enough() -> None:
    train, few = column([1, 2], [3.0, 2.0]), column([1, 2], [4.0, 3.0])
    many = column(list(range(1, 9)), [4.0] * 8)
    assert log_of(loss=train, val_loss=few).losses().values[0] == 3.0
    assert log_of(loss=train, val_loss=many).losses().values[0] == 4.0
    assert log_of(val_loss=few).losses().values[0] == 4.0
    assert log_of(loss=train, val_loss=many).losses("loss").values[0] == 3.0


def test_losses_that_no_law_knows_are_left_out() -> None:
    log = log_of(loss=column([0, 1, 2, 3, 4], [9.0, np.inf, 0.0, -1.0, 2.0]))
    assert (log.losses().steps.tolist(), log.losses().values.tolist()) == ([4], [2.0])
    with pytest.raises(BadFile, match="none finite"):
        log_of(loss=column([1], [np.nan])).losses()


def test_rates_are_straight_between_logged_ones_and_flat_outside() -> None:
    log = log_of(lr=column([2, 4, 5], [0.2, 0.4, 0.1]))
    assert log.rates(6).tolist() == pytest.approx([0.2, 0.2, 0.3, 0.4, 0.1, 0.1])
    assert log.rates().size == 5
    for horizon in (0, -1, True, 2.5):
        with pytest.raises(BadValue):
            log.rates(horizon)  # type: ignore[arg-type]


def test_a_log_without_a_rate_says_how_to_give_one() -> None:
    for log in (log_of(loss=column([1], [1.0])), log_of(lr=column([1], [np.nan]))):
        with pytest.raises(BadFile) as caught:
            log.rates()
        assert '--plan "cosine() @ 3e-4"' in caught.value.fix
        assert "--lr NAME" in caught.value.fix


def test_more_updates_than_any_run_makes_are_refused() -> None:
    with pytest.raises(BadFile, match="another is named by --step"):
        log_of(lr=column([1, 2**50], [0.1, 0.1])).rates()


def test_a_log_without_a_loss_and_a_column_that_is_not_there_are_named() -> None:
    log = log_of(accuracy=column([1], [0.5]))
    with pytest.raises(BadFile, match="--loss NAME"):
        log.losses()
    with pytest.raises(BadName, match="did you mean 'accuracy'"):
        log.column("acuracy")


def test_the_horizon_is_the_known_one_and_never_less_than_what_was_logged() -> None:
    columns = {"loss": column([5, 10], [2.0, 1.0])}
    assert Log("a", "a", "csv", columns).horizon == 10
    assert Log("a", "a", "csv", columns, meta={"horizon": 40}).horizon == 40
    assert Log("a", "a", "csv", columns, meta={"horizon": 3}).horizon == 10
