"""Evidence → scores and confidence: pure arithmetic over the candidates' features.

The weights are fixed for now; a learned ranker fills the same interface.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retrieval.answer import Confidence

Features = NDArray[np.float64]


class Ranker(Protocol):
    """Orders candidates and says how likely each is to answer. Pure, and safe to share between threads."""

    def scores(self, features: Features) -> NDArray[np.float64]:
        """(n, len(FEATURES)) → (n,), higher is better."""
        ...

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """(n, len(FEATURES)) → (n,), the estimated probability that a candidate, ranked first, answers."""
        ...


class FixedRanker:
    """A weighted sum of the evidence, and a logistic function of it.

    `python -m benchmarks.fit` gave the figures, on half of the articles of three question sets; benchmarks/README.md
    shows how they do on the other half. In the order of `FEATURES`.
    """

    WEIGHTS = np.array([1.0, 0.27, 0.55, 1.24, 0.0])
    CALIBRATION = np.array([5.9, 0.0, 2.42, 0.0, 2.91])
    INTERCEPT = -5.98

    def scores(self, features: Features) -> NDArray[np.float64]:
        return np.asarray(features @ self.WEIGHTS)

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        return np.asarray(1.0 / (1.0 + np.exp(-(features @ self.CALIBRATION + self.INTERCEPT))))


# The lowest probability of each band, highest band first. The lowest of all keeps nearly every sentence that is right,
# and refuses most questions that nothing indexed answers: benchmarks/README.md, "Confidence".
BANDS = ((Confidence.STRONG, 0.75), (Confidence.LIKELY, 0.5), (Confidence.WEAK, 0.15))


def band(probability: float) -> Confidence | None:
    """The band of a probability; None below the lowest: not worth showing."""
    return next((confidence for confidence, lowest in BANDS if probability >= lowest), None)
