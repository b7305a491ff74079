"""Late interaction: a question's tokens compared one by one with those of sentences. Pure arithmetic.

After Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over
BERT" (2020), with the tokens of a model that was not trained for it, several ways to sum up, and one bit a dimension.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.stored import SentenceDetail
from index.tokens import TokenCoder
from index.yardstick import Scale

Floats = NDArray[np.float64]

TOKENS = (
    "tokens",
    "tokens_title",
    "tokens_least",
    "tokens_first",
    "tokens_window",
    "tokens_window_idf",
    "tokens_match",
    "tokens_near",
    "tokens_reverse",
    "tokens_gap",
    "tokens_gap_window",
)
"""The mean over the question's tokens of their best cosines with the sentence's; with its title's tokens, too; of these
the least, and without the title the first (mostly the question word's); the mean with title and neighbours, plain and
weighted; the weight of what is matched, and matched closely; the mean over the sentence's tokens of their best cosines
with the question's; and how much of the weightiest token is missing, with title, and with neighbours. All on the
model's own scale."""

# On that scale, where 1 is the mean of a question and its answer.
_MATCHED, _CLOSE, _STEEPNESS = 0.8, 1.1, 10.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """A question's tokens: `vectors` (m, dimension) as `TokenCoder.query` makes them, `weights` (m,) whose sum is 1."""

    vectors: NDArray[np.float32]
    weights: Floats


def compared(
    question: Tokens,
    sentences: Sequence[SentenceDetail],
    neighbours: Sequence[Sequence[int]],
    coder: TokenCoder,
    scale: Scale,
) -> Floats:
    """(n, len(TOKENS)) of the first n `sentences`, whose `neighbours` (n,) are given as places among all of them.

    Every sentence has tokens.
    """
    cosines = coder.products(question.vectors, b"".join(one.tokens for one in sentences))
    sizes = np.array([len(one.tokens) // coder.size for one in sentences])
    starts = np.cumsum(sizes) - sizes
    of_title = np.arange(sizes.sum()) - np.repeat(starts, sizes) < np.repeat(
        [one.title_tokens for one in sentences], sizes
    )
    n = len(neighbours)
    titled = scale.of(np.maximum.reduceat(cosines, starts, axis=1).T)[:n]
    cosines[:, of_title] = -1.0  # what the title says, the sentence does not
    best = scale.of(np.maximum.reduceat(cosines, starts, axis=1).T)
    window = titled.copy()
    for row, near in enumerate(neighbours):
        for place in near:
            np.maximum(window[row], best[place], out=window[row])
    back = np.add.reduceat(np.where(of_title, 0.0, scale.of(cosines.max(axis=0))), starts)
    back /= np.maximum(np.add.reduceat(~of_title, starts, dtype=np.int64), 1)
    weights = question.weights
    heaviest = weights / weights.max()
    return np.stack(
        [
            best[:n].mean(axis=1),
            titled.mean(axis=1),
            titled.min(axis=1),
            best[:n, 0],
            window.mean(axis=1),
            window @ weights,
            _sigmoid(titled - _MATCHED) @ weights,
            _sigmoid(titled - _CLOSE) @ weights,
            back[:n],
            (heaviest * (1 - np.minimum(titled, 1))).max(axis=1),
            (heaviest * (1 - np.minimum(window, 1))).max(axis=1),
        ],
        axis=1,
    )


def _sigmoid(x: Floats) -> Floats:
    return np.asarray((1 + np.tanh(_STEEPNESS * x / 2)) / 2)  # 1 / (1 + e^-…), without overflow
