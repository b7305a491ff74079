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

from cogs.fair import FairQueue
from cogs.refusal import Refusal
from cogs.speech import _, mark, n_
from index.report import Progress, ProgressCallback

P = ParamSpec("P")
T = TypeVar("T")


class Lane(Enum):
    """Work of one kind waits only for its own kind: a look-up of titles never stands behind a question."""

    ASK = "ask"  # needs the model
    LOOK = "look"  # reads the store, takes milliseconds
    SURVEY = "survey"  # goes through much of what there is, takes seconds
    CHANGE = "change"  # removes an article, takes milliseconds
    ADD = "add"  # adds one article, which may take minutes
    INDEX = "index"  # takes as long as it takes


# Adding waits for the web as often as for the model; and of the runs, two may be the bot's own (see `schedule`).
_WORKERS = {Lane.ASK: 2, Lane.LOOK: 2, Lane.SURVEY: 2, Lane.CHANGE: 2, Lane.ADD: 4, Lane.INDEX: 4}
_IN_LINE = 5  # files of one server, the one being added included
_FILES = 4  # held in memory at once, by all servers together
_LAST_QUESTIONS = 2.0  # seconds that questions have to end when the bridge closes; a model being loaded takes longer
_LAST_WORK = 4.0  # seconds that everything else has; it is told, and looks out for that about every second
_BETWEEN = 0.25  # seconds between two reports of an index run's progress
_STOPPING = mark("I am just being stopped. Try again in a minute.")
_BUSY = mark("I am very busy at the moment. Try again in a minute.")
_NOBODY = 0  # the server and the person of a question that the bot puts itself


@dataclass(frozen=True, slots=True)
class _Run:
    """An index run under way; one that `yields` gives way to one that a person asked for."""

    cancel: threading.Event
    yields: bool
    future: Future[Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A question that waits for its turn, and what comes of it."""

    run: Callable[[], Any]
    future: Future[Any]


class Bridge:
    """Runs functions on threads of its own. Its methods are called from the event loop.

    `waiting` is how many calls may be under way or wait in one lane before more are refused; one server may have a
    quarter of them. Questions are taken in turns instead (see `fair`): `questions` of them may wait, and
    `of_one_server` of each server. `closing` is set when the bridge closes, for work that takes long to look at.
    """

    def __init__(self, *, waiting: int = 64, questions: int = 512, of_one_server: int = 64) -> None:
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
        self._questions: FairQueue[_Question] = FairQueue()
        self._most = questions
        self._most_of_one = of_one_server
        self.closing = threading.Event()

    async def call(self, lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, or what it raises; the event loop goes on meanwhile.

        Raises:
            Refusal: too much is waiting already, or the bot is stopping.
        """
        if lane is Lane.ASK:
            return await self.ask(_NOBODY, _NOBODY, function, *args, **kwargs)
        return await self._result(self._submitted(lane, partial(function, *args, **kwargs)))

    async def call_for(self, server: int, lane: Lane, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call`, but one server's calls leave room in the lane for the others'."""
        if lane is Lane.ASK:
            return await self.ask(server, _NOBODY, function, *args, **kwargs)
        with _counted(self._shares, (lane, server), max(1, self._waiting // 4), _(_BUSY)):
            return await self.call(lane, function, *args, **kwargs)

    async def ask(self, server: int, person: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `call` in the lane of questions, which servers, and within a server its people, have in turns.

        Raises:
            Refusal: too many questions wait already, of this server or of all, or the bot is stopping.
        """
        self._demand_open()
        run = partial(copy_context().run, partial(function, *args, **kwargs))
        question = _Question(run, Future())
        with self._lock:
            self._demand_room(server)
            self._questions.put(server, person, question)
            self._pending[Lane.ASK].add(question.future)
        question.future.add_done_callback(lambda done: self._asked(server, person, question))
        self._pools[Lane.ASK].submit(self._answer_next)
        return await self._result(question.future)

    def _demand_room(self, server: int) -> None:
        if (waiting := self._questions.waiting(server)) >= self._most_of_one:
            raise Refusal(
                n_(
                    "{number} question is waiting in this server already. Try again in a few seconds.",
                    "{number} questions are waiting in this server already. Try again in a few seconds.",
                    waiting,
                )
            )
        if (waiting := len(self._questions)) >= self._most:
            raise Refusal(
                n_(
                    "{number} question is waiting for me already. Try again in a few seconds.",
                    "{number} questions are waiting for me already. Try again in a few seconds.",
                    waiting,
                )
            )

    def _answer_next(self) -> None:
        """Answers, on a thread of the pool, the question whose turn it is now; none if its caller went away."""
        with self._lock:
            question = self._questions.take()
        if question is None or not question.future.set_running_or_notify_cancel():
            return
        try:
            result = question.run()
        except BaseException as error:  # whatever it is, it is the caller's
            question.future.set_exception(error)
        else:
            question.future.set_result(result)

    def _asked(self, server: int, person: int, question: _Question) -> None:
        with self._lock:
            self._questions.remove(server, person, question)  # if its caller went away before its turn
            self._pending[Lane.ASK].discard(question.future)

    def waiting(self, lane: Lane) -> int:
        """How many calls of a lane are under way or wait."""
        with self._lock:
            return len(self._pending[lane])

    @asynccontextmanager
    async def turn(self, server: int) -> AsyncIterator[None]:
        """A block in which one file is fetched and added: one at a time in each server, few at a time in all.

        Raises:
            Refusal: too many wait in this server, or the bot is stopping.
        """
        full = _("Several files are being added to this server already. Wait until they are done, then add this one.")
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
                raise Refusal(_("That is being read already. Wait until it is done, then try again if you need to."))
            other.cancel.set()
            other.future.cancel()  # if it has not begun
            ended = asyncio.wrap_future(other.future)
            await asyncio.wait({ended})
            if not ended.cancelled():
                ended.exception()  # which its own caller is told of
        cancel = threading.Event()
        future = self._submitted(Lane.INDEX, partial(run, self.reported(progress), cancel))
        self._runs[corpus] = _Run(cancel, yields, future)
        # The corpus is free when the work has ended, which is later than its caller where that was cancelled.
        future.add_done_callback(lambda done: self._runs.pop(corpus, None))
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
            raise Refusal(_(_STOPPING)) from None
        finally:
            del self._awaited[awaited]

    def _demand_open(self) -> None:
        if self.closing.is_set():
            raise Refusal(_(_STOPPING))

    def _submitted(self, lane: Lane, function: Callable[[], T]) -> Future[T]:
        self._demand_open()
        if len(self._pending[lane]) >= self._waiting:
            raise Refusal(_(_BUSY))
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
            dropped = self._questions.clear()
        for question in dropped:
            question.future.cancel()
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
