"""Asking every question of every system, and judging what comes back: which sentence is right, and what it is worth.

It knows what a right sentence is; how systems rank stands in `evaluation.systems`, and what is made of the outcomes
in `evaluation.tables`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.sets import Boundaries, Question
from evaluation.systems import SYSTEMS, Place, Ranking, rank_all
from index.corpus import Corpus
from index.encoder import Encoder
from retrieval.retriever import Retriever

Judge = Callable[[Place], bool]
"""Whether a sentence is right for one question."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one system makes of one question.

    `rank` is that of the best right sentence, infinite if none was found; `right`: it is the first hit. `article`:
    the first hit is of the right article. `answer_1`, `answer_5`: the first hit, or one of the first five, has an
    answer's words. `confidence` is that of the first hit. `shown`: some hit gets past the threshold; `shown_right`:
    the first of those is right; `any_right`: one of those is. `got` is the first hit.
    """

    rank: float
    right: bool
    article: bool
    answer_1: bool
    answer_5: bool
    confidence: float
    shown: bool
    shown_right: bool
    any_right: bool
    got: Place | None


def ask_all(
    questions: Sequence[Question],
    corpora: Sequence[Corpus],
    encoder: Encoder,
    *,
    judge: Callable[[Question], Judge],
    texts: Mapping[str, str],
    progress: Callable[[int, int], None],
    retriever: Retriever | None = None,
) -> dict[str, list[Outcome]]:
    """System → outcome of each question, in their order. `texts` are the articles', by source."""
    retriever = retriever or Retriever(corpora, encoder)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SYSTEMS}
    for number, question in enumerate(questions, start=1):
        is_right = judge(question)
        for name, ranking in rank_all(retriever, corpora, encoder, question.text).items():
            outcomes[name].append(_outcome(question, ranking, is_right, texts))
        progress(number, len(questions))
    return outcomes


def holds_a_span(question: Question) -> Judge:
    """Right is a sentence that holds the start of an annotated answer."""
    starts: dict[str, list[int]] = {question.article: [span.start for span in question.spans]}
    for article, span in question.elsewhere:
        starts.setdefault(article, []).append(span.start)
    return lambda place: any(place.start <= start < place.end for start in starts.get(place.article, ()))


def reads_as_published(texts: Mapping[str, str], boundaries: Boundaries) -> Callable[[Question], Judge]:
    """Right is a published sentence that holds the start of an annotated answer, and any that reads the same."""

    def judge(question: Question) -> Judge:
        text = texts[question.article]
        right = {
            sentence.of(text)
            for sentence in boundaries[question.article]
            if any(sentence.start <= span.start < sentence.end for span in question.spans)
        }
        return lambda place: texts[place.article][place.start : place.end] in right

    return judge


def one_line(text: str) -> str:
    """`text` with every run of blanks as one."""
    return " ".join(text.split())


def _outcome(question: Question, ranking: Ranking, is_right: Judge, texts: Mapping[str, str]) -> Outcome:
    right = np.array([is_right(place) for place in ranking.places], np.bool_)
    right_hits = set(ranking.hits[right].tolist())  # a hit is right if any of the sentences shown as that hit is
    first = [ranking.places[i] for i in ranking.first]
    shown = [int(ranking.hits[i]) in right_hits for i in ranking.shown or ()]
    answers = [one_line(answer) for answer in question.answers]
    sentences = [one_line(texts[place.article][place.start : place.end]) for place in first]
    answering = [any(answer in sentence for answer in answers) for sentence in sentences]
    articles = {question.article, *(article for article, _ in question.elsewhere)}
    return Outcome(
        rank=float(ranking.ranks[right].min()) if right.any() else np.inf,
        right=bool(first) and int(ranking.hits[ranking.first[0]]) in right_hits,
        article=bool(first) and first[0].article in articles,
        answer_1=any(answering[:1]),
        answer_5=any(answering[:5]),
        confidence=ranking.confidence,
        shown=bool(shown),
        shown_right=any(shown[:1]),
        any_right=any(shown),
        got=first[0] if first else None,
    )
