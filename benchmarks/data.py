"""Question sets in the layout that benchmarks/README.md describes: `articles.jsonl.gz` and `questions.jsonl.gz`."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.article import Article, Span
from index.errors import UserError


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the article it was asked about, the spans that answer it there, and the answers as strings."""

    text: str
    article: str
    spans: tuple[Span, ...]
    answers: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        return bool(self.spans)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A set's articles, whose `source` is their id there, and its questions."""

    name: str
    articles: list[Article]
    questions: list[Question]


def load(folder: Path) -> QuestionSet:
    """The set in `folder`. Raises `UserError` if its files are missing or not in the layout."""
    try:
        articles = [
            Article(row["id"], row.get("title") or row["id"], row["text"], row.get("url"), states_title="title" in row)
            for row in _rows(folder, "articles")
        ]
        questions = [
            Question(
                row["question"],
                row["article_id"],
                tuple(Span(*span) for span in row["spans"]) if row["answerable"] else (),
                tuple(row.get("answers", ())),
            )
            for row in _rows(folder, "questions")
        ]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder} holds no question set that can be read ({type(error).__name__}: {error}). It needs "
            "articles.jsonl.gz and questions.jsonl.gz; see benchmarks/README.md."
        ) from error
    return QuestionSet(folder.name, articles, questions)


def half(article: str) -> int:
    """0 or 1: what is fitted is fitted on articles of half 0 and reported on those of half 1."""
    # Not SHA-256: nq-qed-even holds the articles whose SHA-256 is even, so it has no other half.
    return hashlib.md5(article.encode(), usedforsecurity=False).digest()[0] % 2


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
