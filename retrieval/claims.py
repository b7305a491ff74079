"""A sentence → what of it is compared with other sentences: its figures, telling words, names, denials, who does what.

Pure; it knows English, and compares nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from index.lexical import STOP_TERMS, STOPWORDS
from retrieval import wording
from retrieval.figures import Figure, read
from retrieval.wording import family, stem

_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*(?:['’]\p{L}+)*|[.!?;:,]")
_SPEECH = "|".join(wording.SAID)
_TIME = r"(?:\s+on\s+\w+day|\s+(?:yesterday|today|late|early|in\s+\w+))*"
# Who says it, before or after what is said: it is the claim that counts.
_BEFORE = regex.compile(
    rf"^(?P<who>[^,.;:]{{1,60}}?)\s(?:has\s|have\s|had\s)?(?:{_SPEECH}){_TIME}(?:\s+that)?\s+(?=\S)"
)
_AFTER = regex.compile(
    rf",\s+(?:(?P<who>[^,.;:]{{1,60}}?)\s(?:{_SPEECH})|according\s+to\s+(?P<whose>[^,;:]{{1,60}}?)){_TIME}\s*\.?\s*$"
)

_ARTICLES = frozenset("the a an his her its their my our your all every each".split())
_BREAKS = STOPWORDS | frozenset(".!?;:,")
_BE = frozenset("is are was were be been being".split())


@dataclass(frozen=True, slots=True)
class Claim:
    """What of a sentence is compared. `words` are its telling stems in order, without figures and without who said it;
    `core` those of them that follow no preposition; `small` are all other words; `directed` is what follows a small
    word that gives a direction, or an owner ('s)."""

    figures: tuple[Figure, ...]
    words: tuple[str, ...]
    core: tuple[str, ...]
    small: frozenset[str]
    marks: frozenset[str]
    directed: Mapping[str, frozenset[str]]
    names: frozenset[str]
    passive: tuple[str, str] | None  # to whom it was done, and who did it
    speaker: str
    plain: tuple[str, ...]  # every word as it stands
    is_english: bool


@lru_cache(maxsize=1_024)
def claim(text: str, language: str | None = None) -> Claim:
    """The parts of a sentence that are compared. `language` is its ISO 639-1 code; None: to be told by its words."""
    said, speaker = _without_speaker(" ".join(text.split()))
    found = read(said)
    tokens = _WORD.findall(found.rest)
    words = [word.replace("’", "'") for word in tokens if word[0].isalpha()]
    lower = [word.casefold() for word in words]
    stems = [stem(word) for word in lower]
    marks = frozenset(name for name, members in wording.MARKS.items() if not members.isdisjoint(lower))
    return Claim(
        found.figures,
        _telling(stems),
        _telling(map(stem, _core(tokens))),
        frozenset(lower) & (STOPWORDS | wording.PRONOUNS),
        marks,
        _directed(lower, stems),
        _names(tokens),
        _passive(lower),
        speaker,
        tuple(text.casefold().split()),
        language == "en" if language else not wording.ENGLISH.isdisjoint(lower),
    )


def _without_speaker(text: str) -> tuple[str, str]:
    if match := _BEFORE.search(text):
        return text[match.end() :], match["who"].casefold()
    if match := _AFTER.search(text):
        return text[: match.start()], (match["who"] or match["whose"]).casefold()
    return text, ""


def _telling(stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in wording.canonical(stems) if one and one not in STOP_TERMS)


def _core(tokens: Iterable[str]) -> Iterator[str]:
    """The words that follow no preposition: those whose order tells who does what."""
    inside, before = False, ""
    for word in map(str.casefold, tokens):
        article = word in _ARTICLES and before in wording.PREPOSITIONS
        inside = word in wording.PREPOSITIONS or (inside and (article or word not in _BREAKS))
        before = word
        if not inside:
            yield word


def _directed(words: Sequence[str], stems: Sequence[str]) -> dict[str, frozenset[str]]:
    directed: dict[str, set[str]] = {}
    for at, word in enumerate(words):
        owner = word.endswith(("'s", "s'"))
        if word in wording.DIRECTED or owner:
            after = next(
                (one for one, w in zip(stems[at + 1 :], words[at + 1 :], strict=True) if w not in STOPWORDS), ""
            )
            if after:
                directed.setdefault("'s" if owner else word, set()).add(wording.SYNONYMS.get(after, after))
    return {word: frozenset(after) for word, after in directed.items()}


def _names(tokens: Sequence[str]) -> frozenset[str]:
    """The stems of words with a capital that the beginning of a sentence does not explain."""
    pairs = zip((".", *tokens), tokens, strict=False)
    names = {word.casefold() for before, word in pairs if word[0].isupper() and before not in ".!?:"}
    return frozenset(family(name) for name in names - STOPWORDS)


def _passive(words: Sequence[str]) -> tuple[str, str] | None:
    """What stands before "was", and after "by"."""
    for at, word in enumerate(words):
        be = next((i for i in range(max(0, at - 5), at) if words[i] in _BE), None) if word == "by" else None
        if be is not None:
            done_to = next((one for one in reversed(words[:be]) if one not in STOPWORDS), "")
            doer = next((one for one in words[at + 1 : at + 4] if one not in STOPWORDS), "")
            return family(done_to), family(doer)
    return None
