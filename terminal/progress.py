"""How far indexing is, shown to a person or written for a log; and Ctrl-C turned into an orderly stop."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from index.report import Progress

_STEPS = 10  # lines written where nobody looks on


@contextmanager
def shown(console: Console) -> Iterator[Callable[["Progress"], None]]:
    """Gives what an indexer reports its progress to: a bar on a terminal, otherwise a line for each tenth."""
    if not console.is_terminal:
        yield lambda progress: _line(console, progress)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        # The model is loaded and the first articles are encoded before there is anything to count.
        task = bar.add_task("Indexing", total=None)
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.total)


def _line(console: Console, progress: "Progress") -> None:
    done, total = progress.done, progress.total
    if done and done * _STEPS // total > (done - 1) * _STEPS // total:
        console.print(f"Indexing: {done} of {total}", soft_wrap=True)


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """The event is set by the first Ctrl-C, so that the article at hand is finished; a second one stops at once."""
    cancel = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        # Not through a console: this may have interrupted that very console in the middle of a line.
        os.write(2, b"\nStopping after the articles at hand. Ctrl-C again stops at once; both are safe.\n")

    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, previous)
