"""Tokens in their context, one vector each, and the one-bit form in which a store keeps them.

Comparing every token of a question with every token of a sentence (late interaction: Khattab and Zaharia, "ColBERT",
2020) sees what two single vectors miss. What is kept of a token is the signs of its vector after a random rotation
(Charikar, "Similarity Estimation Techniques from Rounding Algorithms", 2002; Gao and Long, "RaBitQ", 2024): 48 bytes
in the place of 1,536, which ranked as well. Nothing here is learned, so it fits any model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# The mean product of a unit vector with the signs of one like it, over √dimension: √(2/π).
_SIGNS = 0.7979
_UNPACKED = 512  # tokens whose bits are made into numbers at once


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text that hold a letter or a digit, in order.

    `vectors` are (m, dimension) of unit length, `spans` (m, 2) their places `[start, end)` in the text. Both are
    empty where the model has no token vectors to give.
    """

    vectors: Floats
    spans: NDArray[np.int32]

    @staticmethod
    def none() -> "TokenVectors":
        return TokenVectors(np.empty((0, 0), np.float32), np.empty((0, 2), np.int32))


@dataclass(frozen=True, slots=True)
class Encoded:
    """`vectors` (n, dimension) of n texts, of unit length, and the `tokens` of each."""

    vectors: Floats
    tokens: Sequence[TokenVectors]


class TokenCoder:
    """Token vectors ↔ bits. `mean` (dimension,) is what the model's tokens have in common: it tells nothing, and in
    some models makes up most of every vector."""

    def __init__(self, mean: Floats) -> None:
        self._mean = mean
        self.dimension = len(mean)
        self.size = (self.dimension + 7) // 8
        """Bytes a token."""

    def encode(self, vectors: Floats) -> bytes:
        """(m, dimension) → m times `size` bytes."""
        return np.packbits(self._rotated(vectors) > 0, axis=1).tobytes() if len(vectors) else b""

    def query(self, vectors: Floats) -> Floats:
        """(m, dimension) → (m, dimension), whose product with `decode`d tokens is their cosine, nearly."""
        return self._rotated(vectors) / np.float32(_SIGNS * np.sqrt(self.dimension))

    def decode(self, codes: bytes) -> Floats:
        """The (n, dimension) signs, 1 and -1, of the n tokens whose codes stand in a row."""
        packed = np.frombuffer(codes, np.uint8).reshape(-1, self.size)
        signs = np.unpackbits(packed, axis=1, count=self.dimension).astype(np.float32)
        signs *= 2
        signs -= 1
        return signs

    def products(self, queries: Floats, codes: bytes) -> Floats:
        """(m, n) the products of m vectors (m, dimension) with the signs of the n tokens that `decode` would give."""
        packed = np.frombuffer(codes, np.uint8).reshape(-1, self.size)
        found = np.empty((len(queries), len(packed)), np.float32)
        # A sign is twice a bit less one, which can be done to the product. What is unpacked at once stays in the cache.
        for start in range(0, len(packed), _UNPACKED):
            bits = np.unpackbits(packed[start : start + _UNPACKED], axis=1, count=self.dimension)
            np.matmul(queries, bits.astype(np.float32).T, out=found[:, start : start + _UNPACKED])
        found *= 2
        found -= queries.sum(axis=1, keepdims=True)
        return found

    def restored(self, codes: bytes) -> Floats:
        """The (n, dimension) vectors in the middle of those that have these codes."""
        restored = self.decode(codes) @ _rotation(self.dimension).T
        return np.asarray(restored + self._mean, np.float32)

    def _rotated(self, vectors: Floats) -> Floats:
        centred = vectors - self._mean
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-9))
        return np.asarray(centred @ _rotation(self.dimension), np.float32)


def token_vectors(offsets: Sequence[tuple[int, int]], embeddings: Floats, prefix: str, text: str) -> TokenVectors:
    """What a model read of `prefix + text`, of which only the text counts: the (m, dimension) `embeddings` of its
    tokens, which stand at `offsets` (m,)."""
    spans = [_trimmed(start - len(prefix), end - len(prefix), text) for start, end in offsets]
    telling = [any(map(str.isalnum, text[start:end])) for start, end in spans]
    vectors = embeddings[telling].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return TokenVectors(vectors, np.array(spans, np.int32).reshape(-1, 2)[telling])


def _trimmed(start: int, end: int, text: str) -> tuple[int, int]:
    """A token's span without the blank before it, which some tokenizers count to the token, and without the prefix."""
    start = max(start, 0)
    while start < end and text[start].isspace():
        start += 1
    return start, max(start, end)


@cache
def _rotation(dimension: int) -> Floats:
    """A fixed random orthogonal matrix: it spreads what a token says evenly over its dimensions."""
    drawn = np.random.default_rng(0).standard_normal((dimension, dimension))
    rotation, triangle = np.linalg.qr(drawn)
    # With these signs there is but one such matrix, whatever library computes it: stored codes outlive a machine.
    return np.asarray(rotation * np.sign(np.diag(triangle)), np.float32)
