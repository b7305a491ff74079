"""Being told to stop: what SIGTERM and SIGINT do, from the first moment of a start to the last of a close.

It is imported before anything heavy, and knows nothing of what is stopped. Leaving at once loses nothing: what has
been committed to SQLite is safe.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Within the block, which the main thread runs, a signal ends the process at once with exit code 0."""
    before = {number: signal.signal(number, _leave) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_on_signals(stop: asyncio.Event, *, within: float) -> Iterator[None]:
    """Within the block, the first signal sets `stop`; the next, or `within` seconds, end the process at once."""
    loop = asyncio.get_running_loop()

    def told() -> None:
        log.info("stopping")
        deadline = threading.Timer(within, _leave)
        deadline.daemon = True
        deadline.start()
        stop.set()

    def heard(*_: object) -> None:
        # Who asks twice does not want to wait.
        for number in _SIGNALS:
            signal.signal(number, _leave)
        loop.call_soon_threadsafe(told)

    with exit_on_signals(), _waking(loop):
        for number in _SIGNALS:
            signal.signal(number, heard)
        yield


@contextmanager
def _waking(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Within the block every signal wakes the loop: one that comes right before it waits, or to another thread, would
    be heard only when something else does."""
    reading, writing = socket.socketpair()
    with reading, writing:
        for one in (reading, writing):
            one.setblocking(False)
        try:
            loop.add_reader(reading, reading.recv, 4096)
        except NotImplementedError:  # on Windows, whose loop looks for signals by itself
            yield
            return
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(reading)


def _leave(*_: object) -> None:
    os._exit(0)
