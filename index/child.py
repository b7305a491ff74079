"""One process that talks in frames (`index.worker`): it is started with little, asked within a time limit, and ended.

Why it is asked, and whether what it says is sound, is `index.isolation`'s to know.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import cast

from index.errors import Said
from index.worker import NO_MEMORY, Frame, Head, receive, send

_ROOT = Path(__file__).resolve().parents[1]
# Of this process's environment; a secret may be among the rest.
_KEPT = (
    *("PATH", "PATHEXT", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
)


class Child:
    """One such process and the talk with it, which ends at its time limit whatever the process does."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own Python and module
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for this process to decide on
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        self._jobs = cast(FileIO, self._process.stdin)
        self._answers = cast(FileIO, self._process.stdout)
        self._talk: threading.Thread | None = None
        self._stopping = threading.Lock()
        self.asked = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def hear(self, most_head: int, most_body: int, seconds: float) -> Frame:
        """What it says next. Raises TimeoutError, OSError or EOFError, and TooLong where that is more than allowed."""
        return self._within(seconds, lambda: receive(self._answers, most_head, most_body))

    def ask(self, job: Head, data: bytes, most_head: int, most_body: int, seconds: float) -> Frame:
        """What it says to a job; raises as `hear` does."""

        def talk() -> Frame:
            send(self._jobs, job, [data])
            return receive(self._answers, most_head, most_body)

        self.asked += 1
        return self._within(seconds, talk)

    def _within(self, seconds: float, talk: Callable[[], Frame]) -> Frame:
        """`talk` in a thread that can be left behind, since not every system has pipes with a time limit."""
        said: Future[Frame] = Future()

        def run() -> None:
            try:
                said.set_result(talk())
            except BaseException as error:
                said.set_exception(error)

        with self._stopping:  # or its pipes might be closed as the thread begins to use them
            self._talk = threading.Thread(target=run, name="reader", daemon=True)
            self._talk.start()
        return said.result(seconds)

    def stop(self, *, patience: bool = False) -> int:
        """Ends it and what it started; with `patience` it may end by itself first, if it is about to.

        Returns its exit code. From any thread, and as often as you like.
        """
        with self._stopping:
            if patience:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(1.0)
            if self._process.returncode is None:  # nobody has heard of its end yet, so its number is still its own
                with suppress(OSError):
                    if hasattr(os, "killpg"):
                        os.killpg(self._process.pid, signal.SIGKILL)
                    else:
                        self._process.kill()
                self._process.wait()
            if self._talk is not None:
                self._talk.join(1.0)
            if self._talk is None or not self._talk.is_alive():  # else another process holds the pipes' other ends
                self._jobs.close()
                self._answers.close()
            return self._process.returncode


def end_of(code: int) -> Said:
    """An exit code in words; "SIGSEGV" rather than -11."""
    if code == NO_MEMORY:
        return Said("out of memory")
    with suppress(ValueError):
        return Said(signal.Signals(-code).name)
    return Said("exit code {code}", code=str(code))


def module_path() -> str:
    """The PYTHONPATH of a process that runs modules of this program: they come first, and then what is set."""
    paths = [str(_ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.pathsep.join(paths)


def _environment() -> dict[str, str]:
    """What the process needs to know, and nothing that is not for it."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONPATH": module_path(),
        "PYTHONSAFEPATH": "1",  # the modules are this program's, not those of the folder it was started in
        # Every thread's stack and every arena counts as memory, used or not.
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
