"""The bridge off the event loop: what takes time never holds up Discord's heartbeat, and stops when it is told to."""

import asyncio
import threading

import pytest

from cogs.bridge import Bridge, Lane
from index.errors import UserError
from index.indexer import Indexer, Progress


def bridged(test, **options):
    """Runs `test(bridge)` in an event loop, with a bridge that is closed afterwards."""

    async def main():
        bridge = Bridge(**options)
        try:
            return await test(bridge)
        finally:
            await bridge.close()

    return asyncio.run(main())


class Gate:
    """Work that has begun and waits to be let go on."""

    def __init__(self):
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, *_):
        self.begun.set()
        assert self.open.wait(30)
        return "done"

    async def reached(self):
        await asyncio.to_thread(self.begun.wait, 30)


def test_results_and_errors_cross():
    """A function's result, or what it raises, comes back over the bridge."""

    async def test(bridge):
        assert await bridge.call(Lane.LOOK, divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await bridge.call(Lane.ASK, divmod, 7, 0)

    bridged(test)


def test_the_loop_goes_on_while_articles_are_indexed(library, articles):
    """While an index run goes on, the event loop turns, and look-ups and questions are answered."""
    for n in range(200):
        (articles / f"{n}.txt").write_text(f"Article {n} of many. It has a second sentence. And a third, on {n}.")

    async def test(bridge):
        store = library.corpus(None, create=True).store
        run = Indexer(store, library.encoder)
        seen, turns, looked = [], 0, 0

        def sync(progress, cancel):
            return run.sync([str(articles)], progress=progress, cancel=cancel)

        running = asyncio.ensure_future(bridge.index(None, sync, seen.append))
        while not running.done():
            await asyncio.sleep(0)
            turns += 1
            if turns % 100 == 0:
                await bridge.call(Lane.LOOK, store.statistics)
                looked += 1
        assert len(running.result().added) == 203
        assert turns > 100
        assert looked > 0
        assert seen[-1].done == 203
        assert len(seen) < 203

    bridged(test)


def test_one_run_at_a_time_for_each_corpus():
    """A second run over the same corpus is refused while one is under way; another corpus's is not."""

    async def test(bridge):
        gate, other = Gate(), Gate()
        running = asyncio.ensure_future(bridge.index(1, gate, print))
        await gate.reached()
        with pytest.raises(UserError, match="being read already"):
            await bridge.index(1, gate, print)
        beside = asyncio.ensure_future(bridge.index(None, other, print))
        await other.reached()
        other.open.set()
        assert await beside == "done"
        gate.open.set()
        assert await running == "done"
        assert await bridge.index(1, gate, print) == "done"

    bridged(test)


def test_a_run_that_fails_leaves_its_corpus_free():
    """After a run that raised, the corpus can be run again."""

    def fail(*_):
        raise UserError("no")

    async def test(bridge):
        for _ in range(2):
            with pytest.raises(UserError, match="no"):
                await bridge.index(7, fail, print)

    bridged(test)


def test_a_cancelled_caller_cancels_the_run():
    """When whoever waits for a run goes away, the run is told, and the corpus is free when it has ended."""

    async def test(bridge):
        begun, ended = threading.Event(), threading.Event()

        def run(progress, cancel):
            begun.set()
            assert cancel.wait(30)
            ended.set()

        running = asyncio.ensure_future(bridge.index(1, run, print))
        await asyncio.to_thread(begun.wait, 30)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.to_thread(ended.wait, 30)
        for _ in range(1_000):
            if not bridge._runs:
                break
            await asyncio.sleep(0.001)
        assert await bridge.index(1, lambda *_: "again", print) == "again"

    bridged(test)


def test_closing_ends_runs_and_refuses_more():
    """Closing sets the runs' cancel event, waits for them, and refuses what comes after."""

    async def test(bridge):
        begun = threading.Event()

        def run(progress, cancel):
            begun.set()
            assert cancel.wait(30)
            progress(Progress(1, 2, "a"))
            return "ended early"

        running = asyncio.ensure_future(bridge.index(1, run, print))
        await asyncio.to_thread(begun.wait, 30)
        await bridge.close()
        assert await running == "ended early"
        with pytest.raises(UserError, match="being stopped"):
            await bridge.call(Lane.LOOK, int)

    bridged(test)


def test_the_queue_is_bounded():
    """More than so many calls at once are refused with words for a person, and room comes back."""

    async def test(bridge):
        gates = [Gate(), Gate()]
        calls = [asyncio.ensure_future(bridge.call(Lane.CHANGE, gate)) for gate in gates]
        for gate in gates:
            await gate.reached()
        with pytest.raises(UserError, match="very busy"):
            await bridge.call(Lane.CHANGE, int)
        assert await bridge.call(Lane.LOOK, int) == 0
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*calls) == ["done", "done"]
        assert await bridge.call(Lane.CHANGE, int) == 0

    bridged(test, waiting=2)


