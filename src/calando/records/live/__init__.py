"""A run that is under way, as it writes itself down, and whoever looks on: one folder a run.

from calando.records.live import Header, Recorder, Tail, discover
recorder = Recorder("runs/first", Header("first", horizon=1000))
recorder.log(0, {"train_loss": 2.3, "lr": 0.1})         # one line, written at once: a kill loses nothing
tail = Tail("runs/first")
news = tail.poll()                                      # what is new since the last time
tail.columns["train_loss"].values                       # all there is so far
discover("runs")                                        # runs, studies and other tools' logs below a folder
"""

from calando.records.live.answered import Answered, read_answered
from calando.records.live.command import COMMANDS, Command, send
from calando.records.live.discover import Found, discover
from calando.records.live.header import Event, Header
from calando.records.live.inbox import Inbox
from calando.records.live.record import RECORD, Recorder
from calando.records.live.tail import News, Tail

__all__ = [
    "COMMANDS",
    "RECORD",
    "Answered",
    "Command",
    "Event",
    "Found",
    "Header",
    "Inbox",
    "News",
    "Recorder",
    "Tail",
    "discover",
    "read_answered",
    "send",
]
