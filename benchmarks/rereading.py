"""What a cross-encoder is fitted on: its logits beside the ranker's judgement, of the candidates that it reads."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.examples import Example, Firsts, Group, Look
from index.errors import UserError
from retrieval.fusion import confidence_columns
from retrieval.ranker import LearnedRanker, Linear
from retrieval.reranker import CrossEncoderReranker, passage_of
from retrieval.search import Search

Floats = NDArray[np.float64]


def looking(ranker: LearnedRanker, reranker: CrossEncoderReranker) -> Look:
    """Of the candidates of a question: the ranker's scores and probabilities, and the cross-encoder's logits."""

    def look(question: str, found: Search) -> Floats:
        def passage(place: int) -> str:
            view, sentence = found.candidates[place].view, found.candidates[place].sentence
            article = view.store.load(sentence.article_id)
            assert article is not None
            return passage_of(found.articles[place], article.text[sentence.start : sentence.end])

        judged = ranker.judge(found.evidence, found.found.weights, words_alone=found.words_alone)
        logits = reranker.logits(question, judged.scores, passage)
        return np.column_stack([judged.scores, logits, judged.probabilities])

    return look


def reread_firsts(group: Group, order: Linear) -> Firsts:
    """As `firsts`, of what `looking` saw: (n, len(CONFIDENCE))."""
    values, right = [], []
    for one in group.examples:
        fused = order.of(one.evidence)
        first = int(np.argmax(fused))
        values.append(confidence_columns(one.evidence[:, 2], one.evidence[:, 1], fused)[first])
        right.append(one.right[first])
    return np.array(values), np.array(right), np.array([one.inside for one in group.examples])


def read_of(groups: Sequence[Group]) -> list[Group]:
    """The groups with the candidates that were read, and the questions with any.

    Raises:
        UserError: no right candidate is among them.
    """
    read = [Group(group.name, group.kind, [_read(one) for one in group.examples]) for group in groups]
    read = [replace(group, examples=[one for one in group.examples if len(one.right)]) for group in read]
    if not any(one.right.any() for group in read for one in group.examples):
        raise UserError("No question's answer is among the candidates. Train on sets whose articles answer questions.")
    return [group for group in read if group.examples]


def _read(example: Example) -> Example:
    """The candidates that the cross-encoder has read."""
    read = ~np.isnan(example.evidence[:, 1])
    return replace(example, evidence=example.evidence[read], right=example.right[read])
