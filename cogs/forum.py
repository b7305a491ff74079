"""New posts in the forums that a server has set: the question that a post asks.

Without the message content intent a post's title is all that can be read of it, unless its first message mentions the
bot. That message has the post's own id, which tells it from all that follow.
"""

import logging
from typing import TYPE_CHECKING

import discord

from cogs import context
from cogs.asking import LONGEST
from cogs.sending import SENDING

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)


async def question_of(bot: "VerbatimBot", message: discord.Message) -> str | None:
    """What the post asks that this message opens; None if it opens none, or one of a forum that was not set."""
    server = context.server_of(message)
    if server is None or message.id != message.channel.id:
        return None
    forums = bot.preferences(server).forums
    post = await _post(bot, message) if forums else None
    if post is None or post.parent_id not in forums:
        return None
    return asked(post.name, message.content, bot.user)


def asked(title: str, text: str, me: discord.abc.User | None) -> str:
    """The question of a post: its title, with as much of its text as `shortened` leaves where there is room."""
    title = " ".join(title.split())
    room = LONGEST - len(title) - 1
    told = context.shortened(context.plain(text, me), room)
    return f"{title} {told}" if told and len(told) <= room else title


async def _post(bot: "VerbatimBot", message: discord.Message) -> discord.Thread | None:
    """The thread that a message is in, also where Discord has told of the message first."""
    if isinstance(message.channel, discord.Thread):
        return message.channel
    if not isinstance(message.channel, discord.PartialMessageable):
        return None
    try:
        found = await bot.fetch_channel(message.channel.id)
    except (*SENDING, discord.InvalidData) as error:
        log.warning("a post could not be looked at: %s", error)
        return None
    return found if isinstance(found, discord.Thread) else None
