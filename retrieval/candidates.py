"""A question's candidate sentences, with the evidence for each: dense and lexical, of the sentence and its paragraph.

The evidence is computed here from pooled counts, not taken from each corpus's own search scores, so that sentences
of several corpora compare. Nothing is ranked here.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from index.corpus import UNITS, CorpusView
from index.outline import Outline
from index.stored import Ids, StoredSentence, Unit
from index.tokens import TokenVectors
from index.yardstick import Scale

# BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the
# usual constants.
_K1 = 1.2
_B = 0.75
_MOST_POSTINGS = 10_000  # of the terms searched for, together

FEATURES = ("dense", "dense_paragraph", "bm25", "bm25_paragraph")
"""The columns of `Candidates.features`: the cosine of the question with the sentence (encoded under its article's
title) and with its paragraph, on the model's own scale from 0 (unrelated) to 1 (a question and its answer); and BM25 of
both (the paragraph with its article's title) as a share of the most that the question's terms could score."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is looked up: its unit `vector` (dimension,), its distinct `terms`, how the model's cosines are
    to be read, its tokens, and its `text` and `language`."""

    vector: NDArray[np.float32]
    terms: Sequence[str]
    scale: Scale
    tokens: TokenVectors = field(default_factory=TokenVectors.none)
    text: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Within:
    """The one article that a question is asked of, in the view of its corpus."""

    view: CorpusView
    article: int

    def ids(self, unit: Unit) -> range:
        """Those of the article's parts."""
        return self.view.store.ids_of(unit, self.article)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, and the view of the corpus it stands in."""

    view: CorpusView
    sentence: StoredSentence


@dataclass(frozen=True, slots=True)
class Candidates:
    """n candidates, of which no more is known than is in memory, and the evidence for them.

    Each stands in that of the `views` whose number `of` (n,) says; `ids`, `paragraphs`, `articles` and `places` (n,)
    are an outline's. `features` (n, len(FEATURES)) are float64, `around` (n, m) says which of the question's m terms
    stand in the paragraph or its article's title, and `weights` are those terms' in sentences, in the same order.
    """

    views: Sequence[CorpusView]
    of: Ids
    ids: Ids
    paragraphs: Ids
    articles: Ids
    places: Ids
    features: NDArray[np.float64]
    around: NDArray[np.bool_]
    weights: "TermWeights"

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, order: Sequence[int] | None = None) -> dict[int, Candidate]:
        """Number → candidate, of these or of all, in this order; without what the store has no longer, or not yet."""
        numbers = range(len(self)) if order is None else order
        wanted: dict[int, list[int]] = {}
        of, ids = self.of.tolist(), self.ids.tolist()
        for number in numbers:
            wanted.setdefault(of[number], []).append(ids[number])
        read = {view: self.views[view].store.sentences(sorted(some)) for view, some in wanted.items()}
        found = ((number, read[of[number]].get(ids[number])) for number in numbers)
        return {number: Candidate(self.views[of[number]], one) for number, one in found if one is not None}


@dataclass(frozen=True, slots=True)
class TermWeights:
    """The IDF of each question term, their sum, the average length in terms, and the number of units: for sentences or
    paragraphs, over all corpora."""

    idf: Mapping[str, float]
    total: float
    average_length: float
    units: int
    unknown: float  # the share of the question's IDF that no unit has

    def bm25(self, counts: NDArray[np.int64], lengths: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) BM25 of n units that have `counts` (n, m) of the m terms, and `lengths` (n,) in all, over the bound that
        BM25 has for this question: 0 to 1."""
        if not self.total:
            return np.zeros(len(counts))
        norms = _K1 * (1 - _B + _B * lengths / self.average_length)
        scores = counts * (_K1 + 1) / (counts + norms[:, np.newaxis]) @ np.array(list(self.idf.values()))
        return np.asarray(scores / (self.total * (_K1 + 1)))

    def share(self, terms: Iterable[str]) -> float:
        """The share of the question's IDF that these of its terms make up: 0 to 1."""
        return sum(self.idf[term] for term in terms) / self.total if self.total else 0.0


def find(views: Sequence[CorpusView], query: Query, k: int, within: Within | None = None) -> Candidates:
    """The candidates for a question: the `k` best sentences by each of cosine and BM25, and the sentences of the k/5
    best paragraphs by each; of one article alone if it is asked of one. What a term weighs is all corpora's business
    even so."""
    frequencies = {unit: [view.store.document_frequencies(unit, query.terms) for view in views] for unit in UNITS}
    weights = {unit: _weights(views, unit, frequencies[unit]) for unit in UNITS}
    terms = list(weights["sentence"].idf)
    found = [(Outline(), np.empty(0, np.int64), np.empty((0, len(FEATURES))), np.empty((0, len(terms)), np.bool_))]
    for number, view in enumerate(views):
        if within is not None and view is not within.view:
            continue
        sought = {unit: searched_for(frequencies[unit][number], everything=within is not None) for unit in UNITS}
        some = _candidates_of(view, query.vector, sought, k, within)
        paragraphs, at = np.unique(some.paragraphs, return_inverse=True)
        cosines, counts = _compared(view, "sentence", some.ids, query, terms)
        beside, counts_beside = _compared(view, "paragraph", paragraphs, query, terms)
        bm25 = weights["sentence"].bm25(counts, view.store.lengths("sentence", some.ids))
        bm25_beside = weights["paragraph"].bm25(counts_beside, view.store.lengths("paragraph", paragraphs))
        features = np.column_stack([cosines, beside[at], bm25, bm25_beside[at]])
        found.append((some, np.full(len(some.ids), number), features, counts_beside[at] > 0))
    outlines, *columns = zip(*found, strict=True)
    of, features, around = map(np.concatenate, columns)
    features[:, :2] = query.scale.of(features[:, :2])
    ids, paragraphs, articles, places = (
        np.concatenate([getattr(one, name) for one in outlines]) for name in ("ids", "paragraphs", "articles", "places")
    )
    return Candidates(views, of, ids, paragraphs, articles, places, features, around, weights["sentence"])


def _compared(
    view: CorpusView, unit: Unit, ids: Ids, query: Query, terms: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The cosines (n,) of n units with the question, and how often each of m terms stands in each (n, m)."""
    return view.vectors[unit].get(ids) @ query.vector, view.store.term_counts(unit, terms, ids)


def _candidates_of(
    view: CorpusView,
    vector: NDArray[np.float32],
    sought: Mapping[Unit, Sequence[str]],
    k: int,
    within: Within | None = None,
) -> Outline:
    most: dict[Unit, int] = {"sentence": k, "paragraph": max(1, k // 5)}
    found: dict[Unit, Ids] = {}
    for unit in UNITS:
        only = None if within is None else within.ids(unit)
        near = view.vectors[unit].search(vector, most[unit], only).ids
        worded = np.array(view.store.search_text(unit, sought[unit], most[unit], only), np.int64)
        found[unit] = np.unique(np.concatenate([near, worded]))
    ids = np.unique(np.concatenate([found["sentence"], view.outline.of_paragraphs(found["paragraph"])]))
    some = view.outline.of(ids)
    # A heading answers nothing. What it says counts for the sentences below it, whose paragraph it belongs to.
    return some.at(~some.headings)


def searched_for(frequencies: Mapping[str, int], *, everything: bool) -> list[str]:
    """The terms to search for: the rarest, as long as what holds them stays few enough to be scored at once; or
    `everything`, where only one article is looked through.

    A term that nearly everything holds finds nothing that the others do not, but costs more than all of them: at
    100,000 sentences 128 ms instead of 13. The evidence counts every term all the same.
    """
    chosen: list[str] = []
    total = 0
    for term, frequency in sorted(frequencies.items(), key=lambda pair: pair[1]):
        total += frequency
        if chosen and total > _MOST_POSTINGS and not everything:
            break
        if frequency:
            chosen.append(term)
    return chosen


def _weights(views: Sequence[CorpusView], unit: Unit, frequencies: Sequence[Mapping[str, int]]) -> TermWeights:
    statistics = [view.statistics for view in views]
    number = sum(one.sentences if unit == "sentence" else one.paragraphs for one in statistics)
    length = sum(one.sentence_terms if unit == "sentence" else one.paragraph_terms for one in statistics)
    pooled: Counter[str] = Counter()
    for one in frequencies:
        pooled.update(one)
    # The variant of IDF that stays positive for a term in most of a small corpus.
    idf = {term: math.log(1 + (number - count + 0.5) / (count + 0.5)) for term, count in pooled.items()}
    total = sum(idf.values())
    unknown = sum(idf[term] for term, count in pooled.items() if not count) / total if total else 0.0
    return TermWeights(idf, total, max(1.0, length / max(1, number)), number, unknown)
