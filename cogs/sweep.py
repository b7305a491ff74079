"""Every minute, what nobody asks any more is closed. It knows when, and the library what and how."""

import asyncio
import logging
from contextlib import suppress

from cogs.bridge import Bridge, Lane
from cogs.refusal import Refusal
from index.corpus import Library

log = logging.getLogger(__name__)
_PAUSE = 60.0  # seconds


class Sweep:
    """One background task for the whole run of the program."""

    def __init__(self, library: Library, bridge: Bridge) -> None:
        self._library = library
        self._bridge = bridge
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts, unless it has been started before."""
        if self._task is None:
            self._task = asyncio.create_task(self._close_idle())

    async def stop(self) -> None:
        """Stops for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _close_idle(self) -> None:
        while not self._bridge.closing.is_set():
            await asyncio.sleep(_PAUSE)
            try:
                with suppress(Refusal):  # too busy, or stopping
                    await self._bridge.call(Lane.LOOK, self._library.close_idle)
            except Exception:
                log.exception("closing what nobody asks failed")
