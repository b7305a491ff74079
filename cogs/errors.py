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
    text = said(error, interaction.client.settings.articles.parent, interaction.client.settings.data)
    try:
        if interaction.response.is_done():
            if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
                # Who may see a follow-up to "is thinking" was settled there; one that follows nothing is private.
                await interaction.delete_original_response()
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as failure:
        log.warning("could not tell of an error: %s", failure)


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
