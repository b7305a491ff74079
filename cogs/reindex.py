"""`/reindex`: looks again at all that a server's articles come from and, for the operator, at the operator's own."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import reports
from cogs.access import demand_manager, may_manage
from cogs.adding import server_of, watched
from cogs.articles import default_permissions
from cogs.errors import in_full, said, think
from cogs.refusal import Refusal
from cogs.sending import SENDING, LiveMessage, deliver
from cogs.sources import Refreshed
from index.errors import UserError
from index.report import ProgressCallback

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Part:
    """A corpus to look at: of a server, or the operator's (None), whose file names are the operator's alone."""

    corpus: int | None
    what: reports.What


@dataclass(slots=True)
class _Said:
    """What the public message says so far, what only whoever used the command is told, and what went wrong."""

    lines: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)


class ReindexCog(commands.Cog):
    """Runs a refresh off the event loop and shows how far it is."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self.reindex.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.describe(preview="Only say what would change")
    async def reindex(self, interaction: "discord.Interaction[VerbatimBot]", preview: bool = False) -> None:
        """Look again at everything that this server's articles come from"""
        manages = may_manage(interaction)
        operates = await self.bot.is_owner(interaction.user)
        if not manages and not operates:
            demand_manager(interaction)
        server = server_of(interaction)
        await think(interaction, ephemeral=False)
        parts = [_Part(server, "server")] if manages else []
        parts += [_Part(None, "operator")] if operates else []
        await self._look_at(interaction, parts, preview=preview)

    async def _look_at(
        self, interaction: "discord.Interaction[VerbatimBot]", parts: list[_Part], *, preview: bool
    ) -> None:
        """Looks at these parts one after the other. The public message counts; what it can't say, one person is told:
        the operator's file names, and questions, which may have been asked elsewhere than here."""
        live, said_so_far = LiveMessage(interaction), _Said()
        for part in parts:
            try:
                done = await self._watched(live, said_so_far.lines, part, preview=preview)
            except UserError as error:
                self._tell_error(part, error, said_so_far)
            else:
                self._tell(part, done, said_so_far)
        if len(said_so_far.errors) == len(parts):
            raise said_so_far.errors[0]
        await live.show(reports.stacked(said_so_far.lines), last=True)
        if said_so_far.private:
            await _whisper(interaction, reports.stacked(said_so_far.private))

    def _tell(self, part: _Part, done: Refreshed, to: _Said) -> None:
        to.lines.append(reports.report(reports.heading(part.what), done.report))
        if details := reports.details(done, *self.bot.settings.folders):
            (to.private if part.corpus is None else to.lines).append(details)
        if done.answered:
            to.lines.append(reports.answers(done.answered))
            to.private += reports.waiting(done.answered)
        done.log(part.corpus, "previewed" if done.report.dry_run else "reindexed")

    def _tell_error(self, part: _Part, error: UserError, to: _Said) -> None:
        to.errors.append(error)
        to.lines.append(f"**{reports.heading(part.what)}**: {said(error)}")
        if part.corpus is None and not isinstance(error, Refusal):
            to.private.append(in_full(error, self.bot.settings))

    async def _watched(self, live: LiveMessage, lines: list[str], part: _Part, *, preview: bool) -> Refreshed:
        """Looks at one part; the message shows, besides `lines`, how far it is."""
        refresh = self.bot.sources.refresh

        def run(progress: ProgressCallback, cancel: Event) -> Refreshed:
            return refresh(part.corpus, progress, cancel, dry_run=preview)

        def start(progress: ProgressCallback) -> Awaitable[Refreshed]:
            return self.bot.bridge.index(part.corpus, run, progress)

        await live.show(reports.stacked([*lines, reports.starting(part.what)]))
        return await watched(live, start, lambda now: reports.stacked([*lines, reports.progress(part.what, now)]))


async def _whisper(interaction: discord.Interaction, text: str) -> None:
    """Tells whoever used the command alone; the log knows it, too."""
    try:
        await deliver(lambda: interaction.followup.send(text, ephemeral=True))
    except SENDING as error:
        log.warning("not told: %s", error)
