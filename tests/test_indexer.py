"""Sync: what is added, changed, removed, unchanged and failed, and what it costs."""

import threading
from pathlib import Path

import pytest
from conftest import HashEncoder, stored_vectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.article import Article
from index.corpus import Library
from index.indexer import Indexer
from index.reading import InProcess
from index.store import Store


class CountingEncoder(HashEncoder):
    """The deterministic encoder, with the texts it was given to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        _ = self.yardstick  # measured by encoding sentences of its own
        self.texts.clear()

    def encode_passages(self, texts):
        self.texts += texts
        return super().encode_passages(texts)


class CountingReader(InProcess):
    """The readers, with the names of what they were given to read."""

    def __init__(self) -> None:
        self.read_names: list[str] = []

    def read(self, data, source, name, *, max_bytes):
        self.read_names.append(name)
        return super().read(data, source, name, max_bytes=max_bytes)


@pytest.fixture
def encoder():
    return CountingEncoder()


@pytest.fixture
def indexer(corpus, encoder):
    return Indexer(corpus.store, encoder, max_bytes=100_000)


def names(sources) -> list[str]:
    return sorted(Path(source).name for source in sources)


def contents(store: Store) -> list:
    """Everything that a question could find or a closer look could read, without ids."""
    found = []
    for row in store.articles():
        article = store.load(row.id)
        stored = stored_vectors(store, [row.id])
        sentences = store.sentences(stored.ids.tolist())
        details = store.details(list(sentences))
        found.append(
            (article, [(s.start, s.end, s.terms, s.vector.tobytes(), details[s.id]) for s in sentences.values()])
        )
    return sorted(found, key=lambda pair: pair[0].source)


def test_a_folder_is_indexed_once(indexer, encoder, articles, corpus):
    """The first run adds every article; the second encodes nothing, changes nothing and says so."""
    first = indexer.sync([str(articles)])
    assert names(first.added) == ["bakery.txt", "bridge.md", "owls.md"]
    assert first.encoded == corpus.store.statistics().sentences == len(encoder.texts) and first.reused == 0
    before, generation = contents(corpus.store), corpus.store.generation()
    second = indexer.sync([str(articles)])
    assert (names(second.unchanged), second.added, second.changed) == (names(first.added), [], [])
    assert second.encoded == 0 and len(encoder.texts) == first.encoded
    assert contents(corpus.store) == before and corpus.store.generation() == generation


def test_only_new_sentences_are_encoded(indexer, encoder, articles, corpus):
    """Editing one sentence encodes that sentence; the others keep their vectors."""
    indexer.sync([str(articles)])
    encoder.texts.clear()
    file = articles / "bakery.txt"
    file.write_text(file.read_text().replace("rye bread on Fridays", "rye bread on Mondays"))
    report = indexer.sync([str(articles)])
    assert names(report.changed) == ["bakery.txt"]
    assert encoder.texts == ["The bakery sells rye bread on Mondays."]
    assert (report.encoded, report.reused) == (1, 3)


def test_a_sentence_of_another_article_is_reused(indexer, encoder, articles):
    """The same text in a second article is a second citation, and costs no encoding."""
    indexer.sync([str(articles)])
    encoder.texts.clear()
    (articles / "copy.txt").write_text((articles / "bakery.txt").read_text())
    report = indexer.sync([str(articles)])
    assert names(report.added) == ["copy.txt"]
    assert encoder.texts == [] and report.reused == 4


def test_another_title_changes_the_article(indexer, corpus, articles):
    """Metadata is part of an article's version: a new title is stored and shown."""
    indexer.sync([str(articles)])
    file = articles / "bridge.md"
    file.write_text(file.read_text().replace("title: The Tallow Bridge", "title: Bridge over the Wend"))
    report = indexer.sync([str(articles)])
    assert names(report.changed) == ["bridge.md"]
    assert "Bridge over the Wend" in [article.title for article in corpus.store.articles()]


def test_other_bytes_of_the_same_article_change_nothing(indexer, encoder, articles, corpus):
    """Line ends and a byte order mark make other bytes, but the same article."""
    indexer.sync([str(articles)])
    encoder.texts.clear()
    generation = corpus.store.generation()
    file = articles / "bakery.txt"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert names(indexer.sync([str(articles)]).unchanged) == ["bakery.txt", "bridge.md", "owls.md"]
    assert encoder.texts == [] and corpus.store.generation() == generation


