"""Whether two sentences make the same claim, or would but for their figures. Pure.

To hide a contradiction behind "also in" is worse than to show a claim twice, and so is a doubt cast on a figure that
nobody contradicts: in doubt, sentences are two claims. The rules know English; sentences in another language are one
claim only if they agree word for word.
"""

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import Enum

from retrieval import wording
from retrieval.claims import Claim
from retrieval.figures import Figure


class Relation(Enum):
    """What two sentences say of each other."""

    SAME = "the same claim"
    FIGURES = "the same claim with other figures"
    OTHER = "another claim"


# Fitted on the development half of tests/data/claims.jsonl.
_REWORDED = ((0.70, 0.65), (0.80, 0.50))  # (cosine, Dice of the telling words) from which a rewording is believed
_WORDS_SHARED = 4
_LITTLE_MORE = 0.34  # of the longer one's telling words, that one may say more
_COSINE_MORE = 0.60
_COSINE_NAMELESS = 0.70
_COSINE_THOROUGH = 0.85  # from here a sentence in which much is reworded is a rewording, whatever stands in whose place
_WORDS_TO_SPARE = 6
_WORDS_TELLING = 3  # with fewer, as in a table's row, nothing says what the figures are of
# The same title adds about .1 to the cosine of two sentences, whatever they say; and one article seldom says a thing
# twice, while two often do.
_TITLE_LIFT = 0.2
_TIMES = frozenset({"year", "month", "day", "clock", "when"})


def relation(a: Claim, b: Claim, cosine: float, *, shared_title: bool = False) -> Relation:
    """How two claims stand to each other; `cosine` is that of their sentences' vectors. Symmetric."""
    if a.plain == b.plain:
        return Relation.SAME
    figures = _compared(a.figures, b.figures)
    if figures is Relation.OTHER or not _same_sense(a, b):
        return Relation.OTHER
    if figures is Relation.FIGURES:
        return figures if _same_but_figures(a, b, cosine, shared_title) else Relation.OTHER
    return figures if _same_words(a, b, cosine - (_TITLE_LIFT if shared_title else 0.0)) else Relation.OTHER


# -- what they say


def _same_words(a: Claim, b: Claim, cosine: float) -> bool:
    only_a, only_b = _apart(a.words, b.words)
    shared = _dice(a.words, b.words)
    if cosine < _COSINE_NAMELESS and (a.small | b.small) & wording.PRONOUNS and not _is_named(a, b):
        return False  # "it" is whatever the article is about
    if not only_a and not only_b:
        return True
    if not only_a or not only_b:  # one says more: a little more is the same claim
        more = len(only_a) + len(only_b)
        return more <= _LITTLE_MORE * max(len(set(a.words)), len(set(b.words))) and cosine >= _COSINE_MORE
    thorough = min(len(only_a), len(only_b)) >= 3 and cosine >= _COSINE_THOROUGH
    if not thorough and _replaced(a.words, b.words):
        return False
    enough = len(set(a.words) & set(b.words)) >= _WORDS_SHARED
    return enough and any(cosine >= least and shared >= share for least, share in _REWORDED)


def _same_but_figures(a: Claim, b: Claim, cosine: float, shared_title: bool) -> bool:
    """Whether two sentences with other figures say the same of the same thing: in all but the same words.

    A sentence that names nobody is about what its article is about: under one title "The population was …" tells of
    two places or years, under two titles only near vectors make it the same.
    """
    if not _is_named(a, b) and (shared_title or cosine < _COSINE_NAMELESS):
        return False
    only_a, only_b = _apart(a.words, b.words)
    if (only_a and only_b) or min(len(a.words), len(b.words)) < _WORDS_TELLING:
        return False
    if not only_a and not only_b:
        return True
    return len(only_a | only_b) == 1 and min(len(a.words), len(b.words)) >= _WORDS_TO_SPARE and cosine >= _COSINE_MORE


def _is_named(a: Claim, b: Claim) -> bool:
    """Whether both name someone or something, and neither begins with a word that stands for it."""
    return bool(a.names & b.names) and wording.PRONOUNS.isdisjoint((a.plain[0], b.plain[0]))


def _same_sense(a: Claim, b: Claim) -> bool:
    """Whether nothing that is plain to see turns one claim into another."""
    if a.marks != b.marks or not (a.words and b.words):
        return False
    if not (a.is_english and b.is_english):  # whatever one has and the other has not may be a "not"
        return a.words == b.words and a.small == b.small
    if a.speaker and b.speaker and set(a.speaker.split()).isdisjoint(b.speaker.split()):
        return False
    if any(_against(a.small, b.small, *pair) for pair in wording.AGAINST):
        return False
    if any(a.directed[word].isdisjoint(b.directed[word]) for word in (a.directed.keys() & b.directed.keys()) - {"'s"}):
        return False
    only_a, only_b = _apart(a.words, b.words)
    if only_a & a.directed.get("'s", frozenset()) or only_b & b.directed.get("'s", frozenset()):
        return False  # his brother, not he
    if any(wording.OPPOSITES.get(word, frozenset()) & only_b for word in only_a):
        return False
    if a.names - b.names - set(b.words) and b.names - a.names - set(a.words):
        return False
    return _same_way_round(a, b)


