"""Sources are looked at again: files, pages and feeds become one plan for the indexer, and what came of it is recorded.

It knows what to ask for and what to make of the answers; how a page is fetched safely, and how articles are stored, is
others' business.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from index.errors import Said, UserError
from index.indexer import Indexer
from index.jobs import Plan, Stopped, members_of
from index.ledger import EVERY, Kind, Source
from index.looking import Check, Looking
from index.report import ProgressCallback, SyncReport, silent
from index.stored import Version
from index.web.addresses import normalised, untracked
from index.web.ahead import Ahead
from index.web.fetch import Fetched, Fetcher

_STOPPED = Said("It was stopped before anything was added. Add it again.")


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
        self._reader = indexer.documents.reader
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
        checks = [Check(source) for source in sources]
        with closing(Ahead(self._fetcher, cancel, dict(fetched or {}))) as ahead:
            look = Looking(self._indexer, ahead, self._clock)
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
            inside = members_of(known)
            for check in checks:
                self._record(check, report, known, inside)
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
        url = untracked(url)
        fetched: dict[str, Fetched] = {}
        kind: Kind = "feed" if feed else "page"
        known = self._known(url, kind)
        if known is None:
            try:
                with closing(Ahead(self._fetcher, cancel or threading.Event(), {})) as ahead:
                    page = ahead.get(url, None)
                    if self._reader.is_feed(page.data, page.content_type, page.url):
                        kind = "feed"
                    elif feed:
                        url, page = self._feed_of(page, ahead)
            except Stopped:
                raise UserError(_STOPPED) from None
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
        reasons = [reason for one, reason in report.failed if one == address]
        if report.cancelled and not (report.added or report.changed):
            reasons.append(_STOPPED)
        if known is None and reasons:
            self._ledger.remove(source.id)
            raise UserError(reasons[0])
        return self._ledger.source(source.id) or source, report

    def _known(self, url: str, kind: Kind) -> Source | None:
        """The source that has this address, however it is spelled."""
        wanted = normalised(url)
        return next((one for one in self._ledger.sources(kind) if normalised(one.address) == wanted), None)

    def _feed_of(self, page: Fetched, ahead: Ahead) -> tuple[str, Fetched]:
        """The first feed that a page names, with its address."""
        for url in self._reader.discover(page.data, page.url):
            found = ahead.get(url, None)
            if self._reader.is_feed(found.data, found.content_type, found.url):
                return url, found
        raise UserError("That page names no feed. Look for an RSS or Atom link on it, and add that.")

    def _record(
        self, check: Check, report: SyncReport, known: Mapping[str, Version], inside: Mapping[str, set[str]]
    ) -> None:
        """Records what a run learnt of one source; `known` are the stored articles, `inside` those in archives."""
        source, ledger = check.source, self._ledger
        members = {one for archive in check.articles & inside.keys() for one in inside[archive]}
        given = (check.articles & known.keys()) | members
        ledger.gave(source.id, given)
        for key, digest, article in check.left:
            if article in known:
                ledger.settle_entry(source.id, key, digest, article)
        if ledger.source(source.id) is None:  # forgotten while the run was on, and what it gave since with it
            new = given & {one.source for one in report.of("added")}
            self._store.remove([known[one].article_id for one in new if not ledger.origins(one)])
            return
        if check.complete and not report.cancelled:
            ledger.no_longer_gives(source.id, ledger.articles_of(source.id) - check.articles - members)
        look = check.conclusion()
        if look is not None and ledger.looked(source, look, self._every):
            note = Said(
                "it has failed {number} times in a row and is looked at no longer: {reason}",
                number=source.failures + 1,
                reason=look.problem,
            )
            report.notes.append((source.address, note))
