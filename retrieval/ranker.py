"""Evidence → order and confidence: pure arithmetic. What was learned stands in `ranker.json`, to be read.

`python -m benchmarks.train` makes that file, from question sets with annotated answers.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import UserError
from retrieval.answer import Confidence
from retrieval.candidates import TermWeights
from retrieval.evidence import EVIDENCE
from retrieval.late_interaction import TOKENS

Floats = NDArray[np.float64]
Thresholds = Sequence[tuple[float, float]]

SHIPPED = Path(__file__).with_name("ranker.json")
FORMAT = 2
CIRCUMSTANCES = (
    "score",
    "margin",
    "share",
    "sentences",
    "question_terms",
    "unknown_terms",
    "best_dense",
    "best_bm25",
    "best_bm25_paragraph",
    "best_coverage",
)
"""What tells of the whole ranking, beside a candidate's own evidence: its score, how far it is above the best other
one, and its share of all (softmax); logarithms of the numbers of sentences and of the question's terms; the share of
the question's IDF that no sentence has; and the best values of all candidates."""


class FixedRanker:
    """A weighted sum of the four kinds of evidence that every candidate has, without anything learned from them.

    It chooses which candidates are looked at closely, and is what the learned ranker has to beat.
    """

    WEIGHTS = np.array([0.575, 0.155, 0.55, 1.24])
    WORDS_ALONE = np.array([0.0, 0.0, 0.55, 1.24])

    def scores(self, features: Floats, *, words_alone: bool = False) -> Floats:
        """(n, len(FEATURES)) → (n,), higher is better; `words_alone` leaves the cosines out."""
        return np.asarray(features @ (self.WORDS_ALONE if words_alone else self.WEIGHTS))


@dataclass(frozen=True, slots=True)
class Linear:
    """Σ weight · (value - mean) / deviation + intercept, over some of the columns of what it is given."""

    columns: tuple[int, ...]
    mean: Floats
    deviation: Floats
    weights: Floats
    intercept: float

    def of(self, values: Floats) -> Floats:
        """(n, all columns) → (n,)."""
        own = (values[:, self.columns] - self.mean) / self.deviation
        return np.asarray(own @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True)
class Judged:
    """Of n candidates the `scores` (n,), higher is better, and the `probabilities` (n,) that each, shown first,
    answers, with the `thresholds` of whatever judged them: pairs of a precision and the probability that reaches it."""

    scores: Floats
    probabilities: Floats
    thresholds: Thresholds

    def lowest(self, precision: float) -> float:
        """The least probability at which a first hit is shown, so that this share of the answers given is right."""
        return lowest_of(self.thresholds, precision)


