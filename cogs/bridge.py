"""The one bridge off the event loop: everything that waits for a disk, a lock or a model crosses it.

It knows threads, the event loop and how to share them fairly, and nothing of what is run on them.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, ParamSpec, TypeVar

from cogs.refusal import Refusal
from index.report import Progress, ProgressCallback

P = ParamSpec("P")
T = TypeVar("T")


class Lane(Enum):
    """Work of one kind waits only for its own kind: a look-up of titles never stands behind a question."""

    ASK = "ask"  # needs the model
    LOOK = "look"  # reads the store, takes milliseconds
    CHANGE = "change"  # removes an article, takes milliseconds
    ADD = "add"  # adds one article, which may take minutes
    INDEX = "index"  # takes as long as it takes


# Adding waits for the web as often as for the model; and of the runs, two may be the bot's own (see `schedule`).
_WORKERS = {Lane.ASK: 2, Lane.LOOK: 2, Lane.CHANGE: 2, Lane.ADD: 4, Lane.INDEX: 4}
_IN_LINE = 5  # files of one server, the one being added included
_FILES = 4  # held in memory at once, by all servers together
_LAST_QUESTIONS = 2.0  # seconds that questions have to end when the bridge closes; a model being loaded takes longer
_LAST_WORK = 4.0  # seconds that everything else has; it is told, and looks out for that about every second
_BETWEEN = 0.25  # seconds between two reports of an index run's progress
_STOPPING = "I am just being stopped. Try again in a minute."
_BUSY = "I am very busy at the moment. Try again in a minute."


@dataclass(frozen=True, slots=True)
class _Run:
    """An index run under way; one that `yields` gives way to one that a person asked for."""

    cancel: threading.Event
    yields: bool
    future: Future[Any]


class Bridge:
    """Runs functions on threads of its own. Its methods are called from the event loop.

    `waiting` is how many calls may be under way or wait in one lane before more are refused; one server may have a
    quarter of them. `closing` is set when the bridge closes, for work that takes long to look at.
    """

    def __init__(self, *, waiting: int = 64) -> None:
        self._pools = {lane: ThreadPoolExecutor(n, thread_name_prefix=lane.value) for lane, n in _WORKERS.items()}
        self._waiting = waiting
        self._pending: dict[Lane, set[Future[Any]]] = {lane: set() for lane in Lane}
        self._lock = threading.Lock()
        self._runs: dict[int | None, _Run] = {}
        self._shares: Counter[tuple[Lane, int]] = Counter()  # calls of each server
        self._lines: Counter[int] = Counter()  # files of each server that are being added or wait for it
        self._turns: dict[int, asyncio.Lock] = {}
        self._awaited: dict[asyncio.Future[Any], Future[Any]] = {}
        self._room = asyncio.Semaphore(_FILES)
        self.closing = threading.Event()

    async def call(self, lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, or what it raises; the event loop goes on meanwhile.

        Raises:
            Refusal: too much is waiting already, or the bot is stopping.
        """
        return await self._result(self._submitted(lane, partial(function, *args, **kwargs)))

    async def call_for(self, server: int, lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call`, but one server's calls leave room in the lane for the others'."""
        with _counted(self._shares, (lane, server), max(1, self._waiting // 4), _BUSY):
            return await self.call(lane, function, *args, **kwargs)

    @asynccontextmanager
    async def turn(self, server: int) -> AsyncIterator[None]:
        """A block in which one file is fetched and added: one at a time in each server, few at a time in all.

        Raises:
            Refusal: too many wait in this server, or the bot is stopping.
        """
        full = "Several files are being added to this server already. Wait until they are done, then add this one."
        with _counted(self._lines, server, _IN_LINE, full):
            lock = self._turns.setdefault(server, asyncio.Lock())
            try:
                async with lock, self._room:
                    self._demand_open()
                    yield
            finally:
                if self._lines[server] == 1:  # nobody else is in the line
                    del self._turns[server]

    async def index(
        self,
        corpus: int | None,
        run: Callable[[ProgressCallback, threading.Event], T],
        progress: ProgressCallback,
        *,
        yields: bool = False,
    ) -> T:
        """Runs `run(progress, cancel)`; `progress` is called on the event loop, now and then, and with the last state.

        `cancel` is set when the caller is cancelled, when the bridge closes, and for a run that `yields` when another
        comes for the same corpus that does not.

        Raises:
            Refusal: this corpus has a run under way, too much is waiting, or the bot is stopping.
        """
        while (other := self._runs.get(corpus)) is not None:
            if yields or not other.yields:
                raise Refusal("That is being read already. Wait until it is done, then try again if you need to.")
            other.cancel.set()
            other.future.cancel()  # if it has not begun
            ended = asyncio.wrap_future(other.future)
            await asyncio.wait({ended})
            _ = ended.cancelled() or ended.exception()  # which its own caller is told of
        cancel = threading.Event()
        future = self._submitted(Lane.INDEX, partial(run, self.reported(progress), cancel))
        self._runs[corpus] = _Run(cancel, yields, future)
        # The corpus is free when the work has ended, which is later than its caller where that was cancelled.
        future.add_done_callback(lambda _: self._runs.pop(corpus, None))
        try:
            return await self._result(future)
        except asyncio.CancelledError:
            cancel.set()
            raise

    def reported(self, progress: ProgressCallback) -> ProgressCallback:
        """`progress` for use on another thread: called on the loop, not for every article, but for the last."""
        return _marshalled(asyncio.get_running_loop(), progress)

    async def _result(self, future: Future[T]) -> T:
        """What the future comes to.

        Raises:
            Refusal: the bridge closes, and it was dropped or takes too long.
        """
        awaited = asyncio.wrap_future(future)
        self._awaited[awaited] = future
        try:
            return await awaited
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # not the bridge closes: the caller goes away
            raise Refusal(_STOPPING) from None
        finally:
            del self._awaited[awaited]

    def _demand_open(self) -> None:
        if self.closing.is_set():
            raise Refusal(_STOPPING)

    def _submitted(self, lane: Lane, function: Callable[[], T]) -> Future[T]:
        self._demand_open()
        if len(self._pending[lane]) >= self._waiting:
            raise Refusal(_BUSY)
        # What is said on the thread is said in the language of whoever is to read it.
        future = self._pools[lane].submit(copy_context().run, function)
        with self._lock:
            self._pending[lane].add(future)
        # A caller who goes away does not end what has begun: it counts until it is done.
        future.add_done_callback(lambda done: self._settled(lane, done))
        return future

    def _settled(self, lane: Lane, future: Future[Any]) -> None:
        with self._lock:
            self._pending[lane].discard(future)

    async def close(self) -> None:
        """Refuses new work, tells what takes long to end, drops what waits, and waits a few seconds for the rest.

        What still runs then is left to its thread, and its caller told: loading a model cannot be interrupted.
        """
        if self.closing.is_set():
            return
        self.closing.set()
        for run in list(self._runs.values()):
            run.cancel.set()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            questions = list(self._pending[Lane.ASK])
            rest = [future for lane in Lane if lane is not Lane.ASK for future in self._pending[lane]]
        await asyncio.gather(
            asyncio.to_thread(wait, questions, _LAST_QUESTIONS), asyncio.to_thread(wait, rest, _LAST_WORK)
        )
        for awaited, future in list(self._awaited.items()):
            if not future.done():
                awaited.cancel()


@contextmanager
def _counted(counter: "Counter[Any]", key: Hashable, most: int, refusal: str) -> Iterator[None]:
    """Counts the block under this key; Refusal where `most` are counted already."""
    if counter[key] >= most:
        raise Refusal(refusal)
    counter[key] += 1
    try:
        yield
    finally:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]


def _marshalled(loop: asyncio.AbstractEventLoop, progress: ProgressCallback) -> ProgressCallback:
    last = 0.0

    def report(now: Progress) -> None:
        nonlocal last
        moment = time.monotonic()
        if now.done < now.total and moment - last < _BETWEEN:
            return
        last = moment
        if not loop.is_closed():
            loop.call_soon_threadsafe(progress, now)

    return report
