"""What `index` and `sources add` look at: files, folders, patterns and links become sources, which are remembered, or
targets for this once.

How they are read, compared and stored is for `index`.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import UserError

if TYPE_CHECKING:
    from index.ledger import Source
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
    progress: "Callable[[Progress], None]"
    cancel: threading.Event
    _passing: list[str] = field(default_factory=list)  # targets for this once
    _notes: list[tuple[str, str]] = field(default_factory=list)
    # Sources that were not known before, and whether they are worth remembering also where nothing came of them.
    _added: dict[int, bool] = field(default_factory=dict)

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
                    break
                self._link(url, report)
            report.cancelled |= self.cancel.is_set()
        except BaseException:
            self._forget_empty(cancelled=False)
            raise
        self._forget_empty(cancelled=report.cancelled)
        report.notes += self._notes
        return report

    # -- what is looked at

    def _remembered(self) -> "list[Source]":
        if self.wish.server is None and self.folder.is_dir():
            self._passing.append(str(self.folder))
        sources = self.store.ledger.sources()
        resting = sum(one.state != "active" for one in sources)
        if resting:
            self._notes.append(("", f"{resting} paused or suspended left alone: see sources list"))
        return [one for one in sources if one.state == "active"]

    def _paths(self) -> "list[Source]":
        """The sources of the targets that are files, folders and patterns; those that find nothing or lie in the
        configured folder, and all of them where none are to be remembered, are targets for this once."""
        from index.scan import scan, source_of

        sources = []
        for target in self.wish.targets:
            if _LINK.match(target):
                continue
            address = source_of(target)
            lasting = self.wish.remember and not self.wish.dry_run and scan([target]).files
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
        known = ledger.find(address)
        source = ledger.add("path", address, time.time(), every=self.wish.every)
        if known is None:
            self._added[source.id] = False
        return source

    # -- links

    def _link(self, url: str, report: "SyncReport") -> None:
        """Indexes a page, document or feed, and adds what came of it to the report."""
        ledger = self.store.ledger
        known = {one.id for one in ledger.sources()}
        try:
            source, own = self.refresher.add_link(
                url,
                feed=self.wish.feed,
                every=self.wish.every,
                progress=self.progress,
                cancel=self.cancel,
                dry_run=self.wish.dry_run,
            )
            if not self.wish.dry_run and source.id not in known:
                self._added[source.id] = source.kind == "feed"  # without an entry now, it may have some later
        except UserError as error:
            if not self.cancel.is_set():
                report.add(url, "failed", str(error))
            return
        report.settled += own.settled
        report.notes += own.notes
        report.seconds += own.seconds

    # -- what is remembered

    def _forget_empty(self, *, cancelled: bool) -> None:
        """Forgets the new sources of which nothing came, and all of them where none are to be remembered."""
        ledger = self.store.ledger
        stored = self.store.versions().keys() if self._added else frozenset()
        for source_id, lasting in self._added.items():
            came = cancelled or lasting or ledger.articles_of(source_id) & stored
            if not came or not self.wish.remember:
                ledger.remove(source_id)