def test_vanished_files_leave_the_index(indexer, articles, corpus):
    """What is gone from an indexed folder leaves, is reported, and takes nothing else along."""
    indexer.sync([str(articles)])
    (articles / "owls.md").unlink()
    report = indexer.sync([str(articles)])
    assert names(report.removed) == ["owls.md"]
    assert names(article.source for article in corpus.store.articles()) == ["bakery.txt", "bridge.md"]


def test_a_named_file_that_vanished_stays_and_says_so(indexer, articles, corpus):
    """A file named by itself and gone is a failure that tells how to take its article out."""
    indexer.sync([str(articles / "owls.md")])
    (articles / "owls.md").unlink()
    report = indexer.sync([str(articles / "owls.md")])
    assert "does not exist" in report.failed[0][1] and "articles remove" in report.failed[0][1]
    assert len(corpus.store.articles()) == 1


def test_names_that_lead_nowhere_stop_nothing(indexer, articles):
    """A home folder of nobody and a name no path can have are problems like any other."""
    report = indexer.sync(["~nosuchuser/x.txt", "a\0b.txt", str(articles)])
    assert len(report.failed) == 2 and len(report.added) == 3


def test_a_vanished_folder_empties_nothing(indexer, articles, corpus):
    """A folder that is not there (an unmounted disk) is a failure, not a deletion of all that it held."""
    indexer.sync([str(articles)])
    articles.rename(articles.with_name("elsewhere"))
    report = indexer.sync([str(articles)])
    assert report.removed == [] and len(report.failed) == 1
    assert len(corpus.store.articles()) == 3


