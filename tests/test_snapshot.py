"""The file beside a database that saves deriving everything anew at a start: it says what the database says, or counts
for nothing."""

import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

from index import loading, snapshot
from index.article import Article
from index.corpus import UNITS, Corpus, Library
from index.indexer import Indexer
from index.layout import files_of, new_snapshot_path, snapshot_path
from index.snapshot import Unfit, reading
from index.store import Store
from index.vectors import VectorIndex

ENCODER = HashEncoder(64)
HERE = Path(__file__).resolve().parent
QUERIES = ENCODER.encode_questions([f"Part {n} of {k}, once more" for n in range(2) for k in range(4)])
CHANGES = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["put", "put", "remove"])), max_size=6)


@pytest.fixture(autouse=True)
def everything_is_slow(monkeypatch):
    """Whatever is derived takes long enough to be kept."""
    monkeypatch.setattr("index.corpus._SLOW", 0.0)


@pytest.fixture
def database(tmp_path):
    """A corpus of five articles, of which a snapshot has been written."""
    path = tmp_path / "corpus.db"
    corpus = Corpus(path, ENCODER)
    change(corpus, [(number, "put") for number in range(5)])
    corpus.close()
    keep(path)
    return path


def article(number, version=0):
    lines = [f"Part {n} of {number}\nIt says {version}. Once more {n}." for n in range(1 + number % 3)]
    return Article(f"/{number}", f"Number {number}", "\n\n".join(lines))


def change(corpus, changes, version=0):
    for number, what in changes:
        stored = {one.source: one.id for one in corpus.store.articles()}
        if what == "put":
            Indexer(corpus.store, corpus.encoder).add_articles([article(number, version)])
        elif f"/{number}" in stored:
            corpus.store.remove([stored[f"/{number}"]])


def settled(corpus):
    """Asks, and waits for what is written because of it."""
    with corpus.view():
        pass
    if corpus._keeping is not None:
        corpus._keeping.join()
    return corpus


def keep(path):
    settled(Corpus(path, ENCODER, create=False)).close()
    assert snapshot_path(path).exists()


def state(corpus):
    """All that can be found, and how it is derived."""
    with corpus.view() as view:
        outline = view.outline
        columns = [column.tolist() for column in (outline.ids, outline.paragraphs, outline.articles, outline.places)]
        found = []
        for unit in UNITS if view.vectors else ():
            index, ids = view.vectors[unit], np.unique(outline.ids if unit == "sentence" else outline.paragraphs)
            assert len(index) == len(ids)
            matches = [index.search(query, 10) for query in QUERIES]
            found.append((index.get(ids).tolist(), [(one.ids.tolist(), one.scores.tolist()) for one in matches]))
        return columns, outline.headings.tolist(), found, view.statistics, corpus._ids, corpus._articles


def rebuilt(path):
    """The state of a copy of the corpus that has no snapshot."""
    copy = path.with_name("copy.db")
    for file in files_of(copy):
        file.unlink(missing_ok=True)
    store = Store(path, create=False)
    store._rows("VACUUM INTO ?", (str(copy),))
    store.close()
    return opened(copy)


def opened(path):
    """The state of the corpus as a start finds it."""
    corpus = Corpus(path, ENCODER, create=False)
    try:
        found = state(corpus)
        if corpus._keeping is not None:
            corpus._keeping.join()
        return found
    finally:
        corpus.close()


def other_process(path, *lines):
    script = "\n".join(
        [
            "import sys; sys.path[:0] = ['.', 'tests']",
            "from pathlib import Path; import index.corpus; index.corpus._SLOW = 0.0",
            "from conftest import HashEncoder; from index.store import Store",
            f"path = Path({str(path)!r})",
            *lines,
        ]
    )
    return subprocess.run([sys.executable, "-c", script], cwd=HERE.parent, timeout=60, check=False).returncode


