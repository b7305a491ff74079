"""From question to answer, on a deterministic encoder: evidence, order, grouping, bands and citations."""

import math
import threading
from collections import Counter
from datetime import date

import numpy as np
import pytest
from conftest import HashEncoder, stored_vectors
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import Article
from index.corpus import Corpus
from index.indexer import Indexer
from index.lexical import question_terms, terms
from index.yardstick import Scale
from retrieval.answer import Answer
from retrieval.candidates import FEATURES, Query, find
from retrieval.evidence import EVIDENCE
from retrieval.retriever import Retriever

TIDES = Article(
    "/tides",
    "Tides",
    "The moon pulls the sea. High water comes twice a day.\nSpring tides follow the full moon. Neap tides are weak.",
    url="https://example.org/tides",
    published=date(2025, 3, 1),
)
BREAD = Article(
    "/bread", "Bread", "Rye bread needs a sour starter. The oven must be hot.\nLet the bread cool for an hour."
)


@pytest.fixture
def filled(library, corpus, encoder):
    Indexer(corpus.store, encoder).add_articles([TIDES, BREAD])
    return library


def ask(library, question: str, top: int = 3, encoder=None) -> Answer:
    return Retriever(library.askable(None), encoder or HashEncoder()).ask(question, top=top)


def test_a_hit_quotes_its_article_to_the_letter(filled):
    """A hit's text is the article's slice, and it carries title, link, date and both neighbours."""
    hit = ask(filled, "When does high water come?").hits[0]
    citation = hit.citation
    assert citation.text == "High water comes twice a day." == TIDES.text[citation.start : citation.end]
    article = citation.article
    assert (article.title, article.url, article.published) == ("Tides", TIDES.url, TIDES.published)
    assert (hit.before, hit.after) == ("The moon pulls the sea.", "Spring tides follow the full moon.")


def test_the_first_and_last_sentence_have_one_neighbour(filled):
    """Neighbours do not reach into another article."""
    assert ask(filled, "What pulls the sea? the moon").hits[0].before is None
    assert ask(filled, "let the bread cool for an hour").hits[0].after is None


@pytest.mark.parametrize("question", ["Who won the football World Cup?", "", "   ", "???", "\x00", "the of and"])
def test_nothing_found_is_an_answer(filled, question):
    """A question that no sentence answers, or that asks nothing, gets an empty answer and no error."""
    answer = ask(filled, question)
    assert not answer.answered and answer.hits == () and answer.confidence is None


def test_an_empty_library_answers_nothing(library, corpus):
    """Without any article there is nothing to find, and no corpus at all is no error either."""
    assert not ask(library, "Anything?").answered
    assert not Retriever([], HashEncoder()).ask("Anything?").answered


def test_top_bounds_the_hits(filled):
    """No more hits than asked for, best first."""
    hits = ask(filled, "tides moon sea water bread oven", top=2).hits
    assert len(hits) <= 2
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_very_long_question_is_answered(filled):
    """A question of any length is cut to what the model reads."""
    assert ask(filled, "high water comes twice a day " * 2_000).answered


def reference_bm25(question: list[str], documents: list[list[str]]) -> list[float]:
    """BM25 as in the textbook, over the bound for the question."""
    average = sum(map(len, documents)) / len(documents)
    scores = []
    idf = {}
    for term in question:
        holding = sum(term in document for document in documents)
        idf[term] = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
    for document in documents:
        counts = Counter(document)
        score = 0.0
        for term in question:
            frequency = counts[term]
            score += idf[term] * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(document) / average))
        scores.append(score / (2.2 * sum(idf.values())))
    return scores


