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
from index.stored import StoredSentence, Unit
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
    """A sentence that may answer, the view of the corpus it stands in, and its paragraph's `terms`, those of the
    article's title first, separated by spaces."""

    view: CorpusView
    sentence: StoredSentence
    around: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """(n,) candidates and their evidence, `features` (n, len(FEATURES)) float64; and the `weights` of the question's
    terms in sentences."""

    candidates: list[Candidate]
    features: NDArray[np.float64]
    weights: "TermWeights"


@dataclass(frozen=True, slots=True)
class TermWeights:
    """The IDF of each question term, their sum, the average length in terms, and the number of units: for sentences or
    paragraphs, over all corpora."""

    idf: Mapping[str, float]
    total: float
    average_length: float
    units: int
    unknown: float  # the share of the question's IDF that no unit has

    def bm25(self, texts: Sequence[str]) -> list[float]:
        """(n,) BM25 of n texts of terms, over the bound that BM25 has for this question: 0 to 1."""
        if not self.total:
            return [0.0] * len(texts)
        counts = _counts(texts, list(self.idf))
        lengths = np.array([text.count(" ") + 1 for text in texts])
        norms = _K1 * (1 - _B + _B * lengths / self.average_length)
        scores = counts * (_K1 + 1) / (counts + norms[:, np.newaxis]) @ np.array(list(self.idf.values()))
        bm25: list[float] = (scores / (self.total * (_K1 + 1))).tolist()
        return bm25

    def share(self, terms: Iterable[str]) -> float:
        """The share of the question's IDF that these of its terms make up: 0 to 1."""
        return sum(self.idf[term] for term in terms) / self.total if self.total else 0.0


def find(views: Sequence[CorpusView], query: Query, k: int, within: Within | None = None) -> Candidates:
    """The candidates for a question: the `k` best sentences by each of cosine and BM25, and the sentences of the k/5
    best paragraphs by each; of one article alone if it is asked of one. What a term weighs is all corpora's business
    even so."""
    frequencies = {unit: [view.store.document_frequencies(unit, query.terms) for view in views] for unit in UNITS}
    weights = {unit: _weights(views, unit, frequencies[unit]) for unit in UNITS}
    candidates: list[Candidate] = []
    rows: list[tuple[float, ...]] = []
    for number, view in enumerate(views):
        if within is not None and view is not within.view:
            continue
        sought = {unit: _sought(frequencies[unit][number], everything=within is not None) for unit in UNITS}
        sentences = _candidates_of(view, query.vector, sought, k, within)
        if not sentences:
            continue
        paragraphs = _paragraphs(view, sentences, query, weights["paragraph"])
        cosines = np.stack([sentence.vector for sentence in sentences]).astype(np.float32) @ query.vector
        bm25 = weights["sentence"].bm25([sentence.terms for sentence in sentences])
        for sentence, cosine, own in zip(sentences, cosines.tolist(), bm25, strict=True):
            around = paragraphs[sentence.paragraph_id]
            candidates.append(Candidate(view, sentence, around.terms))
            rows.append((cosine, around.cosine, own, around.bm25))
    features = np.array(rows, np.float64).reshape(len(rows), len(FEATURES))
    features[:, :2] = query.scale.of(features[:, :2])
    return Candidates(candidates, features, weights["sentence"])


@dataclass(frozen=True, slots=True)
class _Paragraph:
    cosine: float
    bm25: float
    terms: str


def _paragraphs(
    view: CorpusView, sentences: Iterable[StoredSentence], query: Query, weights: TermWeights
) -> dict[int, _Paragraph]:
    ids = sorted({sentence.paragraph_id for sentence in sentences})
    texts = view.store.paragraph_terms(ids)
    cosines = (view.vectors["paragraph"].get(ids) @ query.vector).tolist()
    bm25 = weights.bm25([texts[key] for key in ids])
    return {key: _Paragraph(cosine, own, texts[key]) for key, cosine, own in zip(ids, cosines, bm25, strict=True)}


def _candidates_of(
    view: CorpusView,
    vector: NDArray[np.float32],
    sought: Mapping[Unit, Sequence[str]],
    k: int,
    within: Within | None = None,
) -> list[StoredSentence]:
    most: dict[Unit, int] = {"sentence": k, "paragraph": max(1, k // 5)}
    found: dict[Unit, set[int]] = {}
    for unit in UNITS:
        only = None if within is None else within.ids(unit)
        near = view.vectors[unit].search(vector, most[unit], only).ids.tolist()
        found[unit] = {*near, *view.store.search_text(unit, sought[unit], most[unit], only)}
    ids = found["sentence"].union(view.store.sentences_of_paragraphs(sorted(found["paragraph"])))
    # A heading answers nothing. What it says counts for the sentences below it, whose paragraph it belongs to.
    return [sentence for sentence in view.store.sentences(sorted(ids)).values() if not sentence.is_heading]


def _sought(frequencies: Mapping[str, int], *, everything: bool) -> list[str]:
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


def _counts(texts: Sequence[str], terms: Sequence[str]) -> NDArray[np.int64]:
    """(n, m) how often each of m terms stands in each of n texts of terms."""
    # Looked for as they stand, between blanks: splitting every text would cost several times as much.
    marks = [(f" {term} ", f" {term} {term} ") for term in terms]
    rows = []
    for text in texts:
        held = f" {text} "
        row = [held.count(mark) for mark, _ in marks]
        if any(count and twice in held for (_, twice), count in zip(marks, row, strict=True)):
            words = text.split()  # of two in a row, which share a blank, only one was counted
            row = [words.count(term) for term in terms]
        rows.append(row)
    return np.array(rows, np.int64).reshape(len(texts), len(terms))
