"""Whether a question can be understood by itself, by what its words are: pronouns, ellipsis, names.

Pure, and by rules for English only: a question in another language counts as one that stands by itself. It knows
nothing of the questions before; what they add is `followup`'s business. The rules follow Lappin and Leass, "An
Algorithm for Pronominal Anaphora Resolution" (1994): "it" may be pleonastic, and a pronoun that is no possessive
cannot mean the subject of its own clause. The words that they go by stand in `english`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from retrieval.english import ENGLISH

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+(?:[.'’-][\p{L}\p{N}\p{M}]+)*|[,;:]")
_QUOTED = regex.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]|(?<!\w)['‘]([^'‘’]+)['’](?!\w)")
_CLITIC = regex.compile(r"(?<=\p{L})['’](?:s|re|ll|d|ve|m)$", regex.IGNORECASE)

_CLOSED = ENGLISH.closed


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question: as it stands there, as it is looked up, and what the rules need to know."""

    text: str
    key: str  # a comma for any punctuation within the question
    start: int
    end: int
    is_name: bool

    @property
    def is_anaphor(self) -> bool:
        """Whether it is a word that may mean something named elsewhere."""
        return self.key in ENGLISH.personal | ENGLISH.possessive | ENGLISH.demonstrative | ENGLISH.substitutes

    @property
    def tells(self) -> bool:
        """Whether it says something by itself."""
        return self.key != "," and self.key not in _CLOSED and (self.is_name or self.key not in ENGLISH.weak)


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words after what opens it, and whether a conjunction does."""

    words: tuple[Word, ...]
    has_opener: bool


def parsed(text: str) -> Question:
    """The words of a question. Fillers and conjunctions that open it ("Thanks! And …") are left out."""
    shouts = text.upper() == text
    quoted = {place for found in _QUOTED.finditer(text) for place in range(*found.span())}
    words: list[Word] = []
    for found in _TOKEN.finditer(text):
        written = found[0]
        whole = written.casefold().replace("’", "'")
        key = _CLITIC.sub("", whole)  # "who's" is looked up as "who"
        key = key if key in _CLOSED else whole
        is_name = not shouts and bool(words) and written[0].isupper() and key not in _CLOSED
        if found.start() in quoted:  # what is quoted is a name, whatever its words are: "Let It Be"
            key, is_name = f'"{key}', True
        words.append(Word(written, "," if written in ",;:" else key, found.start(), found.end(), is_name))
    first, has_opener = 0, False
    while first < len(words) and words[first].key in ENGLISH.fillers | ENGLISH.openers | {","}:
        has_opener = has_opener or words[first].key in ENGLISH.openers
        thanks = [word.key for word in words[first : first + 2]] == ["thank", "you"]
        first += 1 + thanks
    return Question(tuple(words[first:]), has_opener)


def depends(text: str) -> bool:
    """Whether a question is to be understood only from those before it."""
    question = parsed(text)
    words = question.words
    if not words:
        return question.has_opener
    if not any(word.key in _CLOSED for word in words) and not question.has_opener:
        return False  # key words, or no English
    if is_fragment(question) or any(_is_anaphor(words, i) for i in range(len(words))):
        return True
    return _is_bare(question)


def leans(text: str) -> bool:
    """Whether a question says itself that it goes on: it opens with "and", has a word for something named before, puts
    a part of a question in the place of one, or names no thing at all ("who was killed?"). One that `depends` but does
    not lean may stand by itself if the articles are about one such thing: "how tall is the lighthouse?"."""
    question = parsed(text)
    words = question.words
    if question.has_opener or is_fragment(question):
        return True
    if not any(word.tells and is_noun(words, i) for i, word in enumerate(words)):
        return True
    return any(_is_anaphor(words, i) for i in range(len(words)))


def is_fragment(question: Question) -> bool:
    """Whether it only puts something into the place of what the question before named: "what about …?", "and in …?"."""
    keys = [word.key for word in question.words]
    if keys[:2] in (["what", "about"], ["how", "about"]):
        return True
    is_clause = any(key in ENGLISH.be | ENGLISH.helpers | ENGLISH.asking for key in keys)
    return not is_clause and (question.has_opener or (1 < len(keys) < 5 and keys[0] in ENGLISH.prepositions))


def _is_bare(question: Question) -> bool:
    """Whether it leaves out what it is about: "why?", "in which year?", "how many were injured?"."""
    words = question.words
    keys = [word.key for word in words]
    telling = [word for word in words if word.tells]
    if not telling:
        return True
    if any(word.is_name for word in telling):
        return False
    if keys[:2] == ["how", "many"] and len(keys) > 2 and keys[2] in ENGLISH.be | ENGLISH.helpers:
        return True
    is_new = "a" in keys or "an" in keys  # what a question brings up itself
    if keys[0] == "what" and keys[1:2] and keys[1] in ENGLISH.be and (is_new or "the" not in keys):
        return False  # "what is franking?"
    if question.has_opener:
        return len(telling) == 1 or (len(telling) == 2 and not is_new)
    names_subject = words[words.index(telling[0]) - 1].key in ENGLISH.doing  # "when does photosynthesis happen?"
    return len(telling) == 1 and not (is_new or names_subject or any(key in ENGLISH.partners for key in keys))


def _is_anaphor(words: Sequence[Word], i: int) -> bool:
    """Whether the word at `i` means something that is named neither before it in the question nor right after it."""
    key = words[i].key
    before = words[i - 1].key if i else ""
    after = words[i + 1].key if i + 1 < len(words) else ""
    rules = ENGLISH
    if key in rules.possessive and not (key == "her" and _ends_phrase(words, i)):
        opens_subject = before in rules.be | (rules.helpers - rules.having)  # "what colour are its towers?"
        return not _has_antecedent(words, i, is_possessive=not opens_subject)
    if key == "it" and _is_pleonastic(words, i):
        return False
    if key in ("these", "this", "those") and after in rules.spans | rules.relatives | rules.prepositions:
        return False
    if key == "that":
        is_pronoun = not after or before in rules.be | (rules.helpers - rules.having) | rules.prepositions or not i
        return is_pronoun and after not in rules.prepositions and not _has_antecedent(words, i)
    if key == "there":
        exists = before in rules.be | rules.helpers or after in rules.be
        return not exists and not _has_antecedent(words, i)
    if key == "then":
        return sum(word.tells for word in words) <= 1
    if key in ("one", "ones"):
        is_picked = before in rules.picking or (i > 0 and words[i - 1].tells)
        is_thing = (key == "ones" or is_picked) and after not in rules.partners | rules.relatives | rules.prepositions
        is_numeral = key == "one" and i + 1 < len(words) and words[i + 1].tells
        return is_thing and not is_numeral and not _has_antecedent(words, i)
    return key in rules.personal | rules.possessive | rules.demonstrative and not _has_antecedent(words, i)


def _ends_phrase(words: Sequence[Word], i: int) -> bool:
    """Whether nothing that the word at `i` could belong to comes after it: "who beat her?", "… her in the end".

    It has to be English for that: in German "her" is no pronoun.
    """
    if sum(word.key in _CLOSED for word in words) < 2:
        return False
    return i + 1 == len(words) or words[i + 1].key in ENGLISH.prepositions | ENGLISH.boundaries | {","}


def _is_pleonastic(words: Sequence[Word], i: int) -> bool:
    """Whether "it" at `i` stands for nothing: "what time is it", "is it dark", "is it true that", "does it take to"."""
    rules = ENGLISH
    keys = [word.key for word in words]
    if i > 1 and keys[i - 1] in rules.be and keys[i - 2] == "time":
        return True
    rest = keys[i + 1 : i + 5]
    if any(key in rules.weather for key in rest[:2]):
        return True
    judging = next((n for n, key in enumerate(rest) if key in rules.judging | rules.costing), len(rest))
    return any(key in rules.judged for key in rest[judging + 1 :])


def _has_antecedent(words: Sequence[Word], i: int, *, is_possessive: bool = False) -> bool:
    """Whether a noun that the pronoun at `i` may mean stands before it; for no possessive, in a clause before its own.

    A noun is not meant by a pronoun inside its own relative clause ("the woman who owns it").
    """
    reached = is_possessive
    j = i - 1
    while j >= 0:
        key = words[j].key
        if key in ENGLISH.boundaries or key == ",":
            reached = True
            if key in ENGLISH.relatives:
                while j > 0 and words[j - 1].tells:
                    j -= 1
        elif reached and words[j].tells and is_noun(words, j):
            return True
        j -= 1
    return False


def is_noun(words: Sequence[Word], j: int) -> bool:
    """Whether the telling word at `j` is, by what stands before its run of telling words, part of a noun phrase."""
    if words[j].is_name:
        return True
    first = _run_start(words, j)
    if not first:
        return True
    before = words[first - 1].key
    rules = ENGLISH
    if words[first - 1].is_name:  # "the Port Merrow sea wall", but not "does Millrace encrypt"
        name = _run_start(words, first - 1)
        keys = ["", "", *(word.key for word in words[:name])]
        is_verb = keys[-2] in rules.be | rules.helpers and j == len(words) - 1  # "was the Tallow Bridge opened"
        return keys[-1] in rules.determiners | rules.prepositions and not is_verb
    if before in rules.be:  # "when was the wall" and "was sandpaper", but not "who was injured"
        asked = [word.key for word in words[max(0, first - 3) : first - 1]]
        is_adverb = asked[-1:] and asked[-1] in ("how", "when", "where", "why")
        return not asked or bool(is_adverb) or (asked[0] == "how" and asked[-1] not in rules.quantities)
    return (
        before in ("what", "which", "whose")
        or before in rules.determiners | rules.prepositions | rules.possessive | rules.demonstrative | rules.helpers
        or before in rules.partners | rules.weak | {","}
        or before in rules.boundaries - {"who"}
    )


def _run_start(words: Sequence[Word], j: int) -> int:
    """Where the run of telling words begins that the one at `j` belongs to; names are runs of their own."""
    while j > 0 and words[j - 1].tells and words[j - 1].is_name == words[j].is_name:
        j -= 1
    return j


def subject(text: str) -> str:
    """What a question is about, by its own words: all that follows its question words and their verb.

    "When was the Tallow Bridge opened?" → "the Tallow Bridge opened".
    """
    rules = ENGLISH
    for word in parsed(text).words:
        opens = word.key in rules.determiners | rules.possessive and word.key not in rules.quantities
        if opens or word.tells:
            return text[word.start :].rstrip(" ?!.")
    return ""
