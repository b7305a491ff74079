"""Questions: `/ask`, mentions of the bot, and direct messages. What an answer looks like is `render`'s business."""

import asyncio
import logging
import secrets
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import context, render
from cogs.answers import Asking
from cogs.bridge import Lane
from cogs.errors import said, slow_down, think
from cogs.once import Once
from cogs.refusal import Refusal
from cogs.sending import SENDING, deliver
from cogs.service import NOWHERE, Asked

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 3, 300  # characters of a question
_QUESTIONS, _SECONDS = 10, 60.0  # so many questions of one person in so many seconds
_HELP = (
    "Mention me with a question, or use `/ask`, and I look for the sentences that answer it in the articles of this "
    "server."
)


class AskCog(commands.Cog):
    """Answers questions from the articles that a server may ask."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._told = Once()
        self._cooldown: commands.CooldownMapping[int] = commands.CooldownMapping.from_cooldown(
            _QUESTIONS, _SECONDS, lambda user_id: user_id
        )

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.describe(question="What do you want to know?", private="Show the answer to you alone")
    async def ask(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        question: app_commands.Range[str, SHORTEST, LONGEST],
        private: bool = False,
    ) -> None:
        """Find the sentences that answer a question, with their sources"""
        self._demand_patience(interaction.user.id)
        await think(interaction, ephemeral=private)
        previous = await context.before_command(interaction, question, self._me)
        asked = await self._answer(
            Asking(
                question,
                interaction.user.id,
                interaction.guild_id or NOWHERE,
                interaction.guild_id,
                private,
                tuple(previous),
            )
        )
        may_embed = interaction.guild_id is None or interaction.app_permissions.embed_links
        ready = self._noted(_replies(asked, question, embeds=may_embed), asked, interaction.user.id)
        await deliver(*(partial(_edit, interaction, reply) for reply in ready.replies))
        self._remember(ready)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers whoever mentions the bot, or writes to it directly."""
        if not context.is_by_person(message):
            return
        question = context.asked_in(message, self._me)
        if question is None:
            return
        allowed = context.permissions_in(message, message.guild.me if message.guild else None)
        in_thread = isinstance(message.channel, discord.Thread)
        may_write = allowed.send_messages_in_threads if in_thread else allowed.send_messages
        if not (allowed.view_channel and may_write):
            return
        self.bot.work()
        with _typing(message.channel):
            ready = await self._ready_for(message, question, embeds=allowed.embed_links)
        if await _send(message, ready.replies, refer=allowed.read_message_history):
            self._remember(ready)

    async def _ready_for(self, message: discord.Message, question: str, *, embeds: bool) -> "_Ready":
        if len(question) < SHORTEST:
            return _Ready([render.Reply(_HELP)])
        if len(question) > LONGEST:
            return _Ready([render.Reply(f"Please ask in at most {LONGEST} characters.")])
        try:
            self._demand_patience(message.author.id)
            previous = await context.before_message(message, question, self._me)
            server = context.server_of(message)
            asking = Asking(question, message.author.id, server or NOWHERE, server, False, tuple(previous))
            asked = await self._answer(asking)
        except Exception as error:  # a listener is an entry point: nobody else would tell who asked
            return _Ready([render.Reply(said(error))])
        return self._noted(_replies(asked, None, embeds=embeds), asked, message.author.id)

    def _noted(self, replies: list[render.Reply], asked: Asked, person: int) -> "_Ready":
        """`replies`, telling each person once that the model does not know the language they ask in."""
        language = asked.answer.foreign_language
        if language is None or (person, language) in self._told:
            return _Ready(replies)
        noted = [render.foreign(reply, language, self.bot.service.languages or ()) for reply in replies]
        said_so = all(after is not before for after, before in zip(noted, replies, strict=True))
        return _Ready(noted, (person, language) if said_so else None)

    def _remember(self, sent: "_Ready") -> None:
        if sent.tells is not None:
            self._told.add(sent.tells)

    @property
    def _me(self) -> discord.ClientUser:
        assert self.bot.user is not None  # noqa: S101 — nobody asks before it has logged in
        return self.bot.user

    def _demand_patience(self, user_id: int) -> None:
        if wait := self._cooldown.update_rate_limit(user_id):
            raise Refusal(slow_down(wait))

    async def _answer(self, asking: Asking) -> Asked:
        bridge, service, answers = self.bot.bridge, self.bot.service, self.bot.answers
        if asking.place == NOWHERE and not await bridge.call(Lane.LOOK, service.is_shared):
            raise Refusal("I cannot answer direct messages: no articles are shared with everybody. Ask in a server.")
        started = time.perf_counter()
        asked = await bridge.call_for(asking.place, Lane.ASK, answers.ask, asking)
        confidence = asked.answer.confidence
        fields: dict[str, object] = {
            "server": asking.place or None,
            "hits": len(asked.answer.hits),
            "confidence": confidence.value if confidence else None,
            "searched_otherwise": asked.answer.searched is not None,
            "milliseconds": round(1_000 * (time.perf_counter() - started)),
        }
        if self.bot.settings.log_questions:
            fields["question"] = asking.question
        log.info("question answered", extra=fields)
        return asked


@dataclass(frozen=True, slots=True)
class _Ready:
    """What to send: the first of the `replies` that Discord takes; and what it `tells` that is not to be told again."""

    replies: list[render.Reply]
    tells: Hashable | None = None


def _replies(asked: Asked, question: str | None, *, embeds: bool) -> list[render.Reply]:
    """The answer, and what to say in its place if Discord refuses it: the same without the addresses in articles."""
    answer = asked.answer
    if answer.answered and embeds:
        found = [render.answer(answer, question=question, links=links) for links in (True, False)]
        return [render.headed(reply, searched=answer.searched) for reply in found]
    if answer.answered:
        found = [render.plain_answer(answer, links=links) for links in (True, False)]
    elif answer.nearest is not None:
        found = [render.nearest(answer.nearest, embeds=embeds, links=links) for links in (True, False)]
    else:
        found = [render.nothing_found(asked.own, asked.shared, in_server=asked.in_server)]
    return [render.headed(reply, question=question, searched=answer.searched) for reply in found]


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


async def _edit(interaction: discord.Interaction, reply: render.Reply) -> None:
    await interaction.edit_original_response(**reply.parts())


async def _send(message: discord.Message, replies: list[render.Reply], *, refer: bool) -> bool:
    """Sends the first of these that Discord takes, the last also without referring to the message it answers; whether
    it took one."""
    nonce = secrets.randbits(63)  # what is sent twice because only the answer was lost appears once

    async def send(reply: render.Reply, number: int, *, refer: bool) -> None:
        parts = reply.parts()
        if refer:
            parts |= {"reference": message.to_reference(fail_if_not_exists=False), "mention_author": False}
        await message.channel.send(**parts, suppress_embeds=not reply.embeds, nonce=nonce + number)

    ways = [partial(send, reply, number, refer=refer) for number, reply in enumerate(replies)]
    if refer:
        ways.append(partial(send, replies[-1], len(replies), refer=False))
    try:
        await deliver(*ways)
    except SENDING as error:
        log.warning("could not reply in channel %s: %s", message.channel.id, error)
        return False
    return True
