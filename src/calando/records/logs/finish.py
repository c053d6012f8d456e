"""From a draft to a log: columns named, put in order and counted the same way; what was done is said."""

from collections.abc import Mapping

import numpy as np

from calando.errors import BadFile, counted, shown, tame
from calando.records.logs.draft import Asked, Draft, Meta, Pair
from calando.records.logs.edge import edge_of
from calando.records.logs.guess import find, named, plain, scores
from calando.records.logs.log import Column, Log, Unit, listed
from calando.records.logs.mend import Order, counting, ordered, padded

__all__ = ["finish"]

MAIN = ("loss", "val_loss", "lr", "train_score", "score")
TITLES = {"loss": "training loss", "val_loss": "validation loss", "lr": "learning rate"}


def finish(draft: Draft, asked: Asked) -> Log:
    """The log of a draft.

    Raises:
        BadName: when a column was asked for that is not there.
        BadFile: when nothing was logged, or fractions of epochs of unknown size.
    """
    draft.columns = {name: pair for name, pair in draft.columns.items() if pair[0].size}
    if not draft.columns:
        raise BadFile(
            given="a log in which nothing was logged" + "".join(f"; {p}" for p in draft.problems.found[:2]),
            allowed="at least one number at one step",
            where=tame(draft.source),
            fix="give a file that a run has written to",
        )
    notes = list(draft.notes)
    roles = {role: _chosen(role, draft, asked, notes) for role in TITLES} | {"score": "", "train_score": ""}
    _score(roles, draft, asked, notes)
    in_order = _in_order(draft, roles, notes)
    from_ = _counted_from(draft, asked, in_order, roles, notes)
    columns = _counted(draft, asked, in_order, 1 - from_)
    meta, unit = dict(draft.meta), draft.unit
    if unit == "epoch" and asked.steps_per_epoch:
        unit = "step"
        _tell_epochs(asked.steps_per_epoch, meta, notes)
    elif unit == "epoch":
        notes.append("it counts epochs; how many updates one has is said by --steps-per-epoch")
    if lr := roles["lr"]:
        columns[lr] = _used(columns[lr], draft, asked, unit, meta, notes)
    for name in dict.fromkeys((roles["loss"], roles["val_loss"], roles["score"], roles["train_score"])):
        if name:
            _tell_wild(name, columns[name], draft, unit)
    return Log(
        draft.name,
        draft.source,
        draft.kind,
        columns,
        unit,
        **roles,
        meta=meta,
        notes=tuple(map(tame, notes)),
        problems=tuple(draft.problems.found),
        unlisted=draft.problems.unlisted,
    )


def _chosen(role: str, draft: Draft, asked: Asked, notes: list[str]) -> str:
    """The column that plays a role; "" for none. What was guessed among several is said."""
    names = list(draft.columns)
    if (word := getattr(asked, role)) is not None:
        return named(role, word, names, draft.source)
    if (known := getattr(draft, role)) is not None:
        return str(known) if known in draft.columns else ""
    found = find(role, names)
    if not found:
        return ""
    flag = "--lr" if role == "lr" else "--loss"
    others = f" (also possible: {listed(found[1:])}; {flag} NAME says which)" if found[1:] else ""
    if others or draft.kind == "csv":
        notes.append(f"{TITLES[role]}: column {shown(found[0])}{others}")
    return found[0]


def _score(roles: dict[str, str], draft: Draft, asked: Asked, notes: list[str]) -> None:
    """Put metrics that are better when higher where they belong: no loss, and judged where there is none."""
    if asked.val_loss is not None and asked.higher is not False and (asked.higher or scores(roles["val_loss"])):
        roles["score"], roles["val_loss"] = roles["val_loss"], ""
        notes.append(f"{shown(roles['score'])} was taken for a metric that is better when higher")
    elif asked.higher is False:
        against = ", though by its name it is better when higher" if scores(roles["val_loss"]) else ""
        notes.append(f"{shown(roles['val_loss'])} was taken for a metric that is better when lower{against}")
    if asked.loss is not None and scores(roles["loss"]):
        roles["train_score"], roles["loss"] = roles["loss"], ""
        notes.append(f"{shown(roles['train_score'])} is better when higher, so it is no loss")
    if asked.val_loss is None and not roles["val_loss"]:
        known = draft.score if draft.score in draft.columns else None
        found = [known] if known else find("score", draft.columns)
        roles["score"] = found[0] if found else ""
        if len(found) > 1:
            others = f"also possible: {listed(found[1:])}; --val-loss NAME says which"
            notes.append(f"score: column {shown(found[0])} ({others})")
    if asked.loss is None and not roles["loss"] and not roles["val_loss"]:
        found = [name for name in find("train_score", draft.columns) if name != roles["score"]]
        alike = [name for name in found if plain(roles["score"]).endswith(plain(name))]
        roles["train_score"] = (alike or found or [""])[0]


