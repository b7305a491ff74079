"""`/reindex`: reads again what a server has uploaded and, for the operator, the operator's folder."""

import asyncio
import logging
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs import render
from cogs.access import demand_manager, may_manage
from cogs.articles import default_permissions
from cogs.errors import think
from cogs.markdown import without_folders
from index.errors import UserError
from index.indexer import Progress, SyncReport

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_BETWEEN_EDITS = 1.5  # seconds; Discord allows five edits in five seconds, for all of a channel's messages

Run = Callable[[Callable[[Progress], None], Event], SyncReport]


class ReindexCog(commands.Cog):
    """Runs a sync off the event loop and shows how far it is."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self.reindex.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def reindex(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """Read this server's uploaded articles again"""
        manages = may_manage(interaction, self.bot.settings.manager_roles)
        operates = await self.bot.is_owner(interaction.user)
        if not manages and not operates:
            demand_manager(interaction, self.bot.settings.manager_roles)
        await think(interaction, ephemeral=False)
        with self.bot.at_work():
            await self._reindex(interaction, manages=manages, operates=operates)

    async def _reindex(self, interaction: "discord.Interaction[VerbatimBot]", *, manages: bool, operates: bool) -> None:
        server, service = interaction.guild_id, self.bot.service
        assert server is not None  # noqa: S101 — the command exists in servers only
        live = LiveMessage(interaction)
        lines: list[str] = []
        errors: list[UserError] = []
        parts: list[tuple[int | None, str, Run]] = []
        if manages:
            parts.append((server, "this server", lambda progress, cancel: service.reread(server, progress, cancel)))
        if operates:
            parts.append((None, "the operator's folder", service.reread_operators))
        for corpus, what, run in parts:
            try:
                done = await self._watched(live, lines, (corpus, what, run))
            except UserError as error:
                errors.append(error)
                lines.append(
                    f"**{what.capitalize()}**: {render.note(without_folders(str(error), *self._folders), 900)}"
                )
                continue
            lines.append(render.report(what.capitalize(), done, *self._folders))
            numbers = {name: len(getattr(done, name)) for name in ("added", "changed", "removed", "failed")}
            log.info("reindexed", extra={"server": corpus, **numbers, "seconds": round(done.seconds, 1)})
        if len(errors) == len(parts):
            raise errors[0]
        await live.show("\n".join(lines), last=True)

    async def _watched(self, live: "LiveMessage", lines: list[str], part: tuple[int | None, str, Run]) -> SyncReport:
        """Runs one part; the message shows, besides `lines`, how far it is."""
        corpus, what, run = part
        states: asyncio.Queue[Progress] = asyncio.Queue()
        running = asyncio.ensure_future(self.bot.bridge.index(corpus, run, states.put_nowait))
        try:
            while not running.done():
                state = await _next_state(states, running)
                if state is not None:
                    await live.show("\n".join([*lines, render.progress(what, state).content]))
                    await asyncio.wait({running}, timeout=_BETWEEN_EDITS)
            if running.cancelled():
                raise UserError("I was stopped before that began. Run it again.")
            return running.result()
        finally:
            running.cancel()

    @property
    def _folders(self) -> tuple[str, str]:
        return str(self.bot.settings.articles.parent), str(self.bot.settings.data)


async def _next_state(states: asyncio.Queue[Progress], running: asyncio.Future[SyncReport]) -> Progress | None:
    """The newest state, as soon as there is one; None if the run ends before."""
    first = asyncio.ensure_future(states.get())
    either: set[asyncio.Future[Any]] = {first, running}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not first.done():
        first.cancel()
        return None
    state = first.result()
    while not states.empty():
        state = states.get_nowait()
    return state


class LiveMessage:
    """The answer to a command, edited as long as the work takes.

    An interaction's token is good for 15 minutes; after that the same message is edited as an ordinary one of the bot.
    """

    def __init__(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        self._interaction = interaction
        self._message: int | None = interaction.extras.get("message")
        self._outlived = False

    async def show(self, text: str, *, last: bool = False) -> None:
        """Shows `text`. What cannot be shown is logged, and does not end the work; the `last` may come as a new one."""
        if not self._outlived and not self._interaction.is_expired():
            try:
                await self._interaction.edit_original_response(content=text)
            except discord.HTTPException as error:
                if error.status not in (401, 404):
                    log.warning("progress not shown: %s", error)
                    return
                self._outlived = True
            else:
                return
        await self._show_in_channel(text, last=last)

    async def _show_in_channel(self, text: str, *, last: bool) -> None:
        interaction = self._interaction
        assert interaction.channel_id is not None  # noqa: S101 — commands are used in channels
        channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)
        try:
            if self._message is not None:
                await channel.get_partial_message(self._message).edit(content=text)
                return
        except discord.HTTPException as error:
            log.warning("progress not shown: %s", error)
        if last:
            try:
                await channel.send(text)
            except discord.HTTPException as error:
                log.warning("report not shown: %s", error)
