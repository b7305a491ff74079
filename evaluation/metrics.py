"""The measures: ranks, AUROC, precision and coverage at a threshold, calibration, and intervals by the bootstrap.

Pure arithmetic over arrays; it knows nothing of questions, articles or systems. What resampling repeats takes
`weights` (b, n), a row for each resample and a column for each question, and returns a row for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]
Statistic = Callable[[Floats], Floats]

BINS = 15
_AT_ONCE = 64  # resamples whose weights are in memory together


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95% bootstrap interval, which is None where there are not two articles to draw from.

    `value` is nan where the figure is not defined, as a precision is where nothing was answered.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of like confidence: their mean confidence, the share that is right, and their share of all."""

    confidence: float
    right: float
    mass: float


def average_ranks(scores: Floats) -> Floats:
    """(n,) ranks from 1, the highest score first; equal scores share the mean of their places."""
    order = np.argsort(-scores, kind="stable")
    starts = run_starts(scores[order])
    ends = np.r_[starts[1:], len(scores)]
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    return ranks


def run_starts(values: Floats) -> Integers:
    """Where runs of equal values begin."""
    return np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else np.zeros(0, np.int64)


def reciprocal_rank(ranks: Floats) -> Floats:
    """1/rank; 0 for what was not found, whose rank is infinite."""
    return 1.0 / ranks


def recall_at(ranks: Floats, k: int) -> Floats:
    """1 where the rank is among the first `k`, else 0."""
    return (ranks <= k).astype(np.float64)


def share(weights: Floats, of: Floats | Bools, among: Floats | Bools) -> Floats:
    """(b,) The weight of `of` (n,) within `among` (n,), as a share of it; nan where there is nothing among which."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights @ (np.asarray(of, np.float64) * among)) / (weights @ np.asarray(among, np.float64)))


def auroc(scores: Floats, positive: Bools, weights: Floats | None = None) -> Floats:
    """(b,) The chance that a positive scores above a negative, ties counting half; nan where either is missing."""
    rows = np.ones((1, len(scores))) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    starts = run_starts(scores[order])
    if not len(starts):
        return np.full(len(rows), np.nan)
    mine, others = (np.add.reduceat(rows[:, order] * which[order], starts, axis=1) for which in (positive, ~positive))
    below = np.cumsum(others, axis=1) - others / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((mine * below).sum(axis=1) / (mine.sum(axis=1) * others.sum(axis=1)))


def half_and_half(weights: Floats, answerable: Bools) -> Floats:
    """(b, n) weights under which the answerable questions count as much as all the others together."""
    balanced = np.zeros_like(weights)
    for which in (answerable, ~answerable):
        total = (weights * which).sum(axis=1, keepdims=True)
        balanced += np.divide(weights * which, total, out=np.zeros_like(weights), where=total > 0)
    return balanced


def equal_mass_bins(confidence: Floats, weights: Floats, bins: int = BINS) -> Integers:
    """(n,) The bin of each question: by confidence, each bin with as nearly the same weight (n,) as ties allow.

    Equal confidences share a bin, so a bin may be larger than others, and some may be empty.
    """
    if not len(confidence):
        return np.zeros(0, np.int64)
    order = np.argsort(confidence, kind="stable")
    starts = run_starts(confidence[order])
    runs = np.add.reduceat(weights[order], starts)
    middles = (np.cumsum(runs) - runs / 2) / runs.sum()
    found = np.empty(len(confidence), np.int64)
    found[order] = np.repeat(
        np.minimum(bins - 1, (middles * bins).astype(np.int64)), np.diff(np.r_[starts, len(order)])
    )
    return found


def calibration_error(confidence: Floats, right: Floats, bins: Integers, weights: Floats) -> Floats:
    """(b,) Expected calibration error: the gap between confidence and rightness of each bin, weighted by its size."""
    inside = (bins[:, None] == np.arange(BINS)).astype(np.float64)
    gaps = np.abs(weights @ (inside * (right - confidence)[:, None]))
    return np.asarray(gaps.sum(axis=1) / weights.sum(axis=1))


def reliability(confidence: Floats, right: Floats, bins: Integers, weights: Floats) -> list[Bin]:
    """The bins that are not empty, by confidence; `weights` is (n,)."""
    found = []
    for number in np.unique(bins):
        inside = bins == number
        mass = weights[inside].sum()
        if mass > 0:
            means = [float(weights[inside] @ values[inside] / mass) for values in (confidence, right)]
            found.append(Bin(means[0], means[1], float(mass / weights.sum())))
    return found


def coverage_curve(confidence: Floats, right: Floats, answerable: Bools, weights: Floats) -> tuple[Floats, Floats]:
    """(b, thresholds) coverage of the answerable, and precision of the answered, the highest threshold first."""
    order = np.argsort(-confidence, kind="stable")
    ends = np.r_[run_starts(confidence[order])[1:], len(order)] - 1 if len(order) else np.zeros(0, np.int64)
    ranked = weights[:, order]
    answered, found, covered = (
        np.cumsum(ranked * which, axis=1)[:, ends] for which in (np.ones(len(order)), right[order], answerable[order])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return covered / (weights @ answerable.astype(np.float64))[:, None], found / answered


def coverage_at(precision: float, confidence: Floats, right: Floats, answerable: Bools, weights: Floats) -> Floats:
    """(b,) The largest coverage at which the answered have this precision; 0 if no threshold gives it."""
    covered, reached = coverage_curve(confidence, right, answerable, weights)
    largest = np.where(reached >= precision, covered, 0.0).max(axis=1, initial=0.0)
    return np.asarray(np.where(np.isnan(weights).any(axis=1), np.nan, largest))


class Resampling:
    """The bootstrap over articles: whole articles are drawn, with replacement, each with all of its questions."""

    def __init__(self, articles: Sequence[str], resamples: int) -> None:
        """`articles` names the article of each question."""
        names, self._owner = np.unique(np.array(articles, dtype=str), return_inverse=True)
        count = len(names)
        draws = np.random.default_rng(0).integers(max(1, count), size=(resamples if count > 1 else 0, count))
        # The first row is the sample itself.
        self._draws = np.ones((1 + len(draws), count))
        for row, drawn in zip(self._draws[1:], draws, strict=True):
            row[:] = np.bincount(drawn, minlength=count)

    def estimates(self, statistic: Statistic) -> list[Estimate]:
        """The figures that `statistic` makes of weights (b, n): (b, m), or (b,) if it is one; with intervals."""
        rows = np.concatenate(
            [
                np.asarray(statistic(self._draws[start : start + _AT_ONCE][:, self._owner])).T
                for start in range(0, len(self._draws), _AT_ONCE)
            ],
            axis=-1,
        )
        return [_estimate(row) for row in np.atleast_2d(rows)]


def _estimate(row: Floats) -> Estimate:
    drawn = row[1:][np.isfinite(row[1:])]
    if not np.isfinite(row[0]) or not len(drawn):
        return Estimate(float(row[0]), None)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(row[0]), (float(low), float(high)))
