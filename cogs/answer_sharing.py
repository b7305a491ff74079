"""The buttons below an answer whose effect everybody sees: sharing a private one, and removing one.

As in `answer_buttons`, they outlive a restart, and whether somebody may is decided when they press.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from cogs import render
from cogs.access import may_manage, may_write
from cogs.answer_buttons import ContextButton, JudgeButton, MoreButton, may_embed, used
from cogs.answers import Press, Recalled
from cogs.bridge import Lane
from cogs.buttons import telling
from cogs.refusal import Refusal
from cogs.sending import SENDING, deliver, is_gone
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)


def row(
    answer: int, shown: int, found: int, *, judged: bool = False, shareable: bool = False, removable: bool = False
) -> ui.View | None:
    """The buttons below an answer of which `shown` of the hits `found` are shown: all that are of use there."""
    view = ui.View(timeout=None)
    if shown:
        view.add_item(ContextButton(answer, 0))
    if 0 < shown < found:
        view.add_item(MoreButton(answer, shown))
    if judged:
        view.add_item(JudgeButton(answer, shown, helpful=True))
        view.add_item(JudgeButton(answer, shown, helpful=False))
    if shareable:
        view.add_item(ShareButton(answer))
    if removable:
        view.add_item(RemoveButton(answer))
    return view if view.children else None


class ShareButton(ui.DynamicItem[ui.Button[Any]], template=r"answer:share:(?P<answer>\d{1,19})"):
    """Posts a private answer for all to see, once."""

    def __init__(self, answer: int) -> None:
        style = discord.ButtonStyle.primary
        super().__init__(ui.Button(label=_("Share"), style=style, custom_id=f"answer:share:{answer}"))
        self.answer = answer

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        _demand_voice(interaction)
        await interaction.response.defer()
        answers = interaction.client.answers
        with answers.sharing(Press(self.answer, interaction.guild_id, interaction.user.id)):
            recalled = await used(interaction, self.answer, Lane.LOOK, answers.shareable)
            ways = _public(interaction, recalled)
            try:
                await _post(interaction, ways)
            except SENDING as error:
                log.warning("could not share an answer: %s", error)
                raise Refusal(_("I could not post it here. Try again, or ask again in another channel.")) from error
            # Not before it is posted: should the process end here, it is rather posted twice than never.
            await used(interaction, self.answer, Lane.CHANGE, answers.publish)
        left = row(self.answer, ways[0].hits, len(recalled.record.hits))
        with_left = partial(interaction.edit_original_response, view=left)
        try:
            await deliver(with_left)
        except SENDING as error:
            if not is_gone(error):
                raise


class RemoveButton(ui.DynamicItem[ui.Button[Any]], template=r"answer:remove:(?P<answer>\d{1,19})"):
    """Deletes the answer's message, for whoever asked and for those who keep order there."""

    def __init__(self, answer: int) -> None:
        super().__init__(ui.Button(emoji="🗑️", style=discord.ButtonStyle.secondary, custom_id=f"answer:remove:{answer}"))
        self.answer = answer

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls(int(match["answer"]))

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.defer()
        if not _keeps_order(interaction):
            bot, press = interaction.client, Press(self.answer, interaction.guild_id, interaction.user.id)
            record = await bot.bridge.call_for(press.guild or press.person, Lane.LOOK, bot.answers.record, press)
            if record.asker != press.person:
                raise Refusal(_("Only whoever asked, and people who may manage messages here, can remove an answer."))
        try:
            await deliver(interaction.delete_original_response)
        except SENDING as error:
            if not is_gone(error):
                raise


BUTTONS = (ShareButton, RemoveButton)


def _keeps_order(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    in_server = interaction.guild_id is not None
    return in_server and (interaction.permissions.manage_messages or may_manage(interaction))


def _demand_voice(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """Raises Refusal unless both whoever pressed and the bot may write where this was pressed, and answers are wanted
    there."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    if not may_write(interaction.permissions, in_thread=in_thread):
        raise Refusal(_("You may not write in this channel, so the answer stays yours alone."))
    if not may_write(interaction.app_permissions, in_thread=in_thread):
        raise Refusal(_("I may not write in this channel, so the answer stays yours alone."))
    wanted = interaction.client.preferences(interaction.guild_id)
    parent = interaction.channel.parent_id if isinstance(interaction.channel, discord.Thread) else None
    if wanted.channels and not (wanted.channels | wanted.forums) & {interaction.channel_id, parent}:
        raise Refusal(_("Answers are not wanted in this channel, so this one stays yours alone."))


def _public(interaction: "discord.Interaction[VerbatimBot]", recalled: Recalled) -> list[render.Reply]:
    """The answer with its question, as the private message shows it, and whom it comes from."""
    message, record = interaction.message, recalled.record
    question = render.question_of(message.content, message.embeds) if message else None
    by = f"-# {_('Shared by {person}', person=interaction.user.mention)}"
    embeds, ways = may_embed(interaction), []
    for links in (True, False):
        for most in range(record.shown, 0, -1):
            found, places = recalled.after(0, most)
            numbers = [place + 1 for place in places] if len(record.hits) > 1 else ()
            reply = render.hits(found, question=question, embeds=embeds, links=links, numbers=numbers)
            named = render.topped(reply, by)
            if named is not reply:  # there was room for it
                break
        ways.append(replace(named, view=row(record.id, reply.hits, len(record.hits), removable=True)))
    return ways


async def _post(interaction: "discord.Interaction[VerbatimBot]", ways: Sequence[render.Reply]) -> None:
    assert interaction.channel_id is not None  # noqa: S101 — buttons are pressed in channels
    channel = interaction.client.get_partial_messageable(interaction.channel_id, guild_id=interaction.guild_id)

    async def send(reply: render.Reply, nonce: int) -> None:
        mentions = discord.AllowedMentions.none()
        await channel.send(**reply.parts(), suppress_embeds=not reply.embeds, nonce=nonce, allowed_mentions=mentions)

    await deliver(*(partial(send, reply, interaction.id + number) for number, reply in enumerate(ways)))
