"""What a server's articles come from: its sources one by one, or all of them looked at again by a run.

Synchronous and thread-safe. Sources are found among one server's own alone, so that no id that a person makes up leads
into another server's.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cogs.refusal import Refusal
from cogs.speech import _
from cogs.workshop import Workshop
from index.corpus import Corpus
from index.indexer import Indexer
from index.jobs import members_of
from index.ledger import Kind, Source
from index.report import ProgressCallback, SyncReport

log = logging.getLogger(__name__)
NEVER = float("inf")

Kinds = tuple[Kind, ...]
FEEDS: Kinds = ("feed",)
LINKS: Kinds = ("page", "feed")
"""What is looked at again and again."""
SOURCES: Kinds = (*LINKS, "upload")
"""What people can remove together with all that came of it; of uploads only those that hold several articles."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A source by its name, when it is `due` (Unix seconds; None: never), and how many `articles` an archive holds."""

    source: Source
    due: float | None = None
    articles: int | None = None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a run came to: `titles` by source, of articles that were there before or are there now; the waiting
    questions that it `answered`; and the sources that it `suspended`."""

    report: SyncReport
    titles: Mapping[str, str] = field(default_factory=dict)
    answered: tuple[str, ...] = ()
    suspended: tuple[Source, ...] = ()

    def log(self, server: int | None, what: str) -> None:
        """Writes to the log what the run did, in numbers, and by name what failed."""
        report = self.report
        fields: dict[str, object] = {"server": server, "seconds": round(report.seconds, 1)}
        counts: dict[str, object] = {outcome: number for outcome, number in report.counts.items() if number}
        if self.answered:
            counts["answered"] = len(self.answered)  # by name they are for those who manage the server
        log.info(what, extra=fields | counts)
        for source, why in (*report.failed, *report.notes):
            log.warning("%s: %s", source, why, extra={"server": server})


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a corpus's next source is due (Unix seconds; `NEVER`), and whether it is `behind` the present model."""

    due: float
    behind: bool


