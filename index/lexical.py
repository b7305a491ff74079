"""Text → index terms for the lexical side: the same analysis for articles and questions.

It folds case and accents, joins acronyms and figures, and stems words by their text's language. The store keeps the
terms of every sentence, so that neither SQLite's tokenizer nor ranking ever has to analyse an article's text again.
It knows nothing of databases or ranking.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

import regex
import Stemmer

from index import stopwords

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"(?:(?![{_CJK}])[\p{{L}}\p{{N}}\p{{M}}])"  # marks belong to words: in Hindi or Thai they are vowels
# A figure with its separators (2.4, 10,570), an acronym (U.S.), one CJK run, a word with inner apostrophes.
_TOKEN = regex.compile(rf"\d+(?:[.,]\d+)*|(?:\p{{L}}\.){{2,}}|[{_CJK}]+|{_LETTERS}+(?:['’]{_LETTERS}+)*")
_IS_CJK = regex.compile(rf"[{_CJK}]")
_THOUSANDS = regex.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# Accents, and the points of Hebrew and Arabic, which most texts leave out.
_ACCENTS = regex.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_CAPITALISED = regex.compile(r"\p{Lu}[\p{L}\p{N}\p{M}'’.-]*")
_LONGEST_TERM = 64  # characters; longer "words" are data, and full-text search gains nothing from them

STOPWORDS = frozenset(
    """
    a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few
    for from further had hadn't has hasn't have haven't having he her here hers herself him himself his how i if in
    into is isn't it it's its itself just let's many may me might more most much must my myself no nor not of off on
    once only or other our ours ourselves out over own please same shall she should shouldn't so some such than that
    the their theirs them themselves then there these they this those through to too under until up upon very was
    wasn't we were weren't what what's when where which while who who's whom whose why will with won't would wouldn't
    you your yours yourself yourselves tell know anyone somebody someone anybody
    """.split()
)


# Snowball's stemmers. Any other language is analysed as English is, whose stemmer touches only words of plain ASCII:
# names, and what is borrowed.
_STEMMERS = dict(
    pair.split(":")
    for pair in """
    ar:arabic ca:catalan cs:czech da:danish de:german el:greek eo:esperanto es:spanish et:estonian eu:basque fa:persian
    fi:finnish fr:french ga:irish hi:hindi hu:hungarian hy:armenian id:indonesian it:italian lt:lithuanian ne:nepali
    nl:dutch no:norwegian pl:polish pt:portuguese ro:romanian ru:russian sr:serbian sv:swedish ta:tamil tr:turkish
    yi:yiddish
    """.split()
)
_ELISIONS = frozenset({"ca", "fr", "it"})  # "l'homme" is two words
_DOT_THOUSANDS = regex.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_DOTTING = frozenset("ca da de el es hr id it nl pt ro sl sr tr".split())  # languages that write 10.570 for 10,570
_APOSTROPHES = str.maketrans("’", "'")


def _words(text: str) -> list[str]:
    return _tokens(text if text.isascii() else _folded(text))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def _tokens(text: str) -> list[str]:
    words: list[str] = []
    for word in _TOKEN.findall(text.casefold()):
        if _IS_CJK.match(word):  # no spaces between words: overlapping pairs of characters stand for them
            words.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            words.append(word[:_LONGEST_TERM])
    return words


@lru_cache(maxsize=65_536)
def _stem(word: str, algorithm: str = "english") -> str:
    # A stemmer object is not safe to share between threads; making one costs microseconds, and the cache
    # leaves it to the first time that a word is met.
    stem: str = Stemmer.Stemmer(algorithm, 0).stemWord(word)
    return stem


@lru_cache(maxsize=65_536)
def _term(word: str) -> str:
    if word[0].isdigit():
        return word.replace(",", "") if _THOUSANDS.fullmatch(word) else word.replace(",", ".")
    word = word.replace("’", "'").removesuffix("'s").replace("'", "").replace(".", "")
    return _stem(word) if word.isascii() else word


def _words_in(text: str, language: str) -> list[str]:
    """The words as a stemmer of `language` wants them: accents are part of its rules, and fold after it."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.translate(_APOSTROPHES)
    return _tokens(text.replace("'", " ") if language in _ELISIONS else text)


@lru_cache(maxsize=65_536)
def _term_in(word: str, language: str) -> str:
    if word[0].isdigit():
        if language in _DOTTING and _DOT_THOUSANDS.fullmatch(word):
            word = word.replace(".", "")
        return _term(word)
    return _folded(_stem(word.replace("'", "").replace(".", ""), _STEMMERS[language]))


def terms(text: str, language: str = "en") -> list[str]:
    """The index terms of `text`, in order, stopwords included (coverage and proximity need their places).

    `language` is the text's ISO 639-1 code; one without a stemmer does no harm.
    """
    return _analysed(_words_of(text, language), language)


def question_terms(question: str, language: str = "en", asked_in: str | None = None) -> list[str]:
    """The distinct terms of a question that are worth looking up in articles in `language`, in order.

    Stopwords are left out, for their postings are long and say nothing; a question made of nothing else
    ("The Who?") keeps them all. `asked_in` is the question's own language, where that is another.
    """
    words = _words_of(question, language)
    ignored = {language} | ({asked_in} if asked_in else set())
    telling = [word for word in words if not any(_is_stopword(word, code) for code in ignored)]
    return list(dict.fromkeys(_analysed(telling or words, language)))


def _words_of(text: str, language: str) -> list[str]:
    return _words_in(text, language) if language in _STEMMERS else _words(text)


def _analysed(words: Iterable[str], language: str) -> list[str]:
    if language not in _STEMMERS:
        return [term for term in map(_term, words) if term]
    return [term for word in words if (term := _term_in(word, language))]


def _is_stopword(word: str, language: str) -> bool:
    if language in stopwords.STOPWORDS:
        return _folded(word) in _folded_stopwords(language)  # questions are typed without accents, too
    return word.replace("’", "'") in STOPWORDS


@cache
def _folded_stopwords(language: str) -> frozenset[str]:
    return frozenset(map(_folded, stopwords.STOPWORDS[language]))


def names(text: str, language: str = "en") -> list[str]:
    """The distinct terms of the words that are written with a capital, in order, without stopwords: mostly names."""
    found = terms(" ".join(_CAPITALISED.findall(text)), language)
    return [term for term in dict.fromkeys(found) if term not in STOP_TERMS]


STOP_TERMS = frozenset(term for word in STOPWORDS for term in terms(word))
"""The stopwords as they come in texts of terms."""

NEGATIONS = frozenset(
    terms(
        "no not nor never none neither nobody nothing without cannot can't don't doesn't didn't isn't aren't wasn't "
        "weren't won't wouldn't shouldn't couldn't hasn't haven't hadn't"
    )
)
"""Terms that turn a claim into its opposite."""

NUMBER_TERMS = frozenset(
    terms(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
        "dozen half third quarter first second fourth fifth once twice"
    )
)
"""Terms of numbers that are written out."""
