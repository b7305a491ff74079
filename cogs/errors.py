"""What a person is told when something fails, and what the log is told besides.

A `UserError` is shown as it stands; anything else is a defect: an apology with a reference, and the traceback under
the same reference in the log.
"""

import logging
import math
import secrets
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from cogs.markdown import without_folders
from cogs.render import note
from index.errors import UserError

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)
_UNKNOWN_INTERACTION = 10062  # three seconds without an acknowledgement, or fifteen minutes without an answer


class Tree(app_commands.CommandTree["VerbatimBot"]):
    """The command tree, with the one place where a failed command ends."""

    async def on_error(
        self, interaction: "discord.Interaction[VerbatimBot]", error: app_commands.AppCommandError
    ) -> None:
        original = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await tell(interaction, original)


async def tell(interaction: "discord.Interaction[VerbatimBot]", error: Exception) -> None:
    """Tells whoever used a command or a button, and nobody else, what went wrong."""
    if interaction.type is discord.InteractionType.autocomplete:
        log.error("autocomplete failed", exc_info=error)
        return
    if isinstance(error, discord.NotFound) and error.code == _UNKNOWN_INTERACTION:
        log.warning("an answer came later than Discord waits for one: %s", error)
        return
    text = said(error, interaction.client.settings.articles.parent, interaction.client.settings.data)
    try:
        if interaction.response.is_done():
            await _follow_up(interaction, text)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as failure:
        log.warning("could not tell of an error: %s", failure)


async def think(interaction: "discord.Interaction[VerbatimBot]", *, ephemeral: bool) -> None:
    """Acknowledges a command, which Discord wants within three seconds; the answer is edited in later."""
    interaction.extras["thinks_aloud"] = not ephemeral
    answer = await interaction.response.defer(thinking=True, ephemeral=ephemeral)
    interaction.extras["message"] = answer.message_id if answer else None


async def _follow_up(interaction: "discord.Interaction[VerbatimBot]", text: str) -> None:
    thinks_aloud = interaction.extras.get("thinks_aloud")
    if thinks_aloud is False:
        await interaction.edit_original_response(content=text, embeds=[], view=None)
        return
    if thinks_aloud:  # for all to see, which an error is not
        await interaction.delete_original_response()
    await interaction.followup.send(text, ephemeral=True)


def said(error: Exception, *folders: object) -> str:
    """The words for this error; a defect's are logged with its traceback. No folder of this machine is named."""
    if isinstance(error, UserError):
        return note(without_folders(str(error), *map(str, folders)))
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return "My commands have just changed. Reload Discord (Ctrl+R), then try again."
    if isinstance(error, app_commands.NoPrivateMessage):
        return "That works in servers only."
    reference = secrets.token_hex(4)
    log.error("a command failed, reference %s", reference, exc_info=error)
    return f"Sorry, something went wrong on my side. The operator finds it in the log under reference `{reference}`."


def slow_down(seconds: float) -> str:
    """What someone is told who asks faster than allowed."""
    return f"Slow down a little, please: try again in {math.ceil(seconds)} s."
