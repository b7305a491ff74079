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
_MOST_KEPT = 1_000_000  # postings that are kept for one state of the corpus, of the terms asked for last
_POSTING_BYTES = 6
_TERM_KEPT = 50  # postings that a term takes the memory of, however few it has
_READ_WHOLE = 5_000  # postings of a term that are read in less time than the texts of some hundred units
_LONGEST = 65_535  # terms; a unit that is longer counts as of this length

Lengths = NDArray[np.uint16]
Postings = tuple[NDArray[np.uint32], NDArray[np.uint16]]  # ids of units, ascending, and how often each holds the term


class _Kept:
    """Postings that were read, `size` of them in all, what each term takes besides included. Those asked for longest
    ago leave first."""

    def __init__(self) -> None:
        self.size = 0
        self._postings: dict[tuple[Unit, str], Postings] = {}
        self._lock = threading.Lock()

    def get(self, unit: Unit, term: str) -> Postings | None:
        with self._lock:
            known = self._postings.pop((unit, term), None)
            if known is not None:
                self._postings[unit, term] = known
            return known

    def put(self, unit: Unit, term: str, postings: Postings) -> None:
        with self._lock:
            if (unit, term) not in self._postings:
                self._postings[unit, term] = postings
                self.size += _TERM_KEPT + len(postings[0])
            while self.size > _MOST_KEPT:
                self.size -= _TERM_KEPT + len(self._postings.pop(next(iter(self._postings)))[0])


@dataclass(frozen=True, slots=True)
class _Known:
    """What has been read in one state of the corpus, and the `lengths` of its units, by id.

    No id is ever given twice and nothing is written over in its place, so that lengths outlive every change.
    """

    generation: int
    lengths: dict[Unit, Lengths] = field(default_factory=dict)
    counted: dict[Unit, dict[str, int]] = field(default_factory=lambda: {"sentence": {}, "paragraph": {}})
    totals: dict[Unit, tuple[int, int]] = field(default_factory=dict)
    postings: _Kept = field(default_factory=_Kept)
    hiding: dict[Unit, bool] = field(default_factory=dict)


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
        counts = _COUNT_BYTES * sum(map(len, known.counted.values()))
        return lengths + counts + _POSTING_BYTES * known.postings.size

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
            found = self._read_frequencies(unit, missing)
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
            hidden = self._hidden(unit, best)
            found += [one for one in best if one not in hidden]
            looked += k
        return found[:k]

    def counts(self, unit: Unit, terms: Sequence[str], ids: Ids) -> NDArray[np.int64]:
        """(n, m) how often each of m terms stands in each of the n units `ids`, which are distinct and ascend."""
        counts = np.zeros((len(ids), len(terms)), np.int64)
        frequencies = self.frequencies(unit, terms)
        kept = self._here().postings
        whole = [frequencies[term] <= _READ_WHOLE or kept.get(unit, term) is not None for term in terms]
        for column, (term, is_read) in enumerate(zip(terms, whole, strict=True)):
            if is_read and frequencies[term] and len(ids):
                holding, times = self._postings(unit, term)
                at = np.minimum(np.searchsorted(holding, ids.astype(np.uint32)), len(holding) - 1)
                counts[:, column] = np.where(holding[at] == ids, times[at], 0)
        if not all(whole):
            common = [term for term, is_read in zip(terms, whole, strict=True) if not is_read]
            counts[:, np.flatnonzero(~np.array(whole))] = _counted(self._texts(unit, ids.tolist()), common)
        return counts

    def lengths(self, unit: Unit, ids: Ids) -> Lengths:
        """(n,) how many terms each of the n units `ids`, which ascend, has; those that are not there have none, and
        very long ones 65,535."""
        found = np.zeros(len(ids), np.uint16)
        if len(ids):
            known = self._lengths(unit, int(ids[-1]))
            here = ids < len(known)
            found[here] = known[ids[here]]
        return found

    def _texts(self, unit: Unit, ids: Sequence[int]) -> list[str]:
        """The terms of each unit, separated by spaces."""
        found: dict[int, str] = {}
        for marks, group in grouped(ids):
            # Read where FTS5 keeps them: by way of it, each row costs four times as much.
            found.update(self._rows(f"SELECT id, c0 FROM {unit}_text_content WHERE id IN ({marks})", group))
        return [found.get(one, "") for one in ids]

    def _hidden(self, unit: Unit, ids: Sequence[int]) -> set[int]:
        """Those of these units that are hidden."""
        hiding = self._here().hiding
        if unit not in hiding:
            hiding[unit] = bool(self._rows(f"SELECT 1 FROM hidden_{unit} LIMIT 1"))
        if not hiding[unit]:
            return set()
        sql = f"SELECT id FROM hidden_{unit} WHERE id IN"
        return {row[0] for marks, group in grouped(ids) for row in self._rows(f"{sql} ({marks})", group)}

    def _read_frequencies(self, unit: Unit, terms: Sequence[str]) -> dict[str, int]:
        """Term → how many units hold it, read from the file. The postings of rare ones are kept, for what is counted is
        mostly searched for next."""
        found = dict.fromkeys(terms, 0)
        kept = self._here().postings
        common = []
        for term in terms:
            places = self._places(unit, term, _READ_WHOLE + 1)
            if len(places) > _READ_WHOLE:
                common.append(term)
            else:
                postings = _postings_at(places)
                found[term] = len(postings[0])
                kept.put(unit, term, postings)
        for marks, group in grouped(common):
            found.update(self._rows(f"SELECT term, doc FROM {unit}_vocabulary WHERE term IN ({marks})", group))
        return found

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
        found: list[NDArray[np.uint32]] = []
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
        every = np.concatenate(found).astype(np.int64)
        order = np.argsort(every, kind="stable")  # merges what is sorted in runs
        every = every[order]
        starts = run_starts(every)
        return every[starts], np.add.reduceat(np.concatenate(scores)[order], starts)

    def _postings(self, unit: Unit, term: str) -> Postings:
        """The ids (n,) of the units that hold a term, and how often each does (n,)."""
        kept = self._here().postings
        if (known := kept.get(unit, term)) is None:
            known = _postings_at(self._places(unit, term))
            kept.put(unit, term, known)
        return known

    def _places(self, unit: Unit, term: str, most: int = -1) -> Ids:
        """The ids of the units that hold a term, ascending, each as often as the term stands there: `most` of them, or
        all (-1)."""
        # In one row: SQLite works through it without giving way to Python, or waiting for it, at every posting.
        places = f"SELECT doc FROM {unit}_posting WHERE term = ? LIMIT ?"
        ((listed,),) = self._rows(f"SELECT group_concat(doc) FROM ({places})", (term, most))
        return np.fromstring(listed, np.int64, sep=",") if listed else np.empty(0, np.int64)

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


