"""The question a study asks, and where it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from calando.errors import BadName, did_you_mean, shown
from calando.records.decision import Decision
from calando.records.result import Verdict
from calando.records.run import Attempt, RunRecord
from calando.records.spent import Spent, spent
from calando.records.stage import StageRecord

__all__ = ["Candidate", "Environment", "Mode", "Role", "Session", "Study", "StudySpec"]

Mode = Literal["min", "max"]
Role = Literal["candidate", "humble", "baseline"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One plan that takes part.

    `label` is what readers see (unique in the study; the plan's text unless the user named it), `plan`
    the plan's text form, `plan_json` the same as calando JSON, `peak` a pinned peak (None: a grid
    decides), `role` why it takes part. `peaks` is its own grid, ascending (empty: the study's), `origin` says where
    that grid comes from.

    >>> Candidate("cosine()", "cosine()").role
    'candidate'
    """

    label: str
    plan: str
    plan_json: str = ""
    peak: float | None = None
    role: Role = "candidate"
    peaks: tuple[float, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class StudySpec:
    """Everything that decides which runs a study holds and how they are judged.

    `question` is one sentence; `train` names the train function ("file.py:train"), `train_sha256` its
    source file; `horizon` updates per run, `evals` evaluations per run; `peaks` the grid (ascending,
    empty: the optimizer's own rates), `extend` by how many points a grid may grow past its edge;
    `select_seeds` choose peaks, `confirm_seeds` are the evidence, and no seed is in both; `metric` is
    judged by `mode`; `baseline` is the label of the candidate that the others are held against;
    `confidence` in (0, 1); `margin` >= 0 in units of the metric: differences inside it do not matter.

    >>> StudySpec("Which?", "train.py:train", horizon=10, candidates=(Candidate("c", "cosine()"),)).metric
    'val_loss'
    """

    question: str
    train: str
    horizon: int
    candidates: tuple[Candidate, ...]
    train_sha256: str = ""
    steps_per_epoch: int | None = None
    evals: int = 20
    peaks: tuple[float, ...] = ()
    extend: int = 2
    select_seeds: tuple[int, ...] = (0, 1, 2)
    confirm_seeds: tuple[int, ...] = (1000, 1001, 1002, 1003, 1004, 1005)
    metric: str = "val_loss"
    mode: Mode = "min"
    baseline: str = ""
    confidence: float = 0.95
    margin: float = 0.0
    version: int = 1

    def grid(self, candidate: Candidate) -> tuple[float, ...]:
        """The peaks that a candidate without a pinned one is tried at; empty: the optimizer's own rates stand.

        >>> StudySpec("?", "t.py:t", 10, (), peaks=(0.1,)).grid(Candidate("c", "cosine()", peaks=(0.2, 0.4)))
        (0.2, 0.4)
        """
        return candidate.peaks or self.peaks

    def candidate(self, label: str) -> Candidate:
        """The candidate of that label.

        Raises:
            BadName: when there is none.

        >>> StudySpec("?", "t.py:t", 10, (Candidate("c", "cosine()"),)).candidate("c").plan
        'cosine()'
        """
        for candidate in self.candidates:
            if candidate.label == label:
                return candidate
        labels = [candidate.label for candidate in self.candidates]
        raise BadName(
            given=f"the label {shown(label)}{did_you_mean(label, labels)}",
            allowed=", ".join(labels) or "no labels: the study has no candidates",
            where="StudySpec.candidate",
            fix="use the label of a candidate",
        )


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, the packages and the code that runs were made with.

    `sources` holds the SHA-256 of every loaded file beside the train function, by relative path.

    >>> Environment(python="3.11.9", platform="Linux", cpus=2).packages
    {}
    """

    python: str = ""
    platform: str = ""
    machine: str = ""
    cpus: int = 0
    threads_per_worker: int = 0
    packages: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting of the coordinator: the command line, from when to when, and where.

    `ended` is None when the coordinator was killed or still runs. Times are Unix times in seconds.

    >>> Session(id=1, command=("calando", "compare"), pid=7, workers=2, started=0.0).ended is None
    True
    """

    id: int
    command: tuple[str, ...]
    pid: int
    workers: int
    started: float
    ended: float | None = None
    environment: Environment = field(default_factory=Environment)


@dataclass(frozen=True, slots=True)
class Study:
    """A whole study as read from its store: question, sittings, runs, starts, stages, decisions, verdict.

    `runs` are in the order in which they finished. `verdict` is None until every wanted run is there. `stages` are
    stretches that runs left behind on their way, without curves; `decisions` what the strategy decided and why;
    `facts` whatever else was noted by name, as plain data ("disk": the bytes of snapshots now, at their peak and
    written in all, and how many).

    >>> study = Study(StudySpec("Which?", "train.py:train", 10, (Candidate("c", "cosine()"),)))
    >>> study.seconds, study.verdict
    (0, None)
    """

    spec: StudySpec
    sessions: tuple[Session, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    verdict: Verdict | None = None
    path: str = ""
    stages: tuple[StageRecord, ...] = ()
    decisions: tuple[Decision, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def of(self, label: str) -> tuple[RunRecord, ...]:
        """All runs of one candidate.

        >>> Study(StudySpec("Which?", "train.py:train", 10, ())).of("cosine()")
        ()
        """
        return tuple(run for run in self.runs if run.spec.candidate == label)

    @property
    def command(self) -> tuple[str, ...]:
        """The command line of the latest sitting; empty when there was none.

        >>> Study(StudySpec("Which?", "train.py:train", 10, ())).command
        ()
        """
        return self.sessions[-1].command if self.sessions else ()

    @property
    def environment(self) -> Environment:
        """Where the latest sitting ran.

        >>> Study(StudySpec("Which?", "train.py:train", 10, ())).environment.cpus
        0
        """
        return self.sessions[-1].environment if self.sessions else Environment()

    @property
    def seconds(self) -> float:
        """Wall seconds spent inside finished runs, summed over workers.

        >>> Study(StudySpec("Which?", "train.py:train", 10, ())).seconds
        0
        """
        return sum(run.seconds for run in self.runs)

    @property
    def spent(self) -> Spent:
        """What the study cost so far: updates trained, shared and lost, starts, and the disk for snapshots.

        >>> Study(StudySpec("Which?", "train.py:train", 10, ())).spent.trained
        0
        """
        return spent(self.runs, self.attempts, self.stages, self.facts)
