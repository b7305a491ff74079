"""Questions → groups that mean the same. Pure over vectors; who asked them, and what of them has an answer, is not
known here.

Average-linkage clustering (UPGMA; Sokal and Michener, 1958): the two groups whose questions are on average the most
alike become one, as long as they are alike enough. Unlike single linkage it makes no chains, and unlike a leader's
groups these do not depend on the order of the questions.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from index.yardstick import Scale

ALIKE = 1.2
"""On the encoder's scale of cosines (0: unrelated; 1: a question and its answer), how alike groups have to be on
average to become one. Chosen on half of SQuAD's articles (dev), where F0.5 of pairs is best with it: to hide a question
among others is worse than to show it twice. On the other half precision is .763 and recall .508; many of the pairs that
count as wrong there ask for two things about one subject in the same words (benchmarks/README.md, "Learning")."""

_GONE = -np.inf


def grouped(
    vectors: NDArray[np.float32], scale: Scale, *, alone: Collection[int] = (), least: float = ALIKE
) -> list[list[int]]:
    """Groups of the rows of (n, dimension) unit vectors, each with its most central row first and the others in order;
    the groups are in the order of their first rows. Those `alone` join no other, for instance because the model does
    not know their language. Time grows with n³: for some hundreds.
    """
    if not len(vectors):
        return []
    alike = scale.of(vectors @ vectors.T)
    for row in alone:
        alike[row] = alike[:, row] = _GONE
    groups = _merged(alike.copy(), least)
    return [_central_first(group, alike) for group in sorted(groups)]


def _merged(alike: NDArray[np.float64], least: float) -> list[list[int]]:
    """`alike` (n, n) is used up."""
    n = len(alike)
    groups = [[row] for row in range(n)]
    np.fill_diagonal(alike, _GONE)
    while True:
        one, other = sorted(divmod(int(alike.argmax()), n))
        if alike[one, other] < least:
            return [sorted(group) for group in groups if group]
        a, b = len(groups[one]), len(groups[other])
        mean = (a * alike[one] + b * alike[other]) / (a + b)
        mean[[one, other]] = _GONE
        alike[one] = alike[:, one] = mean
        alike[other] = alike[:, other] = _GONE
        groups[one] += groups[other]
        groups[other] = []


def _central_first(group: Sequence[int], alike: NDArray[np.float64]) -> list[int]:
    if len(group) < 3:  # of two, none is more central
        return list(group)
    central = group[int(alike[np.ix_(group, group)].sum(axis=1).argmax())]
    return [central, *(row for row in group if row != central)]
