"""Buttons that outlive a restart: all that they need stands in their id, and is checked again when they are pressed."""

import functools
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

import discord
from discord import ui

from cogs import render, reports
from cogs.access import demand_manager, may_manage
from cogs.bridge import Lane
from cogs.errors import tell
from cogs.markdown import escape, label
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.service import NOWHERE
from cogs.speech import language_of, speak

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

Item = TypeVar("Item")
Press = Callable[[Item, Any], Coroutine[Any, Any, None]]


def telling(press: Press[Item]) -> Press[Item]:
    """A callback whose errors are told to whoever pressed; discord.py would only log them."""

    @functools.wraps(press)
    async def callback(self: Item, interaction: "discord.Interaction[VerbatimBot]") -> None:
        interaction.client.work()
        speak(language_of(interaction.locale))
        try:
            await press(self, interaction)
        except Exception as error:
            await tell(interaction, error)

    return callback


class PageButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"(?P<of>articles|feeds):page:(?P<reader>\d{1,20}):(?P<page>\d{1,6})",
):
    """Turns a list of a server's articles or feeds to a page, for whoever asked for the list and for managers."""

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
        if self.of == "feeds":
            demand_manager(interaction)
        elif interaction.user.id != self.reader and not may_manage(interaction):
            raise Refusal("Only whoever asked for this list turns its pages. Use /articles list for one of your own.")
        await interaction.response.defer()
        page = feeds_page if self.of == "feeds" else articles_page
        embed, view = await page(interaction, self.reader, self.page)
        await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))


async def articles_page(
    interaction: "discord.Interaction[VerbatimBot]", reader: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """A page of the articles of the server in which this was used, and the buttons to its neighbours."""
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    shelf = await bot.bridge.call_for(server, Lane.LOOK, bot.service.shelf, server)
    embed, page, pages = reports.page_of(shelf, page)
    return embed, _turning("articles", reader, page, pages)


async def feeds_page(
    interaction: "discord.Interaction[VerbatimBot]", reader: int, page: int
) -> tuple[discord.Embed, ui.View]:
    """As `articles_page`, of the feeds."""
    bot, server = interaction.client, interaction.guild_id or NOWHERE
    feeds = await bot.bridge.call_for(server, Lane.LOOK, bot.sources.feeds, server)
    embed, page, pages = reports.feeds_page([(one, bot.sources.next_look(one)) for one in feeds], page)
    return embed, _turning("feeds", reader, page, pages)


def _turning(of: str, reader: int, page: int, pages: int) -> ui.View:
    view = ui.View(timeout=None)
    if page > 0:
        view.add_item(PageButton(of, reader, page - 1, "◀ Previous"))
    if page + 1 < pages:
        view.add_item(PageButton(of, reader, page + 1, "Next ▶"))
    return view


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

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot = interaction.client
        demand_manager(interaction)
        await interaction.response.defer()
        server = interaction.guild_id or NOWHERE
        removed = await bot.bridge.call_for(server, Lane.CHANGE, bot.service.remove, server, self.article)
        title = escape(label(removed.title, reports.CHOICE))
        content = f"Removed **{title}** for good."
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


class RemoveFeedButton(
    ui.DynamicItem[ui.Button[Any]], template=r"feeds:remove:(?P<feed>\d{1,18}):(?P<articles>all|none)"
):
    """Removes one of the server's own feeds, with all of its articles or none, after the question which."""

    def __init__(self, feed: int, *, with_articles: bool) -> None:
        text = "Remove it and its articles" if with_articles else "Remove it, keep its articles"
        style = discord.ButtonStyle.danger if with_articles else discord.ButtonStyle.primary
        custom_id = f"feeds:remove:{feed}:{'all' if with_articles else 'none'}"
        super().__init__(ui.Button(label=text, style=style, custom_id=custom_id))
        self.feed = feed
        self.with_articles = with_articles

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["feed"]), with_articles=match["articles"] == "all")

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot = interaction.client
        demand_manager(interaction)
        await interaction.response.defer()
        server = interaction.guild_id or NOWHERE
        remove = functools.partial(bot.sources.remove, keep_articles=not self.with_articles)
        feed, articles = await bot.bridge.call_for(server, Lane.CHANGE, remove, server, self.feed)
        went = f", with {render.counted(articles, 'article')}" if self.with_articles else "; its articles stay"
        content = f"Removed the feed **{escape(label(feed.title or feed.address, reports.CHOICE))}**{went}."
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


class KeepButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:keep"):
    """Leaves everything as it is."""

    def __init__(self, text: str = "Keep") -> None:
        super().__init__(ui.Button(label=text, style=discord.ButtonStyle.secondary, custom_id="articles:keep"))

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.edit_message(content="Nothing was removed.", view=None)


BUTTONS = (PageButton, RemoveButton, RemoveFeedButton, KeepButton)
