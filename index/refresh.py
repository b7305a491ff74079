"""Sources are looked at again: files, pages and feeds become one plan for the indexer, and what came of it is recorded.

It knows what to ask for and what to make of the answers; how a page is fetched safely, and how articles are stored, is
others' business.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from index.addresses import normalised, site_of
from index.article import Article
from index.errors import UserError
from index.feeds import Entry, discover, entry_article_html, looks_like_feed
from index.fetch import FEEDS, PAGES_AND_DOCUMENTS, Fetched, Fetcher, FetchError, Validators
from index.indexer import Indexer
from index.jobs import INSIDE, Job, Plan, Stopped
from index.ledger import EVERY, Kind, Look, Source
from index.preparing import Draft
from index.readers import READER_VERSION
from index.report import Outcome, ProgressCallback, SyncReport, silent
from index.store import Version

_TAKEN = PAGES_AND_DOCUMENTS | FEEDS  # what a link leads to is found out from what is there
_AHEAD = 8  # pages fetched before their turn
_AT_ONCE = 4  # hosts, in effect: the fetcher asks each for one page at a time


@dataclass(slots=True)
class _Check:
    """What a run learns of one source: how the look at it ended (None: it never came to it), and which articles it
    gives."""

    source: Source
    look: Look | None = None
    articles: set[str] = field(default_factory=set)
    complete: bool = False  # `articles` are all of them: what it gave before and is not among them has gone
    left: list[tuple[str, bytes, str]] = field(default_factory=list)  # entries that are sources of their own

    def failed(self, at: float, error: UserError) -> None:
        retry_after = error.retry_after if isinstance(error, FetchError) else None
        self.look = Look(at, str(error), retry_after=retry_after)


class Refresher:
    """Brings a corpus up to date with its sources. Every method may be called from any thread.

    `every` is how many seconds lie between two scheduled looks at a source of each kind (0: none are scheduled).
    """

    def __init__(
        self,
        indexer: Indexer,
        fetcher: Fetcher,
        *,
        every: Mapping[Kind, float] = EVERY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._every = every
        self._indexer = indexer
        self._store = indexer.store
        self._ledger = indexer.store.ledger
        self._fetcher = fetcher
        self._clock = clock

    def run(
        self,
        sources: Sequence[Source],
        *,
        targets: Sequence[str] = (),
        progress: ProgressCallback = silent,
        cancel: threading.Event | None = None,
        dry_run: bool = False,
        fetched: Mapping[str, Fetched] | None = None,
    ) -> SyncReport:
        """Looks at these sources, and at `targets` (files, folders, patterns) that are none. As `Indexer.run`, but:

        `fetched` holds what has been fetched a moment ago, by address. A source that fails costs no article, and is
        looked at less and less often by schedule until it is suspended, which `notes` of the report tell.
        """
        cancel = cancel or threading.Event()
        plan = self._indexer.plan(list(targets))
        checks = [_Check(source) for source in sources]
        with closing(_Ahead(self._fetcher, cancel, dict(fetched or {}))) as ahead:
            look = _Looking(self._indexer, ahead, self._clock)
            for check in checks:
                if check.source.kind == "path":
                    plan.add(look.at_path(check))
                elif check.source.kind == "page":
                    plan.add(Plan([look.at_page(check)]))
                elif check.source.kind == "feed":
                    plan.add(Plan([look.at_feed(check)]))
            uploads = {one.address for one in sources if one.kind == "upload"}
            plan.add(Plan([job for job in self._indexer.upload_jobs() if job.source in uploads]))
            ahead.expect([(one.address, look.validators(one)) for one in sources if one.kind in ("page", "feed")])
            report = self._indexer.run(plan, progress=progress, cancel=cancel, dry_run=dry_run)
        report.notes += look.notes
        if not dry_run:
            known = self._store.versions()
            for check in checks:
                self._record(check, report, known)
        return report

    def add_link(
        self,
        url: str,
        *,
        feed: bool = False,
        every: float | None = None,
        channel: int | None = None,
        cancel: threading.Event | None = None,
        progress: ProgressCallback = silent,
        dry_run: bool = False,
    ) -> tuple[Source, SyncReport]:
        """Remembers a page, document or feed by its address, and indexes it. With `feed`, a page stands for the feed
        that it names. With `dry_run` nothing is stored.

        Raises:
            UserError: it cannot be had or read, or the run was stopped; nothing is remembered then.
        """
        fetched: dict[str, Fetched] = {}
        kind: Kind = "feed" if feed else "page"
        known = self._known(url, kind)
        if known is None:
            try:
                with closing(_Ahead(self._fetcher, cancel or threading.Event(), {})) as ahead:
                    page = ahead.get(url, None)
                    if looks_like_feed(page.data, page.content_type):
                        kind = "feed"
                    elif feed:
                        url, page = _feed_of(page, ahead)
            except Stopped:
                raise UserError("It was stopped before anything was added. Add it again.") from None
            fetched = {url: page}
            known = self._known(url, kind)
        address = known.address if known else url
        if dry_run:
            source = known or Source(0, kind, address)
        else:
            source = self._ledger.add(kind, address, self._clock(), every=every, channel=channel)
        try:
            report = self.run([source], progress=progress, cancel=cancel, fetched=fetched, dry_run=dry_run)
        except BaseException:
            if known is None:
                self._ledger.remove(source.id)
            raise
        if known is None and (reasons := [reason for one, reason in report.failed if one == address]):
            self._ledger.remove(source.id)
            raise UserError(reasons[0])
        return self._ledger.source(source.id) or source, report

    def _known(self, url: str, kind: Kind) -> Source | None:
        """The source that has this address, however it is spelled."""
        wanted = normalised(url)
        return next((one for one in self._ledger.sources(kind) if normalised(one.address) == wanted), None)

    def remove(self, source: Source, *, keep_articles: bool = False) -> int:
        """Forgets a source, and removes the articles that no other one gives; returns how many those were."""
        orphans = self._ledger.remove(source.id)
        if keep_articles:
            return 0
        versions = self._store.versions()
        ids = [versions[one].article_id for one in orphans if one in versions]
        return len(self._store.remove(ids, forget=True)) if ids else 0

    def _record(self, check: _Check, report: SyncReport, known: Collection[str]) -> None:
        source = check.source
        inside = {one for one in known if INSIDE in one and one.partition(INSIDE)[0] in check.articles}
        self._ledger.gave(source.id, check.articles | inside)
        for entry in check.left:
            self._ledger.settle_entry(source.id, *entry)
        if check.complete and not report.cancelled:
            gone = self._ledger.articles_of(source.id) - check.articles - inside
            self._ledger.no_longer_gives(source.id, gone)
        if check.look is not None and self._ledger.looked(source, check.look, self._every):
            times = f"it has failed {source.failures + 1} times in a row and is looked at no longer"
            report.notes.append((source.address, f"{times}: {check.look.problem}"))


def _feed_of(page: Fetched, ahead: "_Ahead") -> tuple[str, Fetched]:
    """The first feed that a page names, with its address."""
    for url in discover(page.data, page.url):
        found = ahead.get(url, None)
        if looks_like_feed(found.data, found.content_type):
            return url, found
    raise UserError("That page names no feed. Look for an RSS or Atom link on it, and add that.")


class _Looking:
    """Makes jobs of the sources of one run."""

    def __init__(self, indexer: Indexer, ahead: "_Ahead", clock: Callable[[], float]) -> None:
        self.notes: list[tuple[str, str]] = []
        self._indexer = indexer
        self._documents = indexer.documents
        self._ledger = indexer.store.ledger
        self._ahead = ahead
        self._clock = clock
        # Addresses that are sources themselves: feeds leave them to those.
        self._pages = {one.address for one in self._ledger.sources("page")}
        self._known = self._indexer.store.versions()

    def validators(self, source: Source) -> Validators | None:
        """What the server gave at the last look; None where all has to be seen anew, since a newer reader came or what
        was read is no longer there."""
        if source.reader != READER_VERSION:
            return None
        if source.kind == "page" and not self._ledger.articles_of(source.id) & self._known.keys():
            return None
        return Validators(source.etag, source.last_modified)

    def at_path(self, check: _Check) -> Plan:
        """The plan of a file, folder or pattern."""
        found = self._indexer.plan([check.source.address])
        problem = found.problems[0][1] if found.problems and not found.jobs else None
        check.look = Look(self._clock(), problem, reader=READER_VERSION)
        check.complete = problem is None
        check.articles = {job.source for job in found.jobs}
        return found

    def at_page(self, check: _Check) -> Job:
        """The job of a page or document on the web."""
        source = check.source

        def opened(known: Version | None) -> Draft | Sequence[Job] | None:
            try:
                page = self._ahead.get(source.address, self.validators(source))
                check.look = self._well(page)
                if page.not_modified:
                    return None
                return self._page(page, source.address, known)
            except UserError as error:
                check.failed(self._clock(), error)
                raise

        check.articles.add(source.address)
        return Job(source.address, opened)

    def at_feed(self, check: _Check) -> Job:
        """The job of a feed, which opens to those of its entries."""
        source = check.source

        def opened(_: Version | None) -> Sequence[Job]:
            try:
                page = self._ahead.get(source.address, self.validators(source))
                check.look = self._well(page)
                if page.not_modified:
                    return []
                feed = self._documents.reader.feed(page.data, page.url)
            except UserError as error:
                check.failed(self._clock(), error)
                raise
            check.look = self._well(page, title=feed.title)
            return self._entries(check, feed.entries)

        return Job(source.address, opened)

    def _entries(self, check: _Check, entries: Iterable[Entry]) -> list[Job]:
        settled = self._ledger.entries(check.source.id)
        jobs: dict[str, Job] = {}
        pages: list[tuple[str, Validators | None]] = []
        for entry in entries:
            article = entry.url or f"{check.source.address}#{entry.key}"
            digest = hashlib.sha256(f"{READER_VERSION}\0{entry!r}".encode()).digest()[:16]
            said, became = settled.get(entry.key, (b"", ""))
            if article in jobs or (became and became not in self._known) or (said == digest and not became):
                continue  # it came twice, a person has removed what it became, or nothing can be made of it
            check.articles.add(article)
            if article in self._pages:
                check.left.append((entry.key, digest, article))
                continue
            if (said, became) == (digest, article):
                jobs[article] = Job(article, lambda _: None)
            else:
                jobs[article] = self._entry(check, entry, article, digest)
                if entry.url and not entry.is_full:
                    pages.append((entry.url, None))
        self._ahead.expect(pages, first=True)
        return list(jobs.values())

    def _entry(self, check: _Check, entry: Entry, article: str, digest: bytes) -> Job:
        passing = False  # whether what went wrong may go well the next time

        def opened(known: Version | None) -> Draft | Sequence[Job] | None:
            nonlocal passing
            if entry.url and not entry.is_full:
                try:
                    return self._page(self._ahead.get(entry.url, None), article, known)
                except FetchError as error:
                    if not error.permanent:
                        passing = True
                        raise
                    self.notes.append((article, f"only what the feed itself says of it was read: {error}"))
                except UserError as error:
                    self.notes.append((article, f"only what the feed itself says of it was read: {error}"))
            amend = partial(_as_the_feed_says, entry)
            return self._documents.open(entry_article_html(entry), article, "entry.html", known, amend=amend)

        def done(outcome: Outcome) -> None:
            if outcome != "failed" or not passing:
                became = article if outcome != "failed" else ""
                self._ledger.settle_entry(check.source.id, entry.key, digest, became)
            elif check.look is not None:  # the feed has to be read again in full, for this entry
                check.look = Look(check.look.at, title=check.look.title, reader=READER_VERSION)

        return Job(article, opened, done)

    def _page(self, page: Fetched, article: str, known: Version | None) -> Draft | Sequence[Job] | None:
        name = unquote(PurePosixPath(urlsplit(page.url).path).name) or urlsplit(page.url).hostname or "page"
        return self._documents.open(_declared(page), article, name, known, amend=partial(_standing_at, page.url))

    def _well(self, page: Fetched, title: str | None = None) -> Look:
        validators = page.validators
        return Look(
            self._clock(),
            etag=validators.etag,
            last_modified=validators.last_modified,
            reader=READER_VERSION,
            title=title,
        )


def _standing_at(url: str, article: Article) -> Article:
    """The article with the address at which it was found, unless it names another one on its own site."""
    stated = article.url
    if stated is not None and site_of(normalised(stated)) == site_of(normalised(url)):
        return article
    return replace(article, url=url)


def _as_the_feed_says(entry: Entry, article: Article) -> Article:
    """The article with what the feed says of it: the extractor of pages takes some names and dates for others."""
    day = entry.published.date() if entry.published else None
    later = entry.updated.date() if entry.updated and entry.updated.date() != day else None
    return replace(article, url=entry.url, author=entry.author, published=day, updated=later)


def _declared(page: Fetched) -> bytes:
    """The page's bytes as UTF-8 if only the server's header tells their encoding."""
    if page.charset is None or page.charset.lower().replace("_", "-") in {"utf-8", "utf8"}:
        return page.data
    head = page.data[:2_048].lower()
    if not page.content_type.startswith("text/") or b"charset" in head or b"encoding" in head:
        return page.data
    try:
        return page.data.decode(page.charset).encode()
    except (LookupError, UnicodeError):
        return page.data


class _Ahead:
    """Fetches pages a little before they are needed, several hosts at a time. Used by one thread."""

    def __init__(self, fetcher: Fetcher, cancel: threading.Event, fetched: dict[str, Fetched]) -> None:
        self._fetcher = fetcher
        self._cancel = cancel
        self._fetched = fetched
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch")
        self._queue: deque[tuple[str, Validators | None]] = deque()
        self._asked: set[str] = set()
        self._running: dict[str, Future[Fetched]] = {}

    def expect(self, pages: Sequence[tuple[str, Validators | None]], *, first: bool = False) -> None:
        """Announces what will be asked for, in this order, before or after what was announced earlier."""
        if first:
            self._queue.extendleft(reversed(pages))
        else:
            self._queue.extend(pages)

    def get(self, url: str, validators: Validators | None) -> Fetched:
        """The page, fetched by now or in a moment.

        Raises:
            UserError: it cannot be had.
            Stopped: the run was stopped.
        """
        if url in self._fetched:
            return self._fetched.pop(url)
        if url not in self._running:
            self._asked.discard(url)
            self._start(url, validators)
        while self._queue and len(self._running) < _AHEAD:
            self._start(*self._queue.popleft())
        future = self._running.pop(url)
        while True:
            try:
                return future.result(timeout=0.2)
            except FutureTimeout:
                if future.done():
                    raise
                if self._cancel.is_set():
                    raise Stopped from None

    def _start(self, url: str, validators: Validators | None) -> None:
        if url not in self._asked and url not in self._fetched:
            self._asked.add(url)
            self._running[url] = self._pool.submit(
                partial(self._fetcher.fetch, url, validators=validators, accept=_TAKEN)
            )

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
