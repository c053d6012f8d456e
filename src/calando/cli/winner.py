"""What a study recommends, as what `export` takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from calando.errors import LabError

if TYPE_CHECKING:
    from calando.records.study import Study

__all__ = ["is_study", "winner"]


def is_study(text: str) -> bool:
    """Whether a text is the folder, or the file, of a study.

    >>> is_study("cosine()")
    False
    """
    from calando.records.store import FILE

    if len(text) > 4096 or "\0" in text:
        return False
    try:
        path = Path(text)
        return path.name == FILE or (path.is_dir() and (path / FILE).is_file())
    except OSError:
        return False


def winner(text: str) -> tuple[str, dict[str, Any]]:
    """The plan that a study recommends, and its peak, horizon and epoch as text and numbers for the command line.

    Raises:
        LabError: when the study recommends nothing yet.
        BadFile: when it cannot be read.
    """
    from calando.records import load

    study = load(text)
    plan, peak = _recommended(study)
    known = {"peak": peak, "horizon": str(study.spec.horizon), "steps_per_epoch": study.spec.steps_per_epoch}
    return plan, known


def _recommended(study: "Study") -> tuple[str, float | None]:
    """Plan and peak: of what the verdict recommends; of a search for a peak, its best one."""
    if "finding" in study.facts:
        finding = study.facts["finding"]
        if finding.get("best") is not None:
            return str(finding["shape"]), float(finding["best"])
    verdict = study.verdict
    label = None if verdict is None else verdict.recommended or verdict.leader
    if verdict is None or label is None:
        raise LabError(
            given="a study that recommends nothing" + ("" if verdict is not None else " yet"),
            allowed="a study with a verdict",
            where=study.path,
            fix=f"go on with it: calando resume {Path(study.path).parent}; or export a plan by its text",
        )
    if "tuned" in study.facts and study.facts["tuned"].get("winner") == label:
        tuned = study.facts["tuned"]
        return str(tuned["plan"]), tuned["peak"]
    return verdict.standing(label).plan, verdict.standing(label).peak
