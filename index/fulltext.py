"""Terms → the sentences and paragraphs that hold them, best first, by what FTS5 keeps of them in the corpus's file.

FTS5 finds what holds a term quickly, but its own ranking looks the length of every find up by itself, which takes ten
times as long. Here its postings are read in one piece for each term and scored at once, by the same formula. What that
needs of every unit, its length, and what has been counted in one state of the corpus, is kept in memory: both are
derived, and no more than a few bytes a sentence. It knows nothing of articles or questions.
"""

# ruff: noqa: S608 — the SQL is put together from names of tables and question marks alone

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.database import Database, grouped
from index.places import run_starts
from index.stored import Ids, Unit

_K1, _B = 1.2, 0.75  # FTS5's own
_LEAST_IDF = 1e-6  # of a term that most units hold, as FTS5 has it
_MOST_COUNTED = 20_000  # terms whose counts are kept for one state of the corpus
_COUNT_BYTES = 130  # a term with its count
_LONGEST = 65_535  # terms; a unit that is longer counts as of this length

Lengths = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Known:
    """What has been read in one state of the corpus, and the `lengths` of its units, by id.

    No id is ever given twice and nothing is written over in its place, so that lengths outlive every change.
    """

    generation: int
    lengths: dict[Unit, Lengths] = field(default_factory=dict)
    counted: dict[Unit, dict[str, int]] = field(default_factory=lambda: {"sentence": {}, "paragraph": {}})
    totals: dict[Unit, tuple[int, int]] = field(default_factory=dict)


