"""Which rates a schedule asks for up to a step, as a digest: the past that two runs must have in common."""

import hashlib
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["Past"]


class Past:
    """The digest of everything that a schedule asks for before a step, bit for bit; a later step goes on from there.

    >>> from calando import constant, wsd
    >>> one, other = Past(constant().bind(100)), Past(wsd(warmup=0, cooldown=20).bind(100))
    >>> one.digest(81) == other.digest(81), one.digest(82) == other.digest(82)
    (True, False)
    """

    def __init__(self, schedule: "Schedule") -> None:
        self._schedule = schedule
        self._sha = hashlib.sha256()
        self._step = 0

    def digest(self, step: int) -> str:
        """SHA-256 in hex of every quantity at the steps 0 to `step` - 1; steps may only grow from call to call."""
        schedule, several = self._schedule, len(self._schedule.quantities) > 1
        while self._step < step:
            upto = min(step, self._step + 65536)
            if several:
                values = [value for t in range(self._step, upto) for _, value in sorted(schedule.at(t).items())]
            else:
                values = [schedule(t) for t in range(self._step, upto)]
            self._sha.update(struct.pack(f"<{len(values)}d", *values))
            self._step = upto
        return self._sha.hexdigest()
