"""Slips of the pen in questions: which are put right, by which words, and which are left alone."""

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.slips import misspelt
from index.article import Article
from index.corpus import Corpus
from index.encoder import Encoder
from index.indexer import Indexer
from index.tokens import Encoded, TokenVectors
from retrieval.question import asked_of
from retrieval.retriever import Retriever
from retrieval.spelling import mended, slips

ROOT = Path(__file__).parent.parent


class Pieces(HashEncoder):
    """Reads every word in two pieces, as a model does a word that it does not know; but for those `known`."""

    known: frozenset[str] = frozenset()

    def read_questions(self, texts):
        return Encoded(self.encode_questions(texts), [self._pieces(text) for text in texts])

    def _pieces(self, text: str) -> TokenVectors:
        spans = []
        for match in re.finditer(r"\w+", text):
            (start, end), word = match.span(), match.group().lower()
            cuts = [end] if word in self.known or len(word) < 3 else [start + 2, end]
            spans += list(zip([start, *cuts], cuts, strict=False))
        return TokenVectors(np.ones((len(spans), self.dimension), np.float32), np.array(spans, np.int32).reshape(-1, 2))


@pytest.fixture
def filled(corpus, encoder, articles):
    Indexer(corpus.store, encoder).sync([str(articles)])
    return corpus


def put_right(question: str, *corpora: Corpus, known: Iterable[str] = (), encoder: Encoder | None = None) -> str:
    """The question as it is searched for."""
    reader = Pieces()
    reader.known = frozenset(known)
    with ExitStack() as stack:
        views = [stack.enter_context(corpus.view()) for corpus in corpora]
        read = (encoder or reader).read_questions([question]).tokens[0]
        return mended(question, slips(question, views, asked_of(question, views, None), read))


@pytest.mark.parametrize(
    "question, searched",
    [
        ("When did the mayor open the Tallow Brigde?", "When did the mayor open the Tallow Bridge?"),  # swapped
        ("How many chicks were riased?", "How many chicks were raised?"),
        ("Which vistors may watch?", "Which visitors may watch?"),  # left out
        ("Where is the bakkery?", "Where is the bakery?"),  # doubled
        ("Where is the bajkery?", "Where is the bakery?"),  # the key beside it, too
        ("Is the vridge green, or the bruvge?", "Is the vridge green, or the bruvge?"),  # first letter; two slips
        ("Is the brifge green?", "Is the bridge green?"),  # the key beside it instead
        ("Is the TALOW bridge green?", "Is the TALLOW bridge green?"),  # in capitals
        ("Where did the onwer get her bakrey?", "Where did the owner get her bakery?"),  # two of them
    ],
)
def test_a_slip_gives_way_to_the_word_that_was_meant(filled, question, searched):
    """What fingers do is put right; all other words stay as they are."""
    assert put_right(question, filled) == searched


@pytest.mark.parametrize(
    "question",
    [
        "When was the Tallow Bridge opened by the mayor?",  # nothing is wrong
        "Is the bread ryee?",  # too short
        "Who discovered penicillin?",  # near nothing here
        "What did Dr. 19322 do in 1923?",  # figures
        "Is it a fridge in Tisbon?",  # begins with another letter
        "Is there a bridle?",  # l is far from g on the keyboard: another word
        "Is the brixxe green?",
        "Where is the bakary?",  # "nitrite" is no "nitrate"
        "Is 'brigde' a word, or »brigde« or ‘brigde’?",
        "When did the Moyor open it?",  # in a name no letter stands for another
        "Who wrote about “the brigde”?",  # quoted
        "Is `brigde` a command?",
        "What is at example.org/brigde or brigde.example.org?",  # addresses
        "What does get_brigde do, or brigde2?",
        "Who is @brigde, #brigde?",
        "???",
        "",
    ],
)
def test_what_is_left_alone(filled, question):
    """Words that the articles have, what no finger does, and what is not to be touched stay as they are."""
    assert put_right(question, filled) == question


def test_a_word_that_the_model_knows_is_no_slip(filled):
    """What the model reads as one word, or as one and an ending, stays, even if the articles have one that is near."""
    question = "Is there a brige?"
    assert put_right(question, filled) == "Is there a bridge?"
    assert put_right(question, filled, known=["brige"]) == question

    class Ending(Pieces):
        def _pieces(self, text):
            return TokenVectors(np.ones((2, 8), np.float32), np.array([[6, 12], [12, 13]], np.int32))

    assert put_right("Which vistors may watch?", filled, encoder=Ending()) == "Which vistors may watch?"


def test_without_tokens_nothing_is_put_right(filled):
    """Where nothing tells words that are right but rare from slips, none is changed."""

    class Blind(HashEncoder):
        def read_questions(self, texts):
            return Encoded(self.encode_questions(texts), [TokenVectors.none()] * len(texts))

    assert put_right("Is there a brigde?", filled, encoder=Blind()) == "Is there a brigde?"


