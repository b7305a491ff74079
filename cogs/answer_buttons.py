"""The buttons below an answer by which whoever presses them reads on, for their eyes alone, or says whether it helped.

They outlive a restart: the id of the answer's record stands in theirs, and everything else is looked up again, so that
nothing is shown which has left the articles since. `answer_sharing` has those that everybody sees the effect of.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

import discord
from discord import ui

from cogs import render
from cogs.answers import Press, Recalled
from cogs.bridge import Lane
from cogs.buttons import telling
from cogs.errors import think
from cogs.refusal import Refusal
from cogs.sending import SENDING, deliver, is_gone
from cogs.service import NOWHERE
from cogs.speech import _, n_, number

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_MORE = 3  # hits that one press of More shows at least
_ID = r"(?P<answer>\d{1,19})"
_NUMBER = r"(?P<number>\d{1,2})"  # of a hit, from 0
_GREY, _BLUE = discord.ButtonStyle.secondary, discord.ButtonStyle.primary


class ContextButton(ui.DynamicItem[ui.Button[Any]], template=rf"answer:context:{_ID}:{_NUMBER}"):
    """Shows the text around a hit, in a message of its own."""

    def __init__(self, answer: int, hit: int) -> None:
        super().__init__(ui.Button(label=_("Context"), style=_GREY, custom_id=f"answer:context:{answer}:{hit}"))
        self.answer = answer
        self.hit = hit

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]), int(match["number"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await think(interaction, ephemeral=True)
        await _show_passage(interaction, self.answer, self.hit, wide=False)


class TurnButton(
    ui.DynamicItem[ui.Button[Any]], template=rf"answer:turn:{_ID}:{_NUMBER}:(?P<width>near|wide)(?P<wider>:wider)?"
):
    """Turns a message with the text around a hit to another hit, or to more text."""

    def __init__(self, answer: int, hit: int, *, wide: bool = False, wider: bool = False, here: bool = False) -> None:
        # Of the buttons in one message no two may have the same id.
        custom_id = f"answer:turn:{answer}:{hit}:{'wide' if wide else 'near'}{':wider' if wider else ''}"
        text, style = (_("More text"), _GREY) if wider else (number(hit + 1), _BLUE if here else _GREY)
        super().__init__(ui.Button(label=text, style=style, custom_id=custom_id, disabled=here))
        self.answer = answer
        self.hit = hit
        self.wide = wide

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        wide = match["width"] == "wide"
        return cls(int(match["answer"]), int(match["number"]), wide=wide, wider=match["wider"] is not None)

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.defer()
        await _show_passage(interaction, self.answer, self.hit, wide=self.wide)


class MoreButton(ui.DynamicItem[ui.Button[Any]], template=rf"answer:more:{_ID}:{_NUMBER}"):
    """Shows the next hits, in a message of its own."""

    def __init__(self, answer: int, hit: int) -> None:
        super().__init__(ui.Button(label=_("More"), style=_GREY, custom_id=f"answer:more:{answer}:{hit}"))
        self.answer = answer
        self.hit = hit

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]), int(match["number"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await think(interaction, ephemeral=True)
        recalled = await used(interaction, self.answer, Lane.LOOK, interaction.client.answers.recall)
        found, places = recalled.after(self.hit, max(_MORE, recalled.record.shown))
        if not found.answered:
            raise Refusal(_("The other sentences have been changed or removed since. Ask again."))
        embeds, ways = may_embed(interaction), []
        for links in (True, False):
            reply = render.hits(found, embeds=embeds, links=links, numbers=[place + 1 for place in places])
            shown = places[: reply.hits]
            view = ui.View(timeout=None)
            view.add_item(ContextButton(self.answer, shown[0]))
            if any(place > shown[-1] for place in recalled.hits):
                view.add_item(MoreButton(self.answer, shown[-1] + 1))
            ways.append(_noted(replace(reply, view=view), recalled))
        await show(interaction, ways)


class JudgeButton(ui.DynamicItem[ui.Button[Any]], template=rf"answer:judge:{_ID}:{_NUMBER}:(?P<said>helpful|useless)"):
    """Keeps whether an answer, of which so many hits were seen, helped whoever presses."""

    def __init__(self, answer: int, seen: int, *, helpful: bool) -> None:
        custom_id = f"answer:judge:{answer}:{seen}:{'helpful' if helpful else 'useless'}"
        super().__init__(ui.Button(emoji="👍" if helpful else "👎", style=_GREY, custom_id=custom_id))
        self.answer = answer
        self.seen = seen
        self.helpful = helpful

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]), int(match["number"]), helpful=match["said"] == "helpful")

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await think(interaction, ephemeral=True)
        judge = interaction.client.answers.judge
        kept = await used(interaction, self.answer, Lane.CHANGE, judge, self.seen, helpful=self.helpful)
        view = None
        if not kept:
            text = _("Taken back. Nothing is kept of what you said about this answer.")
        elif self.helpful and self.seen > 1:
            text = _("Thank you. Which sentence helped?")
            view = ui.View(timeout=None)
            for hit in range(self.seen):
                view.add_item(WhichButton(self.answer, hit))
        else:
            text = _("Thank you. Press it again to take that back.")
        await show(interaction, [render.Reply(text, view=view)])


class WhichButton(ui.DynamicItem[ui.Button[Any]], template=rf"answer:which:{_ID}:{_NUMBER}"):
    """Keeps which of the sentences helped."""

    def __init__(self, answer: int, hit: int) -> None:
        super().__init__(ui.Button(label=number(hit + 1), style=_GREY, custom_id=f"answer:which:{answer}:{hit}"))
        self.answer = answer
        self.hit = hit

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]), int(match["number"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.defer()
        await used(interaction, self.answer, Lane.CHANGE, interaction.client.answers.name, self.hit)
        await show(interaction, [render.Reply(_("Thank you: sentence {number} it is.", number=self.hit + 1))])


BUTTONS = (ContextButton, TurnButton, MoreButton, JudgeButton, WhichButton)


async def used(
    interaction: "discord.Interaction[VerbatimBot]",
    answer: int,
    lane: Lane,
    use: Callable[Concatenate[Press, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """What comes of a use of `Answers` for whoever pressed; of what is below, only the answer's id is anybody's claim.

    Raises:
        Refusal: also, in direct messages, if whoever pressed may not ask that server's articles there any more.
    """
    bot, press = interaction.client, Press(answer, interaction.guild_id, interaction.user.id)
    if press.guild is None:
        record = await bot.bridge.call_for(press.person, Lane.LOOK, bot.answers.record, press)
        if record.place != NOWHERE and await bot.direct.allowed(press.person, record.place) is None:
            raise Refusal(_("You cannot ask that server’s articles here any more."))
    return await bot.bridge.call_for(press.guild or press.person, lane, use, press, *args, **kwargs)


def may_embed(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Whether the bot may embed where this was used."""
    return interaction.guild_id is None or interaction.app_permissions.embed_links


