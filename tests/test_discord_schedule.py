"""What the bot does by itself: it looks at what is due, gives way to people, and survives whatever goes wrong."""

import asyncio
import logging
import threading
import time

import pytest

from cogs.bridge import Bridge
from cogs.refusal import Refusal
from cogs.schedule import Schedule
from cogs.sources import NEVER, Outlook, Refreshed
from index.errors import UserError
from index.report import Settled, SyncReport


class Told:
    """Stands in for the sources: says what it is told to say, and keeps what it was asked."""

    def __init__(self, **outlooks):
        self.outlooks = {None if key == "operator" else int(key[1:]): value for key, value in outlooks.items()}
        self.refreshed, self.rebuilt, self.opened = [], [], []
        self.trouble = None
        self.folder = True
        self.report = Refreshed(SyncReport([Settled("https://example.org/a", "added")]))

    def corpora(self):
        return [None, *(one for one in self.outlooks if one is not None)]

    def folder_exists(self):
        return self.folder

    def outlook(self, server):
        self.opened.append(server)
        return self.outlooks.get(server, Outlook(NEVER, behind=False))

    def refresh_due(self, server, progress, cancel, *, folder=False):
        self.refreshed.append((server, folder))
        if self.trouble is not None:
            raise self.trouble
        self.outlooks[server] = Outlook(time.time() + 1_000, behind=False)
        return self.report

    def rebuild(self, server, progress, cancel):
        self.rebuilt.append(server)
        self.outlooks[server] = Outlook(NEVER, behind=False)
        return 3


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    for name, seconds in (("_FIRST", 0.0), ("_PAUSE", 0.01), ("_SOON", 0.01), ("_BETWEEN", 0.0)):
        monkeypatch.setattr(f"cogs.schedule.{name}", seconds)


def scheduled(sources, test, *, every=0.0):
    """Runs a schedule over these sources until `test(schedule, bridge)` is through."""

    async def main():
        bridge = Bridge()
        schedule = Schedule(sources, bridge, every=every)
        try:
            schedule.start()
            await test(schedule, bridge)
        finally:
            await bridge.close()
            await schedule.stop()

    asyncio.run(main())


async def until(predicate):
    async with asyncio.timeout(20):
        while not predicate():  # noqa: ASYNC110 — what is waited for knows nothing of the test
            await asyncio.sleep(0.005)


DUE, LATER = Outlook(0.0, behind=False), Outlook(time.time() + 1_000, behind=False)


def test_what_is_due_is_looked_at_once(caplog):
    """What is due is looked at, what is not is only opened once; new articles are in the log."""
    caplog.set_level(logging.INFO)
    sources = Told(s1=DUE, s2=LATER, s3=DUE)

    async def test(schedule, bridge):
        await until(lambda: len(sources.refreshed) == 2)
        await asyncio.sleep(0.1)

    scheduled(sources, test)
    assert sources.refreshed == [(1, False), (3, False)]
    assert sorted(map(str, sources.opened)) == ["1", "1", "2", "3", "3", "None"]
    assert "added: https://example.org/a" in caplog.text


def test_a_new_source_is_looked_for():
    """After a source came to a server, its corpus is opened again."""
    sources = Told(s1=LATER)

    async def test(schedule, bridge):
        await until(lambda: 1 in sources.opened)
        sources.outlooks[1] = DUE
        await asyncio.sleep(0.05)
        assert sources.refreshed == []
        schedule.look_again(1)
        await until(lambda: sources.refreshed)

    scheduled(sources, test)
    assert sources.refreshed == [(1, False)]


def test_the_folder():
    """The operator's folder is looked at after its interval, if it is there."""
    sources = Told()
    for folder in (True, False):
        sources.folder, sources.refreshed = folder, []

        async def test(schedule, bridge):
            await until(lambda: len(sources.refreshed) == 2)

        scheduled(sources, test, every=0.02)
        assert sources.refreshed[0] == (None, folder)


def test_a_server_that_the_bot_has_left():
    """Sources of a server that the bot is no longer in are left alone."""
    sources = Told(s1=DUE, s2=DUE)

    async def test(schedule, bridge):
        schedule.serves = lambda server: server == 2
        await until(lambda: sources.refreshed)
        await asyncio.sleep(0.05)

    scheduled(sources, test)
    assert sources.refreshed == [(2, False)]


