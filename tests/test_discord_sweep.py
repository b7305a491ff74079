"""What closes idle corpora: it asks the library for that again and again, and survives whatever comes of it."""

import asyncio

import pytest

from cogs.bridge import Bridge
from cogs.sweep import Sweep


class Told:
    """Stands in for the library: counts how often it is asked, and fails as it is told to."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.asked = 0

    def close_idle(self):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return 0


def swept(monkeypatch, library, until):
    monkeypatch.setattr("cogs.sweep._PAUSE", 0.001)

    async def run():
        bridge = Bridge()
        sweep = Sweep(library, bridge)
        sweep.start()
        sweep.start()
        async with asyncio.timeout(10):
            while not until():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await bridge.close()
        await sweep.stop()
        asked = library.asked
        await asyncio.sleep(0.05)
        assert library.asked == asked
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(run())


def test_it_goes_on(monkeypatch):
    """The library is asked to close what is idle, again and again, until the bot stops."""
    library = Told()
    swept(monkeypatch, library, lambda: library.asked >= 3)


@pytest.mark.parametrize("error", [ValueError("defect"), OSError("disk")])
def test_it_survives_trouble(monkeypatch, caplog, error):
    """What goes wrong is logged, and the next time may go well."""
    library = Told(error)
    swept(monkeypatch, library, lambda: library.asked >= 3)
    assert "closing what nobody asks failed" in caplog.text
