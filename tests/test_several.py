"""Corpora of different models are asked each by its own, and the better answer is taken."""

import pytest
from conftest import HashEncoder

from index.article import Article
from index.corpus import Corpus, Library
from index.errors import UserError
from index.indexer import Indexer
from retrieval.retriever import Retriever
from retrieval.several import Several

BRIDGE = Article("/bridge", "The bridge", "The bridge opened in 1932. Its towers are green.")
OWLS = Article("/owls", "The owls", "Barn owls nest in the mill. They raised four chicks.")


@pytest.fixture
def old(tmp_path):
    """A library in which server 1 has the owls and the operator the bridge, by a model of yesterday."""
    encoder = HashEncoder(512, model="yesterday")
    library = Library(tmp_path / "data", encoder)
    Indexer(library.corpus(None, create=True).store, encoder).add_articles([BRIDGE])
    Indexer(library.corpus(1, create=True).store, encoder).add_articles([OWLS])
    library.close()
    return library


@pytest.fixture
def today(old):
    """The same, with the model of today."""
    library = Library(old.folder, HashEncoder(model="today"), previous=lambda stamp: old.encoder)
    yield library
    library.close()


def first(answer):
    return answer.hits[0].citation.text if answer.answered else None


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("When did the bridge open?", "The bridge opened in 1932."),
        ("Where do barn owls nest?", "Barn owls nest in the mill."),
    ],
)
def test_before_between_and_after(today, question, sentence):
    """While corpora go over to another model one by one, questions are answered as before and after."""
    for rebuilt in (1, None, 1):
        corpora = today.askable(1)
        assert first(Several(corpora, today.encoder).ask(question)) == sentence
        Indexer(today.corpus(rebuilt).store, today.encoder).rebuild()
    corpora = today.askable(1)
    assert {corpus.encoder for corpus in corpora} == {today.encoder}
    assert first(Several(corpora, today.encoder).ask(question)) == sentence


def test_corpora_of_one_model_are_ranked_together(today):
    """Where all corpora have one model, the answer is the one that a retriever over all of them gives."""
    corpora = today.askable(1)
    question = "When did the bridge open?"
    assert Several(corpora, today.encoder).ask(question) == Retriever(corpora, corpora[0].encoder).ask(question)


def test_the_surer_answer_is_taken(today):
    """An answer goes before none, and of two the surer one, whichever model's corpus it stands in."""
    store = today.corpus(None).store
    Indexer(store, today.encoder).rebuild()
    Indexer(store, today.encoder).add_articles([Article("/notes", "Notes", "Owls are birds. Somebody saw one.")])
    corpora = today.askable(1)
    each = [Retriever([one], one.encoder).ask("Where do barn owls nest?") for one in corpora]
    best = max(each, key=lambda one: one.hits[0].probability if one.hits else 0.0)
    assert first(Several(corpora, today.encoder).ask("Where do barn owls nest?")) == first(best)
    nothing = Several(corpora, today.encoder).ask("Who won the football World Cup?")
    assert not nothing.answered


def test_nothing_to_ask(encoder):
    """Without corpora there is no answer, and no error."""
    answer = Several([], encoder).ask(" When  was it? ")
    assert (answer.question, answer.hits) == ("When was it?", ())


def test_a_model_that_is_gone(old):
    """A corpus whose model cannot be had any more is an error that names the remedy, as it always was."""
    corpus = Corpus(old.path(1), HashEncoder(model="today"), create=False)
    with pytest.raises(UserError, match="index --rebuild"):
        Several([corpus], corpus.encoder).ask("Where do barn owls nest?")
