"""What an article says about itself, checked: title, address, author and the day it was published.

Everything comes from files that strangers wrote; what is not certainly good is left out, and never an error.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePath
from urllib.parse import urljoin, urlsplit

from index.readers.cleaning import cut, one_line

MAX_TITLE = 300  # characters
MAX_AUTHOR = 200
MAX_URL = 2_000
_DERIVED_TITLE = 80
_HEAD = 2_000  # characters of an article within which its first sentence is looked for

_ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_NUMERIC_DAY = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_WRITTEN_DAYS = ("%d %B %Y", "%d %b %Y", "%B %d %Y", "%b %d %Y")
# What programs put where nobody stated a title or an author.
_NO_TITLE = re.compile(
    r"microsoft (word|powerpoint|excel) - .*|.*\.(docx?|odt|rtf|pdf|tex|dvi|indd|qx[pd]|pages|html?|xhtml|pptx?|xlsx?)"
    r"|(untitled|document|dokument|unbenannt|sans titre|sin título|slide|title|titel|unknown)[ _-]?\d*|about:blank"
    r"|powerpoint[ -].*|https?://\S*|[\W\d_]*",
    re.IGNORECASE | re.DOTALL,
)
_NO_AUTHOR = re.compile(
    r"(default )?(users?|owner|admin(istrator)?|root|author|unknown|anonymous|microsoft( office)?( user)?|python-docx"
    r"|windows user|benutzer|utilisateur|usuario|office|pc|\(?unspecified\)?)|[\W\d_]*",
    re.IGNORECASE,
)
_FIRST_YEAR, _LAST_YEAR = 1000, 2999  # 0001-01-01 is how some programs write "no date"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a format's reader found: the article's text, and metadata as the file has it, unchecked."""

    text: str
    title: str = ""
    url: str = ""
    author: str = ""
    published: str = ""
    language: str = ""
    updated: str = ""
    pages: tuple[int, ...] = ()  # offsets in `text`; a reader that states them leaves nothing for `clean` to change


def stated_title(stated: str, *, mend: bool = True) -> str:
    """The title on one line, at most 300 characters; empty if the article states none. `mend` as for `clean`."""
    return one_line(stated, MAX_TITLE, mend=mend)


def own_title(stated: str) -> str:
    """The title in a document's properties; empty for what a program put there by itself, such as a file's name."""
    title = stated_title(stated)
    return "" if _NO_TITLE.fullmatch(title) else title


def own_author(stated: str) -> str:
    """The author in a document's properties; empty for the names that programs give to nobody in particular."""
    name = one_line(stated, MAX_AUTHOR)
    return "" if _NO_AUTHOR.fullmatch(name) else name


def made_title(text: str, name: str) -> str:
    """A title for an article without one: its first sentence, cut to about 80 characters, or its file's name."""
    for sentence in _first_sentences(text[:_HEAD]):
        line = one_line(re.sub(r"^[\s#>*+•\-–—=_]+", "", sentence), _HEAD)
        if any(c.isalnum() for c in line):
            return line if len(line) <= _DERIVED_TITLE else cut(line, _DERIVED_TITLE)
    stem = PurePath(name).stem
    return one_line(re.sub(r"[-_]+", " ", stem), MAX_TITLE) or one_line(name, MAX_TITLE) or "Untitled"


def _first_sentences(head: str) -> Iterator[str]:
    from index.sentences import split  # late, because it brings the sentence rules of many languages

    yield from (sentence.of(head) for sentence in split(head))


def url(stated: str, at: str = "") -> str | None:
    """The address if it is http(s) with a host, at most 2,000 printable characters and without a user's name; one that
    is relative counts from the page `at`, if that is a web address."""
    stated = stated.strip()
    if stated and at.startswith(("http://", "https://")):
        with suppress(ValueError):
            stated = urljoin(at, stated)
    if not stated or len(stated) > MAX_URL or not stated.isprintable() or re.search(r"[\s\\<>\"`]", stated):
        return None
    try:
        parts = urlsplit(stated)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    ok = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return stated if ok else None


def author(stated: str, *, mend: bool = True) -> str | None:
    """The author's name on one line, at most 200 characters. `mend` as for `clean`."""
    return one_line(stated, MAX_AUTHOR, mend=mend) or None


def published(stated: str) -> date | None:
    """The day that a date or time in one of the common forms names; None for anything unclear or impossible."""
    stated = _ORDINAL.sub("", one_line(stated, 100)).replace(",", " ").strip()
    with suppress(ValueError, OverflowError):
        day = _day(" ".join(stated.split()))
        if day is not None and _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return day
    return None


def _day(stated: str) -> date | None:
    if found := _ISO_DAY.match(stated):
        return date(*map(int, found.groups()))
    if re.fullmatch(r"\d{8}", stated):
        return datetime.strptime(stated, "%Y%m%d").date()
    if found := _NUMERIC_DAY.fullmatch(stated):
        return _unambiguous(*map(int, found.groups()))
    for form in _WRITTEN_DAYS:
        with suppress(ValueError):
            return datetime.strptime(stated.replace(".", ""), form).date()
    if re.match(r"[A-Za-z]{3} +\d", stated):  # an e-mail's or feed's date, whose comma is gone by now
        return parsedate_to_datetime(stated).date()
    return None


def _unambiguous(first: int, second: int, year: int) -> date | None:
    """05/06/2024 is either of two days, and none is taken; 25/06/2024 and 06/25/2024 are one."""
    if first != second and first <= 12 and second <= 12:
        return None
    return date(year, second, first) if second <= 12 else date(year, first, second)
