"""The store on real SQLite files: versions, transactions, generations, migrations, damage and forgetting."""

import json
import shutil
import sqlite3
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from conftest import stored_vectors

from index.article import Article, Paragraph, Sentence
from index.corpus import Corpus
from index.database import Database
from index.encoder import Stamp
from index.errors import UserError
from index.indexer import Indexer
from index.ledger import Upload
from index.schema import MIGRATIONS
from index.store import Store
from index.stored import Encoding, PreparedArticle, PreparedParagraph, PreparedSentence, SentenceDetail

STAMP = Stamp("model", "", "", 4, 1)
TEXT = "One fox. Two hens.\nThree geese."
ARTICLE = Article("/a.txt", "A title", TEXT, "https://example.org/a", None, date(2024, 2, 29))


def prepared(article: Article = ARTICLE, version: bytes = b"1") -> PreparedArticle:
    """`article` split at full stops, a paragraph a line, with the vector (position, 0, 0, 1)."""
    paragraphs, position = [], 0
    for line in article.text.split("\n"):
        sentences = []
        for part in line.split(". "):
            start = article.text.index(part, position)
            position = start + len(part)
            vector = np.array([start % 1_000, 0, 0, 1], np.float16)
            words = part.lower().strip(".").split()
            sentences.append(PreparedSentence(Sentence(start, position), False, part.encode(), Encoding(vector), words))
        span = Paragraph(sentences[0].span.start, sentences[-1].span.end)
        paragraphs.append(PreparedParagraph(span, [word for one in sentences for word in one.terms], sentences))
    return PreparedArticle(article, b"in" + version, b"out" + version, paragraphs)


def put(store: Store, one: PreparedArticle, stamp: Stamp = STAMP, **options) -> int:
    """Puts an article in the place of whatever its source has; returns its id."""
    source = one.article.source
    assert store.put(one, stamp, replaces=store.versions(source).get(source), **options)
    return store.versions(source)[source].article_id


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "corpus.db")
    yield store
    store.close()


def test_an_article_comes_back_as_it_was_put(store):
    """Every field and the whole text survive, and the row for lists counts its sentences."""
    article_id = put(store, prepared(), STAMP)
    assert store.load(article_id) == ARTICLE
    row = store.article(article_id)
    assert (row.source, row.title, row.url, row.sentences) == ("/a.txt", "A title", "https://example.org/a", 3)
    assert row.published == date(2024, 2, 29)
    assert store.articles() == [row]
    statistics = store.statistics()
    assert (statistics.articles, statistics.sentences, statistics.paragraphs) == (1, 3, 2)
    assert (statistics.sentence_terms, statistics.paragraph_terms) == (6, 6)


def test_replacing_keeps_the_article_id_and_never_reuses_a_sentence_id(store):
    """A new version has its article's id and sentence ids that were never given before."""
    first = put(store, prepared(), STAMP)
    before = set(stored_vectors(store).ids.tolist())
    changed = replace(ARTICLE, text="Four cows.")
    assert put(store, prepared(changed, b"2"), STAMP) == first
    after = set(stored_vectors(store).ids.tolist())
    assert after and not after & before
    store.remove([first])
    put(store, prepared(), STAMP)
    assert min(stored_vectors(store).ids) > max(after)


def test_a_removed_article_leaves_no_row_and_no_term(store):
    """Nothing of a removed article is found, listed or counted."""
    article_id = put(store, prepared(), STAMP)
    assert [one.source for one in store.remove([article_id, 999])] == ["/a.txt"]
    assert store.articles() == [] and store.load(article_id) is None
    assert store.search_text("sentence", ["fox"], 5) == []
    assert store.search_text("paragraph", ["fox"], 5) == []
    assert store.document_frequencies("sentence", ["fox"]) == {"fox": 0}
    assert len(stored_vectors(store).ids) == 0 and store.token_bytes() == 0
    assert store._rows("SELECT count(*) FROM sentence_detail") == [(0,)]
    assert store.problems() == []


def test_full_text_search_ranks_and_counts(store):
    """Units with more of the terms come first, and document frequencies are exact."""
    put(store, prepared(), STAMP)
    put(store, prepared(replace(ARTICLE, source="/b.txt", text="One fox. One hen. A goose and a fox.")), STAMP)
    found = store.sentences(store.search_text("sentence", ["one", "fox"], 10))
    best = [found[key].terms for key in store.search_text("sentence", ["one", "fox"], 10)]
    assert set(best[:2]) == {"one fox"}
    assert store.document_frequencies("sentence", ["one", "fox", "cow"]) == {"one": 3, "fox": 3, "cow": 0}
    assert store.search_text("sentence", [], 10) == []


