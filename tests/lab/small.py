"""Small studies with real worker processes, for the tests of compare."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from calando.lab import compare
from calando.records import Study

TRAINS = Path(__file__).parent / "trains"
QUADRATIC = str(TRAINS / "quadratic.py")


def study(function: str = "train", candidates: Any = ("wsd()", "linear_decay()"), **changes: Any) -> Study:
    given = {
        "peaks": (0.02, 0.05),
        "seeds": 1,
        "confirm_seeds": 2,
        "steps": 20,
        "evals": 2,
        "workers": 2,
        "humble": False,
        "extend": 0,
        "live": False,
        "study": "s",
    }
    return compare(f"{QUADRATIC}:{function}", candidates, **{**given, **changes})


def outcomes(found: Study, label: str = "wsd()") -> Counter[str]:
    return Counter(run.status for run in found.of(label))


def finals(found: Study) -> dict[str, float | None]:
    return {run.spec.key: run.final for run in found.runs}


def alive(pid: int) -> bool:
    for _ in range(20):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.05)
    return True
