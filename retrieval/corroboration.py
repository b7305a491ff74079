"""Ranked sentences → groups that make one claim: who says it too, and who says it with other figures. Pure.

The ranking decides which sentence leads its group, and which group comes first; here it is decided who belongs together
and in which order the others are named. What makes two sentences one claim is told by `similarity`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.language import UND
from index.lexical import STOP_TERMS
from index.stored import StoredArticle
from retrieval.claims import Claim, claim
from retrieval.similarity import Relation, relation

# What two sentences have to share of their telling words (Dice) to be read at all: less where their vectors are near.
_COSINE, _SHARED, _SHARED_MOST = 0.6, 0.35, 0.7
_DIGITS = ":"  # the first character after 9: what is less begins with a digit
# How many days two articles may lie apart for "this month" to be the same month in both.
_DAYS = {"night": 2, "week": 7, "weekend": 7, "month": 31}
_YEAR = 366

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence to be grouped. `terms` are its index terms, `vector` (dimension,) its unit vector, and `read` gives
    its text, which is asked for only where it is needed."""

    article: StoredArticle
    terms: str
    vector: NDArray[np.float16]
    read: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Group(Generic[Item]):
    """One claim, and who makes it.

    `first` is quoted, `also` make the same claim, and `differing` the same with other figures, both newest first.
    `best` is the best-ranked: `first` itself, or the copy of it in an older article.
    """

    best: Item
    first: Item
    also: tuple[Item, ...] = ()
    differing: tuple[Item, ...] = ()


def grouped(
    ranked: Sequence[Item], stated: Callable[[Item], Statement], top: int, leads: Callable[[Item], bool] | None = None
) -> list[Group[Item]]:
    """The first `top` groups of `ranked`, best first. Each item, `stated` as what is compared, is in one at most. Only
    one that `leads`, if that is given, has a group of its own."""
    may_lead = [leads is None or leads(one) for one in ranked]
    places = _places([stated(one) for one in ranked], top, may_lead) if any(may_lead) else []
    return [
        Group(
            ranked[group.best],
            ranked[group.first],
            tuple(ranked[i] for i in group.also),
            tuple(ranked[i] for i in group.differing),
        )
        for group in places
    ]


def _places(ranked: Sequence[Statement], top: int, may_lead: Sequence[bool]) -> list[Group[int]]:
    vectors = np.stack([one.vector for one in ranked]).astype(np.float32)
    cosines = (vectors @ vectors.T).tolist()
    read = [_Reading(one) for one in ranked]
    same: dict[int, list[int]] = {}
    differing: dict[int, list[int]] = {}
    for i in range(len(ranked)):
        other_figures: int | None = None
        for leader, members in same.items():
            found = _relation(read[leader], read[i], cosines[leader][i])
            if found is Relation.SAME:
                members.append(i)
                break
            if found is Relation.FIGURES and other_figures is None:
                other_figures = leader
        else:
            if other_figures is not None:
                differing[other_figures].append(i)
            elif len(same) < top and may_lead[i]:
                same[i], differing[i] = [i], []
    return [_group(read, best, same[best], differing[best]) for best in same]


def newest_first(articles: Iterable[tuple[int, StoredArticle]]) -> list[int]:
    """The numbers of these articles: by the day of their latest correction or of publishing, the undated last, and then
    by that of indexing."""
    ordered = sorted(articles, key=lambda one: one[1].indexed_at, reverse=True)
    ordered.sort(key=lambda one: one[1].latest or date.min, reverse=True)
    return [number for number, _ in ordered]


class _Reading:
    """A statement with what is worked out of it when first asked for."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.article = statement.article

    @cached_property
    def telling(self) -> frozenset[str]:
        terms = set(self.statement.terms.split(" ")) - STOP_TERMS
        return frozenset(term for term in terms if term > _DIGITS)

    @cached_property
    def text(self) -> str:
        return " ".join(self.statement.read().split())

    @cached_property
    def claim(self) -> Claim:
        language = self.article.language
        return claim(self.text, None if language == UND else language)


def _relation(a: _Reading, b: _Reading, cosine: float) -> Relation:
    titled = a.article.states_title and b.article.states_title and a.article.title == b.article.title
    if not _is_worth_reading(a, b, cosine):
        return Relation.OTHER
    if a.text == b.text:
        return Relation.SAME
    found = relation(a.claim, b.claim, cosine, shared_title=titled)
    return found if found is Relation.OTHER or _same_time(a, b) else Relation.OTHER


def _is_worth_reading(a: _Reading, b: _Reading, cosine: float) -> bool:
    """Whether two statements are near enough to be read: few are, and reading is what costs."""
    if a.statement.terms == b.statement.terms:
        return True
    least = _SHARED if cosine >= _COSINE else _SHARED_MOST
    return 2 * len(a.telling & b.telling) >= least * (len(a.telling) + len(b.telling))


def _same_time(a: _Reading, b: _Reading) -> bool:
    """Whether "this year" or "on Tuesday", where either says so, may be the same in both articles."""
    days = [a.article.published, b.article.published]
    if days[0] is None or days[1] is None or days[0] == days[1]:
        return True
    apart = abs((days[0] - days[1]).days)
    return all(
        apart <= _DAYS.get(figure.value.split(" ")[-1], _YEAR if " " in figure.value else 7)
        for figure in (*a.claim.figures, *b.claim.figures)
        if figure.kind == "when" and not figure.value.endswith("days")  # on Sundays: always
    )


def _group(read: Sequence[_Reading], best: int, same: Sequence[int], differing: Sequence[int]) -> Group[int]:
    first = _newest_copy(read, best, same)
    also = newest_first((i, read[i].article) for i in _one_each(read, same, first))
    others = newest_first((i, read[i].article) for i in _without_repeats(read, differing))
    return Group(best, first, tuple(also), tuple(others))


def _newest_copy(read: Sequence[_Reading], best: int, same: Sequence[int]) -> int:
    """The best, or its copy to the letter in the newest article, if both say when they were published."""
    if read[best].article.latest is None:
        return best
    copies = [i for i in same if read[i].article.latest and read[i].text.casefold() == read[best].text.casefold()]
    return max(copies, key=lambda i: (read[i].article.latest, -i), default=best)


def _one_each(read: Sequence[_Reading], same: Sequence[int], first: int) -> Iterator[int]:
    """The best-ranked statement of each article but `first`; of its own article one at most, too."""
    seen: set[tuple[object, ...]] = set()
    for i in same:
        if i != first and (key := _key(read[i].article)) not in seen:
            seen.add(key)
            yield i


def _without_repeats(read: Sequence[_Reading], differing: Sequence[int]) -> Iterator[int]:
    """One statement of each figure in each article."""
    seen: set[tuple[object, ...]] = set()
    for i in differing:
        key = (*_key(read[i].article), *read[i].claim.figures)
        if key not in seen:
            seen.add(key)
            yield i


def _key(article: StoredArticle) -> tuple[object, ...]:
    """Ids are a corpus's own: the operator's first article and the server's are told apart by their source."""
    return article.id, article.source, article.indexed_at
