"""What stands behind every connection to Discord: made once, shared by one bot after the other, and closed in order."""

import asyncio

from cogs.additions import Additions
from cogs.answers import Answers
from cogs.bridge import Bridge
from cogs.schedule import Schedule
from cogs.service import Service
from cogs.settings import Settings
from cogs.sources import Sources
from cogs.workshop import Workshop
from index.corpus import Library
from index.isolation import Isolation
from index.web.fetch import Fetcher
from records.records import Records


class Backstage:
    """Owns `library`, `reader`, `fetcher` and `records` from now on."""

    def __init__(
        self,
        library: Library,
        service: Service,
        settings: Settings,
        reader: Isolation,
        fetcher: Fetcher,
        *,
        records: Records,
    ) -> None:
        workshop = Workshop(library, service, settings, reader, fetcher)
        self.settings = settings
        self.service = service
        self.records = records
        self.answers = Answers(service, records, settings)
        self.additions = Additions(workshop)
        self.sources = Sources(workshop)
        self.bridge = Bridge()
        self.schedule = Schedule(self.sources, self.bridge, every=workshop.every["path"])
        self._library = library
        self._reader = reader
        self._fetcher = fetcher

    async def stop(self) -> None:
        """Ends all work: whoever waits for it is told, and what waits for the web or reads a file is given up."""
        closing = asyncio.ensure_future(self.bridge.close())
        await asyncio.sleep(0)  # so that whatever is interrupted now knows already that it has to end
        self._fetcher.cancel()
        await asyncio.to_thread(self._reader.close)
        await closing

    async def close(self) -> None:
        """Stops, and lets go of everything."""
        await self.stop()
        await self.schedule.stop()
        await asyncio.to_thread(self._fetcher.close)
        self._library.close()
        self.records.close()
