"""`/settings`: what a server's own people set for it, by menus and buttons that outlive a restart.

Who presses is checked each time, and what was chosen in `picked`; what the panel looks like is in `panel`.
"""

import logging
import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs import panel, picked
from cogs.access import demand_administrator
from cogs.adding import server_of
from cogs.bridge import Lane
from cogs.buttons import telling
from cogs.panel import Standing
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.speech import _, n_
from records.records import Records

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

_FIRST, _SECOND = 1, 2  # pages: who and where; answers and privacy
_PAGE_OF = {"manager_roles": _FIRST, "channels": _FIRST, "forums": _FIRST, "log_channel": _FIRST}


class PreferencesCog(commands.Cog):
    """Shows the panel to those who have Manage Server: roles that manage articles do not decide who has them."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot

    @app_commands.command()
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.default_permissions(manage_guild=True)
    async def settings(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """Set where and how I answer in this server, and who manages its articles"""
        demand_administrator(interaction)
        standing = _standing(interaction)
        shown, view = panel.embed(standing), _view(standing, _FIRST)
        await deliver(lambda: interaction.response.send_message(embed=shown, view=view, ephemeral=True))


# -- changing


def _standing(interaction: "discord.Interaction[VerbatimBot]") -> Standing:
    """Raises Refusal during an outage of the server, when nothing of it is known."""
    bot, server = interaction.client, server_of(interaction)
    guild = bot.get_guild(server)
    if guild is None or guild.unavailable:
        raise Refusal(_("Discord tells me nothing of this server at the moment. Try again in a few minutes."))
    return Standing(guild, bot.preferences(server), bot.settings)


async def _show(interaction: "discord.Interaction[VerbatimBot]", page: int, said: str | None = None) -> None:
    """The panel as everything stands now, with a line about what has just happened."""
    standing = _standing(interaction)
    shown, view = panel.embed(standing), _view(standing, page)
    await deliver(lambda: interaction.edit_original_response(content=said, embed=shown, view=view))


async def _change(
    interaction: "discord.Interaction[VerbatimBot]", field: str, value: object, said: str | None = None
) -> None:
    """Saves one setting, clears what names something deleted out of the others, and shows the panel."""
    bot, server = interaction.client, server_of(interaction)
    standing = _standing(interaction)
    cleaned = {name: one for name, one in standing.vanished().items() if name != field}
    tidy, change = bot.records.preferences.tidy, bot.records.preferences.change
    await bot.bridge.call_for(server, Lane.CHANGE, tidy, server, standing.preferences, cleaned)
    await bot.bridge.call_for(server, Lane.CHANGE, change, server, **{field: value})
    log.info("settings changed", extra={"server": server, "settings": field})
    await _show(interaction, _PAGE_OF.get(field, _SECOND), said)


# -- menus


class RoleMenu(ui.DynamicItem[ui.RoleSelect[Any]], template=r"settings:roles"):
    """Which roles manage the articles besides those with Manage Server."""

    def __init__(self, standing: Standing | None = None) -> None:
        super().__init__(panel.role_menu("settings:roles", standing))

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        guild = _standing(interaction).guild
        await interaction.response.defer()
        try:
            roles, said = picked.roles(interaction, guild)
        except Refusal as refusal:
            await _show(interaction, _FIRST, str(refusal))
        else:
            await _change(interaction, "manager_roles", roles, said)


class ChannelMenu(ui.DynamicItem[ui.ChannelSelect[Any]], template=r"settings:(?P<field>channels|forums|log_channel)"):
    """Where the bot answers, which forums' posts it answers unasked, and where it tells of failures."""

    def __init__(self, field: str, standing: Standing | None = None) -> None:
        super().__init__(panel.channel_menu(f"settings:{field}", field, standing))
        self.field = field

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["field"])

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        guild = _standing(interaction).guild
        await interaction.response.defer()
        try:
            channels, said = picked.channels(interaction, guild, panel.KINDS[self.field])
        except Refusal as refusal:
            await _show(interaction, _FIRST, str(refusal))
        else:
            value = next(iter(channels), None) if self.field == "log_channel" else channels
            await _change(interaction, self.field, value, said)


class ChoiceMenu(ui.DynamicItem[ui.Select[Any]], template=r"settings:(?P<field>hits|precision|language)"):
    """A setting that takes one of a few values."""

    def __init__(self, field: str, standing: Standing | None = None) -> None:
        super().__init__(panel.choice_menu(f"settings:{field}", field, standing))
        self.field = field

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["field"])

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        offered, chosen = panel.choices(self.field), picked.value(interaction)
        await interaction.response.defer()
        if chosen in offered:
            await _change(interaction, self.field, offered[chosen])
        else:
            await _show(interaction, _SECOND, _("That is not one of the choices. Nothing was changed."))


# -- buttons


