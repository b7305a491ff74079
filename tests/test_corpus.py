"""Corpora and the library: vectors follow the store, whoever changes it, and servers stay apart."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from conftest import ARTICLES, HashEncoder, stored_vectors

from index.article import Article
from index.corpus import Corpus, Library
from index.errors import UserError
from index.indexer import Indexer
from index.loading import sentence_vectors
from retrieval.retriever import Retriever

BRIDGE = Article("/bridge", "The bridge", "The bridge opened in 1932. Its towers are green.")
OWLS = Article("/owls", "The owls", "Barn owls nest in the mill. They raised four chicks.")


def assert_in_step(corpus: Corpus) -> None:
    """The vector indexes hold exactly what the store holds, and what a fresh start would build."""
    with corpus.view() as view:
        stored = stored_vectors(view.store)
        assert len(view.vectors["sentence"]) == len(stored.ids)
        np.testing.assert_array_equal(view.vectors["sentence"].get(stored.ids), stored.vectors.astype(np.float32))
        paragraphs = np.unique(stored.paragraph_ids)
        assert len(view.vectors["paragraph"]) == len(paragraphs)
        fresh = Corpus(corpus.store.path, HashEncoder(), create=False)
        with fresh.view() as rebuilt:
            expected = rebuilt.vectors["paragraph"].get(paragraphs)
        fresh.close()
        np.testing.assert_array_equal(view.vectors["paragraph"].get(paragraphs), expected)


def test_vectors_follow_every_change(corpus, encoder):
    """After adding, changing and removing articles the vectors equal those of a fresh start."""
    indexer = Indexer(corpus.store, encoder)
    indexer.add_articles([BRIDGE])
    assert_in_step(corpus)
    indexer.add_articles([OWLS, Article("/bridge", "The bridge", "The bridge fell. It is gone. Nobody was hurt.")])
    assert_in_step(corpus)
    corpus.store.remove([corpus.store.articles()[0].id])
    assert_in_step(corpus)


@pytest.mark.parametrize("at_once", [1, 2, 3, 1000])
def test_vectors_read_in_pieces_are_the_same(corpus, encoder, monkeypatch, at_once):
    """Wherever a piece ends, whole articles come with it, so that a paragraph's mean is that of all its sentences."""
    Indexer(corpus.store, encoder).add_articles([BRIDGE, OWLS, Article("/tide", "The tide", "It rose. It fell. So.")])
    whole = stored_vectors(corpus.store)
    monkeypatch.setattr("index.loading._AT_ONCE", at_once)
    with corpus.store.snapshot() as connection:
        for wanted in (None, [3, 1]):
            pieces = list(sentence_vectors(connection, wanted, encoder.dimension))
            chosen = np.isin(whole.article_ids, wanted or [1, 2, 3])
            for name in ("ids", "article_ids", "paragraph_ids", "vectors"):
                found = np.concatenate([getattr(piece, name) for piece in pieces])
                np.testing.assert_array_equal(found, getattr(whole, name)[chosen])
            held = [key for piece in pieces for key in np.unique(piece.article_ids)]
            assert len(held) == len(set(held))
    assert_in_step(corpus)


def test_an_empty_corpus_can_be_viewed(corpus, encoder):
    """A corpus without articles has no vectors yet, and one that lost its last article has none any more."""
    with corpus.view() as view:
        assert view.vectors == {}
    assert corpus.store.statistics().articles == 0
    Indexer(corpus.store, encoder).add_articles([BRIDGE])
    assert_in_step(corpus)
    corpus.store.remove([corpus.store.articles()[0].id])
    with corpus.view() as view:
        assert [len(index) for index in view.vectors.values()] == [0, 0]
    assert not Retriever([corpus], encoder).ask("When did the bridge open?").answered


def test_another_process_changes_the_corpus(library, corpus, encoder, tmp_path):
    """A question sees at once what another process indexed and removed, without a restart."""
    Indexer(corpus.store, encoder).add_articles([BRIDGE])
    retriever = Retriever(library.askable(None), encoder)
    assert not retriever.ask("Where do barn owls nest in the mill?").answered
    (tmp_path / "owls.md").write_text(ARTICLES["owls.md"])
    script = (
        "import sys; sys.path[:0] = ['.', 'tests']\n"
        "from pathlib import Path; from conftest import HashEncoder; from index.store import Store\n"
        "from index.indexer import Indexer\n"
        f"store = Store(Path({str(corpus.store.path)!r}))\n"
        f"print(Indexer(store, HashEncoder()).sync([{str(tmp_path / 'owls.md')!r}]).added)\n"
        "store.remove([1])\n"
    )
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True, timeout=60)
    answer = retriever.ask("Where do barn owls nest in the mill?")
    assert answer.hits[0].citation.text == "A pair of barn owls nests in the mill."
    assert not retriever.ask("When did the bridge open?").answered
    assert_in_step(corpus)


