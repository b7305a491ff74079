"""Runs a script, and watches how long its event loop is kept from going round.

    python loopback_watched.py REPORT.json bot.py [ARGUMENT ...]

A heartbeat is due on the loop every few milliseconds. What it is late by is the lag that everything else on the loop
suffers: `wall` seconds as a clock has them, and `cpu`, the processor's time that the loop's own thread took meanwhile,
which other programs on the machine do not lengthen. Where it is late by much, what every thread was doing is sampled
from a thread of its own; collections of garbage, which stop all threads, are timed, too. The product knows nothing of
this. The report is written anew every second, and emptied by SIGUSR1.
"""

import asyncio
import gc
import heapq
import json
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

_EVERY = 0.005  # seconds between two beats
_LATE = 0.03  # seconds after which it is looked at what goes on
_KEPT = 12
_IDLE = ("python3.11/threading.py", "futures/thread.py:81", "python3.11/selectors.py")


class Watch:
    def __init__(self, report: Path) -> None:
        self._report = report
        self._main = threading.main_thread().ident
        self._clear()
        self._beat_at = time.monotonic()
        self._written = 0.0
        gc.callbacks.append(self._collected)

    def _clear(self, *_: object) -> None:
        self._started = time.monotonic()
        self._beats = 0
        self._walls: list[tuple[float, float]] = []  # the worst lags, with when
        self._cpus: list[tuple[float, float]] = []
        self._lags: list[float] = []
        self._seen: dict[float, list[str]] = {}  # when a late beat was due → what went on
        self._collections: list[tuple[float, float, int, str]] = []

    def start(self) -> None:
        """To be called on the loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGUSR1, self._clear)
        self._due = self._loop.time() + _EVERY
        self._cpu = time.thread_time()
        self._loop.call_at(self._due, self._beat)
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    def _beat(self) -> None:
        now, cpu = self._loop.time(), time.thread_time()
        lag, spent = now - self._due, cpu - self._cpu
        self._beats += 1
        self._lags.append(lag)
        _keep(self._walls, (lag, self._due))
        _keep(self._cpus, (spent, self._due))
        if now - self._written > 1.0:
            self._write()
            self._written = now
            cpu = time.thread_time()
        now = self._loop.time()
        self._beat_at, self._cpu, self._due = now, cpu, now + _EVERY
        self._loop.call_at(self._due, self._beat)

    def _look(self) -> None:
        """Samples what goes on while a beat is late; where nothing could run at all, right afterwards."""
        while True:
            time.sleep(_EVERY)
            due = self._due
            if self._loop.time() - due > _LATE:
                frames = sys._current_frames()
                names = {thread.ident: thread.name for thread in threading.enumerate()}
                told = [
                    f"{names.get(key, '?')}: "
                    + " < ".join(_place(one) for one in traceback.extract_stack(frame)[:-9:-1])
                    for key, frame in frames.items()
                    if key != threading.get_ident()
                ]
                self._seen.setdefault(due, []).extend(one for one in told if not one.split(": ")[1].startswith(_IDLE))
                if len(self._seen) > 200:
                    del self._seen[min(self._seen)]

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter(), time.thread_time()
        else:
            wall, cpu = time.perf_counter() - self._collecting[0], time.thread_time() - self._collecting[1]
            _keep(self._collections, (cpu, wall, info["generation"], threading.current_thread().name))

    def _write(self) -> None:
        lags = sorted(self._lags)
        worst = [
            {"wall": lag, "doing": list(dict.fromkeys(self._seen.get(due, [])))[:6]}
            for lag, due in sorted(self._walls, reverse=True)
        ]
        report = {
            "beats": self._beats,
            "seconds": time.monotonic() - self._started,
            "wall": max(lags, default=0.0),
            "wall_p99": lags[int(0.99 * (len(lags) - 1))] if lags else 0.0,
            "over_100ms": sum(lag > 0.1 for lag in lags),
            "cpu": max((spent for spent, _ in self._cpus), default=0.0),
            "worst": worst,
            "collections": sorted(self._collections, reverse=True),
        }
        draft = self._report.with_suffix(".new")
        draft.write_text(json.dumps(report), encoding="utf-8")
        draft.replace(self._report)


def _keep(worst: list[Any], one: Any) -> None:
    if len(worst) < _KEPT:
        heapq.heappush(worst, one)
    else:
        heapq.heappushpop(worst, one)


def _place(frame: traceback.FrameSummary) -> str:
    return f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"


def main(report: Path, script: str, arguments: list[str]) -> None:
    watch = Watch(report)
    run = asyncio.run

    def watched(main: Coroutine[Any, Any, Any], **options: Any) -> Any:
        async def begin() -> Any:
            watch.start()
            return await main

        return run(begin(), **options)

    asyncio.run = watched  # type: ignore[assignment]
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
