"""The stage tree: runs whose whole past is the same train it once.

A run's past up to step k is its seed, its settings, its peak, everything that its schedule asks for at the steps
0 to k-1 and the steps at which it is evaluated; runs of another horizon share it where the train function never looks
at the horizon. Where pasts are equal bit for bit, one run trains the stretch and leaves a snapshot where others
leave it.
"""

from calando.lab.stages.due import evaluation_steps
from calando.lab.stages.legs import Leg
from calando.lab.stages.saving import Saving
from calando.lab.stages.tree import Tree

__all__ = ["Leg", "Saving", "Tree", "evaluation_steps"]
