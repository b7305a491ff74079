"""Questions in messages: mentions of the bot, replies to it, direct messages, and new posts in forums. Those by command
are `ask`'s, and what all ways of asking share is `asking`'s.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs import choosing, context, forum
from cogs.access import may_write
from cogs.answers import Asking
from cogs.asking import LONGEST, SHORTEST, Ready, TooFast, is_answered_in, too_long
from cogs.errors import said
from cogs.once import Once
from cogs.refusal import Refusal
from cogs.render import Reply
from cogs.sending import OUTAGE, SENDING, deliver
from cogs.smalltalk import is_small_talk
from cogs.speech import _, speak

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)


class HearingCog(commands.Cog):
    """Answers what is said to the bot, and what is asked in forums."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._posts = Once()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers whoever mentions the bot, replies to it, writes to it directly, or opens a post in a forum."""
        if not context.is_by_person(message):
            return
        server = context.server_of(message)
        question, post = context.asked_in(message, self._me), await forum.question_of(self.bot, message)
        if post is None and (question is None or not self._is_answered_in(message, server)):
            return
        if not _may_write(message):
            return
        self.bot.work()
        speak(self._language(server, message.author.id))
        if question is None:
            await self._answer_post(message, post or "")
            return
        allowed = context.permissions_in(message, message.guild.me if message.guild else None)
        with _typing(message.channel):
            ready = await self._ready_for(message, question if post is None else post, embeds=allowed.embed_links)
        if ready.replies and await _send(message, ready.replies, refer=allowed.read_message_history):
            self.bot.asker.sent(ready)

    async def _answer_post(self, message: discord.Message, question: str) -> None:
        """Answers a post that asked nothing of the bot, which is silent unless it is sure: it was not spoken to."""
        server = context.server_of(message)
        if server is None or message.id in self._posts or not SHORTEST <= len(question) <= LONGEST:
            return
        self._posts.add(message.id)
        allowed = context.permissions_in(message, message.guild.me if message.guild else None)
        try:
            self.bot.asker.demand_patience(message.author.id)
            asking = Asking(question, message.author.id, server, server, False, unasked=True)
            ready = await self.bot.asker.ready(asking, question=None, embeds=allowed.embed_links)
        except Refusal as error:
            log.info("a post is not answered: %s", error)
        except Exception as error:
            said(error)  # into the log
        else:
            if ready.answered and await _send(message, ready.replies, refer=allowed.read_message_history):
                self.bot.asker.sent(ready)

    async def _ready_for(self, message: discord.Message, question: str, *, embeds: bool) -> Ready:
        server, person = context.server_of(message), message.author.id
        if len(question) < SHORTEST or is_small_talk(question):
            return Ready([Reply(_help(in_server=server is not None))])
        if len(question) > LONGEST:
            return Ready([Reply(too_long())])
        try:
            self.bot.asker.demand_patience(person)
            previous = await context.before_message(message, question, self._me)
            ground = await self.bot.direct.ground(person, server)
            speak(self._language(ground.place(server), person, direct=server is None))
            asking = Asking(question, person, ground.place(server), server, False, tuple(previous))
            return await choosing.ready(self.bot, asking, ground, question=None, embeds=embeds)
        except TooFast as error:
            tells = server is None or self.bot.asker.shows_patience(person)
            return Ready([Reply(said(error))] if tells else [])
        except Exception as error:  # a listener is an entry point: nobody else would tell who asked
            return Ready([Reply(said(error))])

    def _is_answered_in(self, message: discord.Message, server: int | None) -> bool:
        parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
        return server is None or is_answered_in(self.bot.preferences(server), message.channel.id, parent)

    def _language(self, server: int | None, person: int, *, direct: bool = False) -> str | None:
        """What is spoken in a server to nobody in particular: as it has set, or as its people have Discord. In direct
        messages it is the person's own, if they have used a command or a button of late."""
        if (direct or server is None) and (own := self.bot.tongues.of(person)):
            return own
        return self.bot.language(server) if server else None

    @property
    def _me(self) -> discord.ClientUser:
        assert self.bot.user is not None  # noqa: S101 — nobody asks before it has logged in
        return self.bot.user


def _may_write(message: discord.Message) -> bool:
    """Whether the bot may answer where this was written."""
    allowed = context.permissions_in(message, message.guild.me if message.guild else None)
    return may_write(allowed, in_thread=isinstance(message.channel, discord.Thread))


def _help(*, in_server: bool) -> str:
    if not in_server:
        return _("Write me a question, and I look for the sentences that answer it.")
    return _(
        "Mention me with a question, or use `/ask`, and I look for the sentences that answer it in the articles of "
        "this server."
    )


@contextmanager
def _typing(channel: discord.abc.Messageable) -> Iterator[None]:
    """Shows the bot as typing for the length of the block, which does not wait for that, nor suffer if it fails."""

    async def show() -> None:
        with suppress(*SENDING):
            async with channel.typing():
                await asyncio.Event().wait()

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()


async def _send(message: discord.Message, replies: Sequence[Reply], *, refer: bool) -> bool:
    """Sends the first of these that Discord takes, the last also without referring to the message it answers; whether
    it took one."""
    nonce = message.id  # what is sent twice, since only an answer was lost or the message came twice, appears once

    async def send(reply: Reply, number: int, *, refer: bool) -> None:
        parts = reply.parts()
        if refer:
            parts |= {"reference": message.to_reference(fail_if_not_exists=False), "mention_author": False}
        await message.channel.send(**parts, suppress_embeds=not reply.embeds, nonce=nonce + number)

    ways = [partial(send, reply, number, refer=refer) for number, reply in enumerate(replies)]
    if refer:
        ways.append(partial(send, replies[-1], len(replies), refer=False))
    try:
        await deliver(*ways, patience=OUTAGE)
    except SENDING as error:
        log.warning("could not reply in channel %s: %s", message.channel.id, error)
        return False
    return True
