"""However a watched run ends, its record has what was logged, and says how it ended as far as anybody can know."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import calando
from calando.records.live import Tail
from tests.watch.test_watch import tail_of, values


def test_an_exception_ends_it_as_failed_and_goes_on(tmp_path: Path) -> None:
    def fails() -> None:
        with calando.watch("a", horizon=3, folder=tmp_path) as watched:
            watched.log(a=1.0)
            raise ZeroDivisionError("by \x1b[31m zero")

    with pytest.raises(ZeroDivisionError):
        fails()
    ended = tail_of(tmp_path / "a").ended
    assert ended is not None
    assert (ended.data["status"], "ZeroDivisionError" in ended.data["reason"]) == ("failed", True)


ENDS = {
    "": ("unfinished", ""),
    "raise RuntimeError('gone')": ("failed", "RuntimeError: 'gone'"),
    "raise KeyboardInterrupt": ("interrupted", "Ctrl-C"),
    "sys.exit(3)": ("unfinished", ""),
    "watched.log(a=1.0); watched.log(a=1.0)": ("done", ""),
    "os.fork() or os._exit(0); os.wait()": ("unfinished", ""),
    "os.fork() or sys.exit(0); os.wait()": ("unfinished", ""),
    "del watched; gc.collect()": ("unfinished", ""),
}


@pytest.mark.parametrize("last", ENDS)
def test_a_process_that_ends_says_how(tmp_path: Path, last: str) -> None:
    code = f"import calando, gc, os, sys\nwatched = calando.watch('a', horizon=3, folder={str(tmp_path)!r})\n"
    code += f"watched.log(a=1.0)\n{last}\n"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False, capture_output=True)
    tail = tail_of(tmp_path / "a")
    assert tail.state == "ended"
    assert [(event.data["status"], event.data["reason"]) for event in tail.events] == [ENDS[last]]


LOOP = """
import sys, torch, calando, calando.torch
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(10**6))
with calando.watch("a", scheduler=scheduler, folder=sys.argv[1]) as watched:
    while not watched.over:
        optimizer.step()
        scheduler.step()
        watched.log(train_loss=float(watched.step))
        print(watched.step, flush=True)
"""


@pytest.mark.parametrize("after", [1, 137, 900])
def test_a_loop_that_is_killed_has_every_line_it_logged_and_reads_as_lost(tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", LOOP, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(after):
            process.stdout.readline()
        assert Tail(tmp_path / "a").poll()
        process.send_signal(signal.SIGKILL)
        said = after + sum(line.endswith("\n") for line in process.stdout.read().splitlines(keepends=True))
    tail = tail_of(tmp_path / "a")
    assert tail.last + 1 >= said
    assert values(tail, "train_loss") == [float(step) for step in range(tail.last + 1)]
    assert values(tail, "lr") == [0.5 * (1 - step / 10**6) for step in range(tail.last + 1)]
    assert tail.state == "lost"


def test_several_that_begin_at_once_under_one_name_get_a_record_each(tmp_path: Path) -> None:
    code = (
        "import sys, time, calando.watch\n"
        "time.sleep(max(0.0, float(sys.argv[2]) - time.time()))\n"
        "with calando.watch('a', horizon=1, folder=sys.argv[1], meta={'me': sys.argv[3]}) as watched:\n"
        "    watched.log(me=float(sys.argv[3]))\n"
    )
    together = str(time.time() + 3.0)
    several = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), together, str(number)]) for number in range(5)
    ]
    assert [process.wait(60) for process in several] == [0] * 5
    assert sorted(place.name for place in tmp_path.iterdir()) == ["a", "a-2", "a-3", "a-4", "a-5"]
    for place in tmp_path.iterdir():
        tail = tail_of(place)
        assert tail.header is not None
        assert values(tail, "me") == [float(tail.header.meta["me"])]
        assert (tail.name, tail.state) == (place.name, "ended")


def test_a_record_that_was_taken_away_is_of_no_running_run(tmp_path: Path) -> None:
    watched = calando.watch("a", horizon=2, folder=tmp_path)
    watched.log(a=1.0)
    tail = tail_of(tmp_path / "a")
    assert tail.state == "running"
    (tmp_path / "a" / "record.jsonl").unlink()
    assert not tail.poll()
    assert tail.state == "lost"
    watched.close()
