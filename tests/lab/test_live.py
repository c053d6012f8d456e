"""Live progress: a table in a terminal, lines elsewhere, and nothing a label could break."""

import io
import re

from calando.lab.board import Running, board, spark, tally
from calando.lab.live import Lines, Quiet, Screen, view_for
from calando.lab.strategy import walks
from calando.records import Candidate, RunSpec
from tests.lab.made import played, record, spec


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(question, runs, running=None, width: int = 120) -> str:  # type: ignore[no-untyped-def]
    stream = Terminal()
    screen = Screen(stream)
    screen._console.width, screen._console.height = width, 40
    screen.start(question)
    screen.show(board(question, walks(question, runs), runs, running or {}, workers=2))
    screen.stop()
    return stream.getvalue()


def bowl(run: RunSpec) -> float:
    return abs((run.peak or 0.2) - 0.2) + 0.5


def test_the_board_counts_what_is_done_and_what_is_still_to_come() -> None:
    question = spec("cosine()", "wsd()")
    total = 2 * (6 + 4)
    for most in (0, 3, 6, 15, 20):
        runs = played(question, bowl, most)
        now = board(question, walks(question, runs), runs, {}, workers=2)
        assert (now.tally.done, now.tally.total) == (most, total)
    assert [row.state for row in now.rows] == ["finished", "finished"]
    assert [row.peak for row in now.rows] == ["0.2", "0.2"]


def test_the_time_left_counts_the_workers_and_what_is_under_way() -> None:
    question = spec("cosine()")
    runs = played(question, bowl, 2)
    from dataclasses import replace

    runs = {key: replace(run, seconds=10.0) for key, run in runs.items()}
    half = Running(RunSpec("cosine()", "cosine()", 0.4, 0, 100), 50, (1.0,))
    assert board(question, walks(question, runs), runs, {"x": half}, workers=2).tally.left == (10 - 2 - 0.5) * 10 / 2
    assert board(question, walks(question, {}), {}, {}, workers=2).tally.left is None


def test_a_spark_draws_finite_values_from_low_to_high() -> None:
    assert spark((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)) == "▁▂▃▄▅▆▇█"
    assert spark((float("nan"), 1.0, float("inf"), 1.0)) == "▁▁"
    assert spark(()) == ""
    assert len(spark(tuple(float(i) for i in range(1000)))) == 14


def test_a_terminal_shows_a_line_for_each_candidate() -> None:
    question = spec("cosine()", "wsd()")
    runs = played(question, bowl, 13)
    shown = drawn(question, runs)
    for part in ("Which?", "cosine()", "wsd()", "confirming", "13 of 20 runs"):
        assert part in shown


def test_in_a_narrow_terminal_schedules_can_still_be_told_apart() -> None:
    question = spec("wsd()", "wsd(cooldown=20%)", "wsd(cooldown=40%)")
    shown = drawn(question, played(question, bowl, 7), width=60)
    for part in ("wsd()", "wsd(cooldown=20%)", "wsd(cooldown=40%)", "7 of 30 runs"):
        assert part in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert max(len(line) for line in re.split(r"[\r\n]", plain)) <= 60


def test_labels_are_only_text_in_a_terminal() -> None:
    label = "[bold red]x[/] <b>"
    question = spec("cosine()", candidates=(Candidate(label, "cosine()"),), baseline=label)
    assert label in drawn(question, {})


def test_what_a_user_wrote_does_not_steer_the_terminal() -> None:
    stream = Terminal()
    Screen(stream).say("a run failed: \x1b]0;pwn\x07 \x1b[31mRED \u202e")
    assert "\x1b]" not in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()
    assert "\u241b]0;pwn\u2407 \u241b[31mRED \ufffd" in stream.getvalue()


def test_elsewhere_there_is_one_plain_line_for_each_run() -> None:
    stream, question = io.StringIO(), spec("cosine()")
    lines = view_for(None, stream)
    assert isinstance(lines, Lines)
    runs = played(question, bowl, 1)
    now = tally(question, walks(question, runs), runs, {}, workers=2)
    lines.finished(next(iter(runs.values())), now)
    bad = record(RunSpec("a\nb\x1b[2J", "cosine()", 0.1, 0, 100), "diverged")
    lines.finished(bad, now)
    first, second = stream.getvalue().splitlines()
    assert first == "[1/10] cosine() peak 0.1 seed 0: 0.6 (0.0 s)"
    assert second == "[1/10] a b␛[2J peak 0.1 seed 0: diverged: made up (0.0 s)"


def test_a_stream_that_nobody_reads_does_not_stop_a_study() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Lines(Gone()).say("hello")
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Lines(ascii_only).say("é")


def test_nothing_is_shown_where_nothing_is_wanted() -> None:
    assert isinstance(view_for(False), Quiet)
    assert isinstance(view_for(True, Terminal()), Screen)
