"""What is done about once an hour, unasked and unseen: deleting what is kept of servers left long ago, what is too old
to be of use, and what has left the articles.

One for the whole run of the program, however often it connects. It knows when, not what: that is in `departures`,
`forgetting` and the records.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from cogs.bridge import Bridge, Lane
from cogs.departures import Departures, Presence
from cogs.forgetting import Forgetting
from cogs.refusal import Refusal
from index.errors import UserError
from index.report import silent
from records.records import Records

log = logging.getLogger(__name__)

_FIRST = 60.0  # seconds from the first login to the first time
_PAUSE = 3_600.0  # seconds between two times
_DAY = 86_400.0


class Housekeeping:
    """A background task. `grace` is how many seconds what is kept of a server outlives the bot's departure; `present`
    says whether the bot is in a server, if it knows."""

    def __init__(
        self, departures: Departures, forgetting: Forgetting, records: Records, bridge: Bridge, *, grace: float
    ) -> None:
        self._departures = departures
        self._forgetting = forgetting
        self._records = records
        self._bridge = bridge
        self._grace = grace
        self._task: asyncio.Task[None] | None = None
        self.present: Presence = lambda _: None

    def start(self) -> None:
        """Starts, unless it has been started before."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_house())

    async def stop(self) -> None:
        """Stops for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def compare(self) -> None:
        """Finds out which servers the bot has left and which it is back in. Trouble is logged; an hour later it is
        done again."""
        await self._logged("comparing the servers", self._compare)

    async def _keep_house(self) -> None:
        await asyncio.sleep(_FIRST)
        while not self._bridge.closing.is_set():
            await self.compare()
            await self._logged("deleting what is kept of servers left", self._delete)
            await self._logged("forgetting old answers", self._prune)
            await self._logged("forgetting words of removed articles", self._forget)
            await asyncio.sleep(_PAUSE)

    async def _compare(self) -> None:
        missed = await self._bridge.call(Lane.CHANGE, self._departures.compare, self.present, time.time())
        for server in missed:
            days = f"{self._grace / _DAY:g}"
            log.warning("not in server %s (any more): what is kept of it is deleted in %s days", server, days)

    async def _delete(self) -> None:
        for server in await self._bridge.call(Lane.LOOK, self._departures.due, time.time() - self._grace):
            await self._logged(f"deleting server {server}", partial(self._delete_one, server))

    async def _delete_one(self, server: int) -> None:
        if self.present(server) is not False:
            return
        # In the place of a run over its articles: what the schedule has begun there ends first.
        deleted = await self._bridge.index(server, lambda *_: self._departures.delete(server, self.present), silent)
        if deleted:
            log.info("deleted everything that was kept of a server left", extra={"server": server})

    async def _prune(self) -> None:
        await self._bridge.call(Lane.CHANGE, _forget_old, self._records, time.time())

    async def _forget(self) -> None:
        for server in await self._bridge.call(Lane.LOOK, self._forgetting.servers):
            sweep = partial(self._bridge.call, Lane.SURVEY, self._forgetting.sweep, server)
            await self._logged(f"forgetting words of removed articles in server {server}", sweep)

    async def _logged(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong is logged: nobody else waits for it, and the next time it may go well."""
        try:
            await work()
        except Refusal as error:
            log.debug("not now: %s: %s", what, error)
        except UserError as error:
            log.error("%s failed: %s", what, error)
        except Exception:
            log.exception("%s failed", what)


def _forget_old(records: Records, now: float) -> None:
    records.answers.prune(now)
    for server in records.servers.with_questions():
        # A question that was being answered while its server switched the log off.
        if not records.preferences.of(server).log_questions:
            records.servers.forget_questions(server)
