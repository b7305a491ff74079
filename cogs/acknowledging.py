"""Acknowledging an interaction although connections break: once, and known to be done.

Where Discord is ill, or a connection breaks, an acknowledgement may have had its effect although no word of that comes
back. It is sent again then, and "already acknowledged" is what one wants to hear. It knows nothing of what is
acknowledged.
"""

import logging
from typing import TYPE_CHECKING

import aiohttp
import discord
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from cogs.once import Once

if TYPE_CHECKING:
    from discord.http import MultipartParameters
    from discord.types.interactions import InteractionCallback

log = logging.getLogger(__name__)
ALREADY = 40060
"""Discord's code for an interaction that has been acknowledged already."""


class Acknowledging(AsyncWebhookAdapter):
    """discord.py's way to Discord for whatever belongs to an interaction."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tried = Once()

    async def create_interaction_response(
        self,
        interaction_id: int,
        token: str,
        *,
        session: aiohttp.ClientSession,
        proxy: str | None = None,
        proxy_auth: aiohttp.BasicAuth | None = None,
        params: "MultipartParameters",
    ) -> "InteractionCallback":
        """Acknowledges; a second try of the caller's for the same interaction fails as Discord has it: an event that
        came twice is not answered twice."""
        first = interaction_id not in self._tried
        self._tried.add(interaction_id)
        for again in (False, True):
            try:
                return await super().create_interaction_response(
                    interaction_id, token, session=session, proxy=proxy, proxy_auth=proxy_auth, params=params
                )
            except (aiohttp.ClientError, OSError) as error:
                if again or not first:
                    raise
                log.warning("acknowledging it again: %s: %s", type(error).__name__, error)
            except discord.HTTPException as error:
                if error.code != ALREADY or not first:
                    raise
                break
        return {"interaction": {"id": interaction_id, "type": 2}}


def use() -> None:
    """Acknowledges so from now on, in this context and those that are made from it."""
    async_context.set(Acknowledging())
