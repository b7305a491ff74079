"""How commands add to a server: in turns, off the event loop, telling how far it is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import discord

from cogs import reports
from cogs.additions import Addition
from cogs.bridge import Lane
from cogs.pasted import as_markdown, file_name
from cogs.refusal import Refusal
from cogs.sending import LiveMessage
from cogs.speech import _
from cogs.uploads import download
from index.report import Progress, ProgressCallback

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

T = TypeVar("T")
_BETWEEN_EDITS = 1.5  # seconds; Discord allows five edits in five seconds, for all of a channel's messages


def server_of(interaction: discord.Interaction) -> int:
    """The server in which this was used. Raises Refusal where it was in none."""
    if interaction.guild_id is None:
        raise Refusal(_("That works in servers only."))
    return interaction.guild_id


async def add_file(
    bot: "VerbatimBot", server: int, file: discord.Attachment, *, replaces: str | None = None
) -> Addition:
    """Fetches an attachment and adds it; within a `turn` of its server.

    Raises:
        Refusal: it cannot be had, or becomes no article.
    """
    bot.additions.demand_acceptable(file.filename, file.size)
    data = await download(bot.session, file, bot.settings.max_bytes)
    name = file_name(file.filename)
    return await _added(bot, server, data, name, f"discord:{file.id}/{name}", replaces=replaces)


async def add_text(
    bot: "VerbatimBot",
    server: int,
    text: str,
    source: int,
    *,
    title: str = "",
    url: str | None = None,
    author: str | None = None,
    day: date | None = None,
    replaces: str | None = None,
) -> Addition:
    """Adds a text that somebody wrote, as the file of the interaction or message with the id `source`; within a `turn`.

    Raises:
        Refusal: it becomes no article.
    """
    data = as_markdown(text, title=title, url=url, author=author, day=day)
    name = file_name(title or "message", ".md")
    address = f"discord:{source}/{name}"
    return await _added(bot, server, data, name, address, replaces=replaces, typed=True)


async def _added(
    bot: "VerbatimBot",
    server: int,
    data: bytes,
    name: str,
    address: str,
    *,
    replaces: str | None,
    typed: bool = False,
) -> Addition:
    add = partial(bot.additions.file, replaces=replaces, typed=typed, cancel=bot.bridge.closing)
    return await bot.bridge.call(Lane.ADD, add, server, data, name, address)


async def add_link(
    interaction: "discord.Interaction[VerbatimBot]", url: str, live: LiveMessage | None = None, *, feed: bool = False
) -> Addition:
    """Adds a page, document or feed; within a `turn` of the server. `live` shows how far it is, where it takes long.

    Raises:
        Refusal: it may not or cannot be fetched, or becomes no article.
    """
    bot, server = interaction.client, server_of(interaction)

    def start(progress: ProgressCallback) -> Awaitable[Addition]:
        report = bot.bridge.reported(progress)
        add = partial(bot.additions.link, feed=feed, channel=interaction.channel_id, cancel=bot.bridge.closing)
        return bot.bridge.call(Lane.ADD, partial(add, progress=report), server, url)

    def shown(now: Progress) -> str | None:
        return reports.progress("it", now) if now.total > 1 else None

    added = await watched(live, start, shown)
    bot.schedule.look_again(server)
    return added


async def watched(
    live: LiveMessage | None,
    start: Callable[[ProgressCallback], Awaitable[T]],
    shown: Callable[[Progress], str | None],
) -> T:
    """What `start(progress)` comes to, while the message shows how far it is, in the words that `shown` has for it."""
    states: asyncio.Queue[Progress] = asyncio.Queue()
    running = asyncio.ensure_future(start(states.put_nowait))
    try:
        while not running.done():
            state = await _next_state(states, running)
            if state is not None and live is not None and (text := shown(state)) is not None:
                await live.show(text)
                await asyncio.wait({running}, timeout=_BETWEEN_EDITS)
        return running.result()
    finally:
        running.cancel()


async def _next_state(states: asyncio.Queue[Progress], running: asyncio.Future[T]) -> Progress | None:
    """The newest state, as soon as there is one; None if the run ends before."""
    first = asyncio.ensure_future(states.get())
    either: set[asyncio.Future[Any]] = {first, running}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not first.done():
            return None
    finally:
        first.cancel()
    state = first.result()
    while not states.empty():
        state = states.get_nowait()
    return state
