"""A closer look at the best candidates: everything that the ranker weighs, on scales that mean the same everywhere.

What the candidates' sentences, their neighbours and the question say is read here and put into figures; what weighs how
much is `ranker`'s business. Comparing tokens, the dearest part, is left out where there are none.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from index.language import UND, analysed_as
from index.lexical import STOP_TERMS, names, terms
from index.stored import Ids, SentenceDetail, StoredArticle, StoredSentence
from index.yardstick import Yardstick
from retrieval.candidates import FEATURES, Candidate, Candidates, Query, TermWeights
from retrieval.expectation import OFFERS, Kind, kind_of, offered
from retrieval.late_interaction import TOKENS, Tokens, compared

Floats = NDArray[np.float64]

NEARBY = ("article_dense", "article_best", "paragraph_rest", "pronoun_gain")
"""The article's best sentence by cosine and by first score, and the paragraph's best other one; and for a sentence that
opens with a pronoun, by how much the one before it is nearer to the question."""

WORDS = (
    "coverage_title",
    "coverage",
    "coverage_window",
    "terms_missing",
    "names_missing",
    "numbers_missing",
    "length",
    "novelty",
    "names_new",
    "lead",
)
"""The share of the question's IDF in the sentence and its title, in the whole paragraph, too, and in the neighbours
instead; the share of the question's terms, names and figures that stands in none of these; how long the sentence is,
how many terms and names it has that the question has not (logarithms); how near it is to its article's beginning."""

EXPECTED = tuple(f"{kind.value}_{what}" for kind, what in OFFERS)
"""What the question asks for, where the sentence offers it: see `expectation`."""

EVIDENCE = (*FEATURES, *NEARBY, *WORDS, *EXPECTED, *TOKENS)
"""The columns of what `gather` returns."""

_PRONOUNS = frozenset(terms("he she it they this that these those his her its their him them such"))
_WORD = re.compile(r"\w+")
_LACKING = np.array([name.startswith("tokens_gap") for name in TOKENS])  # where more is worse
_FUNCTION_WORDS = 0.15  # the weight of a token that is not in the question's terms, as a share of the heaviest

Key = tuple[int, int]  # of a sentence: its view, by its place among them, and its id


