"""What the cogs ask of the library: questions, lists, uploads, removals and index runs, for one Discord server each.

Synchronous and thread-safe; it knows servers as numbers and nothing else of Discord. A server's id is the only way to
a corpus here, so that no argument that a person makes up leads into another server's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from cogs.refusal import Refusal
from cogs.settings import Settings
from index.corpus import Corpus, Library
from index.encoder import Encoder
from index.errors import UserError
from index.indexer import Indexer, Progress, SyncReport
from index.language import language_of
from index.readers import SUPPORTED_SUFFIXES, read, too_large, unsupported
from index.store import StoredArticle
from retrieval.answer import Answer
from retrieval.ranker import LearnedRanker
from retrieval.reranker import CrossEncoderReranker
from retrieval.retriever import Retriever

NOWHERE = 0
"""The server of a direct message: no server has this id, so it may ask only what is shared with every server."""

ProgressCall = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, and how many articles it was looked for in: the server's `own` and `shared` ones."""

    answer: Answer
    own: int
    shared: int
    in_server: bool = True


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an upload: "added", "changed", or "unchanged" where the same bytes were there before."""

    article: StoredArticle
    outcome: str


class Service:
    """The library as one bot uses it.

    Raises:
        Refusal: from the methods that say so, what the person who asked can mend.
        UserError: from every method, what stores and encoder raise, which is the operator's to mend.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        settings: Settings,
        *,
        ranker: LearnedRanker | None = None,
        reranker: CrossEncoderReranker | None = None,
    ) -> None:
        self._library = library
        self._encoder = encoder
        self._settings = settings
        self._ranker = ranker
        self._reranker = reranker

    @property
    def languages(self) -> frozenset[str] | None:
        """The codes of the languages that the model knows; None: any."""
        return self._encoder.languages

    def warm_up(self) -> None:
        """Loads the models and the corpus that most servers share, so that the first question need not wait."""
        _ = self._encoder.yardstick
        language_of("Does it work?")
        for corpus in self._library.askable(NOWHERE):
            with corpus.view():
                pass
        if self._reranker is not None:
            self._reranker.load()

    def ask(self, server: int, question: str, previous: Sequence[str] = ()) -> Asked:
        """What is found for a question, asked after those `previous`, the oldest first."""
        own, shared = self._counts(server)
        corpora = self._library.askable(server)
        retriever = Retriever(
            corpora, self._encoder, self._ranker, precision=self._settings.precision, reranker=self._reranker
        )
        answer = retriever.ask(question, top=self._settings.hits, previous=previous)
        return Asked(answer, own, shared, in_server=server != NOWHERE)

    def is_shared(self) -> bool:
        """Whether there is anything that may be asked outside of servers."""
        return bool(self._library.askable(NOWHERE))

    def articles(self, server: int) -> list[StoredArticle]:
        """The server's own articles, by title."""
        corpus = self._library.corpus(server)
        return corpus.store.articles() if corpus else []

    def shared(self, server: int) -> int:
        """How many articles of the operator's the server may ask."""
        return self._counts(server)[1]

    def matching(self, server: int, typed: str, *, uploads: bool = False, most: int = 25) -> list[StoredArticle]:
        """The server's own articles (or of them the uploads) whose title holds what was typed, by title."""
        articles = self._uploads(server) if uploads else self.articles(server)
        typed = typed.casefold().strip()
        return [one for one in articles if typed in one.title.casefold()][:most]

    def find(self, server: int, choice: str, *, upload: bool = False) -> StoredArticle:
        """The article of this server with this id or, if no id was chosen, this title.

        Raises:
            Refusal: the server has no such article, or several.
        """
        articles = self._uploads(server) if upload else self.articles(server)
        kind = "uploaded article" if upload else "article"
        found = [one for one in articles if str(one.id) == choice]
        found = found or [one for one in articles if one.title.casefold() == choice.strip().casefold()]
        if not found:
            raise Refusal(f"This server has no such {kind}. Choose one from the list that appears as you type.")
        if len(found) > 1:
            raise Refusal("Several articles have that title. Choose one from the list that appears as you type.")
        return found[0]

    def demand_acceptable(self, name: str, size: int) -> None:
        """Raises Refusal if a file of this name and size in bytes would be refused whatever is in it."""
        if size > self._settings.max_bytes:
            raise Refusal(too_large(name, size, self._settings.max_bytes))
        if not name.lower().endswith(tuple(SUPPORTED_SUFFIXES)):
            raise Refusal(unsupported(name))

    def add(
        self,
        server: int,
        data: bytes,
        name: str,
        source: str,
        replaces: str | None = None,
        *,
        cancel: Event | None = None,
    ) -> Added:
        """Indexes an uploaded file, in the place of the article that `replaces` names, if any.

        Raises:
            Refusal: the file cannot be read, is there already, or `cancel` was set before it was encoded.
        """
        if replaces is not None:
            source = self.find(server, replaces, upload=True).source
        corpus = self._library.corpus(server) or self._first_corpus(server, data, source, name)
        twin = corpus.store.find_upload(data)
        known = next((one for one in self._uploads(server) if one.source == twin), None)
        if known is not None and replaces is None:
            return Added(known, "unchanged")
        if known is not None and known.source != source:
            raise Refusal(f"This file is already there, as “{known.title}”. Remove that one first.")
        report = self._indexer(corpus).add_upload(data, source, name, cancel=cancel)
        if report.failed:
            raise Refusal(report.failed[0][1])
        version = corpus.store.versions().get(source)
        if report.cancelled:
            raise Refusal("I was stopped before this file was added. Add it again.")
        article = corpus.store.article(version.article_id) if version else None
        if article is None:
            raise Refusal("The article was removed while it was being added. Add it again.")
        return Added(article, "added" if report.added else "changed" if report.changed else "unchanged")

    def _first_corpus(self, server: int, data: bytes, source: str, name: str) -> Corpus:
        """The server's corpus, made for its first file if that can be read: a refused one leaves nothing behind."""
        try:
            read(data, source, name, max_bytes=self._settings.max_bytes)
        except UserError as error:
            raise Refusal(str(error)) from error
        corpus = self._library.corpus(server, create=True)
        assert corpus is not None  # noqa: S101 — it has just been made
        return corpus

    def remove(self, server: int, article_id: int) -> StoredArticle:
        """Removes one of the server's own articles for good, with what was uploaded and every trace of its text.

        Raises:
            Refusal: the server has no such article (any more).
        """
        corpus = self._library.corpus(server)
        removed = corpus.store.remove([article_id], forget=True) if corpus else []
        if not removed:
            raise Refusal("That article is no longer there. /articles list shows what is.")
        return removed[0]

    def reread(self, server: int, progress: ProgressCall, cancel: Event) -> SyncReport:
        """Reads again what the server has uploaded."""
        corpus = self._library.corpus(server)
        return self._indexer(corpus).sync_uploads(progress=progress, cancel=cancel) if corpus else SyncReport()

    def reread_operators(self, progress: ProgressCall, cancel: Event) -> SyncReport:
        """Brings the operator's corpus up to date with the operator's folder."""
        corpus = self._library.corpus(None, create=True)
        assert corpus is not None  # noqa: S101 — it has just been made
        return self._indexer(corpus, limited=False).sync(
            [str(self._settings.articles)], progress=progress, cancel=cancel
        )

    def _indexer(self, corpus: Corpus, *, limited: bool = True) -> Indexer:
        most = self._settings.max_sentences if limited else None
        return Indexer(corpus.store, self._encoder, max_bytes=self._settings.max_bytes, max_sentences=most)

    def _uploads(self, server: int) -> list[StoredArticle]:
        corpus = self._library.corpus(server)
        if corpus is None:
            return []
        sources = {source for source, _ in corpus.store.uploads()}
        return [one for one in corpus.store.articles() if one.source in sources]

    def _counts(self, server: int) -> tuple[int, int]:
        own = self._library.corpus(server)
        numbers = [(one is own, one.store.statistics().articles) for one in self._library.askable(server)]
        return sum(n for mine, n in numbers if mine), sum(n for mine, n in numbers if not mine)
