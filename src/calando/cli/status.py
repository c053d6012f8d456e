"""`calando status`: how far a study is, also while it runs."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calando.errors import tame

if TYPE_CHECKING:
    from calando.records.study import Study

__all__ = ["status"]


@click.command(short_help="Say how far a study is, also while it runs.")
@click.argument("folder", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--decisions", type=int, default=8, show_default=True, help="How many of the latest decisions to show.")
def status(folder: str, as_json: bool, decisions: int) -> None:
    """Say how far the study in FOLDER is: budget, phases, what runs, decisions, disk, verdict. It disturbs nothing.

    \b
    calando status studies/digits_torch-tune
    calando status studies/digits_torch-tune --json
    """
    from calando.records import load

    told = state(load(folder))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for line in lines(told, decisions):
        click.echo(tame(line))


def state(study: "Study") -> dict[str, Any]:
    """How far a study is, as plain data."""
    from calando.lab.resume import verb_of
    from calando.lab.troubles import broken
    from calando.records.run import MEASURING
    from calando.report.spending import bill

    spec, spent = study.spec, study.spent
    tune = study.facts.get("tune", {})
    answer = study.facts.get("finding", {}).get("headline")
    budget = tune.get("steps")
    costs = bill(study)
    phases = {one.name: {"runs": one.runs, "updates": one.spent} for one in costs.phases} if costs else {}
    live = study.sessions[-1] if study.sessions and alive(study) else None
    now = time.time()
    finished = {run.spec.key for run in study.runs}
    running = [
        {"run": attempt.key, "seconds": round(now - attempt.started, 1)}
        for attempt in study.attempts
        if live is not None and attempt.session == live.id and attempt.ended is None and attempt.key not in finished
    ]
    return {
        "study": study.path,
        "verb": verb_of(study),
        "question": spec.question,
        "train": spec.train,
        "horizon": spec.horizon,
        "state": "running" if live is not None else "finished" if study.verdict is not None or answer else "stopped",
        "budget": {"asked": tune.get("budget"), "updates": budget} if tune else None,
        "trained": spent.trained,
        "shared": spent.shared,
        "lost": spent.lost,
        "runs": len(study.runs),
        "diverged": sum(run.status == "diverged" for run in study.runs if not tune or run.spec.phase not in MEASURING),
        "failed": sum(run.status == "failed" for run in study.runs),
        "phases": phases,
        "running": running,
        "seconds": round(study.seconds, 1),
        "disk": {"now": spent.disk, "peak": spent.disk_peak},
        "decisions": [
            {"phase": one.phase, "about": one.about, "text": one.text, "runs": one.runs} for one in study.decisions
        ],
        "broken": next((run.reason for run in study.runs if broken(run)), ""),
        "verdict": answer or (None if study.verdict is None else study.verdict.headline),
        "next": study.facts.get("ahead") if study.verdict is not None else None,
        "command": list(study.command),
    }


def alive(study: "Study") -> bool:
    """Whether the process of the latest sitting is there and holds the study."""
    last = study.sessions[-1]
    if last.ended is not None:
        return False
    try:
        held = (Path(study.path).parent / "lock").read_text(encoding="utf-8").strip()
        os.kill(last.pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return held == str(last.pid)


def lines(told: dict[str, Any], decisions: int) -> list[str]:
    """The same for people."""
    from calando.errors import counted
    from calando.report.words import part_of

    found = [told["question"], f"{told['verb']} of {told['train']}, {told['horizon']:,} updates a run: {told['state']}"]
    budget = told["budget"]
    if budget and budget["updates"]:
        part = part_of(told["trained"], budget["updates"])
        found.append(f"budget {budget['asked']}: {told['trained']:,} of {budget['updates']:,} updates ({part})")
    else:
        asked = f" (budget {budget['asked']})" if budget else ""
        found.append(f"trained {told['trained']:,} updates{asked}")
    if told["shared"] or told["lost"]:
        found.append(f"shared {told['shared']:,} updates, lost {told['lost']:,} to kills")
    found.append(
        f"{counted(told['runs'], 'run')} finished, {told['diverged']} diverged, {told['failed']} failed; "
        f"{len(told['running'])} running; {told['seconds']:,} s in runs"
    )
    for name, one in told["phases"].items():
        found.append(f"  {name}: {counted(one['runs'], 'run')}, {one['updates']:,} updates")
    if told["disk"]["peak"]:
        found.append(f"snapshots: {told['disk']['now']:,} bytes now, {told['disk']['peak']:,} at most")
    latest = told["decisions"][-decisions:] if decisions > 0 else []
    found += [f"  {one['phase']}: {(one['about'] + ' ') if one['about'] else ''}{one['text']}" for one in latest]
    if told["verdict"]:
        found.append(told["verdict"])
    if told["broken"]:
        found.append(told["broken"])
        found.append(f"mend it, try it by calando check {told['train']}, then begin anew with --fresh")
    elif told["state"] == "stopped":
        found.append(f"to go on: calando resume {Path(told['study']).parent}")
    return found
