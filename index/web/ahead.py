"""Pages fetched a little before they are needed, several at a time, by threads of its own."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial

from index.jobs import Stopped
from index.web.fetch import FEEDS, PAGES_AND_DOCUMENTS, Fetched, Fetcher, Validators

_TAKEN = PAGES_AND_DOCUMENTS | FEEDS  # what a link leads to is found out from what is there
_AHEAD = 8  # pages fetched before their turn
_AT_ONCE = 4


class Ahead:
    """Fetches pages a little before they are needed, several hosts at a time. Used by one thread."""

    def __init__(self, fetcher: Fetcher, cancel: threading.Event, fetched: dict[str, Fetched]) -> None:
        self._fetcher = fetcher
        self._cancel = cancel
        self._fetched = fetched
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch")
        self._queue: deque[tuple[str, Validators | None]] = deque()
        self._asked: set[str] = set()
        self._running: dict[str, Future[Fetched]] = {}

    def expect(self, pages: Sequence[tuple[str, Validators | None]], *, first: bool = False) -> None:
        """Announces what will be asked for, in this order, before or after what was announced earlier."""
        if first:
            self._queue.extendleft(reversed(pages))
        else:
            self._queue.extend(pages)

    def get(self, url: str, validators: Validators | None) -> Fetched:
        """The page, fetched by now or in a moment.

        Raises:
            UserError: it cannot be had.
            Stopped: the run was stopped.
        """
        if url in self._fetched:
            return self._fetched.pop(url)
        if url not in self._running:
            self._asked.discard(url)
            self._start(url, validators)
        while self._queue and len(self._running) < _AHEAD:
            self._start(*self._queue.popleft())
        future = self._running.pop(url)
        while True:
            try:
                return future.result(timeout=0.2)
            except FutureTimeout:
                if future.done():
                    raise
                if self._cancel.is_set():
                    raise Stopped from None

    def _start(self, url: str, validators: Validators | None) -> None:
        if url not in self._asked and url not in self._fetched:
            self._asked.add(url)
            self._running[url] = self._pool.submit(
                partial(self._fetcher.fetch, url, validators=validators, accept=_TAKEN)
            )

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
