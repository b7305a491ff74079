"""Where each sentence that may be found stands: its paragraph and article, by id, in memory. To look a sentence up here
costs next to nothing, to read its row of the file some microseconds.

It is derived from the store and can be rebuilt from it at any time.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.places import run_starts, with_room
from index.snapshot import Reading, Sliced, Unfit
from index.stored import Ids, SentenceVectors

SENTENCE_BYTES = 33  # of one sentence in an outline


def _none() -> Ids:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Outline:
    """Some sentences (n,), none of them hidden, by id. `places` says how many ids after its article's first sentence
    each comes."""

    ids: Ids = field(default_factory=_none)
    paragraphs: Ids = field(default_factory=_none)
    articles: Ids = field(default_factory=_none)
    places: Ids = field(default_factory=_none)
    headings: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    def of(self, ids: Ids) -> "Outline":
        """Those of `ids`, which are distinct and ascend, that are here."""
        rows = np.searchsorted(self.ids, ids)
        ids, rows = ids[rows < len(self.ids)], rows[rows < len(self.ids)]
        return self.at(rows[self.ids[rows] == ids])

    def at(self, rows: NDArray[Any]) -> "Outline":
        """The sentences in these rows, by number or by a mask (n,)."""
        return Outline(*(column[rows] for column in _columns(self)))

    def of_paragraphs(self, paragraphs: Ids) -> Ids:
        """The ids of the sentences in these paragraphs."""
        # A paragraph is written with its sentences by one writer, so that both ids ascend together.
        first = np.searchsorted(self.paragraphs, paragraphs, "left")
        last = np.searchsorted(self.paragraphs, paragraphs, "right")
        runs = [self.ids[start:end] for start, end in zip(first.tolist(), last.tolist(), strict=True)]
        return np.concatenate(runs) if runs else _none()


class GrowingOutline:
    """The outline of a corpus that changes. One thread changes it at a time; `now` is what may be read by any."""

    def __init__(self) -> None:
        self._room: list[NDArray[Any]] = list(_columns(Outline()))
        self.now = Outline()

    def add(self, stored: SentenceVectors) -> None:
        """Adds the sentences of articles that are not here. Ids above all others cost nothing more."""
        starts = run_starts(stored.article_ids)
        counts = np.diff(starts, append=len(stored.ids))
        places = stored.ids - np.repeat(stored.ids[starts], counts)
        fresh = Outline(stored.ids, stored.paragraph_ids, stored.article_ids, places, stored.headings)
        used, needed = len(self.now.ids), len(self.now.ids) + len(fresh.ids)
        if used and fresh.ids[0] < self.now.ids[-1]:
            both = Outline(*map(np.concatenate, zip(_columns(self.now), _columns(fresh), strict=True)))
            self._be(both.at(np.argsort(both.ids, kind="stable")))
            return
        # What is written behind the end of what others read, they do not see.
        self._room = [with_room(column, used, needed) for column in self._room]
        for column, more in zip(self._room, _columns(fresh), strict=True):
            column[used:needed] = more
        self.now = Outline(*(column[:needed] for column in self._room))

    def restore(self, file: Reading) -> None:
        """Takes from a file what the outline was when it was `kept`.

        Raises:
            Unfit: the file does not hold that.
        """
        kinds = ("<i8", "<i8", "<i8", "<i8", "|b1")
        columns = [file.take(name, kind) for name, kind in zip(kept(self.now), kinds, strict=True)]
        if len({len(column) for column in columns}) != 1 or (np.diff(columns[0]) <= 0).any():
            raise Unfit("its outline makes no sense")
        self._be(Outline(*columns))

    def remove(self, ids: Ids) -> None:
        """Removes the sentences that are here among these ids."""
        self._be(self.now.at(~np.isin(self.now.ids, ids)))

    def _be(self, outline: Outline) -> None:
        self._room = list(_columns(outline))
        self.now = outline


def kept(outline: Outline) -> dict[str, Sliced]:
    """What is kept of an outline in a file."""
    names = ("ids", "paragraphs", "articles", "places", "headings")
    return {f"outline.{name}": column for name, column in zip(names, _columns(outline), strict=True)}


def _columns(outline: Outline) -> tuple[NDArray[Any], ...]:
    return outline.ids, outline.paragraphs, outline.articles, outline.places, outline.headings
