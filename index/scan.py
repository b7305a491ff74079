"""Files, folders and patterns become a list of files to read, and the bytes of one file.

It knows which suffixes there are readers for and nothing else of formats, and it never reads what it finds.

What a folder is searched for: files with a supported suffix, at any depth, in sorted order; other files are only
counted. Hidden files and folders (their names begin with a dot) are skipped. Symbolic links found on the way are not
followed: those that lead somewhere else inside the folder add nothing, and those that lead out of it are reported,
because following them could index, or loop through, anything on the machine. A link named as a target itself is
followed, and a file named itself may have any name: what it is, its content tells.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from index.errors import UserError
from index.readers import DEFAULT_MAX_BYTES, SUPPORTED_SUFFIXES, too_large
from index.readers.cleaning import display, one_line

_GLOB = re.compile(r"[*?\[]")
_NAMED = 5  # kinds of files that are skipped
_KINDS = ", ".join(sorted(SUPPORTED_SUFFIXES))


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read; `source`, its absolute POSIX path, is its article's identity."""

    path: Path
    source: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a folder or pattern target answers for: an indexed source that it covers and did not find has vanished.

    Nothing is covered that a scan would not have found: hidden or unsupported files, and whatever lies under
    `unseen` (folders that could not be listed, links that were not followed).
    """

    root: str
    pattern: re.Pattern[str] | None = None
    unseen: frozenset[str] = frozenset()

    def covers(self, source: str) -> bool:
        """Whether `source`, if it still existed, would have been found here."""
        prefix = self.root.rstrip("/") + "/"
        if not source.startswith(prefix):
            return False
        relative = source[len(prefix) :]
        path = PurePosixPath(source)
        if any(_is_hidden(part) for part in relative.split("/")) or path.suffix.lower() not in SUPPORTED_SUFFIXES:
            return False
        if self.pattern is not None and not self.pattern.match(relative):
            return False
        return source not in self.unseen and not any(parent.as_posix() in self.unseen for parent in path.parents)


@dataclass(frozen=True, slots=True)
class Scan:
    """What targets came to: `problems` are (target or path, message) and never kept the other targets out; `skipped`
    counts the files of other kinds in folders, by suffix."""

    files: tuple[FoundFile, ...]
    scopes: tuple[Scope, ...]
    problems: tuple[tuple[str, str], ...]
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def note(self) -> str | None:
        """“5 files of other kinds were skipped (.jpg 3, .py 2)”; None if there were none."""
        if not self.skipped:
            return None
        named = [f"{suffix or 'without a suffix'} {n:,}" for suffix, n in self.skipped.most_common(_NAMED)]
        more = ["…"] if len(self.skipped) > _NAMED else []
        number = self.skipped.total()
        files = "1 file of another kind was" if number == 1 else f"{number:,} files of other kinds were"
        return f"{files} skipped ({', '.join(named + more)})"


@dataclass(slots=True)
class _Folder:
    """One search of a folder: what it found, and what it could not or would not see."""

    root: str
    files: list[str] = field(default_factory=list)
    unseen: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # path → suffix, of files of other kinds


@dataclass(frozen=True, slots=True)
class _Found:
    """What one target came to."""

    files: Sequence[str] = ()
    scope: Scope | None = None
    problems: Sequence[tuple[str, str]] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)


def scan(targets: Sequence[str]) -> Scan:
    """Finds the files that targets (files, folders, glob patterns with `**`) name, each once, in their order.

    Paths are relative to the working folder; a path that exists is itself even if it holds `*`, `?` or `[`.
    """
    files: dict[str, FoundFile] = {}
    scopes: list[Scope] = []
    problems: list[tuple[str, str]] = []
    skipped: dict[str, str] = {}
    for target in targets:
        found = _one_target(target)
        files.update((path, FoundFile(Path(path), Path(path).as_posix())) for path in found.files if path not in files)
        scopes += [found.scope] if found.scope else []
        problems += found.problems
        skipped |= found.skipped
    others = Counter(suffix for path, suffix in skipped.items() if path not in files)
    return Scan(tuple(files.values()), tuple(scopes), tuple(problems), others)


def read_bytes(path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """The content of a regular file of at most `max_bytes`; never waits for a pipe or a device.

    Raises:
        UserError: there is no such file, it is no regular file, is too large, or may not be read.
    """
    shown = display(path.name)
    try:
        _demand_regular(path.stat(), shown)  # before opening, since opening a device may do something
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            _demand_regular(status, shown)  # again: it may be another by now
            data = b"" if status.st_size > max_bytes else file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{shown} {_reason(error)}") from error
    size = max(status.st_size, len(data))
    if size > max_bytes:
        raise UserError(too_large(path.name, size, max_bytes))
    return data


def _demand_regular(status: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"{shown} is a folder: name the files in it, or index the folder")
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{shown} is a pipe, socket or device and not a file: save its content to a file first")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "does not exist: check its spelling, and that its disk is mounted"
    if isinstance(error, PermissionError):
        return "may not be read: give this account permission to read it"
    detail = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not a valid path"
    return f"could not be read: {detail}"


def _one_target(target: str) -> _Found:
    try:
        path = _absolute(target)
    except FileNotFoundError:
        why = "is relative to a working folder that has been deleted: change to another folder, or name the whole path"
        return _Found(problems=[(target, f"{display(target)} {why}")])
    except (OSError, ValueError, RuntimeError) as error:
        return _Found(problems=[(target, f"{display(target)} {_reason(error)}")])
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        if _GLOB.search(target) and isinstance(error, FileNotFoundError | NotADirectoryError):
            return _pattern(target, path)
        return _Found(problems=[(target, f"{display(target)} {_reason(error)}")])
    if stat.S_ISDIR(mode):
        return _found(_search(path), target)
    if not stat.S_ISREG(mode):
        return _Found(problems=[(target, f"{display(target)} is not a regular file: save its content to a file first")])
    if problem := _bad_name(path):
        return _Found(problems=[(_shown(target), problem)])
    return _Found([path])


def source_of(target: str) -> str | None:
    """The source that a file named like this has, there or not; None if the name leads to no path."""
    try:
        return Path(_absolute(target)).as_posix()
    except (OSError, ValueError, RuntimeError):
        return None


def _absolute(target: str) -> str:
    # Not Path.resolve: a file's identity is the path by which it was named, also where a part of it is a link.
    return os.path.abspath(Path(target).expanduser())  # noqa: PTH100


def _pattern(target: str, path: str) -> _Found:
    parts = Path(path).parts
    first = next(n for n, part in enumerate(parts) if _GLOB.search(part))
    root = str(Path(*parts[:first]))
    wanted = parts[first:]
    if not Path(root).is_dir():
        why = f"matches nothing: there is no folder {display(root)}"
        return _Found(problems=[(target, f"{display(target)} {why}")])
    pattern = _compiled(wanted)
    return _found(_search(root, pattern, None if "**" in wanted else len(wanted)), target, pattern)


def _found(folder: _Folder, target: str, pattern: re.Pattern[str] | None = None) -> _Found:
    scope = Scope(Path(folder.root).as_posix(), pattern, frozenset(folder.unseen))
    return _Found(folder.files, scope, folder.problems + _if_nothing(folder, target), folder.skipped)


def _compiled(parts: Sequence[str]) -> re.Pattern[str]:
    """Matches relative POSIX paths; as in a shell, a folder that matches stands for all that it holds."""
    deep = [r"(?:[^/]+/)*" if part == "**" else _segment(part) + "/" for part in parts]
    tail = r".+\Z" if parts[-1] == "**" else r"(?:/.*)?\Z"
    return re.compile("".join(deep).removesuffix("/") + tail, re.DOTALL | (re.IGNORECASE if os.name == "nt" else 0))


def _segment(part: str) -> str:
    """The regular expression of one part of a pattern, between two slashes."""
    regex = ""
    for piece in re.findall(r"\[!?+.[^\]]*\]|.", part, re.DOTALL):
        if piece == "*":
            regex += "[^/]*"
        elif piece == "?":
            regex += "[^/]"
        elif len(piece) > 1:
            regex += _set(piece[1:-1])
        else:
            regex += re.escape(piece)
    return regex


def _set(listed: str) -> str:
    """The regular expression of what stands between brackets; a range that runs backwards holds nothing."""
    negated = len(listed) > 1 and listed[0] == "!"
    members = ""
    for low, high, single in re.findall(r"(.)-(.)|(.)", listed[negated:], re.DOTALL):
        if single or low <= high:
            members += re.escape(single) or f"{re.escape(low)}-{re.escape(high)}"
    if not members:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{members}]"


def _search(root: str, pattern: re.Pattern[str] | None = None, levels: int | None = None) -> _Folder:
    """Walks a folder without recursion; below `levels` levels only folders that `pattern` matches are entered."""
    folder = _Folder(root)
    real_root = os.path.realpath(root)
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            folder.unseen.add(Path(here).as_posix())
            folder.problems.append((_shown(here), f"folder {display(here)} {_reason(error)}"))
            continue
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            relative = Path(os.path.relpath(entry.path, root)).as_posix()
            matches = pattern is None or bool(pattern.match(relative))
            if kind := _kind(entry, folder, real_root, matches):
                if kind == "folder" and (levels is None or matches or relative.count("/") + 1 < levels):
                    waiting.append(entry.path)
                elif kind == "file" and matches:
                    folder.files.append(entry.path)
    folder.files.sort()
    return folder


def _kind(entry: "os.DirEntry[str]", folder: _Folder, real_root: str, wanted: bool) -> str | None:
    """ "folder", "file", or None for what is not indexed; notes what is there but stays unseen."""
    suffix = Path(entry.name).suffix.lower()
    supported = suffix in SUPPORTED_SUFFIXES
    try:
        if entry.is_symlink():
            folder.unseen.add(Path(entry.path).as_posix())
            if wanted and (supported or entry.is_dir()) and entry.stat() and _leads_out(entry.path, real_root):
                message = "is a link out of the folder and was not followed: name it, or what it leads to, as well"
                folder.problems.append((_shown(entry.path), f"{display(entry.name)} {message}"))
            return None
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        if not entry.is_file(follow_symlinks=False):
            return None
        if not supported:
            if wanted:
                folder.skipped[entry.path] = suffix
            return None
    except OSError:
        folder.unseen.add(Path(entry.path).as_posix())  # a broken or looping link, or gone this moment
        return None
    if problem := _bad_name(entry.path):
        folder.problems.append((_shown(entry.path), problem))
        return None
    return "file"


def _leads_out(path: str, real_root: str) -> bool:
    return not Path(os.path.realpath(path)).is_relative_to(real_root)


def _if_nothing(folder: _Folder, target: str) -> list[tuple[str, str]]:
    if folder.files or folder.problems:
        return []
    return [(target, f"{display(target)} holds no articles: put files ending in {_KINDS} there")]


def _shown(path: str) -> str:
    """A path that can be printed, whatever its name is made of."""
    return one_line(path, 4_000)


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _bad_name(path: str) -> str | None:
    """A message if the path is not valid Unicode: such a name could not be stored or shown."""
    if path.isascii() or not re.search("[\ud800-\udfff]", path):
        return None
    return f"{display(Path(path).name)}: the file's name is not valid UTF-8; rename it"
