"""Evidence → order and confidence: the file that was learned, read and reckoned with by hand."""

import json
import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Config
from index.errors import UserError
from retrieval.answer import Confidence
from retrieval.candidates import FEATURES, TermWeights
from retrieval.evidence import EVIDENCE, NEARBY
from retrieval.late_interaction import TOKENS
from retrieval.ranker import (
    BANDS,
    CIRCUMSTANCES,
    DEFAULT_PRECISION,
    FORMAT,
    SHIPPED,
    FixedRanker,
    LearnedRanker,
    band,
    circumstances,
    lowest_of,
    shipped,
    worth_showing,
)

WEIGHTS = TermWeights({"bridge": 1.5, "open": 2.5}, 4.0, 9.0, 99, 0.25)
CONTENT = json.loads(SHIPPED.read_text(encoding="utf-8"))
PRECISIONS = [round(0.5 + step / 100, 2) for step in range(46)]  # what the configuration allows


def drawn_evidence(seed: int, n: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 1.2, (n, len(EVIDENCE)))


def by_hand(model, values: dict[str, float]) -> float:
    """What a model of the file makes of one row."""
    total = model["intercept"]
    for name, term in model["terms"].items():
        total += term["weight"] * (values[name] - term["mean"]) / term["deviation"]
    return total


def written(tmp_path, content) -> LearnedRanker:
    path = tmp_path / "ranker.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return LearnedRanker(path)


@pytest.mark.parametrize("name", ["full", "plain", "words"])
def test_the_shipped_weights_by_hand(name):
    """Scores and probabilities are what the file's numbers give when one adds them up line by line."""
    evidence = drawn_evidence(1)
    if name == "plain":
        evidence[:, [EVIDENCE.index(column) for column in TOKENS]] = np.nan
    judged = shipped().judge(evidence, WEIGHTS, words_alone=name == "words")
    rows = [dict(zip(EVIDENCE, row, strict=True)) for row in evidence.tolist()]
    model = CONTENT["models"][name]
    scores = [by_hand(model["ranking"], row) for row in rows]
    assert judged.scores == pytest.approx(scores)
    for place, row in enumerate(rows):
        others = [score for other, score in enumerate(scores) if other != place]
        told = {
            "score": scores[place],
            "margin": scores[place] - max(others),
            "share": math.exp(scores[place]) / sum(map(math.exp, scores)),
            "sentences": math.log(100),
            "question_terms": math.log(3),
            "unknown_terms": 0.25,
            **{f"best_{one}": max(r[one] for r in rows) for one in ("dense", "bm25", "bm25_paragraph", "coverage")},
        }
        expected = 1 / (1 + math.exp(-by_hand(model["confidence"], row | told)))
        assert judged.probabilities[place] == pytest.approx(expected)


def test_the_shipped_file_names_only_what_there_is():
    """Every column in the file is known, and models that do without tokens or cosines name none of them."""
    assert CONTENT["format"] == FORMAT and CONTENT["made"]["questions"] and CONTENT["made"]["encoder"]
    assert set(CONTENT["models"]) == {"full", "plain", "words"}
    by_model = {
        "full": set(),
        "plain": {*TOKENS},
        "words": {*TOKENS, *NEARBY, "dense", "dense_paragraph", "best_dense"},
    }
    for name, model in CONTENT["models"].items():
        assert set(model["ranking"]["terms"]) <= set(EVIDENCE) - by_model[name]
        assert set(model["confidence"]["terms"]) <= {*EVIDENCE, *CIRCUMSTANCES} - by_model[name]


def test_what_is_asked_by_words_alone_depends_on_words_alone():
    """Where the model does not know the language, no cosine and no token changes order or confidence."""
    evidence = drawn_evidence(2)
    other = evidence.copy()
    columns = [EVIDENCE.index(name) for name in ("dense", "dense_paragraph", *NEARBY, *TOKENS)]
    other[:, columns] = drawn_evidence(3)[:, columns]
    one, two = (shipped().judge(values, WEIGHTS, words_alone=True) for values in (evidence, other))
    np.testing.assert_array_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


