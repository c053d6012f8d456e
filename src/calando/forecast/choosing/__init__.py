"""Choosing for a long run from a few short ones."""

from calando.forecast.choosing.answers import Baseline, Choice, NextRun, Ranked, Verdict
from calando.forecast.choosing.choosing import choose
from calando.forecast.choosing.evidence import Evidence, cooldown_share, evidence_of
from calando.forecast.choosing.regrets import noise_of
from calando.forecast.choosing.usual import KEEP, LINEAR, usual_plans

__all__ = [
    "KEEP",
    "LINEAR",
    "Baseline",
    "Choice",
    "Evidence",
    "NextRun",
    "Ranked",
    "Verdict",
    "choose",
    "cooldown_share",
    "evidence_of",
    "noise_of",
    "usual_plans",
]
