"""What each step of a question costs, on one core.

    python -m benchmarks.cost FOLDER [--questions N] [--data DIR]

A set's articles are indexed, and its questions asked one after the other, each step timed by itself: medians and 95th
percentiles in milliseconds. Token evidence is measured as it is shipped, from stored codes, and beside it as it would
be if the best 30 sentences were encoded when asked.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when the libraries below are imported

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.remembering import Remembering
from benchmarks.slips import misspelt
from evaluation.passing import corpus_of
from evaluation.sets import QuestionSet, load, spaced
from index.corpus import Corpus
from index.encoder import Encoder
from index.encoders import ModelEncoder
from index.errors import UserError
from index.yardstick import Yardstick
from retrieval.candidates import find
from retrieval.evidence import gather, shortlisted
from retrieval.question import asked_of
from retrieval.ranker import FixedRanker, shipped
from retrieval.search import CANDIDATES, LOOKED_AT, query_of
from retrieval.spelling import slips

_ENCODED = 30  # sentences that would be encoded for a question if their tokens were not stored
_ON_DEMAND = 20  # questions for which that is measured


class Clock:
    """Times steps by name, in milliseconds."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.times.setdefault(name, []).append(1_000 * (time.perf_counter() - started))


def measure(questions: QuestionSet, corpus: Corpus, encoder: Encoder, most: int) -> dict[str, list[float]]:
    """Step → its milliseconds for each question."""
    clock, without = Clock(), Yardstick(encoder.yardstick.cosine, None, None)
    for number, question in enumerate(spaced([one for one in questions.questions if one.answerable], most)):
        text = " ".join(question.text.split())
        with corpus.view() as view:
            with clock.step("language and terms"):
                asked = asked_of(text, [view], encoder.languages)
            with clock.step("encode the question"):
                query = query_of(encoder, text, None, asked)
            with clock.step("look for slips"):
                slips(text, [view], asked, query.tokens)
            slipped = misspelt(text)
            if slipped != text:
                wrong = asked_of(slipped, [view], encoder.languages)
                tokens = query_of(encoder, slipped, None, wrong).tokens
                with clock.step("the same, where there is one"):
                    slips(slipped, [view], wrong, tokens)
            with clock.step("find candidates"):
                found = find([view], query, CANDIDATES)
            scores = FixedRanker().scores(found.features)
            with clock.step("read the best of them"):
                shortlist = shortlisted(found, scores, LOOKED_AT)
            with clock.step("evidence of words and places"):
                gather(shortlist, query, without)
            with clock.step("the same, and of stored tokens"):
                evidence = gather(shortlist, query, encoder.yardstick)
            with clock.step("rank"):
                shipped().judge(evidence, found.weights)
            if number < _ON_DEMAND:
                best = [one.sentence for one in shortlist.candidates[:_ENCODED]]
                loaded = [(one, view.store.load(one.article_id)) for one in best]
                texts = [article.text[one.start : one.end] for one, article in loaded if article is not None]
                with clock.step(f"instead: encode {_ENCODED} sentences"):
                    encoder.read_passages(texts)
    return clock.times


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument("--questions", type=int, default=300, metavar="N", help="how many are asked")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    options = parser.parse_args(arguments)
    try:
        encoder = ModelEncoder()
        remembering = Remembering(encoder, options.data)
        questions = load(options.folder)
        with corpus_of(questions.articles, remembering) as corpus:
            times = measure(questions, corpus, encoder, options.questions)
            sentences, size = corpus.store.statistics().sentences, corpus.store.path.stat().st_size
            tokens = corpus.store.token_bytes()
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(
        f"{questions.name}: {sentences:,} sentences; a sentence takes {size / sentences:,.0f} bytes on disk, of which"
    )
    print(f"{tokens / sentences:,.0f} are its tokens' codes")
    print(f"{'milliseconds, one core':36}{'median':>8}{'p95':>8}")
    for name, values in times.items():
        print(f"{name:36}{np.median(values):8.2f}{np.quantile(values, 0.95):8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
