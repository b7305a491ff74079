"""A question → an `Answer`, from any number of corpora, ranked together.

Synchronous and safe to call from any thread; it needs no event loop and knows nothing of Discord.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.article import Article
from index.corpus import Corpus, CorpusView
from index.encoder import Encoder
from index.lexical import question_terms
from index.store import StoredArticle
from retrieval.answer import Answer, Citation, Confidence, Hit
from retrieval.candidates import Candidate, find
from retrieval.ranker import FixedRanker, Ranker, band
from retrieval.similarity import near_identical

_LONGEST_QUESTION = 1_000  # characters; the model would not read more
_CANDIDATES = 100  # best sentences by each kind of evidence
_GROUPED = 30  # best candidates that are looked through for near-identical ones


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its article, its text and what the ranker makes of its evidence."""

    candidate: Candidate
    article: StoredArticle
    text: str
    features: NDArray[np.float64]
    score: float
    probability: float


class Retriever:
    """Answers questions from `corpora`."""

    def __init__(self, corpora: Sequence[Corpus], encoder: Encoder, ranker: Ranker | None = None) -> None:
        self._corpora = corpora
        self._encoder = encoder
        self._ranker = ranker or FixedRanker()

    def ask(self, question: str, *, top: int = 3) -> Answer:
        """The `top` best hits; fewer, or none, where the corpora say nothing worth showing.

        Raises:
            UserError: a corpus cannot be read or was made with another model, or the model cannot be had.
        """
        with self._ranked(question, top) as (groups, articles):
            hits = [(group, band(group[0].probability)) for group in groups]
            return Answer(
                " ".join(question.split()),
                tuple(articles.hit(group, confidence) for group, confidence in hits if confidence is not None),
            )

    def rank(self, question: str, *, top: int = 10) -> list[list[Ranked]]:
        """The `top` best groups of near-identical sentences, each led by its best, however unlikely: for measuring."""
        with self._ranked(question, top) as (groups, _):
            return groups

    @contextmanager
    def _ranked(self, question: str, top: int) -> Iterator[tuple[list[list[Ranked]], "_Articles"]]:
        question = " ".join(question[:_LONGEST_QUESTION].split())
        articles = _Articles()
        with ExitStack() as stack:
            views = [stack.enter_context(corpus.view()) for corpus in self._corpora]
            views = [view for view in views if view.vectors]
            if not question or not views:
                yield [], articles
                return
            vector = self._encoder.encode_questions([question])[0]
            found = find(views, vector, question_terms(question), _CANDIDATES)
            scores = self._ranker.scores(found.features)
            best = np.argsort(-scores, kind="stable")[: max(_GROUPED, top)]
            probabilities = self._ranker.probabilities(found.features[best])
            ranked = [
                articles.ranked(found.candidates[i], found.features[i], float(scores[i]), float(probability))
                for i, probability in zip(best, probabilities, strict=True)
            ]
            yield _grouped(ranked, top), articles


def _grouped(ranked: Iterable[Ranked], top: int) -> list[list[Ranked]]:
    """The first `top` groups of sentences that say nearly the same, each led by its best."""
    groups: list[list[Ranked]] = []
    for one in ranked:
        for group in groups:
            if _same(group[0], one):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups[:top]


def _same(a: Ranked, b: Ranked) -> bool:
    shared_title = a.article.states_title and b.article.states_title and a.article.title == b.article.title
    pair = ((one.text, one.candidate.sentence.vector) for one in (a, b))
    return near_identical(*pair, shared_title=shared_title)


class _Articles:
    """What one answer needs of its articles, each read once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[int, int], tuple[StoredArticle, Article]] = {}

    def _load(self, view: CorpusView, article_id: int) -> tuple[StoredArticle, Article]:
        key = (id(view), article_id)
        if key not in self._loaded:
            stored, article = view.store.article(article_id), view.store.load(article_id)
            if stored is None or article is None:  # within one snapshot a sentence always has its article
                raise LookupError(f"article {article_id} is missing from {view.store.path}")
            self._loaded[key] = stored, article
        return self._loaded[key]

    def ranked(self, candidate: Candidate, features: NDArray[np.float64], score: float, probability: float) -> Ranked:
        sentence = candidate.sentence
        stored, article = self._load(candidate.view, sentence.article_id)
        text = article.text[sentence.start : sentence.end]
        return Ranked(candidate, stored, text, features, score, probability)

    def hit(self, group: Sequence[Ranked], confidence: Confidence) -> Hit:
        best = group[0]
        sentence, view = best.candidate.sentence, best.candidate.view
        text = self._load(view, sentence.article_id)[1].text
        before, after = (span.of(text) if span else None for span in view.store.neighbours(sentence))
        return Hit(
            _citation(best),
            before,
            after,
            tuple(_citation(one) for one in group[1:]),
            best.score,
            best.probability,
            confidence,
        )


def _citation(ranked: Ranked) -> Citation:
    sentence = ranked.candidate.sentence
    return Citation(ranked.article, sentence.start, sentence.end, ranked.text)
