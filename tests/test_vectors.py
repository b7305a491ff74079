"""The vector index against the slow, obvious way: numpy over float16 copies of the same vectors."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.vectors import VectorIndex

DIMENSION = 48


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


def test_search_gives_the_exact_ids_and_scores_of_brute_force():
    """A search returns the ids and inner products that numpy computes over the same float16 vectors."""
    vectors = unit_vectors(500)
    ids = np.arange(500) * 7 + 3
    index = VectorIndex(DIMENSION)
    index.add(ids, vectors)
    entries = dict(zip(ids.tolist(), vectors, strict=True))
    for query in unit_vectors(20, seed=1):
        assert_same(index, entries, query, 10)


def test_an_empty_index_finds_nothing():
    """Nothing comes back from an index that holds nothing, not the -1 that FAISS pads with."""
    matches = VectorIndex(DIMENSION).search(unit_vectors(1)[0], 5)
    assert matches.ids.tolist() == []
    assert matches.scores.tolist() == []


def test_asking_for_more_than_there_are_gives_all():
    """With k > n every entry comes back once."""
    vectors = unit_vectors(3)
    index = VectorIndex(DIMENSION)
    index.add(np.array([5, 1, 9]), vectors)
    assert_same(index, dict(zip([5, 1, 9], vectors, strict=True)), vectors[0], 50)


def test_equal_vectors_under_several_ids_all_come_back_in_order_of_id():
    """The same sentence in two articles is two entries with one score, the lower id first."""
    vector = unit_vectors(1)
    index = VectorIndex(DIMENSION)
    index.add(np.array([8, 2, 5]), np.repeat(vector, 3, axis=0))
    assert index.search(vector[0], 3).ids.tolist() == [2, 5, 8]


def test_adding_a_known_id_replaces_its_vector():
    """An id never has two vectors, although FAISS would keep both."""
    old, new = unit_vectors(2)
    index = VectorIndex(DIMENSION)
    index.add(np.array([4]), old[np.newaxis])
    index.add(np.array([4]), new[np.newaxis])
    assert_same(index, {4: new}, new, 5)


def test_removing_and_adding_again():
    """A removed id is not found, removing it again does nothing, and it can be added anew."""
    vectors = unit_vectors(4)
    index = VectorIndex(DIMENSION)
    index.add(np.arange(4), vectors)
    assert index.remove(np.array([1, 3, 77])) == 2
    assert index.remove(np.array([1])) == 0
    assert_same(index, {0: vectors[0], 2: vectors[2]}, vectors[1], 4)
    index.add(np.array([1]), vectors[3][np.newaxis])
    assert_same(index, {0: vectors[0], 2: vectors[2], 1: vectors[3]}, vectors[3], 4)


def test_stored_vectors_can_be_read_back():
    """`get` returns the float16 values by id, and zeros for an id that is not there."""
    vectors = unit_vectors(3)
    index = VectorIndex(DIMENSION)
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
def test_bad_input_changes_nothing(ids, vectors):
    """Wrong shapes, repeated or negative ids and invalid numbers raise, and leave the index as it was."""
    index = VectorIndex(DIMENSION)
    with pytest.raises(ValueError):
        index.add(np.array(ids), vectors)
    assert len(index) == 0


def test_bad_queries_raise():
    """A query of another dimension, with invalid numbers, or for less than one entry raises."""
    index = VectorIndex(DIMENSION)
    index.add(np.array([1]), unit_vectors(1))
    for query, k in ((np.ones(3), 1), (np.full(DIMENSION, np.inf), 1), (np.ones(DIMENSION), 0)):
        with pytest.raises(ValueError):
            index.search(query, k)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.integers(0, 30), max_size=8, unique=True))))
def test_any_sequence_of_changes_equals_brute_force(changes):
    """After any adds, replacements and removals the index holds what a dictionary would."""
    pool = iter(unit_vectors(400, seed=3))
    index, entries = VectorIndex(DIMENSION), {}
    for kind, ids in changes:
        if kind == "add" and ids:
            fresh = {key: next(pool) for key in ids}
            index.add(np.array(ids), np.stack(list(fresh.values())))
            entries |= fresh
        elif kind == "remove":
            assert index.remove(np.array(ids, np.int64)) == len(entries.keys() & set(ids))
            entries = {key: vector for key, vector in entries.items() if key not in ids}
    assert_same(index, entries, unit_vectors(1, seed=9)[0], 12)


def test_searching_beside_changes_is_safe():
    """Searches that run while entries come and go see whole entries: right scores, and never an id that never was."""
    vectors = unit_vectors(600, seed=5)
    rounded = vectors.astype(np.float16).astype(np.float32)
    index = VectorIndex(DIMENSION)
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
