"""How a run stands after its train function came back."""

from collections.abc import Mapping, Sequence

from calando.lab.driven import DrivenGauge
from calando.lab.gauge import Gauge
from calando.lab.ledger import Columns
from calando.lab.stop import BROKEN
from calando.records.run import Status

__all__ = ["outcome_of"]


def outcome_of(
    done: int, horizon: int, metric: str, columns: Mapping[str, Columns], gauges: Sequence[Gauge | DrivenGauge]
) -> tuple[Status, str, float | None]:
    """Status, reason and final metric of a run that was not ended before."""
    if done < horizon:
        short = f"came back after {done} of {horizon} updates; loop over run.steps to its end"
        return "failed", f"{BROKEN}: the train function {short}", None
    if any(gauge.hooked and not gauge.total for gauge in gauges):
        idle = "the attached optimizer made no update in the whole run; attach the optimizer that trains"
        return "failed", f"{BROKEN}: {idle}", None
    found = columns.get(metric)
    if found is None or not found[0] or found[0][-1] != horizon - 1:
        names = ", ".join(sorted(columns)) or "nothing"
        how = f"write `if run.eval_due: run.log({metric}=...)` inside the loop, or name another --metric"
        return "failed", f"{BROKEN}: {metric} was not logged at the end (logged: {names}); {how}", None
    return "done", "", found[1][-1]
