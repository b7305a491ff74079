"""Rows of float16 vectors, one-bit codes of them, and the passes over both. The only file that imports FAISS.

It knows no ids: who asks says what a row stands for, and sees to it that nothing changes beside a search.
"""

import threading
from functools import cache
from typing import Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index.places import Rows, with_room

Vectors = NDArray[np.float32]
Float16 = NDArray[np.float16]
_AT_ONCE = 8192  # vectors that are coded together
_SCRATCH = 4096  # rows, of which each thread keeps the room
_local = threading.local()


def widened(rows: Float16) -> Vectors:
    """Rows (n, dimension) as float32: several times faster than NumPy's conversion, which goes number by number."""
    if not rows.size:
        return rows.astype(np.float32)
    wide: Vectors = _decoder(rows.shape[1]).sa_decode(np.ascontiguousarray(rows).view(np.uint8))
    return wide


@cache
def _decoder(dimension: int) -> faiss.IndexScalarQuantizer:
    return _flat(dimension)


def _flat(dimension: int) -> faiss.IndexScalarQuantizer:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


class Matrix:
    """Rows of float16 vectors in one piece of memory, searched exactly."""

    def __init__(self, dimension: int) -> None:
        # With several OpenMP threads, concurrent queries on a busy small machine were 4–5 times slower.
        faiss.omp_set_num_threads(1)
        self.dimension = dimension
        self._index = _flat(dimension)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def rows(self) -> Float16:
        """(n, dimension): FAISS's own memory, which may be written, and is another after the next change of length."""
        if not len(self):
            return np.empty((0, self.dimension), np.float16)
        size = len(self) * self.dimension * 2
        rows: Float16 = faiss.rev_swig_ptr(self._index.codes.data(), size).view(np.float16)
        return rows.reshape(-1, self.dimension)

    def reserve(self, count: int) -> None:
        """Finds room for so many rows at once: growing piece by piece copies all that is there again and again."""
        size = count * self.dimension * 2
        if self._index.codes.size() < size:
            self._index.codes.resize(size)

    def room(self, count: int) -> Float16:
        """So many rows (count, dimension) of an empty matrix, zeros, to be written over."""
        self.reserve(count)
        self._index.ntotal = count
        return self.rows

    def append(self, rows: Float16) -> None:
        """Adds rows (n, dimension) at the end, bit by bit as they are."""
        if len(rows):
            start = len(self)
            self.reserve(start + len(rows))
            self._index.ntotal = start + len(rows)
            self.rows[start:] = rows

    def cut(self, length: int) -> None:
        """Lets go of the rows from `length` on."""
        self.rows[length:] = 0
        self._index.codes.resize(length * self.dimension * 2)
        self._index.ntotal = length

    def search(self, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The `k` ≤ n rows with the greatest inner products with a query (dimension,), and those, best first."""
        return _searched(self._index, query, k)

    def search_among(self, some: Rows, query: Vectors, k: int) -> tuple[Rows, Vectors]:
        """The same of these rows (n,) alone, which ascend."""
        if not len(some):
            return some, np.empty(0, np.float32)
        copy = _scratch(self.dimension) if len(some) <= _SCRATCH else _flat(self.dimension)
        size = len(some) * self.dimension * 2
        if copy.codes.size() < size:
            copy.codes.resize(size)
        copy.ntotal = len(some)
        held = faiss.rev_swig_ptr(copy.codes.data(), size).view(np.float16).reshape(-1, self.dimension)
        np.take(self.rows, some, axis=0, out=held, mode="clip")  # other modes write into a copy first
        rows, scores = _searched(copy, query, k)
        return some[rows], scores


def _scratch(dimension: int) -> faiss.IndexScalarQuantizer:
    """Where this thread puts rows to search them by themselves. Memory that was used before costs less than memory that
    the system has to find first."""
    kept: dict[int, faiss.IndexScalarQuantizer] = _local.__dict__.setdefault("kept", {})
    if dimension not in kept:
        kept[dimension] = _flat(dimension)
    return kept[dimension]


def _searched(index: faiss.IndexScalarQuantizer, query: Vectors, k: int) -> tuple[Rows, Vectors]:
    scores, rows = index.search(query[np.newaxis], k)
    found = rows[0] >= 0  # FAISS pads with -1
    return rows[0][found], scores[0][found]


class Codes:
    """One bit for each number of each row: whether it is above the mean. Near unit vectors differ in few bits.

    `centre` is the mean (dimension,): where all vectors have much in common, as some models' do, signs alone tell
    little.
    """

    def __init__(self, rows: Float16) -> None:
        self.made_of = len(rows)
        total = np.zeros(rows.shape[1], np.float64)
        for start in range(0, len(rows), _AT_ONCE):
            total += widened(rows[start : start + _AT_ONCE]).sum(axis=0)
        self.centre = (total / max(len(rows), 1)).astype(np.float32)
        self._codes = np.empty((0, (rows.shape[1] + 7) // 8), np.uint8)
        self._used = 0
        self.append(rows)

    @classmethod
    def restored(cls, made_of: int, centre: Vectors, bits: NDArray[np.uint8]) -> Self:
        """Codes as they were, by what they tell of themselves."""
        codes = cls.__new__(cls)
        codes.made_of, codes.centre, codes._codes, codes._used = made_of, centre, bits, len(bits)
        return codes

    @property
    def bits(self) -> NDArray[np.uint8]:
        """(n, bytes): memory that the next change may write, or leave for another."""
        return self._codes[: self._used]

    def append(self, rows: Float16) -> None:
        """Adds the codes of rows (n, dimension) at the end."""
        self._codes = with_room(self._codes, self._used, self._used + len(rows))
        for start in range(0, len(rows), _AT_ONCE):
            coded = self._coded(widened(rows[start : start + _AT_ONCE]))
            self._codes[self._used : self._used + len(coded)] = coded
            self._used += len(coded)

    def set(self, places: Rows, rows: Float16) -> None:
        """Puts the codes of rows (n, dimension) into the places of others."""
        self._codes[places] = self._coded(widened(rows))

    def cut(self, length: int) -> None:
        self._used = length

    def nearest(self, query: Vectors, k: int) -> Rows:
        """The `k` ≤ n rows whose codes differ least from the query's, in no certain order."""
        code = self._coded(query[np.newaxis])
        # Counting how many there are at each distance ("mc") is several times faster here than keeping a heap.
        _, rows = faiss.knn_hamming(code, self._codes[: self._used], k, variant="mc")
        found: Rows = rows[0]
        return found[found >= 0]

    def _coded(self, vectors: Vectors) -> NDArray[np.uint8]:
        return np.packbits(vectors > self.centre, axis=1)
