"""Make .venv complete: the pinned dependencies and this project, editable.

    python scripts/setup.py                # what `make run` needs
    python scripts/setup.py frameworks     # and every framework and trainer that `make test` runs against

Standard library only: it runs before anything is installed. Safe to run at any time:

- the stamp in .venv is taken away first and written last; it holds a hash of what was asked for and the sets that
  are complete, so an installation that was interrupted is never taken for a complete one;
- same hash, set there: nothing to do; another hash, or a set that is not there: pip brings the same .venv up to date;
  no stamp: whatever lies there was cut short, and is made anew; so is one that was made in another place, because its
  scripts name the Python that was there.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "calando-complete"
PINS = ROOT / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
EXTRAS = "torch,plot,lab,watch,examples"
SETS = ("base", "frameworks")


class SetupError(Exception):
    """Told in the same four parts as every error of the library."""

    def __init__(self, *, given: str, allowed: str, where: str, fix: str) -> None:
        super().__init__(f"given: {given}; allowed: {allowed}\n  at: {where}\n  do: {fix}")


def wanted() -> str:
    """A hash of everything that decides what is installed: pins, requirements, this file."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    asked = {name: project.get(name) for name in ("build-system", "project", "dependency-groups")}
    parts = [PINS.read_text(encoding="utf-8"), json.dumps(asked, sort_keys=True), EXTRAS]
    return hashlib.sha256("\n".join([*parts, Path(__file__).read_text(encoding="utf-8")]).encode()).hexdigest()


def stamped() -> list[str] | None:
    """The hash and the sets that .venv was completed with; None where it is cut short, broken, moved or another's."""
    ask = "import sys; print(sys.version_info[:2])"
    try:
        done = subprocess.run([VENV / "bin" / "python", "-c", ask], capture_output=True, text=True, check=True)
        place, *stamp = STAMP.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    other = os.environ.get("PYTHON") and done.stdout.strip() != str(sys.version_info[:2])
    return None if other or place != str(VENV) or not stamp else " ".join(stamp).split()


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def make_venv() -> None:
    say(f"making .venv with Python {sys.version.split()[0]} ({sys.executable})")
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False)
    if done.returncode:
        raise SetupError(
            given=f"`{sys.executable} -m venv .venv` ended with code {done.returncode}",
            allowed="a Python with venv and ensurepip, and room to write",
            where=str(ROOT),
            fix="read the lines above; on Debian and Ubuntu: apt-get install python3-venv",
        )


def pip(what: str, *arguments: str) -> None:
    say(what)
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install"]
    command += ["--disable-pip-version-check", "--constraint", str(PINS), *arguments]
    # A constraint from outside would fight with ours; the choice of index stays the user's.
    environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    environment["DS_BUILD_OPS"] = "0"  # DeepSpeed comes as source; its kernels need a compiler and a GPU
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        raise SetupError(
            given=f"pip ended with code {done.returncode} while {what}",
            allowed="a package index that pip can reach, and about 2 GB of room, 5 GB with the frameworks (more where "
            "torch brings CUDA)",
            where="constraints.txt, pyproject.toml",
            fix="read pip's lines above; check the network, pip's index settings (PIP_INDEX_URL) and the disk, "
            "then run the same make command again: it goes on by itself",
        )


def install_base() -> None:
    pip("taking the pinned pip", "--quiet", "pip")
    pip("installing torch (the largest part; a minute or two)", "torch")
    pip("installing the build backend", "--quiet", "hatchling", "editables")
    pip(
        "installing the rest, and calando itself (editable)",
        "--quiet",
        "--no-build-isolation",
        "--editable",
        f".[{EXTRAS}]",
        "--group",
        "dev",
    )


def install_frameworks() -> None:
    pip(
        "installing the frameworks and trainers that the tests run against (two to five minutes)",
        "--quiet",
        "--no-build-isolation",
        "--group",
        "frameworks",
    )


def size() -> str:
    """What .venv takes on the disk."""
    whole = sum(path.lstat().st_size for path in VENV.rglob("*"))
    return f"{whole / 1e9:.1f} GB"


def main(asked: str = "base") -> int:
    if asked not in SETS:
        raise SetupError(
            given=asked,
            allowed=" or ".join(SETS),
            where="scripts/setup.py",
            fix="call it by make: make venv, make test",
        )
    with (ROOT / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another make is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        now, then = wanted(), stamped()
        there = then[1:] if then and then[0] == now else []
        if asked in there:
            return 0
        start = time.monotonic()
        if then is None:
            make_venv()
        elif not there:
            say("the pins or the requirements changed: bringing .venv up to date")
        STAMP.unlink(missing_ok=True)
        if "base" not in there:
            install_base()
        if asked == "frameworks":
            install_frameworks()
        done = SETS[: SETS.index(asked) + 1]
        STAMP.write_text("\n".join([str(VENV), now, *done]) + "\n", encoding="utf-8")
        say(f".venv is complete: {' and '.join(done)}, {size()} ({time.monotonic() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        say("stopped; run the same make command again and it goes on")
        sys.exit(130)
