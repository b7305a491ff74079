"""The ranker's judgement and a cross-encoder's logits → one judgement: by weights fitted for that very model or, where
there are none, by rank. Pure arithmetic.

Candidates that were not read keep their order behind those that were: they were the ranker's last choice, and not
having been read speaks neither for nor against them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.ranker import Judged, LearnedRanker, Linear, Thresholds, linear, sigmoid, thresholds_of, unreadable

Floats = NDArray[np.float64]

ORDER = ("score", "logit")
CONFIDENCE = ("odds", "logit", "lead", "margin")
"""The ranker's log-odds that a candidate answers; the cross-encoder's logit, and how far it is above the best other
one; and how far the fused score is above the best other one."""

_CONSTANT = 60  # of Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion" (2009)
_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class Fitted:
    """What `python -m benchmarks.train --reranker` found for one model, by linear models over ORDER and CONFIDENCE."""

    order: Linear
    confidence: Linear
    thresholds: Thresholds

    def fused(self, judged: Judged, logits: Floats) -> Judged:
        """The judgement of n candidates with their `logits` (n,), NaN where they were not read."""
        read = ~np.isnan(logits)
        if not read.any():
            return judged
        fused = self.order.of(columns(judged, logits)[read])
        scores = judged.scores - judged.scores.max() + fused.min() - 1.0
        scores[read] = fused
        probabilities = judged.probabilities.copy()
        values = confidence_columns(judged.probabilities[read], logits[read], fused)
        probabilities[read] = sigmoid(self.confidence.of(values))
        return Judged(scores, probabilities, self.thresholds)


def fitted_for(model: str, ranker: LearnedRanker) -> Fitted | None:
    """What the ranker's file has in its section "reranker", if that was fitted for this model.

    Raises:
        UserError: the section is damaged.
    """
    section = ranker.reranker
    try:
        if section is None or section["model"] != model:
            return None
        order, confidence = linear(section["order"], ORDER), linear(section["confidence"], CONFIDENCE)
        return Fitted(order, confidence, thresholds_of(section))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise unreadable(ranker.path, error) from error


def by_rank(judged: Judged, logits: Floats) -> Judged:
    """Reciprocal rank fusion of the ranker's order and the cross-encoder's, which decides between equals.

    How sure it is stays what it was, place by place: a logit that was never calibrated tells an order, not a chance.
    """
    first = np.argsort(-judged.scores, kind="stable")
    read = first[~np.isnan(logits[first])]
    again = read[np.argsort(-logits[read], kind="stable")]
    fused = np.zeros(len(logits))
    for order in (read, again):
        fused[order] += 1 / (_CONSTANT + 1 + np.arange(len(order)))
    order = np.concatenate([again[np.argsort(-fused[again], kind="stable")], first[np.isnan(logits[first])]])
    scores, probabilities = np.empty((2, len(logits)))
    scores[order] = -np.arange(len(logits), dtype=np.float64)
    probabilities[order] = judged.probabilities[first]
    return Judged(scores, probabilities, judged.thresholds)


def columns(judged: Judged, logits: Floats) -> Floats:
    """(n, len(ORDER)) of n candidates."""
    return np.column_stack([judged.scores, logits])


def confidence_columns(probabilities: Floats, logits: Floats, fused: Floats) -> Floats:
    """(n, len(CONFIDENCE)) of the n candidates of a question that were read."""
    sure = np.clip(probabilities, _SURE, 1 - _SURE)
    return np.column_stack([np.log(sure / (1 - sure)), logits, _above_others(logits), _above_others(fused)])


def _above_others(values: Floats) -> Floats:
    """(n,) How far each is above the best other one; 0 where there is no other."""
    if len(values) == 1:
        return np.zeros(1)
    first, second = np.argsort(-values, kind="stable")[:2]
    rival = np.full(len(values), values[first])
    rival[first] = values[second]
    return np.asarray(values - rival)
