"""`/feeds add`, `list`, `pause`, `resume` and `remove`: what a server's people have looked at again and again."""

import logging
from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs import reports
from cogs.access import demand_manager, may_manage
from cogs.adding import add_link, server_of
from cogs.articles import Choices, default_permissions
from cogs.bridge import Lane
from cogs.buttons import KeepButton, RemoveFeedButton, feeds_page
from cogs.errors import think
from cogs.markdown import escape, label
from cogs.sending import LiveMessage, deliver
from index.errors import UserError
from index.ledger import Source

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
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        embed, view = await feeds_page(interaction, interaction.user.id, 0)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def pause(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Look at a feed no longer, until it is resumed"""
        found = await self._set_state(interaction, feed, "paused")
        said = "was paused already" if found.state == "paused" else "is paused: I look at it no longer"
        await self._say(interaction, f"{_title(found)} {said}. Its articles stay.")

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def resume(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Look at a feed again that was paused, or had failed too often"""
        found = await self._set_state(interaction, feed, "active")
        self.bot.schedule.look_again(server_of(interaction))
        said = "was active already" if found.state == "active" else "is active again"
        await self._say(interaction, f"{_title(found)} {said}; I look at it within a few minutes.")

    @app_commands.command()
    @app_commands.describe(feed="Which one; begin to type its title or address")
    async def remove(self, interaction: "discord.Interaction[VerbatimBot]", feed: Choice) -> None:
        """Remove a feed, with its articles or without"""
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        server = server_of(interaction)
        found = await self.bot.bridge.call_for(server, Lane.LOOK, self.bot.sources.find, server, feed)
        view = ui.View(timeout=None)
        view.add_item(RemoveFeedButton(found.id, with_articles=True))
        view.add_item(RemoveFeedButton(found.id, with_articles=False))
        view.add_item(KeepButton("Cancel"))
        content = f"Remove the feed {_title(found)}? Its articles can go with it for good, or stay as they are."
        await deliver(lambda: interaction.edit_original_response(content=content, view=view))

    @pause.autocomplete("feed")
    @resume.autocomplete("feed")
    @remove.autocomplete("feed")
    async def _complete(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        if not may_manage(interaction):
            return []
        try:
            server = server_of(interaction)
            found = await self.bot.bridge.call_for(server, Lane.LOOK, self.bot.sources.matching, server, typed)
        except UserError as error:
            log.warning("no choices: %s", error)
            return []
        return [app_commands.Choice(name=reports.feed_choice(one), value=str(one.id)) for one in found]

    async def _set_state(
        self, interaction: "discord.Interaction[VerbatimBot]", feed: str, state: Literal["active", "paused"]
    ) -> Source:
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        server = server_of(interaction)
        return await self.bot.bridge.call_for(server, Lane.CHANGE, self.bot.sources.set_state, server, feed, state)

    async def _say(self, interaction: discord.Interaction, text: str) -> None:
        await deliver(lambda: interaction.edit_original_response(content=text))


def _title(feed: Source) -> str:
    return f"**{escape(label(feed.title or feed.address, reports.CHOICE))}**"
