"""Every minute, what nobody asks any more is closed. It knows when, and the library what and how."""

import asyncio
import logging

from cogs.background import Background, logged
from cogs.bridge import Bridge, Lane
from index.corpus import Library

log = logging.getLogger(__name__)
_PAUSE = 60.0  # seconds


class Sweep(Background):
    """One background task."""

    def __init__(self, library: Library, bridge: Bridge) -> None:
        super().__init__(self._close_idle)
        self._library = library
        self._bridge = bridge

    async def _close_idle(self) -> None:
        while not self._bridge.closing.is_set():
            await asyncio.sleep(_PAUSE)
            with logged(log, "closing what nobody asks"):
                await self._bridge.call(Lane.LOOK, self._library.close_idle)
