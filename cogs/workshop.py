"""What it takes to work on a server's corpus: opening it, indexing for it, fetching for it, asking its questions again.

Synchronous and thread-safe. It knows servers as numbers (None: the operator) and nothing else of Discord.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from cogs.service import Service
from cogs.settings import Settings
from index.corpus import Corpus, Library
from index.errors import UserError
from index.indexer import Indexer
from index.jobs import Reader
from index.ledger import EVERY, Kind
from index.refresh import Refresher
from index.web.fetch import Fetcher
from retrieval.waiting import answered_now

T = TypeVar("T")


class Workshop:
    """One for all servers; `reader` reads what strangers wrote, and `fetcher` is the only way to the web."""

    def __init__(
        self, library: Library, service: Service, settings: Settings, reader: Reader, fetcher: Fetcher
    ) -> None:
        self.library = library
        self.settings = settings
        self.reader = reader
        self.every: dict[Kind, float] = {**EVERY, **settings.refresh_every}
        self._service = service
        self._fetcher = fetcher

    def on(self, server: int, work: Callable[[Corpus], T]) -> T:
        """What `work` comes to, done on the server's own corpus, which is made for it if there is none. One that is
        empty afterwards goes again."""
        with self._opened(server) as corpus:
            try:
                return work(corpus)
            except UserError:
                now = self.library.corpus(server)
                if now is None or now.encoder is corpus.encoder:
                    raise
            return work(now)  # another model took over while this was under way

    def indexer(self, server: int | None, corpus: Corpus) -> Indexer:
        """What indexes for this corpus, with the model that it has; the operator's own may be of any size."""
        most = None if server is None else self.settings.max_sentences
        return Indexer(
            corpus.store, corpus.encoder, max_bytes=self.settings.max_bytes, max_sentences=most, reader=self.reader
        )

    def refresher(self, server: int | None, corpus: Corpus) -> Refresher:
        """What looks at this corpus's sources."""
        return Refresher(self.indexer(server, corpus), self._fetcher, every=self.every)

    def answered(
        self, server: int | None, corpus: Corpus, cancel: threading.Event | None = None, *, forget: bool = True
    ) -> tuple[str, ...]:
        """The questions of this corpus that waited for an answer and have one now; they wait no longer, unless nobody
        is told of them yet."""
        if not corpus.store.ledger.waiting():
            return ()
        found = answered_now(self._service.retriever(server), corpus.store, cancel=cancel, forget=forget)
        return tuple(one.question for one in found)

    @contextmanager
    def _opened(self, server: int) -> Iterator[Corpus]:
        known = self.library.corpus(server)
        corpus = known or self.library.corpus(server, create=True)
        assert corpus is not None  # noqa: S101 — it has just been made
        try:
            yield corpus
        finally:
            if known is None and not (corpus.store.versions() or corpus.store.ledger.sources()):
                self.library.delete(server)
