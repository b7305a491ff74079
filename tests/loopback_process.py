"""The bot as a process: started in an environment of its own, watched, stopped by signal, never left behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from discord_loopback import LoopbackDiscord

KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")


class BotProcess:
    """A context manager around a command, such as ``[sys.executable, "bot.py"]``.

    The process gets the loopback's variables, no proxies, no network for models, and of the caller's environment only
    what any program needs; ``env`` adds or (with None) removes variables. ``lines`` is what it wrote to stdout and
    stderr together, ``stdout`` and ``stderr`` apart. Leaving the block kills it and its children.
    """

    def __init__(
        self,
        discord: LoopbackDiscord,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: dict[str, str | None] | None = None,
    ) -> None:
        self.discord = discord
        self.command = [str(part) for part in command]
        self.cwd = cwd
        given = {key: os.environ[key] for key in KEPT if key in os.environ} | discord.environment()
        given |= {"HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        self.env = {key: value for key, value in {**given, **(env or {})}.items() if value is not None}
        self.lines: list[str] = []
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._identified_before = 0

    def __enter__(self) -> BotProcess:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> BotProcess:
        """Start the process, or start it again after it has ended."""
        assert not self.running, "already running"
        self._identified_before = len(self.discord.gateway.identifies)
        atexit.register(self.kill)
        self._process = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        for stream, kept in ((self._process.stdout, self.stdout), (self._process.stderr, self.stderr)):
            reader = threading.Thread(target=self._read, args=(stream, kept), daemon=True)
            reader.start()
            self._readers.append(reader)
        return self

    def _read(self, stream: IO[str], kept: list[str]) -> None:
        for line in stream:
            kept.append(line.rstrip("\n"))
            self.lines.append(line.rstrip("\n"))
            self.discord.touch()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_ready(self, timeout: float = 30.0) -> BotProcess:
        """Wait until every shard of this process has been sent READY and its servers."""

        def ready() -> bool:
            assert self.running, f"the process ended with {self.wait(5)} before it was ready:\n{self.output}"
            live = self.discord.gateway.live()
            fresh = len(self.discord.gateway.identifies) > self._identified_before
            connected = {session.shard for session in live if session.connection is not None}
            return fresh and bool(live) and len(connected) == live[0].shard[1]

        self._until(ready, timeout, "the process to be ready")
        return self

    def wait_for_line(self, pattern: str, timeout: float = 10.0) -> str:
        """The first line of output that the expression matches."""
        self._until(lambda: self._find(pattern), timeout, f"a line like {pattern!r}")
        line = self._find(pattern)
        assert line is not None
        return line

    def _find(self, pattern: str) -> str | None:
        return next((line for line in list(self.lines) if re.search(pattern, line)), None)

    def _until(self, predicate, timeout: float, what: str) -> None:
        try:
            self.discord.wait_for(predicate, timeout, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- output of the process ---\n{self.output[-6000:]}") from None

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, timeout: float = 15.0) -> int:
        """The exit code, negative for a signal; AssertionError when the process does not end in time."""
        assert self._process is not None
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.output[-6000:]}") from None
        for reader in self._readers:
            reader.join(2)
        self.discord.forget_dead_sessions()
        return code

    def terminate(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        """Send the signal and return the exit code."""
        self.send_signal(number)
        return self.wait(timeout)

    def kill(self) -> None:
        """End the process and whatever it started, at once; harmless when it has ended."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self.discord.forget_dead_sessions()
        atexit.unregister(self.kill)
        for reader in self._readers:
            reader.join(2)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
