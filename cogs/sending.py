"""Getting words to Discord although connections break, addresses are refused and interactions grow old."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from cogs.access import may_write
from cogs.acknowledging import ALREADY
from cogs.trouble import passes

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

SENDING = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)
"""Everything that discord.py raises when something cannot be sent."""

_LOST = (aiohttp.ClientError, OSError)  # a time-out is an OSError
_REFUSED = (400, 403)
_LONGEST_PAUSE = 30.0  # seconds between two attempts while Discord is out of reach

OUTAGE = 12 * 60.0
"""Seconds for which an answer is worth waiting: an interaction is good for fifteen minutes."""

Way = Callable[[], Awaitable[object]]


async def deliver(*ways: Way, patience: float = 0.0) -> None:
    """Sends in the first of these ways that Discord does not refuse; where the connection is lost, once more; while
    there is none to be had, again and again for `patience` seconds.

    Raises:
        One of `SENDING`: it could not be sent in any way.
    """
    for number, way in enumerate(ways, start=1):
        try:
            await _sent(way, patience)
        except discord.HTTPException as error:
            if error.status not in _REFUSED or number == len(ways):
                raise
            log.warning("sending it another way: %s", error)
        else:
            return


async def _sent(way: Way, patience: float) -> None:
    waited, pause, lost = 0.0, 1.0, False
    while True:
        try:
            await way()
            return
        except SENDING as error:
            if lost and isinstance(error, discord.HTTPException) and error.code == ALREADY:
                return  # by the attempt before
            if _is_out_of_reach(error) and waited < patience:
                log.warning("sending it again in %.0f s: %s: %s", pause, type(error).__name__, error)
                await asyncio.sleep(pause)
                waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)
            elif isinstance(error, _LOST) and not lost:
                log.warning("sending it again: %s: %s", type(error).__name__, error)
                lost = True
            else:
                raise


def _is_out_of_reach(error: Exception) -> bool:
    """Whether nothing can have come of it, and Discord is away for a while."""
    if isinstance(error, discord.HTTPException):
        return error.status == 503
    return isinstance(error, aiohttp.ClientConnectorError)


async def revise(interaction: "discord.Interaction[VerbatimBot]", *texts: Mapping[str, Any]) -> None:
    """Edits the message that an interaction was acknowledged with: the first of these `texts` that Discord takes.

    Where the interaction's token is lost, a message that all see is edited as an ordinary one of the bot.

    Raises:
        One of `SENDING`: it could not be done in any way.
    """
    try:
        await deliver(*(partial(interaction.edit_original_response, **one) for one in texts), patience=OUTAGE)
    except discord.HTTPException as error:
        message = _ordinary(interaction)
        if message is None or not is_gone(error):
            raise
        log.warning("editing it as an ordinary message: %s", error)
        await deliver(*(partial(message.edit, **one) for one in texts), patience=OUTAGE)


def _ordinary(interaction: "discord.Interaction[VerbatimBot]") -> discord.PartialMessage | None:
    """The message that an interaction was acknowledged with, where all see it, without the interaction."""
    message, channel = interaction.extras.get("message"), interaction.channel_id
    if message is None or channel is None or not interaction.extras.get("thinks_aloud"):
        return None
    place = interaction.client.get_partial_messageable(channel, guild_id=interaction.guild_id)
    return place.get_partial_message(message)


class LiveMessage:
    """The answer to a command, edited as long as the work takes.

    An interaction's token is good for 15 minutes; after that a public answer is edited as an ordinary message of the
    bot. One for its reader alone is out of reach then, so that its last words come to them directly: what was not said
    to everybody, such as questions asked elsewhere, is not said to everybody later.
    """

    def __init__(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        self._interaction = interaction
        self._outlived = False

    async def show(self, text: str, *, last: bool = False) -> None:
        """Shows `text`. What cannot be shown is logged, and does not end the work; the `last` may come as a new one."""
        if not self._outlived and not self._interaction.is_expired():
            try:
                edit = partial(self._interaction.edit_original_response, content=text)
                await deliver(edit, patience=OUTAGE if last else 0.0)
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
        interaction, patience = self._interaction, OUTAGE if last else 0.0
        assert interaction.channel_id is not None  # noqa: S101 — commands are used in channels
        message = _ordinary(interaction)
        try:
            if message is not None:
                await deliver(lambda: message.edit(content=text), patience=patience)
                return
        except SENDING as error:
            log.warning("not shown: %s", error)
        if last:
            channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
            to = channel if interaction.extras.get("thinks_aloud") else interaction.user
            try:
                await deliver(lambda: to.send(text, nonce=interaction.id), patience=patience)
            except SENDING as error:
                log.warning("last words not shown: %s", error)


async def announce(bot: "VerbatimBot", channel_id: int, text: str) -> bool:
    """Says something in a channel of its own accord, if the bot may speak there; it notifies nobody.

    Returns False where that failed for a reason that passes, so that it may be said another time.
    """
    if not _may_speak(bot.get_channel(channel_id)):
        log.warning("not said in channel %s, where I may not speak: %s", channel_id, text)
        return True
    channel, nonce = bot.get_partial_messageable(channel_id), secrets.randbits(63)
    try:
        await deliver(
            lambda: channel.send(
                text, suppress_embeds=True, nonce=nonce, allowed_mentions=discord.AllowedMentions.none()
            )
        )
    except SENDING as error:
        log.warning("not said in channel %s: %s: %s", channel_id, error, text)
        return not passes(error)
    return True


def _may_speak(channel: object) -> bool:
    """Whether the bot may write there; where that is not known, Discord says so."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return True
    try:
        allowed = channel.permissions_for(channel.guild.me)
    except discord.ClientException:  # a thread of a channel that is not known
        return True
    return may_write(allowed, in_thread=isinstance(channel, discord.Thread))


def is_gone(error: Exception) -> bool:
    """Whether this says that the interaction is too old, or its message deleted."""
    return isinstance(error, discord.HTTPException) and error.status in (401, 404)
