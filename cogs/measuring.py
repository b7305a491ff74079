"""How well the judged questions of a server are answered now, and whether an earlier model or ranker did better.

Synchronous and thread-safe; it knows servers as numbers and nothing else of Discord.
"""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cogs.service import Service
from index.corpus import Corpus, Library
from records.learning import Score
from records.records import Records
from retrieval.feedback import (
    ENOUGH,
    Comparison,
    Configuration,
    Feedback,
    compared,
    configuration,
    merged,
    result,
    sources_of,
    still_there,
)

_MOST = 500  # judgements of one server that are measured by, the last ones


@dataclass(frozen=True, slots=True)
class Fall:
    """In a server, the present configuration does worse than an earlier one."""

    server: int
    before: Configuration
    now: Configuration
    comparison: Comparison

    @property
    def key(self) -> str:
        """What was told, when this was."""
        return f"worse:{self.now.model}:{self.now.ranker}:{self.before.model}:{self.before.ranker}"


class Measurer:
    """Measures the judged questions of a server; synchronous and thread-safe.

    Raises:
        UserError: from every method, what stores, records and encoder raise.
    """

    def __init__(self, library: Library, service: Service, records: Records) -> None:
        self._library = library
        self._service = service
        self._records = records

    def servers(self) -> list[int]:
        """Those with enough judgements to measure anything."""
        return [server for server, judgements in self._records.learning.judged().items() if judgements >= ENOUGH]

    def fall(self, server: int, cancel: threading.Event) -> Fall | None:
        """Measures the server's judged questions unless that has been done, and says whether an earlier configuration
        did better. Stops without a word once `cancel` is set."""
        corpora = self._library.askable(server)
        feedback = merged(self._records.answers.judgements(server, most=_MOST))
        if len(feedback.questions) < ENOUGH:
            return None
        texts = texts_of(corpora, sources_of(feedback))
        feedback = still_there(feedback, texts)
        now = configuration(self._library.encoder.identity, self._service.ranking)
        scores = self._records.learning.scores(server)
        score = next((one for one in scores if (one.model, one.ranker) == (now.model, now.ranker)), None)
        if score is None or score.results.keys() != {one.key for one in feedback.questions}:
            score = self._measured(server, now, feedback, texts, cancel)
            if score is None:
                return None
            self._records.learning.keep(server, score)
        return worst(server, now, score, scores)

    def _measured(
        self, server: int, now: Configuration, feedback: Feedback, texts: Mapping[str, str], cancel: threading.Event
    ) -> Score | None:
        retriever = self._service.measured(server)
        if retriever is None or len(feedback.questions) < ENOUGH:
            return None
        results: dict[str, float] = {}
        for one in feedback.questions:
            began = time.perf_counter()
            results[one.key] = result(retriever, one, texts).score
            # It rests for as long as it has worked: people's questions come first.
            if cancel.wait(time.perf_counter() - began):
                return None
        return Score(now.model, now.ranker, time.time(), results)


def worst(server: int, now: Configuration, score: Score, scores: Sequence[Score]) -> Fall | None:
    """The earlier configuration, of those measured, that did best and better than the present one beyond chance."""
    falls = []
    for one in scores:
        before = Configuration(one.model, one.ranker)
        comparison = compared(one.results, score.results) if before != now else None
        if comparison is not None and comparison.lower:
            falls.append(Fall(server, before, now, comparison))
    return max(falls, key=lambda fall: fall.comparison.before - fall.comparison.now, default=None)


def texts_of(corpora: Sequence[Corpus], sources: Collection[str]) -> dict[str, str]:
    """Source → text of those of the articles that are there; where two corpora have one, of the first."""
    found: dict[str, str] = {}
    for corpus in corpora:
        for stored in corpus.store.articles():
            if stored.source in sources and stored.source not in found:
                article = corpus.store.load(stored.id)
                if article is not None:
                    found[stored.source] = article.text
    return found
