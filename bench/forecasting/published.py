"""The multi-power law with the parameters its authors published, judged as they judge: table T1 of their repository.

Parameters (L0, A, alpha, B, C, beta, gamma) at absolute rates, and the averages over the six test curves: R2, mean
absolute error, root mean square error, mean relative error (PredE) and largest relative error (WorstE), as printed.
"""

from dataclasses import dataclass

import numpy as np

from calando.forecast.curve import LossCurve

PARAMETERS = {
    "25M": (3.04045406, 0.52468604, 0.50786857, 363.78751622, 2.06560812, 0.58279013, 0.64142257),
    "100M": (2.6514477, 0.60115152, 0.45295811, 437.9464276, 2.13245612, 0.59785199, 0.65523644),
}
PRINTED = {
    "25M": (0.9988, 0.00376, 0.00465, 0.00110, 0.00409),
    "100M": (0.9983, 0.00435, 0.00592, 0.00142, 0.00583),
}
DIGITS = (4, 5, 5, 5, 5)
TRAINING = ("cosine_24000", "constant_24000", "wsdcon_9")
"""The authors' three training curves; all others of a size are their test curves."""
WSD = ("wsd_20000_24000",)


@dataclass(frozen=True)
class Score:
    """The authors' five numbers, averaged over curves, and the largest relative error of any loss."""

    r2: float
    mae: float
    rmse: float
    pred_e: float
    worst_e: float
    largest: float

    def rounded(self) -> tuple[float, ...]:
        """The five as they are printed."""
        five = (self.r2, self.mae, self.rmse, self.pred_e, self.worst_e)
        return tuple(round(value, digits) for value, digits in zip(five, DIGITS, strict=True))


def test_curves(curves: dict[str, LossCurve], trained: tuple[str, ...]) -> dict[str, LossCurve]:
    """What is left to judge on: neither the authors' training curves nor those that were fitted."""
    return {name: curve for name, curve in curves.items() if name not in {*TRAINING, *trained}}


def score(curves: "list[LossCurve]", predicted: "list[np.ndarray[tuple[int], np.dtype[np.float64]]]") -> Score:
    """The five numbers, each averaged over the curves."""
    rows = []
    for curve, told in zip(curves, predicted, strict=True):
        known = curve.losses
        error = told - known
        relative = np.abs(error) / known
        r2 = 1.0 - float((error**2).sum() / ((known - known.mean()) ** 2).sum())
        rows.append((r2, np.abs(error).mean(), np.sqrt((error**2).mean()), relative.mean(), relative.max()))
    means = np.mean(rows, axis=0)
    return Score(*map(float, means), largest=float(max(row[4] for row in rows)))