def test_a_busy_server_leaves_room():
    """One server's calls take a quarter of a lane at most; the others' are served meanwhile."""

    async def test(bridge):
        gate = Gate()
        first = asyncio.ensure_future(bridge.call_for(1, Lane.LOOK, gate))
        await gate.reached()
        with pytest.raises(UserError, match="very busy"):
            await bridge.call_for(1, Lane.LOOK, int)
        assert await bridge.call_for(2, Lane.LOOK, int) == 0
        assert await bridge.call_for(1, Lane.CHANGE, int) == 0
        gate.open.set()
        assert await first == "done"
        assert await bridge.call_for(1, Lane.LOOK, int) == 0

    bridged(test, waiting=4)


async def busy(bridge):
    """Takes both threads that answer questions; returns what lets them go on, and what they answer."""
    gates = [Gate(), Gate()]
    running = [asyncio.ensure_future(bridge.ask(99, n, gate)) for n, gate in enumerate(gates)]
    for gate in gates:
        await gate.reached()
    return gates, running


async def waits(bridge, count):
    for _ in range(10_000):
        if len(bridge._questions) == count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{len(bridge._questions)} questions wait, not {count}")


def test_questions_take_turns():
    """What one server or one person has brought first and much of is answered between what the others bring."""

    async def test(bridge):
        gates, running = await busy(bridge)
        order = []
        brought = [(1, 7)] * 6 + [(1, 8)] * 2 + [(2, 9)] * 2 + [(3, 9)]
        asked = [asyncio.ensure_future(bridge.ask(*who, order.append, who)) for who in brought]
        await waits(bridge, len(brought))
        gates[0].open.set()  # one thread goes on, so that the order is plain
        await asyncio.gather(*asked)
        expected = [(1, 7), (2, 9), (3, 9), (1, 8), (2, 9), (1, 7), (1, 8), (1, 7), (1, 7), (1, 7), (1, 7)]
        assert order == expected
        gates[1].open.set()
        await asyncio.gather(*running)

    bridged(test)


def test_waiting_questions_are_bounded():
    """So many questions of one server, and of all, may wait; the next is refused with words, and room comes back."""

    async def test(bridge):
        gates, running = await busy(bridge)
        asked = [asyncio.ensure_future(bridge.ask(1, n, int)) for n in range(2)]
        await waits(bridge, 2)
        with pytest.raises(UserError, match="2 questions are waiting in this server already"):
            await bridge.ask(1, 9, int)
        asked.append(asyncio.ensure_future(bridge.ask(2, 9, int)))
        await waits(bridge, 3)
        with pytest.raises(UserError, match="3 questions are waiting for me already"):
            await bridge.ask(3, 9, int)
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*asked) == [0, 0, 0]
        assert await bridge.ask(1, 9, int) == 0
        await asyncio.gather(*running)
        assert bridge.waiting(Lane.ASK) == 0

    bridged(test, of_one_server=2, questions=3)


