"""The form in which an article is typed or pasted into Discord."""

import logging
from typing import TYPE_CHECKING

import discord
from discord import ui

from cogs import reports
from cogs.access import demand_manager
from cogs.adding import add_text, server_of
from cogs.errors import begin, tell, think
from cogs.sending import LiveMessage
from cogs.speech import _
from index.readers import metadata

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_LIFE = 3_600.0  # seconds that a form may be open
_LONGEST = 4_000  # characters; Discord allows no more


class TextForm(ui.Modal):
    """Takes a title, a text and perhaps where it is from; `replaces` is the upload (its address) whose place it takes.

    The rights are checked again when it comes back: an hour may have passed.
    """

    def __init__(self, replaces: str | None = None) -> None:
        super().__init__(title=_("Add an article"), timeout=_LIFE)
        self._replaces = replaces
        self._heading: ui.TextInput[TextForm] = ui.TextInput(custom_id="title", max_length=200)
        self._text: ui.TextInput[TextForm] = ui.TextInput(
            custom_id="text", style=discord.TextStyle.paragraph, max_length=_LONGEST
        )
        self._link: ui.TextInput[TextForm] = ui.TextInput(
            custom_id="link", required=False, max_length=metadata.MAX_URL, placeholder="https://"
        )
        self.add_item(ui.Label(text=_("Title"), component=self._heading))
        longer = _("Longer ones: as a file")
        self.add_item(ui.Label(text=_("Text"), description=longer, component=self._text))
        where = _("Where it is from, if it is on the web")
        self.add_item(ui.Label(text=_("Link"), description=where, component=self._link))

    async def on_submit(self, interaction: "discord.Interaction[VerbatimBot]") -> None:  # type: ignore[override]
        bot = interaction.client
        begin(interaction)
        demand_manager(interaction)
        server = server_of(interaction)
        await think(interaction, ephemeral=True)
        title, text, link = self._heading.value, self._text.value, self._link.value.strip()
        url = metadata.url(link)
        async with bot.bridge.turn(server):
            # Whoever pastes a text need not have written it, nor today.
            added = await add_text(bot, server, text, interaction.id, title=title, url=url, replaces=self._replaces)
        log.info("text added", extra={"server": server, "articles": len(added.articles)})
        shown = reports.added(added, *bot.settings.folders)
        if link and url is None:  # what was typed is not to be lost for that
            shown += "\n" + _("-# Its link is no web address, so it has none.")
        await LiveMessage(interaction).show(shown, last=True)

    async def on_error(self, interaction: "discord.Interaction[VerbatimBot]", error: Exception) -> None:  # type: ignore[override]
        await tell(interaction, error)
