"""Where the ranker's figures come from: fits weights and calibration on half of the articles of question sets.

    python -m benchmarks.fit FOLDER [FOLDER …]

Weights: listwise softmax (ListNet's top-one loss, Cao et al. 2007) over the product's own candidates, each question
counting the same. Calibration: logistic regression of "the first sentence is right" on the first candidate's
evidence, where half of the questions belong to articles that are not indexed; once with every second article of a
set indexed, and once with each of some articles indexed alone. Everything is fitted on articles of half 0 (see
`benchmarks.data.half`), and what is printed of the other half was not looked at while fitting. The rounded results
stand in `retrieval/ranker.py`.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from benchmarks.data import Question, QuestionSet, half, load
from benchmarks.quality import EncodedQuestions, first_right
from index.article import Article
from index.corpus import Corpus
from index.encoder import Encoder, SentenceTransformerEncoder
from index.indexer import Indexer
from index.lexical import question_terms
from retrieval.candidates import FEATURES, find
from retrieval.ranker import BANDS, FixedRanker
from retrieval.retriever import Retriever

_QUESTIONS = 1_500  # of a set, evenly spaced: more changed no figure
_ALONE = 30  # articles of a set that are also indexed alone
_RANKED = tuple(name for name in FEATURES if name != "coverage")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """The first candidate's evidence (features,), whether it is right, and of the question's article whether it is
    indexed, and its half."""

    features: Floats
    right: bool
    indexed: bool
    half: int


def ranking_examples(
    questions: Sequence[Question], corpus: Corpus, encoder: Encoder
) -> list[tuple[Floats, NDArray[np.bool_]]]:
    """(n, ranked features) of each question's candidates, and which of the n are right."""
    examples = []
    columns = [FEATURES.index(name) for name in _RANKED]
    for question in questions:
        text = " ".join(question.text.split())
        with corpus.view() as view:
            found = find([view], encoder.encode_questions([text])[0], question_terms(text), 100)
            sources = {one.sentence.article_id: view.store.article(one.sentence.article_id) for one in found.candidates}
        right = np.zeros(len(found.candidates), np.bool_)
        for i, one in enumerate(found.candidates):
            article = sources[one.sentence.article_id]
            right[i] = (
                article is not None
                and article.source == question.article
                and any(one.sentence.start <= span.start < one.sentence.end for span in question.spans)
            )
        if right.any():
            examples.append((found.features[:, columns], right))
    return examples


