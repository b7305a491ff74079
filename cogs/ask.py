"""Questions: `/ask`, mentions of the bot, and direct messages. What an answer looks like is `render`'s business."""

import logging
import re
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import render
from cogs.bridge import Lane
from cogs.errors import said, slow_down, think
from cogs.service import NOWHERE, Asked
from index.errors import UserError

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
        asked = await self._answer(interaction.guild_id, question)
        may_embed = interaction.guild_id is None or interaction.app_permissions.embed_links
        reply = _reply(asked, question, embeds=may_embed)
        try:
            await interaction.edit_original_response(**reply.parts())
        except discord.HTTPException as error:
            if error.status != 400 or not asked.answer.answered:
                raise
            # An address in an article that Discord does not take must not cost the answer.
            log.warning("answering again without links: %s", error)
            await interaction.edit_original_response(**_reply(asked, question, links=False).parts())

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers whoever mentions the bot, or writes to it directly."""
        if message.author.bot or message.webhook_id or message.is_system():
            return
        question = self._question(message)
        if question is None:
            return
        embeds = True
        # A thread that Discord has not told of is tried; whether the bot may write there comes out then.
        if message.guild is not None and not isinstance(message.channel, discord.PartialMessageable):
            allowed = message.channel.permissions_for(message.guild.me)
            in_thread = isinstance(message.channel, discord.Thread)
            if not (allowed.send_messages_in_threads if in_thread else allowed.send_messages):
                return
            embeds = allowed.embed_links
        async with AsyncExitStack() as stack:
            with suppress(discord.HTTPException):
                await stack.enter_async_context(message.channel.typing())
            reply = await self._reply_to(message, question, embeds=embeds)
        await _send(message, reply)

    async def _reply_to(self, message: discord.Message, question: str, *, embeds: bool) -> render.Reply:
        if len(question) < SHORTEST:
            return render.Reply(_HELP)
        if len(question) > LONGEST:
            return render.Reply(f"Please ask in at most {LONGEST} characters.")
        try:
            self._demand_patience(message.author.id)
            asked = await self._answer(message.guild.id if message.guild else None, question)
        except Exception as error:  # a listener is an entry point: nobody else would tell who asked
            return render.Reply(said(error, self.bot.settings.articles.parent, self.bot.settings.data))
        return _reply(asked, None, embeds=embeds)

    def _question(self, message: discord.Message) -> str | None:
        """What is asked of the bot in this message, possibly nothing (""); None if it is not spoken to."""
        assert self.bot.user is not None  # noqa: S101 — there are no messages before it has logged in
        text, mentions = re.subn(rf"<@!?{self.bot.user.id}>", " ", message.content)
        text = " ".join(text.split())
        if mentions or message.guild is None:
            return text
        # A reply to the bot mentions it without saying so. Only a question is one: "thanks!" wants no answer.
        return text if self.bot.user in message.mentions and "?" in text else None

    def _demand_patience(self, user_id: int) -> None:
        if wait := self._cooldown.update_rate_limit(user_id):
            raise UserError(slow_down(wait))

    async def _answer(self, server: int | None, question: str) -> Asked:
        bridge, service = self.bot.bridge, self.bot.service
        if server is None and not await bridge.call(Lane.LOOK, service.is_shared):
            raise UserError("I cannot answer direct messages: no articles are shared with everybody. Ask in a server.")
        started = time.perf_counter()
        asked = await bridge.call(Lane.ASK, service.ask, server or NOWHERE, question)
        confidence = asked.answer.confidence
        fields: dict[str, object] = {
            "server": server,
            "hits": len(asked.answer.hits),
            "confidence": confidence.value if confidence else None,
            "milliseconds": round(1_000 * (time.perf_counter() - started)),
        }
        if self.bot.settings.log_questions:
            fields["question"] = question
        log.info("question answered", extra=fields)
        return asked


def _reply(asked: Asked, question: str | None, *, embeds: bool = True, links: bool = True) -> render.Reply:
    if not asked.answer.answered:
        return render.nothing_found(asked.own, asked.shared)
    if not embeds:
        return render.plain_answer(asked.answer)
    return render.answer(asked.answer, question=question, links=links)


async def _send(message: discord.Message, reply: render.Reply) -> None:
    try:
        await message.channel.send(
            **reply.parts(),
            suppress_embeds=not reply.embeds,
            reference=message.to_reference(fail_if_not_exists=False),
            mention_author=False,
        )
    except discord.HTTPException as error:
        log.warning("could not reply in channel %s: %s", message.channel.id, error)
