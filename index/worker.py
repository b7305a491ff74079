"""The process that reads what strangers sent: the child's side of `index.isolation`, and their common frames.

Jobs come on stdin and results leave on stdout, as frames: two big-endian lengths (of the head, 4 bytes; of the body,
8 bytes), a head in JSON, a body of bytes. Before its first job it takes memory, processor time, files and processes
away from itself. It knows nothing of the store, the network or who asks; it ends when stdin does.

Started as `python -m index.worker MEMORY SECONDS`: bytes of address space, seconds of processor time for each job.
"""

import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from enum import Enum
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

from index.errors import Said, UserError

NO_MEMORY = 77  # the exit code that says so
_SPARE_SECONDS = 2  # of processor time beyond a job's limit: the parent, as long as there is one, is to be first
_STACK = 512 * 1024  # bytes, of the one thread besides the main one; the usual 8 MiB would count as memory
_LENGTHS = struct.Struct(">IQ")

Head: TypeAlias = dict[str, Any]
Frame: TypeAlias = tuple[bytearray, bytearray]  # a head in JSON and a body, as they came: a copy might be a large one
Result: TypeAlias = tuple[object, Sequence[bytes]]  # what goes into the head, and what into the body


class TooLong(ValueError):
    """More than the `most` bytes there may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"a frame of more than {most} bytes")
        self.most = most


def send(stream: FileIO, head: Head, body: Sequence[bytes] = ()) -> None:
    """Writes a frame; `body` is in parts that need not be joined."""
    text = json.dumps(head, ensure_ascii=False, default=_plain).encode("utf-8", "surrogatepass")
    for part in (_LENGTHS.pack(len(text), sum(map(len, body))) + text, *body):
        left = memoryview(part)
        while left:
            left = left[stream.write(left) :]


def receive(stream: FileIO, most_head: int, most_body: int) -> Frame:
    """Reads a frame's head and body, of so many bytes at most.

    Raises:
        EOFError: the stream ended.
        TooLong: it announces more.
    """
    head, body = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if head > most_head or body > most_body:
        raise TooLong(most_body if body > most_body else most_head)
    return _exactly(stream, head), _exactly(stream, body)


def _exactly(stream: FileIO, size: int) -> bytearray:
    buffer = bytearray(size)
    left = memoryview(buffer)
    while left:
        read = stream.readinto(left)
        if not read:
            raise EOFError
        left = left[read:]
    return buffer


def _plain(value: object) -> object:
    """What JSON has no form of its own for."""
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _spelled(said: Said) -> Head:
    """What a person is told, with all that a translation of it takes."""
    values = {name: _spelled(one) if isinstance(one, Said) else one for name, one in said.values.items()}
    return {"template": said.template, "values": values}


def _read(job: Head, data: bytes) -> Result:
    from index.readers import read

    article = asdict(read(data, job["source"], job["name"], max_bytes=job["max_bytes"]))
    return article | {"source": ""}, ()  # whoever asks knows it, and it may be a path that is no UTF-8


def _expand(job: Head, data: bytes) -> Result:
    from index.readers.archive import expand

    members = expand(data, job["name"])
    heads = [
        {"name": one.name, "size": len(one.held), "problem": one.problem and _spelled(one.problem)} for one in members
    ]
    return heads, [one.data for one in members]


def _kind(job: Head, data: bytes) -> Result:
    from index.readers.kinds import kind_of

    return kind_of(data, job["name"]), ()


def _feed(job: Head, data: bytes) -> Result:
    from index.feeds import parse

    return asdict(parse(data, job["url"])), ()


def _is_feed(job: Head, data: bytes) -> Result:
    from index.feeds import looks_like_feed

    return looks_like_feed(data, job["type"]), ()


def _discover(job: Head, data: bytes) -> Result:
    from index.feeds import discover

    return discover(data, job["url"]), ()


def _words(job: Head, data: bytes) -> Result:
    from index.feeds.html import paragraphs

    return paragraphs(data.decode()), ()


_JOBS: dict[str, Callable[[Head, bytes], Result]] = {
    "read": _read,
    "expand": _expand,
    "kind": _kind,
    "feed": _feed,
    "is_feed": _is_feed,
    "discover": _discover,
    "words": _words,
}


def main(memory: int, seconds: int) -> None:
    """Serves until stdin ends: `memory` in bytes, `seconds` for each job."""
    jobs, answers = _pipes()
    import index.readers  # noqa: F401 - while files may still be opened and written, such as compiled modules

    inbox: SimpleQueue[tuple[Head, bytes]] = SimpleQueue()
    threading.stack_size(_STACK)
    threading.Thread(target=_take, args=(jobs, inbox), daemon=True).start()
    _limit(memory)
    if _is_used_up(memory):
        os._exit(NO_MEMORY)
    send(answers, {})  # ready
    while True:
        try:
            _serve(*inbox.get(), answers, memory, seconds)
        except MemoryError:
            os._exit(NO_MEMORY)


def _pipes() -> tuple[FileIO, FileIO]:
    """stdin and stdout for the frames alone; whatever else reads finds nothing, and prints go to stderr."""
    jobs, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return open(jobs, "rb", buffering=0), open(answers, "wb", buffering=0)  # noqa: PTH123


def _take(jobs: FileIO, inbox: "SimpleQueue[tuple[Head, bytes]]") -> None:
    """Hands on jobs as they come. That none come any more means that nobody waits for this one either."""
    try:
        while True:
            head, body = receive(jobs, sys.maxsize, sys.maxsize)
            inbox.put((json.loads(head), bytes(body)))
            del head, body  # or they stay until the next job comes
    except MemoryError:
        os._exit(NO_MEMORY)
    except BaseException:
        os._exit(0)


def _serve(job: Head, data: bytes, answers: FileIO, memory: int, seconds: int) -> None:
    _allow(seconds)
    reply: Head
    body: Sequence[bytes] = ()
    try:
        result, body = _JOBS[job["job"]](job, data)
        reply = {"result": result}
    except UserError as error:
        _require_memory(error)
        reply = {"refused": _spelled(error.said)}
    except Exception as error:
        _require_memory(error)
        reply = {"defect": type(error).__name__}
    if _is_used_up(memory):  # a library may have been refused some, and have gone on with less
        os._exit(NO_MEMORY)
    send(answers, reply | {"last": _memory_used()[1] > memory // 2}, body)


def _is_used_up(memory: int) -> bool:
    return _memory_used()[0] > memory - memory // 16


def _require_memory(error: BaseException | None) -> None:
    """Ends the process if `error` comes of a lack of memory, whatever it was made into on its way."""
    while error is not None:
        if isinstance(error, MemoryError):
            os._exit(NO_MEMORY)
        error = error.__cause__ or error.__context__


def _memory_used() -> tuple[int, int]:
    """Bytes of address space at its highest so far, and resident bytes now; zeros where there is no /proc."""
    fields = dict.fromkeys((b"VmPeak", b"VmRSS"), 0)
    with suppress(OSError):
        for line in Path("/proc/self/status").read_bytes().splitlines():
            name, _, value = line.partition(b":")
            if name in fields:
                fields[name] = int(value.split()[0]) * 1024
    return fields[b"VmPeak"], fields[b"VmRSS"]


def _limit(memory: int) -> None:
    """Takes away what no reader needs. Windows has no such limits; macOS keeps to that of memory only in part."""
    with suppress(OSError):  # when the machine runs out of memory, it is this process that ends, not the bot
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        import resource
    except ImportError:
        return
    limits = {"RLIMIT_AS": memory, "RLIMIT_DATA": memory, "RLIMIT_RSS": memory}
    limits |= {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": 64}
    limits |= {"RLIMIT_NPROC": 0}  # no new threads or processes; root is exempt
    for name, most in limits.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (value, value))
    _take_no_privileges()


def _take_no_privileges() -> None:
    """On Linux, no program that this process might ever start gets more rights than it has."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(38, *map(ctypes.c_ulong, (1, 0, 0, 0)))  # PR_SET_NO_NEW_PRIVS


def _allow(seconds: int) -> None:
    """Processor time for one more job. The system counts it for the process, and ends it, whoever else is gone."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + _SPARE_SECONDS, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
