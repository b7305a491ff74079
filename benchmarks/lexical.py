"""What searching for words costs at size: the counts of a question's words, and the best sentences by them.

    python -m benchmarks.lexical [--sizes 10000,100000] [--questions N] [--eval FOLDER]

A corpus of each size is made in a folder of its own, of words drawn by Zipf's law, or of the sentences of a question
set's articles (their halves put together anew), and asked for a few words of one of its own sentences. Beside what the
product does stands FTS5's own ranking of the same words, in turns. Prints p50 and p95 in milliseconds, and the file's
size; ratios are what counts. Making a million sentences takes minutes and a gigabyte.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import accumulate, islice
from pathlib import Path

import numpy as np

from evaluation.sets import load
from index.article import Article, Paragraph, Sentence
from index.corpus import UNITS
from index.database import Database
from index.encoder import Stamp
from index.lexical import question_terms, terms
from index.preparing import split_article
from index.store import Store
from index.stored import Encoding, PreparedArticle, PreparedParagraph, PreparedSentence, Unit
from retrieval.candidates import searched_for

_STAMP = Stamp("none", "", "", 1, 1)
_NOTHING = Encoding(np.zeros(1, np.float16))
_VOCABULARY = 200_000
_PARAGRAPH, _ARTICLE = 4, 32  # sentences
_ASKED = 5  # words of a question
_MOST = (100, 20)  # best sentences and paragraphs, as the product asks for them


def drawn(chance: random.Random) -> Iterator[list[str]]:
    """Sentences without end, of 8 to 40 words, the n-th commonest of which has a share of about 1/n."""
    shares = list(accumulate(1 / (rank + 3) for rank in range(_VOCABULARY)))
    while True:
        picked = chance.choices(range(_VOCABULARY), cum_weights=shares, k=chance.randint(8, 40))
        yield [f"w{rank:x}" for rank in picked]


def recombined(folder: Path, chance: random.Random) -> Iterator[list[str]]:
    """Sentences without end, each half of one and half of another of a question set's articles."""
    spans = ((article, span) for article in load(folder).articles for span in split_article(article))
    real = [words for article, span in spans if len(words := terms(span.of(article.text))) > 1]
    while True:
        one, other = chance.choice(real), chance.choice(real)
        yield one[: len(one) // 2] + other[len(other) // 2 :]


def article(number: int, sentences: Sequence[list[str]]) -> PreparedArticle:
    """An article whose text is its terms."""
    at, parts = 0, []
    for words in sentences:
        span = Sentence(at, at + len(" ".join(words)))
        at = span.end + 1
        parts.append(PreparedSentence(span, False, f"{number} {at}".encode(), _NOTHING, words))
    groups = [parts[start : start + _PARAGRAPH] for start in range(0, len(parts), _PARAGRAPH)]
    paragraphs = [
        PreparedParagraph(
            Paragraph(group[0].span.start, group[-1].span.end), [word for one in group for word in one.terms], group
        )
        for group in groups
    ]
    text = "\n".join(map(" ".join, sentences))
    return PreparedArticle(Article(f"/{number}", f"{number}", text), b"1", b"1", paragraphs)


def questions(sentences: Sequence[list[str]], number: int, chance: random.Random) -> list[list[str]]:
    """A few telling words each of one of the sentences."""
    asked = [question_terms(" ".join(chance.choice(sentences))) for _ in range(number)]
    return [chance.sample(words, min(_ASKED, len(words))) for words in asked]


def measure(size: int, sentences: Iterator[list[str]], number: int, folder: Path) -> None:
    """Makes a corpus of this size, asks it, and prints a line for each thing that is measured."""
    path, chance = folder / f"{size}.db", random.Random(size)  # noqa: S311 — sentences, no secret
    store = Store(path)
    known = list(islice(sentences, size))
    store.replace_all((article(at, known[at : at + _ARTICLE]) for at in range(0, size, _ARTICLE)), _STAMP)
    with store.snapshot():
        first = timed(lambda: [store.search_text(unit, known[0][:1], 1) for unit in UNITS])
    found: dict[str, list[float]] = {"counts": [], "search": [], "FTS5's own ranking": []}
    database = Database(path, create=False)
    for asked in questions(known, number, chance):
        with store.snapshot():
            started = time.perf_counter()
            frequencies = [store.document_frequencies(unit, asked) for unit in UNITS]
            found["counts"].append(1000 * (time.perf_counter() - started))
            chosen = [searched_for(one, everything=False) for one in frequencies]
            sought = list(zip(UNITS, chosen, _MOST, strict=True))
            found["search"].append(timed(partial(each, store.search_text, sought)))
            found["FTS5's own ranking"].append(timed(partial(each, partial(ranked, database), sought)))
    for name, times in found.items():
        p50, p95 = np.percentile(times, (50, 95))
        print(f"{size:>9,}  {name:<20} p50 {p50:7.2f} ms  p95 {p95:7.2f} ms", flush=True)
    print(f"{size:>9,}  first search after a start {first:.0f} ms; file {path.stat().st_size / 2**20:,.0f} MiB")
    database.close()
    store.close()


def each(search: Callable[[Unit, Sequence[str], int], object], sought: Sequence[tuple[Unit, list[str], int]]) -> None:
    for unit, words, most in sought:
        search(unit, words, most)


def ranked(database: Database, unit: Unit, words: Sequence[str], most: int) -> object:
    """The best by FTS5's own bm25, as it was done before."""
    match = " OR ".join(f'"{word}"' for word in words)
    sql = (
        f"SELECT rowid FROM {unit}_text WHERE {unit}_text MATCH ?"  # noqa: S608 — the name of a table
        f" AND rowid NOT IN (SELECT id FROM hidden_{unit}) ORDER BY rank LIMIT ?"
    )
    return database.rows(sql, (match, most)) if words else []


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000", metavar="N,N", help="sentences of each corpus")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--eval", type=Path, metavar="FOLDER", help="a question set, whose sentences are recombined")
    options = parser.parse_args(arguments)
    for size in map(int, options.sizes.split(",")):
        chance = random.Random(0)  # noqa: S311
        sentences = recombined(options.eval, chance) if options.eval else drawn(chance)
        with tempfile.TemporaryDirectory() as folder:
            measure(size, sentences, options.questions, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
