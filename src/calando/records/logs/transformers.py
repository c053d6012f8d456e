"""Hugging Face's `trainer_state.json`, which a Trainer writes into every checkpoint.

`log_history` has an entry for each log and each evaluation, under the number of updates made. `loss` is the mean over
the updates since the log before. `learning_rate` is the rate that the last update used since transformers 4.51 (pull
request 36973), the next update's before: `edge_of` looks. The last entry sums up the whole run and is left out.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from calando.errors import shown
from calando.records.logs.draft import Asked, Draft, Pair, Problems
from calando.records.logs.log import listed
from calando.records.logs.opened import Opened, text_of, whole
from calando.records.logs.plain_csv import stem

__all__ = ["looks", "read"]

FURTHEST = 2**53
KNOWN = {
    "max_steps": "horizon",
    "num_train_epochs": "epochs",
    "global_step": "steps",
    "logging_steps": "logging_steps",
    "eval_steps": "eval_steps",
}
SUMS_UP = "train_runtime"

Read = dict[str, tuple[list[int], list[float]]]


def looks(file: Opened) -> bool:
    """Whether it begins as JSON does; `read` says what it is when it is another's."""
    text = text_of(file)
    return text is not None and text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}


def read(file: Opened, _asked: Asked) -> list[Draft]:
    """Its run.

    Raises:
        BadFile: when it is no JSON, or another's.
    """
    state = _parsed(file)
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        told = f"an object with {listed(state)}" if isinstance(state, dict) else f"a {_kind(state)}"
        raise file.refused(
            f"JSON of another kind ({told})",
            "a trainer_state.json, which has a log_history",
            "give the one in the last checkpoint's folder",
        )
    problems = Problems(file.source)
    read: Read = {}
    for place, entry in enumerate(history):
        step = entry.get("step") if isinstance(entry, dict) else None
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= FURTHEST:
            problems.add(f"entry {place} of log_history has no step: {shown(entry)}")
        elif SUMS_UP not in entry:
            _take(entry, step, read, problems)
    columns: dict[str, Pair] = {
        name: (np.array(steps, np.float64), np.array(values)) for name, (steps, values) in read.items()
    }
    meta = {ours: state[theirs] for theirs, ours in KNOWN.items() if _counts(state.get(theirs))}
    return [
        Draft(
            stem(file),
            file.source,
            "transformers",
            columns,
            problems,
            edge=None,
            meta=meta,
            loss="loss" if "loss" in columns else None,
        )
    ]


def _parsed(file: Opened) -> Any:
    content = whole(file)
    try:
        return json.loads(content.decode(file.encoding))
    except UnicodeDecodeError as error:
        raise file.refused(f"JSON that is not {file.encoding} ({error.reason})", "UTF-8", "save it as UTF-8") from error
    except RecursionError as error:
        raise file.refused("JSON in more levels than can be read", "a trainer_state.json", "check the file") from error
    except ValueError as error:
        at = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise file.refused(
            f"broken JSON{at}", "a whole trainer_state.json", "take the one of an earlier checkpoint"
        ) from error


def _take(
    entry: Mapping[str, Any], step: int, read: dict[str, tuple[list[int], list[float]]], problems: Problems
) -> None:
    for name, value in entry.items():
        if name == "step":
            continue
        number = _number(value)
        if number is None:
            if name in {"loss", "eval_loss", "learning_rate"}:
                problems.add(f"{name} at step {step} is {shown(value)}, which is no number")
            continue
        steps, values = read.setdefault(name, ([], []))
        steps.append(step)
        values.append(number)


def _number(value: object) -> float | None:
    """A number of an entry; text such as "2.5", which later versions write for their console, counts, too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        return None


def _counts(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value < FURTHEST
    )


def _kind(value: object) -> str:
    return {list: "list", str: "text", type(None): "null"}.get(type(value), "number")
