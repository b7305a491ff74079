"""What a person is told when something fails, and what the log is told besides.

A `Refusal` is shown as it stands. Any other `UserError` is the operator's to mend: the operator sees it whole, anybody
else a short sentence. The rest are defects: an apology with a reference, and the traceback in the log.
"""

import logging
import math
import secrets
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from cogs.acknowledging import ALREADY
from cogs.markdown import without_folders
from cogs.refusal import Refusal
from cogs.render import note
from cogs.sending import SENDING, LiveMessage, deliver, is_gone
from cogs.settings import Settings
from cogs.speech import _, language_of, mark, n_, speak, told
from index.errors import UserError

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_UNKNOWN_INTERACTION = 10062  # three seconds without an acknowledgement, or fifteen minutes without an answer
_OUT_OF_ORDER = mark("I cannot do that at the moment. Whoever runs me finds the reason in my log.")


class Tree(app_commands.CommandTree["VerbatimBot"]):
    """The command tree, with the one place where a failed command ends."""

    async def interaction_check(self, interaction: "discord.Interaction[VerbatimBot]", /) -> bool:
        begin(interaction)
        return True

    async def on_error(
        self, interaction: "discord.Interaction[VerbatimBot]", error: app_commands.AppCommandError
    ) -> None:
        original = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await tell(interaction, original)


def begin(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """What every command, button and form begins with: it promises an answer, in the language of whoever used it."""
    language = language_of(interaction.locale)
    interaction.client.work()
    interaction.client.tongues.heard(interaction.user.id, language)
    speak(language)


async def tell(interaction: "discord.Interaction[VerbatimBot]", error: Exception) -> None:
    """Tells whoever used a command or a button, and as far as possible nobody else, what went wrong."""
    if interaction.type is discord.InteractionType.autocomplete:
        log.error("autocomplete failed", exc_info=error)
        return
    if isinstance(error, discord.NotFound) and error.code == _UNKNOWN_INTERACTION:
        log.warning("an answer came later than Discord waits for one: %s", error)
        return
    if is_gone(error) or (isinstance(error, discord.HTTPException) and error.code == ALREADY):
        log.warning("nobody waits for this answer any more: %s", error)
        return
    bot = interaction.client
    text = said(error, bot.settings if await bot.is_owner(interaction.user) else None)
    try:
        if interaction.response.is_done():
            await _follow_up(interaction, text)
        else:
            await deliver(lambda: interaction.response.send_message(text, ephemeral=True))
    except SENDING as failure:
        if is_gone(failure):  # long work has failed after its interaction grew too old for private words
            await LiveMessage(interaction).show_in_channel(text, last=True)
        else:
            log.warning("could not tell of an error: %s", failure)
    except discord.InteractionResponded as failure:
        log.warning("could not tell of an error: %s", failure)


async def think(interaction: "discord.Interaction[VerbatimBot]", *, ephemeral: bool) -> None:
    """Acknowledges a command, which Discord wants within three seconds; the answer is edited in later."""
    interaction.extras["thinks_aloud"] = not ephemeral
    answer = await interaction.response.defer(thinking=True, ephemeral=ephemeral)
    interaction.extras["message"] = answer.message_id if answer else None


async def _follow_up(interaction: "discord.Interaction[VerbatimBot]", text: str) -> None:
    thinks_aloud = interaction.extras.get("thinks_aloud")
    if thinks_aloud is False:
        await deliver(lambda: interaction.edit_original_response(content=text, embeds=[], view=None))
        return
    if thinks_aloud:  # for all to see, which an error is not
        await deliver(interaction.delete_original_response)
    await deliver(lambda: interaction.followup.send(text, ephemeral=True))


def said(error: Exception, operators: Settings | None = None) -> str:
    """The words for this error, and its record in the log. `operators` are the settings if an operator reads it."""
    if isinstance(error, Refusal):
        return note(told(error.said))
    if isinstance(error, UserError):
        log.error("a command could not be carried out: %s", error)
        return in_full(error, operators) if operators else _(_OUT_OF_ORDER)
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return _("My commands have just changed. Reload Discord (Ctrl+R), then try again.")
    if isinstance(error, app_commands.NoPrivateMessage):
        return _("That works in servers only.")
    reference = secrets.token_hex(4)
    log.error("a command failed, reference %s", reference, exc_info=error)
    return _(
        "Sorry, something went wrong on my side. The operator finds it in the log under reference `{reference}`.",
        reference=reference,
    )


def in_full(error: UserError, settings: Settings) -> str:
    """What only the operator is to read: the error's own words, without the folders of this machine."""
    return note(without_folders(str(error), *settings.folders))


def slow_down(seconds: float) -> str:
    """What someone is told who asks faster than allowed."""
    return n_(
        "Slow down a little, please: try again in {number} second.",
        "Slow down a little, please: try again in {number} seconds.",
        math.ceil(seconds),
    )
