"""What a server's people put in: files and texts, pages and feeds. Each becomes articles, or leaves nothing behind.

Synchronous and thread-safe; it knows nothing of commands and messages.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cogs.refusal import Refusal
from cogs.speech import _, mark, n_, told
from cogs.workshop import Workshop
from index.corpus import Corpus
from index.errors import UserError
from index.jobs import INSIDE
from index.readers import too_large
from index.readers.cleaning import display
from index.readers.kinds import Kind
from index.report import Outcome, ProgressCallback, SyncReport, silent
from index.store import Store
from index.stored import StoredArticle
from index.web.fetch import FetchError

_STOPPED = mark("I was stopped before this was added. Add it again.")
_MOST_LINKS = 200  # pages and feeds of one server, which are all looked at again and again


@dataclass(frozen=True, slots=True)
class Addition:
    """What came of one thing that was given: the articles that are there of it, with how each came out; `title` is what
    it is called by itself. `kind` "text" is one that was typed. `news`: it had not been there. `answered` are the
    questions that had waited for it."""

    kind: Literal["file", "text", "page", "feed"]
    title: str
    news: bool
    report: SyncReport
    articles: tuple[tuple[StoredArticle, Outcome], ...]
    stand_ins: Mapping[int, StoredArticle]
    answered: tuple[str, ...] = ()


class Additions:
    """Adds to one server's corpus at a time."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def demand_acceptable(self, name: str, size: int) -> None:
        """Raises Refusal if a file of this size in bytes would be refused whatever is in it."""
        if size > self._workshop.settings.max_bytes:
            raise Refusal(too_large(name, size, self._workshop.settings.max_bytes))

    def file(
        self,
        server: int,
        data: bytes,
        name: str,
        address: str,
        *,
        replaces: str | None = None,
        typed: bool = False,
        cancel: threading.Event | None = None,
    ) -> Addition:
        """Indexes what was uploaded or `typed`, under `address`, or in the place of the upload at `replaces`.

        Raises:
            Refusal: none of it can be read, what it should replace is another, or `cancel` was set before the end.
        """

        def add(corpus: Corpus) -> Addition:
            store = corpus.store
            twin = store.find_upload(data)
            if replaces is not None:
                self._demand_replacement(store, data, name, replaces, twin)
            source = replaces or twin or address
            called = dict(store.uploads())[twin] if twin is not None and twin == source else name
            report = self._workshop.indexer(server, corpus).add_upload(data, source, called, cancel=cancel)
            kind: Literal["text", "file"] = "text" if typed else "file"
            return self._settled(server, corpus, report, kind, name, news=twin is None, cancel=cancel)

        return self._workshop.on(server, add)

    def link(
        self,
        server: int,
        url: str,
        *,
        feed: bool = False,
        channel: int | None = None,
        cancel: threading.Event | None = None,
        progress: ProgressCallback = silent,
    ) -> Addition:
        """Indexes a page or document, or the entries of a feed, which are looked at again from now on. With `feed` a
        page stands for the feed that it names. `channel` is where notices of it go.

        Raises:
            Refusal: it may not or cannot be fetched, or holds nothing that can be read.
        """

        def add(corpus: Corpus) -> Addition:
            ledger = corpus.store.ledger
            before = {one.id for one in ledger.sources("page", "feed")}
            if len(before) >= _MOST_LINKS:
                raise Refusal(
                    n_(
                        "This server has {number} link or feed, which is the most. Remove one first.",
                        "This server has {number} links and feeds, which is the most. Remove one first.",
                        len(before),
                    )
                )
            refresher = self._workshop.refresher(server, corpus)
            try:
                source, report = refresher.add_link(url, feed=feed, channel=channel, cancel=cancel, progress=progress)
            except UserError as error:
                raise self._whose(error, cancel) from error
            kind: Literal["page", "feed"] = "feed" if source.kind == "feed" else "page"
            called = source.title or source.address
            news = source.id not in before
            return self._settled(server, corpus, report, kind, called, news=news, cancel=cancel)

        return self._workshop.on(server, add)

    def _demand_replacement(self, store: Store, data: bytes, name: str, replaces: str, twin: str | None) -> None:
        if data[:2] == b"PK" and self._kind(data, name) is Kind.ZIP:
            raise Refusal(
                _(
                    "{file} may hold several articles, which cannot take the place of one: leave out “replaces”, and "
                    "remove the other article afterwards.",
                    file=display(name),
                )
            )
        if twin is not None and twin != replaces:
            titles = [one.title for one in store.articles() if one.source.partition(INSIDE)[0] == twin]
            if not titles:
                raise Refusal(_("This file is already there. Remove that one first."))
            raise Refusal(_("This file is already there, as {title}. Remove that one first.", title=display(titles[0])))

    def _kind(self, data: bytes, name: str) -> Kind:
        try:
            return self._workshop.reader.kind(data, name)
        except UserError as error:
            raise Refusal(error.said) from error

    def _settled(
        self,
        server: int,
        corpus: Corpus,
        report: SyncReport,
        kind: Literal["file", "text", "page", "feed"],
        title: str,
        *,
        news: bool,
        cancel: threading.Event | None,
    ) -> Addition:
        """What the report says of the articles that are there now.

        Raises:
            Refusal: of a file or page there is none.
        """
        store = corpus.store
        outcomes = {one.source: one.outcome for one in report.settled if one.outcome not in ("failed", "removed")}
        ids = {source: one.article_id for source, one in store.versions().items() if source in outcomes}
        there = store.articles_by_id(list(ids.values()))
        articles = tuple((there[ids[source]], outcomes[source]) for source in outcomes if ids.get(source) in there)
        if not articles and kind != "feed":
            raise Refusal(_(_STOPPED) if cancel is not None and cancel.is_set() else _nothing(report))
        stand_ins = store.articles_by_id([one.copy_of for one, _outcome in articles if one.copy_of is not None])
        answered = self._workshop.answered(server, corpus, cancel) if report.added or report.changed else ()
        return Addition(kind, title, news, report, articles, stand_ins, answered)

    def _whose(self, error: UserError, cancel: threading.Event | None) -> UserError:
        """The error as a refusal, unless it tells of this machine, which is for the operator to mend."""
        if cancel is not None and cancel.is_set():
            return Refusal(_(_STOPPED))
        if not isinstance(error, FetchError) and str(self._workshop.library.folder) in str(error):
            return error
        return Refusal(error.said)


def _nothing(report: SyncReport) -> str:
    if not report.failed:
        return _("It was removed while it was being added. Add it again.")
    if len(report.failed) == 1:
        return report.failed[0][1]
    reasons = "\n".join(f"- {told(why)}" for why in dict.fromkeys(why for _source, why in report.failed[:5]))
    return n_(
        "The file cannot be read:\n{reasons}",
        "None of its {number} files can be read:\n{reasons}",
        len(report.failed),
        reasons=reasons,
    )
