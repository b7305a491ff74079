"""An encoder that keeps what it has read: a set's sentences are indexed once for each protocol, but encoded once."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.systems import PassedOn
from index.encoder import Encoder
from index.errors import UserError
from index.tokens import Encoded, TokenCoder, TokenVectors


class Remembering(PassedOn):
    """Passages and questions are kept in a file of the folder, under a name made of all that they depend on.

    A passage's tokens are kept as the codes that an index keeps of them, and come back as vectors with the same codes;
    those of questions are rounded to float16.
    """

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        super().__init__(encoder)
        key = hashlib.sha256(repr((encoder.identity, encoder.dimension)).encode()).hexdigest()[:16]
        path = folder / f"encodings-{key}.db" if folder is not None else None
        try:
            self._kept = sqlite3.connect(path or ":memory:")
            self._kept.execute(
                "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, vector BLOB, spans BLOB, tokens BLOB)"
            )
        except sqlite3.Error as error:
            raise UserError(f"{path} cannot be used ({error}). Delete it; it is made anew.") from error

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._read("q", texts, self._encoder.read_questions, _Halves())

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        coder = self.yardstick.coder
        return self._read("p", texts, self._encoder.read_passages, _Codes(coder) if coder else _Halves())

    def _read(
        self, kind: str, texts: Sequence[str], read: Callable[[Sequence[str]], Encoded], form: "_Halves | _Codes"
    ) -> Encoded:
        keys = [hashlib.sha256(f"{kind}\0{text}".encode()).digest()[:16] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if self._row(key) is None}
        if new:
            found = read(list(new.values()))
            rows = [
                (key, vector.tobytes(), tokens.spans.astype("<i4").tobytes(), form.pack(tokens.vectors))
                for key, vector, tokens in zip(new, found.vectors, found.tokens, strict=True)
            ]
            with self._kept:
                self._kept.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)", rows)
        rows = [self._row(key) or () for key in keys]
        vectors = np.frombuffer(b"".join(row[0] for row in rows), np.float32).reshape(len(rows), self.dimension)
        tokens = [TokenVectors(form.unpack(row[2]), np.frombuffer(row[1], "<i4").reshape(-1, 2)) for row in rows]
        return Encoded(vectors, tokens)

    def _row(self, key: bytes) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._kept.execute(
            "SELECT vector, spans, tokens FROM kept WHERE key = ?", (key,)
        ).fetchone()
        return found


class _Halves:
    """Vectors as float16."""

    def pack(self, vectors: NDArray[np.float32]) -> bytes:
        size = np.array([vectors.shape[1]], "<i4").tobytes()
        return size + vectors.astype("<f2").tobytes()

    def unpack(self, blob: bytes) -> NDArray[np.float32]:
        size = int(np.frombuffer(blob[:4], "<i4")[0])
        return (
            np.frombuffer(blob[4:], "<f2").astype(np.float32).reshape(-1, size)
            if size
            else np.empty((0, 0), np.float32)
        )


class _Codes:
    """Vectors as an index keeps them."""

    def __init__(self, coder: TokenCoder) -> None:
        self._coder = coder

    def pack(self, vectors: NDArray[np.float32]) -> bytes:
        return self._coder.encode(vectors)

    def unpack(self, blob: bytes) -> NDArray[np.float32]:
        return self._coder.restored(blob)
