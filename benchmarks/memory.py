"""What open corpora take in memory, what bounds it, and what opening one again costs.

    python -m benchmarks.memory [--servers N] [--sentences N] [--mb N] [--data DIR]

Every server gets a corpus of made-up sentences, with a vector of 384 numbers for each that is drawn from its text, so
that nothing is encoded. First the corpora are open at once, and what the library reckons that they take stands beside
what the process grew by. Then all servers ask in turns, in a new order each time, under a bound; each has to be
answered from its own articles. At last everything is idle, and closed. Linux only, for it reads /proc.
"""

import argparse
import gc
import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.indexing import made_up
from index.article import Article
from index.corpus import Library
from index.encoder import EncoderIdentity
from index.indexer import Indexer
from index.memory import give_back
from index.tokens import Encoded, TokenVectors
from index.yardstick import Scale, Yardstick
from retrieval.retriever import Retriever

_MIB = 1024 * 1024
_SENTENCES = 20  # of a made-up article
_ROUNDS = 3


class Drawn:
    """An encoder that draws a text's vector by its hash: equal texts, equal vectors, and no two others alike."""

    identity = EncoderIdentity("drawn", "", "")
    languages: frozenset[str] | None = None
    dimension = 384
    yardstick = Yardstick(Scale(0.0, 1.0), None, None)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        keys = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in texts]
        drawn = [np.random.default_rng(key).standard_normal(self.dimension) for key in keys]
        vectors = np.array(drawn, np.float32).reshape(-1, self.dimension)
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    encode_questions = encode_passages

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return Encoded(self.encode_passages(texts), [TokenVectors.none()] * len(texts))

    read_questions = read_passages


def resident() -> int:
    """What the process has in memory, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def own(server: int) -> str:
    """What only this server's articles say, in a word that no other has."""
    word = "".join("bcdfghjklm"[int(digit)] + "aeiou"[int(digit) % 5] for digit in f"{server:04}")
    return f"The lantern of {word.capitalize()} is lit by the keeper's daughter on {server} evenings of the year."


def build(library: Library, servers: Sequence[int], sentences: int) -> None:
    for server in sorted(set(servers) - set(library.servers())):
        corpus = library.corpus(server, create=True)
        assert corpus is not None
        texts = [made_up(server * 10_000 + n) for n in range(max(1, sentences // _SENTENCES))]
        texts[-1] += f"\n{own(server)}\n"
        articles = [Article(f"/{n}", f"Chronicle {n}", text) for n, text in enumerate(texts)]
        Indexer(corpus.store, library.encoder).add_articles(articles)


def asked(library: Library, server: int) -> bool:
    """Whether the server's question is answered from its own articles."""
    found = Retriever(library.askable(server), library.encoder).rank(own(server), top=1)
    if not found:
        return False
    article = found[0][0].candidate.sentence
    corpus = library.corpus(server)
    loaded = corpus.store.load(article.article_id) if corpus else None
    return loaded is not None and loaded.text[article.start : article.end] == own(server)


def settled() -> int:
    gc.collect()
    give_back()
    return resident()


def mib(number: int) -> str:
    return f"{number / _MIB:8.1f} MiB"


def everything_open(folder: Path, servers: Sequence[int]) -> None:
    library = Library(folder, Drawn(), most_open=len(servers))
    asked(library, servers[0])  # what the first question loads is not the corpora's
    library.close()
    before = settled()
    for server in servers:
        asked(library, server)
    grown, reckoned = resident() - before, library.nbytes
    print(f"all {len(servers)} open: reckoned {mib(reckoned)}, grown by {mib(grown)}")
    library.close()
    print(f"closed: {mib(resident() - before)} above before; given back: {mib(settled() - before)}")


def bounded(folder: Path, servers: Sequence[int], most: int) -> int:
    library = Library(folder, Drawn(), most_open=len(servers), most_bytes=most * _MIB, idle=1.0)
    before, grown, reckoned, wrong, times = settled(), 0, 0, 0, list[float]()
    order = list(servers)
    for turn in range(_ROUNDS):
        random.Random(turn).shuffle(order)  # noqa: S311 — an order, no secret
        for server in order:
            started = time.perf_counter()
            wrong += not asked(library, server)
            times.append(1_000 * (time.perf_counter() - started))
            grown, reckoned = max(grown, resident() - before), max(reckoned, library.nbytes)
    again = [_timed(library, order[-1]) for _ in range(20)]
    print(f"bound {most} MiB: reckoned at most {mib(reckoned)}, grown by at most {mib(grown)}; wrong answers: {wrong}")
    print(f"a question: {np.median(again):.1f} ms; with opening the corpus first: {np.median(times):.1f} ms (median)")
    closed = library.close_idle(time.monotonic() + 10)
    print(f"idle: {closed} closed, {mib(resident() - before)} above before")
    library.close()
    return wrong


def _timed(library: Library, server: int) -> float:
    started = time.perf_counter()
    asked(library, server)
    return 1_000 * (time.perf_counter() - started)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--servers", type=int, default=200, metavar="N", help="how many there are")
    parser.add_argument("--sentences", type=int, default=1_000, metavar="N", help="how many each has")
    parser.add_argument("--mb", type=int, default=64, metavar="N", help="the bound, in MiB")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the corpora there for the next run")
    options = parser.parse_args(arguments)
    servers = list(range(1, options.servers + 1))
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.data or Path(scratch)) / f"{options.sentences}"
        library = Library(folder, Drawn(), most_open=1)
        build(library, servers, options.sentences)
        size = library.path(1).stat().st_size
        library.close()
        print(f"{len(servers)} servers of {options.sentences} sentences, {mib(size)} each on disk", flush=True)
        everything_open(folder, servers)
        return int(bounded(folder, servers, options.mb) > 0)


if __name__ == "__main__":
    sys.exit(main())
