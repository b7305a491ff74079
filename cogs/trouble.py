"""Trouble between the bot and Discord: what passes by itself, what the operator has to mend, how long is waited, and
how it is logged."""

import logging
import random
from collections import deque
from typing import Literal

import aiohttp
import discord
from discord.backoff import ExponentialBackoff

_PORTAL = "https://discord.com/developers/applications"
_BAD_TOKEN = (
    f"Discord does not accept the token. Make a new one at {_PORTAL} (your application, Bot, Reset Token) and set it "
    "as DISCORD_TOKEN."
)
_REFUSED_INTENTS = (
    "Discord refuses the intents that the bot asks for, though it needs none that are privileged. Check at "
    f"{_PORTAL} (your application, Bot) that the token belongs to this bot's application, and that it is not suspended."
)

LONGEST_DELAY = 60.0
"""Seconds between two attempts to connect, at most."""


def hopeless(error: BaseException | None) -> str | None:
    """What the operator has to mend before another attempt makes sense; None if one does."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else None
    if isinstance(error, discord.LoginFailure) or code == 4004 or _status(error) == 401:
        return _BAD_TOKEN
    if isinstance(error, discord.PrivilegedIntentsRequired) or code in (4013, 4014):
        return _REFUSED_INTENTS
    return None


def passes(error: BaseException) -> bool:
    """Whether it is trouble with Discord or the network, which passes."""
    if isinstance(error, discord.HTTPException):
        return error.status == 429 or error.status >= 500
    return isinstance(
        error, OSError | aiohttp.ClientError | discord.GatewayNotFound | discord.ConnectionClosed | discord.RateLimited
    )


def _status(error: BaseException | None) -> int | None:
    if isinstance(error, discord.GatewayNotFound):
        error = error.__cause__
    return error.status if isinstance(error, discord.HTTPException) else None


def in_short(error: BaseException | None) -> str:
    """The error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200] if error else "closed"


class Backoff(ExponentialBackoff[Literal[False]]):
    """discord.py's back-off for a connection that is lost, which otherwise grows to 17 minutes."""

    def delay(self) -> float:
        longest = LONGEST_DELAY * random.uniform(0.5, 1.0)  # noqa: S311 — spreads load, no secret
        return min(super().delay(), longest)


class Brake:
    """How long to wait before the next connection to the gateway.

    discord.py resumes at once, and again as often as a connection breaks at once, hundreds of times a second. So many
    connections as `most` may be made within a minute without a pause; the pauses grow with each one beyond.
    """

    def __init__(self) -> None:
        self._made: deque[float] = deque()

    def pause(self, most: int, now: float) -> float:
        """Seconds to wait before the connection that is wanted `now` (of any clock that does not go back)."""
        while self._made and self._made[0] < now - 60.0:
            self._made.popleft()
        self._made.append(now)
        beyond = len(self._made) - most
        return min(LONGEST_DELAY, 2.0 ** min(beyond, 10)) if beyond > 0 else 0.0


class OneLine(logging.Filter):
    """Trouble with the network needs no traceback: the library's records of it become one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and (isinstance(error, discord.HTTPException) or passes(error)):
            record.msg, record.args = f"{record.getMessage()} ({in_short(error)})", None
            record.exc_info = record.exc_text = None
        return True