def test_bad_files_cost_only_themselves(indexer, articles, corpus):
    """Unreadable files are reported with reason and remedy, and every other article is indexed."""
    (articles / "empty.txt").write_bytes(b"")
    (articles / "binary.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    (articles / "huge.txt").write_bytes(b"A sentence. " * 10_000)
    report = indexer.sync([str(articles), str(articles / "missing.txt")])
    assert names(report.added) == ["bakery.txt", "bridge.md", "owls.md"]
    assert names(source for source, _ in report.failed) == ["binary.txt", "empty.txt", "huge.txt", "missing.txt"]
    assert all(len(reason) > 20 for _, reason in report.failed)


def test_a_file_that_becomes_unreadable_keeps_its_article(indexer, articles, corpus):
    """A file overwritten by rubbish is reported; what was indexed of it before stays."""
    indexer.sync([str(articles)])
    (articles / "owls.md").write_bytes(b"\x00\x01\x02" * 500)
    report = indexer.sync([str(articles)])
    assert names(source for source, _ in report.failed) == ["owls.md"] and report.removed == []
    assert len(corpus.store.articles()) == 3


def test_a_defect_in_one_article_costs_only_that_article(indexer, articles, monkeypatch):
    """An unexpected exception while one article is read is reported with it, and the rest is indexed."""
    import index.preparing

    real = index.preparing.each

    def each(text, language):
        if "owls" in text:
            raise RuntimeError("a defect")
        return real(text, language)

    monkeypatch.setattr(index.preparing, "each", each)
    report = indexer.sync([str(articles)])
    assert names(report.added) == ["bakery.txt", "bridge.md"]
    assert "RuntimeError" in report.failed[0][1]


def test_details_say_what_is_named_and_what_the_title_is(indexer, corpus, encoder, articles):
    """Each sentence is kept with the names in it and its tokens' codes, of which its title's are counted first."""
    indexer.sync([str(articles / "bridge.md"), str(articles / "bakery.txt")])
    details = {
        one.terms: corpus.store.details([key])[key]
        for key, one in corpus.store.sentences(stored_vectors(corpus.store).ids.tolist()).items()
    }
    coder = encoder.yardstick.coder
    opened, oven = details["it was open by the mayor in 1932"], details["it oven burn appl wood"]
    assert (opened.names, opened.title_tokens, len(opened.tokens)) == ("", 3, 11 * coder.size)
    assert (oven.names, oven.title_tokens, len(oven.tokens)) == ("", 0, 5 * coder.size)
    assert details["the tallow bridg cross the river wend"].names == "tallow bridg wend"
    assert corpus.store.token_bytes() == sum(len(one.tokens) for one in details.values())
    titled = encoder.read_passages(["The Tallow Bridge\nIt was opened by the mayor in 1932."]).tokens[0]
    assert opened.tokens == coder.encode(titled.vectors)


def test_progress_counts_committed_articles(indexer, articles, corpus):
    """Each call of progress names a settled article; an added one is in the store by then."""
    seen = []

    def progress(step):
        assert step.source in corpus.store.versions()
        seen.append((step.done, step.total))

    indexer.sync([str(articles)], progress=progress)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_others_add_during_a_run_has_not_vanished(indexer, articles, corpus, encoder):
    """An article that came into a folder, and into the corpus, after the run had looked there, stays."""
    late = Article((articles / "late.md").as_posix(), "Late", "The late train came after all.")

    def progress(_):
        Indexer(corpus.store, encoder).add_articles([late])

    report = indexer.sync([str(articles)], progress=progress)
    assert len(report.added) == 3 and not report.removed
    assert late.source in corpus.store.versions()
    assert indexer.sync([str(articles)]).removed == [late.source]


def test_one_more_article_does_not_read_all_others(indexer, corpus, monkeypatch):
    """What is stored is looked up for the few articles that are added, and in one piece for many."""
    indexer.add_articles(Article(f"/{n}", "", f"Number {n} is here.") for n in range(60))
    asked = []
    versions = corpus.store.versions
    monkeypatch.setattr(corpus.store, "versions", lambda source=None: asked.append(source) or versions(source))
    report = indexer.add_articles([Article("/7", "", "Number 7 has moved."), Article("/99", "", "Number 99 is new.")])
    assert (report.changed, report.added) == (["/7"], ["/99"]) and None not in asked
    asked.clear()
    report = indexer.add_articles(Article(f"/{n}", "", f"Number {n} is here.") for n in range(120))
    assert (len(report.unchanged), len(report.changed), len(report.added)) == (59, 2, 59)
    assert asked.count(None) == 1


def test_a_cancelled_run_leaves_whole_articles_and_the_next_one_finishes(indexer, articles, corpus):
    """Cancelling after the first article leaves that one whole, removes nothing, and loses nothing."""
    cancel = threading.Event()
    report = indexer.sync([str(articles)], progress=lambda _: cancel.set(), cancel=cancel)
    assert report.cancelled and len(report.added) == 1
    assert len(corpus.store.articles()) == 1
    report = indexer.sync([str(articles)])
    assert len(report.added) == 2 and len(report.unchanged) == 1


def test_an_upload_is_read_again(indexer, encoder, corpus):
    """An upload is indexed from memory, and a later run reads it from the store, unchanged."""
    report = indexer.add_upload(b"The mill stands by the weir.", "discord:1/mill.txt", "mill.txt")
    assert report.added == ["discord:1/mill.txt"]
    assert indexer.sync_uploads().unchanged == ["discord:1/mill.txt"]
    changed = indexer.add_upload(b"The mill burnt down.", "discord:1/mill.txt", "mill.txt")
    assert changed.changed == ["discord:1/mill.txt"]
    assert corpus.store.upload("discord:1/mill.txt") == b"The mill burnt down."


def test_the_same_upload_is_recognised(indexer, corpus):
    """An upload of the same bytes is found, and other bytes of the same length are not."""
    indexer.add_upload(b"The mill stands by the weir.", "discord:1/mill.txt", "mill.txt")
    assert corpus.store.find_upload(b"The mill stands by the weir.") == "discord:1/mill.txt"
    assert corpus.store.find_upload(b"The mill stands by the weir!") is None


def test_a_cancelled_upload_leaves_nothing(indexer, corpus, encoder):
    """Cancelling while an upload is encoded ends it soon, and stores neither the article nor its bytes."""
    cancel = threading.Event()
    encode = encoder.encode_passages

    def encode_and_cancel(texts):
        cancel.set()
        return encode(texts)

    encoder.encode_passages = encode_and_cancel
    text = " ".join(f"Owl number {number} sleeps." for number in range(1_000))
    report = indexer.add_upload(text.encode(), "discord:1/owls.txt", "owls.txt", cancel=cancel)
    assert report.cancelled and not report.added
    assert len(encoder.texts) < 500
    assert not corpus.store.articles() and not corpus.store.uploads()


def test_an_article_of_too_many_sentences_is_refused(corpus, encoder, articles, monkeypatch):
    """A file that would fill the memory with tiny sentences is reported, and costs no other."""
    monkeypatch.setattr("index.preparing._MOST_SENTENCES", 50)
    (articles / "letters.txt").write_text("a\n" * 60)
    report = Indexer(corpus.store, encoder).sync([str(articles)])
    assert names(report.added) == ["bakery.txt", "bridge.md", "owls.md"]
    assert "more than 50 sentences" in report.failed[0][1] and "split it" in report.failed[0][1]


def test_a_corpus_with_a_limit_takes_what_fits(corpus, encoder, articles):
    """Beyond the limit articles are refused, but a new version of one that is there may take its old room."""
    indexer = Indexer(corpus.store, encoder, max_sentences=8)
    report = indexer.sync([str(articles)])
    assert len(report.added) == 2 and len(report.failed) == 1
    assert "max_sentences" in report.failed[0][1]
    assert corpus.store.statistics().sentences <= 8
    file = next(path for path in articles.iterdir() if str(path) in report.added)
    file.write_text(file.read_text().replace("the", "one"))
    assert names(indexer.sync([str(articles)]).changed) == [file.name]


def test_a_file_that_becomes_blank_says_what_stays(indexer, articles, corpus):
    """An emptied file keeps its article, and the report says so."""
    indexer.sync([str(articles)])
    (articles / "owls.md").write_text("")
    assert "indexed of it before stays" in indexer.sync([str(articles)]).failed[0][1]


def test_an_upload_removed_while_it_is_read_stays_away(corpus, encoder):
    """Reading uploads again does not bring back one that was removed meanwhile."""
    indexer = Indexer(corpus.store, encoder)
    indexer.add_upload(b"The mill stands by the weir.", "discord:1/mill.txt", "mill.txt")
    corpus.store._rows("UPDATE article SET input_hash = x'00', article_hash = x'00'")  # as from an older reader
    encode = encoder.encode_passages

    def remove_and_encode(texts):
        corpus.store.remove([corpus.store.articles()[0].id], forget=True)
        return encode(texts)

    corpus.store._rows("UPDATE sentence SET encoded_hash = x'00'")  # so that there is something to encode
    encoder.encode_passages = remove_and_encode
    indexer.sync_uploads()
    assert corpus.store.articles() == [] and corpus.store.uploads() == []


def test_a_rebuild_leaves_no_old_vector(library, corpus, encoder):
    """An article that another process commits while the new model loads is rebuilt with the others."""
    Indexer(corpus.store, encoder).add_articles([Article("/a", "A", "The owl sleeps.")])

    class Late(HashEncoder):
        @property
        def dimension(self):
            if len(corpus.store.articles()) == 1:
                Indexer(corpus.store, encoder).add_articles([Article("/b", "B", "The fox wakes.")])
            return 512

    late = Late(512, model="new")
    assert Indexer(corpus.store, late).rebuild() == 2
    assert stored_vectors(corpus.store).vectors.shape == (2, 512)
    assert corpus.store.stamp().model == "new"


def test_a_bad_upload_is_not_kept(indexer, corpus):
    """What could not be read leaves neither an article nor its bytes."""
    report = indexer.add_upload(b"\x7fELF" + bytes(500), "discord:1/x.txt", "x.txt")
    assert report.failed and not corpus.store.uploads() and not corpus.store.articles()


TEXTS = st.lists(
    st.sampled_from(["The owl sleeps.", "Is it 1932?", "Bread is baked.", "Ünïcode – yes!", "* one\n* two", "\n\n"]),
    min_size=1,
    max_size=6,
)
# A file that becomes blank fails, and keeps its article, which a fresh build would not have.
TEXTS = TEXTS.map(" ".join).filter(str.strip)
FOLDERS = st.dictionaries(st.sampled_from(["a.txt", "b.md", "c.txt"]), TEXTS, max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FOLDERS, min_size=1, max_size=4))
def test_any_edits_and_a_sync_equal_a_fresh_build(tmp_path_factory, versions):
    """After any history of a folder, an incremental run leaves what a fresh index of it would hold."""
    root = tmp_path_factory.mktemp("sync")
    folder = root / "articles"
    folder.mkdir()
    encoder = HashEncoder()
    library, fresh = Library(root / "data", encoder), Library(root / "fresh", encoder)
    store = library.corpus(None, create=True).store
    for version in versions:
        for file in folder.iterdir():
            file.unlink()
        for name, text in version.items():
            (folder / name).write_text(text, encoding="utf-8")
        Indexer(store, encoder).sync([str(folder)])
    built = fresh.corpus(None, create=True).store
    Indexer(built, encoder).sync([str(folder)])
    assert contents(store) == contents(built)
    assert store.statistics() == built.statistics()
    assert store._rows("SELECT count(*) FROM sentence_detail") == [(store.statistics().sentences,)]
    generation = store.generation()
    Indexer(store, encoder).sync([str(folder)])
    assert store.generation() == generation
    library.close()
    fresh.close()


