"""Removing articles and sources: the questions, and the buttons that answer them, which outlive a restart."""

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs import lists
from cogs.access import demand_manager
from cogs.bridge import Lane
from cogs.buttons import KeepButton, telling
from cogs.errors import think
from cogs.lists import CHOICE, KINDS, Of
from cogs.markdown import escape, label
from cogs.sending import deliver
from cogs.service import NOWHERE
from cogs.speech import _, n_
from index.ledger import Source
from index.stored import StoredArticle

if TYPE_CHECKING:
    from cogs.client import VerbatimBot


def removal_question(article: StoredArticle) -> tuple[str, ui.View]:
    """The question whether an article is to go, and the buttons that answer it."""
    view = ui.View(timeout=None)
    view.add_item(RemoveButton(article.id))
    view.add_item(KeepButton())
    question = n_(
        "Remove **{title}** ({number} sentence) for good? Answers will no longer quote it.",
        "Remove **{title}** ({number} sentences) for good? Answers will no longer quote it.",
        article.sentences,
        title=escape(label(article.title, CHOICE)),
    )
    return question, view


class AskRemoveButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:ask-remove:(?P<article>\d{1,18})"):
    """Asks whether an article is to be removed."""

    def __init__(self, article: int) -> None:
        style = discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=_("Remove"), style=style, custom_id=f"articles:ask-remove:{article}"))
        self.article = article

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["article"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_manager(interaction)
        await think(interaction, ephemeral=True)
        bot, server = interaction.client, interaction.guild_id or NOWHERE
        found = await bot.bridge.call_for(server, Lane.LOOK, bot.catalogue.article, server, self.article)
        question, view = removal_question(found)
        await deliver(lambda: interaction.edit_original_response(content=question, view=view))


class RemoveButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:remove:(?P<article>\d{1,18})"):
    """Removes one of the server's own articles, after the question whether it should."""

    def __init__(self, article: int) -> None:
        super().__init__(
            ui.Button(label=_("Remove"), style=discord.ButtonStyle.danger, custom_id=f"articles:remove:{article}")
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

        def remove() -> StoredArticle:
            removed = bot.service.remove(server, self.article)
            bot.forgetting.after_removal(server)
            return removed

        removed = await bot.bridge.call_for(server, Lane.CHANGE, remove)
        content = _("Removed **{title}** for good.", title=escape(label(removed.title, CHOICE)))
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


class RemoveSourceButton(
    ui.DynamicItem[ui.Button[Any]],
    template=r"(?P<of>feeds|sources):remove:(?P<source>\d{1,18}):(?P<articles>all|none)",
):
    """Removes one of the server's own sources, with all of its articles or none, after the question which."""

    def __init__(self, of: Of, source: int, *, with_articles: bool) -> None:
        text = _("Remove it and its articles") if with_articles else _("Remove it, keep its articles")
        style = discord.ButtonStyle.danger if with_articles else discord.ButtonStyle.primary
        custom_id = f"{of}:remove:{source}:{'all' if with_articles else 'none'}"
        super().__init__(ui.Button(label=text, style=style, custom_id=custom_id))
        self.of = of
        self.source = source
        self.with_articles = with_articles

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        of: Of = "feeds" if match["of"] == "feeds" else "sources"
        return cls(of, int(match["source"]), with_articles=match["articles"] == "all")

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot = interaction.client
        demand_manager(interaction)
        await interaction.response.defer()
        server = interaction.guild_id or NOWHERE

        def remove() -> tuple[Source, int]:
            removed = bot.sources.remove(server, self.source, KINDS[self.of], keep_articles=not self.with_articles)
            bot.forgetting.after_removal(server)
            return removed

        source, went = await bot.bridge.call_for(server, Lane.CHANGE, remove)
        content = lists.removed(source, went if self.with_articles else None)
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


BUTTONS = (AskRemoveButton, RemoveButton, RemoveSourceButton)
