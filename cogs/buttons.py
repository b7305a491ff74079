"""Buttons that outlive a restart: all that they need stands in their id, and is checked again when they are pressed."""

import functools
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

import discord
from discord import ui

from cogs import render
from cogs.access import demand_manager, may_manage
from cogs.bridge import Lane
from cogs.errors import tell
from cogs.markdown import escape, label
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.service import NOWHERE

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

Item = TypeVar("Item")
Press = Callable[[Item, Any], Coroutine[Any, Any, None]]


def _telling(press: Press[Item]) -> Press[Item]:
    """A callback whose errors are told to whoever pressed; discord.py would only log them."""

    @functools.wraps(press)
    async def callback(self: Item, interaction: "discord.Interaction[VerbatimBot]") -> None:
        interaction.client.work()
        try:
            await press(self, interaction)
        except Exception as error:
            await tell(interaction, error)

    return callback


class PageButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:page:(?P<reader>\d{1,20}):(?P<page>\d{1,6})"):
    """Turns the list of a server's articles to a page, for whoever asked for the list and for managers."""

    def __init__(self, reader: int, page: int, text: str = "…") -> None:
        super().__init__(ui.Button(label=text, custom_id=f"articles:page:{reader}:{page}"))
        self.reader = reader
        self.page = page

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["reader"]), int(match["page"]))

    @_telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot = interaction.client
        if interaction.user.id != self.reader and not may_manage(interaction, bot.settings.manager_roles):
            raise Refusal("Only whoever asked for this list turns its pages. Use /articles list for one of your own.")
        await interaction.response.defer()
        embed, view = await articles_page(interaction, self.reader, self.page)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))


async def articles_page(
    interaction: "discord.Interaction[VerbatimBot]", reader: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """A page of the articles of the server in which this was used, and the buttons to its neighbours."""
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    articles = await bot.bridge.call_for(server, Lane.LOOK, bot.service.articles, server)
    shared = await bot.bridge.call_for(server, Lane.LOOK, bot.service.shared, server)
    embed, page, pages = render.page_of(articles, shared, page)
    view = ui.View(timeout=None)
    if page > 0:
        view.add_item(PageButton(reader, page - 1, "◀ Previous"))
    if page + 1 < pages:
        view.add_item(PageButton(reader, page + 1, "Next ▶"))
    return embed, view


class RemoveButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:remove:(?P<article>\d{1,18})"):
    """Removes one of the server's own articles, after the question whether it should."""

    def __init__(self, article: int) -> None:
        super().__init__(
            ui.Button(label="Remove", style=discord.ButtonStyle.danger, custom_id=f"articles:remove:{article}")
        )
        self.article = article

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["article"]))

    @_telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot = interaction.client
        demand_manager(interaction, bot.settings.manager_roles)
        await interaction.response.defer()
        server = interaction.guild_id or NOWHERE
        removed = await bot.bridge.call_for(server, Lane.CHANGE, bot.service.remove, server, self.article)
        title = escape(label(removed.title, render.CHOICE))
        content = f"Removed **{title}** for good."
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


class KeepButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:keep"):
    """Leaves everything as it is."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label="Keep", style=discord.ButtonStyle.secondary, custom_id="articles:keep"))

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @_telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.edit_message(content="Nothing was removed.", view=None)


BUTTONS = (PageButton, RemoveButton, KeepButton)
