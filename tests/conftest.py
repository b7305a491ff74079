"""What tests share: a deterministic encoder, corpora on real SQLite and FAISS in a folder of their own, articles.

A test that needs the real model is marked `model` and takes `model_encoder`.
"""

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.corpus import Corpus, Library
from index.encoder import EncoderIdentity
from index.encoders import ModelEncoder
from index.lexical import question_terms, terms
from index.loading import sentence_vectors
from index.store import Store
from index.stored import SentenceVectors
from index.tokens import Encoded, TokenVectors
from index.yardstick import Yardstick, measure
from retrieval.ranker import SHIPPED

pytest_plugins = ["discord_play"]  # the stage on which tests play the bot in Discord

# No test may look for a network; the libraries below read this when they are first imported.
os.environ["HF_HUB_OFFLINE"] = "1"

ARTICLES = {
    "bridge.md": "---\ntitle: The Tallow Bridge\nurl: https://example.org/bridge\npublished: 2024-05-06\n---\n\n"
    "The Tallow Bridge crosses the river Wend. It was opened by the mayor in 1932. "
    "Its two towers are painted green every seven years.\n",
    "bakery.txt": "A bakery on Quarry Street\n\nThe bakery sells rye bread on Fridays. "
    "Its oven burns apple wood. The owner learnt her trade in Lisbon.\n",
    "owls.md": "# Owls in the old mill\n\nA pair of barn owls nests in the mill. They raised four chicks this summer. "
    "Visitors may watch them from the hide after sunset.\n",
}


def stored_vectors(store: Store, article_ids: Sequence[int] | None = None) -> SentenceVectors:
    """The vectors of these articles' sentences, or of all, by id, but for those that are hidden."""
    stamp = store.stamp()
    dimension = stamp.dimension if stamp else 0
    with closing(sqlite3.connect(store.path)) as connection:
        pieces = list(sentence_vectors(connection, article_ids, dimension))
    none = np.empty(0, np.int64)
    pieces = pieces or [SentenceVectors(none, none, none, np.empty((0, dimension), np.float16), none.astype(np.bool_))]
    columns = {one.name: np.concatenate([getattr(piece, one.name) for piece in pieces]) for one in fields(pieces[0])}
    return SentenceVectors(**columns)


def demanding(path: Path, lowest: float = 1.0) -> Path:
    """Writes the shipped ranker's file with another least probability, whatever precision is wanted."""
    content = json.loads(SHIPPED.read_text(encoding="utf-8"))
    for model in content["models"].values():
        model["thresholds"] = {"0.5": lowest}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class HashEncoder:
    """A text's vector is the bag of its telling stems, each hashed to one axis: equal words, equal vectors.

    Cosines can be worked out by hand: shared stems / sqrt(stems of one × stems of the other).
    """

    def __init__(self, dimension: int = 1024, *, model: str = "hash", passage_prefix: str = "") -> None:
        self._dimension = dimension
        self._identity = EncoderIdentity(model, "", passage_prefix)

    @property
    def identity(self) -> EncoderIdentity:
        return self._identity

    @property
    def languages(self) -> frozenset[str] | None:
        return None

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode([self._identity.passage_prefix + text for text in texts])

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return Encoded(self.encode_questions(texts), [self._tokens(text) for text in texts])

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return Encoded(self.encode_passages(texts), [self._tokens(text) for text in texts])

    @cached_property
    def yardstick(self) -> Yardstick:
        return measure(self)

    def _tokens(self, text: str) -> TokenVectors:
        """Each word a token, on its term's axis."""
        words = [(match.span(), terms(match.group())) for match in re.finditer(r"\w+", text)]
        told = [(span, found[0]) for span, found in words if found]
        vectors = np.zeros((len(told), self._dimension), np.float32)
        for vector, (_, term) in zip(vectors, told, strict=True):
            vector[_axis(term, self._dimension)] = 1.0
        return TokenVectors(vectors, np.array([span for span, _ in told], np.int32).reshape(-1, 2))

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self._dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            # A text without any word still has a direction.
            vector[[_axis(term, self._dimension) for term in question_terms(text)] or [0]] = 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@lru_cache(maxsize=65_536)
def _axis(term: str, dimension: int) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "big") % dimension


@pytest.fixture
def encoder() -> HashEncoder:
    """The deterministic encoder."""
    return HashEncoder()


@pytest.fixture
def library(tmp_path: Path, encoder: HashEncoder) -> Iterator[Library]:
    """An empty library in `tmp_path/data`, shared with all servers."""
    library = Library(tmp_path / "data", encoder)
    yield library
    library.close()


@pytest.fixture
def corpus(library: Library) -> Corpus:
    """The operator's corpus of `library`, empty."""
    corpus = library.corpus(None, create=True)
    assert corpus is not None
    return corpus


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder with the three files of `ARTICLES`: Markdown with and without front matter, and plain text."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def model_encoder() -> ModelEncoder:
    """The real default model, loaded once; only for tests marked `model`."""
    return ModelEncoder()
