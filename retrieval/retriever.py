"""A question → an `Answer`, from any number of corpora, ranked together.

Synchronous and safe to call from any thread; it needs no event loop and knows nothing of Discord.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import compress, repeat

import numpy as np
from numpy.typing import NDArray

from index.corpus import Corpus, CorpusView
from index.encoder import Encoder
from index.stored import StoredArticle
from retrieval.anaphora import leans
from retrieval.answer import Answer, Citation, Confidence, Hit
from retrieval.candidates import Candidate, Within
from retrieval.corroboration import Group, Statement, grouped
from retrieval.followup import standalone
from retrieval.fusion import by_rank, fitted_for
from retrieval.question import foreign
from retrieval.ranker import BESIDE, DEFAULT_PRECISION, Judged, LearnedRanker, band, shipped, worth_showing
from retrieval.reranker import CrossEncoderReranker, passage_of
from retrieval.search import LOOKED_AT, Search, search

_LONGEST_QUESTION = 1_000  # characters; the model would not read more
_GROUPED = 30  # best candidates that are looked through for those that make the same claim


@dataclass(frozen=True, slots=True)
class Only:
    """The one article, by its id in one of the corpora, that is to answer."""

    corpus: Corpus
    article: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its article and what the ranker makes of its evidence; and the `lowest` probability with which
    a first hit of its question is shown."""

    candidate: Candidate
    article: StoredArticle
    features: NDArray[np.float64]
    score: float
    probability: float
    lowest: float


