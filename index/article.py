"""The values everything else passes around: an article and the spans of its text.

They are frozen, and know nothing of files, models, databases or Discord.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open range `[start, end)` of an article's text, in Unicode code points (Python's own offsets)."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters of `text` that this span covers."""
        return text[self.start : self.end]


class Sentence(Span):
    """One sentence, heading, list item, caption or table row: a span of its article's text and nothing else."""

    __slots__ = ()


class Paragraph(Span):
    """Consecutive sentences that belong together, from the first one's start to the last one's end."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One article as a reader made it.

    `source` is its identity (a file's absolute path, a URL, `discord:…`); `text` is what sentences are spans
    of, and is never changed after reading. `published` is the day the article itself states, if any, and `updated`
    the day of its latest correction that it states. `pages` are the offsets in `text` at which its pages begin, the
    first page's first; empty where it has none. `states_title` is false where the title was made up for it, from its
    first sentence or its file's name. `language` is an ISO 639-1 code, "und" where it cannot be told, and None until
    somebody has looked.
    """

    source: str
    title: str
    text: str
    url: str | None = None
    author: str | None = None
    published: date | None = None
    states_title: bool = True
    language: str | None = None
    updated: date | None = None
    pages: tuple[int, ...] = ()

    def page_of(self, offset: int) -> int | None:
        """The number, from 1, of the page that `offset` of the text stands on; None where there are no pages."""
        return page_of(self.pages, offset)


def page_of(pages: Sequence[int], offset: int) -> int | None:
    """The number, from 1, of the page that an offset stands on, given where pages begin; None where there are none."""
    return bisect_right(pages, offset) or None
