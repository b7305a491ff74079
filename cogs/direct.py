"""Direct messages: whose articles they ask. That of a server which the person and the bot are both in, chosen by them
where there are several; else what is shared with everybody.

The bot is not told who is in a server, so it asks Discord, about this person alone, and remembers the answer for some
minutes. A choice is kept, and whether it is still allowed is checked each time it is used.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from cogs.bridge import Lane
from cogs.once import Once
from cogs.sending import SENDING
from cogs.service import NOWHERE

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

CHOICES = 25  # servers that a menu offers
_LOOKED_AT = 60  # servers that one person is looked for in; those they were seen in come first
_AT_ONCE = 8  # look-ups under way, for everybody together
_PATIENCE = 2.0  # seconds for all look-ups for one person; who is found until then is used
_FRESH = 180.0  # seconds for which a look-up holds
_KEPT = 10_000  # look-ups that are remembered


@dataclass(frozen=True, slots=True)
class Ground:
    """Whose articles somebody asks: those of `server` (None: what is shared with everybody), which they `chose` among
    others; or it is still to be chosen among `choices`."""

    server: discord.Guild | None = None
    chose: bool = False
    choices: Sequence[discord.Guild] = ()

    def place(self, guild: int | None) -> int:
        """The server whose articles are asked: that in which the question is asked (`guild`), if it is in one."""
        return guild or (self.server.id if self.server else NOWHERE)


class Direct:
    """Who may ask what in direct messages, on one connection."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self._bot = bot
        self._looked_up: OrderedDict[tuple[int, int], tuple[float, discord.Member | None]] = OrderedDict()
        self._seen = Once(5 * _KEPT)
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def ground(self, person: int, guild: int | None = None) -> Ground:
        """Whose articles this person asks now in direct messages; nothing is to choose in a server (`guild`).

        Raises:
            Refusal: the bot is too busy to look it up.
        """
        if guild is not None:
            self._seen.add((person, guild))  # which is where they are looked for first
            return Ground()
        bot = self._bot
        chosen = await bot.bridge.call_for(person, Lane.LOOK, bot.records.people.chosen, person)
        if chosen is not None and (server := await self.allowed(person, chosen)) is not None:
            return Ground(server, chose=True)
        choices = await self.choices(person)
        if len(choices) == 1:
            return Ground(choices[0])
        return Ground(choices=choices)

    async def choose(self, person: int, server: discord.Guild) -> None:
        """Remembers a person's choice."""
        people = self._bot.records.people
        await self._bot.bridge.call_for(person, Lane.CHANGE, people.choose, person, server.id, time.time())

    async def allowed(self, person: int, server: int) -> discord.Guild | None:
        """The server with this id, if this person may ask its articles in direct messages, as far as that is known in
        time."""
        guild = self._bot.get_guild(server)
        found = await self._having_articles(await self._among([guild], person)) if guild is not None else []
        return found[0] if found else None

    async def choices(self, person: int) -> list[discord.Guild]:
        """The servers whose articles this person may ask in direct messages, by name."""
        bot = self._bot
        guilds = {one.id: one for one in bot.guilds if bot.preferences(one.id).direct}
        worth = await bot.bridge.call_for(person, Lane.LOOK, bot.service.worth_choosing, list(guilds))
        met = await bot.bridge.call_for(person, Lane.LOOK, bot.records.people.met, person)
        worth.sort(key=lambda one: one not in met and (person, one) not in self._seen)
        found = await self._having_articles(await self._among([guilds[one] for one in worth[:_LOOKED_AT]], person))
        return sorted(found, key=lambda one: (one.name.casefold(), one.id))[:CHOICES]

    async def _having_articles(self, guilds: Sequence[discord.Guild]) -> list[discord.Guild]:
        bot = self._bot
        if not guilds:
            return []
        having = await bot.bridge.call_for(guilds[0].id, Lane.LOOK, bot.service.having_own, [one.id for one in guilds])
        return [one for one in guilds if one.id in having]

    async def _among(self, guilds: Sequence[discord.Guild], person: int) -> list[discord.Guild]:
        """Those of the servers in which this person may ask, as far as that is known in time."""
        looking = {asyncio.ensure_future(self._may_ask(one, person)): one for one in guilds}
        if not looking:
            return []
        done, late = await asyncio.wait(looking, timeout=_PATIENCE)
        for one in late:
            one.cancel()
        if late:
            log.warning("whether somebody is in %d of %d servers was not to be learnt in time", len(late), len(looking))
        return [looking[one] for one in done if not one.exception() and one.result()]

    async def _may_ask(self, guild: discord.Guild, person: int) -> bool:
        wanted = self._bot.preferences(guild.id)
        if not wanted.direct or (member := await self._member(guild, person)) is None:
            return False
        if not wanted.channels:
            return True
        channels = (guild.get_channel(one) for one in wanted.channels)
        return any(one.permissions_for(member).view_channel for one in channels if one is not None)

    async def _member(self, guild: discord.Guild, person: int) -> discord.Member | None:
        """This person in a server; None where they are not, or where that cannot be learnt now."""
        key = (guild.id, person)
        then, member = self._looked_up.get(key, (-_FRESH, None))
        if time.monotonic() - then < _FRESH:
            return member
        async with self._room:
            try:
                member = await guild.fetch_member(person)
            except discord.NotFound:
                member = None
            except SENDING as error:
                log.warning("who is in a server could not be learnt: %s: %s", type(error).__name__, error)
                return None
        self._looked_up[key] = time.monotonic(), member
        self._looked_up.move_to_end(key)
        while len(self._looked_up) > _KEPT:
            self._looked_up.popitem(last=False)
        return member
