"""Which servers the bot is in, as far as Discord lets it know.

Knows nothing of what is kept of them, nor what becomes of it: that is in `departures`.
"""

import time
from typing import TYPE_CHECKING

import discord
from discord.state import AutoShardedConnectionState

if TYPE_CHECKING:
    from discord.types.gateway import ReadyEvent

    from cogs.client import VerbatimBot

_FRESH = 86_400.0  # seconds for which a command shows that there are commands in its server
_COMMANDS = (discord.InteractionType.application_command, discord.InteractionType.autocomplete)


class Memory(AutoShardedConnectionState["VerbatimBot"]):
    """discord.py's memory of servers, but without those that the bot was removed from while a shard had no session.

    No event tells of these. READY, with which a new session begins, names all servers of its shard, also those that are
    away because of an outage; discord.py adds them to what it knows, and forgets none.
    """

    def parse_ready(self, data: "ReadyEvent") -> None:
        super().parse_ready(data)
        named, shard = {int(one["id"]) for one in data["guilds"]}, data["shard"][0]
        for guild in list(self.guilds):
            if guild.shard_id == shard and guild.id not in named:
                self.parse_guild_delete({"id": guild.id})  # the event that was missed


class Whereabouts:
    """Whether the bot is in a server. May be asked from every thread."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self._bot = bot
        self._used: dict[int, float] = {}

    def of(self, server: int) -> bool | None:
        """Whether the bot is in this server, available or not, or was used there within a day; None as long as it does
        not know all of its servers."""
        if not self._bot.is_ready():
            return None
        return self._bot.get_guild(server) is not None or self._is_used(server)

    def use(self, interaction: discord.Interaction) -> bool:
        """Takes note of a command in a server that added commands without the bot: nothing else tells of such a
        server. Returns whether it was missing until now."""
        server = interaction.guild_id
        if server is None or interaction.type not in _COMMANDS or not interaction.is_guild_integration():
            return False  # what a person added for themselves, they use in any server
        if not self._bot.is_ready() or self._bot.get_guild(server) is not None:
            return False
        missing, self._used[server] = not self._is_used(server), time.monotonic()
        return missing

    def end(self, server: int) -> None:
        """The bot has been removed from this server, whatever was used there before."""
        self._used.pop(server, None)

    def _is_used(self, server: int) -> bool:
        then = self._used.get(server)
        return then is not None and time.monotonic() - then < _FRESH
