"""What all buttons that outlive a restart have in common, and the one that changes nothing.

All that such a button needs stands in its id, and is checked again when it is pressed.
"""

import functools
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

import discord
from discord import ui

from cogs.errors import begin, tell
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

Item = TypeVar("Item")
Press = Callable[[Item, Any], Coroutine[Any, Any, None]]


def telling(press: Press[Item]) -> Press[Item]:
    """A callback whose errors are told to whoever pressed; discord.py would only log them."""

    @functools.wraps(press)
    async def callback(self: Item, interaction: "discord.Interaction[VerbatimBot]") -> None:
        begin(interaction)
        try:
            await press(self, interaction)
        except Exception as error:
            await tell(interaction, error)

    return callback


class KeepButton(ui.DynamicItem[ui.Button[Any]], template=r"articles:keep"):
    """Leaves everything as it is."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__(
            ui.Button(label=text or _("Keep"), style=discord.ButtonStyle.secondary, custom_id="articles:keep")
        )

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: ui.Item[Any], match: re.Match[str]) -> Self:
        return cls()

    @telling
    async def callback(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        await interaction.response.edit_message(content=_("Nothing was removed."), view=None)


BUTTONS = (KeepButton,)