def fit_weights(examples: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Floats:
    """The weights that minimise the mean listwise loss."""

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = 0.0, np.zeros_like(weights)
        for features, right in examples:
            scores = features @ weights
            share = np.exp(scores - scores.max())
            share /= share.sum()
            good = np.where(right, share, 0.0)
            total -= np.log(good.sum() + 1e-12) / len(examples)
            gradient += (share - good / (good.sum() + 1e-12)) @ features / len(examples)
        return float(total + 1e-4 * weights @ weights), gradient + 2e-4 * weights

    return np.asarray(minimize(loss, np.ones(len(_RANKED)), jac=True, method="L-BFGS-B").x)


def ask_all(questions: Sequence[Question], corpus: Corpus, encoder: Encoder) -> list[Asked]:
    retriever = Retriever([corpus], encoder)
    sources = corpus.store.versions().keys()
    found = []
    for question in questions:
        if groups := retriever.rank(question.text, top=1):
            right, indexed = first_right(question, groups) == 0, question.article in sources
            found.append(Asked(groups[0][0].features, right, indexed, half(question.article)))
    return found


def fit_calibration(asked: Sequence[Asked]) -> tuple[Floats, float]:
    """Coefficients, none below zero, and intercept of the logistic regression."""
    features = np.array([one.features for one in asked])
    right = np.array([one.right for one in asked], np.float64)

    def loss(values: Floats) -> tuple[float, Floats]:
        margin = features @ values[:-1] + values[-1]
        probability = 1 / (1 + np.exp(-margin))
        error = probability - right
        gradient = np.r_[features.T @ error, error.sum()] / len(right) + 2e-4 * np.r_[values[:-1], 0]
        value = np.mean(np.logaddexp(0, margin) - right * margin) + 1e-4 * values[:-1] @ values[:-1]
        return float(value), gradient

    bounds = [(0.0, None)] * len(FEATURES) + [(None, None)]
    found = minimize(loss, np.zeros(len(FEATURES) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(found[:-1]), float(found[-1])


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    ordered = np.sort(scores[~positive])
    below = np.searchsorted(ordered, scores[positive], "left") + np.searchsorted(ordered, scores[positive], "right")
    return float(below.mean() / 2 / len(ordered))


def calibration_examples(questions: QuestionSet, folder: Path, encoder: Encoder) -> dict[str, list[Asked]]:
    """Kind of corpus → what was asked of it."""
    answerable = [question for question in questions.questions if question.answerable]
    some = answerable[:: max(1, len(answerable) // _QUESTIONS)]
    indexed = sorted(questions.articles, key=lambda article: article.source)[::2]
    encoded = EncodedQuestions(encoder, [question.text for question in some])
    corpus = indexed_corpus(indexed, folder / f"{questions.name}-half.db", encoder)
    examples = {"half indexed": ask_all(some, corpus, encoded), "alone": []}
    corpus.close()
    longest = sorted(questions.articles, key=lambda article: -len(article.text))[:_ALONE]
    for number, article in enumerate(longest):
        own = [question for question in some if question.article == article.source]
        others = [question for question in some if question.article != article.source][number :: len(longest)]
        corpus = indexed_corpus([article], folder / f"{questions.name}-{number}.db", encoder)
        examples["alone"] += ask_all(own + others[: max(5, len(own))], corpus, encoded)
        corpus.close()
    return examples


def indexed_corpus(articles: Sequence[Article], path: Path, encoder: Encoder) -> Corpus:
    corpus = Corpus(path, encoder)
    Indexer(corpus.store, encoder).add_articles(articles)
    return corpus


def show_calibration(name: str, asked: Sequence[Asked], coefficients: Floats, intercept: float) -> None:
    """How the bands do on the half that was held back: precision, right answers kept, foreign questions refused."""
    held_back = [one for one in asked if one.half == 1]
    features = np.array([one.features for one in held_back])
    right = np.array([one.right for one in held_back])
    foreign = np.array([not one.indexed for one in held_back])
    probability = 1 / (1 + np.exp(-(features @ coefficients + intercept)))
    print(f"  {name}: {len(right)} questions, {right.mean():.2f} right first, AUROC {auroc(probability, right):.3f}")
    for lowest in (lowest for _, lowest in BANDS):
        kept = probability >= lowest
        print(
            f"    p >= {lowest:.2f}: precision {right[kept].mean() if kept.any() else float('nan'):.2f}, "
            f"kept {kept[right].mean():.2f} of the right ones, "
            f"refused {1 - kept[foreign].mean():.2f} of those on other articles"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    options = parser.parse_args(arguments)
    encoder = SentenceTransformerEncoder()
    rankings, asked = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        for folder in options.folders:
            questions = load(folder)
            answerable = [one for one in questions.questions if one.answerable and half(one.article) == 0]
            some = answerable[:: max(1, len(answerable) // _QUESTIONS)]
            corpus = indexed_corpus(questions.articles, Path(temporary) / f"{questions.name}.db", encoder)
            encoded = EncodedQuestions(encoder, [question.text for question in some])
            rankings += ranking_examples(some, corpus, encoded)
            corpus.close()
            for kind, examples in calibration_examples(questions, Path(temporary), encoder).items():
                asked[f"{questions.name}, {kind}"] = examples
    weights = fit_weights(rankings)
    print("weights", dict(zip(_RANKED, np.round(weights / weights[0], 2).tolist(), strict=True)))
    coefficients, intercept = fit_calibration([one for group in asked.values() for one in group if one.half == 0])
    print("calibration", dict(zip(FEATURES, np.round(coefficients, 2).tolist(), strict=True)), round(intercept, 2))
    print("held-back half, as fitted:")
    for name, group in asked.items():
        show_calibration(name, group, coefficients, intercept)
    print("held-back half, as shipped:")
    for name, group in asked.items():
        show_calibration(name, group, FixedRanker.CALIBRATION, FixedRanker.INTERCEPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
