"""The protocols on published sets: what is indexed, what is asked, and which table comes of it.

benchmarks/README.md says what each of them measures. Nothing is printed here.
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from evaluation.asking import Outcome, ask_all, holds_a_span, reads_as_published
from evaluation.passing import corpus_of
from evaluation.sets import Boundaries, Question, QuestionSet, spaced
from evaluation.systems import EncodedQuestions
from evaluation.tables import Table, ranking_table, refusal_table
from index.article import Article
from index.encoder import Encoder

FIXED_CANDIDATES, PRODUCT_RUN, OUT_OF_CORPUS, ADVERSARIAL = PROTOCOLS = (1, 2, 3, 4)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def run(
    questions: QuestionSet,
    encoder: Encoder,
    progress: Progress,
    *,
    protocols: Collection[int] = PROTOCOLS,
    limit: int | None = None,
) -> list[Table]:
    """The tables of the set's protocols; those that the set has nothing for are left out.

    Of the questions, `limit` evenly spaced ones are asked.

    Raises:
        UserError: an article of the set cannot be indexed, or what `Indexer` raises.
    """
    answerable = spaced([one for one in questions.questions if one.answerable], limit)
    mixed = spaced(questions.questions, limit)
    encoded = EncodedQuestions(encoder, [one.text for one in (*answerable, *mixed)])
    bench = _Bench(questions, encoded, progress)
    tables = []
    if FIXED_CANDIDATES in protocols and answerable:
        for name, boundaries in questions.boundaries.items():
            outcomes = bench.ask(f"fixed candidates ({name})", answerable, questions.articles, boundaries)
            title = f"fixed candidates, {name}"
            tables.append(ranking_table(FIXED_CANDIDATES, title, answerable, outcomes, once=True, halves=True))
    if PRODUCT_RUN in protocols and answerable:
        outcomes = bench.ask("product run", answerable, questions.articles)
        tables.append(ranking_table(PRODUCT_RUN, "product run", answerable, outcomes, halves=True))
    if OUT_OF_CORPUS in protocols and answerable:
        some = sorted(questions.articles, key=lambda article: article.source)[::2]
        known = {article.source for article in some}
        outcomes = bench.ask("out of corpus", answerable, some)
        inside = np.array([one.article in known for one in answerable])
        tables.append(refusal_table(OUT_OF_CORPUS, "out of corpus", answerable, outcomes, inside=inside, halves=True))
    if ADVERSARIAL in protocols and not all(one.answerable for one in mixed):
        outcomes = bench.ask("adversarial", mixed, questions.articles)
        inside = np.array([one.answerable for one in mixed])
        tables.append(refusal_table(ADVERSARIAL, "adversarial", mixed, outcomes, inside=inside, halves=True))
    return tables


class _Bench:
    """One set, and what its questions are asked with."""

    def __init__(self, questions: QuestionSet, encoder: Encoder, progress: Progress) -> None:
        self._name = questions.name
        self._texts = {article.source: article.text for article in questions.articles}
        self._encoder = encoder
        self._progress = progress

    def ask(
        self,
        what: str,
        questions: Sequence[Question],
        articles: Sequence[Article],
        boundaries: Boundaries | None = None,
    ) -> dict[str, list[Outcome]]:
        """The outcomes over a corpus of these articles, split by the product or else at published boundaries."""
        what = f"{self._name}, {what}"
        self._progress(f"{what}: indexing articles", len(articles), len(articles))
        judge = holds_a_span if boundaries is None else reads_as_published(self._texts, boundaries)

        def progress(done: int, total: int) -> None:
            self._progress(f"{what}: asking questions", done, total)

        with corpus_of(articles, self._encoder, boundaries=boundaries) as corpus:
            return ask_all(questions, [corpus], self._encoder, judge=judge, texts=self._texts, progress=progress)