def test_vectors_come_back_bit_for_bit_by_article_and_by_hash(store):
    """Stored float16 vectors are read as they were written, for one article, for all, or by encoded text."""
    first = put(store, prepared(), STAMP)
    second = put(store, prepared(replace(ARTICLE, source="/b.txt")), STAMP)
    everything = stored_vectors(store)
    assert everything.article_ids.tolist() == [first] * 3 + [second] * 3
    assert everything.vectors.dtype == np.float16
    assert everything.vectors[:, 0].tolist() == [0, 9, 19] * 2
    assert stored_vectors(store, [second]).ids.tolist() == everything.ids[3:].tolist()
    known = store.known_encodings([b"One fox", b"absent"])
    assert list(known) == [b"One fox"] and known[b"One fox"].vector.tolist() == [0, 0, 0, 1]


def test_neighbours_stay_within_the_article(store):
    """The first sentence has none before it and the last none after it."""
    put(store, prepared(), STAMP)
    put(store, prepared(replace(ARTICLE, source="/b.txt")), STAMP)
    first, middle, last = [store.sentences([key])[key] for key in stored_vectors(store).ids.tolist()[:3]]
    assert store.neighbours(first) == (None, Sentence(9, 18))
    assert store.neighbours(middle) == (Sentence(0, 7), Sentence(19, 31))
    assert store.neighbours(last) == (Sentence(9, 18), None)


def test_every_change_raises_the_generation(store):
    """Adding, replacing and removing raise it; reading and touching do not."""
    generations = [store.generation()]
    article_id = put(store, prepared(), STAMP)
    generations.append(store.generation())
    store.touch("/a.txt", b"other", b"out1")
    assert store.generation() == generations[-1]
    put(store, prepared(version=b"2"), STAMP)
    generations.append(store.generation())
    assert store.written_since(generations[-1] - 1) == [article_id]
    assert store.written_since(generations[-1]) == []
    store.remove([article_id])
    generations.append(store.generation())
    assert generations == sorted(set(generations))


def test_a_failed_put_leaves_the_corpus_as_it_was(store):
    """An article that cannot be stored whole is not stored at all, and the one it would replace stays."""
    article_id = put(store, prepared(), STAMP)
    generation = store.generation()
    broken = prepared(replace(ARTICLE, text="New text here."), b"2")
    broken.paragraphs[0].sentences.append("not a sentence")
    with pytest.raises(AttributeError):
        put(store, broken, STAMP)
    assert store.load(article_id) == ARTICLE
    assert store.generation() == generation


def test_what_changed_meanwhile_is_not_overwritten(store):
    """A run that read an older state neither brings a removed article back nor covers a newer version."""
    old = prepared()
    assert store.put(old, STAMP, replaces=None)
    known = store.versions()["/a.txt"]
    newer = prepared(replace(ARTICLE, text="Newer text."), b"2")
    assert store.put(newer, STAMP, replaces=known)
    generation = store.generation()
    assert not store.put(prepared(version=b"3"), STAMP, replaces=known, upload=Upload("/a.txt", "a.txt", b"raw"))
    assert not store.put(prepared(version=b"3"), STAMP, replaces=None)
    assert store.load(known.article_id).text == "Newer text."
    store.remove([known.article_id], forget=True)
    assert not store.put(old, STAMP, replaces=known, upload=Upload("/a.txt", "a.txt", b"raw"))
    assert store.articles() == [] and store.uploads() == []
    assert store.generation() == generation + 1


def test_every_connection_syncs_to_the_disk(store):
    """What was acknowledged survives a power cut: write-ahead log, full synchronisation, on every connection."""
    for kind in ("DEFERRED", "IMMEDIATE"):
        with store._database.transaction(kind) as connection:
            settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
            assert settings == [2, "wal"]
            assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
            assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_another_stamp_is_refused_with_the_remedy(store):
    """Vectors of another model never enter, and the message names the rebuild command."""
    put(store, prepared(), STAMP)
    with pytest.raises(UserError, match=r"model 'model', now 'other'.*index --rebuild"):
        put(store, prepared(replace(ARTICLE, source="/b.txt")), replace(STAMP, model="other"))
    assert len(store.articles()) == 1
    assert store.stamp() == STAMP