def _in_order(draft: Draft, roles: Mapping[str, str], notes: list[str]) -> dict[str, Pair]:
    done: dict[str, Pair] = {}
    orders: list[Order] = []
    for name, (steps, values) in draft.columns.items():
        if padded(values):
            steps, values = steps[~np.isnan(values)], values[~np.isnan(values)]
            if name in roles.values():
                notes.append(f"NaN in {shown(name)} stands for cells in which nothing was logged")
        steps, values, order = ordered(steps, values)
        done[name] = steps, values
        if name in roles.values():
            orders.append(order)
    resumed = max(orders, key=lambda order: order.replaced, default=Order())
    if resumed.replaced:
        notes.append(
            f"steps go back to {resumed.since:,g}: a resumed run; {counted(resumed.replaced, 'earlier row')} from"
            " there on gave way to later ones"
        )
    if any(order.unsorted for order in orders):
        notes.append("rows were not in the order of their steps and were sorted")
    if repeated := max((order.repeated for order in orders), default=0):
        notes.append(f"{counted(repeated, 'row')} at a step that is there already; the later row counts")
    return done


def _counted_from(
    draft: Draft, asked: Asked, columns: dict[str, Pair], roles: Mapping[str, str], notes: list[str]
) -> int:
    if asked.counted_from is not None:
        return asked.counted_from
    if draft.counted_from is not None:
        return draft.counted_from
    main = next(filter(None, (roles[role] for role in MAIN)), "") or next(iter(columns))
    steps = columns[main][0]
    from_ = (0 if steps[0] == 0 else 1) if draft.unit == "epoch" else counting(steps)
    if from_ == 0:
        notes.append(f"{draft.unit}s are counted from 0: {draft.unit} {steps[0]:g} was taken for the first")
    return from_


def _counted(draft: Draft, asked: Asked, columns: dict[str, Pair], shift: int) -> dict[str, Column]:
    """Every column by whole counts of updates, or of epochs where their size is not known."""
    size = asked.steps_per_epoch if draft.unit == "epoch" and asked.steps_per_epoch else 1
    done = {}
    for name, (steps, values) in columns.items():
        counts = (steps + shift) * size
        whole = np.rint(counts)
        if size == 1 and (whole != counts).any():
            raise BadFile(
                given=f"fractions of an epoch, such as {steps[whole != counts][0]:g}, and no steps",
                allowed="a log that counts updates, or whole epochs",
                where=tame(draft.source),
                fix="say how many updates an epoch has: --steps-per-epoch N, or steps_per_epoch=N in Python",
            )
        whole, values, _ = ordered(whole, values)
        done[name] = Column(whole.astype(np.int64), values)
    return done


def _used(column: Column, draft: Draft, asked: Asked, unit: Unit, meta: Meta, notes: list[str]) -> Column:
    """The learning rates at the updates that used them."""
    edge = asked.lr_edge or draft.edge
    if edge is None:
        edge, why = edge_of(column, int(meta.get("horizon", 0)))
        notes.append(why)
    if edge == "used" or unit == "epoch":
        return column
    if asked.lr_edge or draft.edge:
        notes.append("learning rates were taken for those of the next update, and moved by one")
    return Column(column.steps + 1, column.values)


def _tell_epochs(size: int, meta: Meta, notes: list[str]) -> None:
    meta["steps_per_epoch"] = size
    if isinstance(epochs := meta.get("epochs"), int | float):
        meta["horizon"] = round(epochs * size)
    notes.append(f"an epoch is {counted(size, 'update')}, as given; its mean loss stands at its end")


def _tell_wild(name: str, column: Column, draft: Draft, unit: Unit) -> None:
    wild = np.flatnonzero(~np.isfinite(column.values))
    if not wild.size:
        return
    first = wild[0]
    rest = f", and at {wild.size - 1:,} later ones" if wild.size > 1 else ""
    draft.problems.add(f"{name} is {column.values[first]:g} at {unit} {column.steps[first]:,}{rest}", first=True)