GERMAN = (
    "# Die Fähre\n\nDie Fähre zur Insel wurde im 19. Jahrhundert gebaut, z. B. für Bauern und Händler. "
    "Sie fährt am 3. Mai wieder, und Karten kosten 2,50 Euro.\n"
)


def test_an_article_is_read_by_the_rules_of_its_language(indexer, articles, corpus):
    """An article's language is told from its text, and its sentences and terms follow it."""
    (articles / "ferry.md").write_text(GERMAN, encoding="utf-8")
    indexer.sync([str(articles)])
    languages = {Path(one.source).name: one.language for one in corpus.store.articles()}
    assert languages == {"bakery.txt": "en", "bridge.md": "en", "owls.md": "en", "ferry.md": "de"}
    assert corpus.store.languages() == {"en": 3, "de": 1}
    ferry = next(one for one in corpus.store.articles() if one.language == "de")
    text = corpus.store.load(ferry.id).text
    stored = corpus.store.sentences(stored_vectors(corpus.store, [ferry.id]).ids.tolist()).values()
    quoted = [text[one.start : one.end] for one in stored]
    assert [one.split()[0] for one in quoted] == ["Die", "Die", "Sie"]
    assert "insel wurd" in list(stored)[1].terms and "handl" in list(stored)[1].terms