@given(
    st.lists(st.lists(st.floats(-3, 3), min_size=len(EVIDENCE), max_size=len(EVIDENCE)), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 10_000_000),
)
def test_probabilities_lie_between_0_and_1(rows, words_alone, units):
    """Whatever the evidence, of one candidate or several, scores are finite and probabilities are between 0 and 1."""
    weights = TermWeights({"bridge": 1.0}, 1.0, 9.0, units, 0.0)
    judged = shipped().judge(np.array(rows), weights, words_alone=words_alone)
    assert judged.scores.shape == judged.probabilities.shape == (len(rows),)
    assert np.isfinite(judged.scores).all()
    assert ((judged.probabilities >= 0) & (judged.probabilities <= 1)).all()


def test_circumstances_by_hand():
    """The best is measured against the second, all others against the best, and shares add up to 1."""
    evidence = np.zeros((3, len(EVIDENCE)))
    evidence[:, EVIDENCE.index("dense")] = [0.2, 0.9, 0.4]
    evidence[:, EVIDENCE.index("bm25")] = [0.5, 0.1, 0.0]
    evidence[:, EVIDENCE.index("coverage")] = [0.0, 0.6, 0.7]
    rows = circumstances(evidence, np.array([1.0, 3.0, 2.0]), WEIGHTS)
    found = [dict(zip(CIRCUMSTANCES, row, strict=True)) for row in rows.tolist()]
    assert [row["score"] for row in found] == [1.0, 3.0, 2.0]
    assert [row["margin"] for row in found] == [-2.0, 1.0, -1.0]
    total = math.exp(1) + math.exp(2) + math.exp(3)
    assert [row["share"] for row in found] == pytest.approx([math.exp(score) / total for score in (1, 3, 2)])
    for row in found:
        assert (row["best_dense"], row["best_bm25"], row["best_coverage"]) == (0.9, 0.5, 0.7)
        assert row["best_bm25_paragraph"] == 0 and row["unknown_terms"] == 0.25
        assert (row["sentences"], row["question_terms"]) == pytest.approx((math.log(100), math.log(3)))
    alone = circumstances(evidence[:1], np.array([5.0]), WEIGHTS)[0]
    assert dict(zip(CIRCUMSTANCES, alone, strict=True))["margin"] == 0
    assert dict(zip(CIRCUMSTANCES, alone, strict=True))["share"] == 1


@given(st.lists(st.lists(st.floats(0, 1), min_size=len(FEATURES), max_size=len(FEATURES)), min_size=1, max_size=20))
def test_more_evidence_never_looks_worse_at_first(rows):
    """More of any of the first four kinds of evidence never lowers a candidate's first score; by words alone cosines
    change nothing."""
    features = np.array(rows)
    ranker = FixedRanker()
    for column, name in enumerate(FEATURES):
        raised = features.copy()
        raised[:, column] += 0.1
        assert (ranker.scores(raised) > ranker.scores(features)).all()
        same = ranker.scores(raised, words_alone=True) == ranker.scores(features, words_alone=True)
        assert same.all() if name.startswith("dense") else not same.any()


def test_a_file_of_ones_own_is_read(tmp_path):
    """Another file's weights decide, and its thresholds."""
    assert written(tmp_path, CONTENT).judge(drawn_evidence(4), WEIGHTS).scores == pytest.approx(
        shipped().judge(drawn_evidence(4), WEIGHTS).scores
    )
    content = deepcopy(CONTENT)
    one = {"dense": {"weight": 2.0, "mean": 0.5, "deviation": 0.25}}
    content["models"]["full"]["ranking"] = {"intercept": 1.0, "terms": one}
    content["models"]["full"]["thresholds"] = {"0.5": 0.1, "0.9": 0.7}
    ranker = written(tmp_path, content)
    evidence = drawn_evidence(5)
    judged = ranker.judge(evidence, WEIGHTS)
    assert judged.scores == pytest.approx(1 + 8 * (evidence[:, 0] - 0.5))
    assert [judged.lowest(precision) for precision in (0.5, 0.6, 0.9, 0.95)] == [0.1, 0.7, 0.7, 0.7]
    others = ranker.judge(evidence, WEIGHTS, words_alone=True)
    assert others.thresholds == shipped().judge(evidence, WEIGHTS, words_alone=True).thresholds


