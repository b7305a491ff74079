"""The vector index against the slow, obvious way: numpy over float16 copies of the same vectors.

One contract holds for both of its engines, exact and by codes, and for an index that goes from one to the other.
"""

import gzip
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.places import SharedLock
from index.vectors import VectorIndex

DIMENSION = 48
ENGINES = {"exact": 10**9, "codes": 0, "either": 20}
SHARED = Path(__file__).parent.parent.parent / "shared"


@pytest.fixture(params=ENGINES)
def make(request):
    """Makes an empty index with one of the engines."""
    return lambda dimension=DIMENSION: VectorIndex(dimension, exact_up_to=ENGINES[request.param])


def unit_vectors(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def brute_force(entries: dict[int, np.ndarray], query: np.ndarray, k: int) -> list[tuple[int, float]]:
    scores = [(key, float(vector.astype(np.float16).astype(np.float32) @ query)) for key, vector in entries.items()]
    return sorted(scores, key=lambda pair: (-pair[1], pair[0]))[:k]


def assert_same(index: VectorIndex, entries: dict[int, np.ndarray], query: np.ndarray, k: int) -> None:
    matches, expected = index.search(query, k), brute_force(entries, query, k)
    assert matches.ids.tolist() == [key for key, _ in expected]
    np.testing.assert_allclose(matches.scores, [score for _, score in expected], rtol=1e-5, atol=1e-6)
    assert len(index) == len(entries)


def test_search_gives_the_exact_ids_and_scores_of_brute_force(make):
    """A search returns the ids and inner products that numpy computes over the same float16 vectors."""
    vectors = unit_vectors(500)
    ids = np.arange(500) * 7 + 3
    index = make()
    index.add(ids, vectors)
    entries = dict(zip(ids.tolist(), vectors, strict=True))
    for query in unit_vectors(20, seed=1):
        assert_same(index, entries, query, 10)


def test_an_empty_index_finds_nothing(make):
    """Nothing comes back from an index that holds nothing, not the -1 that FAISS pads with."""
    matches = make().search(unit_vectors(1)[0], 5)
    assert matches.ids.tolist() == []
    assert matches.scores.tolist() == []


def test_asking_for_more_than_there_are_gives_all(make):
    """With k > n every entry comes back once."""
    vectors = unit_vectors(3)
    index = make()
    index.add(np.array([5, 1, 9]), vectors)
    assert_same(index, dict(zip([5, 1, 9], vectors, strict=True)), vectors[0], 50)


def test_equal_vectors_under_several_ids_all_come_back_in_order_of_id(make):
    """The same sentence in two articles is two entries with one score, the lower id first."""
    vector = unit_vectors(1)
    index = make()
    index.add(np.array([8, 2, 5]), np.repeat(vector, 3, axis=0))
    assert index.search(vector[0], 3).ids.tolist() == [2, 5, 8]


def test_adding_a_known_id_replaces_its_vector(make):
    """An id never has two vectors, although FAISS would keep both."""
    old, new = unit_vectors(2)
    index = make()
    index.add(np.array([4]), old[np.newaxis])
    index.add(np.array([4]), new[np.newaxis])
    assert_same(index, {4: new}, new, 5)


def test_removing_and_adding_again(make):
    """A removed id is not found, removing it again does nothing, and it can be added anew."""
    vectors = unit_vectors(4)
    index = make()
    index.add(np.arange(4), vectors)
    assert index.remove(np.array([1, 3, 77])) == 2
    assert index.remove(np.array([1])) == 0
    assert_same(index, {0: vectors[0], 2: vectors[2]}, vectors[1], 4)
    index.add(np.array([1]), vectors[3][np.newaxis])
    assert_same(index, {0: vectors[0], 2: vectors[2], 1: vectors[3]}, vectors[3], 4)


def test_stored_vectors_can_be_read_back(make):
    """`get` returns the float16 values by id, and zeros for an id that is not there."""
    vectors = unit_vectors(3)
    index = make()
    index.add(np.array([1, 2, 3]), vectors)
    found = index.get([3, 99, 1])
    np.testing.assert_array_equal(found[0], vectors[2].astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(found[1], np.zeros(DIMENSION))
    np.testing.assert_array_equal(found[2], vectors[0].astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        ([1, 1], unit_vectors(2)),
        ([-1], unit_vectors(1)),
        ([1], unit_vectors(2)),
        ([1], unit_vectors(1)[:, :-1]),
        ([1], np.full((1, DIMENSION), np.nan)),
    ],
)
def test_bad_input_changes_nothing(make, ids, vectors):
    """Wrong shapes, repeated or negative ids and invalid numbers raise, and leave the index as it was."""
    index = make()
    with pytest.raises(ValueError):
        index.add(np.array(ids), vectors)
    assert len(index) == 0


def test_bad_queries_raise(make):
    """A query of another dimension, with invalid numbers, or for less than one entry raises."""
    index = make()
    index.add(np.array([1]), unit_vectors(1))
    for query, k in ((np.ones(3), 1), (np.full(DIMENSION, np.inf), 1), (np.ones(DIMENSION), 0)):
        with pytest.raises(ValueError):
            index.search(query, k)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(ENGINES.values())),
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.integers(0, 30), max_size=8, unique=True))),
)
def test_any_sequence_of_changes_equals_brute_force(exact_up_to, changes):
    """After any adds, replacements and removals the index holds what a dictionary would."""
    pool = iter(unit_vectors(400, seed=3))
    index, entries = VectorIndex(DIMENSION, exact_up_to=exact_up_to), {}
    for kind, ids in changes:
        if kind == "add" and ids:
            fresh = {key: next(pool) for key in ids}
            index.add(np.array(ids), np.stack(list(fresh.values())))
            entries |= fresh
        elif kind == "remove":
            assert index.remove(np.array(ids, np.int64)) == len(entries.keys() & set(ids))
            entries = {key: vector for key, vector in entries.items() if key not in ids}
    query = unit_vectors(1, seed=9)[0]
    assert_same(index, entries, query, 12)
    within = {key: vector for key, vector in entries.items() if 10 <= key < 20}
    assert index.search(query, 4, range(10, 20)).ids.tolist() == [key for key, _ in brute_force(within, query, 4)]
    wanted = [*range(31), 99]
    expected = [entries.get(key, np.zeros(DIMENSION)).astype(np.float16) for key in wanted]
    np.testing.assert_array_equal(index.get(wanted), np.array(expected, np.float32))