def test_evidence_equals_the_slow_obvious_way(filled, corpus):
    """Every feature of every candidate equals what a plain computation over all sentences gives."""
    question = "When do spring tides follow the moon?"
    words = question_terms(question)
    encoder = HashEncoder()
    scale = encoder.yardstick.cosine
    vector = encoder.encode_questions([question])[0]
    with corpus.view() as view:
        found = find([view], Query(vector, words, scale), 100)
        everything = view.store.sentences(stored_vectors(view.store).ids.tolist())
        read = found.read()
    assert list(read) == list(range(7)) and len(everything) == len(found) == 7
    paragraphs: dict[int, list] = {}
    for sentence in everything.values():
        paragraphs.setdefault(sentence.paragraph_id, []).append(sentence)
    article = {1: TIDES, 2: BREAD}
    bodies = {
        key: terms(article[group[0].article_id].title) + [term for one in group for term in one.terms.split()]
        for key, group in paragraphs.items()
    }
    sentence_scores = dict(
        zip(everything, reference_bm25(words, [s.terms.split() for s in everything.values()]), strict=True)
    )
    paragraph_scores = dict(zip(bodies, reference_bm25(words, list(bodies.values())), strict=True))
    for number, (features, around) in enumerate(zip(found.features, found.around, strict=True)):
        sentence = read[number].sentence
        row = dict(zip(FEATURES, features, strict=True))
        mean = np.sum([one.vector.astype(np.float32) for one in paragraphs[sentence.paragraph_id]], axis=0)
        text = article[sentence.article_id].text[sentence.start : sentence.end]
        assert sentence.terms.split() == terms(text)
        cosine = float(sentence.vector.astype(np.float32) @ vector)
        assert row["dense"] == pytest.approx(float(scale.of(cosine)), abs=1e-5)
        cosine = float(mean @ vector / np.linalg.norm(mean))
        assert row["dense_paragraph"] == pytest.approx(float(scale.of(cosine)), abs=5e-3)
        assert row["bm25"] == pytest.approx(sentence_scores[sentence.id])
        assert row["bm25_paragraph"] == pytest.approx(paragraph_scores[sentence.paragraph_id])
        assert 0 <= row["bm25"] <= 1
        assert [word for word, is_there in zip(words, around, strict=True) if is_there] == [
            word for word in words if word in bodies[sentence.paragraph_id]
        ]


def test_evidence_does_not_depend_on_how_articles_are_spread(library, encoder):
    """Two corpora give each sentence the evidence that it would have if all stood in one."""
    together = library.corpus(None, create=True)
    Indexer(together.store, encoder).add_articles([TIDES, BREAD])
    apart = [library.corpus(server, create=True) for server in (1, 2)]
    for corpus, article in zip(apart, (TIDES, BREAD), strict=True):
        Indexer(corpus.store, encoder).add_articles([article])
    question = "Why must the oven be hot for rye bread?"
    one, two = Retriever([together], encoder).rank(question), Retriever(apart, encoder).rank(question)
    assert [group[0].candidate.sentence.terms for group in one] == [group[0].candidate.sentence.terms for group in two]
    np.testing.assert_allclose([group[0].features for group in one], [group[0].features for group in two])


def test_the_same_sentence_in_two_articles_is_one_hit(library, corpus, encoder):
    """Identical sentences become one hit that names both places."""
    copy = Article("/copy", "Copied", TIDES.text.split("\n")[0], states_title=False)
    Indexer(corpus.store, encoder).add_articles([TIDES, BREAD, copy])
    answer = ask(library, "How often does high water come a day?")
    best = answer.hits[0]
    assert {best.citation.article.source, *(one.article.source for one in best.also_in)} == {"/tides", "/copy"}
    assert [hit.citation.text for hit in answer.hits].count(best.citation.text) == 1
    for citation in best.also_in:
        assert citation.text == copy.text[citation.start : citation.end] or citation.text in TIDES.text


QUESTIONS = (
    "When does high water come?",
    "Why must the oven be hot for rye bread?",
    "How weak are neap tides?",
    "How long does the moon cool?",
    "Which starter follows the sea?",
    "Who won the football World Cup?",
)


