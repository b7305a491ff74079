"""Searching in what FTS5 keeps, against FTS5's own ranking and against counting the slow way."""

import random
import threading
from dataclasses import replace

import numpy as np
import pytest
from test_store import ARTICLE, prepared, put

from index.article import Article
from index.fulltext import FullText, _counted, _number
from index.store import Store

WORDS = [f"w{n}" for n in range(60)]


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "corpus.db")
    yield store
    store.close()


def article(number, chance):
    """An article of sentences of one to thirty words, some of them in nearly every sentence."""
    lines = [
        ". ".join(
            " ".join(chance.choices(WORDS, [1 / (1 + n) for n in range(60)], k=chance.randint(1, 30))) for _ in "ab"
        )
        for _ in range(4)
    ]
    return Article(f"/{number}.txt", f"Number {number}", "\n".join(lines))


def fill(store, numbers, seed=0):
    chance = random.Random(seed)
    return [put(store, prepared(article(number, chance))) for number in numbers]


def by_fts5(store, unit, terms):
    """Id → score by FTS5's own bm25, higher is better, of what is not hidden."""
    match = " OR ".join(f'"{term}"' for term in terms)
    visible = f"rowid NOT IN (SELECT id FROM hidden_{unit})"
    sql = f"SELECT rowid, -rank FROM {unit}_text WHERE {unit}_text MATCH ? AND {visible}"
    return dict(store._rows(sql, (match,)))


def hide(store, unit, ids):
    with store._database.transaction("IMMEDIATE") as connection:
        connection.executemany(f"INSERT INTO hidden_{unit} VALUES (?)", [(one,) for one in ids])


@pytest.mark.parametrize("unit", ["sentence", "paragraph"])
def test_the_best_are_those_that_fts5_itself_ranks_first(store, unit):
    """Whatever was removed, replaced or hidden, a search finds what FTS5's own ranking puts first, in its order."""
    ids = fill(store, range(40))
    store.remove(ids[::7])
    fill(store, range(10, 14), seed=1)
    every = list(by_fts5(store, unit, WORDS))
    hide(store, unit, every[::5])
    chance = random.Random(2)
    for k in (1, 5, 50, 1_000):
        terms = chance.sample([*WORDS, "absent"], 5)
        scores = by_fts5(store, unit, terms)
        found = store.search_text(unit, terms, k)
        assert len(found) == len(set(found)) == min(k, len(scores))
        wanted = sorted(scores.values(), reverse=True)[:k]
        assert [scores[one] for one in found] == pytest.approx(wanted, abs=1e-9)


def test_a_snapshot_counts_what_it_sees(store):
    """What is counted in one state of the corpus is not taken for another, in either direction."""
    fill(store, range(5))
    with store.snapshot():
        before = store.document_frequencies("sentence", ["w0", "nowhere"])
        found = store.search_text("sentence", ["w0"], 1_000)
        writer = threading.Thread(target=fill, args=(store, range(5, 10)))
        writer.start()
        writer.join()

        def ask():
            with store.snapshot():
                later.append(
                    (store.document_frequencies("sentence", ["w0"]), store.search_text("sentence", ["w0"], 1_000))
                )

        later = []
        asker = threading.Thread(target=ask)
        asker.start()
        asker.join()
        assert store.document_frequencies("sentence", ["w0", "nowhere"]) == before
        assert store.search_text("sentence", ["w0"], 1_000) == found
    ((counts, newer),) = later
    assert before["nowhere"] == 0 and counts["w0"] == len(newer) > before["w0"] == len(found)
    assert set(found) <= set(newer)
    with store.snapshot():
        assert store.document_frequencies("sentence", ["w0"]) == counts


def test_what_is_hidden_or_shown_later_is_noticed(store):
    """That nothing is hidden is remembered for one state of the corpus only."""
    fill(store, range(3))
    for hidden in ([], [2, 3], [], [5]):
        with store._database.transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM hidden_sentence")
            connection.executemany("INSERT INTO hidden_sentence VALUES (?)", [(one,) for one in hidden])
            store._raised_generation(connection)
        with store.snapshot():
            for _ in "ab":
                found = store.search_text("sentence", WORDS, 1_000)
                assert set(found) == set(by_fts5(store, "sentence", WORDS)) and set(found).isdisjoint(hidden)


def test_what_a_transaction_took_back_is_not_remembered(store):
    """Lengths that were never committed do not stand for those of later sentences, which get the same ids."""
    fill(store, range(3))
    with store.snapshot():
        store.search_text("sentence", ["w0"], 5)
    with pytest.raises(ZeroDivisionError), store._database.transaction("IMMEDIATE") as connection:
        connection.execute("INSERT INTO sentence_text (rowid, terms) VALUES (500, ?)", ("w0 " * 200,))
        assert 500 in store.search_text("sentence", ["w0"], 1_000)
        raise ZeroDivisionError
    with store._database.transaction("IMMEDIATE") as connection:
        connection.execute("INSERT INTO sentence_text (rowid, terms) VALUES (500, 'w0')")
        store._raised_generation(connection)
    with store.snapshot():
        scores = by_fts5(store, "sentence", ["w0"])
        found = store.search_text("sentence", ["w0"], 1_000)
    assert [scores[one] for one in found] == pytest.approx(sorted(scores.values(), reverse=True))


