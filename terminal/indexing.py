"""`index` and `sources add`: files, folders and links are brought up to date in one corpus, and remembered; the report.

What is new and how it is stored is for `index`; which targets are remembered is decided here.
"""

import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import UserError
from terminal import progress, reports, show
from terminal.options import print_json
from terminal.session import Exit, Session

if TYPE_CHECKING:
    from index.corpus import Corpus, Library
    from index.encoder import Encoder
    from index.fetch import Fetcher
    from index.ledger import Source
    from index.refresh import Refresher
    from index.report import Progress, SyncReport
    from retrieval.waiting import Answered

_LINK = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)  # of whatever kind: the fetcher says which may be fetched


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be indexed: `targets` (files, folders, patterns, links), or without any all that is remembered.

    `every` is the wish for a new source's seconds between two looks; `feed`: a page stands for the feed that it names.
    """

    targets: Sequence[str]
    server: int | None
    dry_run: bool = False
    remember: bool = True
    every: float | None = None
    feed: bool = False


def run(session: Session, wish: Wish, *, as_json: bool, verbose: bool = False) -> Exit:
    """Indexes what is wished for, asks waiting questions again where that is configured, and reports.

    Raises:
        UserError: there is nothing to index, or what `Refresher.run` raises.
    """
    if not wish.targets:
        _require_something(session, wish.server)
    answered: list[Answered] = []
    with ExitStack() as stack:
        folder = None
        if wish.dry_run and not _database(session, wish.server).exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verbatim-", ignore_cleanup_errors=True)))
        library, encoder = stack.enter_context(session.library(folder=folder))
        corpus = _corpus(session, library, encoder, wish)
        fetcher = stack.enter_context(session.fetcher())
        refresher = stack.enter_context(session.refresher(corpus.store, encoder, wish.server, fetcher))
        cancel = stack.enter_context(progress.interruptible())
        with progress.shown(session.err) as shown:
            report = _Run(session, wish, corpus, refresher, fetcher, shown, cancel).carry_out()
        if (report.added or report.changed) and not (report.dry_run or report.cancelled):
            answered = _answered(session, library, encoder, wish.server, report, cancel)
    if as_json:
        print_json(reports.report_data(report, answered))
    else:
        here = Path.cwd()
        show.write(session.out, reports.total_blocks(report))
        show.write(session.out, reports.article_blocks(report, here, everything=verbose))
        show.write(session.out, reports.note_blocks(report))
        show.write(session.out, reports.answered_blocks(answered))
        for line in reports.failure_lines(report):
            session.err.print(f"Failed: {line}", soft_wrap=True)
    if report.cancelled:
        return Exit.INTERRUPTED
    return Exit.SOME_FAILED if report.failed else Exit.DONE


def _database(session: Session, server: int | None) -> Path:
    from index.layout import database_path

    return database_path(session.config.data, server)


def _require_something(session: Session, server: int | None) -> None:
    """Stops where there is nothing to look at, before a model is loaded or a database made."""
    if server is None and session.config.articles.is_dir():
        return
    with session.store(server) as store:
        if store and any(one.state == "active" for one in store.ledger.sources()):
            return
    if server is None:
        raise UserError(
            f"There is no folder {session.config.articles}, and no source is remembered. Make it and put articles "
            "there, or name what to index: python bot.py index PATH"
        )
    raise UserError(
        f"No source is remembered for the server {server}. Name what to index: python bot.py index PATH --server {server}"
    )


def _corpus(session: Session, library: "Library", encoder: "Encoder", wish: Wish) -> "Corpus":
    if not wish.dry_run and not library.path(wish.server).exists():
        with session.waiting("Loading the model"):
            _ = encoder.dimension  # a model that cannot be had must not leave an empty database
    corpus = library.corpus(wish.server, create=True)
    assert corpus is not None  # noqa: S101 — made if it was not there
    return corpus


def _answered(
    session: Session,
    library: "Library",
    encoder: "Encoder",
    server: int | None,
    report: "SyncReport",
    cancel: threading.Event,
) -> "list[Answered]":
    """The waiting questions that have an answer now; what goes wrong there is noted, and takes nothing back."""
    corpus = library.corpus(server)
    if not session.config.answers.keep_waiting or corpus is None or not corpus.store.ledger.waiting():
        return []
    from retrieval.waiting import answered_now

    try:
        with session.waiting("Asking the questions that wait"):
            return answered_now(session.retriever(library.askable(server), encoder), corpus.store, cancel=cancel)
    except UserError as error:
        report.notes.append(("", f"the waiting questions could not be asked: {error}"))
        return []


@dataclass(slots=True)
class _Run:
    """One run over the targets, or over all that is remembered: first files and folders together, then link by link."""

    session: Session
    wish: Wish
    corpus: "Corpus"
    refresher: "Refresher"
    fetcher: "Fetcher"
    progress: "Callable[[Progress], None]"
    cancel: threading.Event
    _passing: list[str] = field(default_factory=list)  # targets for this once
    _skipped: Counter[str] = field(default_factory=Counter)
    _added: "dict[int, Source]" = field(default_factory=dict)  # remembered by this run

    def carry_out(self) -> "SyncReport":
        try:
            sources = self._paths() if self.wish.targets else self._remembered()
            report = self.refresher.run(
                sources,
                targets=self._passing,
                progress=self.progress,
                cancel=self.cancel,
                dry_run=self.wish.dry_run,
            )
            for url in filter(_LINK.match, self.wish.targets):
                if self.cancel.is_set():
                    report.cancelled = True
                    break
                self._link(url, report)
        except BaseException:
            self._forget_empty(cancelled=False)
            raise
        self._forget_empty(cancelled=report.cancelled)
        if note := reports.skipped_note(self._skipped):
            report.notes.append(("", note))
        return report

    # -- what is looked at

    def _remembered(self) -> "list[Source]":
        from index.scan import scan

        folder = self.session.config.articles
        if self.wish.server is None and folder.is_dir():
            self._passing.append(str(folder))
        sources = self.corpus.store.ledger.sources()
        active = [one for one in sources if one.state == "active"]
        self._skipped += scan([*self._passing, *(one.address for one in active if one.kind == "path")]).skipped
        return active

    def _paths(self) -> "list[Source]":
        """The sources of the targets that are files, folders and patterns; those that find nothing or lie in the
        configured folder, and all of them where none are to be remembered, are targets for this once."""
        from index.scan import scan, source_of

        sources = []
        for target in self.wish.targets:
            if _LINK.match(target):
                continue
            found = scan([target])
            self._skipped += found.skipped
            address = source_of(target)
            lasting = self.wish.remember and not self.wish.dry_run and found.files
            if lasting and address is not None and not self._is_configured(address):
                sources.append(self._remember(address))
            else:
                self._passing.append(target)
        return sources

    def _is_configured(self, address: str) -> bool:
        return self.wish.server is None and Path(address).is_relative_to(self.session.config.articles)

    def _remember(self, address: str) -> "Source":
        ledger = self.corpus.store.ledger
        known = ledger.find(address)
        source = ledger.add("path", address, time.time(), every=self.wish.every)
        if known is None:
            self._added[source.id] = source
        return source

    # -- links

    def _link(self, url: str, report: "SyncReport") -> None:
        """Indexes a page, document or feed, and adds what came of it to the report."""
        ledger = self.corpus.store.ledger
        known = {one.id for one in ledger.sources()}
        try:
            if self.wish.dry_run:
                own = self._preview(url)
            else:
                source, own = self.refresher.add_link(
                    url, feed=self.wish.feed, every=self.wish.every, progress=self.progress, cancel=self.cancel
                )
                if source.id not in known:
                    self._added[source.id] = source
        except UserError as error:
            report.cancelled |= self.cancel.is_set()
            if not report.cancelled:
                report.add(url, "failed", str(error))
            return
        report.settled += own.settled
        report.notes += own.notes
        report.seconds += own.seconds
        report.cancelled |= own.cancelled

    def _preview(self, url: str) -> "SyncReport":
        """What `add_link` would do."""
        from index.addresses import normalised
        from index.feeds import looks_like_feed
        from index.ledger import Source

        wanted = normalised(url)
        sources = self.corpus.store.ledger.sources("page", "feed")
        fetched = {}
        source = next((one for one in sources if normalised(one.address) == wanted), None)
        if source is None:
            page = self.fetcher.fetch(url)
            kind: Kind = "feed" if looks_like_feed(page.data, page.content_type) else "page"
            source = Source(0, kind, url, "", "active", None, 0.0, 0.0, None, None, None, 0, 0, None, None)
            fetched = {url: page}
        return self.refresher.run([source], progress=self.progress, cancel=self.cancel, dry_run=True, fetched=fetched)

    # -- what is remembered

    def _forget_empty(self, *, cancelled: bool) -> None:
        """Forgets the new sources of which nothing came, and all of them where none are to be remembered."""
        store = self.corpus.store
        stored = store.versions().keys() if self._added else frozenset()
        for source_id in self._added:
            source = store.ledger.source(source_id)
            if source is None:
                continue
            came = store.ledger.articles_of(source_id) & stored or cancelled
            if source.kind == "feed" and source.problem is None:
                came = True  # one without an entry may have some later
            if not came or not self.wish.remember:
                store.ledger.remove(source_id)