def test_what_is_not_sure_enough_is_not_shown(filled):
    """The wanted precision sets a threshold: at or above it there is an answer, and below it nothing is found."""
    seen = set()
    for precision in (0.5, 0.7, 0.8, 0.95):
        retriever = Retriever(filled.askable(None), HashEncoder(), precision=precision)
        for question in QUESTIONS:
            first = retriever.rank(question, top=1)[0][0]
            answer = retriever.ask(question)
            assert answer.answered is bool(first.probability >= first.lowest)
            assert all(0 <= hit.probability <= 1 for hit in answer.hits)
            seen.add(answer.answered)
    assert seen == {True, False}


def test_a_higher_precision_shows_no_more(filled):
    """A higher precision raises the threshold, so that it answers none of the questions that a lower one leaves."""
    precisions = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    retrievers = [Retriever(filled.askable(None), HashEncoder(), precision=one) for one in precisions]
    lowest = [retriever.rank(QUESTIONS[0], top=1)[0][0].lowest for retriever in retrievers]
    assert lowest == sorted(lowest) and lowest[0] < lowest[-1]
    answered = [{one for one in QUESTIONS if retriever.ask(one).answered} for retriever in retrievers]
    for fewer, more in zip(answered[1:], answered, strict=False):
        assert fewer <= more


@settings(max_examples=60, deadline=None)
@given(question=st.text(max_size=80))
def test_any_text_can_be_asked(shared_library, question):
    """No question text raises, whatever characters it is made of."""
    for hit in ask(shared_library, question).hits:
        assert hit.citation.text


@pytest.fixture(scope="module")
def shared_library(tmp_path_factory):
    from index.corpus import Library

    encoder = HashEncoder()
    library = Library(tmp_path_factory.mktemp("shared"), encoder)
    Indexer(library.corpus(None, create=True).store, encoder).add_articles([TIDES, BREAD])
    yield library
    library.close()


def test_many_threads_get_the_same_answer(filled):
    """`ask` may be called from any thread: all get what one alone gets."""
    question = "When do spring tides follow the full moon?"
    retriever = Retriever(filled.askable(None), HashEncoder())
    expected = retriever.ask(question)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(retriever.ask(question))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 12


class GivenEncoder(HashEncoder):
    """Vectors as given for each text; (-1, 0) for any other."""

    def __init__(self, vectors: dict[str, tuple[float, float]]) -> None:
        super().__init__(2)
        self._vectors = vectors

    def _encode(self, texts):
        return np.array([self._vectors.get(text, (-1.0, 0.0)) for text in texts], np.float32)


def test_each_kind_of_evidence_brings_candidates(tmp_path):
    """The best by cosine and by BM25, of sentences and of paragraphs, are each found, though the others miss them."""
    near = {"Alpha.": (0.9, math.sqrt(1 - 0.81)), "Beta.": (0.8, 0.6), "Gamma.": (0.8, -0.6)}
    far = {"Zebra yak.": (0.0, 1.0), "Zebra.": (0.0, -1.0), "Yak.": (0.0, -1.0)}
    encoder = GivenEncoder({**near, **far, "question": (1.0, 0.0)})
    corpus = Corpus(tmp_path / "corpus.db", encoder)
    filler = " ".join(f"Nothing number{letter} is told here." for letter in "abcdefgh")
    texts = ["Alpha.", "Beta. Gamma.", f"Zebra yak. {filler}", "Zebra. Yak."]
    articles = [Article(f"/{n}", "", text, states_title=False) for n, text in enumerate(texts)]
    Indexer(corpus.store, encoder).add_articles(articles)
    with corpus.view() as view:
        vector = encoder.encode_questions(["question"])[0]
        found = find([view], Query(vector, ["zebra", "yak"], Scale(0, 1)), 1).read().values()
    assert {one.sentence.terms for one in found} == {"alpha", "beta", "gamma", "zebra yak", "zebra", "yak"}
    corpus.close()