@pytest.mark.model
@pytest.mark.parametrize(
    "text, question, searched",
    [
        ("About forty million people live in Ukraine.", "How many people are untrained?", None),
        ("The search takes two hours and is made by volunteers.", "How is starch made?", None),
        ("Elton Square was built in 1969.", "When was Eldon Square built?", None),
        ("The Canadian islands lie off the coast.", "Where do the Canarian Islands lie?", None),
        ("Fort Colin was destroyed in 1560.", "When was Fort Coligny destroyed?", None),
        ("He pays his bills on Friday.", "Who wrote the bible?", None),
        ("The group made private plans.", "Which primates make plans?", None),
        ("The mill stands on the hill, and the meal is ground there.", "Wann brannte die Mühle?", None),
        ("The miller steps aside.", "¿Cuántas personas fueron evacuadas durante la tormenta?", None),
        ("Hyperglycemia means too much sugar in the blood.", "What is hypoglycemia?", None),
        ("Methanol is poisonous.", "Is methanal poisonous?", None),
        ("Sandpaper is rough.", "What is a sandpiper?", None),
        ("The passphrase is long.", "How long is the pasphrase?", "How long is the passphrase?"),
        ("The lieutenant left.", "When did the liutenant leave?", "When did the lieutenant leave?"),
        ("The lighthouse on Skarholm is white.", "What colour is the lighthuose?", "What colour is the lighthouse?"),
        ("The lighthouse on Skarholm is white.", "Where is Skarhlom?", "Where is Skarholm?"),
        ("The exhibition opened in May.", "When did the exibitoin open?", "When did the exhibition open?"),
    ],
)
def test_with_the_real_model(model_encoder, tmp_path, text, question, searched):
    """Words that are right stay as they are, known to the articles or not; slips are put right, in names, too."""
    corpus = Corpus(tmp_path / "corpus.db", model_encoder)
    Indexer(corpus.store, model_encoder).add_articles([Article("/a", "", text)])
    answer = Retriever([corpus], model_encoder).ask(question)
    corpus.close()
    assert answer.searched == searched


def test_longer_words_may_have_two_slips(corpus, encoder):
    """From nine letters on two slips are put right, but not three; of words equally near the commonest is meant."""
    texts = ["The exhibition opened.", "A grandmother knits.", "The barn.", "The bark, the bark.", "Bark is brown."]
    Indexer(corpus.store, encoder).add_articles([Article(f"/{i}", "", text) for i, text in enumerate(texts)])
    assert put_right("When did the exibitoin open?", corpus) == "When did the exhibition open?"
    assert put_right("Does gransmother knit?", corpus) == "Does grandmother knit?"
    assert put_right("Does granmothre knit?", corpus) == "Does grandmother knit?"
    assert put_right("Does gramnothre knit?", corpus) == "Does gramnothre knit?"


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
    one = Retriever(library.askable(1), Pieces())
    for question, searched in (
        ("Is the lighthuose white?", None),
        ("Where is the bakrey?", "Where is the bakery?"),
        ("How old is the harbuor?", "How old is the harbour?"),
    ):
        assert one.ask(question).searched == searched


def test_the_answer_tells_what_was_searched_for(filled):
    """A slip changes the ranking to that of the question without it, and is told; so in a follow-up."""
    retriever = Retriever([filled], Pieces())
    right = retriever.ask("When was the Tallow Bridge opened?")
    wrong = retriever.ask("When was the Tallow Brigde opened?")
    assert (right.searched, wrong.searched) == (None, "When was the Tallow Bridge opened?")
    assert wrong.question == "When was the Tallow Brigde opened?"
    assert [one.citation for one in (*right.hits, right.nearest) if one] == [
        one.citation for one in (*wrong.hits, wrong.nearest) if one
    ]
    follow = retriever.ask("And who opende it?", previous=["When was the Tallow Bridge painted?"])
    assert follow.searched is not None and "opened it" in follow.searched and "Tallow Bridge" in follow.searched


def test_a_long_question_is_not_told_as_another(filled):
    """A question that is longer than what is read of it was searched for all the same."""
    assert Retriever([filled], Pieces()).ask("When was the bridge opened? " * 100).searched is None


@given(
    st.lists(st.text(alphabet="abcé?, ", max_size=9)),
    st.dictionaries(st.text("abcé", min_size=5, max_size=7), st.text("xyz", min_size=1, max_size=3), max_size=4),
)
def test_nothing_but_the_words_changes(parts, found):
    """Whole words give way, each everywhere; whatever is between them stays."""
    text = " ".join([*parts, *found])
    letters = re.compile(r"[^\W\d_]+")
    result = mended(text, found)
    assert letters.split(result) == letters.split(text)
    assert letters.findall(result) == [found.get(word, word) for word in letters.findall(text)]


def test_what_is_never_changed_stays_beside_a_slip(filled):
    """A slip is put right where it stands free, and not where the same letters are quoted or part of something else."""
    question = "Does “brigde” at example.org/brigde, get_brigde or #brigde mean the brigde?"
    assert put_right(question, filled) == question.replace("the brigde", "the bridge")


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