class LearnedRanker:
    """Three pairs of linear models, of order and of confidence: for all evidence ("full"), for that without tokens
    ("plain"), and for words alone ("words").

    Raises:
        UserError: the file cannot be read, or belongs to another version of this program.
    """

    def __init__(self, path: Path = SHIPPED) -> None:
        content = _content(path)
        self.path = path
        self.identity = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        """What tells these weights from others."""
        self.reranker: Mapping[str, Any] | None = content.get("reranker")
        """What was fitted for a cross-encoder, which `fusion` reads."""
        try:
            models = {name: content["models"][name] for name in _MODELS}
            self._models = {
                name: (linear(model["ranking"], EVIDENCE), linear(model["confidence"], (*EVIDENCE, *CIRCUMSTANCES)))
                for name, model in models.items()
            }
            self._thresholds = {name: thresholds_of(model) for name, model in models.items()}
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise unreadable(path, error) from error

    def judge(self, evidence: Floats, weights: TermWeights, *, words_alone: bool = False) -> Judged:
        """What to make of the (n, len(EVIDENCE)) evidence of a question's best candidates; n is at least 1."""
        tokens = evidence[:, EVIDENCE.index(TOKENS[0])]
        name = "words" if words_alone else "plain" if np.isnan(tokens).any() else "full"
        ranking, confidence = self._models[name]
        scores = ranking.of(evidence)
        values = np.concatenate([evidence, circumstances(evidence, scores, weights)], axis=1)
        return Judged(scores, sigmoid(confidence.of(values)), self._thresholds[name])


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow however far off `x` is."""
    return np.asarray((1 + np.tanh(x / 2)) / 2)


@cache
def shipped() -> LearnedRanker:
    """The ranker that this program comes with."""
    return LearnedRanker()


def thresholds_of(section: Mapping[str, Any]) -> Thresholds:
    """The thresholds of a section of the file."""
    found = [(float(precision), float(lowest)) for precision, lowest in section["thresholds"].items()]
    if not found or not all(0 <= one <= 1 for pair in found for one in pair):
        raise ValueError("there are no thresholds, or some that are no shares")
    return found


def lowest_of(thresholds: Thresholds, precision: float) -> float:
    """Of pairs of a precision and the least probability that reaches it, the probability for this precision."""
    reached = [lowest for known, lowest in thresholds if known >= precision]
    return min(reached) if reached else thresholds[-1][1]


def circumstances(evidence: Floats, scores: Floats, weights: TermWeights) -> Floats:
    """(n, len(CIRCUMSTANCES)) from the candidates' evidence and scores."""
    n = len(scores)
    order = np.argsort(-scores)
    best, second = scores[order[0]], scores[order[1]] if n > 1 else scores[order[0]]
    rival = np.full(n, best)
    rival[order[0]] = second
    share = np.exp(scores - best)
    bests = [float(evidence[:, EVIDENCE.index(name)].max()) for name in _BESTS]
    whole = [math.log1p(weights.units), math.log1p(len(weights.idf)), weights.unknown, *bests]
    return np.column_stack([scores, scores - rival, share / share.sum(), np.tile(whole, (n, 1))])


_MODELS = ("full", "plain", "words")
_BESTS = ("dense", "bm25", "bm25_paragraph", "coverage")


def _content(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise UserError(f"The ranker's file {path} belongs to another version of this program. {_REMEDY}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
    return content


_REMEDY = "Make it anew with python -m benchmarks.train, or put back the one that this program came with."


def unreadable(path: Path, error: Exception) -> UserError:
    """What is said of a file that is damaged."""
    return UserError(f"The ranker's file {path} cannot be read ({type(error).__name__}: {error}). {_REMEDY}")


def linear(model: Mapping[str, Any], columns: Sequence[str]) -> Linear:
    """A model as it stands in the file, over some of these columns."""
    terms = model["terms"]
    mean, deviation, weight = (
        np.array([term[key] for term in terms.values()], np.float64) for key in ("mean", "deviation", "weight")
    )
    intercept = float(model["intercept"])
    if not (np.isfinite([*mean, *deviation, *weight, intercept]).all() and (deviation > 0).all()):
        raise ValueError("a weight, mean or deviation is no number that can be reckoned with")
    return Linear(tuple(columns.index(name) for name in terms), mean, deviation, weight, intercept)


DEFAULT_PRECISION = 0.85
BESIDE = 0.15  # the least probability of what is shown beside a first hit, or as the nearest: one such in six answers
# The least probability of a band, the highest band first. What is shown at all is decided by `LearnedRanker.lowest`.
BANDS = ((Confidence.STRONG, 0.8), (Confidence.LIKELY, 0.5))


def band(probability: float) -> Confidence:
    """The band of a probability."""
    return next((confidence for confidence, lowest in BANDS if probability >= lowest), Confidence.WEAK)


def worth_showing(probabilities: Sequence[float], lowest: float) -> list[bool]:
    """Which hits of one answer are shown, best first: none unless the first reaches `lowest`, and then those beside it
    that may well answer, too."""
    if not probabilities or probabilities[0] < lowest:
        return [False] * len(probabilities)
    return [probability >= min(lowest, BESIDE) for probability in probabilities]
