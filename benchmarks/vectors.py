"""What a search for the nearest vectors costs, exactly and by codes, and how many of the best the codes find.

    python -m benchmarks.vectors [--sizes 10000,30000,100000] [--vectors FILE.npy] [--queries FILE.npy]

The vectors are those of the files, (n, dimension) float32 of unit length; what is missing to a size is topped up with
mixes of two of them and a little noise. Without files they are drawn in groups, as made-up as that is. Every figure
is of one thread; the two engines stand side by side, question by question. Questions without a file are vectors mixed
in the same way.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.vectors import VectorIndex

Vectors = NDArray[np.float32]
_ARTICLE = 30  # sentences
_TOGETHER = 10_000  # vectors that are added in one call


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,20000,30000,50000,100000")
    parser.add_argument("--vectors", type=Path, help="a file of NumPy's, (n, dimension) float32")
    parser.add_argument("--queries", type=Path, help="another one, of questions")
    parser.add_argument("--k", type=int, default=100, help="how many are asked for")
    options = parser.parse_args(arguments)
    known = np.load(options.vectors, allow_pickle=False) if options.vectors else drawn(20_000)
    queries = np.load(options.queries, allow_pickle=False) if options.queries else mixed(known, 200, seed=9)
    queries = queries[np.random.default_rng(1).choice(len(queries), min(200, len(queries)), replace=False)]
    print(
        "| vectors | exact, ms | codes, ms | recall at 10 | at 100 | 30 added and removed, ms | by codes | bytes each |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in (int(one) for one in options.sizes.split(",")):
        print(measured(topped_up(known, size), queries, options.k), flush=True)
    return 0


def measured(vectors: Vectors, queries: Vectors, k: int) -> str:
    """A row of the table, of these vectors."""
    engines = [VectorIndex(vectors.shape[1], exact_up_to=bound) for bound in (sys.maxsize, 0)]
    for index in engines:
        for start in range(0, len(vectors), _TOGETHER):
            index.add(np.arange(start, min(start + _TOGETHER, len(vectors))), vectors[start : start + _TOGETHER])
    times: list[list[float]] = [[], []]
    shared = {10: 0, 100: 0}
    for query in queries:
        found = []
        for index, taken in zip(engines, times, strict=True):
            before = time.perf_counter()
            matches = index.search(query, k)
            taken.append(time.perf_counter() - before)
            found.append(matches.ids)
        for depth in shared:
            shared[depth] += len(set(found[0][:depth].tolist()) & set(found[1][:depth].tolist()))
    exact, coded = (1000 * float(np.median(taken)) for taken in times)
    recalls = [shared[depth] / (len(queries) * min(depth, k, len(vectors))) for depth in shared]
    added = [f"{added_in(index, vectors):.2f}" for index in engines]
    cells = [f"{len(vectors):,}", f"{exact:.2f}", f"{coded:.2f}", *(f"{one:.3f}" for one in recalls), *added]
    return f"| {' | '.join(cells)} | {engines[1].nbytes // len(engines[1])} |"


def added_in(index: VectorIndex, vectors: Vectors) -> float:
    """What adding an article and removing it again costs, in milliseconds."""
    taken = []
    for number in range(50):
        ids = np.arange(_ARTICLE) + len(vectors) + number * _ARTICLE
        before = time.perf_counter()
        index.add(ids, vectors[:_ARTICLE])
        index.remove(ids)
        taken.append(time.perf_counter() - before)
    return 1000 * float(np.median(taken))


def drawn(count: int, dimension: int = 384, seed: int = 0) -> Vectors:
    """Unit vectors in groups."""
    random = np.random.default_rng(seed)
    groups = random.normal(size=(count // 50, dimension))
    return _unit(groups[random.integers(len(groups), size=count)] + random.normal(size=(count, dimension)))


def mixed(known: Vectors, count: int, seed: int) -> Vectors:
    """Mixes of two vectors, one of which weighs more, with noise a third of their length."""
    random = np.random.default_rng(seed)
    share = random.uniform(0.5, 0.9, (count, 1))
    one, other = (known[random.integers(len(known), size=count)] for _ in range(2))
    noise = random.normal(size=one.shape) * (0.3 / np.sqrt(known.shape[1]))
    return _unit(share * one + (1 - share) * other + noise)


def topped_up(known: Vectors, size: int) -> Vectors:
    """`size` vectors: known ones as far as they go, and mixes of them."""
    rows = np.empty((size, known.shape[1]), np.float32)
    rows[: len(known)] = known[:size]
    for start in range(len(known), size, _TOGETHER):
        stop = min(start + _TOGETHER, size)
        rows[start:stop] = mixed(known, stop - start, seed=start)
    return rows


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / lengths).astype(np.float32)
    return unit


if __name__ == "__main__":
    sys.exit(main())
