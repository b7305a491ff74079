"""Verbatim, as the bot and the command line use it: a library, an indexer and a retriever as configured."""

import importlib.metadata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.adapters.known import WARM, Known
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, serve
from config import Config
from index.article import Article
from index.corpus import Library
from index.encoder import Encoder
from index.indexer import Indexer
from index.tokens import Encoded, TokenCoder, TokenVectors
from index.yardstick import Yardstick
from retrieval.retriever import Retriever
from terminal.session import configured_encoder

AT_WORK = 2
"""Questions that the bot lets work at once."""


class Verbatim:
    configured = (
        "the product as it comes: `configured_encoder`, `Library`, `Indexer.add_articles` and `Retriever.ask`, two "
        "questions at work at once, as in the bot; it "
        "splits the articles itself, encodes each sentence under its title with its tokens, ranks by all evidence, and "
        "has everything on disk when an article counts as added"
    )

    def __init__(self) -> None:
        self._config = Config()
        self._encoder: Encoder = configured_encoder(self._config)
        self._library: Library | None = None
        self._retriever: Retriever | None = None
        self._lane = ThreadPoolExecutor(AT_WORK)

    @property
    def packages(self) -> tuple[str, ...]:
        named = ("faiss-cpu", "onnxruntime", "tokenizers", "sentence-transformers", "torch", "numpy")
        installed = {one.metadata["Name"] for one in importlib.metadata.distributions()}
        return tuple(name for name in named if name in installed)

    def create(self, folder: Path) -> None:
        self._serve(folder, create=True)
        self._encoder.encode_questions([WARM])
        _ = self._encoder.yardstick  # measured when the model is first used

    def open(self, folder: Path) -> None:
        self._serve(folder, create=False)

    def _serve(self, folder: Path, *, create: bool) -> None:
        self._library = Library(folder, self._encoder)
        self._library.corpus(None, create=create)
        self._retriever = Retriever(self._library.askable(None), self._encoder)

    def know(self, folder: Path) -> None:
        assert self._library is not None
        folder_of_corpora, self._encoder = self._library.folder, Knowing(self._encoder, folder)
        self._library.close()
        self._serve(folder_of_corpora, create=True)

    def index(self, articles: Sequence[Given]) -> None:
        assert self._library is not None
        corpus = self._library.corpus(None)
        assert corpus is not None
        report = Indexer(corpus.store, self._encoder).add_articles(
            Article(one.source, one.title, one.text, language="en") for one in articles
        )
        if report.failed:
            raise RuntimeError(f"not indexed: {report.failed[0]}")
        with corpus.view():  # brings the vectors up to date, which the next question would do
            pass

    def save(self) -> None:
        """Everything is on disk already."""

    def ask(self, question: str) -> list[Quoted]:
        assert self._retriever is not None
        answer = self._lane.submit(self._retriever.ask, question, top=TOP).result()
        hits = answer.hits or ((answer.nearest,) if answer.nearest else ())
        return [(hit.citation.text, hit.citation.article.source) for hit in hits]

    def add(self, article: Given) -> None:
        self.index([article])

    def sentences(self) -> dict[str, Any]:
        """How many there are, by its own count."""
        assert self._library is not None
        corpus = self._library.corpus(None)
        assert corpus is not None
        return {"sentences": corpus.store.statistics().sentences}

    def as_bot(self) -> dict[str, Any]:
        """Loads what the bot has in memory besides."""
        for name in ("cogs.connecting", "cogs.client", "records.records"):
            import_module(name)
        return {}


class Knowing:
    """An encoder that takes passages from what is known, and passes everything else on."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder = encoder
        self._known = Known(folder)
        self._codes: NDArray[np.uint8] = np.load(folder / "codes.npy", mmap_mode="r")
        self._starts: NDArray[np.int64] = np.load(folder / "starts.npy")
        self._titles: NDArray[np.int16] = np.load(folder / "titles.npy")
        self._mixed: NDArray[np.int32] = np.load(folder / "mixed.npy")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 — whatever the encoder has
        return getattr(self._encoder, name)

    @property
    def yardstick(self) -> Yardstick:
        own = self._encoder.yardstick
        coder = cast(TokenCoder, _Passing()) if own.coder is not None else None
        return Yardstick(own.cosine, coder, own.tokens)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        rows = self._known.find([text.rpartition("\n")[2] for text in texts])
        if (rows < 0).any():
            raise LookupError(f"not known: {texts[int(np.argmin(rows))]!r}")
        tokens = [self._tokens(int(row), text.rfind("\n") + 1) for row, text in zip(rows, texts, strict=True)]
        return Encoded(self._known.of(rows), tokens)

    def _tokens(self, row: int, title: int) -> TokenVectors:
        """The row's codes in the place of vectors; those of the title come first, and lie within it."""
        first, codes = self._codes_of(row)
        spans = np.full((len(codes), 2), title, np.int32)
        spans[:first] = 0
        return TokenVectors(cast("NDArray[np.float32]", codes), spans)

    def _codes_of(self, row: int) -> tuple[int, NDArray[np.uint8]]:
        """How many tokens are the title's, and the codes of all."""
        encoded = len(self._titles)
        if row < encoded:
            return int(self._titles[row]), self._codes[self._starts[row] : self._starts[row + 1]]
        parts = [self._codes_of(int(one)) for one in self._mixed[row - encoded]]
        (a, first), (b, second) = parts
        middle_a, middle_b = (a + len(first)) // 2, (b + len(second)) // 2
        return a, np.concatenate([first[:middle_a], second[middle_b:]])


class _Passing:
    """A coder for tokens that are codes already."""

    def encode(self, codes: NDArray[np.uint8]) -> bytes:
        return np.ascontiguousarray(codes).tobytes()


if __name__ == "__main__":
    serve(Verbatim)