def damaged():
    """(what is wrong, content)"""

    def with_term(**change):
        content = deepcopy(CONTENT)
        next(iter(content["models"]["full"]["ranking"]["terms"].values())).update(change)
        return content

    yield "empty", ""

    def with_thresholds(thresholds):
        content = deepcopy(CONTENT)
        content["models"]["plain"]["thresholds"] = thresholds
        return content

    yield "no JSON", f'{{"format": {FORMAT},'
    yield "a list", "[]"
    yield "no format", {key: value for key, value in CONTENT.items() if key != "format"}
    yield "another format", CONTENT | {"format": FORMAT + 1}
    yield "no models", {key: value for key, value in CONTENT.items() if key != "models"}
    yield "a list of models", CONTENT | {"models": []}
    yield "a model less", CONTENT | {"models": {"full": CONTENT["models"]["full"]}}
    yield "a model of nothing", CONTENT | {"models": CONTENT["models"] | {"words": {}}}
    yield "a list of terms", CONTENT | {"models": CONTENT["models"] | {"full": {"ranking": {"terms": []}}}}
    yield "no thresholds", with_thresholds({})
    yield "a threshold that is no number", with_thresholds({"0.5": math.nan})
    yield "a threshold above one", with_thresholds({"0.5": 1.5})
    yield "thresholds in words", with_thresholds({"high": "low"})
    yield "a weight in words", with_term(weight="much")
    yield "no weight", with_term(weight=None)
    yield "a deviation of nothing", with_term(deviation=0)
    yield "an infinite mean", with_term(mean=math.inf)
    unknown = deepcopy(CONTENT)
    terms = unknown["models"]["full"]["ranking"]["terms"]
    terms["phase_of_the_moon"] = next(iter(terms.values()))
    yield "an unknown column", unknown


@pytest.mark.parametrize("what, content", list(damaged()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_file_is_refused_with_the_remedy(tmp_path, what, content):
    """A file that is damaged or another version's is an error that names it and how to make it anew."""
    with pytest.raises(UserError, match=r"ranker\.json .*python -m benchmarks\.train") as refused:
        written(tmp_path, content)
    assert ("another version" in str(refused.value)) is (what == "another format")


def test_the_wanted_precision_stands_in_two_places():
    """The configuration, which imports nothing heavy, names the precision that the ranker takes by itself."""
    assert Config().answers.precision == DEFAULT_PRECISION


def test_a_missing_file_is_refused_with_the_remedy(tmp_path):
    """A file that is not there, or is a folder, is an error that names it and how to make it."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match=r"python -m benchmarks\.train"):
            LearnedRanker(path)


def test_a_higher_precision_never_lowers_the_threshold():
    """The more of the answers given are to be right, the surer a first hit must be."""
    evidence = drawn_evidence(1)
    without = np.where(np.isin(EVIDENCE, TOKENS), np.nan, evidence)
    tables = [shipped().judge(one, WEIGHTS, words_alone=alone) for one, alone in ((evidence, False), (evidence, True))]
    tables.append(shipped().judge(without, WEIGHTS))
    assert len({tuple(judged.thresholds) for judged in tables}) == 3  # each model has its own
    for judged in tables:
        lowest = [judged.lowest(precision) for precision in PRECISIONS]
        assert lowest == sorted(lowest) and lowest[0] < lowest[-1]
        assert all(0 < one <= 1 for one in lowest)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10), st.floats(0.5, 0.95), st.floats(0.5, 0.95))
def test_thresholds_in_order_are_monotone(lowest, one, two):
    """Of any thresholds that rise with precision, a higher precision is never given a lower one."""
    pairs = [(0.5 + 0.05 * step, value) for step, value in enumerate(sorted(lowest))]
    assert lowest_of(pairs, min(one, two)) <= lowest_of(pairs, max(one, two))


def test_bands():
    """Probabilities fall into three bands in words, the surest first."""
    lowest = dict(BANDS)
    assert list(lowest) == [Confidence.STRONG, Confidence.LIKELY]
    assert list(lowest.values()) == sorted(lowest.values(), reverse=True)
    for confidence, bound in BANDS:
        assert band(bound) is confidence
    assert band(1.0) is Confidence.STRONG
    assert band(lowest[Confidence.LIKELY] - 1e-9) is band(0.0) is Confidence.WEAK


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0, 1))
def test_what_is_worth_showing(probabilities, lowest):
    """Nothing is shown unless the first hit is sure enough; beside it stands what may well answer, too."""
    worth = worth_showing(probabilities, lowest)
    assert len(worth) == len(probabilities)
    if not probabilities or probabilities[0] < lowest:
        assert not any(worth)
    else:
        assert worth[0]
        assert all(show for show, probability in zip(worth, probabilities, strict=True) if probability >= lowest)
    assert worth_showing([0.9, 0.4, 0.001], 0.5) == [True, True, False]
