"""Questions by command: `/ask`, and “Answer this” in a message's menu. Those in messages are `hearing`'s, what all ways
of asking share is `asking`'s, and what an answer looks like is `render`'s.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import choosing, context
from cogs.answers import Asking
from cogs.asking import LONGEST, SHORTEST, is_answered_here, send_elsewhere, too_long
from cogs.bridge import Lane
from cogs.errors import think
from cogs.markdown import label
from cogs.refusal import Refusal
from cogs.service import NOWHERE, Askable
from cogs.speech import _
from index.errors import UserError

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

_CHOICE = 100  # characters of a choice's name


class AskCog(commands.Cog):
    """Answers questions from the articles that a server may ask."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._menu = app_commands.ContextMenu(
            name="Answer this",
            callback=self._answer_this,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def cog_load(self) -> None:
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    # -- commands

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.describe(
        question="What do you want to know?",
        private="Show the answer to you alone",
        article="Look in this article alone; begin to type its title",
        count="The most sentences to show",
    )
    async def ask(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        question: app_commands.Range[str, SHORTEST, LONGEST],
        private: bool = False,
        article: app_commands.Range[str, 1, _CHOICE] | None = None,
        count: app_commands.Range[int, 1, 10] | None = None,
    ) -> None:
        """Find the sentences that answer a question, with their sources"""
        if not is_answered_here(interaction):
            await send_elsewhere(interaction)
            return
        self.bot.asker.demand_patience(interaction.user.id)
        await think(interaction, ephemeral=private)
        previous = await context.before_command(interaction, question, self._me)
        await self._answer(interaction, question, previous, private=private, article=article, count=count)

    @ask.autocomplete("article")
    async def _complete_article(
        self, interaction: "discord.Interaction[VerbatimBot]", typed: str
    ) -> list[app_commands.Choice[str]]:
        bot, server = self.bot, interaction.guild_id
        try:
            if server is None:
                ground = await bot.direct.ground(interaction.user.id)
                server = ground.server.id if ground.server else NOWHERE
            elif not is_answered_here(interaction):
                return []
            found = await bot.bridge.call_for(server, Lane.LOOK, bot.service.askable, server, typed)
        except UserError as error:
            log.warning("no choices: %s", error)
            return []
        return [app_commands.Choice(name=_named(one), value=one.choice) for one in found]

    async def _answer_this(self, interaction: "discord.Interaction[VerbatimBot]", message: discord.Message) -> None:
        if not is_answered_here(interaction):
            await send_elsewhere(interaction)
            return
        if not context.is_by_person(message):
            raise Refusal(_("I answer what people write. Choose a message of a person."))
        question = context.question_in(message, self._me, LONGEST)
        if len(question) < SHORTEST:
            raise Refusal(_("There is no question in this message: I read text alone."))
        if len(question) > LONGEST:
            raise Refusal(too_long())
        self.bot.asker.demand_patience(interaction.user.id)
        await think(interaction, ephemeral=True)
        both = (interaction.app_permissions, interaction.permissions)
        may_read = interaction.guild_id is None or all(one.read_message_history for one in both)
        previous = await context.before_message(message, question, self._me) if may_read else []
        await self._answer(interaction, question, previous, private=True)

    async def _answer(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        question: str,
        previous: Sequence[str],
        *,
        private: bool,
        article: str | None = None,
        count: int | None = None,
    ) -> None:
        """Answers in the message that the interaction was acknowledged with."""
        guild, person = interaction.guild_id, interaction.user.id
        ground = await self.bot.direct.ground(person, guild)
        asking = Asking(question, person, ground.place(guild), guild, private, tuple(previous), count, article)
        embeds = guild is None or interaction.app_permissions.embed_links
        ready = await choosing.ready(self.bot, asking, ground, question=question, embeds=embeds)
        await self.bot.asker.show(interaction, ready)

    @property
    def _me(self) -> discord.ClientUser:
        assert self.bot.user is not None  # noqa: S101 — nobody asks before it has logged in
        return self.bot.user


def _named(one: Askable) -> str:
    """An article's name among the choices, which know no markup."""
    if not one.shared:
        return label(one.article.title, _CHOICE)
    return label(_("{title} (shared)", title=label(one.article.title, _CHOICE - 20)), _CHOICE)
