"""The one bridge off the event loop: everything that waits for a disk, a lock or a model crosses it.

It knows threads and the event loop, and nothing of what is run on them.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from enum import Enum
from functools import partial
from typing import Any, ParamSpec, TypeVar

from index.errors import UserError
from index.indexer import Progress

P = ParamSpec("P")
T = TypeVar("T")


class Lane(Enum):
    """Work of one kind waits only for its own kind: a look-up of titles never stands behind a question."""

    ASK = "ask"  # needs the model
    LOOK = "look"  # reads the store, takes milliseconds
    CHANGE = "change"  # adds or removes one article
    INDEX = "index"  # takes as long as it takes


_WORKERS = {Lane.ASK: 2, Lane.LOOK: 2, Lane.CHANGE: 1, Lane.INDEX: 2}
_LAST_QUESTIONS = 2.0  # seconds that questions have to end when the bridge closes; a model being loaded takes longer
_BETWEEN = 0.25  # seconds between two reports of an index run's progress


class Bridge:
    """Runs functions on threads of its own. Its methods are called from the event loop.

    `waiting` is how many calls may be under way or wait in one lane before more are refused.
    """

    def __init__(self, *, waiting: int = 64) -> None:
        self._pools = {lane: ThreadPoolExecutor(n, thread_name_prefix=lane.value) for lane, n in _WORKERS.items()}
        self._waiting = waiting
        self._pending: dict[Lane, set[Future[Any]]] = {lane: set() for lane in Lane}
        self._lock = threading.Lock()
        self._runs: dict[int | None, threading.Event] = {}
        self._closed = False

    async def call(self, lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, or what it raises; the event loop goes on meanwhile.

        Raises:
            UserError: too much is waiting already, or the bot is stopping.
        """
        return await asyncio.wrap_future(self._submitted(lane, partial(function, *args, **kwargs)))

    async def index(
        self,
        corpus: int | None,
        run: Callable[[Callable[[Progress], None], threading.Event], T],
        progress: Callable[[Progress], None],
    ) -> T:
        """Runs `run(progress, cancel)`; `progress` is called on the event loop, now and then, and with the last state.

        `cancel` is set when the caller is cancelled and when the bridge closes.

        Raises:
            UserError: this corpus has a run under way, or too much is waiting.
        """
        if corpus in self._runs:
            raise UserError("That is being read already. Wait until it is done, then try again if you need to.")
        cancel = threading.Event()
        reported = _marshalled(asyncio.get_running_loop(), progress)
        future = self._submitted(Lane.INDEX, partial(run, reported, cancel))
        self._runs[corpus] = cancel
        # The corpus is free when the work has ended, which is later than its caller where that was cancelled.
        future.add_done_callback(lambda _: self._runs.pop(corpus, None))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancel.set()
            raise

    def _submitted(self, lane: Lane, function: Callable[[], T]) -> Future[T]:
        if self._closed:
            raise UserError("I am just being stopped. Try again in a minute.")
        if len(self._pending[lane]) >= self._waiting:
            raise UserError("I am very busy at the moment. Try again in a minute.")
        future = self._pools[lane].submit(function)
        with self._lock:
            self._pending[lane].add(future)
        # A caller who goes away does not end what has begun: it counts until it is done.
        future.add_done_callback(lambda done: self._settled(lane, done))
        return future

    def _settled(self, lane: Lane, future: Future[Any]) -> None:
        with self._lock:
            self._pending[lane].discard(future)

    async def close(self) -> None:
        """Refuses new work, has index runs end after the article at hand, drops what waits, and waits for the rest.

        Only questions are not waited for long: one may be loading the model, which nothing can interrupt.
        """
        self._closed = True
        for cancel in list(self._runs.values()):
            cancel.set()
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            questions = list(self._pending[Lane.ASK])
            rest = [future for lane in Lane if lane is not Lane.ASK for future in self._pending[lane]]
        await asyncio.to_thread(wait, questions, _LAST_QUESTIONS)
        await asyncio.to_thread(wait, rest)


def _marshalled(loop: asyncio.AbstractEventLoop, progress: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """`progress` for use on another thread: called on the loop, not for every article, but for the last."""
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