class FullText:
    """The full-text index in the file of one corpus. Every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._rows = database.rows
        self._known = _Known(-1)
        self._local = threading.local()  # .known: what this thread may read and remember, inside a snapshot
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """What is kept in memory, about."""
        known = self._known
        lengths = sum(one.nbytes for one in list(known.lengths.values()))
        return lengths + _COUNT_BYTES * sum(map(len, known.counted.values()))

    @contextmanager
    def remembering(self, generation: int) -> Iterator[None]:
        """Inside the block this thread reads the corpus in this generation, and what it reads is remembered.

        Outside, nothing is: what a transaction that writes has read may never come to be.
        """
        with self._lock:
            known = self._known
            if generation != known.generation:
                known = _Known(generation, known.lengths)
            if generation > self._known.generation:
                self._known = known
        self._local.known = known
        try:
            yield
        finally:
            self._local.known = None

    def frequencies(self, unit: Unit, terms: Sequence[str]) -> dict[str, int]:
        """Term → how many units hold it."""
        counted = self._here().counted[unit]
        missing = [term for term in terms if term not in counted]
        if missing:
            found = dict.fromkeys(missing, 0)
            for marks, group in grouped(missing):
                found.update(self._rows(f"SELECT term, doc FROM {unit}_vocabulary WHERE term IN ({marks})", group))
            if len(counted) + len(found) > _MOST_COUNTED:
                return {term: found[term] if term in found else counted[term] for term in terms}
            counted.update(found)
        return {term: counted[term] for term in terms}

    def search(self, unit: Unit, terms: Sequence[str], k: int, within: range | None = None) -> list[int]:
        """Ids of the `k` best units by BM25 over any of the distinct `terms`, best first and equals by id, but for
        those that are hidden; of those alone whose ids are `within` a range of step 1."""
        if not terms or within == range(0):
            return []
        if within is not None:
            return self._searched_within(unit, terms, k, within)
        ids, scores = self._scored(unit, terms)
        found: list[int] = []
        looked = 0
        while len(found) < k and looked < len(ids):
            best = _best(ids, scores, looked + k)[looked:]
            hidden: set[int] = set()
            for marks, group in grouped(best):
                hidden.update(
                    row[0] for row in self._rows(f"SELECT id FROM hidden_{unit} WHERE id IN ({marks})", group)
                )
            found += [one for one in best if one not in hidden]
            looked += k
        return found[:k]

    def _searched_within(self, unit: Unit, terms: Sequence[str], k: int, within: range) -> list[int]:
        """The same by FTS5 itself, which passes over what stands outside of a small range."""
        match = " OR ".join(f'"{term}"' for term in terms)
        sql = (
            f"SELECT rowid FROM {unit}_text WHERE {unit}_text MATCH ? AND rowid BETWEEN ? AND ?"
            f" AND rowid NOT IN (SELECT id FROM hidden_{unit}) ORDER BY rank LIMIT ?"
        )
        return [row[0] for row in self._rows(sql, (match, within[0], within[-1], k))]

    def _scored(self, unit: Unit, terms: Sequence[str]) -> tuple[Ids, NDArray[np.float64]]:
        """The ids (n,) of all units that hold any of the terms, ascending, and their scores (n,)."""
        units, size = self._totals(unit)
        found: list[Ids] = []
        scores: list[NDArray[np.float64]] = []
        for term in terms:
            ids, counts = self._postings(unit, term)
            if len(ids):
                idf = max(math.log((units - len(ids) + 0.5) / (len(ids) + 0.5)), 0.0) or _LEAST_IDF
                lengths = self._lengths(unit, int(ids[-1]))[ids]
                norm = _K1 * (1 - _B) + lengths * (_K1 * _B * units / size)
                found.append(ids)
                scores.append(idf * (_K1 + 1) * counts / (counts + norm))
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        every = np.concatenate(found)
        order = np.argsort(every, kind="stable")  # merges what is sorted in runs
        every = every[order]
        starts = run_starts(every)
        return every[starts], np.add.reduceat(np.concatenate(scores)[order], starts)

    def _postings(self, unit: Unit, term: str) -> tuple[Ids, NDArray[np.int64]]:
        """The ids (n,) of the units that hold a term, ascending, and how often each does (n,)."""
        # In one row: SQLite works through it without giving way to Python, or waiting for it, at every posting.
        ((listed,),) = self._rows(f"SELECT group_concat(doc) FROM {unit}_posting WHERE term = ?", (term,))
        places = np.fromstring(listed, np.int64, sep=",") if listed else np.empty(0, np.int64)
        if not len(places):
            return places, places
        starts = run_starts(places)
        return places[starts], np.diff(starts, append=len(places))

    def _totals(self, unit: Unit) -> tuple[int, int]:
        """How many units there are, and how many terms they have together."""
        totals = self._here().totals
        if unit not in totals:
            # FTS5 keeps both in the first two numbers of this row.
            ((block,),) = self._rows(f"SELECT block FROM {unit}_text_data WHERE id = 1")
            units, rest = _number(block)
            totals[unit] = units, max(1, _number(rest)[0])
        return totals[unit]

    def _lengths(self, unit: Unit, last: int) -> Lengths:
        """The lengths of all units up to the id `last` at least, by id, in terms."""
        lengths = self._here().lengths
        known = lengths.get(unit)
        if known is None or last >= len(known):
            fresh = self._read_lengths(unit, 0 if known is None else len(known))
            with self._lock:
                known = lengths.get(unit, np.empty(0, np.uint16))
                if len(known) < len(fresh):
                    fresh[: len(known)] = known
                    lengths[unit] = known = fresh
        return known

    def _read_lengths(self, unit: Unit, first: int) -> Lengths:
        """The lengths of the units from the id `first` on, by id, and zeros before."""
        # Each is a number as FTS5 writes them, of three bytes at most where it is less than two million.
        sizes = "group_concat(substr('000000' || hex(sz), -6), '')"
        sql = f"SELECT group_concat(id), {sizes} FROM {unit}_text_docsize WHERE id >= ?"
        ((listed, packed),) = self._rows(sql, (first,))
        if not listed:
            return np.empty(0, np.uint16)
        ids = np.fromstring(listed, np.int64, sep=",")
        digits = np.frombuffer(bytes.fromhex(packed), np.uint8).reshape(-1, 3) & 127
        lengths = np.zeros(int(ids.max()) + 1, np.uint16)
        lengths[ids] = np.minimum(digits @ np.array([1 << 14, 1 << 7, 1]), _LONGEST)
        return lengths

    def _here(self) -> _Known:
        return getattr(self._local, "known", None) or _Known(-1)


def _best(ids: Ids, scores: NDArray[np.float64], k: int) -> list[int]:
    """The ids of the `k` best scores, best first and equals by id."""
    if k < len(ids):
        least = np.partition(scores, -k)[-k]
        among = np.flatnonzero(scores >= least)
        ids, scores = ids[among], scores[among]
    return [int(one) for one in ids[np.lexsort((ids, -scores))[:k]]]


def _number(block: bytes) -> tuple[int, bytes]:
    """The first number of a block as FTS5 writes them, seven bits a byte, and what follows it; 0 if there is none."""
    value = 0
    for place, byte in enumerate(block):
        value = value << 7 | byte & 127
        if byte < 128:
            return value, block[place + 1 :]
    return value, b""
