"""A change of model: all is encoded anew beside the old index, which answers until the new one takes its place."""

import threading
from dataclasses import replace

import pytest
from conftest import HashEncoder

from index.corpus import Corpus, Library
from index.encoder import stamp_of
from index.encoders import ModelEncoder, encoder_of
from index.errors import UserError
from index.indexer import Indexer
from index.models import DEFAULT_MODEL
from retrieval.retriever import Retriever


class Other(HashEncoder):
    """Another model, that counts what it is given, and tells the test between two texts."""

    def __init__(self, meanwhile=lambda: None) -> None:
        super().__init__(512, model="other")
        self.texts: list[str] = []
        self.meanwhile = meanwhile

    def encode_passages(self, texts):
        self.meanwhile()
        self.texts += texts
        return super().encode_passages(texts)


def ask(corpus: Corpus, encoder: HashEncoder) -> list[str]:
    return [hit.citation.text for hit in Retriever([corpus], encoder, precision=0.5).ask("Where do owls nest?").hits]


@pytest.fixture
def filled(corpus, articles, encoder) -> Corpus:
    Indexer(corpus.store, encoder).sync([str(articles)])
    return corpus


def test_the_old_index_answers_and_changes_while_the_new_one_is_made(filled, encoder):
    """Questions, additions and removals go on during a rebuild, and the new index has what came meanwhile."""
    old = Indexer(filled.store, encoder)
    seen, armed = [], []

    def meanwhile():
        if armed and not seen:
            gone = next(row.id for row in filled.store.articles() if row.source.endswith("bakery.txt"))
            old.add_upload(b"The lighthouse was built by a baker.", "discord:1/light.txt", "light.txt")
            filled.store.remove([gone])
            seen.append((filled.store.stamp() == stamp_of(encoder), ask(filled, encoder)))

    other = Other(meanwhile)
    _ = other.yardstick
    armed.append(True)
    Indexer(filled.store, other).rebuild()
    ((is_old, answers),) = seen
    assert is_old and answers
    assert filled.store.stamp() == stamp_of(other)
    new = Corpus(filled.store.path, other)
    with new.view() as view:
        assert len(view.vectors["sentence"]) == view.store.statistics().sentences
    sources = [row.source.rpartition("/")[2] for row in new.store.articles()]
    assert sorted(sources) == ["bridge.md", "light.txt", "owls.md"] and ask(new, other)
    new.close()


def test_a_rebuild_that_was_stopped_is_taken_up_where_it_ended(filled):
    """What has been encoded before a stop is not encoded again, and until the end nothing has changed."""
    cancel = threading.Event()
    before = filled.store.stamp(), filled.store.generation()
    first = Other()
    _ = first.yardstick
    first.texts.clear()
    assert Indexer(filled.store, first).rebuild(cancel=cancel, progress=lambda _: cancel.set()) is None
    assert (filled.store.stamp(), filled.store.generation()) == before and first.texts
    second = Other()
    _ = second.yardstick
    second.texts.clear()
    assert Indexer(filled.store, second).rebuild() == 3
    assert not set(first.texts) & set(second.texts)
    assert filled.store._rows("SELECT count(*) FROM staged") == [(0,)]


def test_what_was_gathered_for_one_model_is_not_taken_for_another(filled):
    """A rebuild that begins with a third model drops what was gathered for the second."""
    cancel = threading.Event()
    Indexer(filled.store, Other()).rebuild(cancel=cancel, progress=lambda _: cancel.set())
    third = HashEncoder(model="third")
    assert Indexer(filled.store, third).rebuild() == 3
    new = Corpus(filled.store.path, third)
    assert ask(new, third)
    new.close()


def test_a_library_serves_a_corpus_of_the_earlier_model_until_it_is_rebuilt(filled, library, encoder):
    """With a way to the earlier model, questions are answered by it; after the rebuild by the new one."""
    other = Other()
    changed = Library(library.folder, other, previous=lambda stamp: encoder)
    corpus = changed.corpus(None)
    assert corpus.encoder is encoder and changed.is_behind(None) and ask(corpus, corpus.encoder)
    Indexer(corpus.store, changed.encoder).rebuild()
    corpus = changed.corpus(None)
    assert corpus.encoder is other and not changed.is_behind(None) and ask(corpus, corpus.encoder)
    changed.close()


def test_without_the_earlier_model_the_remedy_is_named(filled, library):
    """Where the earlier model cannot be had any more, the corpus says what to do."""

    def gone(stamp):
        raise UserError("it is gone")

    changed = Library(library.folder, Other(), previous=gone)
    with pytest.raises(UserError, match="index --rebuild"), changed.corpus(None).view():
        pass
    changed.close()


def test_the_earlier_encoder_is_made_from_the_stamp():
    """The stamp of the default model leads to it, with its prefixes; one of other weights is refused."""
    encoder = ModelEncoder(question_prefix="query: ", tokens=False)
    identity = encoder.identity
    stamp = replace(
        stamp_of(HashEncoder()),
        model=identity.model,
        question_prefix="query: ",
        passage_prefix="",
        tokens=False,
        runtime=identity.runtime,
        location=DEFAULT_MODEL,
    )
    assert encoder_of(stamp).identity == identity
    with pytest.raises(UserError, match="another model"):
        encoder_of(replace(stamp, model=f"{DEFAULT_MODEL}@000000000000"))