def test_replacing_all_serves_the_old_state_until_it_ends(store, tmp_path):
    """A reader beside a rebuild sees the old stamp and vectors until the rebuild is committed."""
    put(store, prepared(), STAMP)
    other = Store(tmp_path / "corpus.db", create=False)
    new = replace(STAMP, model="new")

    def articles():
        yield prepared(version=b"2")
        assert other.stamp() == STAMP and stored_vectors(other).vectors.tolist() == old

    old = stored_vectors(other).vectors.tolist()
    store.replace_all(articles(), new)
    assert other.stamp() == new
    other.close()


def test_a_table_that_is_missing_is_damage(store, tmp_path):
    """A file of ours that lacks a table is reported as damaged, not as a defect of the program."""
    put(store, prepared())
    store._rows("DROP TABLE meta")
    with pytest.raises(UserError, match=r"is damaged.*backup"):
        store.generation()


def test_a_snapshot_sees_one_state(store, tmp_path):
    """What another connection commits meanwhile is not seen inside a snapshot, and is seen after it."""
    put(store, prepared(), STAMP)
    other = Store(tmp_path / "corpus.db", create=False)
    with store.snapshot():
        assert len(store.articles()) == 1
        other.put(prepared(replace(ARTICLE, source="/b.txt")), STAMP)
        assert len(store.articles()) == 1
    assert len(store.articles()) == 2
    other.close()


def test_threads_write_side_by_side(store):
    """Writers in several threads wait for each other, and nothing is lost."""

    def write(name: str) -> None:
        for number in range(10):
            put(store, prepared(replace(ARTICLE, source=f"/{name}{number}")), STAMP)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.articles()) == 40
    assert store.problems() == []


def test_an_upload_is_kept_and_goes_with_its_article(store):
    """The bytes that came without a file are read back as they came, until their article is removed."""
    article_id = put(store, prepared(), STAMP, upload=Upload("/a.txt", "a.txt", b"\x00raw"))
    assert store.uploads() == [("/a.txt", "a.txt")]
    assert store.upload("/a.txt") == b"\x00raw"
    store.remove([article_id])
    assert store.uploads() == [] and store.upload("/a.txt") == b""


def test_what_is_forgotten_is_gone_from_the_disk(store, tmp_path):
    """After `forget` no file of the corpus holds the article's words, nor their stems, nor its upload."""
    article = replace(ARTICLE, text="The password is xylophonequartz.", title="zanzibarite")
    article_id = put(store, prepared(article), STAMP, upload=Upload("/a.txt", "a.txt", b"xylophonequartz raw"))
    put(store, prepared(replace(ARTICLE, source="/b.txt")), STAMP)

    def on_disk() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("corpus.db*"))

    assert b"xylophonequartz" in on_disk()
    store.remove([article_id], forget=True)
    assert b"xylophonequartz" not in on_disk()
    assert b"zanzibarite" not in on_disk()
    assert store.search_text("sentence", ["fox"], 5) != []


def test_older_files_migrate_forward_and_keep_what_they_hold(tmp_path):
    """A file of the last schema gets the scripts it lacks, in one transaction, and its rows stay."""
    path = tmp_path / "corpus.db"
    store = Store(path)
    put(store, prepared(), STAMP)
    store.close()
    broken = (*MIGRATIONS, "CREATE TABLE extra (x); INSERT INTO extra VALUES (1, 2);")
    with pytest.raises(sqlite3.OperationalError):
        Database(path, create=False, migrations=broken)
    longer = (*MIGRATIONS, "CREATE TABLE extra (x); INSERT INTO extra VALUES (7);")
    migrated = Database(path, create=False, migrations=longer)
    assert migrated.rows("SELECT x FROM extra") == [(7,)]
    assert migrated.rows("SELECT title FROM article") == [("A title",)]
    migrated.close()
    with pytest.raises(UserError, match=r"newer version of Verbatim.*Update"):
        Store(path)


