"""The bot as a program: connecting, trying again until it is told to stop, stopping.

What a connection does once it stands is in `client`; what passes by itself and how long is waited, in `trouble`.
"""

import asyncio
import gc
import logging
import random
from contextlib import suppress

import discord

from cogs import acknowledging, speech
from cogs.backstage import Backstage
from cogs.client import VerbatimBot
from cogs.service import Service
from cogs.settings import Settings
from cogs.stopping import stop_on_signals
from cogs.trouble import LONGEST_DELAY, Backoff, OneLine, hopeless, in_short, passes
from index.corpus import Library
from index.encoder import Encoder
from index.errors import UserError
from index.isolation import Isolation
from index.web.fetch import Fetcher
from records.records import Records
from retrieval.ranker import LearnedRanker
from retrieval.reranker import CrossEncoderReranker

log = logging.getLogger(__name__)

_USER_AGENT = "Verbatim (a Discord bot that reads what its servers point it to)"
_STOP_WITHIN = 8.0  # seconds, where containers wait for ten: then the process ends, whatever hangs


def run(
    *,
    token: str,
    library: Library,
    encoder: Encoder,
    settings: Settings,
    ranker: LearnedRanker | None = None,
    reranker: CrossEncoderReranker | None = None,
    reader: Isolation | None = None,
    fetcher: Fetcher | None = None,
) -> int:
    """Runs the bot until SIGTERM or SIGINT and returns the exit code, 0; everything it was given is closed then.

    `reader` reads what strangers wrote, and `fetcher` fetches what is on the web; by default with their usual limits.

    Raises:
        UserError: Discord does not accept the token or the intents.
    """
    service = Service(library, encoder, settings, ranker=ranker, reranker=reranker)
    reader = reader or Isolation()
    fetcher = fetcher or Fetcher(user_agent=_USER_AGENT, max_bytes=settings.max_bytes)
    records = Records(settings.data)
    speech.load()
    acknowledging.use()
    return asyncio.run(_serve(token, Backstage(library, service, settings, reader, fetcher, records=records)))


async def _serve(token: str, backstage: Backstage) -> int:
    stop = asyncio.Event()
    # A bot that never speaks need not be told of what speaking takes.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    vars(discord.shard)["ExponentialBackoff"] = Backoff
    quiet = OneLine()
    loggers = [logging.getLogger(f"discord.{name}") for name in ("client", "gateway", "shard")]
    for logger in loggers:
        logger.addFilter(quiet)
    with stop_on_signals(stop, within=_STOP_WITHIN):
        try:
            await _stay_connected(token, backstage, stop)
        finally:
            await backstage.close()
            for logger in loggers:
                logger.removeFilter(quiet)
        log.info("stopped")
    return 0


async def _stay_connected(token: str, backstage: Backstage, stop: asyncio.Event) -> None:
    """Connects, and connects again when that fails, until `stop` is set."""
    attempt = 0
    while not stop.is_set():
        bot = VerbatimBot(backstage)
        error = await _connected(bot, token, stop)
        if stop.is_set():
            return
        attempt = 1 if bot.has_been_ready else attempt + 1
        if error is not None and not passes(error):
            raise error
        gc.unfreeze()  # nobody is there to wait while what remains of the last bot is collected
        gc.collect()
        delay = min(LONGEST_DELAY, 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 — spreads load, no secret
        log.warning("no connection to Discord (%s); next attempt in %.1f s", in_short(error), delay)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)


async def _connected(bot: VerbatimBot, token: str, stop: asyncio.Event) -> BaseException | None:
    """Runs one bot until it fails or `stop` is set, closes it, and returns why it failed.

    Raises:
        UserError: it is of no use to try again.
    """
    running = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        await bot.finish()
        running.cancel()
        with suppress(asyncio.CancelledError, Exception):  # whatever it says now, it was told to end
            await running
        return None
    error = running.exception()
    await bot.close()
    if (reason := hopeless(error)) is not None:
        raise UserError(reason) from error
    return error
