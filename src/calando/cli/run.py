"""`calando run`: one training under one schedule, recorded, and gone on with after any interruption."""

import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calando.cli.ending import INTERRUPTED, NO_RESULT
from calando.cli.training import train_argument
from calando.errors import counted, tame

if TYPE_CHECKING:
    from calando.lab.trainref import TrainRef
    from calando.records.run import RunRecord

__all__ = ["run"]

LOOK = 0.1  # seconds between two looks at what the script printed


@click.command(short_help="Make one run under a schedule, recorded and resumable.")
@train_argument
@click.option("--plan", help="The schedule.  [default: the script's own, else cosine()]")
@click.option("--peak", help="Learning rate of factor 1.  [default: the script's own, else the optimizer's]")
@click.option("--steps", type=int, help="Updates.  [default: what the script declares]")
@click.option("--seed", type=int, help="Seed of everything random.  [default: the script's own, else 0]")
@click.option("--evals", type=int, help="Evaluations.  [default: 20]")
@click.option("--metric", help="Logged name that counts.  [default: val_loss]")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better.  [default: by METRIC's name]")
@click.option("--steps-per-epoch", type=int, help="Updates per pass over the data, for lengths such as 3ep.")
@click.option("--study", metavar="FOLDER", help="Where it is recorded.  [default: studies/FILE-run-...]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds without a step before a kill.")
@click.option("--retries", type=int, default=1, show_default=True, help="New starts after the process died.")
@click.option("--fresh", is_flag=True, help="Set what is recorded aside and begin anew.")
@click.option("--quiet", is_flag=True, help="Print nothing of what the script prints.")
def run(train: str, quiet: bool, plan: str | None, peak: str | None, seed: int | None, **given: Any) -> None:
    """Make one run of a script under a schedule.

    The script asks for its run by `run = calando.current_run()`, attaches its optimizer by `run.attach`, loops over
    `run.steps(loader)` and logs by `run.log`. Everything is recorded in a study's folder. The same command again
    goes on where it stopped: from the last snapshot when the script names what to keep by `run.keep`. A train
    function, FILE.py:FUNCTION, may stand in place of the script.

    \b
    calando run --plan "wsd(cooldown=40%)" --peak 0.2 --seed 1 -- python examples/digits_script.py --width 64
    """
    from calando.core.text import parse
    from calando.lab.candidates import read_peak
    from calando.lab.compare import compare
    from calando.lab.question import whole
    from calando.lab.reading import Literals
    from calando.lab.trainref import name_train
    from calando.records.study import Candidate

    ref = name_train(train)
    own = Literals.of(ref.file()) if ref.arguments is not None else Literals()
    chosen = parse(plan or own.plan or "cosine()")
    rate = peak if peak is not None else own.peak
    candidate = Candidate(str(chosen), str(chosen), chosen.to_json(), None if rate is None else read_peak(rate))
    number = whole(seed if seed is not None else own.seed or 0, "seed", 0, 2**32 - 1, verb="run")
    given["study"] = folder = Path(given["study"] or _folder(ref, candidate, number, given["steps"]))
    words = ("calando", *sys.argv[1:])
    try:
        with _shown(folder / "logs", quiet=quiet):
            study = compare(
                train,
                [candidate],
                humble=False,
                seeds=[abs(number - 1)],  # asked for, but nothing is chosen here
                confirm_seeds=[number],
                workers=1,
                live=False,
                retry_failed=True,
                verb="run",
                command=words,
                question=f"How does {ref.text} end under {chosen}?",
                **given,
            )
    except KeyboardInterrupt:
        click.echo("\nstopped; to go on:\n  " + shlex.join(words), err=True)
        raise SystemExit(INTERRUPTED) from None
    made = study.runs[-1]
    _tell(made, study.spec.metric, folder)
    if not made.sound:
        raise SystemExit(NO_RESULT)


def _folder(ref: "TrainRef", candidate: Any, seed: int, steps: int | None) -> Path:
    """A folder of its own for every run that differs, so that none is taken for another."""
    import hashlib

    from calando.lab.session import study_folder

    told = repr((ref.text, candidate.plan, candidate.peak, seed, steps))
    place = study_folder(ref)
    return place.with_name(f"{place.name}-run-{hashlib.sha256(told.encode()).hexdigest()[:8]}")


def _tell(made: "RunRecord", metric: str, folder: Path) -> None:
    if made.sound:
        how = f"{metric} {made.final:.6g} after {counted(made.steps, 'update')}"
    else:
        how = f"{made.status} after {counted(made.steps, 'update')}: {tame(made.reason)}"
        if made.traceback:
            click.echo(tame(made.traceback.expandtabs()), err=True)
    click.echo(f"{how}\nrecorded in {folder}; calando report {folder}", err=True)


@contextmanager
def _shown(logs: Path, *, quiet: bool) -> Iterator[None]:
    """Print what the run prints, while it does."""
    if quiet:
        yield
        return
    over = threading.Event()
    known = {path: path.stat().st_size for path in logs.glob("run-*.log")}

    def look() -> None:
        while not over.wait(LOOK):
            _print_new(logs, known)
        _print_new(logs, known)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _print_new(logs: Path, known: dict[Path, int]) -> None:
    for path in sorted(logs.glob("run-*.log")):
        try:
            size = path.stat().st_size
            if size < known.get(path, 0):
                known[path] = 0  # the run began anew
            with path.open("rb") as file:
                file.seek(known.get(path, 0))
                fresh = file.read(max(0, size - known.get(path, 0)))
        except OSError:
            continue
        known[path] = size
        if fresh:
            sys.stdout.write(fresh.decode(errors="replace"))
            sys.stdout.flush()
