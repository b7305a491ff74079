"""How a source is looked at: a path, page or feed becomes jobs, and what a run learns of it is gathered.

It fetches nothing itself and stores nothing but which entries of a feed are settled.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from index.article import Article
from index.errors import Said, UserError
from index.feeds import Entry, entry_article_html
from index.indexer import Indexer
from index.jobs import Job, Plan, members_of
from index.ledger import Look, Source
from index.preparing import Draft
from index.readers import READER_VERSION
from index.readers.decoding import decode_by_name
from index.report import Outcome
from index.stored import Version
from index.web.addresses import normalised, site_of
from index.web.ahead import Ahead
from index.web.fetch import Fetched, FetchError, Validators

Opened = Draft | Sequence[Job] | None


@dataclass(slots=True)
class Check:
    """What a run learns of one source: how the look at it ended (None: it never came to it), and which articles it
    gives. `pending` are those of which something may still have to be stored the next time."""

    source: Source
    look: Look | None = None
    articles: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    complete: bool = False  # `articles` are all of them: what it gave before and is not among them has gone
    left: list[tuple[str, bytes, str]] = field(default_factory=list)  # (key, hash, article) of entries left to others

    def conclusion(self) -> Look | None:
        """How the look ended; without validators as long as anything is pending, which has to be seen again."""
        return replace(self.look, etag=None, last_modified=None) if self.look and self.pending else self.look

    def tracked(self, job: Job) -> Job:
        """The job, pending until it is settled without a failure."""
        self.pending.add(job.source)

        def done(outcome: Outcome) -> None:
            job.done(outcome)
            if outcome != "failed":
                self.pending.discard(job.source)

        return replace(job, done=done)


class Looking:
    """Makes the jobs of the sources of one run."""

    def __init__(self, indexer: Indexer, ahead: Ahead, clock: Callable[[], float]) -> None:
        self.notes: list[tuple[str, str]] = []
        self._indexer = indexer
        self._documents = indexer.documents
        self._store = indexer.store
        self._ledger = indexer.store.ledger
        self._ahead = ahead
        self._clock = clock
        self._known = self._store.versions()
        self._inside = members_of(self._known)
        self._pages = {one.address for one in self._ledger.sources("page")}

    def validators(self, source: Source) -> Validators | None:
        """What the server gave at the last look; None where all has to be seen anew, since a newer reader came or what
        was read is no longer there."""
        if source.reader != READER_VERSION:
            return None
        if source.kind == "page" and not self._ledger.articles_of(source.id) & self._known.keys():
            return None
        return Validators(source.etag, source.last_modified)

    def at_path(self, check: Check) -> Plan:
        """The plan of a file, folder or pattern."""
        found = self._indexer.plan([check.source.address])
        problem = found.problems[0][1] if found.problems and not found.jobs else None
        check.look = Look(self._clock(), problem, reader=READER_VERSION)
        check.complete = problem is None and not any(scope.unseen for scope in found.scopes)
        check.articles = {job.source for job in found.jobs}
        return found

    def at_page(self, check: Check) -> Job:
        """The job of a page or document on the web."""
        source = check.source

        def opened(known: Version | None) -> Opened:
            page = self._fetched(check)
            if page.not_modified:
                check.pending.discard(source.address)
                return [Job(one, _unchanged) for one in sorted(self._inside.get(source.address, ()))] or None
            with self._judging(check):
                found = self._page(page, source.address, known)
            if found is None or isinstance(found, Draft):
                return found
            check.pending.discard(source.address)  # an archive: what is in it is pending instead
            removed = self._store.removed_from(source.id)
            return [check.tracked(job) for job in found if job.source not in removed]

        check.articles.add(source.address)
        return check.tracked(Job(source.address, opened))

    def at_feed(self, check: Check) -> Job:
        """The job of a feed, which opens to those of its entries."""

        def opened(_: Version | None) -> Sequence[Job]:
            page = self._fetched(check)
            if page.not_modified:
                given = self._ledger.articles_of(check.source.id) & self._known.keys()
                return [Job(article, _unchanged) for article in sorted(given)]
            with self._judging(check):
                feed = self._documents.reader.feed(page.data, page.url)
            if check.look is not None:
                check.look = replace(check.look, title=feed.title, retry_after=feed.ttl)
            return self._entries(check, feed.entries)

        return Job(check.source.address, opened)

    def _fetched(self, check: Check) -> Fetched:
        with self._judging(check):
            page = self._ahead.get(check.source.address, self.validators(check.source))
        given = page.validators
        if page.not_modified:  # whoever sends nothing may also leave out what it is the state of
            given = Validators(given.etag or check.source.etag, given.last_modified or check.source.last_modified)
        check.look = Look(self._clock(), etag=given.etag, last_modified=given.last_modified, reader=READER_VERSION)
        return page

    @contextmanager
    def _judging(self, check: Check) -> Iterator[None]:
        """What goes wrong within the block is a failure of the source, too."""
        try:
            yield
        except UserError as error:
            retry_after = error.retry_after if isinstance(error, FetchError) else None
            check.look = Look(self._clock(), error.said, retry_after=retry_after)
            raise

    # -- feeds

    def _entries(self, check: Check, entries: Iterable[Entry]) -> list[Job]:
        feed = check.source
        settled = self._ledger.entries(feed.id)
        removed = {became for _, became in settled.values() if became} - self._known.keys()
        jobs: dict[str, Job] = {}
        for entry in entries:
            article = _identity(entry, feed)
            digest = hashlib.sha256(f"{READER_VERSION}\0{entry!r}".encode()).digest()[:16]
            said, became = settled.get(entry.key, (b"", ""))
            if article in jobs or removed.intersection((article, became)) or (said == digest and not became):
                continue  # it came twice, a person has removed what it became, or nothing can be made of it
            check.articles.add(article)
            # An article that another source gives is that one's to write: a page's own, or an earlier feed's.
            if article in self._pages or (
                article in self._known and self._ledger.is_given_by_another(article, feed.id)
            ):
                check.left.append((entry.key, digest, article))
            elif (said, became) == (digest, article):
                jobs[article] = Job(article, _unchanged)
            else:
                jobs[article] = check.tracked(self._entry(check, entry, article, digest, became))
                if entry.url == article and not entry.is_full:
                    self._ahead.expect([(article, None)], first=True)
        return list(jobs.values())

    def _entry(self, check: Check, entry: Entry, article: str, digest: bytes, before: str) -> Job:
        """The job of an entry that is new or says something else than `before`, the article that it was."""
        lasting = False  # whether another try would fail as well

        def opened(known: Version | None) -> Opened:
            nonlocal lasting
            if entry.url == article and not entry.is_full:
                try:
                    return self._page(self._ahead.get(article, None), article, known)
                except UserError as error:
                    lasting = not isinstance(error, FetchError) or error.permanent
                    # What the feed itself says is better than nothing, but worse than the article that is there; and
                    # a page of another site is not this feed's to speak for.
                    if not lasting or known is not None or not _own(entry, check.source):
                        raise
                    note = Said("only what the feed itself says of it was read: {reason}", reason=error.said)
                    self.notes.append((article, note))
            try:
                words = partial(self._documents.reader.words, url=check.source.address)
                data, amend = entry_article_html(entry, words), partial(_as_the_feed_says, entry)
                return self._documents.open(data, article, "entry.html", known, amend=amend)
            except UserError:
                lasting = True
                raise

        def done(outcome: Outcome) -> None:
            if outcome == "failed" and not lasting:
                return
            became = article if outcome != "failed" or article in self._known else ""
            self._ledger.settle_entry(check.source.id, entry.key, digest, became)
            check.pending.discard(article)
            if before not in ("", article):  # the entry has moved, and what it was goes
                gone = self._ledger.no_longer_gives(check.source.id, [before])
                self._store.remove([self._known[one].article_id for one in gone if one in self._known])

        return Job(article, opened, done)

    def _page(self, page: Fetched, article: str, known: Version | None) -> Opened:
        if self._documents.reader.is_feed(page.data, page.content_type, page.url):
            raise UserError("It is a feed, and no page. Remove it if need be, and add it as a feed.")
        name = unquote(PurePosixPath(urlsplit(page.url).path).name) or urlsplit(page.url).hostname or "page"
        return self._documents.open(_declared(page), article, name, known, amend=partial(_standing_at, page.url))


def _unchanged(_: Version | None) -> None:
    """Opens a job of which it is known already that nothing has changed."""


def _identity(entry: Entry, feed: Source) -> str:
    """The article that an entry is: its own page, if that is to be fetched or on the feed's own site; otherwise what
    the feed says of somebody else's page, which it cannot be taken for."""
    itself = entry.url is not None and normalised(entry.url) == normalised(feed.address)
    if entry.url and not itself and (not entry.is_full or _own(entry, feed)):
        return entry.url.partition("#")[0]
    return f"{feed.address}#{entry.key}"


def _own(entry: Entry, feed: Source) -> bool:
    return entry.url is not None and site_of(normalised(entry.url)) == site_of(normalised(feed.address))


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
    head = page.data[:2_048].lower()
    if page.charset is None or not page.content_type.startswith("text/") or b"charset" in head or b"encoding" in head:
        return page.data
    text = decode_by_name(page.data, page.charset.lower())
    return page.data if text is None else text.encode()
