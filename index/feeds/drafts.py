"""What a feed's format gives: drafts, with everything as the feed states it, and the little that formats share.

Which of a draft's addresses are sound, and which of its texts is an article, is for `feeds` to say.
"""

import html
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import struct_time

_FIRST_YEAR, _LAST_YEAR = 1000, 2999  # 0001-01-01 is how some programs write "no date"


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry as its feed has it. The title is text; `contents` (meant as the article) and `summary` are HTML."""

    id: str
    title: str
    url: str
    author: str
    published: datetime | None
    updated: datetime | None
    contents: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class FeedDraft:
    """A feed as it stands; `ttl` is in seconds, None where it asks for nothing."""

    title: str
    url: str
    entries: tuple[EntryDraft, ...]
    ttl: float | None = None


def utc(moment: datetime | struct_time | None) -> datetime | None:
    """The moment in UTC, which is also what one without a time zone is in; None outside the years 1000 to 2999."""
    with suppress(ValueError, OverflowError):
        if isinstance(moment, struct_time):
            moment = datetime(*moment[:5], min(moment[5], 59), tzinfo=UTC)  # a leap second is 60
        if moment is not None:
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
            return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
    return None


def listed(names: Iterable[str]) -> str:
    """Authors' names, each once, with semicolons between them; an e-mail address is no name."""
    return "; ".join(dict.fromkeys(name.strip() for name in names if name.strip() and "@" not in name))


def as_html(text: str) -> str:
    """Plain text as HTML: paragraphs where it has blank lines, and its other line ends kept."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "".join(f"<p>{html.escape(one).replace(chr(10), '<br>')}</p>" for one in paragraphs if one)
