"""What stands behind every connection to Discord: made once, shared by one bot after the other, and closed in order."""

import asyncio
import time

from cogs.additions import Additions
from cogs.answers import Answers
from cogs.bridge import Bridge
from cogs.catalogue import Catalogue
from cogs.departures import Departures
from cogs.failures import Failures
from cogs.forgetting import Forgetting
from cogs.housekeeping import Housekeeping
from cogs.latencies import Latencies
from cogs.measuring import Measurer
from cogs.missing import Missing
from cogs.overview import Overview
from cogs.personal import Personal
from cogs.schedule import Schedule
from cogs.service import Service
from cogs.settings import Settings
from cogs.sources import Sources
from cogs.sweep import Sweep
from cogs.tongues import Tongues
from cogs.vigilance import Vigilance
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
        self.tongues = Tongues()
        self.answers = Answers(service, records, settings, library)
        self.additions = Additions(workshop)
        self.sources = Sources(workshop)
        self.catalogue = Catalogue(library)
        self.bridge = Bridge()
        self.schedule = Schedule(self.sources, self.bridge, every=workshop.every["path"])
        departures = Departures(library, records)
        self.forgetting = Forgetting(library, records)
        self.housekeeping = Housekeeping(departures, self.forgetting, records, self.bridge, grace=settings.grace)
        self.sweep = Sweep(library, self.bridge)
        self.overview = Overview(workshop)
        self.failures = Failures(self.overview, records.servers, settings)
        self.personal = Personal(library, records)
        self.missing = Missing(library, service, records)
        self.vigilance = Vigilance(Measurer(library, service, records), self.bridge)
        self.answer_times = Latencies()
        self.started = time.time()
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
        await self.sweep.stop()
        await self.vigilance.stop()
        await self.housekeeping.stop()
        await asyncio.to_thread(self._fetcher.close)
        self._library.close()
        self.records.close()
