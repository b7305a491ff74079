"""What kind of answer an English question asks for, and whether a sentence offers one. Pure.

Questions in other languages expect nothing: the ranker then goes by the rest.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum

from index.lexical import NUMBER_TERMS, terms


class Kind(Enum):
    """Kinds of answers."""

    NUMBER = "number"
    TIME = "time"
    PERSON = "person"
    PLACE = "place"
    THING = "thing"
    OTHER = "other"


OFFERS = (
    (Kind.NUMBER, "figure"),
    (Kind.NUMBER, "number_word"),
    (Kind.TIME, "year"),
    (Kind.TIME, "figure"),
    (Kind.PERSON, "names"),
    (Kind.PLACE, "place"),
    (Kind.PLACE, "names"),
    (Kind.THING, "length"),
)
"""What counts for a question of each kind: the columns of `offered`."""

# In the order in which they are tried: "how many years" asks for a number, "in what year" for a time.
_CUES = (
    (
        Kind.NUMBER,
        r"how (?:many|much|often|large|big|tall|high|far|fast|old|wide|deep|heavy)"
        r"|what (?:percentage|percent|number|amount|population|fraction)",
    ),
    (Kind.TIME, r"when|(?:what|which) (?:year|date|day|month|century|decade|time)"),
    (Kind.PERSON, r"who|whose|whom|what (?:person|man|woman|player|king|president|actor|singer|author)"),
    (
        Kind.PLACE,
        r"where|(?:what|which) (?:city|country|state|town|place|location|region|continent|county|river|island)",
    ),
    (Kind.OTHER, r"why|how"),
    (Kind.THING, r"what|which"),
)
_PATTERNS = tuple((kind, re.compile(rf"\b(?:{cues})\b", re.IGNORECASE)) for kind, cues in _CUES)
_YEAR = re.compile(r"(?:1\d|20)\d\d")
_PREPOSITIONS = frozenset(terms("in at near from to of on outside between across into"))
_ARTICLE = "the"


def kind_of(question: str) -> Kind:
    """What an English question asks for."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(question)), Kind.OTHER)


def offered(kind: Kind, words: Sequence[str], names: Collection[str], asked: Collection[str]) -> tuple[float, ...]:
    """(len(OFFERS),) how much of what a question of this kind wants a sentence offers beyond what was asked.

    `words` are the sentence's terms in order, `names` those with a capital, `asked` the question's terms.
    """
    if kind is Kind.OTHER:
        return (0.0,) * len(OFFERS)
    return tuple(_OFFER[what](words, names, asked) if of is kind else 0.0 for of, what in OFFERS)


def _figure(words: Sequence[str], _: Collection[str], asked: Collection[str]) -> bool:
    return any(word[0].isdigit() for word in words if word not in asked)


def _year(words: Sequence[str], _: Collection[str], asked: Collection[str]) -> bool:
    return any(word[0] in "12" and _YEAR.fullmatch(word) is not None for word in words if word not in asked)


def _new_names(_: Sequence[str], names: Collection[str], asked: Collection[str]) -> float:
    return math.log1p(sum(name not in asked for name in names))


def _names_a_place(words: Sequence[str], names: Collection[str], asked: Collection[str]) -> bool:
    """Whether a name that was not asked about follows a preposition."""
    for i, word in enumerate(words[:-1]):
        if word in _PREPOSITIONS:
            following = words[i + 2] if words[i + 1] == _ARTICLE and i + 2 < len(words) else words[i + 1]
            if following in names and following not in asked:
                return True
    return False


_OFFER: Mapping[str, Callable[[Sequence[str], Collection[str], Collection[str]], float]] = {
    "figure": _figure,
    "number_word": lambda words, _, asked: not NUMBER_TERMS.isdisjoint(set(words).difference(asked)),
    "year": _year,
    "names": _new_names,
    "place": _names_a_place,
    "length": lambda words, _names, _asked: math.log1p(len(words)),
}