def test_searching_beside_changes_is_safe(make):
    """Searches that run while entries come and go see whole entries: right scores, and never an id that never was."""
    vectors = unit_vectors(600, seed=5)
    rounded = vectors.astype(np.float16).astype(np.float32)
    index = make()
    index.add(np.arange(300), vectors[:300])
    stop, faults = threading.Event(), []

    def search(seed: int) -> None:
        queries = unit_vectors(20, seed)
        while not stop.is_set():
            for query in queries:
                matches = index.search(query, 10)
                try:
                    np.testing.assert_allclose(matches.scores, rounded[matches.ids] @ query, rtol=1e-5)
                    assert len(set(matches.ids.tolist())) == 10
                except AssertionError as fault:
                    faults.append(fault)

    threads = [threading.Thread(target=search, args=(seed,)) for seed in (11, 12, 13)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        index.add(np.arange(300, 600), vectors[300:])
        index.remove(np.arange(300, 600))
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults


def clustered(count: int, seed: int, centres: int = 400, dimension: int = 128) -> np.ndarray:
    """Unit vectors that lie in groups and have something in common, as a model's vectors of sentences do."""
    drawn = np.random.default_rng(seed)
    groups = np.random.default_rng(1).normal(size=(centres, dimension)) + 0.5
    vectors = groups[drawn.integers(centres, size=count)] + drawn.normal(size=(count, dimension)) * 0.8
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def recall(vectors: np.ndarray, queries: np.ndarray, k: int = 10) -> float:
    """How many of the exact `k` best an index by codes finds; what it finds has to have the exact scores."""
    exact = VectorIndex(vectors.shape[1], exact_up_to=10**9)
    coded = VectorIndex(vectors.shape[1], exact_up_to=0)
    for index in (exact, coded):
        index.add(np.arange(len(vectors)), vectors)
    shared = 0
    for query in queries:
        best, found = exact.search(query, k), coded.search(query, k)
        right = dict(zip(best.ids.tolist(), best.scores.tolist(), strict=True))
        same = {
            key: score for key, score in zip(found.ids.tolist(), found.scores.tolist(), strict=True) if key in right
        }
        assert same == {key: right[key] for key in same}
        assert np.all(np.diff(found.scores) <= 0)
        shared += len(same)
    return shared / (k * len(queries))


def test_codes_find_nearly_all_of_the_best():
    """Of the ten best of vectors that lie in groups, an index by codes misses less than one in a hundred."""
    assert recall(clustered(20_000, 2), clustered(60, 3)) >= 0.99


@pytest.mark.model
@pytest.mark.slow
def test_codes_find_nearly_all_of_the_best_sentences(model_encoder):
    """The same holds for a model's vectors of real sentences, asked with real questions."""
    path = SHARED / "eval" / "squad-v1.1-dev" / "sentences_reqa.jsonl.gz"
    if not path.exists():
        pytest.skip("the evaluation sets are not there")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        cut = {row["id"]: row["sentences"] for row in map(json.loads, file)}
    with gzip.open(path.with_name("articles.jsonl.gz"), "rt", encoding="utf-8") as file:
        texts = {row["id"]: row["text"] for row in map(json.loads, file)}
    lines = [texts[key][start:end] for key, spans in cut.items() for start, end in spans]
    vectors = model_encoder.encode_passages(list(dict.fromkeys(lines))[:5000])
    assert recall(vectors, vectors[::97]) >= 0.99


def test_codes_follow_what_is_replaced_and_moved():
    """After many changes in a large index every vector still finds itself first, by its own code."""
    vectors = clustered(5200, 4)
    index = VectorIndex(128, exact_up_to=0)
    index.add(np.arange(5000), vectors[:5000])
    assert index.remove(np.arange(0, 4000, 2)) == 2000
    index.add(np.arange(1, 401, 2), vectors[5000:])
    index.add(np.arange(5000, 5100), vectors[:100])
    entries = {key: vectors[key] for key in range(5000) if key % 2 or key >= 4000}
    entries |= {key: vectors[5000 + (key - 1) // 2] for key in range(1, 401, 2)}
    entries |= {key: vectors[key - 5000] for key in range(5000, 5100)}
    assert len(index) == len(entries)
    for key, vector in list(entries.items())[::17]:
        found = index.search(vector.astype(np.float32), 1)
        assert found.ids.tolist() == [key]


def test_an_index_that_grows_and_shrinks_changes_its_engine():
    """Codes come when an index grows over the bound, and go only when it is well under it."""
    index, vectors = VectorIndex(DIMENSION, exact_up_to=100), unit_vectors(300)
    code = DIMENSION // 8
    index.add(np.arange(100), vectors[:100])
    exact = index.nbytes // 100
    index.add(np.arange(100, 300), vectors[100:])
    assert index.nbytes == 300 * (exact + code)
    index.remove(np.arange(60, 300))
    assert index.nbytes == 60 * (exact + code)
    index.remove(np.arange(20))
    assert index.nbytes == 40 * exact
    assert_same(index, dict(zip(range(20, 60), vectors[20:60], strict=True)), vectors[0], 10)


def test_of_equal_scores_the_lowest_ids_are_kept(make):
    """Where more entries have the last score than are asked for, those with the lowest ids come, in whatever order
    they were added."""
    index, vectors = make(), unit_vectors(2)
    index.add(np.arange(99, -1, -1), np.repeat(vectors[:1], 100, axis=0))
    index.remove(np.arange(3, 10))
    index.add(np.array([500]), vectors[1:])
    assert index.search(vectors[0], 5).ids.tolist() == [0, 1, 2, 10, 11]


def test_searches_run_side_by_side():
    """A search does not wait for another one to end, but a change waits for both."""
    lock, inside, order = SharedLock(), threading.Barrier(3), []

    def read() -> None:
        with lock.reading():
            inside.wait(10)  # passes only when both are in here at once
            inside.wait(10)
            order.append("read")

    def write() -> None:
        with lock.writing():
            order.append("write")

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    threads.append(threading.Thread(target=write))
    threads[-1].start()
    inside.wait(10)
    for thread in threads:
        thread.join(10)
    assert order == ["read", "read", "write"]
