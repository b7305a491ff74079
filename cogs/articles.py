"""`/articles add`, `list`, `show` and `remove`: what a server's own people put in and take out."""

import logging
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import lists, reports
from cogs.access import demand_manager, may_manage
from cogs.adding import add_file, add_link, server_of
from cogs.asking import send_elsewhere
from cogs.bridge import Lane
from cogs.errors import think
from cogs.form import TextForm
from cogs.refusal import Refusal
from cogs.removing import removal_question
from cogs.sending import LiveMessage, deliver
from cogs.speech import _
from cogs.turning import article_sheet, articles_page, may_read
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
        file="A document: PDF, Word, EPUB, HTML, Markdown or text, or a ZIP of such",
        link="The address of a page, a document or a feed on the web",
        replaces="The uploaded article whose place it takes, if any",
    )
    async def add(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        file: discord.Attachment | None = None,
        link: app_commands.Range[str, 1, 2_000] | None = None,
        replaces: app_commands.Range[str, 1, 100] | None = None,
    ) -> None:
        """Add an article from a file or a link, or with neither by pasting its text"""
        demand_manager(interaction)
        server = server_of(interaction)
        if file is not None and link is not None:
            raise Refusal(_("Give either a file or a link, and add the other one afterwards."))
        if link is not None and replaces is not None:
            raise Refusal(_("A link takes no other article's place: add it, then remove the other one."))
        if file is None and link is None:
            await interaction.response.send_modal(TextForm(await self._replaced(server, replaces)))
            return
        if file is not None:
            self.bot.additions.demand_acceptable(file.filename, file.size)
        await think(interaction, ephemeral=True)
        live = LiveMessage(interaction)
        async with self.bot.bridge.turn(server):
            if file is not None:  # what it replaces is looked up before anything is fetched
                replaced = await self._replaced(server, replaces)
                added = await add_file(self.bot, server, file, replaces=replaced)
            else:
                added = await add_link(interaction, link or "", live)
        log.info("%s added", added.kind, extra={"server": server, "articles": len(added.articles)})
        await live.show(reports.added(added, *self.bot.settings.folders), last=True)

    async def _replaced(self, server: int, replaces: str | None) -> str | None:
        """The address of the upload that is meant. Raises Refusal where the server has no such one."""
        if replaces is None:
            return None
        find = self.bot.service.find
        return (await self.bot.bridge.call_for(server, Lane.LOOK, find, server, replaces, upload=True)).source

    @app_commands.command(name="list")
    async def list_(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """List the articles of this server"""
        if not may_read(interaction):
            await send_elsewhere(interaction)
            return
        await think(interaction, ephemeral=True)
        embed, view = await articles_page(interaction, interaction.user.id, 0)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))

    @app_commands.command()
    @app_commands.describe(article="Which one; begin to type its title")
    async def show(
        self, interaction: "discord.Interaction[VerbatimBot]", article: app_commands.Range[str, 1, 100]
    ) -> None:
        """Show what is known of an article, and its text"""
        if not may_read(interaction):
            await send_elsewhere(interaction)
            return
        await think(interaction, ephemeral=True)
        server = server_of(interaction)
        found = await self.bot.bridge.call_for(server, Lane.LOOK, self.bot.service.find, server, article)
        embed, view = await article_sheet(interaction, interaction.user.id, found.id, 0)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))

    @app_commands.command()
    @app_commands.describe(article="Which one; begin to type its title")
    async def remove(
        self, interaction: "discord.Interaction[VerbatimBot]", article: app_commands.Range[str, 1, 100]
    ) -> None:
        """Remove an article for good"""
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        server = server_of(interaction)
        found = await self.bot.bridge.call_for(server, Lane.LOOK, self.bot.service.find, server, article)
        question, view = removal_question(found)
        await deliver(lambda: interaction.edit_original_response(content=question, view=view))

    @show.autocomplete("article")
    async def _complete_shown(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await self._completed(interaction, typed) if may_read(interaction) else []

    @remove.autocomplete("article")
    async def _complete_article(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await self._completed(interaction, typed) if may_manage(interaction) else []

    @add.autocomplete("replaces")
    async def _complete_upload(self, interaction: "discord.Interaction[VerbatimBot]", typed: str) -> Choices:
        return await self._completed(interaction, typed, uploads=True) if may_manage(interaction) else []

    async def _completed(
        self, interaction: "discord.Interaction[VerbatimBot]", typed: str, *, uploads: bool = False
    ) -> Choices:
        try:
            server = server_of(interaction)
            found = await self.bot.bridge.call_for(
                server, Lane.LOOK, self.bot.service.matching, server, typed, uploads=uploads
            )
        except UserError as error:
            log.warning("no choices: %s", error)
            return []
        return [app_commands.Choice(name=lists.choice(one), value=str(one.id)) for one in found]


def default_permissions(roles: frozenset[int]) -> discord.Permissions | None:
    """To whom Discord shows the managing commands: managers, or everybody where other roles manage too."""
    return None if roles else discord.Permissions(manage_guild=True)
