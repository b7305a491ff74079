"""Who may manage a server's articles. The check is made here, on the bot's side, whatever Discord shows to whom."""

import discord

from cogs.refusal import Refusal


def may_manage(interaction: discord.Interaction, roles: frozenset[int]) -> bool:
    """Whether whoever used this has Manage Server, or one of the configured roles, in the server they used it in."""
    if interaction.guild_id is None:
        return False
    held = interaction.user.roles if isinstance(interaction.user, discord.Member) else []
    return interaction.permissions.manage_guild or any(role.id in roles for role in held)


def demand_manager(interaction: discord.Interaction, roles: frozenset[int]) -> None:
    """Raises Refusal unless `may_manage`."""
    if not may_manage(interaction, roles):
        or_role = ", or a role that the bot's operator has named for it" if roles else ""
        raise Refusal(
            f"Only people who manage this server may do that: it takes the permission “Manage Server”{or_role}."
        )
