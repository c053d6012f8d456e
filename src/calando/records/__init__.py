"""What runs leave behind: frozen, versioned records and the one file that keeps them.

from calando.records import load
study = load("studies/digits")        # a folder or the file inside it; no framework is needed
study.spec          StudySpec         the question: candidates, peaks, seeds, horizon, metric
study.sessions      Session ...       command line, workers, environment of every sitting
study.runs          RunRecord ...     spec (candidate, plan, peak, seed, phase), status, reason,
                                      traceback, final, curves {"lr", "train_loss", "val_loss", ...}
study.attempts      Attempt ...       every start of every run
study.stages        StageRecord ...   stretches that runs left behind, shared or resumed from
study.decisions     Decision ...      what the strategy decided, and why
study.facts         {"disk": ...}     whatever else was noted by name
study.spent         Spent             updates trained, shared and lost; disk
study.verdict       Verdict | None    standings, intervals, tie set, sentences
"""

from calando.records.decision import Decision
from calando.records.result import (
    Comparison,
    Cost,
    Interval,
    MoreSeeds,
    PeakScore,
    Selection,
    Standing,
    Verdict,
)
from calando.records.run import STATUSES, Attempt, Curve, Phase, RunRecord, RunSpec, Status
from calando.records.spent import Spent
from calando.records.stage import Knob, SnapshotRef, StageRecord
from calando.records.store import Store, load
from calando.records.study import Candidate, Environment, Mode, Role, Session, Study, StudySpec

__all__ = [
    "STATUSES",
    "Attempt",
    "Candidate",
    "Comparison",
    "Cost",
    "Curve",
    "Decision",
    "Environment",
    "Interval",
    "Knob",
    "Mode",
    "MoreSeeds",
    "PeakScore",
    "Phase",
    "Role",
    "RunRecord",
    "RunSpec",
    "Selection",
    "Session",
    "SnapshotRef",
    "Spent",
    "StageRecord",
    "Standing",
    "Status",
    "Store",
    "Study",
    "StudySpec",
    "Verdict",
    "load",
]
