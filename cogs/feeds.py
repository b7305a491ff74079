"""`/feeds` and `/sources`: what a server's articles come from. What both do alike is in `tending`."""

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import reports, tending
from cogs.access import demand_manager
from cogs.adding import add_link, server_of
from cogs.articles import default_permissions
from cogs.errors import think
from cogs.lists import KINDS
from cogs.sending import LiveMessage
from cogs.tending import Choices

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
Choice = app_commands.Range[str, 1, 100]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class FeedsCog(commands.GroupCog, group_name="feeds", group_description="Feeds whose new entries become articles"):
    """Manages the feeds of the server in which a command is used, and of no other; for managers alone."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        group = self.app_command
        if isinstance(group, app_commands.Group):
            group.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command()
    @app_commands.describe(link="The address of a feed, or of a page that names one")
    async def add(
        self, interaction: "discord.Interaction[VerbatimBot]", link: app_commands.Range[str, 1, 2_000]
    ) -> None:
        """Add a feed, and from now on its new entries"""
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        live = LiveMessage(interaction)
        async with self.bot.bridge.turn(server_of(interaction)):
            added = await add_link(interaction, link, live, feed=True)
        log.info("feed added", extra={"server": interaction.guild_id, "articles": len(added.articles)})
        await live.show(reports.added(added, *self.bot.settings.folders), last=True)

    @app_commands.command(name="list")
    async def list_(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """List the feeds of this server, and how they are"""
        await tending.show_list(interaction, "feeds")

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def pause(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Look at a feed no longer, until it is resumed"""
        await tending.pause(interaction, "feeds", feed)

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def resume(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Look at a feed again that was paused, or had failed too often"""
        await tending.resume(interaction, "feeds", feed)

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def remove(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Remove a feed, with its articles or without"""
        await tending.remove(interaction, "feeds", feed)

    @pause.autocomplete("feed")
    @resume.autocomplete("feed")
    @remove.autocomplete("feed")
    async def _complete(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await tending.completed(interaction, typed, KINDS["feeds"])


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class SourcesCog(
    commands.GroupCog, group_name="sources", group_description="What the articles of this server come from"
):
    """As `FeedsCog`, of all sources: pages and feeds, which are looked at again, and ZIPs of several articles."""

    def __init__(self, bot: "VerbatimBot") -> None:
        group = self.app_command
        if isinstance(group, app_commands.Group):
            group.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command(name="list")
    async def list_(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """List the pages, feeds and ZIPs of this server, and how they are"""
        await tending.show_list(interaction, "sources")

    @app_commands.command()
    @app_commands.describe(source="Which one; begin to type its title or address")
    async def pause(self, interaction: "discord.Interaction[VerbatimBot]", source: Choice) -> None:
        """Look at a page or feed no longer, until it is resumed"""
        await tending.pause(interaction, "sources", source)

    @app_commands.command()
    @app_commands.describe(source="Which one; begin to type its title or address")
    async def resume(self, interaction: "discord.Interaction[VerbatimBot]", source: Choice) -> None:
        """Look at a page or feed again that was paused, or had failed too often"""
        await tending.resume(interaction, "sources", source)

    @app_commands.command()
    @app_commands.describe(source="Which one; begin to type its title or address")
    async def remove(self, interaction: "discord.Interaction[VerbatimBot]", source: Choice) -> None:
        """Remove a page, a feed or a ZIP, with its articles or without"""
        await tending.remove(interaction, "sources", source)

    @pause.autocomplete("source")
    @resume.autocomplete("source")
    async def _complete_looked_at(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await tending.completed(interaction, typed, tending.looked_at("sources"))

    @remove.autocomplete("source")
    async def _complete(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await tending.completed(interaction, typed, KINDS["sources"])
