"""The measures: worked out by hand, beside the slow and obvious way, and beside a known library's."""

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, ScoredDoc, Success

from evaluation import metrics
from evaluation.metrics import Bin, Resampling

CONFIDENCES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=1, max_size=30
)


def test_equal_scores_share_the_mean_of_their_places():
    """Of five scores, the two best ones that are equal have rank 1.5 each, and the next has 3."""
    ranks = metrics.average_ranks(np.array([0.2, 0.9, 0.9, 0.1, 0.5]))
    assert ranks.tolist() == [4, 1.5, 1.5, 5, 3]
    assert metrics.average_ranks(np.zeros(0)).tolist() == []


def test_what_was_not_found_has_no_reciprocal_rank():
    """An infinite rank counts 0 in MRR and is in no recall."""
    ranks = np.array([1.0, 1.5, 4.0, np.inf])
    assert metrics.reciprocal_rank(ranks).tolist() == [1, 1 / 1.5, 0.25, 0]
    assert metrics.recall_at(ranks, 1).tolist() == [1, 0, 0, 0]
    assert metrics.recall_at(ranks, 5).tolist() == [1, 1, 1, 0]


def test_ranking_measures_are_those_of_ir_measures():
    """MRR and R@k of distinct scores are what ir-measures makes of the same runs."""
    random = np.random.default_rng(7)
    ranks, run, relevant = [], [], {}
    for query in range(40):
        scores = random.permutation(60) / 60
        good = random.random(60) < 0.04
        relevant[str(query)] = {f"d{i}": int(one) for i, one in enumerate(good)}
        run += [ScoredDoc(str(query), f"d{i}", float(score)) for i, score in enumerate(scores)]
        ranks.append(metrics.average_ranks(scores)[good].min() if good.any() else np.inf)
    theirs = ir_measures.calc_aggregate([RR, Success @ 1, Success @ 5, Success @ 10], relevant, run)
    assert metrics.reciprocal_rank(np.array(ranks)).mean() == pytest.approx(theirs[RR])
    for k in (1, 5, 10):
        assert metrics.recall_at(np.array(ranks), k).mean() == pytest.approx(theirs[Success @ k])


@given(CONFIDENCES)
def test_auroc_is_the_share_of_pairs(rows):
    """AUROC is the share of pairs in which the positive scores above the negative, equal ones counting half."""
    scores, positive = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    (value,) = metrics.auroc(scores, positive)
    assert value == pytest.approx(np.mean(pairs)) if pairs else np.isnan(value)


@given(CONFIDENCES, st.integers(0, 2**16))
def test_a_weight_is_a_repetition(rows, seed):
    """What weighs k counts as if it stood there k times: AUROC, coverage at a precision, and shares."""
    confidence, right = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    counts = np.random.default_rng(seed).integers(0, 4, len(rows))
    weights = counts[None, :].astype(float)
    repeated, repeated_right = np.repeat(confidence, counts), np.repeat(right, counts)
    once = np.ones((1, len(repeated)))
    for weighted, plain in (
        (metrics.auroc(confidence, right, weights), metrics.auroc(repeated, repeated_right)),
        (metrics.share(weights, right, confidence), metrics.share(once, repeated_right, repeated)),
        (
            metrics.coverage_at(0.5, confidence, right, right, weights),
            metrics.coverage_at(0.5, repeated, repeated_right, repeated_right, once),
        ),
    ):
        assert np.allclose(weighted, plain, equal_nan=True)


def test_half_and_half():
    """Three answerable questions together weigh as much as the one that is not."""
    balanced = metrics.half_and_half(np.array([[1.0, 1, 1, 1], [2, 0, 1, 3]]), np.array([True, True, True, False]))
    assert balanced.tolist() == pytest.approx(np.array([[1 / 3, 1 / 3, 1 / 3, 1], [2 / 3, 0, 1 / 3, 1]]))


def test_coverage_and_precision():
    """Each threshold answers those above it: coverage counts the answerable, precision the right ones."""
    confidence = np.array([0.9, 0.8, 0.8, 0.3])
    right, answerable = np.array([1.0, 0, 1, 1]), np.array([True, False, True, True])
    covered, precise = metrics.coverage_curve(confidence, right, answerable, np.ones((1, 4)))
    assert covered[0].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert precise[0].tolist() == pytest.approx([1, 2 / 3, 3 / 4])
    for wanted, reached in ((1.0, 1 / 3), (0.7, 1.0), (0.66, 1.0)):
        assert metrics.coverage_at(wanted, confidence, right, answerable, np.ones((1, 4))) == pytest.approx([reached])
    assert metrics.coverage_at(0.9, confidence, np.zeros(4), answerable, np.ones((1, 4))).tolist() == [0]


def test_bins_have_equal_mass():
    """30 different confidences make 15 bins of two; equal ones share a bin."""
    confidence = np.arange(30) / 30
    bins = metrics.equal_mass_bins(confidence, np.ones(30))
    assert bins.tolist() == [i // 2 for i in range(30)]
    assert len(set(metrics.equal_mass_bins(np.full(30, 0.5), np.ones(30)).tolist())) == 1
    heavy = metrics.equal_mass_bins(np.array([0.1, 0.2, 0.3]), np.array([14.0, 0.5, 0.5]))
    assert heavy.tolist() == [7, 14, 14]


def test_calibration_error():
    """With confidences .2 and .8 and half right in each bin, the expected calibration error is .3."""
    confidence = np.array([0.2, 0.2, 0.8, 0.8])
    right = np.array([1.0, 0, 1, 0])
    bins = metrics.equal_mass_bins(confidence, np.ones(4))
    assert metrics.calibration_error(confidence, right, bins, np.ones((1, 4))) == pytest.approx([0.3])
    assert metrics.reliability(confidence, right, bins, np.ones(4)) == [Bin(0.2, 0.5, 0.5), Bin(0.8, 0.5, 0.5)]
    assert metrics.calibration_error(confidence, confidence, bins, np.ones((1, 4))) == pytest.approx([0])


def test_the_bootstrap_draws_whole_articles():
    """Where every article agrees with itself, 10 of 20 that are right give .5, and an interval as of 20 draws."""
    articles = [f"a{i // 50}" for i in range(1_000)]
    values = np.array([(i // 50) % 2 for i in range(1_000)], float)
    (mean,) = Resampling(articles, 2_000).estimates(lambda weights: metrics.share(weights, values, np.ones(1_000)))
    assert mean.value == 0.5
    low, high = mean.interval
    assert low == pytest.approx(0.3, abs=0.051)  # the 2.5% quantile of 20 draws of a fair coin
    assert high == pytest.approx(0.7, abs=0.051)
    again = Resampling(articles, 2_000).estimates(lambda weights: metrics.share(weights, values, np.ones(1_000)))
    assert again == [mean]


def test_no_interval_of_one_article():
    """Of one article, or of a figure that is not defined, there is no interval."""
    (mean,) = Resampling(["a", "a"], 100).estimates(lambda weights: weights.mean(axis=1))
    assert (mean.value, mean.interval) == (1, None)
    (nothing,) = Resampling(["a", "b"], 100).estimates(lambda weights: metrics.share(weights, np.ones(2), np.zeros(2)))
    assert np.isnan(nothing.value)
    assert nothing.interval is None
