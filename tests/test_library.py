"""The library within its bounds: how much memory open corpora take, which of them close, and what closing leaves alone.

Corpora that are opened, shared, deleted and kept few by number are in `test_corpus`.
"""

import gc
import os
import shutil
import threading
from pathlib import Path

import pytest
from conftest import HashEncoder

from index.article import Article
from index.corpus import Library
from index.indexer import Indexer
from index.memory import give_back
from index.store import Store
from retrieval.retriever import Retriever

_MIB = 1024 * 1024


def lantern(server: int) -> str:
    return f"The lantern of harbour {server} was lit on day {server * 7} of the year."


def filled(folder: Path, encoder, servers, *, sentences: int = 0, **bounds) -> Library:
    """A library in which each of these servers has a sentence of its own, and so many others besides."""
    library = Library(folder / "data", encoder, **bounds)
    for server in servers:
        texts = [f"Parcel {n} of {server} weighs {n * 3} pounds." for n in range(sentences)]
        text = " ".join([lantern(server), *texts]) if server else "Shared words."
        Indexer(library.corpus(server, create=True).store, encoder).add_articles([Article(f"/{server}", "L", text)])
    library.close()
    return library


def found(library: Library, server: int) -> str:
    """What the server's own corpus says of its lantern."""
    corpora = library.askable(server)
    asked = Retriever(corpora, library.encoder).ask(f"When was the lantern of harbour {server} lit?")
    return asked.hits[0].citation.text if asked.hits else ""


def test_the_corpora_asked_longest_ago_close_first(tmp_path, encoder):
    """Beyond the bound the corpora that were asked longest ago are closed, and answer as before when asked again."""
    library = filled(tmp_path, encoder, range(1, 6), sentences=50)
    found(library, 1)
    one = library.nbytes
    library.close()
    library = Library(tmp_path / "data", encoder, most_bytes=int(3.5 * one))
    for server in (1, 2, 3, 1, 4, 5):
        assert found(library, server) == lantern(server)
    library.close_idle()
    assert library.opened() == [1, 4, 5]
    assert library.nbytes <= 3.5 * one
    for server in (2, 3, 1):
        assert found(library, server) == lantern(server)
    library.close()


def test_a_corpus_larger_than_the_bound_is_asked_all_the_same(tmp_path, encoder):
    """A corpus that alone takes more than the bound stays open while it was asked last, beside the operator's."""
    library = filled(tmp_path, encoder, (None, 1, 2), sentences=20, most_bytes=1)
    for server in (1, 2, 1):
        assert found(library, server) == lantern(server)
        assert library.opened() == [server, None]
        library.close_idle()
        assert library.opened() == [server, None]
    library.close()


def test_an_operator_with_more_than_the_bound_is_told(tmp_path, encoder, caplog):
    """Where the operator's articles alone take all the memory there is for corpora, the log says so, once."""
    library = filled(tmp_path, encoder, (None, 1), most_bytes=1)
    for _ in range(2):
        found(library, 1)
        library.close_idle()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "limits.corpora_mb" in caplog.text
    library.close()


def test_idle_corpora_close(tmp_path, encoder):
    """A corpus closes so many seconds after it was asked last, the operator's too; asked again it answers as before."""
    library = filled(tmp_path, encoder, (None, 1, 2), idle=600.0)
    found(library, 1), found(library, 2)
    asked = max(one.asked for one in library._open.values())
    assert library.close_idle(asked + 599) == 0
    assert sorted(library.opened(), key=str) == [1, 2, None]
    found(library, 2)
    asked = library._open[2].asked
    library._open[1].asked = asked - 10
    assert library.close_idle(asked + 595) == 1
    assert library.opened() == [2, None]
    assert library.close_idle(asked + 700) == 2
    assert library.opened() == [] and library.nbytes == 0
    assert found(library, 1) == lantern(1)
    library.close()


def test_nothing_closes_without_bounds(tmp_path, encoder):
    """Without bounds nothing closes, however long ago it was asked."""
    library = filled(tmp_path, encoder, (None, 1, 2, 3))
    for server in (1, 2, 3):
        found(library, server)
    assert library.close_idle(float("inf")) == 0
    assert len(library.opened()) == 4
    library.close()


