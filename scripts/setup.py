"""Make .venv complete: the pinned dependencies and this project, editable.

Standard library only: it runs before anything is installed. Safe to run at any time:

- the stamp in .venv is written last and holds a hash of what was asked for, so an installation
  that was interrupted is never taken for a complete one;
- same stamp: nothing to do; another stamp: pip brings the same .venv up to date;
  no stamp: whatever lies there was cut short, and is made anew.
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
EXTRAS = "torch,plot,lab,examples"


class SetupError(Exception):
    """Told in the same four parts as every error of the library."""

    def __init__(self, *, given: str, allowed: str, where: str, fix: str) -> None:
        super().__init__(f"given: {given}; allowed: {allowed}\n  at: {where}\n  do: {fix}")


def wanted() -> str:
    """A hash of everything that decides what is installed: pins, requirements, place, this file."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    asked = {name: project.get(name) for name in ("build-system", "project", "dependency-groups")}
    parts = [PINS.read_text(encoding="utf-8"), json.dumps(asked, sort_keys=True), str(VENV), EXTRAS]
    return hashlib.sha256("\n".join([*parts, Path(__file__).read_text(encoding="utf-8")]).encode()).hexdigest()


def stamped() -> str | None:
    """The hash that .venv was completed with; None where it is missing, cut short, broken or not the one meant."""
    ask = "import sys; print(sys.version_info[:2])"
    try:
        done = subprocess.run([VENV / "bin" / "python", "-c", ask], capture_output=True, text=True, check=True)
        stamp = STAMP.read_text(encoding="utf-8").strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    other = "PYTHON" in os.environ and done.stdout.strip() != str(sys.version_info[:2])
    return None if other else stamp


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
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        raise SetupError(
            given=f"pip ended with code {done.returncode} while {what}",
            allowed="a package index that pip can reach, and about 2 GB of room (more where torch brings CUDA)",
            where="constraints.txt, pyproject.toml",
            fix="read pip's lines above; check the network, pip's index settings (PIP_INDEX_URL) and the disk, "
            "then run the same make command again: it goes on by itself",
        )


def install() -> None:
    STAMP.unlink(missing_ok=True)
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


def main() -> int:
    with (ROOT / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another make is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        now, then = wanted(), stamped()
        if now == then:
            return 0
        start = time.monotonic()
        if then is None:
            make_venv()
        else:
            say("the pins or the requirements changed: bringing .venv up to date")
        install()
        STAMP.write_text(now + "\n", encoding="utf-8")
        say(f".venv is complete ({time.monotonic() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        say("stopped; run the same make command again and it goes on")
        sys.exit(130)
