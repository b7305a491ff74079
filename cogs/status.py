"""`/status`: how a server's articles and their sources are, and how fast the bot answers.

Members are told the little that concerns them, managers everything of their server, and the operator the operator's own
articles and the process besides. All of it for the reader's eyes alone.
"""

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import condition
from cogs.access import may_manage
from cogs.adding import server_of
from cogs.bridge import Lane
from cogs.condition import Pace, Process
from cogs.errors import think
from cogs.sending import deliver
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot


class StatusCog(commands.Cog):
    """Gathers how things are for whoever asks."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def status(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """How the articles of this server are, and how fast I answer"""
        server = server_of(interaction)
        manages, operates = may_manage(interaction), await self.bot.is_owner(interaction.user)
        await think(interaction, ephemeral=True)
        embed = discord.Embed(title=_("Status"), colour=condition.COLOUR)
        overview, call = self.bot.overview, self.bot.bridge.call_for
        here = await call(server, Lane.LOOK, overview.of, server)
        shared = await call(server, Lane.LOOK, overview.shared, server)
        pace, last = self._pace(server), self.bot.schedule.last_run(server)
        if manages:
            model = await call(server, Lane.LOOK, lambda: overview.model)
            condition.add_articles(embed, _("Articles of this server"), here, shared=shared)
            condition.add_sources(embed, _("Where they come from"), here, last)
            condition.add_answers(embed, here, model, pace)
        else:
            embed.description = condition.in_short(here, shared, pace)
        if operates:
            await self._add_operators(embed, server)
        await deliver(lambda: interaction.edit_original_response(embed=embed))

    async def _add_operators(self, embed: discord.Embed, server: int) -> None:
        bot = self.bot
        own = await bot.bridge.call_for(server, Lane.LOOK, bot.overview.of, None)
        condition.add_articles(embed, _("The operator’s articles"), own)
        folder_due = bot.schedule.folder_due
        condition.add_sources(
            embed,
            _("Where the operator’s come from"),
            own,
            bot.schedule.last_run(None),
            folder_due=folder_due,
            operators=bot.settings,
        )
        condition.add_process(embed, self._process(), bot.settings)

    def _pace(self, server: int) -> Pace:
        times, guild = self.bot.answer_times, self.bot.get_guild(server)
        shard = self.bot.get_shard(guild.shard_id) if guild is not None else None
        return Pace(
            answers=len(times),
            median=times.within(0.5),
            most=times.within(0.95),
            questions=self.bot.bridge.waiting(Lane.ASK),
            discord=shard.latency if shard is not None else self.bot.latency,
        )

    def _process(self) -> Process:
        bot = self.bot
        lanes = {lane: bot.bridge.waiting(lane) for lane in (Lane.ADD, Lane.INDEX)}
        return Process(
            version=bot.settings.version,
            started=bot.started,
            servers=len(bot.guilds),
            shards=bot.shard_count or 1,
            adding=lanes[Lane.ADD],
            indexing=lanes[Lane.INDEX],
        )