def test_more_terms_than_are_remembered_are_counted_all_the_same(store, monkeypatch):
    """Beyond the bound, terms are counted anew each time, and memory does not grow."""
    monkeypatch.setattr("index.fulltext._MOST_COUNTED", 10)
    monkeypatch.setattr("index.fulltext._MOST_KEPT", 0)
    fill(store, range(5))
    with store.snapshot():
        first = store.document_frequencies("paragraph", WORDS[:8])
        size = store._text.nbytes
        assert store.document_frequencies("paragraph", WORDS[5:40]).items() >= {(one, first[one]) for one in WORDS[5:8]}
        assert store._text.nbytes == size


def test_a_long_unit_is_scored_by_its_length(store):
    """Lengths of more than one byte are read as FTS5 wrote them."""
    texts = [" ".join(["fox", *["pad"] * length]) for length in (3, 126, 127, 128, 16_383, 16_390, 40_000)]
    for number, text in enumerate(texts):
        put(store, prepared(replace(ARTICLE, source=f"/{number}", text=text)))
    with store.snapshot():
        lengths = FullText._lengths(store._text, "sentence", 1)
        scores = by_fts5(store, "sentence", ["fox"])
        found = store.search_text("sentence", ["fox"], 10)
    assert [int(one) for one in lengths if one] == [len(text.split()) for text in texts]
    assert [scores[one] for one in found] == pytest.approx(sorted(scores.values(), reverse=True), abs=1e-12)


@pytest.mark.parametrize("unit", ["sentence", "paragraph"])
@pytest.mark.parametrize("read_whole", [0, 40, 5_000])
def test_terms_are_counted_in_units(store, monkeypatch, unit, read_whole):
    """How often terms stand in units, and how long these are, is what splitting their texts tells: whether a term is
    rare enough for its postings to be read or not, and for units that are not there."""
    monkeypatch.setattr("index.fulltext._READ_WHOLE", read_whole)
    fill(store, range(12))
    put(store, prepared(Article("/again.txt", "", "W0 w0 w0 w1 w1. W10 w1 w1 w1.", states_title=False)))
    texts = dict(store._rows(f"SELECT id, c0 FROM {unit}_text_content"))
    chance = random.Random(3)
    for _ in range(10):
        ids = np.array(sorted({*chance.sample(list(texts), 15), max(texts), 10_000}), np.int64)
        terms = [*chance.sample(WORDS, 6), "w0", "absent"]
        split = [texts.get(one, "").split() for one in ids.tolist()]
        with store.snapshot():
            for _ in "ab":  # read, and remembered
                counts = store.term_counts(unit, terms, ids)
                assert counts.tolist() == [[words.count(term) for term in terms] for words in split]
            assert store.lengths(unit, ids).tolist() == list(map(len, split))
        assert store.term_counts(unit, terms, ids).tolist() == counts.tolist()
        assert store.term_counts(unit, terms, ids[:0]).shape == (0, len(terms))


def test_terms_are_counted_as_words():
    """A term counts as often as it stands there as a word: not as a part of one, and twice where it is said twice."""
    chance = random.Random(5)
    sought = ["a", "aa", "b", "ab", "1.5"]
    texts = [" ".join(chance.choices(sought, k=chance.randint(1, 12))) for _ in range(300)] + ["", "a a a", "aa aa a"]
    assert _counted(texts, sought).tolist() == [[text.split().count(term) for term in sought] for text in texts]


def test_postings_are_kept_within_a_bound(store, monkeypatch):
    """What is kept of postings stays within its bound, those asked for last stay, and nothing is found otherwise."""
    monkeypatch.setattr("index.fulltext._MOST_KEPT", 60)
    monkeypatch.setattr("index.fulltext._TERM_KEPT", 2)
    fill(store, range(12))
    alone = {term: store.search_text("sentence", [term], 1_000) for term in WORDS}
    with store.snapshot():
        kept = store._text._here().postings
        for term in (*WORDS[10:], *WORDS[20:10:-1], *WORDS):
            assert store.search_text("sentence", [term], 1_000) == alone[term]
            assert kept.size <= 60 and kept.size == sum(2 + len(ids) for ids, _ in kept._postings.values())
            if len(alone[term]) <= 58:
                assert kept.get("sentence", term) is not None


def test_an_empty_corpus_has_nothing(store):
    """Before the first article, nothing is found and nothing is counted."""
    assert store.search_text("sentence", ["fox"], 5) == []
    assert store.document_frequencies("paragraph", ["fox"]) == {"fox": 0}
    assert _number(b"") == (0, b"") and _number(b"\x81\x00\x05") == (128, b"\x05")
