"""`/articles add`, `list` and `remove`: what a server's own people put in and take out."""

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs import render
from cogs.access import demand_manager, may_manage
from cogs.bridge import Lane
from cogs.buttons import KeepButton, RemoveButton, articles_page
from cogs.errors import think
from cogs.markdown import escape, label
from cogs.refusal import Refusal
from cogs.sending import LiveMessage, deliver
from cogs.service import Added
from cogs.uploads import download
from index.errors import UserError

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
Choices = list[app_commands.Choice[str]]


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class ArticlesCog(commands.GroupCog, group_name="articles", group_description="The articles that answers come from"):
    """Manages the articles of the server in which a command is used, and of no other.

    Discord shows these commands to those who have Manage Server; but where roles are configured that may manage
    besides, it shows them to everybody, because it can't show them to a role of our choosing. Either way the bot
    itself checks who may add and remove.
    """

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        group = self.app_command
        if isinstance(group, app_commands.Group):
            group.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command()
    @app_commands.describe(
        file="A text, Markdown or HTML file", replaces="The uploaded article whose place it takes, if any"
    )
    async def add(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        file: discord.Attachment,
        replaces: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Add an article from a file, or replace one"""
        demand_manager(interaction, self.bot.settings.manager_roles)
        self.bot.service.demand_acceptable(file.filename, file.size)
        await think(interaction, ephemeral=True)
        server = _server(interaction)
        async with self.bot.bridge.turn(server):
            added = await self._added(server, file, replaces)
        log.info("upload %s", added.outcome, extra={"server": server, "sentences": added.article.sentences})
        await LiveMessage(interaction).show(_outcome(added), last=True)

    async def _added(self, server: int, file: discord.Attachment, replaces: str | None) -> Added:
        bridge, service = self.bot.bridge, self.bot.service
        if replaces is not None:  # before anything is fetched
            await bridge.call_for(server, Lane.LOOK, service.find, server, replaces, upload=True)
        data = await download(self.bot.session, file, self.bot.settings.max_bytes)
        source = f"discord:{file.id}/{file.filename}"
        return await bridge.call(
            Lane.ADD, service.add, server, data, file.filename, source, replaces, cancel=bridge.closing
        )

    @app_commands.command(name="list")
    async def list_(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """List the articles of this server"""
        await think(interaction, ephemeral=True)
        embed, view = await articles_page(interaction, interaction.user.id, 0)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))

    @app_commands.command()
    @app_commands.describe(article="Which one; begin to type its title")
    async def remove(
        self, interaction: "discord.Interaction[VerbatimBot]", article: app_commands.Range[str, 1, 100]
    ) -> None:
        """Remove an article for good"""
        demand_manager(interaction, self.bot.settings.manager_roles)
        await think(interaction, ephemeral=True)
        server = _server(interaction)
        found = await self.bot.bridge.call_for(server, Lane.LOOK, self.bot.service.find, server, article)
        view = ui.View(timeout=None)
        view.add_item(RemoveButton(found.id))
        view.add_item(KeepButton())
        title = escape(label(found.title, render.CHOICE))
        sentences = render.counted(found.sentences, "sentence")
        content = f"Remove **{title}** ({sentences}) for good? Answers will no longer quote it."
        await deliver(lambda: interaction.edit_original_response(content=content, view=view))

    @remove.autocomplete("article")
    async def _complete_article(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await self._completed(interaction, typed, uploads=False)

    @add.autocomplete("replaces")
    async def _complete_upload(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await self._completed(interaction, typed, uploads=True)

    async def _completed(
        self, interaction: "discord.Interaction[VerbatimBot]", typed: str, *, uploads: bool
    ) -> Choices:
        if not may_manage(interaction, self.bot.settings.manager_roles):
            return []
        try:
            server = _server(interaction)
            found = await self.bot.bridge.call_for(
                server, Lane.LOOK, self.bot.service.matching, server, typed, uploads=uploads
            )
        except UserError as error:
            log.warning("no choices: %s", error)
            return []
        return [app_commands.Choice(name=render.choice(one), value=str(one.id)) for one in found]


def default_permissions(roles: frozenset[int]) -> discord.Permissions | None:
    """To whom Discord shows the managing commands: managers, or everybody where other roles manage too."""
    return None if roles else discord.Permissions(manage_guild=True)


def _server(interaction: discord.Interaction) -> int:
    if interaction.guild_id is None:
        raise Refusal("That works in servers only.")
    return interaction.guild_id


def _outcome(added: Added) -> str:
    title = f"**{escape(label(added.article.title, render.CHOICE))}**"
    sentences = render.counted(added.article.sentences, "sentence")
    if added.outcome == "unchanged":
        return f"This file is already there, as {title}: {sentences}."
    if added.outcome == "changed":
        return f"Replaced: {title} is now this file, with {sentences}."
    return f"Added {title}: {sentences}."
