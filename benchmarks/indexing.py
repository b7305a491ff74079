"""What indexing costs beyond encoding, and what it costs when next to nothing has changed.

    python -m benchmarks.indexing [--articles N] [--folder DIR]

Articles of made-up sentences (a generator below; or the files of DIR) are indexed from a folder, by the isolated
reader, with the default model, on one core. Beside it, in turns within one run: one bare `encode` call over the same
texts, for their vectors only, as other programs make it; and one for what this program keeps, each token's vector, too.
Then one sentence of one article is changed, and the folder is indexed again. Prints tables; ratios are what counts.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when the libraries below are imported

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from index.article import Article
from index.encoders import ModelEncoder
from index.indexer import Indexer
from index.isolation import Isolation
from index.preparing import draft_of, encoded_texts
from index.readers import read
from index.report import SyncReport
from index.store import Store

T = TypeVar("T")
_SENTENCES = 20  # of a made-up article
_WHO = "The council|A carpenter|The ferry company|Her neighbour|The museum|A team of divers|The school|The baker".split(
    "|"
)
_DID = "repaired|sold|painted|measured|counted|described|closed|inherited|photographed|moved".split("|")
_WHAT = "the old bridge|two barges|a row of lime trees|the tide mill|forty letters|a brass bell|the north quay".split(
    "|"
)
_WHEN = "before the flood|in the dry summer of|after the fair of|during the winter of|on the first Sunday of".split("|")


def made_up(number: int) -> str:
    """An article of twenty sentences, between eight and thirty words long."""
    chance = random.Random(number)  # noqa: S311 — sentences, no secret

    def clause() -> str:
        words = (chance.choice(_WHO), chance.choice(_DID), chance.choice(_WHAT), chance.choice(_WHEN))
        return f"{' '.join(words)} {chance.randint(1700, 2025)}"

    def sentence() -> str:
        parts = [clause(), *(clause()[0].lower() + clause()[1:] for _ in range(chance.randint(0, 2)))]
        return ", and ".join(parts) + "."

    lines = [" ".join(sentence() for _ in range(5)) for _ in range(_SENTENCES // 5)]
    return f"# Parish chronicle {number}\n\n" + "\n\n".join(lines) + "\n"


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds and result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def texts_of(files: Sequence[Path]) -> list[str]:
    """What is encoded for these files: each distinct text once."""

    def article(file: Path) -> Article:
        return read(file.read_bytes(), file.as_posix(), file.name)

    return [text.text for text in dict(encoded_texts(draft_of(article(file), b"") for file in files)).values()]


def index(folder: Path, database: Path, encoder: ModelEncoder, reader: Isolation) -> SyncReport:
    store = Store(database)
    try:
        return Indexer(store, encoder, reader=reader).sync([str(folder)])
    finally:
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison with bare encoding")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    encoder = ModelEncoder()
    _ = encoder.yardstick  # loads the model
    with tempfile.TemporaryDirectory() as name, Isolation() as reader:
        base = Path(name)
        folder = options.folder or base / "articles"
        if options.folder is None:
            folder.mkdir()
            for number in range(options.articles):
                (folder / f"{number}.md").write_text(made_up(number), encoding="utf-8")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        part = files[: max(1, len(files) // 10)]
        compare(part, base, encoder, reader, options.rounds)
        if options.folder is None:
            change_one(folder, base, encoder, reader)
    return 0


def compare(files: Sequence[Path], base: Path, encoder: ModelEncoder, reader: Isolation, rounds: int) -> None:
    """Indexing some files, and encoding their texts in one call, in turns."""
    texts = texts_of(files)
    some = base / "some"
    some.mkdir()
    for file in files:
        (some / file.name).write_bytes(file.read_bytes())
    ways: dict[str, Callable[[int], object]] = {
        "one bare `encode` call: vectors": lambda _: encoder.encode_passages(texts),
        "one call: vectors and tokens": lambda _: encoder.read_passages(texts),
        "indexing": lambda number: index(some, base / f"{number}.db", encoder, reader),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            seconds[name].append(timed(partial(way, number))[0])
    print(f"{len(files)} articles, {len(texts):,} distinct sentences, {rounds} rounds in turns\n")
    print("| | sentences a second | indexing in proportion |\n|---|---|---|")
    for name, times in seconds.items():
        ratios = [a / b for a, b in zip(times, seconds["indexing"], strict=True)]
        share = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(f"| {name} | {len(texts) / statistics.median(times):.0f} | {share} |")
    print()


def change_one(folder: Path, base: Path, encoder: ModelEncoder, reader: Isolation) -> None:
    """A first run over the folder, one after a changed sentence, and one after nothing."""
    database = base / "corpus.db"
    first = index(folder, database, encoder, reader)
    file = folder / "7.md"
    head, _, rest = file.read_text(encoding="utf-8").partition(".")
    file.write_text(f"{head} once more.{rest}", encoding="utf-8")
    second = index(folder, database, encoder, reader)
    third = index(folder, database, encoder, reader)
    print("| run | settled anew | sentences encoded | reused | seconds | share of the first |")
    print("|---|---|---|---|---|---|")
    for name, one in (("first", first), ("one sentence changed", second), ("nothing changed", third)):
        changed = len(one.added) + len(one.changed)
        share = f"{100 * one.seconds / first.seconds:.2f}%"
        print(f"| {name} | {changed} | {one.encoded:,} | {one.reused:,} | {one.seconds:.2f} | {share} |")


if __name__ == "__main__":
    sys.exit(main())