def test_questions_beside_an_index_run(library, corpus, encoder):
    """Questions asked while articles come, change and go are answered from whole states, and none fails."""
    Indexer(corpus.store, encoder).add_articles([BRIDGE])
    retriever = Retriever(library.askable(None), encoder)
    stop, faults, asked = threading.Event(), [], []

    def ask() -> None:
        while not stop.is_set():
            try:
                answer = retriever.ask("When did the bridge open?")
                assert answer.hits[0].citation.text == "The bridge opened in 1932."
                asked.append(1)
            except Exception as fault:
                faults.append(fault)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(15):
        text = f"Barn owls nest in the mill. They raised {number} chicks."
        Indexer(corpus.store, encoder).add_articles([Article("/owls", "The owls", text)])
        if number % 3 == 2:
            corpus.store.remove([a.id for a in corpus.store.articles() if a.source == "/owls"])
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults and asked
    assert_in_step(corpus)


def test_another_model_is_refused_and_a_rebuild_mends_it(library, corpus, encoder):
    """A corpus made with another model is never asked; rebuilding it with the new one makes it answer."""
    Indexer(corpus.store, encoder).add_articles([BRIDGE])
    other = HashEncoder(512, model="another")
    changed = Library(library.folder, other)
    with pytest.raises(UserError, match="index --rebuild"):
        Retriever(changed.askable(None), other).ask("When did the bridge open?")
    with pytest.raises(UserError, match="index --rebuild"):
        Indexer(changed.corpus(None).store, other).add_articles([OWLS])
    with pytest.raises(UserError, match="index --rebuild"):
        Indexer(changed.corpus(None).store, other).add_articles([BRIDGE])
    assert Indexer(changed.corpus(None).store, other).rebuild() == 1
    assert Retriever(changed.askable(None), other).ask("When did the bridge open?").answered
    with pytest.raises(UserError, match="index --rebuild"):
        Retriever(library.askable(None), encoder).ask("When did the bridge open?")
    changed.close()


def test_each_server_has_a_file_of_its_own(library, encoder):
    """A server's articles are in its own database file and in no other."""
    for server, article in ((1, BRIDGE), (2, OWLS)):
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([article])
    assert library.servers() == [1, 2]
    library.close()
    assert b"1932" in library.path(1).read_bytes() and b"1932" not in library.path(2).read_bytes()
    assert b"chicks" in library.path(2).read_bytes() and b"chicks" not in library.path(1).read_bytes()


def test_what_a_server_may_ask(tmp_path, encoder):
    """A server asks its own corpus and, where allowed, the operator's; never another server's."""
    for shared, expected in ((None, {1: 2, 2: 2}), (frozenset({1}), {1: 2, 2: 1}), (frozenset(), {1: 1, 2: 1})):
        library = Library(tmp_path / str(shared), encoder, shared_with=shared)
        for owner in (None, 1, 2):
            library.corpus(owner, create=True)
        assert {server: len(library.askable(server)) for server in (1, 2)} == expected
        for server in (1, 2):
            paths = {corpus.store.path for corpus in library.askable(server)}
            assert library.path(server) in paths and library.path(3 - server) not in paths
        assert [corpus.store.path for corpus in library.askable(None)] == [library.path(None)]
        library.close()


def test_asking_makes_no_files(tmp_path, encoder):
    """A server without a corpus has none after a question, either."""
    library = Library(tmp_path / "data", encoder)
    assert library.askable(7) == []
    assert not (tmp_path / "data").exists()


def test_both_corpora_are_ranked_together(library, encoder):
    """The best sentence comes first whichever corpus it stands in, with comparable scores."""
    Indexer(library.corpus(None, create=True).store, encoder).add_articles([OWLS])
    Indexer(library.corpus(5, create=True).store, encoder).add_articles([BRIDGE])
    retriever = Retriever(library.askable(5), encoder)
    assert retriever.ask("When did the bridge open?").hits[0].citation.article.source == "/bridge"
    assert retriever.ask("Where do barn owls nest?").hits[0].citation.article.source == "/owls"


def test_a_deleted_corpus_is_served_no_longer(library, encoder):
    """After its file is deleted, by this process or another, nothing of a corpus is answered or opened again."""
    for server in (1, 2):
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([BRIDGE])
        assert Retriever(library.askable(server), encoder).ask("When did the bridge open?").answered
    assert library.delete(1) and not library.delete(1)
    for path in library.folder.glob("servers/2.db*"):
        path.unlink()
    for server in (1, 2):
        assert library.askable(server) == []
        assert not list(library.folder.glob(f"servers/{server}.db*"))
    fresh = library.corpus(2, create=True)
    assert fresh.store.statistics().articles == 0


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_many_servers_keep_few_files_open(tmp_path, encoder):
    """However many servers ask, from however many threads, only the corpora used last stay open."""
    library = Library(tmp_path / "data", encoder, most_open=3)
    for server in range(1, 31):
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([BRIDGE])

    def ask(server: int) -> None:
        assert Retriever(library.askable(server), encoder).ask("When did the bridge open?").answered

    before = open_files()
    for server in range(1, 31):
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert open_files() <= before + 12
    library.close()


def test_a_corpus_that_is_closed_for_others_answers_on(tmp_path, encoder):
    """A question that holds a corpus is not disturbed when others push it out of the open ones."""
    library = Library(tmp_path / "data", encoder, most_open=1)
    for server in (1, 2, 3):
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([BRIDGE])
    held = library.askable(1)
    with held[0].view() as view:
        library.corpus(2), library.corpus(3)
        assert len(view.store.articles()) == 1
    assert Retriever(held, encoder).ask("When did the bridge open?").answered
    library.close()