def _against(a: frozenset[str], b: frozenset[str], one: str, other: str) -> bool:
    return (one in a - b and other in b - a) or (one in b - a and other in a - b)


def _same_way_round(a: Claim, b: Claim) -> bool:
    """Whether who does what to whom is the same, as far as the order of words tells."""
    if a.passive and b.passive:
        return a.passive[1] == b.passive[1] and not _reversed_triple(_places(a, b))
    if a.passive or b.passive:
        active, (done_to, doer) = (b, a.passive) if a.passive else (a, b.passive or ("", ""))
        places = [active.core.index(word) for word in (doer, done_to) if word in active.core]
        return places == sorted(places)
    return not _reversed_triple(_places(a, b))


def _places(a: Claim, b: Claim) -> list[int]:
    """Where the words that either has once in its core stand in `b`, in the order of `a`."""
    once = [word for word in a.core if a.core.count(word) == b.core.count(word) == 1]
    return [b.core.index(word) for word in once]


def _reversed_triple(places: Sequence[int]) -> bool:
    """Whether three of the places stand in falling order: moving one part of a sentence makes two fall, not three."""
    falling: list[int] = []
    for i, place in enumerate(places):
        falling.append(1 + max((falling[j] for j in range(i) if places[j] > place), default=0))
    return max(falling, default=0) >= 3


def _replaced(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether a word or two stand in the place of others, and all that surrounds them is the same."""
    steps = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for step, from_a, to_a, from_b, to_b in steps:
        if step == "replace" and to_a - from_a == to_b - from_b == 1 and a[from_a] not in b and b[from_b] not in a:
            return True
    return [step for step, *_ in steps if step != "equal"] == ["replace"]


def _apart(a: Sequence[str], b: Sequence[str]) -> tuple[set[str], set[str]]:
    return set(a) - set(b), set(b) - set(a)


def _dice(a: Sequence[str], b: Sequence[str]) -> float:
    ones, others = set(a), set(b)
    return 2 * len(ones & others) / max(1, len(ones) + len(others))


# -- what figures they give


def _compared(a: Sequence[Figure], b: Sequence[Figure]) -> Relation:
    """Whether the figures are the same, are others for the same things, or do not compare."""
    only_a, only_b = _unmatched(a, b), _unmatched(b, a)
    if not only_a and not only_b:
        return Relation.SAME if _same_units(a, b) else Relation.OTHER
    if all(figure.kind == "when" for figure in (*only_a, *only_b)) and not (only_a and only_b):
        return Relation.SAME  # only one says the day
    kinds = {figure.kind for figure in (*only_a, *only_b)}
    if kinds & {"name", "ordinal", "when", "part"} or len(only_a) != len(only_b):
        return Relation.OTHER
    # Other figures for another time are no contradiction.
    if len(kinds & _TIMES) > 0 and kinds - _TIMES:
        return Relation.OTHER
    if "year" in kinds and len(kinds) == 1 and any(figure.kind not in _TIMES for figure in (*a, *b)):
        return Relation.OTHER
    counted = [sorted(_thing(figure) for figure in some) for some in (only_a, only_b)]
    return Relation.FIGURES if counted[0] == counted[1] else Relation.OTHER


def _unmatched(a: Sequence[Figure], b: Sequence[Figure]) -> list[Figure]:
    left = Counter(map(_stated, b))
    unmatched = []
    for figure in a:
        key = _stated(figure)
        if left[key]:
            left[key] -= 1
        else:
            unmatched.append(figure)
    return unmatched


def _stated(figure: Figure) -> tuple[str, ...]:
    currency = figure.unit if figure.kind == "money" else ""
    return figure.kind, figure.value, figure.bound, currency


def _same_units(a: Sequence[Figure], b: Sequence[Figure]) -> bool:
    """Whether equal figures count the same: not 5 dead and 3 hurt beside 3 dead and 5 hurt."""
    units = [{(figure.kind, figure.value): figure.unit for figure in some if figure.unit} for some in (a, b)]
    apart = [key for key in units[0].keys() & units[1].keys() if units[0][key] != units[1][key]]
    return not any(units[0][key] in units[1].values() or units[1][key] in units[0].values() for key in apart)


def _thing(figure: Figure) -> tuple[str, str]:
    """What has to be the same for two figures to be about the same thing; amounts in two currencies are."""
    return figure.kind, "" if figure.kind == "money" else figure.unit
