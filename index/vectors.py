"""The vector index: exact inner product over float16 vectors, by id. The only file that imports FAISS.

It is derived from the store and can be rebuilt from it at any time; it knows nothing of articles or files.
"""

import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
_ID_BYTES = 72  # an id in FAISS's list, and in the hash table from it to its place


@dataclass(frozen=True, slots=True)
class Matches:
    """The best entries for one query: `ids` (m,) int64 and their inner products `scores` (m,) float32, best first."""

    ids: Ids
    scores: Vectors


class VectorIndex:
    """An exact float16 inner-product index. Every method may be called from any thread."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        scalar = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index = faiss.IndexIDMap2(scalar)
        # FAISS allows no change beside a search. A search of 100,000 vectors takes a few milliseconds and leaves
        # the interpreter free, so one lock for all is simple and enough.
        self._lock = threading.Lock()
        # With several OpenMP threads, concurrent queries on a busy small machine were 4–5 times slower.
        faiss.omp_set_num_threads(1)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def nbytes(self) -> int:
        """What the vectors and the way to them by id take in memory, about."""
        return len(self) * (2 * self.dimension + _ID_BYTES)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Adds `vectors` (n, dimension) under `ids` (n,); an id that is already there gets the new vector.

        Raises:
            ValueError: wrong shapes, an id twice in one call, a negative id, or a vector that is not finite.
        """
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if vectors.shape != (len(ids), self.dimension):
            raise ValueError(f"vectors of shape {vectors.shape}; expected {(len(ids), self.dimension)}")
        if len(np.unique(ids)) != len(ids) or (len(ids) and ids.min() < 0):
            raise ValueError("ids must be distinct and not negative")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors must be finite")
        if not len(ids):
            return
        with self._lock:
            # FAISS would keep both vectors of an id that is added twice.
            known = np.intersect1d(ids, faiss.vector_to_array(self._index.id_map))
            if len(known):
                self._index.remove_ids(known)  # type: ignore[arg-type]
            # NumPy rounds first: FAISS's own rounding differs in rare ties, but keeps float16 values as they are.
            self._index.add_with_ids(vectors.astype(np.float16).astype(np.float32), ids)

    def remove(self, ids: Ids) -> int:
        """Removes `ids` (n,); unknown ones are passed over. Returns how many were there."""
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        with self._lock:
            return int(self._index.remove_ids(ids)) if len(ids) else 0  # type: ignore[arg-type]

    def search(self, query: Vectors, k: int, within: range | None = None) -> Matches:
        """The `k` best entries (fewer if there are fewer) for one `query` (dimension,), of those whose ids are `within`
        a range of step 1; equal scores by id.

        Raises:
            ValueError: wrong shape, a query that is not finite, or k < 1.
        """
        query = np.ascontiguousarray(query, dtype=np.float32)
        if query.shape != (self.dimension,) or not np.isfinite(query).all():
            raise ValueError(f"query of shape {query.shape}; expected ({self.dimension},), finite")
        if k < 1:
            raise ValueError("k must be at least 1")
        with self._lock:
            k = min(k, len(self) if within is None else len(within))
            if not k:
                return Matches(np.empty(0, np.int64), np.empty(0, np.float32))
            scores, ids = self._index.search(query[np.newaxis], k, params=_only(within))
        found = ids[0] >= 0  # FAISS pads with -1
        ids, scores = ids[0][found], scores[0][found]
        order = np.lexsort((ids, -scores))
        return Matches(ids[order], scores[order])

    def get(self, ids: Collection[int]) -> Vectors:
        """The vectors (n, dimension) stored under `ids`, zeros for an id that is not there."""
        vectors = np.zeros((len(ids), self.dimension), np.float32)
        with self._lock:
            for row, key in enumerate(ids):
                with suppress(RuntimeError):  # FAISS's way to say that it does not know the id
                    vectors[row] = self._index.reconstruct(int(key))
        return vectors


def _only(ids: range | None) -> faiss.SearchParameters | None:
    """What keeps a search to these ids; FAISS looks at no vector of another one."""
    return None if ids is None else faiss.SearchParameters(sel=faiss.IDSelectorRange(ids.start, ids.stop))  # type: ignore[call-arg]
