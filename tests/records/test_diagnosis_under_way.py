"""What is said of a run under way: nothing for a reason that cannot be told yet."""

from dataclasses import replace

import numpy as np

from calando.records.diagnosis import Observed, diagnose


def test_no_longer_warm_up_is_advised_for_a_rate_that_cannot_be_told_too_high_yet():
    at = np.arange(300)
    random = np.random.default_rng(0)
    learned = 2.3 - 1.2 * np.exp(-(((at - 120) / 50.0) ** 2)) + 0.02 * random.normal(size=at.size)
    rates = 0.05 * (1 + np.cos(np.pi * at / 1000))
    done = Observed(horizon=1000, train=(at.tolist(), learned.tolist()), lr=(at.tolist(), rates.tolist()))
    ended = {one.kind for one in diagnose(done)}
    assert {"LR too high", "warm-up too short"} <= ended
    assert not {"LR too high", "warm-up too short"} & {one.kind for one in diagnose(replace(done, status="running"))}
