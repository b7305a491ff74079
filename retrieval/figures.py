"""The figures and dates of a sentence, normalised: "2.4 million" is "2,400,000", "three" is "3". Pure.

Numbers in words are understood in English. It says what stands there and what is counted, as far as that is plain;
whether two sentences' figures agree is decided elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache

import regex

from index.lexical import terms

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = {word: n for n, word in enumerate(_ONES)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
_SETS = {"dozen": 12, "pair": 2, "couple": 2}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALES |= {"k": 10**3, "mn": 10**6, "bn": 10**9, "tn": 10**12}
_LARGEST = 10**18  # what goes beyond is no figure that anybody gives
_ORDINALS = {
    word: str(n)
    for n, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=1
    )
}
_PARTS = frozenset("half quarter quarters thirds twice thrice".split())
_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = {name: str(n) for n, name in enumerate(_MONTHS, start=1)}
_MONTH |= {name[:3]: number for name, number in _MONTH.items()} | {"sept": "9"}
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday yesterday today tomorrow".split())
_PERIODS = frozenset("night week weekend month year decade century season spring summer autumn fall winter".split())
_MONEY = {"€": "euro", "eur": "euro", "$": "dollar", "usd": "dollar", "£": "pound", "gbp": "pound", "¥": "yen"}
_MONEY |= {name + end: name for name in ("euro", "dollar", "pound", "yen", "crown", "franc") for end in ("", "s")}
_UNITS = {"km": "kilometre", "m": "metre", "cm": "centimetre", "mm": "millimetre", "kg": "kilogram", "g": "gram"}
_UNITS |= {"h": "hour", "hr": "hour", "min": "minute", "s": "second", "sec": "second", "people": "person"}
_BEFORE_YEARS = frozenset("in since of by until till from before after during to year and between around".split())
# A number after one of these says which, not how many: level 5, rule 7, route 66.
_NAMED = frozenset(
    """
    level rule section chapter route road version patch season episode stage page room line bus flight gate platform
    building phase tier rank wave step table article item type class grade no number zone lane district apartment part
    volume issue track round act scene paragraph clause appendix option port unit team group formula highway motorway
    junction model mark series book map
    """.split()
)
_BOUNDS = {
    "≥": ("at least", "more than", "over", "above", "exceeds", "exceed", "exceeding", "no less than", "no fewer than"),
    "≤": ("at most", "less than", "fewer than", "under", "below", "up to", "no more than"),
    "": ("about", "around", "some", "roughly", "approximately", "nearly", "almost", "as many as"),
}
# The longest first, for some end in another's words.
_BOUND = sorted(((words, sign) for sign, all_of in _BOUNDS.items() for words in all_of), key=lambda b: -len(b[0]))
_STOPS = frozenset(  # words that count nothing, and that name nothing where they begin a sentence
    """
    a about above after all almost an and another approximately are around as at be before below between but by can
    each even every exactly for from had has have hers his in is its just less more most nearly no not of on only or
    our over roughly since some still than that the their then there these they this those to under until up was we
    were when where which while who will with within without you your
    """.split()
)
_TOKEN = regex.compile(
    r"""
      (?P<iso>\b\d{4}-\d\d-\d\d\b)
    | (?P<clock>\b\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\b|\b\d{1,2}:\d\d\b)
    | (?P<span>\b\d+(?:[.,]\d+)*\s?[-–—]\s?\d+(?:[.,]\d+)*\b)
    | (?P<number>\b\d{1,3}(?:[ \u00a0\u2009\u202f'’]\d{3})+\b|\d+(?:[.,]\d+)*)(?P<suffix>(?:st|nd|rd|th|s)\b)?
    | (?P<word>[%€$£¥]|\p{L}[\p{L}\p{M}]*(?:['’]\p{L}+)*)
    | (?P<stop>[.!?;:,()])
    """,
    regex.VERBOSE | regex.IGNORECASE,
)

# What a word has to be, or to look like, for a figure to begin with it.
_WORDLIKE = frozenset({"word", "stop"})
_BEGINNING = frozenset({*_MONTH, *_PARTS, *_ORDINALS, *_WORDS, *_SETS, "last", "next", "this", "past", "a", "an"})
_NAMES_DAY = regex.compile(r".*(?:day|tomorrow)(?:s|['’]s|s['’]s)?", regex.DOTALL).fullmatch


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its normalised `value`, the stem of what it counts ("" where that is not plain), and ≥, ≤ or "".

    `kind` is one of number, percent, money, part, clock, year, month, day, when (a weekday or "last year"), ordinal,
    and name: a number that says which and not how many (level 5, Route 66).
    """

    kind: str
    value: str
    unit: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """The figures of a sentence in order, and the sentence with a comma in the place of each."""

    figures: tuple[Figure, ...]
    rest: str


def read(text: str) -> Read:
    """The figures of `text`; "one" only where it counts something."""
    reader = _Reader(text)
    figures: list[Figure] = []
    rest: list[str] = []
    at = kept = 0
    while at < len(reader.tokens):
        if reader.is_plain[at]:  # as nearly every word
            at += 1
            continue
        found, after = reader.figures(at)
        if found:
            figures += found
            rest.append(text[kept : reader.begins(at)])
            kept = reader.tokens[after - 1].end()
        at = after
    return Read(tuple(figures), ", ".join([*rest, text[kept:]]))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.tokens = list(_TOKEN.finditer(text))
        self._words = [token[0].casefold() for token in self.tokens]
        self.is_plain = [
            token.lastgroup in _WORDLIKE
            and word not in _BEGINNING
            and not (("day" in word or "tomorrow" in word) and _NAMES_DAY(word))
            for token, word in zip(self.tokens, self._words, strict=True)
        ]
        """Which tokens begin no figure for certain."""

    def figures(self, at: int) -> tuple[list[Figure], int]:
        """The figures that begin at this token, if any, and the token after them."""
        token, word = self.tokens[at], self._words[at]
        if token["iso"]:
            year, month, day = word.split("-")
            values = zip(("year", "month", "day"), (year, month.lstrip("0"), day.lstrip("0")), strict=True)
            return [Figure(*one) for one in values], at + 1
        if token["clock"]:
            return [Figure("clock", _clock(word))], at + 1
        if token["span"]:
            value = regex.sub(r"\s?[-–—]\s?", "–", word.replace(",", ""))
            return self._counted(at, value, at + 1)
        if token["suffix"]:
            return [Figure("year", word) if word.endswith("s") else Figure("ordinal", token["number"])], at + 1
        if word in _MONTH and self._is_month(at):
            return [Figure("month", _MONTH[word])], at + 1
        if (day := word.removesuffix("'s").removesuffix("’s")).removesuffix("s") in _WEEKDAYS:
            return [Figure("when", day)], at + 1
        if word in ("last", "next", "this", "past") and self._at(at + 1) in _PERIODS:
            return [Figure("when", f"{word} {self._words[at + 1]}")], at + 2
        if word in _PARTS and self._at(at + 2) not in _SCALES:
            return [Figure("part", word)], at + 1
        if word in _ORDINALS and word != "first" and not self._is_number(at - 1):
            return [Figure("ordinal", _ORDINALS[word])], at + 1
        value_, after = self._number(at)
        return ([], at + 1) if value_ is None else self._counted(at, _plain(value_), after)

    def begins(self, at: int) -> int:
        """Where a figure at this token begins, "more than" included."""
        words = self._bound(at)[1]
        return int(self.tokens[at - words].start())

    def _number(self, at: int) -> tuple[float | None, int]:
        """The number that begins here, in digits or words, with its scale."""
        if self._at(at) == "half" and self._at(at + 2) in _SCALES:  # half a million
            return _SCALES[self._words[at + 2]] / 2, at + 3
        value, after = self._simple(at)
        if value is None:
            return None, at + 1
        while value < _LARGEST and (scale := self._scale(at, after)):
            value, after = value * scale, after + 1
            following = after + (self._at(after) == "and")
            if self._at(following) not in _WORDS:
                continue
            more, beyond = self._simple(following) if scale == 100 else self._number(following)
            if more is None or more >= scale or (scale == 100 and self._at(beyond) == "hundred"):
                break
            value, after = value + more, beyond
        return value, after

    def _scale(self, at: int, after: int) -> int:
        """What the word here multiplies a number by that began at `at`; 0 for any other word."""
        if self._at(after) == "m" and self._at(at - 1) in _MONEY:
            return 10**6
        return _SCALES.get(self._at(after), 0)

    def _simple(self, at: int) -> tuple[float | None, int]:
        word = self._at(at)
        if at < len(self.tokens) and (digits := self.tokens[at]["number"]):
            return _digits(digits) * (-1 if self._is_negative(at) else 1), at + 1
        if word in _WORDS:
            value, following = _WORDS[word], _WORDS.get(self._at(at + 1), 0)
            if value >= 20 and 0 < following < 10:
                return value + following, at + 2
            if word == "one" and not self._counts_one(at):
                return None, at + 1
            return (value * _SETS["dozen"], at + 2) if self._at(at + 1) == "dozen" else (value, at + 1)
        if word in _SETS and self._at(at + 1) != "dozen":
            return _SETS[word], at + 1 + (self._at(at + 1) == "of")
        if word in ("a", "an") and self._at(at + 1) in ("hundred", "thousand", "million", "billion", "dozen"):
            return (12, at + 2) if self._at(at + 1) == "dozen" else (1, at + 1)
        return None, at + 1

    def _counted(self, at: int, value: str, after: int) -> tuple[list[Figure], int]:
        """The figure of this value between two tokens, by what stands around it."""
        bound = self._bound(at)[0]
        before, following = self._at(at - 1), self._at(after)
        if following == "%" or following.startswith("percent") or (following, self._at(after + 1)) == ("per", "cent"):
            return [Figure("percent", value, "", bound)], after + 1 + (following == "per")
        if before in _MONEY or following in _MONEY:
            in_front = before in _MONEY
            return [Figure("money", value, _MONEY[before if in_front else following], bound)], after + (not in_front)
        if (before in _MONTH and self._is_month(at - 1)) or self._is_month(after + (following == "of")):
            return [Figure("year" if len(value) == 4 else "day", value)], after
        digits = self.tokens[at]["number"]
        if digits and len(digits) == 4 and digits.isdecimal() and 1000 <= int(digits) <= 2100 and self._is_year(at):
            return [Figure("year", value)], after
        if before in _NAMED or (digits and len(digits) <= 4 and self._is_named(at)):
            return [Figure("name", value, _stem(before))], after
        return [Figure("number", value, self._unit(after), bound)], after

    def _unit(self, at: int) -> str:
        """What is counted: the next telling word, at most two small ones on (3 were hurt)."""
        for token, word in zip(self.tokens[at : at + 3], self._words[at : at + 3], strict=True):
            if not token["word"]:
                return ""
            if word not in _STOPS:
                return _stem(_UNITS.get(word, word))
        return ""

    def _bound(self, at: int) -> tuple[str, int]:
        """Which bound the words before this token make of a figure, and how many words do; ("", 0) for none."""
        behind = " ".join(self._words[max(0, at - 4) : at])
        found = (bound for bound in _BOUND if f" {behind}".endswith(f" {bound[0]}"))
        return next(((sign, words.count(" ") + 1) for words, sign in found), ("", 0))

    def _is_month(self, at: int) -> bool:
        if self._at(at) not in _MONTH or not self.tokens[at][0][0].isupper():
            return False
        if self._words[at] not in ("may", "march", "mar"):
            return True
        return self._is_digits(at - 1) or self._is_digits(at + 1) or self._at(at - 1) in _BEFORE_YEARS

    def _is_year(self, at: int) -> bool:
        return self._at(at - 1) in _BEFORE_YEARS | _PERIODS or self._at(at + 1) in ("", ".", ",", ";", ":", ")")

    def _is_named(self, at: int) -> bool:
        """Whether a name stands right before a number, as in Apollo 11."""
        if not at or not self.tokens[at - 1]["word"] or not self.tokens[at - 1][0][0].isupper():
            return False
        return self._words[at - 1] not in _STOPS | _WEEKDAYS and self._words[at - 1] not in _MONEY

    def _counts_one(self, at: int) -> bool:
        behind, following = self._at(at - 1), self.tokens[at + 1]["word"] if at + 1 < len(self.tokens) else None
        return behind not in ("no", "the", "this", "that", "which", "any", "every", "each") and bool(
            following and following.casefold() not in _STOPS
        )

    def _is_negative(self, at: int) -> bool:
        start = self.tokens[at].start()
        return bool(regex.search(r"(?:^|[\s(])[-−–]$|\bminus\s$", self._text[:start], regex.IGNORECASE))

    def _is_digits(self, at: int) -> bool:
        return 0 <= at < len(self.tokens) and bool(self.tokens[at]["number"])

    def _is_number(self, at: int) -> bool:
        return self._is_digits(at) or self._at(at) in _WORDS

    def _at(self, at: int) -> str:
        return self._words[at] if 0 <= at < len(self._words) else ""


def _digits(text: str) -> float:
    """Separators of thousands by their look: 10,500 is a count, 10.5 and 10,5 are not."""
    if regex.fullmatch(r"\d{1,3}(?:[,\s'’\u00a0\u2009\u202f]\d{3})+(?:\.\d+)?", text):
        text = regex.sub(r"[^\d.]", "", text)
    text = text.replace(",", ".")
    if text.count(".") > 1:  # a version, or thousands in another country's way; equal only to itself
        whole = text.split(".")
        text = "".join(whole) if all(len(part) == 3 for part in whole[1:]) else whole[0] + "." + "0".join(whole[1:])
    return float(text)


def _plain(value: float) -> str:
    return f"{value:.15g}"


def _clock(word: str) -> str:
    """A time of day on 24 hours."""
    hour, minute = [*regex.findall(r"\d+", word), "00"][:2]
    after_noon = 12 if "p" in word else 0
    return f"{int(hour) % 12 + after_noon if 'm' in word else int(hour)}:{minute}"


@lru_cache(maxsize=4_096)
def _stem(word: str) -> str:
    return " ".join(terms(word))
