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
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from benchmarks.quality import show
from benchmarks.remembering import Remembering
from evaluation.metrics import Estimate
from evaluation.protocols import OUT_OF_CORPUS, PRODUCT_RUN, run
from evaluation.sets import QuestionSet, load
from evaluation.systems import PRODUCT
from index.encoder import Encoder
from index.encoders import ModelEncoder
from index.errors import UserError
from index.lexical import STOPWORDS

_WORD = re.compile(r"[^\W\d_]{5,}")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_FIGURES = ("MRR", "R@1", "AUROC", "coverage", "refused")
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


def figures(questions: QuestionSet, encoder: Encoder, limit: int | None) -> dict[str, dict[str, Estimate]]:
    """System → its figures on the articles held back, of the product run and out of corpus."""
    found: dict[str, dict[str, Estimate]] = {}
    for table in run(questions, encoder, show, protocols=(PRODUCT_RUN, OUT_OF_CORPUS), limit=limit):
        part = next(one for one in table.parts if one.name == "held back")
        for name, own in part.systems.items():
            found.setdefault(name, {}).update(own)
    return found


def _shown(figure: Estimate | None) -> str:
    if figure is None:
        return "–"
    interval = "({:.3f}–{:.3f})".format(*figure.interval) if figure.interval else ""
    return f"{figure.value:.3f} {interval}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slips", description="What slips of the pen cost.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument("--limit", type=int, metavar="N", help="ask N questions of each set, evenly spaced")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    options = parser.parse_args(arguments)
    try:
        encoder = Remembering(ModelEncoder(), options.data)
        for folder in options.folders:
            questions = load(folder)
            for kind in ("as asked", "a slip in each"):
                if kind != "as asked":
                    slipped = [replace(one, text=misspelt(one.text)) for one in questions.questions]
                    questions = replace(questions, questions=slipped)
                for step in ("not put right", "put right"):
                    with patch("retrieval.search.slips", lambda *_: {}) if step.startswith("not") else nullcontext():
                        found = figures(questions, encoder, options.limit)
                    for system in ("bm25", "dense", PRODUCT) if step == "put right" else (PRODUCT,):
                        told = "  ".join(f"{name} {_shown(found[system].get(name))}" for name in _FIGURES)
                        print(f"{questions.name}, {kind}, {step}, {system}: {told}", flush=True)
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
