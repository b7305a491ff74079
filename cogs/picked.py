"""What was chosen in a menu of roles, channels or values, checked against the server itself.

Discord's own client offers only what there is, but what arrives here may be older, or anybody's invention.
"""

import re
from collections.abc import Collection
from typing import Any, cast

import discord

from cogs.refusal import Refusal
from cogs.speech import _, n_

Picked = tuple[frozenset[int], str | None]
"""The ids that were chosen and are there, and what is said of those that are not."""


def value(interaction: discord.Interaction) -> str | None:
    """The one value that was chosen; None if there is none, or several."""
    values = _values(interaction)
    return values[0] if len(values) == 1 else None


def roles(interaction: discord.Interaction, guild: discord.Guild) -> Picked:
    """The roles of this server that were chosen.

    Raises:
        Refusal: none of them is there, or everybody would have one of them.
    """
    chosen = _ids(interaction)
    found = frozenset(one for one in chosen if guild.get_role(one) is not None)
    if guild.id in found:
        raise Refusal(
            _(
                "With @everyone every member could remove articles. Choose roles whose members you trust. Nothing was "
                "changed."
            )
        )
    return found, _left_out(len(chosen), len(found))


def channels(interaction: discord.Interaction, guild: discord.Guild, kinds: Collection[discord.ChannelType]) -> Picked:
    """The channels of this server, and of these kinds, that were chosen.

    Raises:
        Refusal: none of them is there.
    """
    chosen = _ids(interaction)
    there = (one for number in chosen if (one := guild.get_channel(number)) is not None)
    found = frozenset(one.id for one in there if one.type in kinds)
    return found, _left_out(len(chosen), len(found))


def _values(interaction: discord.Interaction) -> list[str]:
    values = cast(dict[str, Any], interaction.data or {}).get("values") or []
    return [one for one in values if isinstance(one, str)]


def _ids(interaction: discord.Interaction) -> list[int]:
    """The ids that were chosen, each once."""
    return list(dict.fromkeys(int(one) for one in _values(interaction) if re.fullmatch(r"[0-9]{1,20}", one)))


def _left_out(chosen: int, found: int) -> str | None:
    """What is said where not everything that was chosen is there; Refusal where nothing of it is."""
    if chosen and not found:
        raise Refusal(_("What you chose is not in this server, or not any more. Nothing was changed."))
    if chosen == found:
        return None
    return n_(
        "{number} of your choices is not in this server, or not any more, and was left out.",
        "{number} of your choices are not in this server, or not any more, and were left out.",
        chosen - found,
    )
