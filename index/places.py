"""What lets an index of vectors change fast and be read by many at once: which id lies in which row, arrays that grow
or have runs, and a lock. It knows nothing of vectors, nor of what is looked for in them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Rows = NDArray[np.int64]
PLACE_BYTES = 16  # an id and its row


class Places:
    """Id → row, as sorted arrays: ids mostly grow, so a new one is appended, and one is found by halving."""

    def __init__(self) -> None:
        self._ids: Ids = np.empty(0, np.int64)
        self._rows: Rows = np.empty(0, np.int64)  # -1: the id is there no longer
        self._used = 0
        self._alive = 0

    def __len__(self) -> int:
        return self._alive

    def find(self, ids: Ids) -> Rows:
        """The row of each id; -1 for one that is not there."""
        at, known = self._find(ids)
        rows = np.full(len(ids), -1, np.int64)
        rows[known] = self._rows[at[known]]
        return rows

    def between(self, ids: range) -> Rows:
        """The rows of those ids that are within a range of step 1, in order of id."""
        first, last = np.searchsorted(self._ids[: self._used], [ids.start, ids.stop])
        rows = self._rows[first:last]
        return rows[rows >= 0]

    def put(self, ids: Ids, rows: Rows) -> None:
        """Sets where these ids, which are distinct, lie now. Ids above all others cost nothing more; others that were
        never there shift those above them."""
        at, known = self._find(ids)
        self._alive += len(ids) - int(np.count_nonzero(self._rows[at[known]] >= 0))
        self._rows[at[known]] = rows[known]
        ids, rows = ids[~known], rows[~known]
        if not len(ids):
            return
        order = np.argsort(ids)
        ids, rows = ids[order], rows[order]
        used = self._used + len(ids)
        if self._used and ids[0] < self._ids[self._used - 1]:
            at = np.searchsorted(self._ids[: self._used], ids)
            self._ids = np.insert(self._ids[: self._used], at, ids)
            self._rows = np.insert(self._rows[: self._used], at, rows)
        else:
            self._ids, self._rows = (with_room(array, self._used, used) for array in (self._ids, self._rows))
            self._ids[self._used : used], self._rows[self._used : used] = ids, rows
        self._used = used

    def drop(self, ids: Ids) -> None:
        """Forgets ids, which are distinct and there."""
        self._rows[self._find(ids)[0]] = -1
        self._alive -= len(ids)
        if self._used > 2 * self._alive:
            kept = np.flatnonzero(self._rows[: self._used] >= 0)
            self._ids, self._rows, self._used = self._ids[kept], self._rows[kept], len(kept)

    def _find(self, ids: Ids) -> tuple[Rows, NDArray[np.bool_]]:
        at = np.searchsorted(self._ids[: self._used], ids)
        known = at < self._used
        known[known] = self._ids[at[known]] == ids[known]
        return at, known


def with_room(array: NDArray[Any], used: int, needed: int) -> NDArray[Any]:
    """The array itself if `needed` rows fit in, or a longer one with its `used` rows."""
    if needed <= len(array):
        return array
    longer = np.empty((max(needed, used + used // 4), *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


def run_starts(values: Ids) -> Rows:
    """Where runs of equal values begin, in an array that is not empty."""
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))


class SharedLock:
    """Many may read at once; who writes is alone, and does not wait for readers that come later. Not re-entrant."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False
        self._waiting = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            while self._writing or self._waiting:
                self._changed.wait()
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            try:
                while self._writing or self._readers:
                    self._changed.wait()
                self._writing = True
            finally:
                self._waiting -= 1
                if not self._writing:  # interrupted
                    self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
