"""Published question sets, in the layout that benchmarks/README.md describes, with their sentence boundaries.

It reads files and knows nothing of systems or measures. What people bring about their own articles is read in
`evaluation.brought`.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from index.article import Article, Sentence, Span
from index.errors import UserError

T = TypeVar("T")
Boundaries = Mapping[str, Sequence[Sentence]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the article it was asked about, the spans that answer it there, and the answers as strings.

    `elsewhere` are spans of other articles that answer it as well, each with its article.
    """

    text: str
    article: str
    spans: tuple[Span, ...]
    answers: tuple[str, ...]
    elsewhere: tuple[tuple[str, Span], ...] = ()

    @property
    def answerable(self) -> bool:
        return bool(self.spans)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set's articles, whose `source` is their id there, and its questions.

    `boundaries` are the published sentences of every article: name of the boundaries → article → sentences.
    """

    name: str
    articles: list[Article]
    questions: list[Question]
    boundaries: dict[str, Boundaries] = field(default_factory=dict)


def load(folder: Path) -> QuestionSet:
    """The set in `folder`. Raises `UserError` if its files are missing or not in the layout.

    A question that is marked as unanswerable but has spans is left out: its article does hold the answer, only no
    sentence that its authors would have as a reason.
    """
    try:
        rows = list(_rows(folder, "articles"))
        articles = [
            Article(row["id"], row.get("title") or row["id"], row["text"], row.get("url"), states_title="title" in row)
            for row in rows
        ]
        texts = {article.source: article.text for article in articles}
        questions = [
            _question(row, texts) for row in _rows(folder, "questions") if row["answerable"] or not row["spans"]
        ]
        boundaries = _boundaries(folder, rows, texts)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder} holds no question set that can be read ({type(error).__name__}: {error}). It needs "
            "articles.jsonl.gz and questions.jsonl.gz; see benchmarks/README.md."
        ) from error
    return QuestionSet(folder.resolve().name, articles, questions, boundaries)


def half(article: str) -> int:
    """0 or 1: what is fitted is fitted on articles of half 0 and reported on those of half 1."""
    # Not SHA-256: nq-qed-even holds the articles whose SHA-256 is even, so it has no other half.
    return hashlib.md5(article.encode(), usedforsecurity=False).digest()[0] % 2


def spaced(values: Sequence[T], limit: int | None) -> list[T]:
    """`limit` of the values, evenly spaced; all of them if there are no more, or without a limit."""
    if limit is None or len(values) <= limit:
        return list(values)
    return [values[i * len(values) // limit] for i in range(limit)]


def _question(row: Mapping[str, Any], texts: Mapping[str, str]) -> Question:
    text = texts[row["article_id"]]
    spans = [Span(int(start), int(end)) for start, end in row["spans"]]
    if not isinstance(row["question"], str) or any(not 0 <= span.start < span.end <= len(text) for span in spans):
        raise ValueError(f"a question's text or spans are unsound: {row['question']!r}")
    # An answer starts with its first letter, and not with the blank before, which belongs to no sentence.
    spans = [Span(span.end - len(span.of(text).lstrip()), span.end) for span in spans if span.of(text).strip()]
    if row["answerable"] and not spans:
        raise ValueError(f"a question is answerable, but has no spans: {row['question']!r}")
    return Question(row["question"], row["article_id"], tuple(spans), tuple(map(str, row.get("answers", ()))))


def _boundaries(folder: Path, articles: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> dict[str, Boundaries]:
    """The boundaries that come in files of their own, else those that stand with the articles, if any do."""
    found: dict[str, Boundaries] = {}
    for path in sorted(folder.glob("sentences_*.jsonl.gz")):
        name = path.name.removesuffix(".jsonl.gz")
        found[name.removeprefix("sentences_")] = _sentences(list(_rows(folder, name)), texts)
    if not found and articles and all("sentences" in row for row in articles):
        found["published"] = _sentences(articles, texts)
    return found


def _sentences(rows: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> Boundaries:
    found = {row["id"]: [Sentence(int(start), int(end)) for start, end in row["sentences"]] for row in rows}
    if missing := texts.keys() - found.keys():
        raise ValueError(f"no sentences are given for {min(missing)!r}")
    for article, text in texts.items():
        ends = [0, *(offset for sentence in found[article] for offset in sentence), len(text)]
        if any(a > b for a, b in pairwise(ends)):
            raise ValueError(f"the sentences of {article!r} overlap, or reach beyond its text")
    return found


def _rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
