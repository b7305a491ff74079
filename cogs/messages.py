"""“Index this message”, in the menu of a message: its text, its files and its links become articles.

The text of the message comes with the interaction, so that no privileged intent is needed to read it.
"""

import logging
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import reports
from cogs.access import demand_manager
from cogs.adding import add_file, add_link, add_text, server_of
from cogs.additions import Addition
from cogs.articles import default_permissions
from cogs.errors import think
from cogs.markdown import escape, label
from cogs.pasted import links_in, message_text
from cogs.refusal import Refusal
from cogs.sending import LiveMessage
from cogs.speech import _, told

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_NOT_READ = ("image/", "video/", "audio/")  # not worth fetching; of all else the content decides


class MessagesCog(commands.Cog):
    """Adds what stands in a message to the articles of its server."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._menu = app_commands.ContextMenu(
            name="Index this message",
            callback=self._index,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        self._menu.default_permissions = default_permissions(bot.settings.manager_roles)

    async def cog_load(self) -> None:
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    async def _index(self, interaction: "discord.Interaction[VerbatimBot]", message: discord.Message) -> None:
        demand_manager(interaction)
        server = server_of(interaction)
        if self.bot.user is not None and message.author.id == self.bot.user.id:
            raise Refusal(_("That is a message of mine: what I say stands in the articles already."))
        await think(interaction, ephemeral=True)
        lines: list[str] = []
        live = LiveMessage(interaction)
        async with self.bot.bridge.turn(server):
            for name, adding in self._parts(interaction, message):
                lines.append(f"**{escape(label(name, 80))}**\n{await self._outcome(adding)}")
                await live.show(reports.stacked([*lines, "…"]))
        if not lines:
            raise Refusal(
                _("There is nothing to read in this message: no text of more than a few words, file or link.")
            )
        await live.show(reports.stacked(lines), last=True)

    def _parts(
        self, interaction: "discord.Interaction[VerbatimBot]", message: discord.Message
    ) -> Iterator[tuple[str, Awaitable[Addition] | None]]:
        """What there is in a message, by name, with what adds it; None where there is no use in trying."""
        server, said = server_of(interaction), message.clean_content
        if text := message_text(said):
            author, day = message.author.display_name, message.created_at.date()
            written = add_text(self.bot, server, text, message.id, url=message.jump_url, author=author, day=day)
            yield _("The text"), written
        for file in message.attachments:
            is_text = not (file.content_type or "").startswith(_NOT_READ)
            yield file.filename, add_file(self.bot, server, file) if is_text else None
        for link in links_in(message.content):
            yield link, add_link(interaction, link)

    async def _outcome(self, adding: Awaitable[Addition] | None) -> str:
        """What became of one part; a refusal of it costs none of the others."""
        if adding is None:
            return _("Pictures, sounds and films hold no text that I can read.")
        try:
            added = await adding
        except Refusal as error:
            return escape(label(told(error.said), 300))
        log.info("%s of a message added", added.kind, extra={"articles": len(added.articles)})
        return reports.added(added, *self.bot.settings.folders)
