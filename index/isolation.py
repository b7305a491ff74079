"""Reads what strangers sent in a process of its own, so that no file can take this one or its memory down.

`Isolation` keeps that process (`index.worker`): it starts it, hands it one job at a time, ends it and replaces it. What
the process says is checked here as if the file it read had written it. The formats themselves are for `index.readers`.
"""

import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated, Generic, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, StringConstraints, model_validator

from index.article import Article
from index.child import Child, end_of
from index.errors import Said, UserError, mark
from index.feeds import MAX_ENTRIES, MAX_FEEDS_OF_PAGE, MAX_TTL, MIN_TTL, Feed
from index.readers.archive import MAX_MEMBERS, Member
from index.readers.cleaning import display
from index.readers.kinds import Kind
from index.readers.unzip import MAX_EXPANDED
from index.worker import NO_MEMORY, Head, TooLong

log = logging.getLogger(__name__)
T = TypeVar("T")

_MIB = 1024 * 1024
_START_SECONDS = 60.0  # what a slow disk may take over the readers' modules
_LARGER = 4  # times a file's bytes: no text grows more on its way through a reader and JSON
_MEMBER_HEADS = MAX_MEMBERS * 10_000  # bytes of JSON: of each a name, and perhaps a message that holds it
_MOST_JOBS = 500  # of one process; then, what libraries may have leaked is given back
_REMEDIES = {
    "read": Said("save it as plain text, or split it into smaller files"),
    "kind": Said("save it as plain text, or split it into smaller files"),
    "expand": Said("unpack it, and add the files that were in it"),
    "feed": Said("add the articles themselves, or wait until its publisher has mended it"),
    "is_feed": Said("save the page as plain text, and add that"),
    "discover": Said("look for an RSS or Atom link on the page, and add that"),
    "words": Said("add the articles themselves, or wait until its publisher has mended it"),
}
_MOST_WORDS = 2_000  # characters of what a person is told
_MOST_NUMBER = 10**12  # in it, so that it can be written in any language
_Words: TypeAlias = Annotated[str, StringConstraints(max_length=_MOST_WORDS)]
_Number: TypeAlias = Annotated[int | float, Field(ge=-_MOST_NUMBER, le=_MOST_NUMBER)]


class _Spelled(BaseModel):
    """A `Said`, as the process spells it. It may be too long at no depth, since values could double it at each."""

    model_config = ConfigDict(extra="forbid", strict=True)

    template: Annotated[_Words, StringConstraints(min_length=1)]
    values: "dict[str, _Words | _Number | _Spelled]"

    @cached_property
    def said(self) -> Said:
        values = {name: one.said if isinstance(one, _Spelled) else one for name, one in self.values.items()}
        return Said(self.template, **values)

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        if len(self.said) > _MOST_WORDS:
            raise ValueError("more than anybody would read")
        return self


