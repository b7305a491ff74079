"""What is measured: the product, and beside it plain rankings of the same candidates.

The one file that knows how candidates are found and ranked; what comes out are places, ranks and a confidence.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Floats, Integers, average_ranks, run_starts
from evaluation.sets import Question
from index.corpus import Corpus
from index.encoder import Encoder, EncoderIdentity
from index.stored import StoredArticle, StoredSentence
from index.tokens import Encoded
from index.yardstick import Yardstick
from retrieval.candidates import FEATURES, Candidates, find
from retrieval.question import asked_of
from retrieval.ranker import FixedRanker, worth_showing
from retrieval.retriever import Ranked, Retriever
from retrieval.search import CANDIDATES, query_of

PRODUCT = "verbatim"
SYSTEMS = ("bm25", "dense", "fixed", PRODUCT)
PROBABILISTIC = (PRODUCT,)
"""Those whose confidence claims to be a probability."""

_FIRST = 5  # hits whose order is kept
_DEPTH = 30  # of the product's own ranking; what stands behind counts as not found
_HITS = 3  # that an answer shows at most, unless configured otherwise


class Place(NamedTuple):
    """A sentence: its article's source, and its span there."""

    article: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one system makes of one question.

    `ranks` (n,) are those of the `places`, from 1, ties averaged. `hits` (n,) numbers the hits that the places are
    shown in: near-identical sentences are one hit of the product and share its rank. `first` are the places that
    lead the first hits, best first, and `shown` those of them that get past the system's threshold, None if it has
    none; both as indexes of `places`. `confidence` is that of the first hit, 0 if there is none.
    """

    places: Sequence[Place]
    ranks: Floats
    hits: Integers
    first: Sequence[int]
    confidence: float
    shown: Sequence[int] | None


def rank_all(retriever: Retriever, corpora: Sequence[Corpus], encoder: Encoder, question: str) -> dict[str, Ranking]:
    """System → ranking. The plain systems rank the candidates that the product's own search finds for the question as
    it was asked; what was meant by its slips is for the product to find out."""
    text = " ".join(question.split())
    with ExitStack() as stack:
        views = [stack.enter_context(corpus.view()) for corpus in corpora]
        views = [view for view in views if view.vectors]
        asked = asked_of(text, views, encoder.languages)
        found = find(views, query_of(encoder, text, None, asked), CANDIDATES)
        places = _places(found)
    bm25, dense = (found.features[:, FEATURES.index(name)] for name in ("bm25", "dense"))
    fixed = FixedRanker().scores(found.features)
    return {
        "bm25": _plain(places, bm25, bm25),
        "dense": _plain(places, dense, dense),
        "fixed": _plain(places, fixed, fixed),
        PRODUCT: _product(retriever.rank(question, top=_DEPTH)),
    }


def _places(found: Candidates) -> list[Place]:
    """(n,) those of all candidates."""
    of = found.of.tolist()
    articles = [
        view.store.articles_by_id(np.unique(found.articles[found.of == number]).tolist())
        for number, view in enumerate(found.views)
    ]
    return [_place(articles[of[i]][one.sentence.article_id], one.sentence) for i, one in found.read().items()]


def _place(article: StoredArticle, sentence: StoredSentence) -> Place:
    return Place(article.source, sentence.start, sentence.end)


def _plain(places: Sequence[Place], scores: Floats, confidence: Floats) -> Ranking:
    first = np.argsort(-scores, kind="stable")[:_FIRST].tolist()
    sure = float(confidence[first[0]]) if first else 0.0
    return Ranking(places, average_ranks(scores), np.arange(len(places)), first, sure, None)


def _product(groups: Sequence[Sequence[Ranked]]) -> Ranking:
    sizes = [len(group) for group in groups]
    hits = np.repeat(np.arange(len(groups)), sizes)
    leads = (np.cumsum(sizes) - sizes).astype(np.int64).tolist()
    lowest = groups[0][0].lowest if groups else 1.0
    worth = worth_showing([group[0].probability for group in groups], lowest)
    shown = list(compress(leads, worth))[:_HITS]
    places = [_place(one.article, one.candidate.sentence) for group in groups for one in group]
    confidence = groups[0][0].probability if groups else 0.0
    return Ranking(places, _group_ranks(groups)[hits], hits, leads[:_FIRST], confidence, shown)


def _group_ranks(groups: Sequence[Sequence[Ranked]]) -> Floats:
    """The groups' places, those that follow each other with the same score sharing the mean."""
    starts = run_starts(np.array([max(one.score for one in group) for group in groups]))
    ends = np.r_[starts[1:], len(groups)]
    return np.repeat((starts + 1 + ends) / 2, (ends - starts).astype(np.int64))


def first_right(question: Question, groups: Sequence[Sequence[Ranked]]) -> int | None:
    """The place (from 0) of the first group led by a sentence that holds the start of an annotated answer."""
    for place, group in enumerate(groups):
        sentence = group[0].candidate.sentence
        if group[0].article.source == question.article and any(
            sentence.start <= span.start < sentence.end for span in question.spans
        ):
            return place
    return None


class PassedOn:
    """What every encoder that stands before another passes on to it. All that it encodes, it reads."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @property
    def identity(self) -> EncoderIdentity:
        return self._encoder.identity

    @property
    def languages(self) -> frozenset[str] | None:
        return self._encoder.languages

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    @property
    def yardstick(self) -> Yardstick:
        return self._encoder.yardstick

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.read_questions(texts).vectors

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.read_passages(texts).vectors

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._encoder.read_questions(texts)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return self._encoder.read_passages(texts)


class EncodedQuestions(PassedOn):
    """An encoder whose questions have been encoded together beforehand; the product encodes them one by one."""

    def __init__(self, encoder: Encoder, questions: Sequence[str]) -> None:
        super().__init__(encoder)
        distinct = list(dict.fromkeys(" ".join(question.split()) for question in questions))
        read = encoder.read_questions(distinct)
        self._read = dict(zip(distinct, zip(read.vectors, read.tokens, strict=True), strict=True))

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        found = [self._read[text] for text in texts if text in self._read]
        if len(found) < len(texts) or not texts:
            return self._encoder.read_questions(texts)
        return Encoded(np.stack([vector for vector, _ in found]), [tokens for _, tokens in found])
