"""Telling of failures: in the channel that a server, or the operator, wants to hear of them in, and each once.

What has been told is remembered first, so that trouble with telling is no reason to tell it every hour. What fails, and
in which words that is said, is `failures`' business.
"""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cogs.bridge import Lane
from cogs.failures import Found, Trouble, message
from cogs.once import Once
from cogs.schedule import Happened
from cogs.sending import announce
from cogs.service import NOWHERE
from cogs.speech import speaking

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)


class Notices:
    """Tells of what the schedule did; for one bot."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self._bot = bot
        self._gone = Once()

    async def tell(self, happened: Happened) -> None:
        """Tells whoever is concerned what of this is news, and forgets what is over.

        Raises:
            UserError: the records or the corpus cannot be read.
        """
        bot, server = self._bot, happened.corpus
        if server is not None:
            found = await bot.bridge.call(Lane.LOOK, bot.failures.of_server, server, happened)
            await self._tell(server, self._log_channel(server), found)
        found = await bot.bridge.call(Lane.LOOK, bot.failures.of_operator, happened)
        await self._tell(NOWHERE, bot.settings.log_channel, found)

    def _log_channel(self, server: int) -> int | None:
        """Where a server wants to be told; None if it does not, or that channel is gone."""
        wanted, guild = self._bot.preferences(server).log_channel, self._bot.get_guild(server)
        if wanted is None or guild is None or guild.unavailable or guild.get_channel(wanted) is not None:
            return wanted
        if (server, wanted) not in self._gone:
            self._gone.add((server, wanted))
            log.warning("channel %s, in which server %s wants to be told of failures, is gone", wanted, server)
        return None

    async def _tell(self, server: int, wanted: int | None, found: Found) -> None:
        """Tells what a server has not been told yet, where it wants to be told or else where it concerns somebody."""
        bridge, records = self._bot.bridge, self._bot.records.servers
        if found.over:
            await bridge.call(Lane.CHANGE, records.is_over, server, found.over)
        places: dict[int, list[Trouble]] = {}
        for trouble in found.troubles:
            if (channel := wanted or trouble.channel) is not None:
                places.setdefault(channel, []).append(trouble)
        for channel, troubles in places.items():
            keys = [one.key for one in troubles]
            news = set(await bridge.call(Lane.CHANGE, records.tell_once, server, keys, time.time()))
            if not news:
                continue
            if not await self._said(server, channel, [one for one in troubles if one.key in news]):
                await bridge.call(Lane.CHANGE, records.is_over, server, news)  # the next run says it

    async def _said(self, server: int, channel: int, troubles: Sequence[Trouble]) -> bool:
        """Says it there; returns False where that failed and another time may go well."""
        if self._bot.is_closed():
            return False
        guild = getattr(self._bot.get_channel(channel), "guild", None)
        if guild is not None and server not in (NOWHERE, guild.id):
            log.error("channel %s is of another server than %s, and is not told of its failures", channel, server)
            return True
        with speaking(self._bot.language(server or (guild.id if guild else NOWHERE))):
            return await announce(self._bot, channel, message(troubles))
