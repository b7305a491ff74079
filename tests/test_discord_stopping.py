"""Being stopped: a signal ends the program well if it can, at once if it has to, with exit code 0 either way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EARLY = """
from cogs.stopping import exit_on_signals
import sys, time
with exit_on_signals():
    print("begun", flush=True)
    assert not {"discord", "torch", "numpy"} & set(sys.modules)
    time.sleep(60)
"""
HANGING = """
import asyncio, threading
from cogs.stopping import stop_on_signals

async def main():
    stop = asyncio.Event()
    with stop_on_signals(stop, within=%s):
        print("begun", flush=True)
        await stop.wait()
        print("closing", flush=True)
        await asyncio.sleep(60)  # what should have closed hangs

asyncio.run(main())
"""


BESIDE = """
import asyncio, signal, threading
from cogs.stopping import stop_on_signals

def tell():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

async def main():
    stop = asyncio.Event()
    with stop_on_signals(stop, within=1_000):
        print("begun", flush=True)
        for seconds in (0.3, 0.6):
            threading.Timer(seconds, tell).start()
        await stop.wait()
        print("closing", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def start():
    started = []

    def start(code):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "begun\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_there_is_anything_to_close(start, number):
    """While the program still starts, before heavy imports, a signal ends it with 0."""
    process = start(EARLY)
    process.send_signal(number)
    assert process.wait(20) == 0


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal(start, number):
    """Whoever asks twice does not wait for a close that hangs."""
    process = start(HANGING % "1_000")
    process.send_signal(number)
    assert process.stdout.readline() == "closing\n"
    process.send_signal(number)
    assert process.wait(20) == 0


@pytest.mark.process
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends a signal to one thread")
def test_a_signal_that_interrupts_nothing(start):
    """A signal that does not come in the middle of the loop's waiting, but to a thread beside it, is heard at once."""
    process = start(BESIDE)
    assert process.stdout.readline() == "closing\n"
    assert process.wait(20) == 0


@pytest.mark.process
def test_a_close_that_hangs(start):
    """A close that takes longer than it may is cut short."""
    process = start(HANGING % "0.2")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