@pytest.fixture
def pieces(monkeypatch):
    """What is read of the database at a start: the ids of the articles."""
    read = []

    def spied(*arguments):
        for piece in original(*arguments):
            read.extend(np.unique(piece.article_ids).tolist())
            yield piece

    original = loading.sentence_vectors
    monkeypatch.setattr("index.corpus.sentence_vectors", spied)
    return read


# -- what it holds


@pytest.mark.parametrize("exact_up_to", [32_000, 3])
@settings(max_examples=15, deadline=None)
@given(before=CHANGES, after=st.lists(CHANGES, max_size=3))
def test_with_and_without_one_finds_the_same(exact_up_to, before, after, tmp_path_factory):
    """Whatever changes after a snapshot was written, a start with it finds what one without it does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(VectorIndex.__init__.__kwdefaults__, "exact_up_to", exact_up_to)
        path = tmp_path_factory.mktemp("snapshot") / "corpus.db"
        corpus = Corpus(path, ENCODER)
        change(corpus, [(0, "put"), *before])
        corpus.close()
        keep(path)
        kept = snapshot_path(path).read_bytes()
        token = corpus.store.snapshot_token()
        for version, changes in enumerate(after, start=1):
            corpus = Corpus(path, ENCODER)
            change(corpus, changes, version)
            corpus.close()
            # The one of the beginning again, which has ever more to catch up with.
            snapshot_path(path).write_bytes(kept)
            corpus.store._rows("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (token,))
            assert opened(path) == rebuilt(path)
            assert opened(path) == rebuilt(path)  # with the one that was written now


def test_codes_are_as_they_were(tmp_path, monkeypatch):
    """The codes by which large corpora are searched are not made anew."""
    monkeypatch.setitem(VectorIndex.__init__.__kwdefaults__, "exact_up_to", 3)
    corpus = Corpus(tmp_path / "corpus.db", ENCODER)
    for number in range(4):  # those of the first are centred by themselves
        change(corpus, [(number, "put")])
        settled(corpus)
    codes = {unit: index._codes for unit, index in corpus._vectors.items()}
    corpus.close()
    monkeypatch.setattr("index.vectors.Codes.__init__", None)
    restored = settled(Corpus(corpus.store.path, ENCODER))
    for unit, index in restored._vectors.items():
        assert index._codes.made_of == codes[unit].made_of
        np.testing.assert_array_equal(index._codes.centre, codes[unit].centre)
        np.testing.assert_array_equal(index._codes.bits, codes[unit].bits)
    restored.close()


def test_only_what_differs_is_read(database, pieces):
    """With a snapshot nothing is read of articles that are as they were, and what is gone is not found."""
    opened(database)
    assert pieces == []
    corpus = Corpus(database, ENCODER)
    change(corpus, [(1, "remove"), (3, "put"), (9, "put")], version=1)
    ids = {one.source: one.id for one in corpus.store.articles()}
    corpus.close()
    opened(database)
    assert pieces == [ids["/3"], ids["/9"]]


def test_it_is_written_only_where_it_saves_something(tmp_path, database, monkeypatch):
    """A small corpus gets no file; one that is as it was kept is not written anew, and one that has lost an article
    is."""
    monkeypatch.setattr("index.corpus._SLOW", 3.0)
    small = tmp_path / "small.db"
    shutil.copy(database, small)
    opened(small)
    assert not snapshot_path(small).exists()
    first = snapshot_path(database).stat()
    opened(database)
    assert snapshot_path(database).stat() == first
    corpus = Corpus(database, ENCODER)
    change(corpus, [(7, "put")])
    corpus.close()
    opened(database)
    assert snapshot_path(database).stat() == first
    change(corpus, [(7, "remove"), (2, "remove")])
    opened(database)
    assert snapshot_path(database).stat().st_ino != first.st_ino
    assert opened(database) == rebuilt(database)


def test_it_changes_nothing_else(database):
    """The corpus's generation is not raised by it, and its permissions are the database's."""
    store = Store(database, create=False)
    before = store.generation()
    for mode in (0o600, 0o640):
        database.chmod(mode)
        snapshot_path(database).unlink()
        keep(database)
        assert snapshot_path(database).stat().st_mode & 0o777 == mode
    assert store.generation() == before
    assert not new_snapshot_path(database).exists()


# -- what is not believed


def assert_made_anew(database, caplog, expected):
    """The file is not used, which is logged, and the next one is right."""
    caplog.clear()
    damaged = snapshot_path(database).read_bytes()
    assert opened(database) == expected
    assert "not used, but made anew" in caplog.text
    assert snapshot_path(database).read_bytes() != damaged
    caplog.clear()
    assert opened(database) == expected
    assert not caplog.records


def test_a_damaged_byte(database, caplog):
    """Whatever byte of the file is another, it is not used."""
    expected = rebuilt(database)
    length = snapshot_path(database).stat().st_size
    for place in [*range(40), *range(40, length, 61), *range(length - 6, length)]:
        whole = bytearray(snapshot_path(database).read_bytes())
        whole[place] ^= 0x10
        snapshot_path(database).write_bytes(whole)
        assert_made_anew(database, caplog, expected)


def test_a_cut_file(database, caplog):
    """A file that ends early, goes on too long or holds something else is not used."""
    expected = rebuilt(database)
    for cut in (0, 1, 15, 16, 17, 300, 2000, -4, -1):
        snapshot_path(database).write_bytes(snapshot_path(database).read_bytes()[:cut])
        assert_made_anew(database, caplog, expected)
    for other in (b"\0" * 5000, os.urandom(5000), database.read_bytes(), snapshot_path(database).read_bytes() + b"\0"):
        snapshot_path(database).write_bytes(other)
        assert_made_anew(database, caplog, expected)


def crafted(header, rest=b"", version=1, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    start = struct.pack("<8sII", b"Vbtmvecs", version, len(text) if length is None else length)
    whole = start + text + rest
    return whole + struct.pack("<I", zlib.crc32(whole))


def with_arrays(*arrays):
    return {"about": {}, "arrays": list(arrays)}


@pytest.mark.parametrize(
    "content",
    [
        crafted(with_arrays(), version=2),
        crafted(with_arrays(), length=2**32 - 1),
        crafted(with_arrays(), length=60_000),
        crafted(b"[" * 60_000),
        crafted(b"9" * 60_000),
        crafted(b"\xff\xfe"),
        crafted([]),
        crafted({"about": 5, "arrays": []}),
        crafted({"about": {}, "arrays": [[]]}),
        crafted(with_arrays(["articles", "<i8", [10**15]])),
        crafted(with_arrays(["articles", "<i8", [10**12, 0]])),
        crafted(with_arrays(["articles", "<i8", [-1]], ["b", "<i8", [1]])),
        crafted(with_arrays(["articles", "<i8", [-1, -1]]), b"\0" * 8),
        crafted(with_arrays(["articles", "<i8", [True]]), b"\0" * 8),
        crafted(with_arrays(["articles", "<i8", [1.0]]), b"\0" * 8),
        crafted(with_arrays(["articles", "<i8", "1"]), b"\0" * 8),
        crafted(with_arrays(["articles", "|O", [1]]), b"\0" * 8),
        crafted(with_arrays(["articles", "|u1", [8, 1]]), b"\0" * 8),
        crafted(with_arrays(["others", "<i8", [1]]), b"\0" * 8),
        crafted(with_arrays()),
    ],
)
def test_a_hostile_header(database, content):
    """A header that asks for more than there is, or for something else, is refused before room is made for it."""
    snapshot_path(database).write_bytes(content)
    with pytest.raises(Unfit), reading(database) as file:
        file.take("articles", "<i8", room=lambda count: pytest.fail("room was made"))
    assert opened(database) == rebuilt(database)


def test_arrays_that_do_not_fit_together(database):
    """With a right checksum and the right token, too, arrays have to fit each other."""
    whole = snapshot_path(database).read_bytes()
    (length,) = struct.unpack_from("<I", whole, 12)
    header, at = json.loads(whole[16 : 16 + length]), 16 + length
    expected = rebuilt(database)
    for name, kind, shape in header["arrays"]:
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        if size and name != "articles":
            arrays = [[one, k, [s[0] - (one == name), *s[1:]]] for one, k, s in header["arrays"]]
            fewer = size // shape[0]
            content = crafted(
                {**header, "arrays": arrays}, whole[16 + length : at + size - fewer] + whole[at + size : -4]
            )
            snapshot_path(database).write_bytes(content)
            Store(database)._rows("UPDATE meta SET value = ? WHERE key = 'snapshot'", (header["about"]["token"],))
            assert opened(database) == expected
            assert snapshot_path(database).read_bytes() != content, name
        at += size


def test_another_stamp(database, caplog):
    """After the corpus was encoded anew with another model the snapshot of the old one is not used."""
    kept = snapshot_path(database).read_bytes()
    other = HashEncoder(96, model="other")
    store = Store(database)
    token = store.snapshot_token()
    assert Indexer(store, other).rebuild() == 5
    assert (store.snapshot_token(), snapshot_path(database).read_bytes()) == (token, kept)
    corpus = settled(Corpus(database, other))
    assert "belongs to another state" in caplog.text
    assert corpus._vectors["sentence"].dimension == 96
    with reading(database) as file:
        assert file.about["stamp"]["dimension"] == 96


def test_a_restored_backup(database, tmp_path, caplog):
    """A snapshot of what a restored corpus has never been is not used, even if it is of the same generation; an older
    one that it has been is."""
    backup = shutil.copy(database, tmp_path / "backup")  # nobody has it open, so that it is whole
    early = snapshot_path(database).read_bytes()
    for version in (1, 2):
        corpus = Corpus(database, ENCODER)
        change(corpus, [(0, "put"), (1, "remove")] if version == 1 else [(3, "put"), (4, "remove")], version)
        corpus.close()
        if version == 1:
            keep(database)
            shutil.copy(backup, database)
    store = Store(database)
    with reading(database) as file:
        assert file.about["generation"] <= store.generation()
    store.close()
    assert opened(database) == rebuilt(database)
    assert "belongs to another state" in caplog.text
    caplog.clear()
    shutil.copy(backup, database)
    snapshot_path(database).write_bytes(early)
    assert opened(database) == rebuilt(database)
    assert not caplog.records


# -- interrupted


@pytest.mark.parametrize("moment", ["pieces", "fsync", "put", "commit"])
def test_a_process_dies_while_it_writes(database, moment, caplog):
    """Wherever the writing ends for ever, the next start is right, and what was left is gone in the end."""
    corpus = Corpus(database, ENCODER)
    change(corpus, [(1, "remove"), (6, "put")], version=1)
    corpus.close()
    end = {
        "pieces": "index.snapshot._bytes = lambda array: os._exit(9) if array.ndim > 1 else memoryview(b'')",
        "fsync": "os.fsync = lambda handle: os._exit(9)",
        "put": "Path.replace = lambda *_: os._exit(9)",
        "commit": "replace = Path.replace; Path.replace = lambda *these: (replace(*these), os._exit(9))",
    }
    ask = ["corpus = Corpus(path, HashEncoder(64))", "with corpus.view(): pass", "corpus._keeping.join()"]
    kept = snapshot_path(database).read_bytes()
    if moment == "pieces":  # which are read with the same
        snapshot_path(database).unlink()
    code = other_process(
        database, "import os; import index.snapshot; from index.corpus import Corpus", end[moment], *ask
    )
    assert code == 9
    assert new_snapshot_path(database).exists() == (moment != "commit")
    assert moment == "pieces" or (snapshot_path(database).read_bytes() == kept) == (moment != "commit")
    for file in (one for one in [new_snapshot_path(database)] if one.exists()):
        os.utime(file, (1, 1))
    assert opened(database) == rebuilt(database)
    assert ("belongs to another state" in caplog.text) == (moment == "commit")
    assert not new_snapshot_path(database).exists()
    caplog.clear()
    assert opened(database) == rebuilt(database)
    assert not caplog.records


def test_what_a_dead_process_left_goes_at_the_next_start(database, monkeypatch):
    """Half a file is deleted even where no other is written; one that somebody is writing is left alone."""
    monkeypatch.setattr("index.corpus._SLOW", 3.0)
    new_snapshot_path(database).write_bytes(b"half")
    opened(database)
    assert new_snapshot_path(database).exists()
    os.utime(new_snapshot_path(database), (1, 1))
    opened(database)
    assert not new_snapshot_path(database).exists()


@pytest.fixture
def meanwhile(monkeypatch):
    """Has something done once while a snapshot is being written: at its first piece, in the middle, or at the end."""

    def at(moment, what):
        done = []

        def once():
            if not done:
                done.append(what())

        def pieces(*arguments):
            for number, piece in enumerate(original(*arguments)):
                if number == {"first": 0, "middle": 7}.get(moment):
                    once()
                yield piece

        def fsync(handle):
            if moment == "last":
                once()
            os_fsync(handle)

        original, os_fsync = snapshot._pieces, os.fsync
        monkeypatch.setattr("index.snapshot._pieces", pieces)
        monkeypatch.setattr(os, "fsync", fsync)
        return done

    return at


@pytest.mark.parametrize("moment", ["first", "middle", "last"])
def test_the_corpus_changes_while_it_is_written(database, meanwhile, moment):
    """What is no longer so is not put into its place, and the next question has it written as it is."""
    snapshot_path(database).unlink()
    corpus = Corpus(database, ENCODER)

    def alter():
        change(corpus, [(2, "remove")])
        with corpus.view():
            pass

    done = meanwhile(moment, alter)
    settled(corpus)
    assert done and not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    settled(corpus)
    assert state(corpus) == opened(database) == rebuilt(database)
    corpus.close()


@pytest.mark.parametrize("moment", ["first", "middle", "last"])
def test_closing_while_it_is_written(database, meanwhile, moment):
    """A corpus that closes leaves no file half written, and waits for none."""
    snapshot_path(database).unlink()
    corpus = Corpus(database, ENCODER)
    done = meanwhile(moment, lambda: setattr(corpus, "_closed", True))
    settled(corpus)
    assert done and not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    corpus.close()
    assert not [one for one in threading.enumerate() if one.name == "snapshot"]


# -- forgetting


def vector_of(store, number):
    """The vectors of an article, as they would lie in any file."""
    (ids,) = [store.ids_of("sentence", one.id) for one in store.articles() if one.source == f"/{number}"]
    return [sentence.vector.tobytes() for sentence in store.sentences(list(ids)).values()]


def left(folder, vectors):
    return [file for file in folder.iterdir() if any(one in file.read_bytes() for one in vectors)]


def unlike_others(store):
    """Makes an article whose words no other has, and returns its id and its vectors."""
    text = "Zebras graze quietly. Quinces ripen."
    Indexer(store, ENCODER).add_articles([Article("/unlike", "Unlike", text)])
    (found,) = [one.id for one in store.articles() if one.source == "/unlike"]
    return found, vector_of(store, "unlike")


def test_forgetting(database):
    """What is forgotten leaves no vector in any file, and is not found by the next start."""
    store = Store(database, create=False)
    unlike, vectors = unlike_others(store)
    keep(database)
    assert snapshot_path(database) in left(database.parent, vectors)
    new_snapshot_path(database).write_bytes(snapshot_path(database).read_bytes())
    store.remove([unlike], forget=True)
    assert store.snapshot_token() is None
    assert not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    assert left(database.parent, vectors) == []
    assert opened(database) == rebuilt(database)
    assert left(database.parent, vectors) == []


@pytest.mark.parametrize("by", ["another process", "this one"])
@pytest.mark.parametrize("moment", ["first", "middle", "last"])
def test_forgetting_while_it_is_written(database, meanwhile, moment, by):
    """Whoever forgets while another writes, nothing of it is in any file when that is done, or ever after."""
    store = Store(database, create=False)
    unlike, vectors = unlike_others(store)
    snapshot_path(database).unlink()
    seen = []

    def forget():
        if by == "this one":
            store.remove([unlike], forget=True)
        else:
            assert other_process(database, f"Store(path).remove([{unlike}], forget=True)") == 0
        seen.extend(left(database.parent, vectors))

    corpus = Corpus(database, ENCODER)
    done = meanwhile(moment, forget)
    settled(corpus)
    assert done and not seen
    assert left(database.parent, vectors) == []
    assert not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    settled(corpus)
    assert state(corpus) == opened(database) == rebuilt(database)
    corpus.close()
    assert left(database.parent, vectors) == []


@pytest.mark.parametrize("how", ["forgotten", "deleted"])
def test_nothing_is_written_of_what_has_just_gone(database, monkeypatch, how):
    """Where an article or the corpus goes before the file is made, none of its vectors is ever written."""
    store = Store(database, create=False)
    unlike, vectors = unlike_others(store)
    snapshot_path(database).unlink()
    seen, make = [], os.open

    def gone_first(*arguments, **options):
        if how == "forgotten":
            store.remove([unlike], forget=True)
        else:
            for file in files_of(database):
                file.unlink(missing_ok=True)
        return make(*arguments, **options)

    def fsync(_):
        seen.extend(left(database.parent, vectors))

    corpus = Corpus(database, ENCODER)
    with monkeypatch.context() as patched:
        patched.setattr("index.snapshot.os.open", gone_first)
        patched.setattr(os, "fsync", fsync)
        settled(corpus)
    assert not seen and left(database.parent, vectors) == []
    assert not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    corpus.close()


def test_forgetting_in_the_last_moment(database, monkeypatch):
    """What is forgotten after the last look at the corpus is seen by the transaction."""
    store = Store(database, create=False)
    unlike, vectors = unlike_others(store)
    snapshot_path(database).unlink()
    corpus = Corpus(database, ENCODER)
    keep_snapshot = corpus.store.keep_snapshot

    def late(token, generation, put):
        written = new_snapshot_path(database).read_bytes()
        store.remove([unlike], forget=True)
        assert left(database.parent, vectors) == []
        new_snapshot_path(database).write_bytes(written)  # as if that had looked for files a moment too early
        return keep_snapshot(token, generation, put)

    monkeypatch.setattr(corpus.store, "keep_snapshot", late)
    settled(corpus)
    assert left(database.parent, vectors) == [] and store.snapshot_token() is None
    assert not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    corpus.close()


def test_deleting_in_the_last_moment(database, monkeypatch):
    """A corpus that is deleted while its snapshot is put into place has none afterwards."""
    snapshot_path(database).unlink()
    replace = Path.replace

    def late(new, path):
        for file in files_of(database)[:-1]:
            file.unlink(missing_ok=True)
        replace(new, path)

    monkeypatch.setattr(Path, "replace", late)
    settled(Corpus(database, ENCODER)).close()
    assert not any(file.exists() for file in files_of(database))


def test_forgetting_that_cannot_delete_says_so(database, monkeypatch):
    """Where the file cannot be deleted, whoever forgets is told, and it is not used any more."""
    store = Store(database, create=False)
    expected = pytest.raises(Exception, match="still holds vectors")
    with monkeypatch.context() as patched, expected:
        patched.setattr("index.store.erase", lambda path: (_ for _ in ()).throw(PermissionError(13, "not yours")))
        store.remove([1], forget=True)
    assert snapshot_path(database).exists()
    assert opened(database) == rebuilt(database)


@pytest.mark.parametrize("moment", [None, "first", "middle", "last"])
def test_deleting_a_corpus(tmp_path, meanwhile, moment):
    """With a corpus its snapshot goes, also when it is just being written."""
    library = Library(tmp_path / "data", ENCODER)
    corpus = library.corpus(7, create=True)
    change(corpus, [(1, "put"), (2, "put")])
    if moment is None:
        settled(corpus)
        assert snapshot_path(library.path(7)).exists()
        assert library.delete(7)
    else:
        # As another process does it, which cannot stop this one.
        done = meanwhile(moment, lambda: [file.unlink(missing_ok=True) for file in files_of(library.path(7))])
        settled(corpus)
        assert done
    assert list((tmp_path / "data" / "servers").iterdir()) == []
    library.close()


# -- trouble


def refuse(error):
    def refused(*_, **__):
        raise error

    return refused


@pytest.mark.parametrize("trouble", ["folder", "full", "soon full", "commit", "thread"])
def test_it_cannot_be_written(database, monkeypatch, caplog, trouble):
    """A folder that cannot be written or a full disk costs no answer, is logged once, and leaves no file."""
    snapshot_path(database).unlink()
    expected = rebuilt(database)
    match trouble:
        case "folder":
            monkeypatch.setattr("index.snapshot.os.open", refuse(PermissionError(13, "not yours")))
        case "full":
            monkeypatch.setattr("index.snapshot.os.fsync", refuse(OSError(28, "no space")))
        case "soon full":
            few = shutil.disk_usage(database.parent)._replace(free=1000)
            monkeypatch.setattr("index.snapshot.shutil.disk_usage", lambda _: few)
        case "commit":
            monkeypatch.setattr(Path, "replace", refuse(OSError(5, "disk")))
        case _:
            monkeypatch.setattr("index.corpus.threading.Thread.start", refuse(RuntimeError("no more threads")))
    corpus = settled(Corpus(database, ENCODER))
    assert state(settled(corpus)) == expected
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1
    assert "no snapshot of" in caplog.text
    assert not snapshot_path(database).exists() and not new_snapshot_path(database).exists()
    corpus.close()


def test_a_file_that_cannot_be_written_anew_stays(database, monkeypatch):
    """Where there is no room for another, the old one goes on serving."""
    corpus = Corpus(database, ENCODER)
    change(corpus, [(1, "remove"), (6, "put")], version=1)
    corpus.close()
    kept = snapshot_path(database).read_bytes()
    monkeypatch.setattr("index.snapshot.os.fsync", refuse(OSError(28, "no space")))
    assert opened(database) == rebuilt(database)
    assert snapshot_path(database).read_bytes() == kept


def test_something_else_of_that_name(database):
    """A folder where the file should be is neither read nor deleted."""
    snapshot_path(database).unlink()
    snapshot_path(database).mkdir()
    assert opened(database) == rebuilt(database)
    assert snapshot_path(database).is_dir()


def test_two_processes_write_at_once(database, meanwhile):
    """Whoever comes second leaves it to the first."""
    snapshot_path(database).unlink()
    codes = []
    ask = ["from index.corpus import Corpus", "corpus = Corpus(path, HashEncoder(64))", "with corpus.view(): pass"]
    check = "corpus._keeping.join(); sys.exit(3 if corpus._to_keep else 4)"
    done = meanwhile("middle", lambda: codes.append(other_process(database, *ask, check)))
    settled(Corpus(database, ENCODER)).close()
    assert done and codes == [3]
    assert opened(database) == rebuilt(database)
