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
    """A weighted sum of the evidence. Provenance of the figures: benchmarks/README.md."""

    # dense, dense_paragraph, bm25, bm25_paragraph, coverage
    WEIGHTS = np.array([1.0, 0.3, 0.5, 1.2, 0.0])
    CALIBRATION = np.array([6.0, 0.0, 2.0, 2.0, 2.0])
    INTERCEPT = -5.0

    def scores(self, features: Features) -> NDArray[np.float64]:
        return np.asarray(features @ self.WEIGHTS)

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        return np.asarray(1.0 / (1.0 + np.exp(-(features @ self.CALIBRATION + self.INTERCEPT))))


# The lowest probability of each band, highest band first.
BANDS = ((Confidence.STRONG, 0.85), (Confidence.LIKELY, 0.6), (Confidence.WEAK, 0.35))


def band(probability: float) -> Confidence | None:
    """The band of a probability; None below the lowest: not worth showing."""
    return next((confidence for confidence, lowest in BANDS if probability >= lowest), None)
