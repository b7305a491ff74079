"""`/gaps`: what people asked in vain, for those who can add an article about it. People are counted, never named."""

import logging
import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.access import demand_manager
from cogs.adding import server_of
from cogs.articles import default_permissions
from cogs.bridge import Lane
from cogs.buttons import telling
from cogs.errors import think
from cogs.markdown import escape, label
from cogs.missing import DAYS, Gap, Gaps
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.speech import _, n_

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

PAGE = 5  # gaps on one page
_QUESTION, _OTHER = 250, 90  # characters
_OTHERS = 3  # other wordings shown of one gap
_COLOUR = 0x4E5058


class GapsCog(commands.Cog):
    """Shows the gaps of the server in which it is used, and of no other; for managers alone."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self.gaps.default_permissions = default_permissions(bot.settings.manager_roles)

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def gaps(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """See which questions this server’s articles leave open"""
        demand_manager(interaction)
        demand_log(interaction)
        await think(interaction, ephemeral=True)
        await _show(interaction, 0)


class GapsPageButton(ui.DynamicItem[ui.Button[Any]], template=r"gaps:page:(?P<page>\d{1,6})"):
    """Turns to a page of the gaps, as they are when it is pressed."""

    def __init__(self, page: int, text: str = "…") -> None:
        super().__init__(ui.Button(label=text, custom_id=f"gaps:page:{page}"))
        self.page = page

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["page"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_manager(interaction)
        demand_log(interaction)
        await interaction.response.defer()
        await _show(interaction, self.page)


def demand_log(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """Raises Refusal where no questions are kept."""
    if not interaction.client.preferences(server_of(interaction)).log_questions:
        raise Refusal(
            _(
                "This server keeps no question log, so I do not know what was asked in vain. Somebody with the "
                "permission “Manage Server” can turn it on with /settings."
            )
        )


async def _show(interaction: "discord.Interaction[VerbatimBot]", page: int) -> None:
    bot, server = interaction.client, server_of(interaction)
    found = await bot.bridge.call_for(server, Lane.SURVEY, bot.missing.gaps, server, bot.bridge.closing)
    shown, page, pages = embed(found, page)
    view = ui.View(timeout=None)
    if page > 0:
        view.add_item(GapsPageButton(page - 1, _("◀ Previous")))
    if page + 1 < pages:
        view.add_item(GapsPageButton(page + 1, _("Next ▶")))
    await deliver(lambda: interaction.edit_original_response(embed=shown, view=view))


def embed(found: Gaps, page: int) -> tuple[discord.Embed, int, int]:
    """A page of the gaps, its number (the nearest there is) and the number of pages, from 0. Pure."""
    pages = max(1, -(-len(found.gaps) // PAGE))
    page = min(max(page, 0), pages - 1)
    lines = [_lines(one) for one in found.gaps[page * PAGE : (page + 1) * PAGE]]
    if not lines:
        lines = [_("Nothing: no question of the last {days} days is without an answer now.", days=DAYS)]
    else:
        lines.append(_("-# To fill a gap, add an article that tells: `/articles add`."))
    shown = discord.Embed(title=_("Questions without an answer"), description="\n\n".join(lines), colour=_COLOUR)
    return shown.set_footer(text=" · ".join(_footer(found, page, pages))), page, pages


def _lines(gap: Gap) -> str:
    people = n_("{number} person missed an answer", "{number} people missed an answer", gap.people)
    lines = [
        f"**{escape(label(gap.question, _QUESTION))}**",
        "-# " + _("{people} · last {when}", people=people, when=f"<t:{int(gap.last)}:R>"),
    ]
    lines += [f"-# – {escape(label(one, _OTHER))}" for one in gap.others[:_OTHERS]]
    if (more := len(gap.others) - _OTHERS) > 0:
        lines.append("-# – " + n_("and asked in {number} other way", "and asked in {number} other ways", more))
    return "\n".join(lines)


def _footer(found: Gaps, page: int, pages: int) -> list[str]:
    parts = [_("Page {page} of {pages}", page=page + 1, pages=pages)] if pages > 1 else []
    parts.append(n_("{number} gap", "{number} gaps", len(found.gaps)))
    parts.append(_("the last {days} days", days=DAYS))
    if found.answered:
        parts.append(
            n_("{number} question is answered by now", "{number} questions are answered by now", found.answered)
        )
    if found.unchecked:
        parts.append(
            n_("{number} was not asked again", "{number} were not asked again", found.unchecked)  # the time was up
        )
    if found.older:
        parts.append(n_("{number} older question left out", "{number} older questions left out", found.older))
    return parts


BUTTONS = (GapsPageButton,)
