"""The live page in a real browser: how soon a new line is seen, how smoothly long runs move, whether steering holds.

    python -m bench.watch.page                # 100 runs of 100,000 points, a few minutes
    python -m bench.watch.page --runs 10 --points 5000
    python -m bench.watch.page --write        # also records bench/results/watch/page.md and .json

Needs the extra watch, Playwright and a Chromium (`--chromium`, else the one on the path). Chromium runs headless and
draws by the processor: a machine with a graphics card is faster. A frame is the time between two calls of
requestAnimationFrame while the wheel turns over the curves; 16.7 ms is a screen's own pace.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from calando.records.live import Header, Recorder, Tail
from calando.watch.serve import Server

RESULTS = Path(__file__).parents[1] / "results" / "watch"
SEEN_S = 1.0

FRAMES = """() => {
  const mine = window.turn_ = (window.turn_ || 0) + 1;
  window.frames_ = []; window.long_ = [];
  new PerformanceObserver((list) => list.getEntries().forEach((e) => window.long_.push(e.duration)))
    .observe({ entryTypes: ["longtask"] });
  let before = performance.now();
  (function frame(now) {
    if (mine !== window.turn_) return;
    window.frames_.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  })(before);
}"""

SEEN = """(step) => new Promise((done) => {
  const last = () => Number(document.querySelector("#loss").dataset.last);
  const look = () => last() >= step ? done(Date.now()) : setTimeout(look, 5);
  look();
})"""

TRAIN = """
import sys, time, torch, calando
from calando.torch import attach
torch.manual_seed(0); torch.set_num_threads(1)
model = torch.nn.Linear(20, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
scheduler = attach(optimizer, calando.parse("warmup(5%) | cosine()").bind(4000))
x = torch.randn(512, 20); y = x @ torch.randn(20, 1)
with calando.watch("steered", scheduler=scheduler, optimizer=optimizer, folder=sys.argv[1]) as watched:
    for step in range(4000):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad(); loss.backward(); optimizer.step(); scheduler.step()
        watched.log(train_loss=loss)
        time.sleep(0.004)
        if watched.over: break
"""


def written(folder: Path, runs: int, points: int) -> None:
    """So many records, each a noisy loss and its rate, a few of them diverged."""
    for number in range(runs):
        chance = np.random.default_rng(number)
        steps = np.arange(points)
        peak = 10 ** chance.uniform(-3, -1)
        rates = peak * np.minimum(1, steps / (0.05 * points)) * (0.5 + 0.5 * np.cos(np.pi * steps / points))
        losses = 0.3 + 0.1 * chance.random() + 2 / (1 + steps / (0.01 * points)) + chance.normal(0, 0.05, points)
        if number % 25 == 7:
            losses[points // 2 :] += np.exp(np.minimum((steps[points // 2 :] - points // 2) / (0.01 * points), 40))
        place = folder / f"run-{number:03}"
        place.mkdir(parents=True)
        lines = [Header(f"run-{number:03}", began=1.7e9, horizon=points, peak=float(peak)).line()]
        lines += [
            f'{{"s":{step},"w":{1.7e9 + step / 50:.3f},"m":{{"train_loss":{loss:.6g},"lr":{rate:.6g}}}}}'
            for step, loss, rate in zip(steps.tolist(), losses.tolist(), rates.tolist(), strict=True)
        ]
        lines.append(json.dumps({"s": points - 1, "w": 1.7e9, "event": {"kind": "ended", "status": "done"}}))
        (place / "record.jsonl").write_text("\n".join(lines) + "\n")


@contextmanager
def browser(chromium: str, address: str, **given: Any) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = opened.new_context(viewport={"width": 1440, "height": 900}, **given).new_page()
        page.on("pageerror", lambda error: sys.exit(f"an error in the page: {error}"))
        page.goto(address)
        page.wait_for_selector(".link.live", timeout=120_000)
        yield page
        opened.close()


def seen(page: Any, folder: Path, times: int) -> list[float]:
    """Seconds from a line's writing until its point is drawn."""
    recorder = Recorder(folder / "zz-live", Header("zz-live", horizon=100_000, peak=0.1))
    recorder.log(0, {"train_loss": 2.0, "lr": 0.1})
    page.wait_for_selector("text=zz-live", timeout=60_000)
    page.evaluate("document.querySelector('#only').click()")
    page.click("text=zz-live")
    page.keyboard.press("o")
    found = []
    for number in range(1, times + 1):
        time.sleep(random.uniform(0.3, 0.9))  # noqa: S311 - at any phase of the server's looks
        writer = threading.Timer(0.05, written_at, (recorder, number, said := []))
        writer.start()
        drawn = page.evaluate(SEEN, number) / 1000
        writer.join()
        found.append(drawn - said[0])
    recorder.close()
    return found


def written_at(recorder: Recorder, step: int, said: list[float]) -> None:
    said.append(time.time())
    recorder.log(step, {"train_loss": 2.0 - step / 100, "lr": 0.1})


def moved(page: Any, seconds: float, *, smooth: bool) -> dict[str, Any]:
    """Frame times while the wheel turns: closer, sideways, wider, again and again."""
    page.keyboard.press("a")
    if (page.get_attribute("#smooth", "aria-pressed") == "true") != smooth:
        page.keyboard.press("s")
    page.keyboard.press("r")
    page.wait_for_timeout(3000)
    box = page.locator("#loss").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    page.evaluate(FRAMES)
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        kind = turn // 12 % 4
        page.mouse.wheel(60 if kind in (1, 3) else 0, 0 if kind in (1, 3) else -70 if kind == 0 else 70)
        page.wait_for_timeout(16)
        turn += 1
    frames = np.array(page.evaluate("window.frames_")[1:])
    long_ = page.evaluate("window.long_")
    return {
        "frames": len(frames), "seconds": float(frames.sum() / 1000), "median_ms": float(np.median(frames)),
        "p95_ms": float(np.percentile(frames, 95)), "p99_ms": float(np.percentile(frames, 99)),
        "worst_ms": float(frames.max()), "over_50_ms": float((frames > 50).mean()),
        "long_tasks": len(long_), "longest_task_ms": max(long_, default=0.0), "wheel_turns": turn,
    }  # fmt: skip


def steered(chromium: str, folder: Path) -> dict[str, Any]:
    """A real training of PyTorch, its rate halved from the page: the step that was named, and the rates around it."""
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", TRAIN, str(folder)]) as training:
        server = Server([folder])
        server.start()
        with browser(chromium, server.address) as page:
            page.wait_for_selector('button[data-command="scale 0.5"]:enabled', timeout=60_000)
            page.wait_for_timeout(800)
            clicked = time.time()
            page.click('button[data-command="scale 0.5"]')
            page.wait_for_selector("text=is in force from step", timeout=20_000)
            answered = time.time() - clicked
            said = page.inner_text(".part-steer .said")
        server.close()
        training.kill()
    tail = Tail(folder / "steered")
    tail.poll()
    applied = next(event for event in tail.events if event.kind == "applied")
    rates = dict(zip(tail.columns["lr"].steps.tolist(), tail.columns["lr"].values.tolist(), strict=True))
    import calando

    plan = calando.parse("warmup(5%) | cosine()").bind(4000)
    at = applied.step
    exact = all(rate == (0.05 * plan(t) if t < at else 0.05 * (plan(t) * 0.5)) for t, rate in rates.items())
    return {"said": said, "step": at, "before": rates[at - 1], "after": rates[at], "exact": exact, "seconds": answered}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument(
        "--chromium", default=shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    )
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {"runs": given.runs, "points": given.points}
    with tempfile.TemporaryDirectory() as place:
        found["steering"] = steered(given.chromium, Path(place, "steering"))
        print(found["steering"], flush=True)
        folder = Path(place, "many")
        written(folder, given.runs, given.points)
        server = Server([folder])
        began = time.monotonic()
        server.start()
        while sum(run.points for run in server.board.runs.values()) < 2 * given.runs * given.points:
            time.sleep(0.1)
        found["read_s"] = time.monotonic() - began
        print(f"read: {found['read_s']:.1f} s", flush=True)
        with browser(given.chromium, server.address) as page:
            for name, smooth in (("extremes", False), ("means", True)):
                found[name] = moved(page, given.seconds, smooth=smooth)
                print(name, found[name], flush=True)
            if given.shots:
                page.keyboard.press("r")
                page.wait_for_timeout(2500)
                page.screenshot(path=str(given.shots / "many.png"))
            delays = seen(page, folder, given.times)
            found["seen"] = {"median_s": median(delays), "worst_s": max(delays), "times": len(delays)}
            print(found["seen"], flush=True)
        server.close()
    found["machine"] = {
        "cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0], "nice": os.nice(0),
    }  # fmt: skip
    if given.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "page.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "page.md").write_text(page_of(found))
    print(page_of(found))


def moving_rows(name: str, moving: dict[str, Any]) -> list[tuple[str, str]]:
    what = {"extremes": "every extreme drawn", "means": "smooth, as more than 12 runs begin"}[name]
    times = ", ".join(f"{moving[key]:.1f}" for key in ("median_ms", "p95_ms", "p99_ms", "worst_ms"))
    over = f"{100 * moving['over_50_ms']:.1f} % of {moving['frames']:,}"
    return [
        (f"frame while scrolling and zooming, {what}: median, 95 %, 99 %, worst", f"{times} ms"),
        ("frames over 50 ms; the longest task", f"{over}; {moving['longest_task_ms']:.0f} ms"),
    ]


def page_of(found: dict[str, Any]) -> str:
    soon, steering, machine = found["seen"], found["steering"], found["machine"]
    rates = f"{steering['before']:.6g} before, {steering['after']:.6g} from there on"
    rows = [
        (f"{found['runs']} runs x {found['points']:,} points, two quantities each, read", f"{found['read_s']:.1f} s"),
        *(row for name in ("extremes", "means") for row in moving_rows(name, found[name])),
        (f"from writing a line until it is drawn: median, worst of {soon['times']}",
         f"{soon['median_s']:.2f}, {soon['worst_s']:.2f} s"),
        ("a real PyTorch run, `scale 0.5` clicked on the page", f"{steering['said']}; {rates}"),
        ("every rate of that run is the one that the page announced", "yes" if steering["exact"] else "NO"),
        ("from the click until the page said so", f"{steering['seconds']:.2f} s"),
    ]  # fmt: skip
    table = "\n".join(f"| {what} | {value} |" for what, value in rows)
    return f"""# The live page, measured

`python -m bench.watch.page --write`: headless Chromium, drawing by the processor alone, {machine["cores"]} cores that
others used as well (load {machine["load"]:.1f}; this at nice {machine["nice"]}).

| what | measured |
| --- | --- |
{table}
"""


if __name__ == "__main__":
    main()
