"""What stands where, kept in memory, against the rows of the file that it stands for."""

import sqlite3
from contextlib import closing

import numpy as np
from conftest import HashEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import Article
from index.corpus import Corpus
from index.indexer import Indexer
from index.outline import GrowingOutline, Outline
from index.stored import SentenceVectors

CHANGES = ["put", "remove", "hide", "show"]


def rows_of(path):
    """(id, paragraph, article, heading, place) of every sentence that is not hidden, as SQL alone tells."""
    visible = "SELECT * FROM sentence WHERE id NOT IN (SELECT id FROM hidden_sentence)"
    first = "min(id) OVER (PARTITION BY article_id)"
    sql = f"SELECT id, paragraph_id, article_id, is_heading, id - {first} FROM ({visible}) ORDER BY id"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def held(outline: Outline):
    columns = outline.ids, outline.paragraphs, outline.articles, outline.headings, outline.places
    return list(zip(*(column.tolist() for column in columns), strict=True))


def article(number: int, version: int = 0) -> Article:
    lines = [f"Part {n} of {number}\nIt says {version}. Once more {n}." for n in range(1 + number % 3)]
    return Article(f"/{number}", f"Number {number}", "\n\n".join(lines))


@settings(max_examples=20, deadline=None)
@given(changes=st.lists(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(CHANGES)), max_size=5), max_size=6))
def test_the_outline_is_what_the_file_holds(changes, tmp_path_factory):
    """After any changes the outline says of each visible sentence what its row does."""
    corpus = Corpus(tmp_path_factory.mktemp("outline") / "corpus.db", HashEncoder(64))
    indexer = Indexer(corpus.store, corpus.encoder)
    for version, some in enumerate(changes):
        for number, change in some:
            stored = {one.source: one.id for one in corpus.store.articles()}
            if change == "put":
                indexer.add_articles([article(number, version)])
            elif f"/{number}" in stored and change == "remove":
                corpus.store.remove([stored[f"/{number}"]])
            elif f"/{number}" in stored:
                _hide(corpus, stored[f"/{number}"], hide=change == "hide")
        with corpus.view() as view:
            expected = rows_of(corpus.store.path)
            assert held(view.outline) == expected
            paragraphs = sorted({row[1] for row in expected})[::2]
            inside = [row[0] for row in expected if row[1] in paragraphs]
            assert view.outline.of_paragraphs(np.array(paragraphs, np.int64)).tolist() == inside
            some_ids = np.array([*(row[0] for row in expected[::2]), 10_000], np.int64)
            assert held(view.outline.of(some_ids)) == expected[::2]
    corpus.close()


def _hide(corpus, article_id, *, hide):
    """Hides every second sentence of an article, or shows all, as a copy or furniture does."""
    ids = corpus.store.ids_of("sentence", article_id)
    with corpus.store._database.transaction("IMMEDIATE") as connection:
        connection.executemany("DELETE FROM hidden_sentence WHERE id = ?", [(one,) for one in ids])
        if hide:
            connection.executemany("INSERT INTO hidden_sentence VALUES (?)", [(one,) for one in ids[::2]])
        generation = corpus.store._raised_generation(connection)
        connection.execute("UPDATE article SET generation = ? WHERE id = ?", (generation, article_id))


def piece(ids, article_id):
    ids = np.array(ids, np.int64)
    same = np.full(len(ids), article_id)
    return SentenceVectors(ids, same, same, np.zeros((len(ids), 4), np.float16), np.zeros(len(ids), np.bool_))


def test_what_was_taken_before_a_change_stays_as_it_was():
    """Whoever reads an outline while it grows, shrinks and grows again reads the one that was there."""
    growing = GrowingOutline()
    taken = []
    for ids, number in (([1, 2], 1), ([5, 6], 3), ([3, 4], 2), ([7], 4)):
        growing.add(piece(ids, number))
        taken.append((growing.now, held(growing.now)))
    growing.remove(np.array([6, 7, 99]))
    taken.append((growing.now, held(growing.now)))
    growing.add(piece([8, 9, 10], 5))
    assert growing.now.ids.tolist() == [1, 2, 3, 4, 5, 8, 9, 10]
    assert growing.now.articles.tolist() == [1, 1, 2, 2, 3, 5, 5, 5]
    for outline, before in taken:
        assert held(outline) == before
