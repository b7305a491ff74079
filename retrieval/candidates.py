"""A question's candidate sentences, with the evidence for each: dense and lexical, of the sentence and its paragraph.

The evidence is computed here from pooled counts, not taken from each corpus's own search scores, so that sentences
of several corpora compare. Nothing is ranked here.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.corpus import CorpusView
from index.store import StoredSentence, Unit

# BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the
# usual constants.
_K1 = 1.2
_B = 0.75

FEATURES = ("dense", "dense_paragraph", "bm25", "bm25_paragraph", "coverage")
"""The columns of `Candidates.features`: the cosine of the question with the sentence (encoded under its article's
title) and with its paragraph; BM25 of both (the paragraph with its article's title) as a share of the most that the
question's terms could score; and the share of the question's IDF found in sentence, paragraph and title."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, and the view of the corpus it stands in."""

    view: CorpusView
    sentence: StoredSentence


@dataclass(frozen=True, slots=True)
class Candidates:
    """(n,) candidates and their evidence, `features` (n, len(FEATURES)) float64."""

    candidates: list[Candidate]
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Weights:
    """The IDF of each question term, their sum, and the average length in terms, for one unit over all corpora."""

    idf: Mapping[str, float]
    total: float
    average_length: float

    def bm25(self, counts: Mapping[str, int], length: int) -> float:
        """BM25 of a text with these counts, over the bound that BM25 has for this question: 0 to 1."""
        norm = _K1 * (1 - _B + _B * length / self.average_length)
        score = sum(self.idf[term] * count * (_K1 + 1) / (count + norm) for term, count in counts.items())
        return score / (self.total * (_K1 + 1)) if self.total else 0.0


def find(views: Sequence[CorpusView], vector: NDArray[np.float32], terms: Sequence[str], k: int) -> Candidates:
    """The candidates for a question with this unit `vector` (dimension,) and these distinct `terms`.

    The `k` best sentences by each of cosine and BM25, and the sentences of the k/5 best paragraphs by each.
    """
    sentence_weights, paragraph_weights = (_weights(views, unit, terms) for unit in ("sentence", "paragraph"))
    candidates: list[Candidate] = []
    rows: list[tuple[float, ...]] = []
    for view in views:
        sentences = _candidates_of(view, vector, terms, k)
        if not sentences:
            continue
        paragraph_ids = sorted({sentence.paragraph_id for sentence in sentences})
        paragraph_cosines = dict(zip(paragraph_ids, view.vectors["paragraph"].get(paragraph_ids) @ vector, strict=True))
        counts = {
            key: (_count(words, terms), len(words)) for key, words in view.store.paragraph_terms(paragraph_ids).items()
        }
        paragraphs = {key: paragraph_weights.bm25(*value) for key, value in counts.items()}
        cosines = np.stack([sentence.vector for sentence in sentences]).astype(np.float32) @ vector
        for sentence, cosine in zip(sentences, cosines, strict=True):
            found = _count(sentence.terms, terms)
            around = counts[sentence.paragraph_id][0]
            covered = sum(sentence_weights.idf[term] for term in found.keys() | around.keys())
            candidates.append(Candidate(view, sentence))
            rows.append(
                (
                    float(cosine),
                    float(paragraph_cosines[sentence.paragraph_id]),
                    sentence_weights.bm25(found, len(sentence.terms)),
                    paragraphs[sentence.paragraph_id],
                    covered / sentence_weights.total if sentence_weights.total else 0.0,
                )
            )
    return Candidates(candidates, np.array(rows, np.float64).reshape(len(rows), len(FEATURES)))


def _candidates_of(view: CorpusView, vector: NDArray[np.float32], terms: Sequence[str], k: int) -> list[StoredSentence]:
    ids: set[int] = set()
    paragraphs: set[int] = set()
    if "sentence" in view.vectors:
        ids.update(view.vectors["sentence"].search(vector, k).ids.tolist())
        paragraphs.update(view.vectors["paragraph"].search(vector, max(1, k // 5)).ids.tolist())
    ids.update(view.store.search_text("sentence", terms, k))
    paragraphs.update(view.store.search_text("paragraph", terms, max(1, k // 5)))
    ids.update(view.store.sentences_of_paragraphs(sorted(paragraphs)))
    return list(view.store.sentences(sorted(ids)).values())


def _weights(views: Iterable[CorpusView], unit: Unit, terms: Sequence[str]) -> _Weights:
    number = length = 0
    frequencies: Counter[str] = Counter()
    for view in views:
        statistics = view.store.statistics()
        number += statistics.sentences if unit == "sentence" else statistics.paragraphs
        length += statistics.sentence_terms if unit == "sentence" else statistics.paragraph_terms
        frequencies.update(view.store.document_frequencies(unit, terms))
    # The variant of IDF that stays positive for a term in most of a small corpus.
    idf = {term: math.log(1 + (number - frequencies[term] + 0.5) / (frequencies[term] + 0.5)) for term in terms}
    return _Weights(idf, sum(idf.values()), max(1.0, length / max(1, number)))


def _count(words: Sequence[str], terms: Sequence[str]) -> dict[str, int]:
    return {term: count for term in terms if (count := words.count(term))}
