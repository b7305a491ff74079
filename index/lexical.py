"""Text → index terms for the lexical side: the same analysis for articles and questions.

It folds case and accents, joins acronyms and figures, and stems English words. The store keeps the terms of
every sentence, so that neither SQLite's tokenizer nor ranking ever has to analyse an article's text again.
It knows nothing of databases or ranking.
"""

import re
import unicodedata
from functools import lru_cache

import Stemmer

# A figure with its separators (2.4, 10,570), an acronym (U.S.), a word with inner apostrophes, one CJK run.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"(?:(?![{_CJK}])[^\W_])"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)*|(?:[^\W\d_]\.){{2,}}|[{_CJK}]+|{_LETTERS}+(?:['’]{_LETTERS}+)*")
_IS_CJK = re.compile(rf"[{_CJK}]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_COMBINING_ACCENTS = re.compile("[\u0300-\u036f]")
_LONGEST_TERM = 64  # characters; longer "words" are data, and FTS5 gains nothing from them

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
        text = unicodedata.normalize("NFC", _COMBINING_ACCENTS.sub("", decomposed))
    words: list[str] = []
    for word in _TOKEN.findall(text.lower()):
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
