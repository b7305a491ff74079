"""An article as Verbatim itself writes it down: a head of what is known of it, and then its text as it stands.

What `write` gives, the readers give back: the same text to the character, which no other format can promise for any
text. It is for people to read and change, too, and strangers may write one, so that nothing in it is trusted. It knows
no archives and no store.
"""

import json
import re
from dataclasses import dataclass
from itertools import pairwise

from index.article import Article
from index.errors import UserError
from index.language import UND
from index.readers.metadata import Draft

SUFFIX = ".txt"
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?---\r?\nverbatim: \d{1,6}\r?\n")
"""What such a file begins with, and no other."""

_VERSION = 1
_HEAD_ENDS = "\n---\n"
_MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Written(Draft):
    """An article that was clean when it was written down; `title_made`: its title was made up for it."""

    title_made: bool = False


def write(article: Article) -> bytes:
    """The file, in UTF-8; its head is YAML with one value a line, and its strings are JSON's."""
    known: dict[str, str | None] = {
        "verbatim": str(_VERSION),
        "title": _quoted(article.title),
        "states_title": None if article.states_title else "false",
        "url": _quoted(article.url),
        "author": _quoted(article.author),
        "published": article.published.isoformat() if article.published else None,
        "updated": article.updated.isoformat() if article.updated else None,
        "language": article.language if article.language != UND else None,
        "pages": json.dumps(article.pages) if article.pages else None,
    }
    head = "\n".join(f"{name}: {value}" for name, value in known.items() if value)
    return f"---\n{head}{_HEAD_ENDS}\n{article.text}\n".encode()


def parse(data: bytes, shown: str) -> Written:
    """The article in such a file.

    Raises:
        UserError: it is of a later version, or no longer what was written.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UserError("{file} is damaged, for it is not UTF-8: export it again", file=shown) from None
    head, ends, body = text.partition(_HEAD_ENDS)
    if not ends:
        raise UserError("{file} is damaged, for nothing ends its head: export it again", file=shown)
    known = {name: value.strip() for line in head.split("\n")[1:] for name, _, value in [line.partition(":")]}
    if int(known["verbatim"]) > _VERSION:
        raise UserError("{file} was exported by a later version of Verbatim: update this one to read it", file=shown)
    body = body.removeprefix("\n").removesuffix("\n")
    return Written(
        body,
        title=_string(known.get("title", "")),
        url=_string(known.get("url", "")),
        author=_string(known.get("author", "")),
        published=_string(known.get("published", "")),
        language=_string(known.get("language", "")),
        updated=_string(known.get("updated", "")),
        pages=_offsets(known.get("pages", ""), len(body)),
        title_made=known.get("states_title") == "false",
    )


def _quoted(value: str | None) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def _string(written: str) -> str:
    """What a value says; whoever typed it by hand need not have quoted it."""
    if not written.startswith('"'):
        return written
    try:
        value = json.loads(written)
    except ValueError:
        return written.strip('"')
    return value if isinstance(value, str) else ""


def _offsets(written: str, length: int) -> tuple[int, ...]:
    """Where the pages begin; none if that cannot be."""
    numbers = re.findall(r"\d{1,9}", written, re.ASCII)[:_MOST_PAGES]
    offsets = tuple(map(int, numbers))
    return offsets if all(one <= other for one, other in pairwise((*offsets, length))) else ()
