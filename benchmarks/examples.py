"""What the ranker is trained on: the evidence of each question's candidates, and which of them are right."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.passing import corpus_of
from evaluation.sets import Question, QuestionSet, half, spaced
from evaluation.systems import EncodedQuestions
from index.article import Article, Span
from index.corpus import Corpus
from index.encoder import Encoder
from retrieval.candidates import TermWeights
from retrieval.search import Search, search

FITTED = 0  # the half of the articles whose questions are learned from
KINDS = ("whole", "half", "gaps", "alone", "adversarial")
_ALONE = 60  # articles of a set that are also indexed alone
_OWN = 40  # questions asked of each of them

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
Look = Callable[[str, Search], Floats]
"""A question and what was found for it → (n, columns) what is learned from, of the n candidates."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question's candidates: their `evidence` (n, columns), which are `right` (n,), the question's `weights` in the
    corpus; and whether the corpus answers it."""

    evidence: Floats
    right: NDArray[np.bool_]
    weights: TermWeights
    inside: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Examples of one kind of corpus made of one set.

    The kinds: "whole", every article; "half", every second one; "gaps", every article without every second paragraph;
    "alone", such articles one by one; "adversarial", every article, asked also what was written to have no answer.
    """

    name: str
    kind: str
    examples: list[Example]


Firsts = tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]
"""Of each question's first candidate (n, columns); whether it is right; whether the corpus answers it."""


def evidence_of(question: str, found: Search) -> Floats:
    """All the evidence there is."""
    return found.evidence


def groups_of(
    questions: QuestionSet,
    encoder: Encoder,
    progress: Progress,
    *,
    of_half: int = FITTED,
    kinds: Collection[str] = KINDS,
    look: Look = evidence_of,
) -> list[Group]:
    """What the questions about the articles of one half tell, over corpora of these kinds."""
    own = [one for one in questions.questions if half(one.article) == of_half]
    answerable = [one for one in own if one.answerable]
    encoded = EncodedQuestions(encoder, [one.text for one in own])
    articles = sorted(questions.articles, key=lambda article: article.source)
    holed, asked = _with_gaps(articles, own)
    lost = sum(old.answerable and not new.answerable for old, new in zip(own, asked, strict=True))
    corpora: dict[str, tuple[Sequence[Article], Sequence[Question]]] = {
        "whole": (articles, answerable),
        "half": (articles[::2], answerable),
        # Articles of a single paragraph have no gaps.
        "gaps": (holed, [] if 10 * lost < len(own) else [b for a, b in zip(own, asked, strict=True) if a.answerable]),
        "adversarial": (articles, own if len(answerable) < len(own) else []),
    }
    found = []
    for kind, (indexed, of_these) in corpora.items():
        if kind in kinds and of_these:
            with corpus_of(indexed, encoded) as corpus:
                examples = list(_examples(corpus, encoded, of_these, f"{questions.name}, {kind}", progress, look=look))
            found.append(Group(questions.name, kind, examples))
    if "alone" in kinds:
        of_half_alone = [one for one in holed if half(one.source) == of_half]
        found.append(_alone(questions.name, of_half_alone, asked, encoded, progress, look=look))
    return found


def _with_gaps(articles: Sequence[Article], questions: Sequence[Question]) -> tuple[list[Article], list[Question]]:
    """The articles without every second paragraph, and the questions, whose answers are now elsewhere or gone.

    A sentence on the subject that lacks the fact is what a confident ranker falls for; so there are as many as of those
    that have it.
    """
    holed, moved = [], {}
    for number, article in enumerate(articles):
        kept, places, position = [], [], 0
        paragraphs = [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*\n*", article.text)]
        for start, end in paragraphs[number % 2 if len(paragraphs) > 1 else 0 :: 2]:
            kept.append(article.text[start:end])
            places.append((start, end, position - start))
            position += end - start
        holed.append(replace(article, text="".join(kept)))
        moved[article.source] = places
    return holed, [replace(one, spans=_moved(one.spans, moved[one.article])) for one in questions]


def _moved(spans: Sequence[Span], places: Sequence[tuple[int, int, int]]) -> tuple[Span, ...]:
    return tuple(
        Span(span.start + by, span.end + by) for span in spans for start, end, by in places if start <= span.start < end
    )


def _alone(
    name: str,
    articles: Sequence[Article],
    asked: Sequence[Question],
    encoder: Encoder,
    progress: Progress,
    *,
    look: Look,
) -> Group:
    """Single articles, each asked its own questions and some of others."""
    longest = sorted(articles, key=lambda one: -len(one.text))[:_ALONE]
    examples: list[Example] = []
    for number, article in enumerate(longest):
        own = spaced([one for one in asked if one.article == article.source], _OWN)
        others = [one for one in asked if one.article != article.source][number :: len(longest)][: len(own) // 2]
        with corpus_of([article], encoder) as corpus:
            examples += _examples(corpus, encoder, [*own, *others], f"{name}, alone {number}", progress, look=look)
    return Group(name, "alone", examples)


def _examples(
    corpus: Corpus, encoder: Encoder, questions: Sequence[Question], what: str, progress: Progress, *, look: Look
) -> Iterator[Example]:
    sources = corpus.store.versions().keys()
    for number, question in enumerate(questions, start=1):
        progress(what, number, len(questions))
        text = " ".join(question.text.split())
        with corpus.view() as view:
            found = search([view], encoder, text, mend=False)  # what is learned is to hold for what was asked
            seen = look(text, found) if found.order else None
        if seen is not None:
            inside = question.answerable and question.article in sources
            yield Example(seen, _right(question, found), found.found.weights, inside)


def _right(question: Question, found: Search) -> NDArray[np.bool_]:
    """Which candidates hold the start of an annotated answer."""
    starts = [span.start for span in question.spans]
    sentences = [one.sentence for one in found.candidates]
    return np.array(
        [
            article.source == question.article and any(sentence.start <= start < sentence.end for start in starts)
            for article, sentence in zip(found.articles, sentences, strict=True)
        ],
        np.bool_,
    )
