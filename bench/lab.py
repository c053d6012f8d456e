"""What the lab costs around the training: `run.log`, a study of 1,000 trivial runs, the report about it.

    python bench/lab.py            # prints
    python bench/lab.py --rounds 1 --write    # also records bench/results/lab.md and .json; a few minutes

Each study is a command of its own, started anew, so that imports, workers and the verdict are counted; the contestants
take turns. Every run takes one update and logs one number. Optuna keeps its trials in SQLite, as our store does, with
a random sampler, its cheapest; Ray Tune takes part where it can be imported. `--runs N` makes smaller studies.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

RUNS = 1000
ROUNDS = 3
LOG_US, FASTER, REPORT_S, REPORT_MB = 20.0, 5.0, 5.0, 10.0
WHICH = ("median", "mean")  # of run.log
RESULTS = Path(__file__).parent / "results"

TRAIN = """
def train(run):
    for _ in run.steps():
        run.log(val_loss=run.seed % 7 + run.lr)
"""

CALANDO = """
import sys
from calando.lab import compare

if __name__ == "__main__":
    runs, workers = int(sys.argv[1]), int(sys.argv[2])
    study = compare(
        "trivial.py:train", [f"constant({1 - i / 100:g})" for i in range(10)], peaks=[0.1], confirm_seeds=runs // 10,
        steps=1, evals=1, workers=workers, humble=False, live=False, study="study",
    )
    sys.exit(len(study.runs) != runs or study.verdict is None)
"""

OPTUNA = """
import subprocess, sys
import optuna

def objective(trial):
    return trial.suggest_float("factor", 0.9, 1.0)

