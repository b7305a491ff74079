"""Servers that the bot has joined and left, and everything that is kept of those it is in no longer.

The bot comes and goes without a word: nobody asked it to speak. `Departures` is synchronous and thread-safe, and knows
servers as numbers; when something is to be deleted is `housekeeping`'s business.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from index.corpus import Library
from records.records import Records

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

Presence = Callable[[int], bool | None]
"""Whether the bot is in a server, as `whereabouts` knows; None: that is not known at the moment."""


class Departures:
    """What is kept of servers, and since when the bot is not in them. Times are Unix seconds.

    Raises:
        UserError: from everything, what the library and the records raise.
    """

    def __init__(self, library: Library, records: Records) -> None:
        self._library = library
        self._records = records

    def compare(self, present: Presence, now: float) -> list[int]:
        """Notes which servers something is kept of that the bot is not in, from `now` on unless that was known, and
        forgets the departure from those it is in again. Returns the servers that are missed for the first time."""
        known = self._records.servers.departures()
        kept = {*self._library.servers(), *self._records.servers.known()}
        missed = sorted(server for server in kept - known.keys() if present(server) is False)
        self._records.servers.departed(missed, now)
        self._records.servers.returned([server for server in known if present(server)])
        return missed

    def due(self, before: float) -> list[int]:
        """The servers left before this moment."""
        return [server for server, since in self._records.servers.departures().items() if since <= before]

    def delete(self, server: int, present: Presence) -> bool:
        """Deletes everything that is kept of a server: its articles with what they come from, its settings, its
        answers and questions. Does nothing, and says so, where the bot is in it after all, or may be."""
        if present(server) is not False:
            return False
        self._library.delete(server)
        self._records.preferences.forget(server)
        self._records.servers.forget(server)  # with the departure itself: until then this is done again
        return True


class DeparturesCog(commands.Cog):
    """Has the servers compared whenever something about them changed. An outage of a server is none of these events."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """All shards are there, and all servers known."""
        await self.bot.housekeeping.compare()

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        log.info("joined a server", extra={"server": guild.id})
        await self.bot.housekeeping.compare()

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        log.info("left a server, or was removed from it", extra={"server": guild.id})
        self.bot.whereabouts.end(guild.id)
        await self.bot.housekeeping.compare()

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A server that has the commands without the bot is in no list of servers, and yet is not one that was left."""
        if self.bot.whereabouts.use(interaction):
            await self.bot.housekeeping.compare()
