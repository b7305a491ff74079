"""A system's process: started, spoken to, and ended where it takes too long or too much memory.

It knows nothing of what is measured. Memory is read from /proc, so it needs Linux.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

_MIB = 1024 * 1024
_LOOK = 0.25  # seconds between two looks at the memory
_LAST_WORDS = 5.0  # seconds that a process which has ended its output has for the rest


class Beyond(Exception):
    """A step failed, or went beyond its bound; the message is what the results say."""


class Running:
    """A process that answers commands in JSON lines; ended with the block."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, most_mib: int) -> None:
        self._most = most_mib * _MIB
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 — closed in `end`
        self._process = subprocess.Popen(  # noqa: S603 — commands of the benchmark's own
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        self._left = b""

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def call(self, do: str, *, within: float, **arguments: object) -> dict[str, Any]:
        """The reply to a command.

        Raises:
            Beyond: it failed, took longer than `within` seconds or more memory than it may. The process has then
                ended, unless it said itself what had failed.
        """
        self.send(do, **arguments)
        return self.reply(within=within)

    def send(self, do: str, **arguments: object) -> None:
        """Sends a command whose reply is taken later."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is no reply either, which tells more
            self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self._process.stdin.flush()

    def reply(self, *, within: float) -> dict[str, Any]:
        """The next reply. Raises as `call`."""
        line = self._line(time.monotonic() + within, within)
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            raise self._beyond(f"no reply but {line[:100]!r}") from None
        if "error" in found:
            raise Beyond(found["error"])
        return found

    def _line(self, ends: float, within: float) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._left:
            left = ends - time.monotonic()
            if left <= 0:
                raise self._beyond(f"not within {within:,.0f} s")
            if select.select([self._process.stdout], [], [], min(left, _LOOK))[0]:
                read = os.read(self._process.stdout.fileno(), 1 << 20)
                if not read:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(_LAST_WORDS)  # which may come after its output has ended
                    raise self._beyond(f"ended: {self.said()}")
                self._left += read
            elif self.resident() > self._most:
                raise self._beyond(f"not within {self._most // _MIB:,} MB of memory")
        line, _, self._left = self._left.partition(b"\n")
        return line

    def _beyond(self, message: str) -> Beyond:
        self.end()
        return Beyond(message)

    def said(self) -> str:
        """The end of what the process wrote to stderr."""
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 600))
        return self._said.read().decode(errors="replace").strip()

    def resident(self) -> int:
        """What the process and its descendants have in memory, in bytes."""
        total, waiting = 0, [self._process.pid]
        while waiting:
            process = waiting.pop()
            with contextlib.suppress(OSError, ValueError):
                place = Path("/proc") / str(process)
                total += int((place / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
                for task in (place / "task").iterdir():
                    waiting += map(int, (task / "children").read_text(encoding="ascii").split())
        return total

    def end(self) -> None:
        """Ends the process and what it started."""
        if self._said.closed:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if self._process.returncode is not None:
            self._keep_last_words()

    def _keep_last_words(self) -> None:
        words = self.said()
        self._said.close()
        self.said = lambda: words  # type: ignore[method-assign]
