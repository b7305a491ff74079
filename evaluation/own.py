"""A person's own questions over their own articles: the product run, how well it refuses, and the worst misses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.asking import Outcome, ask_all, holds_a_span
from evaluation.sets import Question
from evaluation.systems import PRODUCT, EncodedQuestions
from evaluation.tables import Table, ranking_table, refusal_table
from index.article import Article
from index.corpus import Corpus
from index.encoder import Encoder
from retrieval.retriever import Retriever

MakeRetriever = Callable[[Sequence[Corpus], Encoder], Retriever]


@dataclass(frozen=True, slots=True)
class Miss:
    """A question whose first hit is wrong: what was expected (no answers: nothing), and the sentence that came first.

    `rank` is that of the right sentence, None if it was not found. `got` is None where there was no sentence at all;
    `shown`: it is likely enough to have been shown.
    """

    question: str
    expected: tuple[str, ...]
    article: str | None
    rank: float | None
    got: str | None
    got_article: str | None
    confidence: float
    shown: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The tables, and the misses, the worst first."""

    tables: list[Table]
    misses: list[Miss]


def evaluate(
    questions: Sequence[Question],
    articles: Mapping[str, Article],
    corpora: Sequence[Corpus],
    encoder: Encoder,
    progress: Callable[[int, int], None],
    *,
    make_retriever: MakeRetriever = Retriever,
) -> Evaluation:
    """Asks the questions of the corpora as they are. `articles` are all of theirs, by source.

    Raises:
        UserError: what `Retriever.ask` raises.
    """
    encoded = EncodedQuestions(encoder, [one.text for one in questions])
    texts = {source: article.text for source, article in articles.items()}
    outcomes = ask_all(
        questions,
        corpora,
        encoded,
        judge=holds_a_span,
        texts=texts,
        progress=progress,
        retriever=make_retriever(corpora, encoded),
    )
    tables = []
    kept = [row for row, one in enumerate(questions) if one.answerable]
    if kept:
        some = {system: [found[row] for row in kept] for system, found in outcomes.items()}
        tables.append(ranking_table(None, "the right sentence", [questions[row] for row in kept], some, halves=False))
    inside = np.array([one.answerable for one in questions], np.bool_)
    tables.append(refusal_table(None, "confidence", questions, outcomes, inside=inside, halves=False))
    pairs = zip(questions, outcomes[PRODUCT], strict=True)
    wrong = [(question, found) for question, found in pairs if _is_wrong(question, found)]
    wrong.sort(key=lambda pair: (not pair[1].shown, -pair[1].confidence if pair[1].shown else -pair[1].rank))
    return Evaluation(tables, [_miss(question, found, articles) for question, found in wrong])


def _is_wrong(question: Question, outcome: Outcome) -> bool:
    return not (outcome.right and outcome.shown) if question.answerable else outcome.shown


def _miss(question: Question, outcome: Outcome, articles: Mapping[str, Article]) -> Miss:
    got = articles.get(outcome.got.article) if outcome.got else None
    wanted = articles.get(question.article)
    return Miss(
        question.text,
        question.answers,
        wanted.title if wanted else None,
        outcome.rank if np.isfinite(outcome.rank) else None,
        got.text[outcome.got.start : outcome.got.end] if got and outcome.got else None,
        got.title if got else None,
        outcome.confidence,
        outcome.shown,
    )