def damaged(path: Path) -> list[tuple[str, bytes]]:
    whole = path.read_bytes()
    middle = len(whole) // 2
    return [
        ("not SQLite", b"this is a text file, not a database\n" * 300),
        ("cut off", whole[: middle // 4096 * 4096 + 100]),
        ("overwritten header", b"\xff" * 100 + whole[100:]),
        ("overwritten pages", whole[:4096] + b"\xa5" * (len(whole) - 4096)),
    ]


def test_a_damaged_file_is_a_clear_error_and_stays_as_it_is(tmp_path):
    """Whatever happened to the file, the message names it and a remedy, and not one byte of it is changed."""
    path = tmp_path / "corpus.db"
    store = Store(path)
    put(store, prepared(), STAMP)
    store.remove([], forget=True)  # everything into the one file
    store.close()
    for label, content in damaged(path):
        copy = tmp_path / label / "corpus.db"
        copy.parent.mkdir()
        copy.write_bytes(content)
        with pytest.raises(UserError, match=r"corpus\.db is (damaged|not a Verbatim database).*(backup|Move it away)"):
            opened = Store(copy, create=False)
            try:
                opened.put(prepared(replace(ARTICLE, source="/b.txt")), STAMP)
            finally:
                opened.close()
        assert copy.read_bytes() == content, label


def test_another_programs_database_is_refused_and_untouched(tmp_path):
    """A SQLite file that is not ours is neither read nor written."""
    path = tmp_path / "corpus.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"another program's database.*--data"):
        Store(path)
    assert path.read_bytes() == before


def test_a_full_disk_is_a_clear_error_and_costs_nothing(store):
    """When the file cannot grow, the message says so, and what was stored before is whole."""
    put(store, prepared(), STAMP)
    pages = store._rows("PRAGMA page_count")[0][0]
    store._rows(f"PRAGMA max_page_count = {pages + 2}")
    big = replace(ARTICLE, source="/big.txt", text=". ".join(f"word{n}" * 20 for n in range(500)))
    with pytest.raises(UserError, match=r"disk is full.*before is safe"):
        put(store, prepared(big), STAMP)
    assert [one.source for one in store.articles()] == ["/a.txt"]
    assert store.problems() == []
    store._rows("PRAGMA max_page_count = 1000000")
    put(store, prepared(big), STAMP)
    assert len(store.articles()) == 2


def test_a_locked_corpus_is_a_clear_error(store, tmp_path, monkeypatch):
    """A writer that waited in vain for another one says so."""
    monkeypatch.setattr("index.database._BUSY_TIMEOUT", 0.05)
    put(store, prepared(), STAMP)
    other = Store(tmp_path / "corpus.db", create=False)
    with store._writing(), pytest.raises(UserError, match="being written by another process"):
        other.touch("/a.txt", b"x", b"out1")
    other.touch("/a.txt", b"x", b"out1")
    other.close()


def test_a_place_that_cannot_be_used_is_a_clear_error(tmp_path):
    """A missing corpus, a folder in its place and a parent that is a file each say what to do."""
    with pytest.raises(UserError, match=r"no corpus at.*index PATH"):
        Store(tmp_path / "none.db", create=False)
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(UserError, match="cannot be opened"):
        Store(tmp_path / "folder.db")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be made"):
        Store(tmp_path / "file" / "corpus.db")


def test_a_deleted_or_replaced_file_is_noticed(store, tmp_path):
    """`is_current` tells when the opened file is no longer the one at its path."""
    put(store, prepared(), STAMP)
    assert store.is_current()
    shutil.copy(tmp_path / "corpus.db", tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(tmp_path / "corpus.db")
    assert not store.is_current()


def test_a_language_is_kept_with_its_article(store):
    """An article's language is listed, loaded and counted, replaced with the article, and gone with it."""
    first = put(store, prepared(replace(ARTICLE, language="de")))
    put(store, prepared(replace(ARTICLE, source="/b.txt", language="en")))
    assert [one.language for one in store.articles()] == ["de", "en"]
    assert store.load(first).language == "de" and store.languages() == {"de": 1, "en": 1}
    put(store, prepared(replace(ARTICLE, language="en"), b"2"))
    assert store.languages() == {"en": 2}
    put(store, prepared(ARTICLE, b"3"))
    assert store.article(first).language is None and store.languages() == {"en": 1}
    store.remove([one.id for one in store.articles()])
    assert store.languages() == {}


def test_articles_of_the_first_schema_have_no_language(tmp_path):
    """What was indexed before languages were told apart is listed and loaded without one."""
    path = tmp_path / "old.db"
    old = Database(path, create=True, migrations=MIGRATIONS[:1])
    columns = "source, input_hash, article_hash, title, states_title, indexed_at, generation, sentences, paragraphs, "
    columns += "sentence_terms, paragraph_terms, text"
    values = "'/a', x'00', x'00', 'A', 1, '2024-02-29T00:00:00+00:00', 1, 0, 0, 0, 0, 'Text.'"
    with old.transaction("IMMEDIATE") as connection:
        connection.execute(f"INSERT INTO article ({columns}) VALUES ({values})")
    old.close()
    store = Store(path)
    assert [(one.title, one.language) for one in store.articles()] == [("A", None)]
    assert store.load(1).language is None and store.languages() == {}
    store.close()


def test_uploads_of_an_older_version_are_remembered_as_sources(tmp_path):
    """What was uploaded before sources were remembered is one of them, and goes with its article as ever."""
    path = tmp_path / "old.db"
    old = Database(path, create=True, migrations=MIGRATIONS[:3])
    with old.transaction("IMMEDIATE") as connection:
        connection.execute("INSERT INTO upload VALUES ('/a.txt', 'a.txt', x'00')")
    old.close()
    store = Store(path)
    (source,) = store.ledger.sources()
    assert (source.kind, source.address, source.title, source.state) == ("upload", "/a.txt", "a.txt", "active")
    assert not store.ledger.due(1e12)
    article_id = put(store, prepared())
    assert [one.id for one in store.ledger.origins("/a.txt")] == [source.id]
    store.remove([article_id])
    assert store.uploads() == [] and store.ledger.sources() == []
    store.close()


def test_a_closer_look_reads_what_was_put(store):
    """Names, the title's tokens and all tokens of a sentence come back as they were, and go with the sentence."""
    one = prepared()
    first, *others = one.paragraphs[0].sentences
    encoding = Encoding(first.encoding.vector, 1, b"\x01\x02\x03")
    one.paragraphs[0].sentences[:] = [replace(first, names=("fox", "hen"), encoding=encoding), *others]
    put(store, one)
    ids = stored_vectors(store).ids.tolist()
    details = store.details([*ids, 999])
    assert list(details) == ids and store.token_bytes() == 3
    assert details[ids[0]] == SentenceDetail("fox hen", 1, b"\x01\x02\x03")
    assert details[ids[1]] == SentenceDetail("", 0, b"")
    (known,) = store.known_encodings([first.encoded_hash]).values()
    assert (known.title_tokens, known.tokens) == (1, b"\x01\x02\x03")
    put(store, prepared(version=b"2"))
    assert store.details(ids) == {} and len(store.details(stored_vectors(store).ids.tolist())) == len(ids)


@pytest.mark.parametrize("scripts", range(1, len(MIGRATIONS)))
def test_a_corpus_of_an_older_version_is_rebuilt_whole(tmp_path, encoder, scripts):
    """A file of any older schema gets the tables it lacks, says that it has to be rebuilt, and then is as good as
    new."""
    article = Article("/bridge", "The bridge", "The bridge opened in 1932. Its towers are green.")
    new, path = tmp_path / "new.db", tmp_path / "old.db"
    for file in (new, path):
        made = Store(file)
        Indexer(made, encoder).add_articles([article])
        made.close()
    # The same rows in the tables of that schema, under the stamp of the version that made them.
    old = tmp_path / "older.db"
    database = Database(old, create=True, migrations=MIGRATIONS[:scripts])
    source = sqlite3.connect(path)
    with database.transaction("IMMEDIATE") as connection:
        for table in ("article", "paragraph", "sentence", "article_language", "paragraph_text", "sentence_text"):
            if table == "article_language" and scripts == 1:
                continue
            columns = "rowid, terms" if table.endswith("_text") else "*"
            for row in source.execute(f"SELECT {columns} FROM {table}").fetchall():
                into = f"{table} ({columns})" if columns != "*" else table
                connection.execute(f"INSERT INTO {into} VALUES ({', '.join('?' * len(row))})", row)
        stamp = json.loads(source.execute("SELECT value FROM meta WHERE key = 'stamp'").fetchone()[0])
        del stamp["tokens"]
        stamp["pipeline"] = 1
        connection.execute("INSERT INTO meta VALUES ('stamp', ?)", (json.dumps(stamp),))
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'generation'")
    source.close()
    database.close()
    corpus = Corpus(old, encoder, create=False)
    assert [one.title for one in corpus.store.articles()] == ["The bridge"]
    ids = stored_vectors(corpus.store).ids.tolist()
    assert len(ids) == 2 and corpus.store.details(ids) == {} and corpus.store.token_bytes() == 0
    with pytest.raises(UserError, match=r"older\.db was made with .*pipeline 1, now .*index --rebuild"), corpus.view():
        pass
    with pytest.raises(UserError, match=r"pipeline 1, now .*index --rebuild"):
        Indexer(corpus.store, encoder).add_articles([replace(article, source="/other")])
    assert Indexer(corpus.store, encoder).rebuild() == 1
    with corpus.view() as view:
        assert view.languages == {"en": 1}
    fresh = Store(new)
    assert list(corpus.store.details(stored_vectors(corpus.store).ids.tolist()).values()) == list(
        fresh.details(stored_vectors(fresh).ids.tolist()).values()
    )
    assert corpus.store.stamp() == fresh.stamp() and corpus.store.problems() == []
    fresh.close()
    corpus.close()
