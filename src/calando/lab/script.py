"""Scripts as train functions: a program that cannot be imported asks for its run by `calando.current_run()`."""

import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from calando.errors import LabError
from calando.lab.declare import declare
from calando.lab.reading import Literals
from calando.lab.run import Run
from calando.lab.standalone import standalone

if TYPE_CHECKING:
    from calando.core.plan import Plan
    from calando.core.schedule import Schedule

__all__ = ["as_train", "current_run"]


class _Now:
    """The run that this process makes a script for, and whether the script asked for it."""

    run: Run | None = None
    asked = False


NOW: Final = _Now()


def current_run(
    default: "Schedule | Plan | str | None" = None,
    *,
    horizon: int | None = None,
    seed: int = 0,
    peak: float | None = None,
    steps_per_epoch: int | None = None,
    evals: int = 20,
    metric: str = "val_loss",
    mode: str | None = None,
    quiet: bool = False,
) -> Run:
    """The run that Calando makes this script for; by itself the script makes a standalone run of its default.

    Under `calando run`, `compare`, `tune`, `find` and `check` (all: `-- python train.py ...`) plan, peak, seed and
    horizon are theirs. Where `horizon`, `evals`, `metric`, `mode` and `steps_per_epoch` are written as plain numbers
    and words, they are what the script declares, so that a command line need not say them.

    Args:
        default: what to run outside of Calando: a schedule, or a plan or its text together with `horizon`.
        horizon: updates, >= 1.
        seed: a whole number >= 0, outside of Calando.
        peak: learning rate of factor 1.0, > 0, outside of Calando; without one the optimizer's own rates stand.
        steps_per_epoch: updates per pass over the data, for lengths such as "3ep".
        evals: evaluations, >= 1, the last one at the very end.
        metric: the logged name that is judged.
        mode: "min" where a lower metric is better, "max" where a higher one is; left out, as the metric's name says.
        quiet: True prints nothing outside of Calando.

    Raises:
        LabError: outside of Calando without a default.
        BadValue, BadText, DoesNotFit: for a default that cannot be run.

    Example:
        >>> run = current_run("linear_decay()", horizon=2, peak=0.1, quiet=True)
        >>> for _ in run.steps():
        ...     print(run.lr)
        0.1
        0.05
    """
    if NOW.run is not None:
        NOW.asked = True
        return NOW.run
    if default is None:
        raise LabError(
            given="a script that was started by itself",
            allowed="calando run -- python train.py, or a default to run outside of it",
            where="calando.current_run",
            fix='write current_run("cosine()", horizon=1000), so that the script runs by itself, too',
        )
    return standalone(
        default,
        horizon=horizon,
        seed=seed,
        peak=peak,
        steps_per_epoch=steps_per_epoch,
        evals=evals,
        metric=metric,
        mode=mode,
        quiet=quiet,
    )


def as_train(source: str, path: Path, arguments: Sequence[str]) -> Callable[[Run], None]:
    """A script as a train function: each call executes it from its first line to its last, in this process.

    `source` is the script's file or the module's name, `path` its file, `arguments` what follows it on its command
    line. The function declares what the script's own call of `current_run` says in plain numbers and words.
    """
    is_file = source.endswith(".py")

    def train(run: Run) -> None:
        with _as_its_own_program(path if is_file else None, [source, *arguments]), _making(run):
            try:
                if is_file:
                    runpy.run_path(str(path), run_name="__main__")
                else:
                    runpy.run_module(source, run_name="__main__", alter_sys=True)
            except SystemExit as end:
                if end.code not in (None, 0):
                    raise
            if not NOW.asked:
                raise LabError(
                    given="a script that never asked for its run",
                    allowed="a script that calls calando.current_run() itself, each time it is executed",
                    where="run.current",  # a broken contract: no candidate is to blame
                    fix=f"write `run = calando.current_run()` in {path.name}, not in a module that it imports",
                )

    return declare(**asdict(Literals.of(path).declared))(train)


@contextmanager
def _as_its_own_program(script: Path | None, argv: list[str]) -> Iterator[None]:
    """`sys.argv` and the first place to import from, as `python train.py` has them."""
    before, places = sys.argv, list(sys.path)
    sys.argv = argv
    if script is not None:
        sys.path.insert(0, str(script.resolve().parent))
    try:
        yield
    finally:
        sys.argv = before
        sys.path[:] = places


@contextmanager
def _making(run: Run) -> Iterator[None]:
    NOW.run, NOW.asked = run, False
    try:
        yield
    finally:
        NOW.run = None
