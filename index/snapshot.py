"""One file of named arrays beside a corpus's database: what is derived from it, so that a start need not do it again.

It holds nothing that the database does not, is written whole or not at all, and is believed only if every byte is as it
was written. It speaks no SQL and knows nothing of what the arrays are for: `about` says what they belong to.
"""

import json
import math
import os
import shutil
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.layout import new_snapshot_path, snapshot_path

# What the file is, the number of its format, and the length of the header that follows: JSON. Then come the arrays as
# they lie in memory, one behind the other, and the CRC-32 of all that. BLAKE2b takes 0.8 s a GB where this takes 0.2,
# and would be no better against what disks do; whoever writes here on purpose could as well write the database.
_START = struct.Struct("<8sII")
_MAGIC, _FORMAT = b"Vbtmvecs", 1
_END = struct.Struct("<I")
_MOST_HEADER = 65_536  # bytes
_TYPES = frozenset({"<f2", "<f4", "<i8", "|u1", "|b1"})
_PIECE = 4 * 1024 * 1024  # bytes that are read or written at once
_ROOM = 2  # times what is written has to be free: the database must not find the disk full because of it
_LEFT_BEHIND = 20.0  # seconds without a byte: whoever wrote there is no more
_PATIENCE = 5.0  # seconds for others to close a file that is to be deleted, where the system wants that


class Unfit(Exception):
    """The file is not to be used. The message says why."""


class Sliced(Protocol):
    """An array, or what is one in slices: `some` rows of it may be other memory each time."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, some: slice, /) -> NDArray[Any]: ...


class Reading:
    """A snapshot that is being read: its arrays in the order in which they were written. What is taken may be used
    after `finish` alone, which says whether it is what was written.

    Raises:
        Unfit: on every method: the file is cut, damaged, or another one than is expected.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._sum = 0
        try:
            self.about, self._arrays = self._header(os.fstat(file.fileno()).st_size)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Unfit("its header makes no sense") from error

    def take(self, name: str, kind: str, *row: int, room: Callable[[int], NDArray[Any]] | None = None) -> NDArray[Any]:
        """The next array, which has to be of this name, its rows of this type and shape. It is read into what `room`
        gives for so many rows, if anything."""
        found, of, shape = self._arrays.pop(0) if self._arrays else ("", "", ())
        if (found, of, shape[1:]) != (name, kind, row):
            raise Unfit(f"it does not hold {name} as expected")
        into = np.empty(shape, kind) if room is None else room(shape[0])
        data = _bytes(into)
        for start in range(0, len(data), _PIECE):
            self._fill(data[start : start + _PIECE])
        return into

    def finish(self) -> None:
        """Has to be called when everything is taken."""
        whole, end = self._sum, bytearray(_END.size)
        self._fill(memoryview(end))
        if self._arrays or _END.unpack(end) != (whole,):
            raise Unfit("its checksum is another")

    def _header(self, size: int) -> tuple[dict[str, Any], list[tuple[str, str, tuple[int, ...]]]]:
        start = bytearray(_START.size)
        self._fill(memoryview(start))
        magic, version, length = _START.unpack(start)
        if (magic, version) != (_MAGIC, _FORMAT) or length > min(_MOST_HEADER, size):
            raise Unfit("it is of another format")
        header = bytearray(length)
        self._fill(memoryview(header))
        content = json.loads(header)
        arrays = [(str(name), str(kind), tuple(shape)) for name, kind, shape in content["arrays"]]
        for _, kind, shape in arrays:
            whole = bool(shape) and all(type(one) is int for one in shape)
            if kind not in _TYPES or not whole or shape[0] < 0 or any(one < 1 for one in shape[1:]):
                raise Unfit("its header makes no sense")
        # Before room is made for anything: as much has to be there as is said to be.
        if size != _START.size + length + sum(_nbytes(kind, shape) for _, kind, shape in arrays) + _END.size:
            raise Unfit("its length is another")
        return dict(content["about"]), arrays

    def _fill(self, data: memoryview) -> None:
        done = 0
        while done < len(data):
            try:
                count = self._file.readinto(data[done:])
            except OSError as error:
                raise Unfit(f"it cannot be read: {error.strerror}") from error
            if not count:
                raise Unfit("it is cut off")
            done += count
        self._sum = zlib.crc32(data, self._sum)


