"""One process per framework: every case evaluated there, written to a file for the test to compare.

python -m tests.parity.worker torch out.npz
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from calando.errors import CalandoError
from tests.parity.plans import HORIZONS, TEN_MILLION, TWO_THOUSAND, Case, bound, cases, steps

Column = Callable[[list[Case], Any], list[Any]]
"""Values of cases of one horizon at an int64 NumPy array of steps."""

FRAMEWORKS = ("torch", "jax", "tensorflow")


def positions(horizon: int) -> Any:
    return np.array(steps(horizon), dtype=np.int64)


def asked(case: Case, door: Callable[[Any, float], Any] | None = None) -> Callable[[Any], Any]:
    """The function that a user calls: the door's learning rate at a peak of 1, or what no such function may hold."""
    schedule, quantity = bound(case), case.quantity
    if quantity != "lr":
        return lambda t: schedule.at(t)[quantity]
    return door(schedule, 1.0) if door and case.name not in ("bundle", "reduce_on_plateau") else schedule


def eager(convert: Callable[[Any], Any], door: Any = None) -> Column:
    """Each case by itself, on an array that `convert` makes."""
    return lambda chosen, at: [np.asarray(asked(case, door)(convert(at))) for case in chosen]


def compiled(
    compile_: Callable[[Callable[[Any], list[Any]]], Any], convert: Callable[[Any], Any], door: Any = None
) -> Column:
    """All cases in one function, compiled once."""

    def column(chosen: list[Case], at: Any) -> list[Any]:
        calls = [asked(case, door) for case in chosen]
        return [np.asarray(values) for values in compile_(lambda t: [call(t) for call in calls])(convert(at))]

    return column


def sparing(column: Column) -> Column:
    """Of a run that another column sees in full, the first setting of every plan alone."""

    def some(chosen: list[Case], at: Any) -> list[Any]:
        few = [case for case in chosen if case.first or case.horizon > 2**31]
        found = dict(zip(few, column(few, at), strict=True))
        return [found.get(case) for case in chosen]

    return some


def keras_door() -> Any:
    import calando.keras

    return calando.keras.LearningRate


def torch_columns() -> Iterator[tuple[str, Column, Column]]:
    import torch

    torch.set_num_threads(1)
    single = eager(torch.from_numpy)

    def double(chosen: list[Case], at: Any) -> list[Any]:
        torch.set_default_dtype(torch.float64)
        try:
            return single(chosen, at)
        finally:
            torch.set_default_dtype(torch.float32)

    def graph(chosen: list[Case], at: Any) -> list[Any]:
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        whole = compiled(lambda call: torch.compile(call, fullgraph=True, dynamic=True), torch.from_numpy)
        found = sparing(whole)(chosen, at)
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
        return found

    yield "torch float32", single, single
    yield "torch float64", double, double
    yield "torch.compile", graph, compiled(torch.compile, torch.from_numpy)
    by_keras = eager(torch.from_numpy, keras_door())
    yield "Keras on torch", by_keras, by_keras


def jax_columns() -> Iterator[tuple[str, Column, Column]]:
    import jax

    import calando.optax

    def words(at: Any) -> Any:
        return calando.optax.Count((at >> 32).astype(np.uint32), (at & 0xFFFFFFFF).astype(np.uint32))

    for label, convert, door in (
        ("jax jit", np.int32, None),
        ("optax", words, calando.optax.learning_rate),
        ("Keras on jax", np.int32, keras_door()),
    ):
        column = compiled(jax.jit, convert, door)
        yield label, column if label == "jax jit" else sparing(column), column


def tensorflow_columns() -> Iterator[tuple[str, Column, Column]]:
    import tensorflow as tf

    by_keras, graph = eager(tf.constant, keras_door()), compiled(tf.function, tf.constant, keras_door())
    yield "Keras on tensorflow", by_keras, by_keras
    yield "tf.function", graph, graph


SHORT = {
    "torch.compile": (TWO_THOUSAND, TEN_MILLION),
    "jax jit": HORIZONS[:3],
    "Keras on jax": HORIZONS[:3],
}
"""Columns that do not see every horizon: compiling takes long, and int32 ends at 2^31."""

COLUMNS = {"torch": torch_columns, "jax": jax_columns, "tensorflow": tensorflow_columns}


def work(framework: str, path: str) -> None:
    out: dict[str, Any] = {}
    for label, column, refusing in COLUMNS[framework]():
        start = time.process_time()
        for horizon in SHORT.get(label, HORIZONS):
            chosen = [case for case in cases(horizon) if case.name != "function"]
            for case, values in zip(chosen, column(chosen, positions(horizon)), strict=True):
                if values is not None:
                    out[key(label, case, values)] = values
        values, by_name = tried(refusing, function(TWO_THOUSAND))
        if values is not None:
            out[key(label, function(TWO_THOUSAND), values)] = values
        out[f"{label}\trefuses"] = np.array(by_name and tried(refusing, function(TEN_MILLION)) == (None, True))
        print(f"{label}: {time.process_time() - start:.1f} s CPU", flush=True)
    np.savez(path, **out)


def key(label: str, case: Case, values: Any) -> str:
    return "\t".join((label, str(8 * values.dtype.itemsize), str(case.horizon), case.quantity, case.text))


def function(horizon: int) -> Case:
    """A Python function, which a framework can compute only as a table of all its values, if at all."""
    return next(case for case in cases(horizon) if case.name == "function")


def tried(column: Column, case: Case) -> tuple[Any, bool]:
    """The values, or None; and whether all went well or was refused by an error of ours."""
    try:
        return column([case], positions(case.horizon))[0], True
    except Exception as error:  # noqa: BLE001 - a compiler wraps what happens inside
        chain: BaseException | None = error
        while chain is not None and not isinstance(chain, CalandoError):
            chain = chain.__cause__ or chain.__context__
        return None, chain is not None


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2])
