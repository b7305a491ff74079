"""What an index run has to do: a plan of jobs, one for each article or for what turns out to hold several.

How a file, an archive or an upload becomes such a job is here; how jobs are carried out is the indexer's, and what lies
beyond a network is `refresh`'s.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from index.article import Article
from index.errors import UserError
from index.feeds import Feed
from index.ledger import Upload
from index.preparing import Draft, Splitter, draft_of
from index.readers import READER_VERSION
from index.readers.archive import Member
from index.readers.kinds import Kind
from index.report import Outcome
from index.scan import Scope
from index.stored import Version

INSIDE = "!/"
"""What stands between an archive and the name of an article in it, in that article's source."""


def archives_of(source: str) -> list[str]:
    """The archives that an article may be in, going by its source."""
    if INSIDE not in source:  # nearly always, and all sources are looked at in each run
        return []
    return [source[: found.start()] for found in re.finditer(re.escape(INSIDE), source)]


def members_of(sources: Iterable[str]) -> dict[str, set[str]]:
    """Archive → those of these articles (as sources) that are in it."""
    found: dict[str, set[str]] = {}
    for source in sources:
        for archive in archives_of(source):
            found.setdefault(archive, set()).add(source)
    return found


class Stopped(Exception):
    """The run was told to stop while it waited for something. No failure of what it waited for."""


class Reader(Protocol):
    """Turns bytes that strangers wrote into articles. Raises UserError where it cannot."""

    def kind(self, data: bytes, name: str) -> Kind: ...

    def read(self, data: bytes, source: str, name: str, *, max_bytes: int) -> Article: ...

    def expand(self, data: bytes, name: str) -> list[Member]: ...

    def feed(self, data: bytes, url: str) -> Feed: ...

    def is_feed(self, data: bytes, content_type: str, url: str) -> bool: ...

    def discover(self, data: bytes, url: str) -> list[str]: ...

    def words(self, html: str, url: str) -> str: ...


def _nothing(_: Outcome) -> None:
    """Nobody waits for the outcome."""


def _as_it_is(article: Article) -> Article:
    """Nothing more is known of the article."""
    return article


@dataclass(frozen=True, slots=True)
class Job:
    """One article to settle. `open` is given the stored version, if any; it returns None where nothing has changed, and
    jobs where this holds several articles or none. `done` is told how it ended, once that is stored. `upload` is kept
    with the first article that comes of it."""

    source: str
    open: Callable[[Version | None], "Draft | Sequence[Job] | None"]
    done: Callable[[Outcome], None] = _nothing
    upload: Upload | None = None


@dataclass(slots=True)
class Plan:
    """The jobs of a run; the `scopes` within which what is not found has vanished; and the targets of which nothing
    came, with the reason. `notes` are for the report."""

    jobs: list[Job] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Plan") -> None:
        """Joins another plan to this one; what is in both is done once."""
        known = {job.source for job in self.jobs}
        self.jobs += [job for job in other.jobs if job.source not in known]
        self.scopes += other.scopes
        self.problems += other.problems
        self.notes += other.notes


@dataclass(frozen=True, slots=True)
class Documents:
    """Makes jobs of bytes that hold one article, or an archive of several.

    An archive or file has at most `max_bytes`.
    """

    reader: Reader
    max_bytes: int
    splitter: Splitter

    def job(
        self,
        source: str,
        name: str,
        load: Callable[[], bytes],
        *,
        upload: Upload | None = None,
    ) -> Job:
        """A job for what `load` gives."""

        def opened(known: Version | None) -> Draft | Sequence[Job] | None:
            return self.open(load(), source, name, known, upload=upload)

        return Job(source, opened, upload=upload)

    def open(
        self,
        data: bytes,
        source: str,
        name: str,
        known: Version | None,
        *,
        amend: Callable[[Article], Article] = _as_it_is,
        upload: Upload | None = None,
    ) -> Draft | Sequence[Job] | None:
        """What the bytes come to, as a job's `open` returns it; `amend` adds what is known of the article besides."""
        if data[:2] == b"PK" and self.reader.kind(data, name) is Kind.ZIP:
            return [self._member(one, source, upload) for one in self.reader.expand(data, name)]
        return self._article(data, source, name, known, amend)

    def _article(
        self, data: bytes, source: str, name: str, known: Version | None, amend: Callable[[Article], Article]
    ) -> Draft | None:
        digest = input_hash(data, name)
        if known is not None and known.input_hash == digest:
            return None
        article = amend(self.reader.read(data, source, name, max_bytes=self.max_bytes))
        return draft_of(article, digest, self.splitter)

    def _member(self, member: Member, archive: str, upload: Upload | None) -> Job:
        source = f"{archive}{INSIDE}{member.name}"

        def opened(known: Version | None) -> Draft | None:
            if member.problem is not None:
                raise UserError(member.problem)
            return self._article(member.data, source, member.name, known, _as_it_is)

        return Job(source, opened, upload=upload)


def input_hash(data: bytes, name: str) -> bytes:
    """A hash of all that decides the result of reading: the reader, what the name hints at, and the bytes."""
    suffix = Path(name).suffix.lower()
    return hashlib.sha256(f"{READER_VERSION}\0{suffix}\0".encode() + data).digest()
