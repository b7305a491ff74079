"""A question to one article alone: what is found there is what a look through all of it would find, and no more."""

import random

import numpy as np
import pytest
from conftest import HashEncoder, stored_vectors
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import Article
from index.corpus import Corpus, Library
from index.indexer import Indexer
from index.lexical import question_terms
from index.vectors import VectorIndex
from index.yardstick import Scale
from retrieval.candidates import Query, Within, find
from retrieval.retriever import Only, Retriever
from retrieval.several import Several

WORDS = "owl bridge bread moon tide mill tower starter oven river ferry island lamp keeper north".split()
CROWD = 150  # articles about one thing, more than are ever candidates


def sentence(drawn, length=6):
    return " ".join(drawn.choice(WORDS) for _ in range(length)).capitalize() + "."


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A corpus of many articles of chance words, a heading in each, and a second corpus beside it."""
    drawn = random.Random(7)
    library = Library(tmp_path_factory.mktemp("crowded"), HashEncoder())
    for server, count in ((None, 60), (1, 5)):
        articles = [
            Article(
                f"/{server}/{n}",
                f"Number {n}",
                "What it says\n" + "\n\n".join(" ".join(sentence(drawn) for _ in range(4)) for _ in range(n % 5 + 1)),
            )
            for n in range(count)
        ]
        Indexer(library.corpus(server, create=True).store, library.encoder).add_articles(articles)
    yield library
    library.close()


def query(encoder, question):
    vector = encoder.encode_questions([question])[0]
    return Query(vector, question_terms(question), Scale(0.0, 1.0))


def keys(found):
    return {(found.views[of].store.path, key): i for i, (of, key) in enumerate(zip(found.of, found.ids, strict=True))}


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), number=st.integers(0, 59))
def test_the_same_as_a_look_through_everything(crowded, words, number):
    """An article's candidates are all its sentences, with the evidence and weights that they have among all others."""
    encoder, question = crowded.encoder, " ".join(words)
    corpus = crowded.corpus(None)
    article = next(one for one in corpus.store.articles() if one.source == f"/None/{number}")
    with corpus.view() as operators, crowded.corpus(1).view() as own:
        views = [own, operators]
        everything = find(views, query(encoder, question), 10_000)
        restricted = find(views, query(encoder, question), 10_000, Within(operators, article.id))
        assert restricted.weights == everything.weights
        every, some = keys(everything), keys(restricted)
        own_ids = {key for key, i in every.items() if everything.articles[i] == article.id} & {
            (operators.store.path, one) for one in corpus.store.ids_of("sentence", article.id)
        }
        assert set(some) == own_ids
        for key, i in some.items():
            np.testing.assert_allclose(restricted.features[i], everything.features[every[key]], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), number=st.integers(0, 59), k=st.integers(1, 6))
def test_the_nearest_within_an_article(crowded, words, number, k):
    """Of an article with more sentences than are wanted, the nearest by cosine are among the candidates."""
    corpus = crowded.corpus(None)
    article = next(one for one in corpus.store.articles() if one.source == f"/None/{number}")
    asked = query(crowded.encoder, " ".join(words))
    with corpus.view() as view:
        found = find([view], asked, k, Within(view, article.id))
        stored = stored_vectors(corpus.store, [article.id])
        headings = {one.id for one in corpus.store.sentences(stored.ids.tolist()).values() if one.is_heading}
        cosines = stored.vectors.astype(np.float32) @ asked.vector
        least = float(np.sort(cosines)[-min(k, len(cosines))])  # of those as near as the last, any may be left out
        nearest = {int(key) for key, cosine in zip(stored.ids, cosines, strict=True) if cosine > least + 1e-6}
        assert nearest - headings <= set(found.ids.tolist())
        assert set(found.articles.tolist()) <= {article.id}