@dataclass(frozen=True, slots=True)
class _Around:
    """The sentences that are looked at, and those beside them, by key; and which stand before and after which."""

    sentences: dict[Key, StoredSentence]
    details: dict[Key, SentenceDetail]

    def neighbour(self, key: Key, step: int) -> Key | None:
        """The sentence before (-1) or after (1) this one in its paragraph. Ids follow each other in an article."""
        other = (key[0], key[1] + step)
        near, own = self.sentences.get(other), self.sentences[key]
        return other if near is not None and near.paragraph_id == own.paragraph_id else None


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The candidates numbered `order` (n,) of those `found`, as read: `candidates` (n,), their `articles` (n,), and
    what is `around` them. `scores` are the first scores of all that were found."""

    found: Candidates
    scores: Floats
    order: Sequence[int]
    candidates: Sequence[Candidate]
    articles: Sequence[StoredArticle]
    around: _Around


def shortlisted(found: Candidates, scores: Floats, most: int) -> Shortlist:
    """The `most` candidates with the best first `scores`, best first."""
    order = np.argsort(-scores, kind="stable")[:most].tolist()
    of, ids = found.of.tolist(), found.ids.tolist()
    sentences: dict[Key, StoredSentence] = {}
    details: dict[Key, SentenceDetail] = {}
    articles: dict[Key, StoredArticle] = {}
    for number, view in enumerate(found.views):
        near = sorted({ids[i] + step for i in order if of[i] == number for step in (-1, 0, 1)})
        if near:
            sentences.update(((number, key), one) for key, one in view.store.sentences(near).items())
            details.update(((number, key), one) for key, one in view.store.details(near).items())
            own = sorted({int(found.articles[i]) for i in order if of[i] == number})
            articles.update(((number, key), one) for key, one in view.store.articles_by_id(own).items())
    order = [i for i in order if (of[i], ids[i]) in sentences]
    candidates = [Candidate(found.views[of[i]], sentences[of[i], ids[i]]) for i in order]
    own_articles = [articles[of[i], one.sentence.article_id] for i, one in zip(order, candidates, strict=True)]
    return Shortlist(found, scores, order, candidates, own_articles, _Around(sentences, details))


def gather(shortlist: Shortlist, query: Query, yardstick: Yardstick) -> Floats:
    """(n, len(EVIDENCE)) of the n candidates on the shortlist, in its order.

    The columns of TOKENS are NaN where none of them has tokens.
    """
    found, order = shortlist.found, shortlist.order
    keys: list[Key] = list(zip(found.of[order].tolist(), found.ids[order].tolist(), strict=True))
    columns = [
        found.features[order],
        _nearby(shortlist, keys, query),
        _words(shortlist, keys, query),
        _tokens(keys, shortlist.around, found, query, yardstick),
    ]
    return np.concatenate(columns, axis=1)


def _nearby(shortlist: Shortlist, keys: Sequence[Key], query: Query) -> Floats:
    found, order, around = shortlist.found, shortlist.order, shortlist.around
    dense, scores = found.features[:, FEATURES.index("dense")], shortlist.scores
    articles, paragraphs = (_same(found.of, ids) for ids in (found.articles, found.paragraphs))
    gains = np.zeros(len(order))
    for row, (i, key, one) in enumerate(zip(order, keys, shortlist.candidates, strict=True)):
        if one.sentence.terms.partition(" ")[0] in _PRONOUNS and (before := around.neighbour(key, -1)) is not None:
            vector = around.sentences[before].vector.astype(np.float32)
            gains[row] = float(query.scale.of(vector @ query.vector)) - dense[i]
    others = _best_other(scores, paragraphs)
    return np.column_stack([_best(dense, articles)[order], _best(scores, articles)[order], others[order], gains])


def _same(of: Ids, ids: Ids) -> Ids:
    """(n,) a number for each pair of a view and an id, the same for the same."""
    pairs = zip(of.tolist(), ids.tolist(), strict=True)
    known: dict[Key, int] = {}
    return np.array([known.setdefault(pair, len(known)) for pair in pairs], np.int64)


def _best(values: Floats, groups: Ids) -> Floats:
    """(n,) the best value in the group of each."""
    best = np.full(len(values), -np.inf)
    np.maximum.at(best, groups, values)
    return best[groups]


def _best_other(values: Floats, groups: Ids) -> Floats:
    """(n,) the best value of the others in the group of each, 0 where there are none."""
    order = np.lexsort((-values, groups))  # in each group, the best first
    ordered = groups[order]
    first = np.ones(len(values), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    leads = order[first]
    others = _best(values, groups)
    second = np.zeros(len(values))
    has_more = np.flatnonzero(first[:-1] & ~first[1:])
    second[order[has_more]] = values[order[has_more + 1]]
    others[leads] = second[leads]
    return others


def _words(shortlist: Shortlist, keys: Sequence[Key], query: Query) -> Floats:
    found, around = shortlist.found, shortlist.around
    sets, asked = _TermSets(found.weights), frozenset(query.terms)
    kind = kind_of(query.text) if query.language in ("en", UND) else Kind.OTHER
    opening = _WORD.match(query.text)
    every = sets.of(asked)
    named = sets.of(names(query.text[opening.end() if opening else 0 :], analysed_as(query.language)))
    figures = sets.of(term for term in asked if term[0].isdigit())
    beside = sets.of_rows(found.around[shortlist.order])
    rows = []
    columns = shortlist.order, keys, shortlist.candidates, shortlist.articles, beside
    for i, key, one, article, paragraph in zip(*columns, strict=True):
        words = one.sentence.terms.split()
        titled = sets.of_text(one.sentence.terms) | sets.of(_title(article))
        everywhere = window = titled
        everywhere |= paragraph
        for at in _neighbours(key, around):
            window |= sets.of_text(around.sentences[at].terms)
        capitals = around.details[key].names.split() if key in around.details else []
        rows.append(
            (
                sets.share(titled),
                sets.share(everywhere),
                sets.share(window),
                _missing(every, everywhere),
                _missing(named, everywhere),
                _missing(figures, everywhere),
                math.log1p(len(words)),
                math.log1p(len(frozenset(words) - asked - STOP_TERMS)),
                math.log1p(sum(name not in asked for name in capitals)),
                1 / (1 + int(found.places[i])),
                *offered(kind, words, capitals, asked),
            )
        )
    return np.array(rows, np.float64).reshape(len(rows), len(WORDS) + len(EXPECTED))


class _TermSets:
    """Sets of the question's terms as numbers, a bit for each term: put together and compared at once."""

    def __init__(self, weights: TermWeights) -> None:
        self._weights = weights
        self._bits = {term: 1 << place for place, term in enumerate(weights.idf)}
        self._marks = [(f" {term} ", bit) for term, bit in self._bits.items()]
        self._shares: dict[int, float] = {}

    def of(self, terms: Iterable[str]) -> int:
        """Those of these terms that are the question's."""
        held, bits = 0, self._bits
        for term in terms:
            if term in bits:
                held |= bits[term]
        return held

    def of_text(self, text: str) -> int:
        """Those that stand in a text of terms separated by spaces."""
        held, text = 0, f" {text} "
        for mark, bit in self._marks:
            if mark in text:
                held |= bit
        return held

    def of_rows(self, rows: NDArray[np.bool_]) -> list[int]:
        """(n, terms) → n sets."""
        packed = np.packbits(rows, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def share(self, held: int) -> float:
        """See `TermWeights.share`."""
        if held not in self._shares:
            self._shares[held] = self._weights.share(term for term, bit in self._bits.items() if held & bit)
        return self._shares[held]


def _missing(wanted: int, found: int) -> float:
    return (wanted & ~found).bit_count() / wanted.bit_count() if wanted else 0.0


def _title(article: StoredArticle) -> frozenset[str]:
    return _title_terms(article.title, analysed_as(article.language)) if article.states_title else frozenset()


@lru_cache(maxsize=1_024)
def _title_terms(title: str, language: str) -> frozenset[str]:
    return frozenset(terms(title, language))


def _tokens(chosen: Sequence[Key], around: _Around, found: Candidates, query: Query, yardstick: Yardstick) -> Floats:
    """(len(chosen), len(TOKENS)); a sentence without any word is taken for as bad as the worst of the others."""
    coder, scale = yardstick.coder, yardstick.tokens
    rows = np.full((len(chosen), len(TOKENS)), np.nan)
    if coder is None or scale is None or not len(query.tokens.vectors):
        return rows
    size = coder.size
    own = {key for key, detail in around.details.items() if len(detail.tokens) > detail.title_tokens * size}
    held = [i for i, key in enumerate(chosen) if key in own]
    if not held:
        return rows
    looked = [chosen[i] for i in held]
    near = [[one for one in _neighbours(key, around) if one in own] for key in looked]
    place = {key: i for i, key in enumerate(dict.fromkeys([*looked, *chain.from_iterable(near)]))}
    rows[held] = compared(
        Tokens(coder.query(query.tokens.vectors), _token_weights(query, found)),
        [around.details[key] for key in place],
        [[place[one] for one in some] for some in near],
        coder,
        scale,
    )
    worst = np.where(_LACKING, np.nanmax(rows, axis=0), np.nanmin(rows, axis=0))
    return np.where(np.isnan(rows), worst, rows)


def _neighbours(key: Key, around: _Around) -> list[Key]:
    return [near for step in (-1, 1) if (near := around.neighbour(key, step)) is not None]


def _token_weights(query: Query, found: Candidates) -> Floats:
    """(m,) the IDF of the term that each token of the question belongs to, and some for the others; their sum is 1."""
    idf = found.weights.idf
    words = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(query.text)]
    language = analysed_as(query.language)
    weight = {
        start: max((idf.get(term, 0.0) for term in terms(word, language)), default=0.0) for start, _, word in words
    }
    weights = np.array(
        [
            next((weight[start] for start, end, _ in words if start <= token < end), 0.0)
            for token in query.tokens.spans[:, 0].tolist()
        ]
    )
    weights += _FUNCTION_WORDS * max(float(weights.max(initial=0.0)), 1.0)
    return np.asarray(weights / weights.sum())