class _Reply(BaseModel, Generic[T]):
    """What the process may say: a result, a `UserError`'s words or an unexpected exception's name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    result: T | None = None
    refused: _Spelled | None = None
    defect: Annotated[str, StringConstraints(pattern=r"^\w{1,100}$")] | None = None
    last: bool = False

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if [self.result, self.refused, self.defect].count(None) != 2:
            raise ValueError("nothing, or several things at once")
        return self


class _MemberHead(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    size: NonNegativeInt
    problem: _Spelled | None

    def why(self) -> Said | None:
        return self.problem.said if self.problem is not None else None


class Isolation:
    """Runs the readers in a process of their own, restarted when it dies. Safe to call from any thread.

    `memory` is the process's whole address space, in bytes; a job gets `seconds` of wall-clock time once its turn has
    come, and after `idle` seconds without one the process ends. Where the system has no such limit of memory (Windows;
    in part macOS), only the time is limited.

    Every method raises `UserError` for what the readers refuse, and for what goes beyond a limit or breaks them; and
    it hands on nothing the process says that has not the form and size it must have.
    """

    def __init__(self, *, memory: int = 512 * _MIB, seconds: float = 60.0, idle: float = 60.0) -> None:
        self._memory = memory
        self._seconds = seconds
        self._idle = idle
        self._turn = threading.Lock()
        self._process: Child | None = None
        self._closed = False
        self._used = 0.0
        self._timer: threading.Timer | None = None

    def read(self, data: bytes, source: str, name: str, *, max_bytes: int) -> Article:
        """What `index.readers.read` makes of the same arguments."""

        def sound(article: Article, _: bytearray) -> bool:
            return all(one <= other for one, other in pairwise((0, *article.pages, len(article.text))))

        job = {"job": "read", "source": source, "name": name, "max_bytes": max_bytes}
        article, _ = self._ask(_Reply[Article], job, data, name, most=_LARGER * max_bytes, sound=sound)
        return replace(article, source=source)

    def expand(self, data: bytes, name: str) -> list[Member]:
        """What `index.readers.archive.expand` makes of the same arguments."""

        def sound(heads: list[_MemberHead], body: bytearray) -> bool:
            return sum(head.size for head in heads) == len(body)

        job = {"job": "expand", "name": name}
        heads, body = self._ask(
            _Reply[list[_MemberHead]], job, data, name, most=_MEMBER_HEADS, most_body=MAX_EXPANDED, sound=sound
        )
        ends, whole = accumulate(head.size for head in heads), memoryview(body).toreadonly()
        parts = (whole[end - head.size : end] for head, end in zip(heads, ends, strict=True))
        return [Member(head.name, part, head.why()) for head, part in zip(heads, parts, strict=True)]

    def kind(self, data: bytes, name: str) -> Kind:
        """What `index.readers.kinds.kind_of` makes of the same arguments."""
        return self._ask(_Reply[Kind], {"job": "kind", "name": name}, data, name)[0]

    def feed(self, data: bytes, url: str) -> Feed:
        """What `index.feeds.parse` makes of the same arguments."""

        def sound(feed: Feed, _: bytearray) -> bool:
            days = (day for entry in feed.entries for day in (entry.published, entry.updated))
            return (
                len(feed.entries) <= MAX_ENTRIES
                and (feed.ttl is None or MIN_TTL <= feed.ttl <= MAX_TTL)
                and all(day is None or day.tzinfo is not None for day in days)
            )

        return self._ask(_Reply[Feed], {"job": "feed", "url": url}, data, url, most=_LARGER * len(data), sound=sound)[0]

    def is_feed(self, data: bytes, content_type: str, url: str) -> bool:
        """What `index.feeds.looks_like_feed` says of the same bytes; `url` is for messages."""
        return self._ask(_Reply[bool], {"job": "is_feed", "type": content_type}, data, url)[0]

    def discover(self, data: bytes, url: str) -> list[str]:
        """What `index.feeds.discover` finds in the same page."""

        def sound(found: list[str], _: bytearray) -> bool:
            return len(found) <= MAX_FEEDS_OF_PAGE

        return self._ask(_Reply[list[str]], {"job": "discover", "url": url}, data, url, sound=sound)[0]

    def words(self, html: str, url: str) -> str:
        """What `index.feeds.html.paragraphs` makes of the same HTML."""
        data = html.encode(errors="replace")
        return self._ask(_Reply[str], {"job": "words"}, data, url, most=_LARGER * (len(data) + 1_000))[0]

    def close(self) -> None:
        """Ends the process for good: a job in progress is given up, and a later one refused. May be called twice."""
        self._closed = True  # without waiting for a turn; whoever starts a process looks at it afterwards
        timer, process = self._timer, self._process
        if timer is not None:
            timer.cancel()
        if process is not None:
            process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "index.worker", str(self._memory), str(math.ceil(self._seconds))]

    def _ask(
        self,
        form: type[_Reply[T]],
        job: Head,
        data: bytes,
        name: str,
        *,
        most: int = 0,
        most_body: int = 0,
        sound: Callable[[T, bytearray], bool] = lambda *_: True,
    ) -> tuple[T, bytearray]:
        """A job's result and the bytes that came with it, of at most `most` (and some) and `most_body` bytes."""
        shown, remedy = display(name), _REMEDIES[job["job"]]
        with self._turn:
            process = self._ready(shown)
            try:
                head, body = process.ask(job, data, most + _MIB, most_body, self._seconds)
                reply = form.model_validate_json(head, strict=True)
                if reply.result is not None and not sound(reply.result, body):
                    raise ValueError("a result that contradicts itself")
            except (OSError, EOFError, ValueError) as error:
                code = process.stop(patience=isinstance(error, EOFError | BrokenPipeError))
                raise UserError(self._lost(error, code, shown, remedy)) from None
            except BaseException:  # such as Ctrl-C: nobody waits for the answer any more
                process.stop()
                raise
            self._keep(process, last=reply.last)
        if reply.result is not None:
            return reply.result, body
        if reply.refused is not None:
            raise UserError(reply.refused.said)
        raise UserError(
            "{file} could not be read ({error}): it may be damaged; {remedy}",
            file=shown,
            error=reply.defect,
            remedy=remedy,
        )

    def _ready(self, shown: str) -> Child:
        """A process that waits for a job: the one there is, or a fresh one."""
        process = self._process
        if not self._closed and (process is None or not process.alive):
            if process is not None:
                process.stop()
            process = self._process = self._started()
        if self._closed or process is None:
            self.close()
            raise UserError(_stopped(shown))
        return process

    def _started(self) -> Child:
        began = time.perf_counter()
        try:
            process = Child(self._command())
        except OSError as error:
            raise _not_started(error.strerror or type(error).__name__) from None
        try:
            process.hear(_MIB, 0, _START_SECONDS)
        except (OSError, EOFError, ValueError) as error:
            end = end_of(process.stop(patience=isinstance(error, EOFError)))
            late = isinstance(error, TimeoutError)
            raise _not_started(Said("within {seconds} s", seconds=_START_SECONDS) if late else end) from None
        except BaseException:
            process.stop()
            raise
        log.debug("reader started", extra={"seconds": round(time.perf_counter() - began, 3)})
        return process

    def _keep(self, process: Child, *, last: bool) -> None:
        """Lets a process wait for the next job, and look to its end if none comes; or ends it, if it is worn out."""
        if last or process.asked >= _MOST_JOBS:
            process.stop()
            return
        self._used = time.monotonic()
        if self._timer is None:
            self._rest(self._idle)

    def _rest(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_if_idle(self) -> None:
        with self._turn:
            self._timer = None
            left = self._used + self._idle - time.monotonic()
            if self._process is not None and self._process.alive:
                if left > 0:
                    self._rest(left)
                else:
                    self._process.stop()

    def _lost(self, error: Exception, code: int, shown: str, remedy: Said) -> Said:
        """The message for a file whose process was lost over it."""
        log.debug("reader lost", extra={"file": shown, "error": type(error).__name__, "end": end_of(code)})
        if self._closed:
            return _stopped(shown)
        values: dict[str, object] = {"file": shown, "remedy": remedy}
        memory = self._memory / _MIB
        if isinstance(error, TimeoutError):
            return Said("{file} took longer than {seconds} s to read: {remedy}", seconds=self._seconds, **values)
        if isinstance(error, TooLong):
            return Said("{file} expands to more than {size} MiB: {remedy}", size=round(error.most / _MIB), **values)
        if isinstance(error, ValueError):
            return Said("{file} made its reader answer nonsense: it may be damaged; {remedy}", **values)
        if code == NO_MEMORY:
            return Said("{file} needs more than {size} MiB of memory to be read: {remedy}", size=memory, **values)
        if code == -9:
            return Said(_KILLED, **values)
        return Said(_CRASHED, end=end_of(code), size=memory, **values)


_KILLED = mark("{file} lost its reader, which was killed, as happens where a machine runs out of memory: {remedy}")
_CRASHED = mark(  # some libraries abort for want of memory
    "{file} crashed its reader ({end}): it is damaged, or needs more than {size} MiB of memory; {remedy}"
)


def _stopped(shown: str) -> Said:
    return Said("{file} was not read, because the program is stopping: index it again", file=shown)


def _not_started(why: str) -> UserError:
    return UserError(
        "The process that reads files did not start ({reason}): it needs 100 MiB of memory and the packages of "
        "requirements.txt; install them again",
        reason=why,
    )
