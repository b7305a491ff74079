"""A question → an `Answer`, from any number of corpora, ranked together.

Synchronous and safe to call from any thread; it needs no event loop and knows nothing of Discord.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.corpus import Corpus, CorpusView
from index.encoder import Encoder
from index.lexical import question_terms
from index.store import StoredArticle
from retrieval.answer import Answer, Citation, Confidence, Hit
from retrieval.candidates import Candidate, Candidates, find
from retrieval.ranker import FixedRanker, Ranker, band
from retrieval.similarity import near_identical

_LONGEST_QUESTION = 1_000  # characters; the model would not read more
_CANDIDATES = 100  # best sentences by each kind of evidence
_GROUPED = 30  # best candidates that are looked through for near-identical ones


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its article and what the ranker makes of its evidence."""

    candidate: Candidate
    article: StoredArticle
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
        texts = _Texts()
        with self._groups(question, top) as groups:
            bands = [band(group[0].probability) for group in groups]
            hits = [texts.hit(group, one) for group, one in zip(groups, bands, strict=True) if one is not None]
        return Answer(" ".join(question.split()), tuple(hits))

    def rank(self, question: str, *, top: int = 10) -> list[list[Ranked]]:
        """The `top` best groups of near-identical sentences, each led by its best, however unlikely: for measuring."""
        with self._groups(question, top) as groups:
            return groups

    @contextmanager
    def _groups(self, question: str, top: int) -> Iterator[list[list[Ranked]]]:
        """What `rank` returns, within the snapshots that it was found in."""
        question = " ".join(question[:_LONGEST_QUESTION].split())
        with ExitStack() as stack:
            views = [stack.enter_context(corpus.view()) for corpus in self._corpora]
            views = [view for view in views if view.vectors]
            if not question or not views:
                yield []
                return
            vector = self._encoder.encode_questions([question])[0]
            found = find(views, vector, question_terms(question), _CANDIDATES)
            yield _grouped(self._best(found, max(_GROUPED, top)), top)

    def _best(self, found: Candidates, most: int) -> list[Ranked]:
        scores = self._ranker.scores(found.features)
        order = np.argsort(-scores, kind="stable")[:most]
        probabilities = self._ranker.probabilities(found.features[order])
        wanted: dict[int, tuple[CorpusView, set[int]]] = {}
        best = [found.candidates[i] for i in order]
        for one in best:
            wanted.setdefault(id(one.view), (one.view, set()))[1].add(one.sentence.article_id)
        articles = {key: view.store.articles_by_id(sorted(ids)) for key, (view, ids) in wanted.items()}
        return [
            Ranked(one, articles[id(one.view)][one.sentence.article_id], found.features[i], score, chance)
            for i, one, score, chance in zip(order, best, scores[order].tolist(), probabilities.tolist(), strict=True)
        ]


def _grouped(ranked: Sequence[Ranked], top: int) -> list[list[Ranked]]:
    """The first `top` groups of sentences that say nearly the same, each led by its best."""
    if not ranked:
        return []
    vectors = np.stack([one.candidate.sentence.vector for one in ranked]).astype(np.float32)
    cosines = vectors @ vectors.T
    groups: list[list[int]] = []
    for i in range(len(ranked)):
        for group in groups:
            if _same(ranked[group[0]], ranked[i], float(cosines[group[0], i])):
                group.append(i)
                break
        else:
            groups.append([i])
    return [[ranked[i] for i in group] for group in groups[:top]]


def _same(a: Ranked, b: Ranked, cosine: float) -> bool:
    shared_title = a.article.states_title and b.article.states_title and a.article.title == b.article.title
    return near_identical(a.candidate.sentence.terms, b.candidate.sentence.terms, cosine, shared_title=shared_title)


class _Texts:
    """The texts that one answer quotes, each read once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[int, int], str] = {}

    def hit(self, group: Sequence[Ranked], confidence: Confidence) -> Hit:
        best = group[0]
        sentence, view = best.candidate.sentence, best.candidate.view
        text = self._text(view, sentence.article_id)
        before, after = (span.of(text) if span else None for span in view.store.neighbours(sentence))
        also_in = tuple(self._citation(one) for one in group[1:])
        return Hit(self._citation(best), before, after, also_in, best.score, best.probability, confidence)

    def _citation(self, ranked: Ranked) -> Citation:
        sentence = ranked.candidate.sentence
        text = self._text(ranked.candidate.view, sentence.article_id)
        return Citation(ranked.article, sentence.start, sentence.end, text[sentence.start : sentence.end])

    def _text(self, view: CorpusView, article_id: int) -> str:
        key = (id(view), article_id)
        if key not in self._loaded:
            article = view.store.load(article_id)
            if article is None:  # within one snapshot a sentence always has its article
                raise LookupError(f"article {article_id} is missing from {view.store.path}")
            self._loaded[key] = article.text
        return self._loaded[key]