def test_who_goes_away_leaves_room():
    """A question whose caller goes away before its turn is never answered, and its place is free at once."""

    async def test(bridge):
        gates, running = await busy(bridge)
        answered = []
        leaving = asyncio.ensure_future(bridge.ask(1, 1, answered.append, "left"))
        await waits(bridge, 1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await waits(bridge, 0)
        staying = asyncio.ensure_future(bridge.ask(1, 2, answered.append, "stayed"))
        for gate in gates:
            gate.open.set()
        await asyncio.gather(staying, *running)
        assert answered == ["stayed"]

    bridged(test, of_one_server=1)


def test_all_of_a_busy_hour_are_accepted():
    """200 questions of 50 people in 20 servers at once are all answered, by the bounds as they are."""

    async def test(bridge):
        gates, running = await busy(bridge)
        asked = [asyncio.ensure_future(bridge.ask(n % 20, n % 50, int)) for n in range(200)]
        await waits(bridge, 200)
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*asked) == [0] * 200
        await asyncio.gather(*running)

    bridged(test)


def test_a_survey_waits_for_no_index_run():
    """What only looks through articles or records has an answer while as many index runs are under way as there may."""

    async def test(bridge):
        gates = [Gate() for _ in range(4)]
        runs = [asyncio.create_task(bridge.index(n, gate, print)) for n, gate in enumerate(gates, start=1)]
        for gate in gates:
            await gate.reached()
        assert await asyncio.wait_for(bridge.call_for(9, Lane.SURVEY, str, "found"), 30) == "found"
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*runs) == ["done"] * 4

    bridged(test)


def test_files_take_turns():
    """Files are added one after the other in each server and beside each other in several; the line is bounded."""

    async def test(bridge):
        inside, may_leave = [], asyncio.Event()

        async def add(server):
            async with bridge.turn(server):
                inside.append(server)
                await may_leave.wait()
                inside.remove(server)

        adds = [asyncio.ensure_future(add(server)) for server in (1, 1, 1, 1, 1, 2, 3)]
        await asyncio.sleep(0.05)
        assert sorted(inside) == [1, 2, 3]
        with pytest.raises(UserError, match="Several files"):
            await add(1)
        may_leave.set()
        await asyncio.gather(*adds)
        assert not bridge._lines
        assert not bridge._turns
        await bridge.close()
        with pytest.raises(UserError, match="being stopped"):
            await add(1)

    bridged(test)


def test_what_is_dropped_says_so():
    """A call that still waits when the bridge closes ends with words for whoever waits for it."""

    async def test(bridge):
        gates = [Gate(), Gate()]
        running = [asyncio.ensure_future(bridge.call(Lane.ASK, gate)) for gate in gates]
        for gate in gates:
            await gate.reached()
        waiting = asyncio.ensure_future(bridge.call(Lane.ASK, int))
        await asyncio.sleep(0.01)
        closing = asyncio.ensure_future(bridge.close())
        with pytest.raises(UserError, match="being stopped"):
            await waiting
        for gate in gates:
            gate.open.set()
        assert await asyncio.gather(*running) == ["done", "done"]
        await closing

    bridged(test)


def test_closing_does_not_wait_for_ever(monkeypatch):
    """Work that does not end when told to is left alone after a while, and its caller told; the rest can look out."""
    monkeypatch.setattr("cogs.bridge._LAST_WORK", 0.05)

    async def test(bridge):
        stuck = Gate()
        left = asyncio.ensure_future(bridge.call(Lane.LOOK, stuck))
        heeds = asyncio.ensure_future(bridge.call(Lane.ADD, bridge.closing.wait, 30))
        await stuck.reached()
        await bridge.close()
        assert await heeds is True
        with pytest.raises(UserError, match="being stopped"):
            await left
        stuck.open.set()

    bridged(test)