def test_a_look_in_passing(tmp_path, encoder):
    """A look that nobody asked for opens nothing for good, keeps nothing open, and sees what is there."""
    library = filled(tmp_path, encoder, (1, 2, 3), most_open=2)
    assert library.corpus(3, passing=True).store.statistics().articles == 1
    assert library.corpus(4, passing=True) is None
    assert library.opened() == []
    found(library, 1), found(library, 2)
    assert library.corpus(1, passing=True) is library.corpus(1, passing=True)
    assert not library.is_behind(1) and not library.is_behind(3)
    assert library.opened() == [1, 2]
    found(library, 3)
    assert library.opened() == [2, 3]
    library.delete(2)
    assert library.corpus(2, passing=True) is None
    assert library.opened() == [3]
    library.close()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_a_question_under_way_is_not_cut_off(tmp_path, encoder):
    """What closes while a question reads it answers that question to its end, and then lets go of its files."""
    library = filled(tmp_path, encoder, (1, 2), idle=1.0, most_bytes=1)
    before = open_files()
    held = library.askable(1)
    with held[0].view() as view:
        library.close_idle(float("inf"))
        found(library, 2)
        assert library.opened() == [2]
        assert len(view.store.articles()) == 1
        assert found(library, 1) == lantern(1)  # which opens it a second time
    assert Retriever(held, encoder).ask("When was the lantern of harbour 1 lit?").answered
    library.close_idle(float("inf"))
    del held, view
    gc.collect()
    assert open_files() == before
    library.close()


def test_questions_and_closing_at_once(tmp_path, encoder):
    """However often corpora are closed beside them, questions of many servers from many threads are answered from
    their own server's articles, and what changes meanwhile is seen."""
    library = filled(tmp_path, encoder, range(1, 9), idle=0.0, most_bytes=1)
    stop, wrong = threading.Event(), []

    def close() -> None:
        while not stop.is_set():
            library.close_idle()

    def ask(first: int) -> None:
        try:
            for turn in range(24):
                server = (first + turn) % 8 + 1
                if found(library, server) != lantern(server):
                    wrong.append(server)
        except Exception as error:
            wrong.append(error)

    closing = threading.Thread(target=close)
    closing.start()
    threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    news = Article("/new", "N", "The beacon of harbour 3 was painted red.")
    Indexer(library.corpus(3).store, encoder).add_articles([news])
    for thread in threads:
        thread.join()
    stop.set()
    closing.join()
    assert not wrong
    retriever = Retriever(library.askable(3), encoder)
    assert "red" in retriever.ask("What colour was the beacon of harbour 3 painted?").hits[0].citation.text
    library.close()


def resident() -> int:
    gc.collect()
    give_back()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory by /proc")
@pytest.mark.slow
def test_memory_stays_near_the_bound(tmp_path):
    """However many servers ask one after the other, the process keeps about as much in memory as the bound allows; what
    the library reckons is about what the process grows by, and what is idle is given back.

    `python -m benchmarks.memory` shows the same for 200 servers."""
    encoder = HashEncoder(384)
    servers = range(1, 61)
    library = filled(tmp_path, encoder, [1], sentences=400)
    for server in servers[1:]:
        shutil.copy(library.path(1), library.path(server))
    for server in servers:
        article = Article(f"/{server}", "L", lantern(server))
        Indexer(Store(library.path(server)), encoder).add_articles([article])
    library = Library(tmp_path / "data", encoder, most_open=100)
    found(library, 1)
    library.close()
    before = resident()
    for server in servers:
        found(library, server)
    everything, reckoned = resident() - before, library.nbytes
    assert 0.7 * everything < reckoned < 1.5 * everything
    library.close()
    del library

    before, bound = resident(), reckoned // 4
    library = Library(tmp_path / "data", encoder, most_open=100, most_bytes=bound, idle=60.0)
    for server in [*servers, *servers[::2]]:
        assert found(library, server) == lantern(server)
    assert library.nbytes <= bound + 2 * _MIB
    assert resident() - before < 1.5 * bound
    library.close_idle(float("inf"))
    assert resident() - before < 0.5 * bound
    library.close()
