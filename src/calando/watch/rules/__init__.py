"""Rules that steer a run by what it logs: each order is in the record, with its reason, and can be replayed.

>>> import calando.watch.rules
>>> calando.watch.rules.plateau(patience=3).name
'plateau'
"""

from calando.watch.rules.plateaus import Plateau, plateau
from calando.watch.rules.rescuing import Rescue, rescue
from calando.watch.rules.stopping import EarlyStop, early_stop

__all__ = ["EarlyStop", "Plateau", "Rescue", "early_stop", "plateau", "rescue"]