def work(trials):
    study = optuna.load_study(study_name="s", storage="sqlite:///trials.db", sampler=optuna.samplers.RandomSampler())
    study.optimize(objective, n_trials=trials)

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    runs, workers = int(sys.argv[1]), int(sys.argv[2])
    if workers == 0:
        work(runs)
    else:
        study = optuna.create_study(study_name="s", storage="sqlite:///trials.db")
        if workers == 1:
            work(runs)
        else:
            share = [sys.executable, __file__, str(runs // workers), "0"]
            for process in [subprocess.Popen(share) for _ in range(workers)]:
                process.wait()
        done = optuna.load_study(study_name="s", storage="sqlite:///trials.db").trials
        sys.exit(len(done) != runs)
"""

RAY = """
import sys
from ray import tune

def objective(config):
    tune.report({"loss": config["factor"]})

if __name__ == "__main__":
    runs, workers = int(sys.argv[1]), int(sys.argv[2])
    settings = tune.TuneConfig(num_samples=runs, max_concurrent_trials=workers)
    found = tune.Tuner(objective, param_space={"factor": tune.uniform(0.9, 1.0)}, tune_config=settings).fit()
    sys.exit(len(found) != runs)
"""

LOG = """
import time
from calando import standalone

run = standalone("cosine()", horizon=50_000, peak=0.1, quiet=True)
best, rest = [], iter(run.steps())
for _ in range(10):
    spans = []
    for _ in range(5000):
        next(rest)
        run.lr  # something must use the candidate
        begun = time.perf_counter()
        run.log(train_loss=0.5)
        spans.append(time.perf_counter() - begun)
    spans.sort()
    best.append((spans[len(spans) // 2], sum(spans) / len(spans)))
print(*(1e6 * value for value in min(best)))
"""


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall seconds of a command, and the CPU seconds of it and its children."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def not_run() -> str:
    """Why Ray Tune does not take part; empty where it does."""
    missing = [name for name in ("ray", "pyarrow") if importlib.util.find_spec(name) is None]
    return f"Ray Tune: NOT RUN ({' and '.join(missing)} cannot be imported here)" if missing else ""


def contestants() -> dict[str, tuple[str, int]]:
    """Who takes part: a script and its number of processes."""
    found = {
        "calando, 1 worker": (CALANDO, 1),
        "calando, 2 workers": (CALANDO, 2),
        "Optuna with SQLite, 1 process": (OPTUNA, 1),
        "Optuna with SQLite, 2 processes": (OPTUNA, 2),
    }
    if not not_run():
        found["Ray Tune, 2 at a time"] = (RAY, 2)
    return found


def studies(runs: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every contestant's study, in turn; medians over the rounds."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants()}
    for _ in range(rounds):
        for name, (script, workers) in contestants().items():
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                (folder / "trivial.py").write_text(TRAIN)
                (folder / "study_script.py").write_text(script)
                taken[name].append(spent([sys.executable, "study_script.py", str(runs), str(workers)], folder))
                wall, cpu = taken[name][-1]
                print(f"  {name:34} {wall:7.2f} s, CPU {cpu:6.2f} s")
    return {
        name: {"wall_s": median(wall for wall, _ in pairs), "cpu_s": median(cpu for _, cpu in pairs)}
        for name, pairs in taken.items()
    }


def logging() -> dict[str, float]:
    """Microseconds of one `run.log`: the median call, and the mean with everything that comes due."""
    done = subprocess.run([sys.executable, "-c", LOG], capture_output=True, text=True, check=True)
    middle, mean = map(float, done.stdout.split())
    print(f"run.log: median {middle:.2f} us, mean {mean:.2f} us")
    return {"median_us": middle, "mean_us": mean}


def report() -> dict[str, float]:
    """The report of a study of 1,000 runs with curves at every one of 400 updates."""
    from calando.report import write_html
    from tests.report import studies as made

    shapes = {}
    for i in range(20):
        plan, (shape, shift, role) = list(made.SHAPES.items())[i % 5]
        told = plan if i < 5 else f"scale({plan.rpartition(' | ')[2]}, by={1 - 0.001 * i:.3f})"
        shapes[told] = (shape, shift + 0.001 * i, role if i < 5 else "candidate")
    with tempfile.TemporaryDirectory() as place:
        study = made.write(Path(place) / "s", shapes=shapes, select=tuple(range(10)), confirm=tuple(range(1000, 1010)))
        begun, cpu = time.perf_counter(), time.process_time()
        page = write_html(study, place)
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        size = page.stat().st_size / 1e6
    print(f"report of {len(study.runs)} runs: {took:.2f} s (CPU {cpu:.2f} s), {size:.1f} MB")
    return {"runs": len(study.runs), "wall_s": took, "cpu_s": cpu, "mb": size}


def about(command: str) -> dict[str, str]:
    """Where and of what this was measured."""
    git = shutil.which("git")
    words = [str(git), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() if git else "unknown"
    words = [str(git), "status", "--porcelain", "--", "src", "bench/lab.py"]
    changed = bool(git) and subprocess.run(words, capture_output=True, text=True, check=False).stdout != ""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return {
        "command": command,
        "commit": commit + ", with changes" * changed,
        "python": platform.python_version(),
        "optuna": version("optuna"),
        "processor": names[0].strip() if names else platform.machine(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def ratios(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """How many times faster than each rival with as many processes, by wall time."""
    pairs = {
        "Optuna with SQLite, 1 process": "calando, 1 worker",
        "Optuna with SQLite, 2 processes": "calando, 2 workers",
        "Ray Tune, 2 at a time": "calando, 2 workers",
    }
    return {rival: found[rival]["wall_s"] / found[ours]["wall_s"] for rival, ours in pairs.items() if rival in found}


def page(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rounds = "one round" if found["rounds"] == 1 else f"median of {found['rounds']} rounds in turn"
    lines = ["# What the lab costs around the training", ""]
    lines += [f"- {key}: `{value}`" for key, value in found["about"].items()]
    lines += [
        "",
        f"A study of {found['runs']:,} runs of one update each, from the start of the command to its verdict; "
        f"{rounds}. Calando's workers are processes that load the train function; every finished run is committed "
        "with its curves. Wall seconds are what a user waits; on a machine of whose cores others make use (the load) "
        "they say more about that than about us, CPU seconds less.",
        "",
        "| study | wall (s) | CPU (s) |",
        "| --- | ---: | ---: |",
    ]
    lines += [f"| {name} | {one['wall_s']:.1f} | {one['cpu_s']:.1f} |" for name, one in found["studies"].items()]
    lines += ["", *(f"{ratio:.1f} times faster than {rival}." for rival, ratio in found["times_faster"].items())]
    log, made, slow = found["log"], found["report"], missed(found)
    lines += [
        *(["", found["not_run"]] if found["not_run"] else []),
        "",
        f"`run.log(train_loss=...)`: median {log['median_us']:.2f} us, mean {log['mean_us']:.2f} us.",
        "",
        f"The report of {made['runs']:,} runs with 400 updates each: {made['wall_s']:.1f} s "
        f"(CPU {made['cpu_s']:.1f} s), {made['mb']:.1f} MB.",
        "",
        f"Targets, by wall time: at least {FASTER:g} times faster than each; `run.log` under {LOG_US:g} us, median and "
        f"mean; the report under {REPORT_S:g} s and {REPORT_MB:g} MB. "
        + (f"NOT MET: {'; '.join(slow)}." if slow else "All met."),
        "",
    ]
    return "\n".join(lines)


def missed(found: dict[str, Any]) -> list[str]:
    """The targets that were not met, by wall time, whatever else the machine did."""
    slow = [f"{rival}: only {x:.1f} times faster" for rival, x in found["times_faster"].items() if x < FASTER]
    log, made = found["log"], found["report"]
    slow += [f"run.log takes {log[f'{which}_us']:.1f} us ({which})" for which in WHICH if log[f"{which}_us"] >= LOG_US]
    if made["wall_s"] >= REPORT_S or made["mb"] >= REPORT_MB:
        slow.append(f"the report takes {made['wall_s']:.1f} s (CPU {made['cpu_s']:.1f} s) and {made['mb']:.1f} MB")
    return slow


def main() -> None:
    reader = argparse.ArgumentParser(description="What the lab costs around the training.")
    reader.add_argument("--runs", type=int, default=RUNS)
    reader.add_argument("--rounds", type=int, default=ROUNDS)
    reader.add_argument("--write", action="store_true")
    given = reader.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    command = " ".join(["python", "bench/lab.py", *sys.argv[1:]])
    found: dict[str, Any] = {"about": about(command), "runs": given.runs, "rounds": given.rounds, "not_run": not_run()}
    if found["not_run"]:
        print(found["not_run"])
    found["log"] = logging()
    print(f"a study of {given.runs} runs of one update:")
    found["studies"] = studies(given.runs, given.rounds)
    found["times_faster"] = ratios(found["studies"])
    for rival, ratio in found["times_faster"].items():
        print(f"{ratio:.1f} times faster than {rival}")
    found["report"] = report()
    found["about"]["load after"] = f"{os.getloadavg()[0]:.1f}"
    if given.write:
        (RESULTS / "lab.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "lab.md").write_text(page(found))
    if slow := missed(found):
        sys.exit("NOT MET: " + "; ".join(slow))


if __name__ == "__main__":
    main()
