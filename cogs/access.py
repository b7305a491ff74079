"""Who may manage a server's articles. The check is made here, on the bot's side, whatever Discord shows to whom."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import discord

from cogs.refusal import Refusal
from cogs.speech import _

if TYPE_CHECKING:
    from cogs.client import VerbatimBot


def may_manage(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Whether whoever used this has Manage Server, or one of the roles that manage, in the server they used it in."""
    if interaction.guild_id is None:
        return False
    held = interaction.user.roles if isinstance(interaction.user, discord.Member) else []
    roles = interaction.client.manager_roles(interaction.guild_id)
    return interaction.permissions.manage_guild or any(role.id in roles for role in held)


def may_write(allowed: discord.Permissions, *, in_thread: bool) -> bool:
    """Whether these permissions are enough to write in a channel, or in a thread of it."""
    return allowed.view_channel and (allowed.send_messages_in_threads if in_thread else allowed.send_messages)


def visible(interaction: "discord.Interaction[VerbatimBot]", channels: Iterable[int]) -> list[str]:
    """Mentions of those of these channels that whoever used this can see, as far as they are known."""
    guild = interaction.client.get_guild(interaction.guild_id) if interaction.guild_id is not None else None
    if guild is None or not isinstance(interaction.user, discord.Member):
        return []
    found = (guild.get_channel(one) for one in sorted(channels))
    return [one.mention for one in found if one is not None and one.permissions_for(interaction.user).view_channel]


def demand_manager(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """Raises Refusal unless `may_manage`."""
    if may_manage(interaction):
        return
    if interaction.guild_id is not None and interaction.client.manager_roles(interaction.guild_id):
        raise Refusal(
            _(
                "Only people who manage this server’s articles may do that: it takes the permission “Manage Server” "
                "or a role that was named for it."
            )
        )
    raise Refusal(_("Only people who manage this server may do that: it takes the permission “Manage Server”."))


def may_administrate(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Whether whoever used this has Manage Server itself: a role that manages articles is not enough."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild


def demand_administrator(interaction: "discord.Interaction[VerbatimBot]") -> None:
    """Raises Refusal unless `may_administrate`."""
    if not may_administrate(interaction):
        raise Refusal(_("Only people who manage this server may do that: it takes the permission “Manage Server”."))
