"""One question, whichever way it is asked: whether it may be asked there and now, and what is shown for it.

How a question comes in and how its answer goes out is `ask`'s and `direct`'s business.
"""

import logging
import time
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from cogs import render
from cogs.access import visible
from cogs.answers import Asking
from cogs.bridge import Lane
from cogs.errors import slow_down
from cogs.once import Once
from cogs.refusal import Refusal
from cogs.replies import replies
from cogs.sending import deliver, revise
from cogs.service import NOWHERE, Asked
from cogs.speech import _, listed, n_
from records.preferences import Preferences

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 3, 300  # characters of a question
_QUESTIONS, _SECONDS = 10, 60.0  # so many questions of one person in so many seconds, by all ways of asking together
_NAMED = 20  # channels that are named to who asks elsewhere


class TooFast(Refusal):
    """Somebody has asked too much of late."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What to send: the first of the `replies` that Discord takes; and what it `tells` that is not to be told again."""

    replies: list[render.Reply]
    tells: Hashable | None = None
    answered: bool = False


class Asker:
    """What all ways of asking share, on one connection."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self._bot = bot
        self._told = Once()
        self._cooldown: commands.CooldownMapping[int] = commands.CooldownMapping.from_cooldown(
            _QUESTIONS, _SECONDS, lambda user_id: user_id
        )
        self._told_to_wait: commands.CooldownMapping[int] = commands.CooldownMapping.from_cooldown(
            1, _SECONDS, lambda user_id: user_id
        )

    def demand_patience(self, person: int) -> None:
        """Raises TooFast where this person has asked too much of late."""
        if wait := self._cooldown.update_rate_limit(person):
            raise TooFast(slow_down(wait))

    def shows_patience(self, person: int) -> bool:
        """Whether a person who asks too fast is told so for all to see: once while that lasts, for it is a nuisance."""
        return self._told_to_wait.update_rate_limit(person) is None

    async def ask(self, asking: Asking) -> Asked:
        """The answer, when it is this question's turn.

        Raises:
            Refusal: too many questions wait, there is nothing to ask, or not the article that is wanted.
        """
        bot = self._bot
        if asking.place == NOWHERE and not await bot.bridge.call_for(asking.asker, Lane.LOOK, bot.service.is_shared):
            raise Refusal(_("I cannot answer direct messages: no articles are shared with everybody. Ask in a server."))
        started = time.perf_counter()
        asked = await bot.bridge.ask(asking.place, asking.asker, bot.answers.ask, asking)
        took = 1_000 * (time.perf_counter() - started)
        bot.answer_times.add(took)
        confidence = asked.answer.confidence
        fields: dict[str, object] = {
            "server": asking.place or None,
            "hits": len(asked.answer.hits),
            "confidence": confidence.value if confidence else None,
            "searched_otherwise": asked.answer.searched is not None,
            "milliseconds": round(took),
        }
        if bot.settings.log_questions:
            fields["question"] = asking.question
        log.info("question answered", extra=fields)
        # In direct messages no server is "this server".
        return replace(asked, in_server=asking.guild is not None)

    async def ready(self, asking: Asking, *, question: str | None, embeds: bool) -> Ready:
        """What to send for a question; `question` is what the message is to show of it, as in `replies`.

        Each person is told once that the model does not know the language they ask in.
        """
        asked = await self.ask(asking)
        plain = replies(asked, question, embeds=embeds, private=asking.private)
        language, person = asked.answer.foreign_language, asking.asker
        if language is None or (person, language) in self._told:
            return Ready(plain, answered=asked.answer.answered)
        noted = [render.foreign(reply, language, self._bot.service.languages or ()) for reply in plain]
        said_so = all(after is not before for after, before in zip(noted, plain, strict=True))
        return Ready(noted, (person, language) if said_so else None, asked.answer.answered)

    def sent(self, ready: Ready) -> None:
        """Remembers what has been told now."""
        if ready.tells is not None:
            self._told.add(ready.tells)

    async def show(self, interaction: "discord.Interaction[VerbatimBot]", ready: Ready) -> None:
        """Edits the answer into the message that an interaction was acknowledged with."""
        await revise(interaction, *(reply.parts() for reply in ready.replies))
        self.sent(ready)


def is_answered_in(preferences: Preferences, channel: int | None, parent: int | None) -> bool:
    """Whether a server wants questions answered in this channel; threads count as their parent."""
    return not preferences.channels or not {channel, parent}.isdisjoint(preferences.channels | preferences.forums)


def is_answered_here(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """As `is_answered_in`, where this was used; in direct messages there is nothing to keep to."""
    if interaction.guild_id is None:
        return True
    parent = interaction.channel.parent_id if isinstance(interaction.channel, discord.Thread) else None
    return is_answered_in(interaction.client.preferences(interaction.guild_id), interaction.channel_id, parent)


async def send_elsewhere(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """Tells somebody who may not ask here where that is possible, as far as they can see it."""
    channels = visible(interaction, interaction.client.preferences(interaction.guild_id).channels)[:_NAMED]
    text = _("Questions are answered in other channels of this server.")
    if channels:
        text = _("Questions are answered in other channels of this server: {channels}.", channels=listed(channels))
    # Not by a Refusal, whose text is shown as it stands: these channels are links.
    await deliver(lambda: interaction.response.send_message(text, ephemeral=True))


def too_long() -> str:
    """What somebody is told whose question is too long."""
    return n_("Please ask in at most {number} character.", "Please ask in at most {number} characters.", LONGEST)
