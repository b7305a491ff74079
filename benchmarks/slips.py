"""What slips of the pen cost: a set's questions as they are and with one word of each misspelt, with and without the
step that puts slips right.

    python -m benchmarks.slips FOLDER [FOLDER …] [--limit N] [--data DIR]

A slip is a letter left out, doubled, swapped with the next or replaced by its neighbour on the keyboard, in a word of
at least five letters that is no stopword, and never its first letter. A question's slip is always the same.
"""

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.quality import show
from benchmarks.remembering import Remembering
from evaluation.asking import holds_a_span
from evaluation.metrics import auroc
from evaluation.passing import corpus_of
from evaluation.sets import Question, QuestionSet, load, spaced
from evaluation.systems import place_of
from index.article import Article
from index.encoder import Encoder, SentenceTransformerEncoder
from index.errors import UserError
from index.lexical import STOPWORDS
from retrieval.retriever import Ranked, Retriever

_WORD = re.compile(r"[^\W\d_]{5,}")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {key: row[max(0, i - 1) : i] + row[i + 1 : i + 2] for row in _ROWS for i, key in enumerate(row)}


def misspelt(question: str) -> str:
    """The question with one slip, if it has a word for it."""
    words = [match for match in _WORD.finditer(question) if match.group().lower() not in STOPWORDS]
    if not words:
        return question
    drawn = random.Random(question)  # noqa: S311 — nothing is secret here
    match = drawn.choice(words)
    word = match.group()
    at = drawn.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    slip: Callable[[], str] = drawn.choice(
        [
            lambda: before + after,
            lambda: before + 2 * letter + after,
            lambda: before + after[0] + letter + after[1:],
            lambda: before + drawn.choice(_BESIDE.get(letter.lower(), "e")) + after,
        ]
    )
    return question[: match.start()] + slip() + question[match.end() :]


def figures(questions: QuestionSet, asked: Sequence[Question], encoder: Encoder) -> tuple[float, ...]:
    """MRR, R@1 and coverage over every article; AUROC of the confidence with every second article only."""
    articles = sorted(questions.articles, key=lambda article: article.source)
    reciprocal, shown = [], []
    for question, groups in _ranked(questions.name, articles, asked, encoder):
        is_right = holds_a_span(question)
        rights = [any(is_right(place_of(one)) for one in group) for group in groups]
        reciprocal.append(1 / (1 + rights.index(True)) if True in rights else 0.0)
        shown.append(bool(groups) and groups[0][0].probability >= groups[0][0].lowest)
    known = {article.source for article in articles[::2]}
    sure, inside = [], []
    for question, groups in _ranked(f"{questions.name}, half of the articles", articles[::2], asked, encoder):
        sure.append(groups[0][0].probability if groups else 0.0)
        inside.append(question.article in known)
    (area,) = auroc(np.array(sure), np.array(inside))
    return float(np.mean(reciprocal)), float(np.mean([one == 1 for one in reciprocal])), float(np.mean(shown)), area


def _ranked(
    what: str, articles: Sequence[Article], asked: Sequence[Question], encoder: Encoder
) -> Iterator[tuple[Question, list[list[Ranked]]]]:
    with corpus_of(articles, encoder) as corpus:
        retriever = Retriever([corpus], encoder)
        for number, question in enumerate(asked, start=1):
            show(what, number, len(asked))
            yield question, retriever.rank(question.text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slips", description="What slips of the pen cost.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument("--limit", type=int, metavar="N", help="ask N questions of each set, evenly spaced")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    options = parser.parse_args(arguments)
    try:
        encoder = Remembering(SentenceTransformerEncoder(), options.data)
        print(f"{'':46}{'MRR':>8}{'R@1':>8}{'coverage':>10}{'AUROC out of corpus':>21}")
        for folder in options.folders:
            questions = load(folder)
            asked = [question for question in questions.questions if question.answerable]
            asked = spaced(asked, options.limit) if options.limit else asked
            slipped = [replace(question, text=misspelt(question.text)) for question in asked]
            for kind, texts in (("as asked", asked), ("a slip in each", slipped)):
                for step in ("not put right", "put right"):
                    with patch("retrieval.search.slips", lambda *_: {}) if step.startswith("not") else nullcontext():
                        mrr, first, coverage, area = figures(questions, texts, encoder)
                    name = f"{questions.name}, {kind}, {step}"
                    print(f"{name:46}{mrr:8.3f}{first:8.3f}{coverage:10.3f}{area:21.3f}", flush=True)
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
