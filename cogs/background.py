"""What the bot does by itself, for the whole run of the program however often it connects: begun once, ended for good,
and its trouble logged, since nobody waits for it. What is done, and when, is not decided here.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from cogs.refusal import Refusal
from index.errors import UserError


class Background:
    """Runs each piece of `work` as a task of its own, from `start` to `stop`."""

    def __init__(self, *work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts, unless it has been started before."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(one()) for one in self._work]

    async def stop(self) -> None:
        """Stops for good; what runs is told to end, and what it has done stays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextmanager
def logged(log: logging.Logger, what: str, *values: object) -> Iterator[None]:
    """Whatever goes wrong in the block is logged: nobody else waits for it, and the next time it may go well."""
    try:
        yield
    except Refusal as error:
        log.debug(f"not now: {what}: %s", *values, error)
    except UserError as error:
        log.error(f"{what} failed: %s", *values, error)
    except Exception:
        log.exception(f"{what} failed", *values)