def _postings_at(places: Ids) -> Postings:
    starts = run_starts(places) if len(places) else places
    # Ids beyond four thousand millions would take as many sentences as were ever written in a corpus.
    times = np.minimum(np.diff(starts, append=len(places)), _LONGEST)
    return places[starts].astype(np.uint32), times.astype(np.uint16)


def _best(ids: Ids, scores: NDArray[np.float64], k: int) -> list[int]:
    """The ids of the `k` best scores, best first and equals by id."""
    if k < len(ids):
        least = np.partition(scores, -k)[-k]
        among = np.flatnonzero(scores >= least)
        ids, scores = ids[among], scores[among]
    return [int(one) for one in ids[np.lexsort((ids, -scores))[:k]]]


def _counted(texts: Sequence[str], terms: Sequence[str]) -> NDArray[np.int64]:
    """(n, m) how often each of m terms stands in each of n texts of terms."""
    # Looked for as they stand, between blanks: splitting every text would cost several times as much.
    marks = [(f" {term} ", f" {term} {term} ") for term in terms]
    rows = []
    for text in texts:
        held = f" {text} "
        row = [held.count(mark) for mark, _ in marks]
        if any(count and twice in held for (_, twice), count in zip(marks, row, strict=True)):
            words = text.split()  # of two in a row, which share a blank, only one was counted
            row = [words.count(term) for term in terms]
        rows.append(row)
    return np.array(rows, np.int64).reshape(len(texts), len(terms))


def _number(block: bytes) -> tuple[int, bytes]:
    """The first number of a block as FTS5 writes them, seven bits a byte, and what follows it; 0 if there is none."""
    value = 0
    for place, byte in enumerate(block):
        value = value << 7 | byte & 127
        if byte < 128:
            return value, block[place + 1 :]
    return value, b""
