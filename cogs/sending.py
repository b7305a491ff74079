"""Getting words to Discord although connections break, addresses are refused and interactions grow old."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import aiohttp
import discord

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

SENDING = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""Everything that discord.py raises when something cannot be sent."""

_LOST = (aiohttp.ClientError, OSError)  # a time-out is an OSError
_REFUSED = (400, 403)

Way = Callable[[], Awaitable[object]]


async def deliver(*ways: Way) -> None:
    """Sends in the first of these ways that Discord does not refuse; where the connection is lost, once more.

    Raises:
        One of `SENDING`: it could not be sent in any way.
    """
    for number, way in enumerate(ways, start=1):
        try:
            await _sent(way)
        except discord.HTTPException as error:
            if error.status not in _REFUSED or number == len(ways):
                raise
            log.warning("sending it another way: %s", error)
        else:
            return


async def _sent(way: Way) -> None:
    try:
        await way()
    except _LOST as error:
        log.warning("sending it again: %s: %s", type(error).__name__, error)
        await way()


class LiveMessage:
    """The answer to a command, edited as long as the work takes.

    An interaction's token is good for 15 minutes; after that a public answer is edited as an ordinary message of the
    bot. One for its reader alone is out of reach then, so that its last words come as a message of their own.
    """

    def __init__(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        self._interaction = interaction
        is_public = interaction.extras.get("thinks_aloud", False)
        self._message: int | None = interaction.extras.get("message") if is_public else None
        self._outlived = False

    async def show(self, text: str, *, last: bool = False) -> None:
        """Shows `text`. What cannot be shown is logged, and does not end the work; the `last` may come as a new one."""
        if not self._outlived and not self._interaction.is_expired():
            try:
                await deliver(lambda: self._interaction.edit_original_response(content=text))
            except SENDING as error:
                if not is_gone(error):
                    log.warning("not shown: %s", error)
                    return
                self._outlived = True
            else:
                return
        await self.show_in_channel(text, last=last)

    async def show_in_channel(self, text: str, *, last: bool) -> None:
        """As `show`, without the interaction."""
        interaction = self._interaction
        assert interaction.channel_id is not None  # noqa: S101 — commands are used in channels
        channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
        message = channel.get_partial_message(self._message) if self._message is not None else None
        try:
            if message is not None:
                await deliver(lambda: message.edit(content=text))
                return
        except SENDING as error:
            log.warning("not shown: %s", error)
        if last:
            try:
                await deliver(lambda: channel.send(text, nonce=interaction.id))
            except SENDING as error:
                log.warning("last words not shown: %s", error)


async def announce(bot: "VerbatimBot", channel_id: int, text: str) -> None:
    """Says something in a channel of its own accord, if the bot may speak there; it notifies nobody."""
    if not _may_speak(bot.get_channel(channel_id)):
        log.warning("not said in channel %s, where I may not speak: %s", channel_id, text)
        return
    channel, nonce = bot.get_partial_messageable(channel_id), secrets.randbits(63)
    try:
        await deliver(
            lambda: channel.send(
                text, suppress_embeds=True, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
            )
        )
    except SENDING as error:
        log.warning("not said in channel %s: %s: %s", channel_id, error, text)


def _may_speak(channel: object) -> bool:
    """Whether the bot may write there; where that is not known, Discord says so."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return True
    try:
        allowed = channel.permissions_for(channel.guild.me)
    except discord.ClientException:  # a thread of a channel that is not known
        return True
    in_thread = isinstance(channel, discord.Thread)
    return allowed.view_channel and (allowed.send_messages_in_threads if in_thread else allowed.send_messages)


def is_gone(error: Exception) -> bool:
    """Whether this says that the interaction is too old, or its message deleted."""
    return isinstance(error, discord.HTTPException) and error.status in (401, 404)
