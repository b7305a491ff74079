"""kill -9 at a hundred random moments of indexing: the corpus opens, and every article in it is whole."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
from conftest import HashEncoder, stored_vectors

from index.corpus import Corpus
from index.indexer import Indexer
from index.paragraphs import paragraphs
from index.sentences import split
from index.store import Store

ROUNDS = 100
ARTICLES = 30


def write_articles(folder: Path, version: int) -> None:
    """Thirty articles whose every text differs from version to version, some of them growing, some shrinking."""
    for number in range(ARTICLES):
        count = 3 + (number * 7 + version * 5) % 20
        sentences = [f"Sentence {k} of article {number} in version {version} tells of owls." for k in range(count)]
        text = "\n".join(" ".join(sentences[k : k + 4]) for k in range(0, count, 4))
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def index(folder: Path, database: Path, acknowledged: Path) -> None:
    """What the killed process runs: it notes each article after its commit, in a way that survives the kill."""
    log = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    store = Store(database)
    os.write(log, b"start\n")
    Indexer(store, HashEncoder()).sync([str(folder)], progress=lambda step: os.write(log, step.source.encode() + b"\n"))


def assert_whole(store: Store) -> dict[str, str]:
    """Every article in the store has all its parts, and nothing is there besides. Source → text."""
    assert store.problems() == []
    found = {}
    for row in store.articles():
        article = store.load(row.id)
        stored = store.sentences(stored_vectors(store, [row.id]).ids.tolist())
        expected = split(article.text)
        assert [(one.start, one.end) for one in stored.values()] == expected
        assert all(one.vector.shape == (HashEncoder().dimension,) and one.terms for one in stored.values())
        assert row.sentences == len(expected)
        found[row.source] = article.text
    statistics = store.statistics()
    assert statistics.sentences == store._rows("SELECT count(*) FROM sentence")[0][0]
    assert statistics.paragraphs == store._rows("SELECT count(*) FROM paragraph")[0][0]
    assert statistics.sentences == store._rows("SELECT count(*) FROM sentence_text")[0][0]
    assert statistics.paragraphs == store._rows("SELECT count(*) FROM paragraph_text")[0][0]
    assert statistics.paragraphs == sum(len(paragraphs(text, split(text))) for text in found.values())
    for table in ("sentence_text", "paragraph_text"):
        store._rows(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_nine_at_random_moments_of_indexing(tmp_path):
    """After each of 100 kills every acknowledged article is there whole, and none is there in part."""
    chance = random.Random(20260101)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["index.indexer", "conftest"])
    folder, database = tmp_path / "articles", tmp_path / "corpus.db"
    folder.mkdir()
    texts: dict[str, set[str]] = {}
    killed_midway = 0
    longest = 0.5  # seconds; follows the length of a whole run
    for version in range(ROUNDS):
        write_articles(folder, version)
        for file in folder.iterdir():
            texts.setdefault(file.as_posix(), set()).add(file.read_text())
        acknowledged = tmp_path / f"acknowledged-{version}"
        acknowledged.touch()
        process = context.Process(target=index, args=(folder, database, acknowledged))
        process.start()
        while not acknowledged.read_bytes() and process.is_alive():
            time.sleep(0.001)
        started = time.perf_counter()
        process.join(chance.uniform(0, longest))
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed_midway += 1
        else:
            longest = max(0.02, time.perf_counter() - started)
        done = [line for line in acknowledged.read_text().splitlines()[1:] if line]
        store = Store(database, create=False)
        found = assert_whole(store)
        for source in done:
            assert found[source] == Path(source).read_text(), f"acknowledged, but not there: {source}"
        assert all(text in texts[source] for source, text in found.items())
        store.close()
    assert killed_midway > ROUNDS // 2, "the kills came too late to show anything"
    store = Store(database)
    Indexer(store, HashEncoder()).sync([str(folder)])
    assert assert_whole(store) == {file.as_posix(): file.read_text() for file in folder.iterdir()}
    store.close()
    corpus = Corpus(database, HashEncoder(), create=False)
    with corpus.view() as view:
        assert len(view.vectors["sentence"]) == view.store.statistics().sentences
    corpus.close()
