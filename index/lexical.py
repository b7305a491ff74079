"""Text → index terms for the lexical side: the same analysis for articles and questions.

It folds case and accents, joins acronyms and figures, and stems English words. The store keeps the terms of
every sentence, so that neither SQLite's tokenizer nor ranking ever has to analyse an article's text again.
It knows nothing of databases or ranking.
"""

import unicodedata
from functools import lru_cache

import regex
import Stemmer

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"(?:(?![{_CJK}])[\p{{L}}\p{{N}}\p{{M}}])"  # marks belong to words: in Hindi or Thai they are vowels
# A figure with its separators (2.4, 10,570), an acronym (U.S.), one CJK run, a word with inner apostrophes.
_TOKEN = regex.compile(rf"\d+(?:[.,]\d+)*|(?:\p{{L}}\.){{2,}}|[{_CJK}]+|{_LETTERS}+(?:['’]{_LETTERS}+)*")
_IS_CJK = regex.compile(rf"[{_CJK}]")
_THOUSANDS = regex.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# Accents, and the points of Hebrew and Arabic, which most texts leave out.
_ACCENTS = regex.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
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


def _words(text: str) -> list[str]:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    words: list[str] = []
    for word in _TOKEN.findall(text.casefold()):
        if _IS_CJK.match(word):  # no spaces between words: overlapping pairs of characters stand for them
            words.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            words.append(word[:_LONGEST_TERM])
    return words


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    # A stemmer object is not safe to share between threads; making one costs microseconds, and the cache
    # leaves it to the first time that a word is met.
    stem: str = Stemmer.Stemmer("english", 0).stemWord(word)
    return stem


@lru_cache(maxsize=65_536)
def _term(word: str) -> str:
    if word[0].isdigit():
        return word.replace(",", "") if _THOUSANDS.fullmatch(word) else word.replace(",", ".")
    word = word.replace("’", "'").removesuffix("'s").replace("'", "").replace(".", "")
    return _stem(word) if word.isascii() else word


def terms(text: str) -> list[str]:
    """The index terms of `text`, in order, stopwords included (coverage and proximity need their places)."""
    return [term for term in map(_term, _words(text)) if term]


def question_terms(question: str) -> list[str]:
    """The distinct terms of a question that are worth looking up, in order.

    Stopwords are left out, for their postings are long and say nothing; a question made of nothing else
    ("The Who?") keeps them all.
    """
    words = _words(question)
    telling = [word for word in words if word.replace("’", "'") not in STOPWORDS]
    return list(dict.fromkeys(term for term in map(_term, telling or words) if term))


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
