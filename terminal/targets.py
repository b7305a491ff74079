"""What `index` and `sources add` look at: files, folders, patterns and links become sources, which are remembered, or
targets for this once.

How they are read, compared and stored is for `index`.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import UserError
from terminal import reports

if TYPE_CHECKING:
    from index.fetch import Fetcher
    from index.ledger import Kind, Source
    from index.refresh import Refresher
    from index.report import Progress, SyncReport
    from index.store import Store

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


@dataclass(slots=True)
class Run:
    """One run over the targets, or over all that is remembered: first files and folders together, then link by link.

    `folder` is the configured one, which the operator's corpus has without remembering it.
    """

    folder: Path
    wish: Wish
    store: "Store"
    refresher: "Refresher"
    fetcher: "Fetcher"
    progress: "Callable[[Progress], None]"
    cancel: threading.Event
    _passing: list[str] = field(default_factory=list)  # targets for this once
    _skipped: Counter[str] = field(default_factory=Counter)
    _added: list[int] = field(default_factory=list)  # sources that were not known before

    def carry_out(self) -> "SyncReport":
        """Indexes all of it; a target that fails is in the report and stops nothing.

        Raises:
            UserError: what `Refresher.run` raises. Of what is new, only that of which something came is remembered.
        """
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

        if self.wish.server is None and self.folder.is_dir():
            self._passing.append(str(self.folder))
        sources = self.store.ledger.sources()
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
        from index.scan import source_of

        folder = source_of(str(self.folder))
        return self.wish.server is None and folder is not None and Path(address).is_relative_to(folder)

    def _remember(self, address: str) -> "Source":
        ledger = self.store.ledger
        known = {one.id for one in ledger.sources("path")}
        source = ledger.add("path", address, time.time(), every=self.wish.every)
        self._note_new(source, known)
        return source

    # -- links

    def _link(self, url: str, report: "SyncReport") -> None:
        """Indexes a page, document or feed, and adds what came of it to the report."""
        ledger = self.store.ledger
        known = {one.id for one in ledger.sources()}
        try:
            if self.wish.dry_run:
                own = self._preview(url)
            else:
                source, own = self.refresher.add_link(
                    url, feed=self.wish.feed, every=self.wish.every, progress=self.progress, cancel=self.cancel
                )
                self._note_new(source, known)
        except UserError as error:
            self._note_new(ledger.find(url), known)
            report.cancelled |= self.cancel.is_set()
            if not report.cancelled:
                report.add(url, "failed", str(error))
            return
        report.settled += own.settled
        report.notes += own.notes
        report.seconds += own.seconds
        report.cancelled |= own.cancelled

    def _note_new(self, source: "Source | None", known: Container[int]) -> None:
        if source is not None and source.id not in known:
            self._added.append(source.id)

    def _preview(self, url: str) -> "SyncReport":
        """What `add_link` would do."""
        from index.addresses import normalised
        from index.feeds import looks_like_feed
        from index.ledger import Source

        wanted = normalised(url)
        sources = self.store.ledger.sources("page", "feed")
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
        ledger = self.store.ledger
        stored = self.store.versions().keys() if self._added else frozenset()
        for source in filter(None, map(ledger.source, self._added)):
            # A feed without an entry may have some later.
            is_sound = source.kind == "feed" and source.problem is None
            came = cancelled or is_sound or ledger.articles_of(source.id) & stored
            if not came or not self.wish.remember:
                ledger.remove(source.id)