class Switch(ui.DynamicItem[ui.Button[Any]], template=r"settings:(?P<field>log_questions|direct):(?P<to>on|off)"):
    """Switches a setting; which way stands in the id, so that pressing twice does nothing twice."""

    def __init__(self, field: str, *, to: bool) -> None:
        texts = {
            ("log_questions", True): _("Question log: on"),
            ("log_questions", False): _("Question log: off"),
            ("direct", True): _("Direct messages: on"),
            ("direct", False): _("Direct messages: off"),
        }
        style = discord.ButtonStyle.secondary if to else discord.ButtonStyle.success
        custom_id = f"settings:{field}:{'on' if to else 'off'}"
        super().__init__(ui.Button(label=texts[field, not to], style=style, custom_id=custom_id))
        self.field = field
        self.to = to

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["field"], to=match["to"] == "on")

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        await interaction.response.defer()
        if self.field == "log_questions" and not self.to and await _ask_about_log(interaction):
            return
        said = None
        if self.field == "log_questions" and self.to:
            said = _(
                "From now on I keep each question that is asked openly in this server, what I found for it, and "
                "whether that was helpful; not what is asked in private. Those who manage the articles learn from it "
                "what is missing. Tell your members: /privacy shows them what is kept of theirs, and deletes it."
            )
        await _change(interaction, self.field, self.to, said)


async def _ask_about_log(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Asks whether to delete what was logged; says whether there was anything to ask about."""
    bot, server = interaction.client, server_of(interaction)
    logged = await bot.bridge.call_for(server, Lane.LOOK, bot.records.servers.questions, server)
    if not logged:
        return False
    question = n_(
        "Switch the question log off? {number} question that was kept, and what was said of its answers, is deleted "
        "for good.",
        "Switch the question log off? {number} questions that were kept, and what was said of their answers, are "
        "deleted for good.",
        logged,
    )
    await _ask(interaction, question, SureButton("forget", _("Switch off and delete")))
    return True


async def _ask(interaction: "discord.Interaction[VerbatimBot]", question: str, sure: "SureButton") -> None:
    view = ui.View(timeout=None)
    view.add_item(sure)
    view.add_item(TurnButton(_SECOND, _("Cancel")))
    await deliver(lambda: interaction.edit_original_response(content=question, embed=None, view=view))


class SureButton(ui.DynamicItem[ui.Button[Any]], template=r"settings:sure:(?P<to>reset|forget)"):
    """Does what cannot be undone, after the question whether it should."""

    def __init__(self, to: str, text: str = "…") -> None:
        super().__init__(ui.Button(label=text, style=discord.ButtonStyle.danger, custom_id=f"settings:sure:{to}"))
        self.to = to

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(match["to"])

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        bot, server = interaction.client, server_of(interaction)
        await interaction.response.defer()
        work = _reset if self.to == "reset" else _stop_logging
        await bot.bridge.call_for(server, Lane.CHANGE, work, bot.records, server)
        log.info("settings reset" if self.to == "reset" else "question log deleted", extra={"server": server})
        said = _("All settings are the defaults again.") if self.to == "reset" else _("What was logged is deleted.")
        await _show(interaction, _SECOND, said)


def _reset(records: Records, server: int) -> None:
    records.preferences.forget(server)  # nothing is logged from now on
    records.servers.forget_questions(server)


def _stop_logging(records: Records, server: int) -> None:
    records.preferences.change(server, log_questions=False)
    records.servers.forget_questions(server)


class ResetButton(ui.DynamicItem[ui.Button[Any]], template=r"settings:reset"):
    """Asks whether to set everything back."""

    def __init__(self) -> None:
        super().__init__(ui.Button(label=_("Reset to defaults"), custom_id="settings:reset"))

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        await interaction.response.defer()
        question = _(
            "Set everything back to the defaults? Roles, channels and all else that was chosen here is forgotten. "
            "Questions that were logged, and what was said of their answers, are deleted for good."
        )
        await _ask(interaction, question, SureButton("reset", _("Reset")))


class TurnButton(ui.DynamicItem[ui.Button[Any]], template=r"settings:page:(?P<page>[12])"):
    """Shows one of the two pages."""

    def __init__(self, page: int, text: str = "…", *, is_open: bool = False) -> None:
        style = discord.ButtonStyle.primary if is_open else discord.ButtonStyle.secondary
        super().__init__(ui.Button(label=text, style=style, disabled=is_open, custom_id=f"settings:page:{page}"))
        self.page = page

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["page"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        demand_administrator(interaction)
        await interaction.response.defer()
        await _show(interaction, self.page)


def _view(standing: Standing, page: int) -> ui.View:
    """A page's menus, a row each, and its buttons."""
    view = ui.View(timeout=None)
    if page == _FIRST:
        view.add_item(RoleMenu(standing))
        for field in panel.KINDS:
            view.add_item(ChannelMenu(field, standing))
    else:
        for field in ("hits", "precision", "language"):
            view.add_item(ChoiceMenu(field, standing))
        view.add_item(_in_row(3, Switch("log_questions", to=not standing.preferences.log_questions)))
        view.add_item(_in_row(3, Switch("direct", to=not standing.preferences.direct)))
    for number, text in ((_FIRST, _("Who and where")), (_SECOND, _("Answers and privacy"))):
        view.add_item(_in_row(4, TurnButton(number, text, is_open=number == page)))
    view.add_item(_in_row(4, ResetButton()))
    return view


def _in_row(row: int, button: "ui.DynamicItem[Any]") -> "ui.DynamicItem[Any]":
    button.row = row
    return button


BUTTONS = (RoleMenu, ChannelMenu, ChoiceMenu, Switch, SureButton, ResetButton, TurnButton)
