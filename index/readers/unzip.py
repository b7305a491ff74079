"""A ZIP's entries, read within limits: DOCX, EPUB and archives of articles are all ZIPs, and any may be hostile.

Sizes are counted while entries are expanded, because what a ZIP says of itself may be a lie. It knows nothing of
what the entries hold, and their names are never paths to it.
"""

import struct
import zipfile
import zlib
from io import BytesIO
from types import TracebackType

from index.errors import Said, UserError, mark

MAX_ENTRIES = 5_000  # of a book with all its pictures
MAX_EXPANDED = 100 * 1024 * 1024  # bytes, of one entry and of all that are read
MAX_RATIO = 200  # that an entry expands to; text reaches 20, and what an office program writes 60
MAX_SMALL = 1024 * 1024  # bytes to which anything may expand
_MAX_HEADERS = 50_000  # entries that the list is read of at all, those of stored archives within counted along
_CHUNK = 64 * 1024
_ENTRY_HEADER = b"PK\x01\x02"

# What zipfile raises for damaged or unusual archives, beside its own error.
DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


class EntryError(Exception):
    """An entry cannot be read. What it is to whoever asks, a file or a part of one, decides the words."""

    def __init__(self, of_entry: str, of_part: str, **values: float) -> None:
        super().__init__(of_entry)
        self._of_entry, self._of_part, self._values = of_entry, of_part, values

    def of_entry(self, name: str) -> Said:
        """Why it cannot be read, as a sentence of its own."""
        return Said(self._of_entry, name=name, **self._values)

    def of_part(self, name: str) -> Said:
        """The same, as the end of a sentence about the document that it is a part of."""
        return Said(self._of_part, name=name, **self._values)


# As an entry's own sentence, and as that of a part.
_MISSING = mark("{name} is missing"), mark("its part {name} is missing")
_ENCRYPTED = (
    mark("{name} is encrypted: pack it without a password"),
    mark("its part {name} is encrypted: pack it without a password"),
)
_METHOD = (
    mark("{name} is compressed by a method that is not supported: pack it anew as an ordinary ZIP"),
    mark("its part {name} is compressed by a method that is not supported: pack it anew as an ordinary ZIP"),
)
_DAMAGED = mark("{name} is damaged: pack it anew"), mark("its part {name} is damaged: pack it anew")
_LARGE = (
    mark("{name} is larger than {size} MiB: split it into smaller files"),
    mark("its part {name} is larger than {size} MiB: split it into smaller files"),
)
_BOMB = (
    mark("{name} expands to more than {times} times its size, as no article does: leave it out"),
    mark("its part {name} expands to more than {times} times its size, as no article does: leave it out"),
)


class Zip:
    """A ZIP in memory. Use it as a context manager.

    Raises:
        UserError: from the constructor, for one that is damaged or has too many entries; `shown` is its name.
    """

    def __init__(self, data: bytes, shown: str, max_entries: int = MAX_ENTRIES) -> None:
        self._left = MAX_EXPANDED
        self._shown = shown
        if data.count(_ENTRY_HEADER) > _MAX_HEADERS:
            raise self._too_many(max_entries)
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except DAMAGED:
            raise UserError("{file} is a damaged ZIP or document: save or download it again", file=shown) from None
        self.entries = self._zip.infolist()
        self.names = frozenset(self._zip.namelist())
        if len(self.entries) > max_entries:
            raise self._too_many(max_entries)

    def __enter__(self) -> "Zip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, entry: zipfile.ZipInfo | str, limit: int = MAX_EXPANDED) -> bytes:
        """An entry's bytes.

        Raises:
            EntryError: it is missing, damaged, encrypted, packed by an unusual method, a bomb, or more than `limit`.
            UserError: all entries read so far are more than `MAX_EXPANDED` together.
        """
        try:
            info = self._zip.getinfo(entry) if isinstance(entry, str) else entry
        except KeyError:
            raise EntryError(*_MISSING) from None
        if info.flag_bits & 0x1:
            raise EntryError(*_ENCRYPTED)
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise EntryError(*_METHOD)
        try:
            return self._expanded(info, limit)
        except DAMAGED:
            raise EntryError(*_DAMAGED) from None

    def peek(self, name: str, size: int) -> bytes:
        """An entry's first bytes; empty if it is missing or cannot be read."""
        try:
            with self._zip.open(name) as file:
                return file.read(size)
        except (KeyError, *DAMAGED):
            return b""

    def _expanded(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        parts, size = [], 0
        most = max(MAX_SMALL, MAX_RATIO * info.compress_size)
        with self._zip.open(info) as file:
            while part := file.read(_CHUNK):
                parts.append(part)
                size += len(part)
                self._left -= len(part)
                if size > limit:
                    raise EntryError(*_LARGE, size=limit / 2**20)
                if size > most:
                    raise EntryError(*_BOMB, times=MAX_RATIO)
                if self._left < 0:
                    raise UserError(
                        "{file} expands to more than {size} MiB: split it into smaller ones",
                        file=self._shown,
                        size=MAX_EXPANDED // 2**20,
                    )
        return b"".join(parts)

    def _too_many(self, limit: int) -> UserError:
        return UserError(
            "{file} has more than {limit} entries: split it into smaller ones", file=self._shown, limit=limit
        )
