"""The vector index: inner product over float16 vectors, by id. Small ones are searched exactly, larger ones by one-bit
codes first, of which the best are then compared exactly.

It is derived from the store and can be rebuilt from it at any time; it knows nothing of articles, and of files only
that what it holds may be kept in one.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.matrix import Codes, Matrix, widened
from index.places import PLACE_BYTES, Ids, Places, Rows, SharedLock, with_room
from index.snapshot import Reading, Sliced, Unfit

Vectors = NDArray[np.float32]
EXACT_UP_TO = 32_000  # entries; from here on the codes are faster, see `python -m benchmarks.vectors`
_ID_BYTES = 8
_COMPARED = 30  # times as many entries as are asked for are compared exactly, of those that have codes …
_LEAST_COMPARED = 2000  # … and never fewer
_SPARE = 8  # entries more than asked for, among which there are rarely more with the score of the last
_PARTS = ("ids", "made_of", "centre", "codes", "rows")  # as they are kept
_CENTRED_FOR = 4  # times as many entries as the codes' centre was made of need another one


@dataclass(frozen=True, slots=True)
class Matches:
    """The best entries for one query: `ids` (m,) int64 and their inner products `scores` (m,) float32, best first."""

    ids: Ids
    scores: Vectors


class _Part:
    """What changes with an index, in slices: each is read under the lock, and is a copy."""

    def __init__(
        self, lock: SharedLock, read: Callable[[], NDArray[Any]], shape: tuple[int, ...], dtype: type[np.generic]
    ) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._lock = lock
        self._read = read

    def __getitem__(self, some: slice, /) -> NDArray[Any]:
        with self._lock.reading():
            return self._read()[some].copy()


class VectorIndex:
    """An inner-product index over float16 vectors. Every method may be called from any thread; searches run side by
    side.

    Up to `exact_up_to` entries a search is exact. Beyond, it looks through one-bit codes, which are made for unit
    vectors: scores are exact all the same, and of the best ten less than one in a hundred is missed.
    """

    def __init__(self, dimension: int, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self.dimension = dimension
        self._exact_up_to = exact_up_to
        self._matrix = Matrix(dimension)
        self._codes: Codes | None = None
        self._ids: Ids = np.empty(0, np.int64)  # of the rows, with room for more
        self._places = Places()
        self._lock = SharedLock()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def nbytes(self) -> int:
        """What the vectors, their codes and the way to them by id take in memory, about."""
        code = (self.dimension + 7) // 8 if self._codes else 0
        return len(self) * (2 * self.dimension + code + _ID_BYTES + PLACE_BYTES)

    def reserve(self, count: int) -> None:
        """Makes room for so many entries, which are to come."""
        with self._lock.writing():
            self._matrix.reserve(count)

    def add(self, ids: Ids, vectors: NDArray[np.floating]) -> None:
        """Adds `vectors` (n, dimension), rounded to float16, under `ids` (n,); an id that is already there gets the
        new vector.

        Raises:
            ValueError: wrong shapes, an id twice in one call, a negative id, or a vector that is not finite.
        """
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        vectors = np.asarray(vectors)
        if vectors.shape != (len(ids), self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape}; expected {(len(ids), self.dimension)}")
        if len(np.unique(ids)) != len(ids) or (len(ids) and ids.min() < 0):
            raise ValueError("ids must be distinct and not negative")
        with np.errstate(over="ignore"):
            rows = vectors.astype(np.float16, copy=False)
        if not np.isfinite(rows).all():
            raise ValueError("vectors must be finite")
        with self._lock.writing():
            places = self._places.find(ids)
            known = places >= 0
            self._matrix.rows[places[known]] = rows[known]
            if self._codes:
                self._codes.set(places[known], rows[known])
            self._append(ids[~known], rows[~known])

    def remove(self, ids: Ids) -> int:
        """Removes `ids` (n,); unknown ones are passed over. Returns how many were there."""
        ids = np.unique(np.asarray(ids, dtype=np.int64))
        with self._lock.writing():
            places = self._places.find(ids)
            self._places.drop(ids[places >= 0])
            places = places[places >= 0]
            if not len(places):
                return 0
            # The last rows move into the holes, so that there are none.
            length = len(self._matrix) - len(places)
            last = np.setdiff1d(np.arange(length, len(self._matrix)), places)
            holes = places[places < length]
            rows = self._matrix.rows
            rows[holes] = rows[last]
            if self._codes:
                self._codes.set(holes, rows[last])
                self._codes.cut(length)
            self._ids[holes] = self._ids[last]
            self._places.put(self._ids[holes], holes)
            del rows
            self._matrix.cut(length)
            if length < self._exact_up_to // 2:
                self._codes = None
            return len(places)

    def search(self, query: Vectors, k: int, within: range | None = None) -> Matches:
        """The `k` best entries (fewer if there are fewer) for one `query` (dimension,); equal scores by id. Of those
        alone whose ids are `within` a range of step 1: exactly those, however many entries there are.

        Raises:
            ValueError: wrong shape, a query that is not finite, or k < 1.
        """
        query = np.ascontiguousarray(query, dtype=np.float32)
        if query.shape != (self.dimension,) or not np.isfinite(query).all():
            raise ValueError(f"query of shape {query.shape}; expected ({self.dimension},), finite")
        if k < 1:
            raise ValueError("k must be at least 1")
        with self._lock.reading():
            if within is not None:
                return self._best(query, k, np.sort(self._places.between(within)))
            if self._codes is None:
                return self._best(query, k)
            compared = min(max(_COMPARED * k, _LEAST_COMPARED), len(self))
            return self._best(query, k, np.sort(self._codes.nearest(query, compared)))

    def get(self, ids: Collection[int] | Ids) -> Vectors:
        """The vectors (n, dimension) stored under `ids`, zeros for an id that is not there."""
        wanted = np.fromiter(ids, np.int64, len(ids))
        with self._lock.reading():
            places = self._places.find(wanted)
            known = places >= 0
            found = widened(self._matrix.rows.take(places[known], axis=0))
        if known.all():
            return found
        vectors = np.zeros((len(wanted), self.dimension), np.float32)
        vectors[known] = found
        return vectors

    def kept(self, name: str) -> dict[str, Sliced]:
        """What `restore` takes from a file. The large parts are read when they are sliced, and are of one state only
        if nothing is changed until all are."""
        with self._lock.reading():
            count, codes = len(self._matrix), self._codes
            width = (self.dimension + 7) // 8
            made_of = np.array([codes.made_of] if codes else [], np.int64)
            centre = codes.centre[np.newaxis] if codes else np.empty((0, self.dimension), np.float32)
            none: NDArray[np.uint8] = np.empty((0, width), np.uint8)
            bits = _Part(self._lock, lambda: codes.bits, (count, width), np.uint8) if codes else none
            rows = _Part(self._lock, lambda: self._matrix.rows, (count, self.dimension), np.float16)
            parts = (self._ids[:count].copy(), made_of, centre, bits, rows)
            return {f"{name}.{part}": one for part, one in zip(_PARTS, parts, strict=True)}

    def restore(self, name: str, file: Reading) -> None:
        """Fills the index, which is empty, with what was `kept` under this name.

        Raises:
            Unfit: the file does not hold that. The index is then of no use any more.
        """
        with self._lock.writing():
            ids, made_of, centre, bits, rows = (f"{name}.{part}" for part in _PARTS)
            self._ids = file.take(ids, "<i8")
            told = file.take(made_of, "<i8"), file.take(centre, "<f4", self.dimension)
            codes = file.take(bits, "|u1", (self.dimension + 7) // 8)
            count = len(file.take(rows, "<f2", self.dimension, room=self._matrix.room))
            if not (len(self._ids) == count == len(np.unique(self._ids))) or (count and self._ids.min() < 0):
                raise Unfit("its ids make no sense")
            if [len(one) for one in (*told, codes)] not in ([0, 0, 0], [1, 1, count]):
                raise Unfit("its codes make no sense")
            if len(told[0]):
                self._codes = Codes.restored(int(told[0][0]), told[1][0], codes)
            self._places.put(self._ids, np.arange(count))

    def _append(self, ids: Ids, rows: NDArray[np.float16]) -> None:
        start, stop = len(self._matrix), len(self._matrix) + len(ids)
        self._matrix.append(rows)
        self._ids = with_room(self._ids, start, stop)
        self._ids[start:stop] = ids
        self._places.put(ids, np.arange(start, stop))
        if self._codes and stop < _CENTRED_FOR * self._codes.made_of:
            self._codes.append(rows)
        elif stop > self._exact_up_to:
            self._codes = Codes(self._matrix.rows)

    def _best(self, query: Vectors, k: int, some: Rows | None = None) -> Matches:
        """The `k` best of these rows, which ascend, or of all; of equal ones those with the lowest ids."""
        most = len(self._matrix) if some is None else len(some)
        wanted = min(k + _SPARE, most)
        if not wanted:
            return Matches(np.empty(0, np.int64), np.empty(0, np.float32))
        while True:
            if some is None:
                rows, scores = self._matrix.search(query, wanted)
            else:
                rows, scores = self._matrix.search_among(some, query, wanted)
            if len(rows) < wanted or wanted == most or scores[k - 1] > scores[-1]:
                break
            wanted = min(4 * wanted, most)  # the last ones are equal, and there may be more of them
        ids = self._ids[rows]
        order = np.lexsort((ids, -scores))[:k]
        return Matches(ids[order], scores[order])
