"""What the bot does by itself: looking at sources that are due, and encoding anew what an earlier model encoded.

One for the whole run of the program, however often it connects. It knows when to look, and whom to tell of what; how to
look is `sources`' business. Both tasks do one corpus after the other and give way to what people ask for.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from cogs.background import Background, logged
from cogs.bridge import Bridge, Lane
from cogs.refusal import Refusal
from cogs.sources import NEVER, Outlook, Refreshed, Sources
from index.report import Outcome, silent

log = logging.getLogger(__name__)

_FIRST = 20.0  # seconds from the first login to the first look
_PAUSE = 60.0  # seconds between two looks at what is due
_SOON = 5.0  # seconds between two looks at what is to be encoded anew
_BETWEEN = 0.2  # seconds between two corpora, so that many are not opened at once
_HOUR = 3_600.0  # until a corpus is opened again, since others may have added sources to it, or after trouble with it


@dataclass(frozen=True, slots=True)
class Happened:
    """How something ended that was done for a corpus: a look at what was due, or encoding it anew. With an `error`, or
    well; `done` is what such a look came to."""

    corpus: int | None
    work: Literal["look", "rebuild"]
    done: Refreshed | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last scheduled look at a corpus: when it ended (Unix seconds), what became of how many articles, and why all
    of it failed, if it did."""

    at: float
    counts: Mapping[Outcome, int]
    error: Exception | None = None


Notice = Callable[[Happened], Awaitable[None]]


class Schedule(Background):
    """Two background tasks: one keeps sources fresh, the other brings corpora up to the present model.

    `every` is how many seconds lie between two looks at the operator's folder (0: none). `tell` is given how each thing
    ended that was done; `serves` says whether a server is still one that asks.
    """

    def __init__(self, sources: Sources, bridge: Bridge, *, every: float) -> None:
        super().__init__(self._keep_fresh, self._keep_up)
        self._sources = sources
        self._bridge = bridge
        self._every = every
        # The first look at the folder does not wait for long: a program that is started every day comes to it, too.
        self._folder_due = time.time() + _jittered(min(every, _HOUR)) if every else NEVER
        self._due: dict[int | None, float] = {}  # Unix seconds; a corpus that is not here has to be opened
        self._behind: set[int | None] = set()
        self._runs: dict[int | None, LastRun] = {}
        self.tell: Notice = _untold
        self.serves: Callable[[int], bool] = lambda _: True

    def look_again(self, server: int | None) -> None:
        """To be called when a source came or was resumed: when the next one is due has to be found out anew."""
        self._due.pop(server, None)

    def last_run(self, corpus: int | None) -> LastRun | None:
        """The last scheduled look at a corpus since the program started."""
        return self._runs.get(corpus)

    @property
    def folder_due(self) -> float:
        """When the operator's folder is looked at next (Unix seconds; `NEVER`)."""
        return self._folder_due

    # -- sources

    async def _keep_fresh(self) -> None:
        await asyncio.sleep(_FIRST)
        while not self._bridge.closing.is_set():
            with logged(log, "looking for sources"):
                for corpus in await self._bridge.call(Lane.LOOK, self._sources.corpora):
                    if self._is_due(corpus):
                        await self._look_at(corpus)
                        await asyncio.sleep(_BETWEEN)
            await asyncio.sleep(_PAUSE)

    def _is_due(self, corpus: int | None) -> bool:
        now = time.time()
        if corpus is None:
            return min(self._due.get(None, 0.0), self._folder_due) <= now
        return self._due.get(corpus, 0.0) <= now and self.serves(corpus)

    async def _look_at(self, corpus: int | None) -> None:
        """Refreshes what is due of a corpus, and notes when that is the case again."""
        try:
            outlook = await self._outlook(corpus)
            folder = corpus is None and self._folder_due <= time.time()
            if folder or outlook.due <= time.time():
                await self._refresh(corpus, folder=folder)
                outlook = await self._outlook(corpus)
            self._due[corpus] = min(outlook.due, time.time() + _HOUR)
        except Refusal as error:  # it is being read already: in a minute
            log.debug("not now: %s", error)
        except Exception as error:
            self._due[corpus] = time.time() + _HOUR
            if corpus is None:
                self._folder_due = max(self._folder_due, self._due[corpus])
            self._runs[corpus] = LastRun(time.time(), {}, error)
            with logged(log, "looking at the sources of %s", _name(corpus)):
                raise
            await self._tell(Happened(corpus, "look", error=error))

    async def _outlook(self, corpus: int | None) -> Outlook:
        outlook = await self._bridge.call(Lane.LOOK, self._sources.outlook, corpus)
        if outlook.behind:
            self._behind.add(corpus)
        return outlook

    async def _refresh(self, corpus: int | None, *, folder: bool) -> None:
        exists = folder and await self._bridge.call(Lane.LOOK, self._sources.folder_exists)
        run = partial(self._sources.refresh_due, corpus, folder=exists)
        done = await self._bridge.index(corpus, run, silent, yields=True)
        if folder:
            self._folder_due = time.time() + _jittered(self._every)
        if done.report.settled:
            done.log(corpus, "sources looked at")
        for added in done.report.added:
            log.info("added: %s", added, extra={"server": corpus})
        self._runs[corpus] = LastRun(time.time(), done.report.counts)
        await self._tell(Happened(corpus, "look", done))

    async def _tell(self, happened: Happened) -> None:
        """Tells of it; that nobody can be told costs nothing but a line in the log."""
        with logged(log, "telling of %s", _name(happened.corpus)):
            await self.tell(happened)

    # -- models

    async def _keep_up(self) -> None:
        """Encodes anew what is behind the present model, which the looks at the sources find out."""
        while not self._bridge.closing.is_set():
            for corpus in list(self._behind):
                self._behind.discard(corpus)
                await self._rebuild(corpus)
            await asyncio.sleep(_SOON)

    async def _rebuild(self, corpus: int | None) -> None:
        try:
            number = await self._bridge.index(corpus, partial(self._sources.rebuild, corpus), silent, yields=True)
        except Refusal:
            number = None
        except Exception as error:
            with logged(log, "encoding %s anew", _name(corpus)):
                raise
            await self._tell(Happened(corpus, "rebuild", error=error))
            return
        if number is None:  # something that people asked for goes before it
            self._behind.add(corpus)
        else:
            log.info("encoded anew, for the present model", extra={"server": corpus, "articles": number})
            await self._tell(Happened(corpus, "rebuild"))


def _name(corpus: int | None) -> str:
    return "operator" if corpus is None else f"server {corpus}"


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.9, 1.1)  # noqa: S311 — spreads load, no secret


async def _untold(_: Happened) -> None:
    """Nobody is there to be told."""