class Sources:
    """Those of every server, and the operator's (None)."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._library = workshop.library

    # -- one by one, for people

    def listed(self, server: int, kinds: Kinds) -> list[Listed]:
        """The server's sources of these kinds, in the order in which they came."""
        corpus = self._library.corpus(server)
        if corpus is None:
            return []
        found = [one for one in corpus.store.ledger.sources(*kinds) if one.kind in LINKS]
        archives = corpus.store.ledger.sources("upload") if "upload" in kinds else []
        inside = members_of(corpus.store.versions()) if archives else {}
        counts = {one.id: len(inside.get(one.address, ())) for one in archives}
        several = [one for one in archives if counts[one.id] > 1]
        titles = _titles(corpus) if any(not one.title for one in found) else {}
        return [
            Listed(
                replace(one, title=one.title or titles.get(one.address, "")), self._next_look(one), counts.get(one.id)
            )
            for one in sorted((*found, *several), key=lambda one: one.id)
        ]

    def matching(self, server: int, typed: str, kinds: Kinds, *, most: int = 25) -> list[Source]:
        """The sources of these kinds whose title or address holds what was typed."""
        typed = typed.casefold().strip()
        every = [one.source for one in self.listed(server, kinds)]
        return [one for one in every if typed in f"{one.title}\n{one.address}".casefold()][:most]

    def find(self, server: int, choice: str, kinds: Kinds) -> Source:
        """The server's source of one of these kinds with this id or, if no id was chosen, this title or address.

        Raises:
            Refusal: the server has no such source, or several.
        """
        every, typed = [one.source for one in self.listed(server, kinds)], choice.strip().casefold()
        found = [one for one in every if str(one.id) == choice]
        found = found or [one for one in every if typed in (one.title.casefold(), one.address.casefold())]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal(_("Several have that title. Choose one from the list that appears as you type."))
        if kinds == FEEDS:
            raise Refusal(_("This server has no such feed. Choose one from the list that appears as you type."))
        raise Refusal(_("This server has no such source. Choose one from the list that appears as you type."))

    def set_state(self, server: int, choice: str, kinds: Kinds, state: Literal["active", "paused"]) -> Source:
        """Pauses a source, or has it looked at again from now on; returns it as it was.

        Raises:
            Refusal: as `find`.
        """
        source = self.find(server, choice, kinds)
        if (corpus := self._library.corpus(server)) is not None:
            corpus.store.ledger.set_state(source.id, state, time.time())
        return source

    def remove(self, server: int, source_id: int, kinds: Kinds, *, keep_articles: bool) -> tuple[Source, int]:
        """Forgets a source, with the articles that nothing else gives unless they are to be kept; returns it and how
        many articles went.

        Raises:
            Refusal: the server has no such source (any more).
        """
        source = next((one.source for one in self.listed(server, kinds) if one.source.id == source_id), None)
        corpus = self._library.corpus(server)
        if source is None or corpus is None:
            if kinds == FEEDS:
                raise Refusal(_("That feed is no longer there. /feeds list shows what is."))
            raise Refusal(_("That source is no longer there. /sources list shows what is."))
        return source, corpus.store.forget_sources([source.id], keep_articles=keep_articles)

    def _next_look(self, source: Source) -> float | None:
        """When a source is looked at next, in Unix seconds; None if by nobody."""
        return source.due if source.state == "active" and source.interval(self._workshop.every) else None

    # -- runs

    def refresh(
        self, server: int | None, progress: ProgressCallback, cancel: threading.Event, *, dry_run: bool = False
    ) -> Refreshed:
        """Looks at everything that is not paused, whether due or not, and at the operator's folder among the
        operator's. A suspended source that is well again is active from then on."""
        corpus = self._library.corpus(server, create=server is None)
        if corpus is None:
            return Refreshed(SyncReport(dry_run=dry_run))
        before = corpus.store.articles()
        sources = [one for one in corpus.store.ledger.sources() if one.state != "paused"]
        done = self._run(server, corpus, sources, progress, cancel, folder=server is None, dry_run=dry_run)
        titles = {one.source: one.title for one in (*before, *corpus.store.articles())}
        if dry_run:
            return replace(done, titles=titles)
        return replace(done, titles=titles, answered=self._workshop.answered(server, corpus, cancel))

    def refresh_due(
        self, server: int | None, progress: ProgressCallback, cancel: threading.Event, *, folder: bool = False
    ) -> Refreshed:
        """Looks at what is due, and at the operator's `folder` if that is. Questions that have an answer now wait on,
        to be named to whoever asks for a report next."""
        corpus = self._library.corpus(server, create=folder)
        if corpus is None:
            return Refreshed(SyncReport())
        due = corpus.store.ledger.due(time.time(), self._workshop.every)
        done = self._run(server, corpus, due, progress, cancel, folder=folder)
        if not done.report.added and not done.report.changed:
            return done
        return replace(done, answered=self._workshop.answered(server, corpus, cancel, forget=False))

    def outlook(self, server: int | None) -> Outlook:
        """What is to be done for a corpus; opens it, but for the moment."""
        corpus = self._library.corpus(server, passing=True)
        if corpus is None:
            return Outlook(NEVER, behind=False)
        every = self._workshop.every
        scheduled = corpus.store.ledger.scheduled(every)
        return Outlook(min((one.due for one in scheduled), default=NEVER), self._library.is_behind(server))

    def corpora(self) -> list[int | None]:
        """The operator, and the servers that have a corpus."""
        return [None, *self._library.servers()]

    def folder_exists(self) -> bool:
        """Whether there is a folder of the operator's to be looked at."""
        return self._workshop.settings.articles.is_dir()

    def rebuild(self, server: int | None, progress: ProgressCallback, cancel: threading.Event) -> int | None:
        """Encodes a corpus anew with the present model, which serves it from then on; returns how many articles it
        has, None if it was stopped before the end."""
        corpus = self._library.corpus(server)
        if corpus is None:
            return 0
        return Indexer(corpus.store, self._library.encoder).rebuild(progress=progress, cancel=cancel)

    def _run(
        self,
        server: int | None,
        corpus: Corpus,
        sources: Sequence[Source],
        progress: ProgressCallback,
        cancel: threading.Event,
        *,
        folder: bool,
        dry_run: bool = False,
    ) -> Refreshed:
        targets = [str(self._workshop.settings.articles)] if folder else []
        report = self._workshop.refresher(server, corpus).run(
            sources, targets=targets, progress=progress, cancel=cancel, dry_run=dry_run
        )
        after = {one.id: one for one in corpus.store.ledger.sources()}
        active = [after[one.id] for one in sources if one.state == "active" and one.id in after]
        return Refreshed(report, suspended=tuple(one for one in active if one.state == "suspended"))


def _titles(corpus: Corpus) -> dict[str, str]:
    """What pages are called, by their address: as the articles that they are."""
    return {one.source: one.title for one in corpus.store.articles()}
