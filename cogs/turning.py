"""Lists and articles, turned to another page by buttons that outlive a restart; and who may read them where."""

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs import lists, pages
from cogs.access import demand_manager, may_manage
from cogs.asking import is_answered_here, send_elsewhere
from cogs.bridge import Lane
from cogs.buttons import telling
from cogs.lists import KINDS, Of
from cogs.refusal import Refusal
from cogs.removing import AskRemoveButton
from cogs.sending import deliver
from cogs.service import NOWHERE
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot


class PageButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"(?P<of>articles|feeds|sources):page:(?P<reader>\d{1,20}):(?P<page>\d{1,6})",
):
    """Turns a list of a server's articles or sources to a page, for whoever asked for the list and for managers."""

    def __init__(self, of: str, reader: int, page: int, text: str = "…") -> None:
        super().__init__(ui.Button(label=text, custom_id=f"{of}:page:{reader}:{page}"))
        self.of = of
        self.reader = reader
        self.page = page

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["of"], int(match["reader"]), int(match["page"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        if self.of != "articles":
            demand_manager(interaction)
        elif not may_read(interaction):
            await send_elsewhere(interaction)
            return
        else:
            _demand_reader(interaction, self.reader)
        await interaction.response.defer()
        if self.of == "articles":
            embed, view = await articles_page(interaction, self.reader, self.page)
        else:
            of: Of = "feeds" if self.of == "feeds" else "sources"
            embed, view = await sources_page(interaction, of, self.reader, self.page)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))


class TextButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"articles:text:(?P<article>\d{1,18}):(?P<reader>\d{1,20}):(?P<page>\d{1,6})",
):
    """Turns to a page of an article's text, for whoever asked to see it and for managers."""

    def __init__(self, article: int, reader: int, page: int, text: str = "…") -> None:
        super().__init__(ui.Button(label=text, custom_id=f"articles:text:{article}:{reader}:{page}"))
        self.article = article
        self.reader = reader
        self.page = page

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["article"]), int(match["reader"]), int(match["page"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        if not may_read(interaction):
            await send_elsewhere(interaction)
            return
        _demand_reader(interaction, self.reader)
        await interaction.response.defer()
        embed, view = await article_sheet(interaction, self.reader, self.article, self.page)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))


def may_read(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Whether articles are shown to whoever used this, here: to managers everywhere, to others where they may ask."""
    return may_manage(interaction) or is_answered_here(interaction)


def _demand_reader(interaction: "discord.Interaction[VerbatimBot]", reader: int) -> None:
    if interaction.user.id != reader and not may_manage(interaction):
        raise Refusal(_("Only whoever asked for this turns its pages. Use /articles list for a list of your own."))


async def articles_page(
    interaction: "discord.Interaction[VerbatimBot]", reader: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """A page of the articles of the server in which this was used, and the buttons to its neighbours."""
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    shelf = await bot.bridge.call_for(server, Lane.LOOK, bot.service.shelf, server)
    embed, page, pages = lists.page_of(shelf, page)
    return embed, _turning(page, pages, functools.partial(PageButton, "articles", reader))


async def sources_page(
    interaction: "discord.Interaction[VerbatimBot]", of: Of, reader: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """As `articles_page`, of the feeds or of all sources."""
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    listed = await bot.bridge.call_for(server, Lane.LOOK, bot.sources.listed, server, KINDS[of])
    embed, page, pages = lists.sources_page(of, listed, page)
    return embed, _turning(page, pages, functools.partial(PageButton, of, reader))


async def article_sheet(
    interaction: "discord.Interaction[VerbatimBot]", reader: int, article: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """A page of an article's text with what is known of it, and the buttons below it.

    Raises:
        Refusal: the server in which this was used has no such article (any more).
    """
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    sheet = await bot.bridge.call_for(server, Lane.LOOK, bot.catalogue.sheet, server, article, page)
    view = _turning(sheet.page, sheet.pages, functools.partial(TextButton, article, reader))
    if may_manage(interaction):
        view.add_item(AskRemoveButton(article))
    return pages.embed(sheet), view


def _turning(page: int, pages: int, button: Callable[[int, str], ui.Item[Any]]) -> ui.View:
    view = ui.View(timeout=None)
    if page > 0:
        view.add_item(button(page - 1, _("◀ Previous")))
    if page + 1 < pages:
        view.add_item(button(page + 1, _("Next ▶")))
    return view


BUTTONS = (PageButton, TextButton)
