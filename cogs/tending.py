"""What `/feeds` and `/sources` do alike, each for its own kinds of sources: list, pause, resume and remove them.

For managers alone, and for the server in which a command is used; each function checks that itself.
"""

import logging
from typing import TYPE_CHECKING, Literal

import discord
from discord import app_commands, ui

from cogs import lists
from cogs.access import demand_manager, may_manage
from cogs.adding import server_of
from cogs.bridge import Lane
from cogs.buttons import KeepButton
from cogs.errors import think
from cogs.lists import KINDS, Of
from cogs.markdown import escape
from cogs.removing import RemoveSourceButton
from cogs.sending import deliver
from cogs.sources import LINKS, Kinds
from cogs.speech import _
from cogs.turning import sources_page
from index.errors import UserError
from index.ledger import Source

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
Choices = list[app_commands.Choice[str]]


def looked_at(of: Of) -> Kinds:
    """The kinds that can be paused: uploads are looked at by nobody."""
    return tuple(one for one in KINDS[of] if one in LINKS)


async def show_list(interaction: "discord.Interaction[VerbatimBot]", of: Of) -> None:
    """The first page of the list."""
    demand_manager(interaction)
    await think(interaction, ephemeral=True)
    embed, view = await sources_page(interaction, of, interaction.user.id, 0)
    await deliver(lambda: interaction.edit_original_response(embed=embed, view=view))


async def pause(interaction: "discord.Interaction[VerbatimBot]", of: Of, choice: str) -> None:
    """Looks at a source no longer."""
    found = await _set_state(interaction, of, choice, "paused")
    if found.state == "paused":
        text = _("**{title}** was paused already. Its articles stay.", title=_title(found))
    else:
        text = _("**{title}** is paused: I look at it no longer. Its articles stay.", title=_title(found))
    await deliver(lambda: interaction.edit_original_response(content=text))


async def resume(interaction: "discord.Interaction[VerbatimBot]", of: Of, choice: str) -> None:
    """Looks at a source again, and soon."""
    found = await _set_state(interaction, of, choice, "active")
    interaction.client.schedule.look_again(server_of(interaction))
    if found.state == "active":
        text = _("**{title}** was active already; I look at it within a few minutes.", title=_title(found))
    else:
        text = _("**{title}** is active again; I look at it within a few minutes.", title=_title(found))
    await deliver(lambda: interaction.edit_original_response(content=text))


async def remove(interaction: "discord.Interaction[VerbatimBot]", of: Of, choice: str) -> None:
    """Asks whether a source is to go, and with its articles or without."""
    demand_manager(interaction)
    await think(interaction, ephemeral=True)
    bot, server = interaction.client, server_of(interaction)
    found = await bot.bridge.call_for(server, Lane.LOOK, bot.sources.find, server, choice, KINDS[of])
    view = ui.View(timeout=None)
    view.add_item(RemoveSourceButton(of, found.id, with_articles=True))
    view.add_item(RemoveSourceButton(of, found.id, with_articles=False))
    view.add_item(KeepButton(_("Cancel")))
    question = _question(found)
    await deliver(lambda: interaction.edit_original_response(content=question, view=view))


async def completed(interaction: "discord.Interaction[VerbatimBot]", typed: str, kinds: Kinds) -> Choices:
    """The choices of autocomplete; none for those who may not manage."""
    if not may_manage(interaction):
        return []
    bot = interaction.client
    try:
        server = server_of(interaction)
        found = await bot.bridge.call_for(server, Lane.LOOK, bot.sources.matching, server, typed, kinds)
    except UserError as error:
        log.warning("no choices: %s", error)
        return []
    return [app_commands.Choice(name=lists.name_of(one), value=str(one.id)) for one in found]


async def _set_state(
    interaction: "discord.Interaction[VerbatimBot]", of: Of, choice: str, state: Literal["active", "paused"]
) -> Source:
    demand_manager(interaction)
    await think(interaction, ephemeral=True)
    bot, server = interaction.client, server_of(interaction)
    change = bot.sources.set_state
    return await bot.bridge.call_for(server, Lane.CHANGE, change, server, choice, looked_at(of), state)


def _question(source: Source) -> str:
    title = _title(source)
    if source.kind == "feed":
        return _("Remove the feed **{title}**? Its articles can go with it for good, or stay as they are.", title=title)
    if source.kind == "page":
        return _(
            "Look at the page **{title}** no longer? Its article can go with it for good, or stay as it is.",
            title=title,
        )
    return _("Remove the ZIP **{title}**? Its articles can go with it for good, or stay as they are.", title=title)


def _title(source: Source) -> str:
    return escape(lists.name_of(source))
