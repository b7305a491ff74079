"""Text into index terms: the same on both sides, and nothing that SQLite's tokenizer could take apart."""

import re
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import stopwords
from index.lexical import STOPWORDS, question_terms, terms
from index.schema import MIGRATIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Missiles were killing", ["missil", "were", "kill"]),
        ("U.S. and U.K. troops", ["us", "and", "uk", "troop"]),
        ("$2.4 billion, 10,570 people", ["2.4", "billion", "10570", "peopl"]),
        ("2,5 Prozent", ["2.5", "prozent"]),
        ("NATO's plants’ don't", ["nato", "plant", "dont"]),
        ("naïve Ünïon ﬁne", ["naiv", "union", "fine"]),
        ("snake_case air-defense 155mm", ["snake", "case", "air", "defens", "155", "mm"]),
        ("北京大学 x", ["北京", "京大", "大学", "x"]),
        ("ο λόγος, ΛΟΓΟΣ", ["ο", "λογοσ", "λογοσ"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("جُملة جملة", ["جملة", "جملة"]),
        ("Straße STRASSE", ["strass", "strass"]),
        ("", []),
        ("… — !", []),
    ],
)
def test_terms(text, expected):
    """Case, accents, inflection, acronyms, figures and CJK text come out as one would look them up."""
    assert terms(text) == expected


def test_a_question_keeps_what_tells():
    """Stopwords and repetitions are left out of a question."""
    assert question_terms("What is the price of the Storm Shadow, the Storm Shadow missile?") == [
        "price",
        "storm",
        "shadow",
        "missil",
    ]


def test_a_question_of_stopwords_keeps_them():
    """A question made of nothing but stopwords is still looked up."""
    assert question_terms("Who is who?") == ["who", "is"]
    assert question_terms("?!") == []


def test_stopwords_are_written_as_words_come():
    """Every stopword is one lower-case word, so that none is dead."""
    assert all(word == word.lower() and len(word.split()) == 1 for word in STOPWORDS)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_sqlite_keeps_every_term_whole(text):
    """SQLite's tokenizer keeps each term as it is: a query of it finds it, and the vocabulary lists it."""
    connection = sqlite3.connect(":memory:")
    connection.execute(re.search(r"CREATE VIRTUAL TABLE sentence_text[^;]*;", MIGRATIONS[0]).group())
    found = terms(text)
    connection.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab (sentence_text, row)")
    connection.execute("INSERT INTO sentence_text (rowid, terms) VALUES (1, ?)", (" ".join(found),))
    for term in set(found):
        assert " " not in term and '"' not in term
        query = "SELECT count(*) FROM sentence_text WHERE sentence_text MATCH ?"
        assert connection.execute(query, (f'"{term}"',)).fetchone() == (1,), term
    assert {row[0] for row in connection.execute("SELECT term FROM vocabulary")} == set(found)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (
            "Die Häuser der 10.570 Familien, 2,5 Prozent",
            "de",
            ["die", "haus", "der", "10570", "famili", "2.5", "prozent"],
        ),
        ("L’homme de l'année", "fr", ["l", "homm", "de", "l", "anne"]),
        ("Последние поезда, последний поезд", "ru", ["последн", "поезд", "последн", "поезд"]),
        ("revoluciones, revolución", "es", ["revolu", "revolu"]),
        ("U.S. troops", "es", ["us", "troops"]),
        ("Київ сьогодні trains", "uk", terms("Київ сьогодні trains")),
        ("北京大学 trains", "zh", terms("北京大学 trains")),
        ("The trains", "xx", terms("The trains")),
    ],
)
def test_terms_of_other_languages(text, language, expected):
    """Words are stemmed by the rules of their text's language before their accents fold; figures as it writes them."""
    assert terms(text, language) == expected


def test_questions_of_other_languages():
    """A question's stopwords are those of its own language and of the articles', typed with accents or without."""
    assert question_terms("¿Cuándo fue la revolución?", "es") == ["revolu"]
    assert question_terms("cuando llego el tren", "es") == question_terms("¿cuándo llego el tren?", "es")
    assert question_terms("Wann wurde die Brücke gebaut?", "de") == ["bruck", "gebaut"]
    assert question_terms("What is the Brücke?", "de", "en") == ["bruck"]
    assert question_terms("Wer war das?", "de") == ["wer", "war", "das"]


def test_every_stopword_list_is_folded_by_its_language():
    """Each list is casefolded, has no word twice, and leaves its own language's every word out of a question."""
    for language, words in stopwords.STOPWORDS.items():
        assert {word.casefold() for word in words} == words
        assert question_terms(f"{' '.join(sorted(words))} 1989", language) == ["1989"]
