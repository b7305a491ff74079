"""A question to corpora of different models, as there are while one model takes another's place.

What one model makes of a question means nothing to vectors of another, so each model's corpora are asked by themselves,
and the better answer is taken. It knows nothing of how a model is replaced.
"""

from collections.abc import Sequence

from index.corpus import Corpus
from index.encoder import Encoder, EncoderIdentity
from retrieval.answer import Answer
from retrieval.ranker import DEFAULT_PRECISION, LearnedRanker
from retrieval.reranker import CrossEncoderReranker
from retrieval.retriever import Only, Retriever


class Several:
    """Answers questions from `corpora`, each by the encoder that it has; `encoder` serves where there are none."""

    def __init__(
        self,
        corpora: Sequence[Corpus],
        encoder: Encoder,
        ranker: LearnedRanker | None = None,
        *,
        precision: float = DEFAULT_PRECISION,
        reranker: CrossEncoderReranker | None = None,
    ) -> None:
        groups: dict[EncoderIdentity, list[Corpus]] = {}
        for corpus in corpora:
            groups.setdefault(corpus.encoder.identity, []).append(corpus)
        self._retrievers = [
            Retriever(group, group[0].encoder if group else encoder, ranker, precision=precision, reranker=reranker)
            for group in list(groups.values()) or [[]]
        ]

    def ask(self, question: str, *, top: int = 3, previous: Sequence[str] = (), only: Only | None = None) -> Answer:
        """As `Retriever.ask`: of each model's answer the surest; among equals, that of the corpus named first."""
        answers = (one.ask(question, top=top, previous=previous, only=only) for one in self._retrievers)
        return max(answers, key=_sureness)


def _sureness(answer: Answer) -> tuple[bool, float]:
    best = answer.hits[0] if answer.hits else answer.nearest
    return answer.answered, best.probability if best else 0.0