class Retriever:
    """Answers questions from `corpora`."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        encoder: Encoder,
        ranker: LearnedRanker | None = None,
        *,
        precision: float = DEFAULT_PRECISION,
        reranker: CrossEncoderReranker | None = None,
    ) -> None:
        self._corpora = corpora
        self._encoder = encoder
        self._ranker = ranker or shipped()
        self._reranker = reranker
        self._fitted = fitted_for(reranker.identity, self._ranker) if reranker else None
        self._precision = precision

    def ask(self, question: str, *, top: int = 3, previous: Sequence[str] = (), only: Only | None = None) -> Answer:
        """The `top` best hits; fewer, or none but the nearest, where the corpora say nothing sure enough.

        `previous` are the questions asked before, the oldest first: a follow-up is searched with what it refers to.
        With `only`, all hits are of that article; none if it is not there.

        Raises:
            UserError: a corpus cannot be read or was made with another model, or the model cannot be had.
        """
        question = " ".join(_encodable(question).split())
        searched = standalone(question, previous)
        if searched == question:
            return self._answer(question, question, top, only)
        answer = self._answer(question, searched, top, only)
        if answer.answered or leans(question):
            return answer
        # Asked by itself it may be about anything, so it has to be sure, and whoever asked is told.
        alone = self._answer(question, question, top, only)
        return replace(alone, searched=alone.searched or question) if alone.confidence is Confidence.STRONG else answer

    def _answer(self, question: str, searched: str, top: int, only: Only | None) -> Answer:
        texts = _Texts()
        asked, own = _shortened(searched), question if searched != question else None
        with self._ranking(asked, texts, top, own, only) as (ranked, found):
            worth = worth_showing([one.probability for one in ranked], ranked[0].lowest if ranked else 1.0)
            shown = list(compress(ranked, worth))
            near = [one for one in ranked[:1] if not shown and one.probability >= BESIDE]
            # Nothing else leads a group, so that it need not be compared with all others.
            leads = {id(one) for one in shown or near}
            groups = grouped(ranked, texts.statement, top, lambda one: id(one) in leads)
            hits = [texts.hit(group, band(group.best.probability)) for group in groups] if shown else []
            nearest = texts.hit(groups[0], Confidence.WEAK) if near else None
        unknown = foreign(found.language, self._encoder.languages) if found else None
        answer = Answer(question, tuple(hits), unknown, nearest=nearest)
        if found and found.question != asked:
            return replace(answer, searched=found.question)
        return answer if own is None else replace(answer, searched=searched)

    def rank(self, question: str, *, top: int = 10) -> list[list[Ranked]]:
        """The `top` best groups of sentences that make one claim, each led by its best, however unlikely: for
        measuring. Those that differ in their figures are left out."""
        texts = _Texts()
        with self._ranking(_shortened(question), texts, top) as (ranked, _):
            groups = grouped(ranked, texts.statement, top)
            return [[one.best, *(other for other in (one.first, *one.also) if other is not one.best)] for one in groups]

    @contextmanager
    def _ranking(
        self, question: str, texts: "_Texts", top: int, own: str | None = None, only: Only | None = None
    ) -> Iterator[tuple[list[Ranked], Search | None]]:
        """The best candidates, more than `top`, within the snapshots that they were found in, and the search that found
        them; none where there is nothing to ask or to search."""
        with ExitStack() as stack:
            every = [(corpus, stack.enter_context(corpus.view())) for corpus in self._corpora]
            views = [view for _, view in every if view.vectors]
            asked = [Within(view, only.article) for one, view in every if only is not None and one is only.corpus]
            if not question or not views or (only is not None and not asked):
                yield [], None
                return
            within = asked[0] if asked else None
            found = search(views, self._encoder, question, own=own, most=max(LOOKED_AT, top), within=within)
            yield self._ranked(found, texts)[: max(_GROUPED, top)], found

    def _ranked(self, found: Search, texts: "_Texts") -> list[Ranked]:
        if not found.order:
            return []
        judged = self._ranker.judge(found.evidence, found.found.weights, words_alone=found.words_alone)
        # Of a language that the encoder does not know, a cross-encoder is not known to know anything either.
        if self._reranker is not None and not found.words_alone:
            judged = self._reread(self._reranker, judged, found, texts)
        columns = (
            found.candidates,
            found.articles,
            found.evidence,
            judged.scores.tolist(),
            judged.probabilities.tolist(),
            repeat(judged.lowest(self._precision)),
        )
        return sorted(map(Ranked, *columns), key=lambda one: -one.score)

    def _reread(self, reranker: CrossEncoderReranker, judged: Judged, found: Search, texts: "_Texts") -> Judged:
        candidates = found.candidates
        logits = reranker.logits(
            found.question, judged.scores, lambda i: passage_of(found.articles[i], texts.sentence(candidates[i]))
        )
        return self._fitted.fused(judged, logits) if self._fitted else by_rank(judged, logits)


def _shortened(question: str) -> str:
    return " ".join(_encodable(question[:_LONGEST_QUESTION]).split())


def _encodable(text: str) -> str:
    """`text` without halves of characters, which no model could read."""
    return text.encode(errors="replace").decode()


class _Texts:
    """The texts that one answer quotes, each read once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[int, int], str] = {}

    def statement(self, ranked: Ranked) -> Statement:
        sentence = ranked.candidate.sentence
        return Statement(ranked.article, sentence.terms, sentence.vector, lambda: self._citation(ranked).text)

    def hit(self, group: Group[Ranked], confidence: Confidence) -> Hit:
        best, first = group.best, group.first
        sentence, view = first.candidate.sentence, first.candidate.view
        text = self._text(view, sentence.article_id)
        before, after = (span.of(text) if span else None for span in view.store.neighbours(sentence))
        also_in, differing = (tuple(map(self._citation, some)) for some in (group.also, group.differing))
        quoted = self._citation(first)
        return Hit(quoted, before, after, also_in, best.score, best.probability, confidence, differing)

    def sentence(self, candidate: Candidate) -> str:
        sentence = candidate.sentence
        return self._text(candidate.view, sentence.article_id)[sentence.start : sentence.end]

    def _citation(self, ranked: Ranked) -> Citation:
        sentence, corpus = ranked.candidate.sentence, ranked.candidate.view.store.path
        return Citation(ranked.article, sentence.start, sentence.end, self.sentence(ranked.candidate), corpus)

    def _text(self, view: CorpusView, article_id: int) -> str:
        key = (id(view), article_id)
        if key not in self._loaded:
            text = view.store.text(article_id)
            if text is None:  # within one snapshot a sentence always has its article
                raise LookupError(f"article {article_id} is missing from {view.store.path}")
            self._loaded[key] = text
        return self._loaded[key]