def test_vectors_within_a_range_of_ids():
    """A search within a range of ids is that of an index which holds nothing else."""
    vectors = np.random.default_rng(2).normal(size=(300, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.random.default_rng(3).permutation(1_000)[:300]
    index = VectorIndex(16)
    index.add(ids, vectors)
    for within in (range(0), range(5, 6), range(100, 400), range(990, 2_000), range(5_000, 5_001)):
        held = np.array([key in within for key in ids])
        alone = VectorIndex(16)
        alone.add(ids[held], vectors[held])
        for question in vectors[:10]:
            some, only = index.search(question, 7, within), alone.search(question, 7)
            assert some.ids.tolist() == only.ids.tolist()
            np.testing.assert_allclose(some.scores, only.scores, atol=1e-6)


def test_text_within_a_range_of_ids(crowded):
    """Terms are looked up in a range of ids in the order that they have among all."""
    store = crowded.corpus(None).store
    every = store.search_text("sentence", ["owl", "tide"], 10_000)
    for within in (range(0), range(10, 40), range(40, 41), range(1, 10**9)):
        assert store.search_text("sentence", ["owl", "tide"], 10_000, within) == [one for one in every if one in within]
        assert store.search_text("sentence", ["owl", "tide"], 3, within) == [one for one in every if one in within][:3]


@pytest.fixture
def branches(library, encoder):
    """A crowd of articles that answer one question well, and one that answers it worse."""
    corpus = library.corpus(None, create=True)
    text = "The library of branch {n} opens at {n} in the morning. It has {n} shelves."
    articles = [Article(f"/{n}", f"Branch {n}", text.format(n=n)) for n in range(CROWD)]
    small = Article("/hut", "The hut", "The hut by the pond opens late in the morning, as the library does.")
    Indexer(corpus.store, encoder).add_articles([*articles, small])
    return library


def the(library, source) -> Only:
    corpus = library.corpus(None)
    return Only(corpus, next(one.id for one in corpus.store.articles() if one.source == source))


def test_however_small_its_share(branches):
    """An article whose sentences are not among the best of all answers when it is asked alone."""
    corpora = branches.askable(None)
    question = "When does the library of the branch open in the morning?"
    asking = Retriever(corpora, branches.encoder, precision=0.5)
    everywhere = asking.rank(question, top=200)
    assert all(one.article.source != "/hut" for group in everywhere for one in group)
    alone = asking.ask(question, only=the(branches, "/hut"))
    found = [*alone.hits, *filter(None, [alone.nearest])]
    assert [hit.citation.article.source for hit in found] == ["/hut"]
    for hit in asking.ask(question, top=10, only=the(branches, "/7")).hits:
        assert hit.citation.article.source == "/7"
        assert hit.also_in == hit.differing == ()


def test_what_the_article_does_not_say(branches):
    """An article that does not answer is no more sure of it for being asked alone, though another one answers."""
    question = "How many shelves does the library of branch 7 have?"
    asking = Retriever(branches.askable(None), branches.encoder)
    assert asking.ask(question).answered
    assert not asking.ask(question, only=the(branches, "/hut")).answered
    assert not asking.ask("Who won the football World Cup?", only=the(branches, "/7")).answered


def test_an_article_that_is_not_there(branches, tmp_path, encoder):
    """An article that is gone, or of a corpus that is not asked, answers nothing, and none answers in its place."""
    question = "When does the library of branch 7 open in the morning?"
    own = the(branches, "/7")
    other = Corpus(tmp_path / "other.db", encoder)
    Indexer(other.store, encoder).add_articles([Article("/x", "X", "The library of branch 7 opens at 7.")])
    for asking in (Retriever, Several):
        corpora = branches.askable(None)
        assert asking(corpora, encoder).ask(question, only=own).answered
        for only in (Only(own.corpus, 10**6), Only(other, 1)):
            answer = asking(corpora, encoder).ask(question, only=only)
            assert not answer.hits and answer.nearest is None
    other.close()
