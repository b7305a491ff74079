"""`/export`: a server's own articles as ZIPs that can be added again, here or elsewhere; for managers alone."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast

import discord
from discord import app_commands
from discord.ext import commands

from cogs.access import demand_manager
from cogs.adding import server_of
from cogs.articles import default_permissions
from cogs.bridge import Lane
from cogs.catalogue import too_large
from cogs.errors import think
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.speech import _, n_
from index.export import Part

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_MOST = 20  # ZIPs; more are for the terminal
_IN_MEMORY = 1024 * 1024  # bytes of each, at most; the rest is on the disk
_OF_MESSAGE = 10  # files
_BYTES_OF_MESSAGE = 25 * 1024 * 1024
_TOO_LARGE = 413


class ExportCog(commands.Cog):
    """Writes the articles away from the event loop, and sends them to whoever asked alone."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self.export.default_permissions = default_permissions(bot.settings.manager_roles)
        self._under_way: set[int] = set()

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def export(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """Get the articles of this server as a ZIP that can be added again"""
        demand_manager(interaction)
        server = server_of(interaction)
        await think(interaction, ephemeral=True)
        with self._alone(server), ExitStack() as files:
            # What is sent can be added again, which takes no more than a file may have.
            largest = min(interaction.filesize_limit, self.bot.settings.max_bytes)
            create = partial(_created, files, self.bot.settings.data)
            export = partial(self.bot.catalogue.export, max_bytes=largest, most=_MOST, cancel=self.bot.bridge.closing)
            parts = await self.bot.bridge.call_for(server, Lane.SURVEY, export, server, create)
            if not parts:
                raise Refusal(_("This server has no articles of its own yet. Add the first with /articles add."))
            await _send(interaction, parts)
        log.info("exported", extra={"server": server, "articles": sum(one.articles for one in parts)})

    @contextmanager
    def _alone(self, server: int) -> Iterator[None]:
        """One export of each server at a time."""
        if server in self._under_way:
            raise Refusal(_("The articles of this server are being exported already. Wait until that is done."))
        self._under_way.add(server)
        try:
            yield
        finally:
            self._under_way.discard(server)


def _created(files: ExitStack, folder: Path) -> IO[bytes]:
    """A file without a name, which goes with the program however that ends."""
    return files.enter_context(SpooledTemporaryFile(_IN_MEMORY, dir=str(folder)))


async def _send(interaction: discord.Interaction, parts: Sequence[Part]) -> None:
    """Sends the ZIPs, in as many messages as that takes.

    Raises:
        Refusal: Discord takes less than it said.
    """
    day = interaction.created_at.date().isoformat()
    names = [f"articles-{day}.zip"] + [f"articles-{day}-{n}.zip" for n in range(2, len(parts) + 1)]
    named = list(zip(parts, names, strict=True))
    text: str | None = _words(parts)
    try:
        for group in _messages(named):
            if text is not None:
                await deliver(partial(_edit, interaction, text, group))
            else:
                await deliver(partial(_follow_up, interaction, group))
            text = None
    except discord.HTTPException as error:
        if error.status != _TOO_LARGE:
            raise
        raise Refusal(too_large(server_of(interaction))) from error


def _words(parts: Sequence[Part]) -> str:
    articles = sum(one.articles for one in parts)
    lines = [n_("Here is {number} article of this server.", "Here are the {number} articles of this server.", articles)]
    if len(parts) > 1:
        lines.append(n_("They take {number} ZIP.", "They take {number} ZIPs; each can be added by itself.", len(parts)))
    lines.append(_("`/articles add` reads them again, here or on another server."))
    lines.append(_("-# They hold texts, titles, authors, links and dates, but no original files."))
    return "\n".join(lines)


def _messages(named: Sequence[tuple[Part, str]]) -> Iterator[list[tuple[Part, str]]]:
    """The files of one message after the other."""
    group: list[tuple[Part, str]] = []
    for one in named:
        size = sum(part.size for part, _name in [*group, one])
        if group and (len(group) == _OF_MESSAGE or size > _BYTES_OF_MESSAGE):
            yield group
            group = []
        group.append(one)
    yield group


async def _edit(interaction: discord.Interaction, text: str, group: Sequence[tuple[Part, str]]) -> None:
    await interaction.edit_original_response(content=text, attachments=_files(group))


async def _follow_up(interaction: discord.Interaction, group: Sequence[tuple[Part, str]]) -> None:
    await interaction.followup.send(files=_files(group), ephemeral=True)


def _files(group: Sequence[tuple[Part, str]]) -> list[discord.File]:
    """The files from their beginnings, for one attempt to send them."""
    for part, _name in group:
        part.file.seek(0)
    return [discord.File(cast("Any", part.file), name) for part, name in group]
