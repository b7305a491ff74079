"""A ZIP of articles becomes its members: a name and bytes each, or why there are none.

A member's name is an identity and never a path; nothing is ever written anywhere. Archives within archives stay
closed. What a member holds is for `read` to find out.
"""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZipInfo

from index.errors import Said, UserError
from index.readers import kinds
from index.readers.cleaning import display, one_line
from index.readers.unzip import EntryError, Zip

MAX_MEMBERS = 1_000
_MAX_MEMBER = 32 * 1024 * 1024  # bytes
_MAX_PART = 100  # characters of a folder's or a file's name
_MAX_PARTS = 8  # folders above a file; of deeper ones, the innermost are kept
_ARCHIVES = frozenset({".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".tar", ".zst"})


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a ZIP; `data` is empty where `problem` says why it cannot be read.

    `name` is a relative POSIX name on one line, at most 900 characters, and no other member's. What is `held` may be a
    part of the bytes of all members together, so that they are in memory once.
    """

    name: str
    held: bytes | memoryview
    problem: Said | None = None

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return bytes(self.held)


def expand(data: bytes, name: str) -> list[Member]:
    """The articles in a ZIP, in its order, and the files there that may hold one but cannot be read.

    Folders, hidden files and files that are no articles by their names (pictures, style sheets) are left out, as they
    are in a folder.

    Raises:
        UserError: the ZIP is damaged, holds no articles, has more than `MAX_MEMBERS` entries or expands to too much.
    """
    shown = display(name)
    members: list[Member] = []
    taken: set[str] = set()
    with Zip(data, shown, MAX_MEMBERS) as archive:
        for entry in archive.entries:
            safe = _safe(entry)
            if safe is None:
                continue
            safe = next(one for one in _numbered(safe) if one not in taken)
            taken.add(safe)
            members.append(_member(archive, entry, safe))
    if not members:
        known = ", ".join(sorted(kinds.SUPPORTED_SUFFIXES))
        raise UserError("{file} holds no articles: use {known}", file=shown, known=known)
    return members


def _member(archive: Zip, entry: ZipInfo, name: str) -> Member:
    shown = display(name)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _ARCHIVES:
        return Member(name, b"", _nested(shown))
    if suffix not in kinds.SUPPORTED_SUFFIXES:
        return Member(name, b"", kinds.unsupported(name))
    if stat.S_ISLNK(entry.external_attr >> 16):
        link = Said("{file} is a link and not a file: pack the file that it leads to", file=shown)
        return Member(name, b"", link)
    try:
        data = archive.read(entry, _MAX_MEMBER)
    except EntryError as error:
        return Member(name, b"", error.of_entry(shown))
    try:
        nested = kinds.kind_of(data, name) is kinds.Kind.ZIP
    except UserError as error:
        return Member(name, b"", error.said)
    if nested:
        return Member(name, b"", _nested(shown))
    return Member(name, data)


def _nested(shown: str) -> Said:
    return Said("{file} is an archive within an archive, and those are not opened: add it by itself", file=shown)


def _safe(entry: ZipInfo) -> str | None:
    """The entry's name made harmless; None if it is a folder, hidden or nothing that could hold an article."""
    name = _as_written(entry).replace("\\", "/")
    if name.endswith("/"):
        return None
    parts = [one_line(part, 10_000) for part in re.sub(r"^[A-Za-z]:", "", name).split("/")]
    parts = [part for part in parts if part not in {"", ".", ".."}]
    if not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return None
    suffix = PurePosixPath(parts[-1]).suffix.lower()
    if suffix not in kinds.SUPPORTED_SUFFIXES | _ARCHIVES and not kinds.is_document(parts[-1]):
        return None
    return "/".join(map(_shortened, parts[-1 - _MAX_PARTS :]))


def _as_written(entry: ZipInfo) -> str:
    """The name up to a NUL; one in UTF-8 that does not say so, as some programs write, is read as UTF-8."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        try:
            return name.encode("cp437").decode()
        except UnicodeError:
            pass
    return name


def _shortened(part: str) -> str:
    """At most `_MAX_PART` characters; a suffix stays."""
    if len(part) <= _MAX_PART:
        return part
    suffix = PurePosixPath(part).suffix
    suffix = suffix if len(suffix) < 20 else ""
    return part[: _MAX_PART - len(suffix) - 1].rstrip() + "…" + suffix


def _numbered(name: str) -> Iterator[str]:
    """The name, and then the name with a number before its suffix."""
    yield name
    path = PurePosixPath(name)
    number = 2
    while True:
        yield str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        number += 1
