"""How a run ends from inside the train function."""

from calando.records.run import Status

__all__ = ["BROKEN", "REFUSED", "StopRun"]

BROKEN = "broken contract"  # how the reason begins where the train function itself is at fault, not a candidate
REFUSED = "snapshot refused"  # how it begins where a snapshot could not be put back: no result, make the run without it


class StopRun(BaseException):
    """Raised inside the train function when its run is over; let it pass.

    It is no `Exception`, so that a train function's own `except Exception` does not catch it.

    >>> StopRun("diverged", "train_loss is nan at step 3").status
    'diverged'
    """

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason
