"""A question → the best candidates of some corpora, with all the evidence there is about them. Nothing is ranked yet
but by a first, cheap look, which decides what is worth a closer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.corpus import CorpusView
from index.encoder import Encoder
from index.stored import StoredArticle
from retrieval.candidates import Candidate, Candidates, Query, Within, find
from retrieval.evidence import gather, shortlisted
from retrieval.question import Wording, asked_of, foreign
from retrieval.ranker import FixedRanker
from retrieval.spelling import mended, slips

CANDIDATES = 100  # best sentences by each kind of evidence
LOOKED_AT = 40  # best of these that are looked at closely: in three question sets, 99 of 100 right ones are among them


@dataclass(frozen=True, slots=True)
class Search:
    """What was `found` for a question, of which the n best by `first_scores` are looked at closely.

    `order` (n,) are their numbers in `found`, `candidates` (n,) and `articles` (n,) are they and theirs, and `evidence`
    is (n, len(EVIDENCE)). `words_alone`: the model does not know the question's `language`, an ISO 639-1 code or "und".
    `question` is what was searched for: the question with its slips put right.
    """

    found: Candidates
    first_scores: NDArray[np.float64]
    order: Sequence[int]
    candidates: Sequence[Candidate]
    articles: Sequence[StoredArticle]
    evidence: NDArray[np.float64]
    language: str
    words_alone: bool
    question: str


def search(
    views: Sequence[CorpusView],
    encoder: Encoder,
    question: str,
    *,
    own: str | None = None,
    most: int = LOOKED_AT,
    mend: bool = True,
    within: Within | None = None,
) -> Search:
    """What the corpora have on a question; `own` is a follow-up as it was asked, `most` how many are looked at, `mend`
    whether the question's slips are put right, and `within` the one article of theirs that is asked, if it is one."""
    asked = asked_of(question, views, encoder.languages)
    query = query_of(encoder, question, own, asked)
    unknown = foreign(asked.language, encoder.languages) is not None
    # Of a language that the model does not know, it cannot tell which words are right.
    if mend and not unknown and (put_right := slips(question, views, asked, query.tokens)):
        question, own = mended(question, put_right), None if own is None else mended(own, put_right)
        asked = asked_of(question, views, encoder.languages)
        query = query_of(encoder, question, own, asked)
    # Where question and articles are in a language that the model does not know, its cosines are noise, and words
    # alone order better (benchmarks/README.md, "Languages").
    words_alone = unknown and any(asked.language in view.languages for view in views)
    found = find(views, query, CANDIDATES, within)
    scores = FixedRanker().scores(found.features, words_alone=words_alone)
    close = shortlisted(found, scores, most)
    evidence = gather(close, query, encoder.yardstick)
    read = close.order, close.candidates, close.articles
    return Search(found, scores, *read, evidence, asked.language, words_alone, question)


def query_of(encoder: Encoder, searched: str, own: str | None, asked: Wording) -> Query:
    """The question as it is looked up.

    A follow-up's own words count twice, with and without those added to it, or the sentence that answered the question
    before would come first again.
    """
    read = encoder.read_questions([searched] if own is None else [searched, own])
    vector = read.vectors.sum(axis=0)
    vector /= max(float(np.linalg.norm(vector)), 1e-9)
    return Query(vector, asked.terms, encoder.yardstick.cosine, read.tokens[0], searched, asked.language)
