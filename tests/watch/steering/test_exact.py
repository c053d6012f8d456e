"""Whatever is asked and whenever the run dies: the exported schedule is the one that ruled every update."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import calando
from calando.records.live import Recorder
from calando.watch.steer import Steers
from tests.watch.steering.lives import BASE, Killed, Run, at_once, rates_under

PLANS = (
    "warmup(10%) | cosine(end=0.1)",
    "wsd(warmup=5, cooldown=20%)",
    "constant()",
    "warm_restarts(first=2ep)",
    "multistep(milestones=[40, 70], factor=0.3)",
    "bundle(one_cycle(), weight_decay=linear_decay(start=0.1, end=0.01))",
    "reduce_on_plateau(linear_decay())",
)
SENSIBLE = (
    "scale 0.5", "scale 1.5", "cooldown 10%", "cooldown 2ep cosine", "cooldown 7 1-sqrt to 0.01", "cooldown rest",
    "extend 20", "extend 30%", "extend 1ep", "undo", "undo",
)  # fmt: skip
SENSELESS = (
    "scale 0",
    "scale 1e5",
    "scale nan",
    "cooldown",
    "cooldown 3tok",
    "extend -3",
    "extend 0",
    "go",
    "stop now",
)


def lived(chance: Random, folder: Path) -> tuple[Run, Counter[str]]:
    """A run with random commands, checkpoints and deaths, to its end or to 300 updates."""
    run = Run(folder, chance.choice(PLANS), chance.randint(20, 120), steps_per_epoch=10)
    counts: Counter[str] = Counter()
    run.begin(watch_first=False)
    names: list[str] = []
    for _ in range(300):
        if run.watched.over:
            break
        luck = chance.random()
        if luck < 0.10:
            stale = chance.random() < 0.2
            revision = max(run.answered().applied.__len__() - 1, 0) if stale else None
            names.append(run.ask(chance.choice(SENSIBLE), revision=revision))
        elif luck < 0.13:
            run.ask(chance.choice(SENSELESS))
        elif luck < 0.15 and names:
            run.ask("scale 0.9", name=chance.choice(names))
        elif luck < 0.155:
            run.ask("stop")
        elif luck < 0.165:
            with (run.place / "commands.jsonl").open("a") as file:
                file.write(chance.choice(("{broken\n", '{"id": 3, "text": []}\n', "\x00\n", '{"id":"a","text":"sc')))
        elif luck < 0.20:
            run.save()
        place = chance.choice(("before", "after", None, None)) if chance.random() < 0.08 else None
        try:
            with dying(place):
                run.update()
        except Killed:
            counts[f"killed {place} writing"] += 1
            run.die()
        else:
            if chance.random() < 0.03:
                counts["killed between updates"] += 1
                run.die()
        if run.watched is None:
            run.begin(watch_first=chance.random() < 0.5)
    return run, counts


class dying:  # reads as a word in a with statement
    """The process dies just before an answer is written, or just after, before it rules."""

    def __init__(self, place: str | None) -> None:
        self.place = place

    def __enter__(self) -> None:
        self.event, self.follow = Recorder.event, Steers._follow

        def killed(*_: Any) -> None:
            raise Killed

        if self.place == "before":
            Recorder.event = killed  # type: ignore[method-assign, assignment]
        elif self.place == "after":
            Steers._follow = killed  # type: ignore[method-assign, assignment]

    def __exit__(self, *_: object) -> None:
        Recorder.event, Steers._follow = self.event, self.follow  # type: ignore[method-assign]


@pytest.mark.parametrize("part", range(4))
def test_the_exported_schedule_is_the_one_that_ruled_every_update(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)
    seen: Counter[str] = Counter()

    @settings(max_examples=30, deadline=None, database=None, derandomize=True)
    @given(st.integers(min_value=0, max_value=10**9))
    def any_life(seed: int) -> None:
        with TemporaryDirectory() as folder:
            run, counts = lived(Random(f"{part} {seed}"), Path(folder))
            answered = run.answered()
            ran = answered.schedule
            assert ran is not None
            made = run.scheduler.position()
            assert sorted(run.used) == list(range(len(run.used)))
            used = [run.used[step] for step in range(made)]
            assert used == [BASE * float(ran(step)) for step in range(made)]
            assert used == rates_under(ran, made)
            assert calando.from_json(ran.to_json()) == ran
            assert calando.parse(str(ran.plan)) == ran.plan
            one_answer_each(run)
            seen.update(counts)
            seen.update(f"applied {event.data['text'].split()[0]}" for event in answered.applied)
            run.watched.close()

    any_life()
    for kind in ("applied scale", "applied cooldown", "applied extend", "applied undo", "killed between updates"):
        assert seen[kind] > 0, seen


def one_answer_each(run: Run) -> None:
    """Every whole line that was sent before the last look has exactly one answer, in its order."""
    events = [json.loads(line) for line in (run.place / "record.jsonl").read_text().splitlines() if '"event"' in line]
    offsets = [one["event"]["offset"] for one in events if "offset" in one["event"]]
    assert offsets == sorted(set(offsets))
    names = [one["event"]["id"] for one in events if one["event"]["kind"] == "applied"]
    assert len(names) == len(set(names))
    with suppress(FileNotFoundError):
        assert offsets == [] or offsets[-1] <= (run.place / "commands.jsonl").stat().st_size