@contextmanager
def reading(database: Path) -> Iterator[Reading | None]:
    """The snapshot beside a database, to be read; None if there is none. Raises `Unfit`."""
    _tidy(new_snapshot_path(database))
    path = snapshot_path(database)
    if not path.is_file():
        yield None
        return
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise Unfit(f"it cannot be read: {error.strerror}") from error
    with file:
        yield Reading(file)


def write(
    database: Path,
    about: Mapping[str, Any],
    arrays: Mapping[str, Sliced],
    *,
    holds: Callable[[], bool],
    place: Callable[[Callable[[], None]], bool],
) -> bool:
    """Writes a snapshot of the arrays, unless `holds` says meanwhile that they are not what they were. When it is on
    the disk, `place` is called with what puts it into its place. Returns whether it is there.

    Raises:
        OSError: it cannot be written. What was there before is still there.
    """
    new = new_snapshot_path(database)
    kinds = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    needed = sum(_nbytes(kind, shape) for _, kind, shape in kinds)
    if (free := shutil.disk_usage(database.parent).free) < _ROOM * needed:
        raise OSError(f"{_ROOM * needed >> 20} MiB have to be free on the disk, and {free >> 20} are")
    _tidy(new)
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        return False  # another process is at it
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            new.chmod(stat.S_IMODE(database.stat().st_mode))
            header = json.dumps({"about": about, "arrays": kinds}).encode()
            # Asked after the file is there and before anything is in it: who removes something changes the corpus
            # first and deletes the file then, so that one of us sees what the other has done.
            if not _written(file, _START.pack(_MAGIC, _FORMAT, len(header)) + header, arrays, holds):
                return False
            os.fsync(handle)

        def put() -> None:
            new.replace(snapshot_path(database))

        try:
            return place(put)
        except FileNotFoundError:
            return False  # somebody has deleted it
        except BaseException:
            erase(database)  # nobody knows how far it came
            raise
    finally:
        new.unlink(missing_ok=True)


def _written(file: FileIO, header: bytes, arrays: Mapping[str, Sliced], holds: Callable[[], bool]) -> bool:
    total = 0
    for piece in _pieces(header, arrays):
        if not holds():
            return False
        total = zlib.crc32(piece, total)
        while piece:
            piece = piece[file.write(piece) :]  # noqa: PLW2901
    return bool(file.write(_END.pack(total)))


def _pieces(header: bytes, arrays: Mapping[str, Sliced]) -> Iterator[memoryview]:
    yield memoryview(header)
    for array in arrays.values():
        at_once = max(1, _PIECE // max(1, _nbytes(array.dtype.str, array.shape[1:])))
        for start in range(0, array.shape[0], at_once):
            yield _bytes(np.ascontiguousarray(array[start : start + at_once]))


def erase(database: Path) -> None:
    """Deletes the snapshot beside a database, and what is being written of another.

    Raises:
        OSError: it cannot be deleted.
    """
    until = time.monotonic() + _PATIENCE
    for path in (snapshot_path(database), new_snapshot_path(database)):
        while True:
            try:
                path.unlink(missing_ok=True)
                break
            except PermissionError:  # on Windows, as long as it is open anywhere
                if os.name != "nt" or time.monotonic() > until:
                    raise
                time.sleep(0.05)


def _tidy(new: Path) -> None:
    """Deletes what a process that was killed has left behind."""
    with suppress(OSError):
        if time.time() - new.stat().st_mtime > _LEFT_BEHIND:
            new.unlink()


def _bytes(array: NDArray[Any]) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def _nbytes(kind: str, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * np.dtype(kind).itemsize
