"""Logs of any kind, from files, patterns and folders: told apart by what stands in them, not by their names."""

from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING

from calando.errors import BadFile, BadValue, CalandoError, counted, shown, tame
from calando.records.logs.draft import Asked, Draft, Edge
from calando.records.logs.finish import finish
from calando.records.logs.formats import format_of
from calando.records.logs.log import Log, epoch_size
from calando.records.logs.merge import merged, renamed
from calando.records.logs.opened import opened
from calando.records.logs.places import files_of, glance, promising

__all__ = ["read_logs"]

if TYPE_CHECKING:
    Found = list[tuple[Path, Draft]]


def read_logs(
    *paths: str | Path,
    step: str | None = None,
    loss: str | None = None,
    val_loss: str | None = None,
    lr: str | None = None,
    higher: bool | None = None,
    epoch: str | None = None,
    run: str | None = None,
    steps_per_epoch: int | None = None,
    counted_from: int | None = None,
    lr_edge: Edge | None = None,
    refused: list[CalandoError] | None = None,
) -> list[Log]:
    """The runs that files hold, each as a `Log`; formats are told apart by their content.

    CSV of any making, Hugging Face's trainer_state.json, Lightning's and Keras' CSVLogger, TensorBoard's event files,
    exports of Weights & Biases and MLflow, our own studies; any of them packed by gzip, but studies.

    Args:
        paths: names of files, patterns of files, or folders, in which logs are looked for.
        step: name of the column that counts updates, where the guess is wrong.
        loss: name of the training loss's column.
        val_loss: name of the validation loss's column, or of another metric's.
        lr: name of the learning rate's column.
        higher: whether the metric that `val_loss` names is better when higher; left out, its name tells.
        epoch: name of the column that counts epochs, for files that count no updates.
        run: name of a column of labels that parts a table into runs.
        steps_per_epoch: number of updates in an epoch, for logs that count epochs.
        counted_from: 0 where step s was logged during update s, counted from 0; 1 where after s updates.
        lr_edge: whether a logged rate is the one that was "used" by the update before, or the "next" one's.
        refused: list that takes the errors of files that cannot be read, so that the rest still is.

    Raises:
        BadFile: when a named file cannot be read, or a folder holds no log.
        BadName: when a named column is not there.
        BadValue: when a number or word is not allowed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.csv").write_text("iter;loss;lr\\n100;3.5;0.1\\n200;3.1;0.1\\nx;;\\n")
        ...     (log,) = read_logs(folder)
        >>> log.name, log.losses().steps.tolist(), log.loss, log.lr, len(log.problems)
        ('a', [100, 200], 'loss', 'lr', 1)
    """
    asked = Asked(step, loss, val_loss, lr, higher, epoch, run, steps_per_epoch, counted_from, lr_edge)
    _check(asked, paths)
    searched: list[CalandoError] = []
    found: Found = []
    in_folders, known = False, set[str]()
    for place in paths:
        try:
            files = files_of(place, cut := list[CalandoError]())
        except BadFile as error:
            _put(error, refused)
            continue
        before, errors = len(found), list[CalandoError]()
        folder = any(searching for _, searching in files)
        in_folders |= folder
        repeated = False
        for path, searching in files:
            if (real := _real(path)) in known:
                repeated = True  # named by itself and by its folder, or twice
                continue
            known.add(real)
            _read(path, asked, found, errors, folder=searching, refused=refused)
        if folder and len(found) == before and not repeated:
            _put((cut or errors or [_no_log(place, len(files))])[0], refused)
        elif refused is not None:
            refused.extend(cut + errors)
        searched += errors
    logs = []
    for draft in renamed(merged(found)):
        try:
            logs.append(finish(draft, asked))
        except BadFile as error:
            if not in_folders and (len(found) == 1 or draft.kind not in {"study", "mlflow", "wandb", "tensorboard"}):
                _put(error, refused)
            elif refused is not None:
                refused.append(error)
            searched.append(error)
    if not logs and refused is None:
        first = searched[0] if searched else _no_log(", ".join(map(str, paths)), 0)
        raise first
    return logs


def _real(path: Path) -> str:
    try:
        return realpath(path)
    except OSError:  # a link in a folder that is not ours
        return str(path)


def _read(
    path: Path,
    asked: Asked,
    found: "Found",
    errors: list[CalandoError],
    *,
    folder: bool,
    refused: list[CalandoError] | None,
) -> None:
    """Put a file's drafts to those found; one that lies in a searched folder may turn out to be none."""
    if folder and not glance(path):
        return
    try:
        file = opened(path)
        format_ = format_of(file)
        if folder and not promising(file, format_.kind, asked):
            return
        found += [(path, draft) for draft in format_.read(file, asked)]
    except BadFile as error:
        if folder:
            errors.append(error)
        else:
            _put(error, refused)


def _put(error: CalandoError, refused: list[CalandoError] | None) -> None:
    if refused is None:
        raise error
    refused.append(error)


def _check(asked: Asked, paths: tuple[object, ...]) -> None:
    if not paths:
        raise _wrong("no path", "at least one file, pattern or folder", "read_logs(*paths)", "name what to read")
    for path in paths:
        if not isinstance(path, str | Path) or not str(path).strip():
            raise _wrong(shown(path), "a path", "read_logs(*paths)", "give a text or a pathlib.Path")
    for name in ("step", "loss", "val_loss", "lr", "epoch", "run"):
        word = getattr(asked, name)
        if word is not None and (not isinstance(word, str) or not word.strip()):
            raise _wrong(
                f"{name}={shown(word)}", "the name of a column", "read_logs", "leave it out to have it guessed"
            )
    if asked.higher is not None and asked.val_loss is None:
        raise _wrong(
            f"higher={shown(asked.higher)} of no column", "with the name of a metric", "read_logs",
            "name the metric: --val-loss NAME, or val_loss=NAME in Python",
        )  # fmt: skip
    if asked.steps_per_epoch is not None:
        epoch_size(asked.steps_per_epoch)
    if asked.counted_from not in (None, 0, 1) or isinstance(asked.counted_from, bool):
        raise _wrong(
            f"counted_from={shown(asked.counted_from)}", "0 or 1", "read_logs", "leave it out to have it guessed"
        )
    if asked.lr_edge not in (None, "used", "next"):
        raise _wrong(f"lr_edge={shown(asked.lr_edge)}", '"used" or "next"', "read_logs", "leave it out")


def _wrong(given: str, allowed: str, where: str, fix: str) -> BadValue:
    return BadValue(given=given, allowed=allowed, where=where, fix=fix)


def _no_log(place: object, count: int) -> BadFile:
    return BadFile(
        given=f"a folder without a log that is known here ({counted(count, 'file')} looked at)",
        allowed="CSV with a step and a loss, trainer_state.json, event files, MLflow runs, our studies",
        where=tame(str(place)),
        fix="name the file itself to learn why it was passed over",
    )