def test_a_stated_language_is_believed(indexer, articles, corpus):
    """Front matter says what language an article is in, as a code or a name; what is no language is passed over."""
    for name, stated in (("a", "lang: de-AT"), ("b", "language: French"), ("c", "lang: klingon")):
        (articles / f"{name}.md").write_text(f"---\ntitle: {name}\n{stated}\n---\n\nThe ferry leaves at noon.\n")
    indexer.sync([str(articles)])
    languages = {one.title: one.language for one in corpus.store.articles()}
    assert (languages["a"], languages["b"], languages["c"]) == ("de", "fr", "en")


def test_a_language_survives_a_rebuild_and_changes_nothing_by_itself(indexer, articles, corpus):
    """A rebuild keeps each article's language, and the next run finds nothing changed."""
    (articles / "ferry.md").write_text(GERMAN, encoding="utf-8")
    indexer.sync([str(articles)])
    before = contents(corpus.store)
    indexer.rebuild()
    assert contents(corpus.store) == before and corpus.store.languages() == {"en": 3, "de": 1}
    report = indexer.sync([str(articles)])
    assert len(report.unchanged) == 4 and not report.changed


@pytest.mark.slow
def test_one_changed_sentence_among_a_thousand_articles_is_all_that_is_encoded(corpus, tmp_path):
    """After one sentence of one article in a thousand is edited, that sentence is embedded, and nothing else is even
    read: the other 999 are recognised by their hash."""
    folder = tmp_path / "thousand"
    folder.mkdir()
    for number in range(1_000):
        lines = " ".join(f"Line {k} of chronicle {number} tells of owls and of {number * k} bells." for k in (1, 3))
        (folder / f"{number}.txt").write_text(f"{lines}\n", encoding="utf-8")
    encoder, reader = CountingEncoder(), CountingReader()
    indexer = Indexer(corpus.store, encoder, reader=reader)
    first = indexer.sync([str(folder)])
    assert (len(first.added), first.encoded) == (1_000, 2_000)
    file = folder / "500.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("Line 3", "The third line"), encoding="utf-8")
    encoder.texts.clear()
    reader.read_names.clear()
    second = indexer.sync([str(folder)])
    assert second.counts == {"added": 0, "changed": 1, "unchanged": 999, "removed": 0, "failed": 0}
    assert encoder.texts == ["The third line of chronicle 500 tells of owls and of 1500 bells."]
    assert (second.encoded, second.reused, reader.read_names) == (1, 1, ["500.txt"])


def test_a_new_title_has_every_sentence_of_its_article_encoded_and_no_other(indexer, articles, encoder):
    """The title that an article states is part of what is embedded of each of its sentences, and of none elsewhere."""
    indexer.sync([str(articles)])
    file = articles / "bridge.md"
    file.write_text(file.read_text().replace("title: The Tallow Bridge", "title: The Tallow Viaduct"))
    report = indexer.sync([str(articles)])
    (bridge,) = report.of("changed")
    assert (bridge.encoded, bridge.reused, report.encoded) == (3, 0, 3)
