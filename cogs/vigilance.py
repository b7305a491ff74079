"""The bot's own look at whether another model or ranker answers worse what people have judged, and telling of it.

One for the whole run of the program, however often it connects. A server is measured whenever its judgements, the model
or the ranker are others than when it was measured last; people's questions and runs go before.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cogs.background import Background
from cogs.bridge import Bridge, Lane
from cogs.measuring import Fall, Measurer
from cogs.refusal import Refusal
from cogs.sending import announce
from cogs.speech import _, number, speaking
from index.errors import UserError
from index.report import ProgressCallback, silent

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

_FIRST = 120.0  # seconds from the first login to the first look
_PAUSE = 6 * 3_600.0  # seconds between two looks
_SOON = 60.0  # seconds until another look, where something that people asked for went before

Notice = Callable[[Fall], Awaitable[None]]


async def _untold(fall: Fall) -> None:
    """Nobody is there to be told."""


class Vigilance(Background):
    """A background task. `tell` is given every fall that is found; `serves` says whether the bot is in a server."""

    def __init__(self, measurer: Measurer, bridge: Bridge) -> None:
        super().__init__(self._watch)
        self._measurer = measurer
        self._bridge = bridge
        self.tell: Notice = _untold
        self.serves: Callable[[int], bool] = lambda _: True

    async def _watch(self) -> None:
        await asyncio.sleep(_FIRST)
        while not self._bridge.closing.is_set():
            looked = await self._look()
            await asyncio.sleep(_PAUSE if looked else _SOON)

    async def _look(self) -> bool:
        """Looks at every server; whether all could be looked at."""
        everything = True
        try:
            for server in await self._bridge.call(Lane.LOOK, self._measurer.servers):
                if self.serves(server):
                    everything &= await self._look_at(server)
        except UserError as error:
            log.error("judgements could not be looked at: %s", error)
        except Exception:
            log.exception("judgements could not be looked at")
        return everything

    async def _look_at(self, server: int) -> bool:
        """Whether it could be looked at. Trouble is logged, and no reason to look again soon."""
        cancelled = threading.Event()

        def run(progress: ProgressCallback, cancel: threading.Event) -> Fall | None:
            found = self._measurer.fall(server, cancel)
            if cancel.is_set():
                cancelled.set()
            return found

        try:
            fall = await self._bridge.index(server, run, silent, yields=True)
            if fall is not None:
                await self.tell(fall)
        except Refusal:  # its articles are being read
            return False
        except UserError as error:
            log.error("the judged questions of server %s could not be measured: %s", server, error)
        except Exception:
            log.exception("the judged questions of server %s could not be measured", server)
        return not cancelled.is_set()


async def tell_of(bot: "VerbatimBot", fall: Fall) -> None:
    """Warns once: in the log, and in the channels where the server and the operator want to hear of failures.

    Raises:
        UserError: the records cannot be written.
    """
    server, one = fall.server, fall.comparison
    if not await bot.bridge.call(Lane.CHANGE, bot.records.servers.tell_once, server, [fall.key], time.time()):
        return
    log.warning(
        "judged questions are answered worse than by %s with ranker %s: mean score %.3f instead of %.3f",
        fall.before.model,
        fall.before.ranker,
        one.now,
        one.before,
        extra={"server": server, "questions": one.questions, "worse": one.worse, "better": one.better},
    )
    own, operators, is_said = bot.preferences(server).log_channel, bot.settings.log_channel, True
    if own is not None and getattr(getattr(bot.get_channel(own), "guild", None), "id", server) == server:
        with speaking(bot.language(server)):
            is_said = await announce(bot, own, said(fall))
    if operators is not None and operators != own:
        with speaking(None):
            is_said = await announce(bot, operators, said(fall)) and is_said
    if not is_said:  # for a reason that passes: the next look says it
        await bot.bridge.call(Lane.CHANGE, bot.records.servers.is_over, server, [fall.key])


def said(fall: Fall) -> str:
    """The warning, in the language spoken now. Pure."""
    one = fall.comparison
    return _(
        "Since my model or my way to rank sentences was changed, I answer worse what people have judged: of "
        "{questions} questions, {worse} are answered worse and {better} better, which is more than chance. The mean "
        "score is {now}; before it was {before}.\n-# Whoever runs me sees more with `python bot.py evaluate "
        "--from-feedback --server {server}`.",
        questions=one.questions,
        worse=one.worse,
        better=one.better,
        now=number(round(one.now, 3)),
        before=number(round(one.before, 3)),
        server=str(fall.server),
    )
