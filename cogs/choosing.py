"""“Which server’s articles?”: the menu that direct messages are answered with where that is not plain, and the button
to come back to it. Both outlive a restart: the question stands in the message, and everything else is checked again.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs import context, render
from cogs.answers import Asking
from cogs.asking import LONGEST, SHORTEST, Ready
from cogs.buttons import telling
from cogs.direct import Ground
from cogs.errors import think
from cogs.markdown import escape, label, unescape
from cogs.refusal import Refusal
from cogs.render import Reply
from cogs.sending import deliver
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

_NAME = 100  # characters of a server's name; Discord allows no more
_GREY = 0x4E5058


class ServerMenu(ui.DynamicItem[ui.Select[Any]], template=r"ask:server:(?P<hits>\d{1,2})"):
    """The servers to choose from; `hits` is how many sentences are wanted for the question (0: as the server has
    it)."""

    def __init__(self, hits: int, servers: Sequence[discord.Guild] = ()) -> None:
        options = [discord.SelectOption(label=label(one.name, _NAME), value=str(one.id)) for one in servers]
        super().__init__(ui.Select(custom_id=f"ask:server:{hits}", placeholder=_("Choose a server"), options=options))
        self.hits = hits

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["hits"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot, message = interaction.client, interaction.message
        demand_direct(interaction)
        bot.asker.demand_patience(interaction.user.id)
        await interaction.response.defer()
        server = await bot.direct.allowed(interaction.user.id, _chosen(interaction))
        if server is None:
            raise Refusal(_("You cannot ask that server’s articles here. Choose another one, or ask in the server."))
        await bot.direct.choose(interaction.user.id, server)
        question = _asked_in_menu(message) if message else None
        if question is None or message is None or bot.user is None:
            said = _("From now on I answer you from the articles of **{server}**.", server=_named(server))
            view = _with_button(None)
            await deliver(lambda: interaction.edit_original_response(content=said, embeds=[], view=view))
            return
        previous = await context.before_chosen(message, question, bot.user)
        asking = Asking(question, interaction.user.id, server.id, None, False, tuple(previous), self.hits or None)
        found = await ready(bot, asking, Ground(server, chose=True), question=question, embeds=True)
        await bot.asker.show(interaction, found)


class OtherServerButton(ui.DynamicItem[ui.Button[Any]], template=r"ask:servers"):
    """Asks again which server's articles are meant, for the question that was answered above it."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label=_("Another server"), custom_id="ask:servers"))

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot, message = interaction.client, interaction.message
        demand_direct(interaction)
        await think(interaction, ephemeral=False)
        choices = await bot.direct.choices(interaction.user.id)
        if not choices:
            raise Refusal(_("I know no server of yours whose articles you can ask here."))
        question = await context.answered_by(message, bot.user) if message and bot.user else None
        reply = menu(choices, question)
        await deliver(lambda: interaction.edit_original_response(**reply.parts()))


BUTTONS = (ServerMenu, OtherServerButton)


async def ready(bot: "VerbatimBot", asking: Asking, ground: Ground, *, question: str | None, embeds: bool) -> Ready:
    """What to send for a question: the answer, or the menu of the servers where one is still to be chosen; `question`
    and `embeds` as in `Asker.ready`."""
    if not ground.choices:
        found = await bot.asker.ready(asking, question=question, embeds=embeds)
        if ground.server is None:
            return found
        return replace(found, replies=from_server(found.replies, ground.server, chose=ground.chose))
    if asking.article is not None:
        raise Refusal(_("First ask without an article, and choose the server whose articles you mean."))
    return Ready([menu(ground.choices, asking.question, hits=asking.hits)])


def menu(choices: Sequence[discord.Guild], question: str | None, *, hits: int | None = None) -> Reply:
    """The menu of these servers, with the question that is answered when one is chosen."""
    view = ui.View(timeout=None)
    view.add_item(ServerMenu(hits or 0, choices))
    embeds = (discord.Embed(description=escape(question), colour=_GREY),) if question else ()
    return Reply(_("Which server’s articles?"), embeds, view)


def from_server(replies: Sequence[Reply], server: discord.Guild, *, chose: bool) -> list[Reply]:
    """The replies with the server that they are from above them and, where it was chosen, the button to change it."""
    line = f"-# {_('From the articles of {server}.', server=_named(server))}"
    named = [render.topped(one, line) for one in replies]
    return [replace(one, view=_with_button(one.view)) for one in named] if chose else named


def _with_button(view: ui.View | None) -> ui.View:
    view = view or ui.View(timeout=None)
    if not any(isinstance(one, OtherServerButton) for one in view.children):
        view.add_item(OtherServerButton())
    return view


def demand_direct(interaction: discord.Interaction) -> None:
    """Raises Refusal unless this was used in direct messages, where alone a server is chosen."""
    if interaction.guild_id is not None:
        raise Refusal(_("Servers are chosen in direct messages."))


def _named(server: discord.Guild) -> str:
    return escape(label(server.name, _NAME))


def _chosen(interaction: discord.Interaction) -> int:
    """The id that was chosen; 0, which no server has, for anything else."""
    data: dict[str, Any] = dict(interaction.data or {})
    values = data.get("values")
    value = values[0] if isinstance(values, list) and values else ""
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,20}", value, re.ASCII) else 0


def _asked_in_menu(message: discord.Message) -> str | None:
    """The question that a menu shows, if it shows one."""
    shown = message.embeds[0].description if message.embeds else None
    question = unescape(shown or "").strip()
    return question if SHORTEST <= len(question) <= LONGEST else None
