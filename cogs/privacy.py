"""`/privacy show` and `delete`: what is kept, what of it is of whoever asks, and its end.

Everybody may use it, in servers and in direct messages, also after leaving a server. Nobody is told of anybody else.
"""

import re
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from cogs.bridge import Lane
from cogs.buttons import KeepButton, telling
from cogs.errors import slow_down, think
from cogs.personal import Mine
from cogs.refusal import Refusal
from cogs.sending import deliver
from cogs.service import NOWHERE
from cogs.settings import Settings
from cogs.speech import _, n_
from records.preferences import Preferences

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

_COLOUR = 0x4E5058
_TIMES, _SECONDS = 5, 60.0  # so often one person in so many seconds: every server's questions are looked through


@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
class PrivacyCog(commands.GroupCog, group_name="privacy", group_description="What I keep of you, and how to delete it"):
    """Tells each person of their own records alone, and deletes those."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._cooldown: commands.CooldownMapping[int] = commands.CooldownMapping.from_cooldown(
            _TIMES, _SECONDS, lambda user_id: user_id
        )

    @app_commands.command()
    async def show(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """What is stored here, and how much of it is yours"""
        mine = await self._mine(interaction)
        settings, server = self.bot.settings, interaction.guild_id
        embed = shown(mine, settings, self.bot.preferences(server), in_server=server is not None)
        await deliver(lambda: interaction.edit_original_response(embed=embed))

    @app_commands.command()
    async def delete(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """Delete everything that is kept of you, in all servers"""
        mine = await self._mine(interaction)
        view = ui.View(timeout=None)
        if mine.anything:
            view.add_item(ForgetButton(interaction.user.id, _("Delete it")))
            view.add_item(KeepButton(_("Cancel")))
        content = asked(mine)
        await deliver(lambda: interaction.edit_original_response(content=content, view=view))

    async def _mine(self, interaction: "discord.Interaction[VerbatimBot]") -> Mine:
        person = interaction.user.id
        if wait := self._cooldown.update_rate_limit(person):
            raise Refusal(slow_down(wait))
        await think(interaction, ephemeral=True)
        place = interaction.guild_id or NOWHERE
        return await self.bot.bridge.call_for(place, Lane.SURVEY, self.bot.personal.of, person)


class ForgetButton(ui.DynamicItem[ui.Button[Any]], template=r"privacy:delete:(?P<person>\d{1,20})"):
    """Deletes what is kept of a person, if that is who presses it."""

    def __init__(self, person: int, text: str = "…") -> None:
        custom_id = f"privacy:delete:{person}"
        super().__init__(ui.Button(label=text, style=discord.ButtonStyle.danger, custom_id=custom_id))
        self.person = person

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["person"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        bot, person = interaction.client, interaction.user.id
        if person != self.person:
            raise Refusal(_("That button is another person’s. Use /privacy delete for what is yours."))
        await interaction.response.defer()
        place = interaction.guild_id or NOWHERE
        gone = await bot.bridge.call_for(place, Lane.SURVEY, bot.personal.forget, person)
        content = deleted(gone)
        await deliver(lambda: interaction.edit_original_response(content=content, view=None))


BUTTONS = (ForgetButton,)


# -- words


def shown(mine: Mine, settings: Settings, wishes: Preferences, *, in_server: bool) -> discord.Embed:
    """What is kept by the operator's settings and a server's wishes, and how much of it is one person's."""
    embed = discord.Embed(title=_("What I keep"), colour=_COLOUR)
    kept = [_articles(), *_answers(wishes, in_server=in_server), *_questions(settings)]
    kept.append(_("The server whose articles you ask in direct messages, if you chose one."))
    embed.description = "\n".join(f"- {one}" for one in kept)
    embed.add_field(name=_("And nothing else"), value=_("No messages, no names, no list of members."), inline=False)
    embed.add_field(name=_("In my log"), value=_logged(settings), inline=False)
    embed.add_field(name=_("Of you"), value=_listed(mine), inline=False)
    embed.set_footer(text=_("/privacy delete deletes what is of you, in all servers. The articles stay."))
    return embed


def asked(mine: Mine) -> str:
    """The question whether all of it is to be deleted, where there is any."""
    if not mine.anything:
        return _nothing(mine)
    said = _(
        "Delete this for good? The buttons below your answers will no longer work. Articles that you added stay: they "
        "are their server’s, and who added them is not kept."
    )
    return f"{_listed(mine)}\n{said}"


def deleted(gone: Mine) -> str:
    """What was deleted."""
    if not gone.anything:
        return _nothing(gone)
    said = _("Deleted for good. Articles that you added stay: whoever manages their server can remove them.")
    return f"{_listed(gone)}\n{said}"


def _articles() -> str:
    return _(
        "The articles that people add: files, pages, and messages that somebody who manages the server had indexed, "
        "with their author’s name. Not who added them."
    )


def _answers(wishes: Preferences, *, in_server: bool) -> list[str]:
    """What is kept of answers; whether their questions and judgements are is each server's own choice."""
    kept = _(
        "Of each answer, for 30 days: who asked, where and when, and which sentences were found, so that its buttons "
        "work. Not the question."
    )
    if wishes.log_questions:
        log = _(
            "This server keeps a question log: what is asked where others see it is kept for a year, with who asked "
            "and what was found, so that those who manage the articles learn what is missing."
        )
        judged = _("Who found such an answer helpful or not, with the question and what was found.")
        return [kept, log, judged]
    if in_server:
        return [kept]
    return [kept, _("A server can keep a question log. Where it does, /privacy show says so in that server.")]


def _questions(settings: Settings) -> list[str]:
    if not settings.keep_waiting:
        return []
    return [
        _(
            "Questions that found nothing, if they were asked where others see them, with who asked first: until an "
            "article answers them, so that those who manage the server learn of it."
        )
    ]


def _logged(settings: Settings) -> str:
    if settings.log_questions:
        return _(
            "Whoever runs me has the text of questions written there, without names. I cannot delete that: ask them."
        )
    return _("Numbers and times, but neither questions nor who asked them.")


def _listed(mine: Mine) -> str:
    """How much of everything there is."""
    if not mine.anything:
        return _nothing(mine)
    held, lines = mine.held, []
    if held.answers:
        lines.append(n_("{number} record of an answer", "{number} records of answers", held.answers))
    if held.questions:
        lines.append(n_("{number} of these with the question", "{number} of these with the question", held.questions))
    if held.judgements:
        lines.append(n_("{number} judgement of an answer", "{number} judgements of answers", held.judgements))
    if mine.waiting:
        lines.append(n_("{number} question that waits", "{number} questions that wait", mine.waiting))
    if held.chosen:
        lines.append(_("Which server you ask in direct messages"))
    return "\n".join([*(f"- {one}" for one in lines), *_incomplete(mine)])


def _nothing(mine: Mine) -> str:
    return "\n".join([_("I keep nothing of you."), *_incomplete(mine)])


def _incomplete(mine: Mine) -> list[str]:
    if mine.complete:
        return []
    return [_("I could not look into everything at the moment: try again later, or ask whoever runs me.")]
