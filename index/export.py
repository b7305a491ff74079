"""A corpus's articles as ZIPs that `index` reads back: each article a file of its own, as `readers.exported` writes it.

One article is in memory at a time. It knows nothing of where they go: the files that it writes to are given to it.
"""

import re
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO

from index.article import Article
from index.errors import UserError
from index.jobs import Stopped
from index.readers import exported
from index.readers.archive import MAX_MEMBERS
from index.readers.cleaning import one_line
from index.readers.unzip import MAX_EXPANDED, MAX_RATIO, MAX_SMALL
from index.store import Store
from index.stored import StoredArticle

_LONGEST_NAME = 60  # characters
_LONGEST_BYTES = 180  # of a name; no file system takes more than 255
_NO_NAME = re.compile(r'[\x00-\x1f/\\:*?"<>|!]+')
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_HEADERS = 200  # bytes that a ZIP spends on an entry besides its data and twice its name
_ENDING = 100  # bytes that end a ZIP
_FIRST_YEAR = 1980  # of ZIPs


class TooLarge(UserError):
    """There is more than was to be written."""


@dataclass(frozen=True, slots=True)
class Part:
    """One ZIP: its file, how many articles are in it, and its size in bytes."""

    file: IO[bytes]
    articles: int
    size: int


def export(
    store: Store,
    create: Callable[[], IO[bytes]],
    *,
    max_bytes: int,
    most: int | None = None,
    cancel: threading.Event | None = None,
) -> list[Part]:
    """Writes all articles of a corpus, copies too, by title, and returns what was written; nothing if there are none.

    `create` makes each file, which stays open, with at most `max_bytes` if that is possible. A ZIP holds no more than
    the reader of ZIPs takes. The days are those that answers show.

    Raises:
        TooLarge: there would be more than `most` files (None: any number), or one of more than `max_bytes` then.
        Stopped: `cancel` was set before the end.
    """
    writer, names = _Writer(create, max_bytes, most), _Names()
    try:
        for stored in store.articles():
            if cancel is not None and cancel.is_set():
                raise Stopped
            article = store.load(stored.id)
            if article is not None:  # it may have been removed meanwhile
                writer.add(names.of(article.title), stored, article)
    finally:
        writer.end()
    return writer.parts


class _Writer:
    def __init__(self, create: Callable[[], IO[bytes]], max_bytes: int, most: int | None) -> None:
        self.parts: list[Part] = []
        self._create = create
        self._max_bytes = max_bytes
        self._most = most
        self._file: IO[bytes] | None = None
        self._zip: zipfile.ZipFile | None = None
        self._articles = self._size = self._expanded = 0

    def add(self, name: str, stored: StoredArticle, article: Article) -> None:
        data = exported.write(replace(article, published=stored.published, updated=stored.updated))
        packed = len(zlib.compress(data))
        # What can be packed nearly that well would be taken for a bomb.
        how = zipfile.ZIP_STORED if len(data) > max(MAX_SMALL, MAX_RATIO // 2 * packed) else zipfile.ZIP_DEFLATED
        takes = (packed if how == zipfile.ZIP_DEFLATED else len(data)) + 2 * len(name.encode()) + _HEADERS
        self._make_room(takes, len(data))
        assert self._zip is not None  # noqa: S101 — there is room in it
        when = stored.indexed_at
        entry = zipfile.ZipInfo(name, (max(when.year, _FIRST_YEAR), *when.timetuple()[1:6]))
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, data, how)
        self._articles += 1
        self._size += takes
        self._expanded += len(data)

    def _make_room(self, takes: int, expands: int) -> None:
        """Begins another ZIP where the article has no room in this one."""
        if self._most is not None and takes + _ENDING > self._max_bytes:
            raise TooLarge("One article alone takes more than {size} bytes.", size=self._max_bytes)
        full = self._articles == MAX_MEMBERS or self._expanded + expands > MAX_EXPANDED
        if self._zip is not None and not full and self._size + takes + _ENDING <= self._max_bytes:
            return
        self.end()
        if self._most is not None and len(self.parts) == self._most:
            raise TooLarge(
                "The articles take more than {number} files of {size} bytes.", number=self._most, size=self._max_bytes
            )
        self._file = self._create()
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._articles = self._size = self._expanded = 0

    def end(self) -> None:
        """Ends the ZIP that was begun, if any."""
        if self._zip is None or self._file is None:
            return
        self._zip.close()
        self._file.flush()
        self.parts.append(Part(self._file, self._articles, self._file.seek(0, 2)))
        self._zip = self._file = None


class _Names:
    """Names of files that tell what is in them, harmless wherever they are unpacked, and no two the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: Counter[str] = Counter()

    def of(self, title: str) -> str:
        plain = name = _shortened(_NO_NAME.sub("-", one_line(title, _LONGEST_NAME)))
        while name.casefold() in self._taken:
            self._numbers[plain] += 1
            name = f"{plain} ({self._numbers[plain] + 1})"
        self._taken.add(name.casefold())
        return name + exported.SUFFIX


def _shortened(name: str) -> str:
    name = name.encode(errors="ignore")[:_LONGEST_BYTES].decode(errors="ignore").strip(". -~")
    return f"{name}_" if name.split(".")[0].strip().casefold() in _DEVICES else name or "article"
