"""What is done about once an hour, unasked and unseen: deleting what is kept of servers left long ago, what is too old
to be of use, and what has left the articles.

One for the whole run of the program, however often it connects. It knows when, not what: that is in `departures`,
`forgetting` and the records.
"""

import asyncio
import logging
import time

from cogs.background import Background, logged
from cogs.bridge import Bridge, Lane
from cogs.departures import Departures, Presence
from cogs.forgetting import Forgetting
from index.report import silent
from records.records import Records

log = logging.getLogger(__name__)

_FIRST = 60.0  # seconds from the first login to the first time
_PAUSE = 3_600.0  # seconds between two times
_DAY = 86_400.0


class Housekeeping(Background):
    """A background task. `grace` is how many seconds what is kept of a server outlives the bot's departure; `present`
    says whether the bot is in a server, if it knows."""

    def __init__(
        self, departures: Departures, forgetting: Forgetting, records: Records, bridge: Bridge, *, grace: float
    ) -> None:
        super().__init__(self._keep_house)
        self._departures = departures
        self._forgetting = forgetting
        self._records = records
        self._bridge = bridge
        self._grace = grace
        self.present: Presence = lambda _: None

    async def compare(self) -> None:
        """Finds out which servers the bot has left and which it is back in. Trouble is logged; an hour later it is
        done again."""
        with logged(log, "comparing the servers"):
            await self._compare()

    async def _keep_house(self) -> None:
        await asyncio.sleep(_FIRST)
        while not self._bridge.closing.is_set():
            await self.compare()
            with logged(log, "deleting what is kept of servers left"):
                await self._delete()
            with logged(log, "forgetting old answers"):
                await self._prune()
            with logged(log, "forgetting words of removed articles"):
                await self._forget()
            await asyncio.sleep(_PAUSE)

    async def _compare(self) -> None:
        missed = await self._bridge.call(Lane.CHANGE, self._departures.compare, self.present, time.time())
        for server in missed:
            days = f"{self._grace / _DAY:g}"
            log.warning("not in server %s (any more): what is kept of it is deleted in %s days", server, days)

    async def _delete(self) -> None:
        for server in await self._bridge.call(Lane.LOOK, self._departures.due, time.time() - self._grace):
            with logged(log, "deleting server %s", server):
                await self._delete_one(server)

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
            with logged(log, "forgetting words of removed articles in server %s", server):
                await self._bridge.call(Lane.SURVEY, self._forgetting.sweep, server)


def _forget_old(records: Records, now: float) -> None:
    records.answers.prune(now)
    for server in records.servers.with_questions():
        # A question that was being answered while its server switched the log off.
        if not records.preferences.of(server).log_questions:
            records.servers.forget_questions(server)