async def show(interaction: "discord.Interaction[VerbatimBot]", ways: Sequence[render.Reply]) -> None:
    """Shows the first of these that Discord takes to whoever pressed; nothing if they cannot be reached any more, for
    the message or the channel has been deleted meanwhile."""
    try:
        await deliver(*(partial(interaction.edit_original_response, **way.parts()) for way in ways))
    except SENDING as error:
        if not is_gone(error):
            raise
        log.info("a button's answer has nowhere to go: %s", error)


async def _show_passage(interaction: "discord.Interaction[VerbatimBot]", answer: int, hit: int, *, wide: bool) -> None:
    look = interaction.client.answers.passage
    recalled, hit, found = await used(interaction, answer, Lane.LOOK, look, hit, wide=wide)
    several = len(recalled.record.hits) > 1
    view = ui.View(timeout=None)
    for place in sorted(recalled.hits) if several else ():
        view.add_item(TurnButton(answer, place, here=place == hit))
    if found.more and not wide:
        view.add_item(TurnButton(answer, hit, wide=True, wider=True))
    embeds, name = may_embed(interaction), hit + 1 if several else None
    ways = [render.passage(found, number=name, embeds=embeds, links=links) for links in (True, False)]
    await show(interaction, [_noted(replace(way, view=view if view.children else None), recalled) for way in ways])


def _noted(reply: render.Reply, recalled: Recalled) -> render.Reply:
    """The reply, saying how many hits are left out."""
    if not recalled.gone:
        return reply
    left_out = n_(
        "{number} sentence is left out: its article has been changed or removed since.",
        "{number} sentences are left out: their articles have been changed or removed since.",
        recalled.gone,
    )
    return render.topped(reply, f"-# {left_out}")
