"""Does the right sentence come first? The product run over published question sets.

    python -m benchmarks.quality FOLDER [FOLDER …] [--json FILE] [--data DIR]

Every article of a set is indexed by the product (its splitter, encoder, store), every answerable question goes
through `Retriever`, and a returned sentence is right if it holds the start of an annotated answer. BM25 alone and
dense alone rank the same candidates beside it. Intervals: 95%, bootstrap over articles.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Question, QuestionSet, half, load
from index.corpus import Corpus
from index.encoder import Encoder, EncoderIdentity, SentenceTransformerEncoder
from index.errors import UserError
from index.indexer import Indexer
from retrieval.candidates import FEATURES
from retrieval.ranker import Features, FixedRanker, Ranker
from retrieval.retriever import Ranked, Retriever

TOP = 10


class OneFeature:
    """Ranks by one column of the evidence alone: a baseline."""

    def __init__(self, name: str) -> None:
        self._column = FEATURES.index(name)

    def scores(self, features: Features) -> NDArray[np.float64]:
        return features[:, self._column]

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        return np.ones(len(features))


class EncodedQuestions:
    """An encoder whose questions have been encoded together beforehand; the product encodes them one by one."""

    def __init__(self, encoder: Encoder, questions: Sequence[str]) -> None:
        self._encoder = encoder
        distinct = list(dict.fromkeys(" ".join(question.split()) for question in questions))
        self._vectors = dict(zip(distinct, encoder.encode_questions(distinct), strict=True))

    @property
    def identity(self) -> EncoderIdentity:
        return self._encoder.identity

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self._vectors[text] for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encoder.encode_passages(texts)


def first_right(question: Question, groups: Sequence[Sequence[Ranked]]) -> int | None:
    """The place (from 0) of the first sentence that holds the start of an annotated answer."""
    for place, group in enumerate(groups):
        sentence = group[0].candidate.sentence
        if group[0].article.source == question.article and any(
            sentence.start <= span.start < sentence.end for span in question.spans
        ):
            return place
    return None


def text_of(ranked: Ranked) -> str:
    """The sentence itself, read from its corpus."""
    sentence, store = ranked.candidate.sentence, ranked.candidate.view.store
    article = store.load(sentence.article_id)
    return article.text[sentence.start : sentence.end] if article else ""


def measure(question: Question, groups: Sequence[Sequence[Ranked]]) -> dict[str, float]:
    """The measures of one question; a set's are their means."""
    place = first_right(question, groups)
    found = {"MRR": 0.0 if place is None else 1 / (place + 1)}
    for k in (1, 5, 10):
        found[f"R@{k}"] = float(place is not None and place < k)
    found["article@1"] = float(bool(groups) and groups[0][0].article.source == question.article)
    texts = [text_of(group[0]) for group in groups]
    for k in (1, 5):
        found[f"has-answer@{k}"] = float(any(answer in text for text in texts[:k] for answer in question.answers))
    return found


def interval(values: NDArray[np.float64], articles: Sequence[str], resamples: int = 1_000) -> tuple[float, float]:
    """The 95% bootstrap interval of the mean of `values` (n,), resampling whole articles."""
    names = sorted(set(articles))
    place = {name: i for i, name in enumerate(names)}
    owner = np.array([place[article] for article in articles])
    sums, counts = np.bincount(owner, values), np.bincount(owner)
    drawn = np.random.default_rng(0).integers(len(names), size=(resamples, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def run(questions: QuestionSet, corpus: Corpus, encoder: Encoder) -> dict[str, dict[str, list[float]]]:
    """System → measure → value for each answerable question, in the set's order."""
    asked = [question for question in questions.questions if question.answerable]
    encoded = EncodedQuestions(encoder, [question.text for question in asked])
    rankers: dict[str, Ranker] = {"bm25": OneFeature("bm25"), "dense": OneFeature("dense"), "verbatim": FixedRanker()}
    results: dict[str, dict[str, list[float]]] = {}
    for name, ranker in rankers.items():
        print(f"{questions.name}: asking {len(asked)} questions, ranked by {name}", file=sys.stderr)
        retriever = Retriever([corpus], encoded, ranker)
        rows = [measure(question, retriever.rank(question.text, top=TOP)) for question in asked]
        results[name] = {key: [row[key] for row in rows] for key in rows[0]}
    return results


def report(questions: QuestionSet, results: dict[str, dict[str, list[float]]]) -> dict[str, object]:
    """Prints the table of a set; returns the same as JSON values."""
    articles = [question.article for question in questions.questions if question.answerable]
    halves = np.array([half(article) for article in articles])
    print(f"\n{questions.name}: {len(questions.articles)} articles, {len(articles)} answerable questions")
    measures = list(next(iter(results.values())))
    print(f"{'':10}" + "".join(f"{name:>14}" for name in measures))
    found: dict[str, object] = {}
    for system, values in results.items():
        columns = {name: np.array(values[name]) for name in measures}
        print(f"{system:10}" + "".join(f"{column.mean():14.3f}" for column in columns.values()))
        intervals = {name: interval(column, articles) for name, column in columns.items()}
        print(f"{'':10}" + "".join(f"{f'{low:.3f}-{high:.3f}':>14}" for low, high in intervals.values()))
        found[system] = {
            name: {
                "value": float(column.mean()),
                "interval": intervals[name],
                "halves": [float(column[halves == one].mean()) if (halves == one).any() else None for one in (0, 1)],
            }
            for name, column in columns.items()
        }
    held_back = {name: np.array(results["verbatim"][name])[halves == 1] for name in measures}
    if len(held_back["MRR"]):
        print(f"{'held back':10}" + "".join(f"{column.mean():14.3f}" for column in held_back.values()))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the indexes there for the next run")
    parser.add_argument("--model", metavar="NAME", help="another sentence-transformers model")
    options = parser.parse_args(arguments)
    encoder = SentenceTransformerEncoder(options.model) if options.model else SentenceTransformerEncoder()
    found: dict[str, object] = {}
    try:
        with tempfile.TemporaryDirectory() as temporary:
            for folder in options.folders:
                questions = load(folder)
                print(f"{questions.name}: indexing {len(questions.articles)} articles", file=sys.stderr)
                corpus = Corpus((options.data or Path(temporary)) / f"{questions.name}.db", encoder)
                done = Indexer(corpus.store, encoder).add_articles(questions.articles)
                print(f"{questions.name}: {done.encoded} sentences encoded in {done.seconds:.0f} s", file=sys.stderr)
                found[questions.name] = report(questions, run(questions, corpus, encoder))
                corpus.close()
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
