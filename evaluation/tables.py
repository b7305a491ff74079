"""Outcomes → the figures that are reported, each with its interval, for all articles and for those held back.

Nothing is asked and nothing is printed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation import metrics
from evaluation.asking import Outcome
from evaluation.metrics import Bin, Bools, Estimate, Floats, Resampling
from evaluation.sets import Question, half
from evaluation.systems import PROBABILISTIC, PRODUCT

RECALL_AT = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
WANTED_PRECISION = 0.9
HELD_BACK = 1  # the half of the articles on which nothing is fitted
_RESAMPLES = 1_000
_POINTS = 100  # of a curve that is drawn

Outcomes = Mapping[str, Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class Part:
    """The figures for all questions, or for those about some of the articles: system → measure → figure."""

    name: str
    questions: int
    articles: int
    systems: dict[str, dict[str, Estimate]]

    @property
    def measures(self) -> list[str]:
        """Those that any system has."""
        return list(dict.fromkeys(measure for figures in self.systems.values() for measure in figures))


@dataclass(frozen=True, slots=True)
class Curves:
    """What is drawn of one system: (k, recall at k); the bins of a reliability diagram; (coverage, precision)."""

    recall: list[tuple[int, float]]
    reliability: list[Bin]
    coverage: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Table:
    """What one protocol (None: none of the published) found on one set: figures, and curves over all articles."""

    protocol: int | None
    title: str
    parts: list[Part]
    curves: dict[str, Curves]


def ranking_table(
    protocol: int | None,
    title: str,
    questions: Sequence[Question],
    outcomes: Outcomes,
    *,
    once: bool = False,
    halves: bool,
) -> Table:
    """MRR, R@k, article@1 and has-answer@k.

    With `once`, a question that is asked several times in the same words counts once, with its best rank. With
    `halves`, there is a part for the articles that were held back.
    """
    parts = []
    for name, rows in _parts(questions, halves=halves):
        kept = {system: _best(questions, rows, found) if once else rows for system, found in outcomes.items()}
        systems = {system: _ranking(questions, kept[system], found) for system, found in outcomes.items()}
        parts.append(_part(name, questions, next(iter(kept.values())), systems))
        if name == "all":
            curves = {system: _recall_curve([found[row] for row in kept[system]]) for system, found in outcomes.items()}
    return Table(protocol, title, parts, curves)


def refusal_table(
    protocol: int | None,
    title: str,
    questions: Sequence[Question],
    outcomes: Outcomes,
    *,
    inside: Bools,
    halves: bool,
) -> Table:
    """How well the confidence tells the questions that the corpus answers, `inside` (n,), from the others.

    The figures called "mixed" count those that it answers as much as all the others together.
    """
    parts = []
    for name, rows in _parts(questions, halves=halves):
        resampling = _resampling(questions, rows)
        systems = {
            system: _refusal(system, [found[row] for row in rows], inside[rows], resampling)
            for system, found in outcomes.items()
        }
        parts.append(_part(name, questions, rows, systems))
    curves = {system: _confidence_curves(system, found, inside) for system, found in outcomes.items()}
    return Table(protocol, title, parts, curves)


def _ranking(questions: Sequence[Question], rows: Sequence[int], outcomes: Sequence[Outcome]) -> dict[str, Estimate]:
    some = [outcomes[row] for row in rows]
    rank = _column(some, "rank")
    found = {"MRR": metrics.reciprocal_rank(rank)}
    found |= {f"R@{k}": metrics.recall_at(rank, k) for k in (1, 5, 10)}
    found |= {
        name: _column(some, field)
        for name, field in (("article@1", "article"), ("has-answer@1", "answer_1"), ("has-answer@5", "answer_5"))
    }
    values = np.stack(list(found.values()), axis=1)
    means = _resampling(questions, rows).estimates(
        lambda weights: (weights @ values) / weights.sum(axis=1, keepdims=True)
    )
    return dict(zip(found, means, strict=True))


def _best(questions: Sequence[Question], rows: Sequence[int], outcomes: Sequence[Outcome]) -> list[int]:
    """Of the rows whose questions read the same, the one with the best rank."""
    found: dict[str, int] = {}
    for row in rows:
        text = questions[row].text
        if text not in found or outcomes[row].rank < outcomes[found[text]].rank:
            found[text] = row
    return list(found.values())


def _refusal(system: str, outcomes: Sequence[Outcome], inside: Bools, resampling: Resampling) -> dict[str, Estimate]:
    confidence, right = _column(outcomes, "confidence"), _column(outcomes, "right")

    def of_confidence(weights: Floats) -> Floats:
        reached = metrics.coverage_at(WANTED_PRECISION, confidence, right, inside, _mixed(weights, inside))
        return np.stack([metrics.auroc(confidence, inside, weights), reached], axis=1)

    names = ("AUROC", f"mixed coverage at {WANTED_PRECISION:.0%}")
    found = dict(zip(names, resampling.estimates(of_confidence), strict=True))
    if system == PRODUCT:
        found |= _at_threshold(outcomes, inside, resampling)
    if system in PROBABILISTIC:
        balanced = metrics.half_and_half(np.ones((1, len(outcomes))), inside)[0]
        plain, mixed = (metrics.equal_mass_bins(confidence, one) for one in (np.ones(len(outcomes)), balanced))

        def errors(weights: Floats) -> Floats:
            by_half = _mixed(weights, inside)
            one = metrics.calibration_error(confidence, right, plain, weights)
            return np.stack([one, metrics.calibration_error(confidence, right, mixed, by_half)], axis=1)

        found |= dict(zip(("ECE", "mixed ECE"), resampling.estimates(errors), strict=True))
    return found


def _at_threshold(outcomes: Sequence[Outcome], inside: Bools, resampling: Resampling) -> dict[str, Estimate]:
    shown, right, anywhere = (_column(outcomes, name) for name in ("shown", "shown_right", "any_right"))

    def figures(weights: Floats) -> Floats:
        by_half = _mixed(weights, inside)
        covered = metrics.share(weights, shown, inside)
        refused = metrics.share(weights, 1 - shown, ~inside)
        columns = (
            covered,
            refused,
            (covered + refused) / 2,
            metrics.share(weights, right, shown),
            metrics.share(by_half, right, shown),
            metrics.share(by_half, anywhere, shown),
            metrics.share(by_half, inside, shown),
        )
        return np.stack(columns, axis=1)

    names = (
        "coverage",
        "refused",
        "balanced accuracy",
        "precision",
        "mixed precision",
        "mixed any hit right",
        "mixed answerable",
    )
    return dict(zip(names, resampling.estimates(figures), strict=True))


def _part(
    name: str, questions: Sequence[Question], rows: Sequence[int], systems: dict[str, dict[str, Estimate]]
) -> Part:
    return Part(name, len(rows), len(_articles(questions, rows)), systems)


def _resampling(questions: Sequence[Question], rows: Sequence[int]) -> Resampling:
    """Of one article nothing can be said about others: no interval."""
    drawn = _RESAMPLES if len(_articles(questions, rows)) > 1 else 0
    return Resampling([questions[row].article for row in rows], drawn)


def _articles(questions: Sequence[Question], rows: Sequence[int]) -> set[str]:
    return {questions[row].article for row in rows if questions[row].answerable}


def _mixed(weights: Floats, inside: Bools) -> Floats:
    """Half-and-half weights; nan, which makes every figure undefined, where one of the halves is missing."""
    balanced = metrics.half_and_half(weights, inside)
    both = (weights @ inside > 0) & (weights @ ~inside > 0)
    return np.where(both[:, None], balanced, np.nan)


def _recall_curve(outcomes: Sequence[Outcome]) -> Curves:
    ranks = _column(outcomes, "rank")
    return Curves([(k, float(metrics.recall_at(ranks, k).mean())) for k in RECALL_AT], [], [])


def _confidence_curves(system: str, outcomes: Sequence[Outcome], inside: Bools) -> Curves:
    """Drawn of the half-and-half mix, if there are questions of both kinds."""
    confidence, right = _column(outcomes, "confidence"), _column(outcomes, "right")
    weights = metrics.half_and_half(np.ones((1, len(outcomes))), inside)[0]
    bins = metrics.equal_mass_bins(confidence, weights)
    reliable = metrics.reliability(confidence, right, bins, weights) if system in PROBABILISTIC else []
    covered, precise = (one[0].tolist() for one in metrics.coverage_curve(confidence, right, inside, weights[None, :]))
    curve = [point for point in zip(covered, precise, strict=True) if np.isfinite(point).all()]
    step = max(1, len(curve) // _POINTS)
    return Curves([], reliable, curve[step - 1 :: step])


def _column(outcomes: Sequence[Outcome], name: str) -> Floats:
    return np.array([getattr(one, name) for one in outcomes], np.float64)


def _parts(questions: Sequence[Question], *, halves: bool) -> list[tuple[str, list[int]]]:
    everything = list(range(len(questions)))
    held_back = [row for row in everything if half(questions[row].article) == HELD_BACK]
    return [("all", everything)] + ([("held back", held_back)] if halves and held_back else [])