def test_a_common_word_is_not_searched_for(library, encoder, monkeypatch):
    """Terms that would cost too much are left to the evidence: the rare ones find the sentence, and all count."""
    monkeypatch.setattr("retrieval.candidates._MOST_POSTINGS", 10)
    corpus = library.corpus(None, create=True)
    text = " ".join(f"The common owl number{n} sleeps." for n in range(40)) + " The common lynx hunts."
    Indexer(corpus.store, encoder).add_articles([Article("/a", "", text, states_title=False)])
    searched = []
    search = corpus.store.search_text
    monkeypatch.setattr(
        corpus.store, "search_text", lambda unit, terms, *rest: searched.append(terms) or search(unit, terms, *rest)
    )
    best = Retriever([corpus], encoder).rank("common lynx", top=1)[0][0]
    assert best.candidate.sentence.terms == "the common lynx hunt"
    assert searched[0] == ["lynx"]
    assert dict(zip(EVIDENCE, best.features, strict=True))["coverage"] == pytest.approx(1)


def test_a_heading_is_no_answer_but_helps_to_find_it(library, encoder):
    """A heading that says just what is asked is not shown; the sentence below it is, for its paragraph says it."""
    corpus = library.corpus(None, create=True)
    text = "Opening hours of the mill\nFrom Monday to Friday, nine to five.\n\nGetting there\nTake the ferry."
    Indexer(corpus.store, encoder).add_articles([Article("/mill", "Mill", text), TIDES, BREAD])
    best = Retriever([corpus], encoder).rank("What are the opening hours of the mill?", top=10)
    texts = [text[one[0].candidate.sentence.start : one[0].candidate.sentence.end] for one in best]
    assert texts[0] == "From Monday to Friday, nine to five."
    assert "Opening hours of the mill" not in texts and "Getting there" not in texts


def test_a_question_in_a_language_that_the_model_does_not_know(library, corpus):
    """It is answered by the words it shares with an article, and its language is named; else it is not."""

    class English(HashEncoder):
        languages = frozenset({"en"})

    german = Article(
        "/fähre", "Fähre", "Die Fähre fährt im Sommer jede Stunde. Hunde dürfen auf der Insel frei laufen."
    )
    Indexer(corpus.store, HashEncoder()).add_articles([TIDES, german])
    answer = ask(library, "Wie oft fährt die Fähre im Sommer?", encoder=English())
    assert answer.hits[0].citation.text == "Die Fähre fährt im Sommer jede Stunde."
    assert answer.foreign_language == "German"
    assert ask(library, "When does high water come?", encoder=English()).foreign_language is None
    assert ask(library, "Wie oft fährt die Fähre im Sommer?").foreign_language is None
    assert ask(library, "Moldova", encoder=English()).foreign_language is None


def test_a_model_that_does_not_know_the_language_does_not_order(library, corpus):
    """Where question and articles are in a language unknown to the model, words alone decide, whatever it makes of
    them."""

    class English(HashEncoder):
        languages: frozenset[str] | None = frozenset({"en"})

    class Misled(English):
        """Finds a question nearest to what it has nothing to do with."""

        yardstick = HashEncoder().yardstick

        def read_questions(self, texts):
            return self.read_passages(["Hunde dürfen auf der Insel frei laufen."] * len(texts))

    class Believed(Misled):
        languages = None

    text = "Hunde dürfen auf der Insel frei laufen. Karten gibt es nur am Hafen."
    Indexer(corpus.store, HashEncoder()).add_articles([TIDES, Article("/insel", "Insel", text, states_title=False)])

    def ranked(encoder) -> dict[str, tuple[float, float]]:
        groups = Retriever(library.askable(None), encoder).rank("Gibt es Karten am Hafen oder im Hotel?")
        return {group[0].candidate.sentence.terms: (group[0].score, group[0].probability) for group in groups}

    words = ranked(English())
    assert next(iter(words)).startswith("kart")
    assert ranked(Misled()) == words
    assert ranked(Believed()) != words
