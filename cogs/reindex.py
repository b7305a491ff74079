"""`/reindex`: reads again what a server has uploaded and, for the operator, the operator's folder."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs import render
from cogs.access import demand_manager, may_manage
from cogs.articles import default_permissions
from cogs.errors import in_full, said, think
from cogs.refusal import Refusal
from cogs.sending import SENDING, LiveMessage, deliver
from index.errors import UserError
from index.indexer import Progress, SyncReport

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_BETWEEN_EDITS = 1.5  # seconds; Discord allows five edits in five seconds, for all of a channel's messages

Run = Callable[[Callable[[Progress], None], Event], SyncReport]


@dataclass(frozen=True, slots=True)
class _Part:
    """A corpus to read again: of a server, or the operator's (None), whose file names are the operator's alone."""

    corpus: int | None
    what: str
    run: Run


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
        server, service = interaction.guild_id, self.bot.service
        assert server is not None  # noqa: S101 — the command exists in servers only
        parts: list[_Part] = []
        if manages:
            own = _Part(server, "this server", lambda progress, cancel: service.reread(server, progress, cancel))
            parts.append(own)
        if operates:
            parts.append(_Part(None, "the operator's folder", service.reread_operators))
        await self._read(interaction, parts)

    async def _read(self, interaction: "discord.Interaction[VerbatimBot]", parts: list[_Part]) -> None:
        """Reads these parts one after the other. The public message counts; what it can't say, the operator is told."""
        live = LiveMessage(interaction)
        lines: list[str] = []
        private: list[str] = []
        errors: list[UserError] = []
        for part in parts:
            title = part.what.capitalize()
            try:
                done = await self._watched(live, lines, part)
            except UserError as error:
                errors.append(error)
                lines.append(f"**{title}**: {said(error)}")
                if part.corpus is None and not isinstance(error, Refusal):
                    private.append(in_full(error, self.bot.settings))
                continue
            lines.append(render.report(title, done))
            if failed := render.failures(done, *self.bot.settings.folders):
                (private if part.corpus is None else lines).append(failed)
            _log(part, done)
        if len(errors) == len(parts):
            raise errors[0]
        await live.show("\n".join(lines), last=True)
        if private:
            await _whisper(interaction, "\n".join(private))

    async def _watched(self, live: LiveMessage, lines: list[str], part: _Part) -> SyncReport:
        """Runs one part; the message shows, besides `lines`, how far it is."""
        states: asyncio.Queue[Progress] = asyncio.Queue()
        running = asyncio.ensure_future(self.bot.bridge.index(part.corpus, part.run, states.put_nowait))
        try:
            await live.show("\n".join([*lines, render.starting(part.what)]))
            while not running.done():
                state = await _next_state(states, running)
                if state is not None:
                    await live.show("\n".join([*lines, render.progress(part.what, state).content]))
                    await asyncio.wait({running}, timeout=_BETWEEN_EDITS)
            return running.result()
        finally:
            running.cancel()


async def _next_state(states: asyncio.Queue[Progress], running: asyncio.Future[SyncReport]) -> Progress | None:
    """The newest state, as soon as there is one; None if the run ends before."""
    first = asyncio.ensure_future(states.get())
    either: set[asyncio.Future[Any]] = {first, running}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            return None
    finally:
        first.cancel()
    state = first.result()
    while not states.empty():
        state = states.get_nowait()
    return state


def _log(part: _Part, done: SyncReport) -> None:
    numbers = {name: len(getattr(done, name)) for name in ("added", "changed", "removed", "failed")}
    log.info("reindexed", extra={"server": part.corpus, **numbers, "seconds": round(done.seconds, 1)})
    for source, why in done.failed:
        log.warning("not read: %s: %s", source, why, extra={"server": part.corpus})


async def _whisper(interaction: discord.Interaction, text: str) -> None:
    """Tells whoever used the command alone; the log knows it, too."""
    try:
        await deliver(lambda: interaction.followup.send(text, ephemeral=True))
    except SENDING as error:
        log.warning("not told: %s", error)
