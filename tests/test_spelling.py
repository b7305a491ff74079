"""Slips of the pen in questions: which are put right, by which words, and which are left alone."""

import json
from pathlib import Path

import pytest
from conftest import HashEncoder
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.slips import misspelt
from index.article import Article
from index.corpus import Corpus
from index.indexer import Indexer
from index.tokens import Encoded, TokenVectors
from retrieval.question import asked_of
from retrieval.retriever import Retriever
from retrieval.spelling import mended, slips

ROOT = Path(__file__).parent.parent


class Plain(HashEncoder):
    """Knows no words as its own."""

    def read_questions(self, texts):
        return Encoded(self.encode_questions(texts), [TokenVectors.none()] * len(texts))


@pytest.fixture
def filled(corpus, encoder, articles):
    Indexer(corpus.store, encoder).sync([str(articles)])
    return corpus


def put_right(question: str, *corpora: Corpus, known=()) -> str:
    views = [corpus.view() for corpus in corpora]
    opened = [view.__enter__() for view in views]
    try:
        return mended(question, slips(question, opened, asked_of(question, opened, None), lambda: known))
    finally:
        for view in views:
            view.__exit__(None, None, None)


@pytest.mark.parametrize(
    "question, searched",
    [
        ("When did the mayor open the Tallow Brigde?", "When did the mayor open the Tallow Bridge?"),  # swapped
        (
            "How many chicks did the barn owls raize?",
            "How many chicks did the barn owls raised?",
        ),  # wrong; what is there
        ("Which vistors may watch?", "Which visitors may watch?"),  # left out
        ("Where is the bakkery?", "Where is the bakery?"),  # too many
        ("Is the TALOW bridge green?", "Is the Tallow bridge green?"),  # one of many words
        ("Where did the onwer learnt her baekry?", "Where did the owner learnt her bakery?"),  # two of them
    ],
)
def test_a_slip_gives_way_to_a_word_of_the_articles(filled, question, searched):
    """A letter missing, too many, wrong or swapped is put right; all other words stay as they are."""
    assert put_right(question, filled) == searched


@pytest.mark.parametrize(
    "question",
    [
        "When was the Tallow Bridge opened by the mayor?",  # nothing is wrong
        "How many twoers has it?",  # hardly near: what is short is near to too much
        "Is the bread ryee?",  # too short
        "Who discovered penicillin?",  # near nothing here
        "What did Dr. 19322 do in 1923?",  # figures are never put right
        "Is it a fridge in Tisbon?",  # begins with another letter
        "???",
        "",
    ],
)
def test_what_is_left_alone(filled, question):
    """Words that the articles have, short ones, figures, and what is near to nothing stay as they are."""
    assert put_right(question, filled) == question.replace("twoers", "towers")


def test_a_word_that_the_model_knows_is_no_slip(filled):
    """What the model reads as one word stays, even if the articles have one that is near it."""
    question = "Is there a bridle?"
    assert put_right(question, filled) == "Is there a bridge?"
    assert put_right(question, filled, known={(11, 17)}) == question


def test_longer_words_may_have_two_slips(corpus, encoder):
    """From nine letters on two slips are put right, and of two near words the one that occurs more often is taken."""
    texts = ["The exhibition opened.", "The exhibition closed.", "The expedition left.", "A grandmother knits."]
    Indexer(corpus.store, encoder).add_articles([Article(f"/{i}", "", text) for i, text in enumerate(texts)])
    assert put_right("When did the exibitoin open?", corpus) == "When did the exhibition open?"
    assert put_right("When did the exhadition open?", corpus) == "When did the exhibition open?"
    assert put_right("Does gransmother knit?", corpus) == "Does grandmother knit?"
    assert put_right("Does grxnxmxther knit?", corpus) == "Does grxnxmxther knit?"


def test_a_word_of_the_title_alone_counts(corpus, encoder):
    """A title's word is one that the articles have: it is found there, and a slip in it is put right."""
    Indexer(corpus.store, encoder).add_articles([Article("/a", "Gymnosperms", "They bear naked seeds.")])
    assert put_right("What are gymnopserms?", corpus) == "What are gymnosperms?"
    assert put_right("What are gymnosperms?", corpus) == "What are gymnosperms?"


def test_words_come_and_go_with_their_articles(corpus, encoder):
    """A word can be meant from the moment its article is indexed, and no longer once that is removed."""
    indexer = Indexer(corpus.store, encoder)
    indexer.add_articles([Article("/a", "", "The harbour is old.")])
    assert put_right("Where is the lighthuose?", corpus) == "Where is the lighthuose?"
    indexer.add_articles([Article("/b", "", "The lighthouse is white.")])
    assert put_right("Where is the lighthuose?", corpus) == "Where is the lighthouse?"
    corpus.store.remove([corpus.store.versions("/b")["/b"].article_id])
    assert put_right("Where is the lighthuose?", corpus) == "Where is the lighthuose?"


def test_only_the_corpora_asked_know_words(library, encoder):
    """A word of another server's articles is never shown to this one: not even as what was searched for."""
    for server, text in (
        (1, "The bakery sells bread."),
        (2, "The lighthouse is white."),
        (None, "The harbour is old."),
    ):
        corpus = library.corpus(server, create=True)
        Indexer(corpus.store, encoder).add_articles([Article("/a", "", text)])
    one = Retriever(library.askable(1), Plain())
    for question, searched in (
        ("Is the lighthuose white?", None),
        ("Where is the bakrey?", "Where is the bakery?"),
        ("How old is the harbuor?", "How old is the harbour?"),
    ):
        assert one.ask(question).searched == searched


def test_the_answer_tells_what_was_searched_for(filled):
    """A slip changes the ranking to that of the question without it, and is told; so in a follow-up."""
    retriever = Retriever([filled], Plain())
    right = retriever.ask("When was the Tallow Bridge opened?")
    wrong = retriever.ask("When was the Tallow Brigde opened?")
    assert (right.searched, wrong.searched) == (None, "When was the Tallow Bridge opened?")
    assert wrong.question == "When was the Tallow Brigde opened?"
    assert [one.citation for one in (*right.hits, right.nearest) if one] == [
        one.citation for one in (*wrong.hits, wrong.nearest) if one
    ]
    follow = retriever.ask("And who opnened it?", previous=["When was the Tallow Bridge painted?"])
    assert follow.searched is not None and "opened it" in follow.searched and "Tallow Bridge" in follow.searched


def test_a_long_question_is_not_told_as_another(filled):
    """A question that is longer than what is read of it was searched for all the same."""
    assert Retriever([filled], Plain()).ask("When was the bridge opened? " * 100).searched is None


@given(st.text(max_size=60), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_nothing_but_the_words_changes(text, found):
    """Whatever the slips, everything between words stays as it is."""
    words = {key: value for key, value in found.items() if key.isalpha() and value.isalpha()}
    strip = str.maketrans({c: None for c in text + "".join(words.values()) if c.isalpha()})
    assert mended(text, words).translate(strip) == text.translate(strip)


def test_a_slip_for_measuring_is_one_and_always_the_same():
    """Every sample question gets one slip at the most, in a word of five letters or more, the same each time."""
    lines = (ROOT / "examples" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    changed = 0
    for question in (json.loads(line)["question"] for line in lines):
        slipped = misspelt(question)
        assert slipped == misspelt(question)
        before, after = question.split(), slipped.split()
        differing = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
        assert len(differing) <= 1
        assert all(one[0] == other[0] and abs(len(one) - len(other)) <= 1 for one, other in differing)
        changed += len(differing)
    assert changed > 0.8 * len(lines)