@pytest.mark.parametrize("trouble", [UserError("it is damaged"), ZeroDivisionError("defect")])
def test_trouble_with_one_corpus(caplog, trouble):
    """Trouble with one corpus is logged, not repeated every minute, and costs no other corpus its look."""
    sources = Told(s1=DUE, s2=DUE)
    sources.trouble = trouble

    async def test(schedule, bridge):
        await until(lambda: len(sources.refreshed) == 2)
        await asyncio.sleep(0.05)

    scheduled(sources, test)
    assert sources.refreshed == [(1, False), (2, False)]
    assert caplog.text.count("looking at the sources of server") == 2


def test_people_go_first():
    """A run that a person asks for ends a scheduled one of that corpus, which is taken up again afterwards."""
    sources = Told(s1=DUE)
    begun, cancelled = threading.Event(), []

    def refresh_due(server, progress, cancel, *, folder=False):
        begun.set()
        cancelled.append(cancel.wait(0.0 if cancelled else 20))
        return Refreshed(SyncReport(cancelled=True))

    sources.refresh_due = refresh_due

    async def test(schedule, bridge):
        await asyncio.to_thread(begun.wait, 20)
        assert await bridge.index(1, lambda *_: "by hand", print) == "by hand"
        assert cancelled[0] is True
        await until(lambda: len(cancelled) > 1)

    scheduled(sources, test)


def test_a_scheduled_run_waits_for_people():
    """A scheduled run of a corpus that a person has looked at is tried again later; another person is refused."""
    sources = Told(s1=DUE)
    gate = threading.Event()

    async def main():
        bridge = Bridge()
        by_hand = asyncio.ensure_future(bridge.index(1, lambda *_: gate.wait(20), print))
        schedule = Schedule(sources, bridge, every=0.0)
        schedule.start()
        await until(lambda: sources.opened.count(1) > 2)
        assert sources.refreshed == []
        with pytest.raises(Refusal, match="being read already"):
            await bridge.index(1, print, print)
        gate.set()
        assert await by_hand
        await until(lambda: sources.refreshed)
        await bridge.close()
        await schedule.stop()

    asyncio.run(main())


def test_what_is_behind_is_encoded_anew(caplog):
    """Corpora of an earlier model are encoded anew one after the other, and those that were interrupted once more."""
    caplog.set_level(logging.INFO)
    behind = Outlook(NEVER, behind=True)
    sources = Told(operator=behind, s1=behind, s2=behind)
    rebuild, interrupted = sources.rebuild, []

    def once_interrupted(server, progress, cancel):
        if server == 1 and not interrupted:
            interrupted.append(server)
            return None
        return rebuild(server, progress, cancel)

    sources.rebuild = once_interrupted

    async def test(schedule, bridge):
        await until(lambda: len(sources.rebuilt) == 3)
        await asyncio.sleep(0.05)

    scheduled(sources, test)
    assert sorted(map(str, sources.rebuilt)) == ["1", "2", "None"]
    assert caplog.text.count("encoded anew") == 3


def test_what_happened_is_told():
    """How each look and each encoding ended is told, well or not; that nobody can be told costs nothing."""
    sources = Told(s1=DUE, s2=Outlook(0.0, behind=True), s3=LATER)
    rebuild, told = sources.rebuild, []

    def failing_once(server, progress, cancel):
        if not sources.trouble:
            sources.trouble = UserError("it is damaged")
            raise sources.trouble
        return rebuild(server, progress, cancel)

    sources.rebuild = failing_once

    async def tell(happened):
        told.append(happened)
        raise ZeroDivisionError

    async def test(schedule, bridge):
        schedule.tell = tell
        await until(lambda: len(told) == 3)
        sources.outlooks[2] = Outlook(0.0, behind=True)
        schedule.look_again(2)
        await until(lambda: len(told) == 5)

    scheduled(sources, test)
    looks = [(one.corpus, one.error is None) for one in told if one.work == "look"]
    assert looks == [(1, True), (2, True), (2, False)]
    assert [one.error is None for one in told if one.work == "rebuild"] == [False, True]
    assert all((one.done is sources.report) == (one.work == "look" and one.error is None) for one in told)


def test_the_last_run_is_known():
    """The outcome of the last look at each corpus is kept, whether it went well or not."""
    sources = Told(s1=DUE, s2=LATER)

    async def test(schedule, bridge):
        await until(lambda: schedule.last_run(1))
        assert schedule.last_run(1).counts["added"] == 1 and schedule.last_run(1).error is None
        assert schedule.last_run(2) is None
        sources.outlooks[1], sources.trouble = DUE, UserError("it is damaged")
        schedule.look_again(1)
        await until(lambda: schedule.last_run(1).error is sources.trouble)
        assert schedule.last_run(1).counts == {}

    scheduled(sources, test)
