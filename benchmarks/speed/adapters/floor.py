"""The least that a search by meaning costs: one bare encode, and one pass over the vectors in memory.

    python -m benchmarks.speed.adapters.floor float32|half|torch

`float32`: Verbatim's runtime, and a product of a NumPy matrix with the question. `half`: the same runtime, and a flat
scan of float16 by FAISS. `torch`: sentence-transformers' encode, and the product of NumPy. Nothing is looked up, read,
ranked or quoted.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.adapters.known import WARM, Known
from benchmarks.speed.adapters.protocol import Given, Quoted, model_folder, serve

_BEST = 10
Vectors = NDArray[np.float32]


class Floor:
    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._encode: Callable[[str], Vectors] = _torch() if kind == "torch" else _own()
        self._rows: Vectors = np.empty((0, 0), np.float32)
        self._scan: Any = None
        self._known: Known | None = None
        self._folder = Path()

    @property
    def configured(self) -> str:
        encode = "sentence-transformers' `encode`" if self._kind == "torch" else "Verbatim's runtime, vectors alone"
        scan = "`IndexScalarQuantizer`, float16" if self._kind == "half" else "NumPy float32 `matrix @ question`"
        return f"{encode}; {scan} and the ten best; no texts"

    @property
    def packages(self) -> tuple[str, ...]:
        return {"torch": ("sentence-transformers", "torch", "numpy"), "half": ("faiss-cpu",)}.get(
            self._kind, ("numpy",)
        )

    def create(self, folder: Path) -> None:
        self._encode(WARM)
        self._folder = folder

    def open(self, folder: Path) -> None:
        rows = np.load(folder / "vectors.npy")
        if self._kind == "half":
            faiss: Any = import_module("faiss")
            quantizer = faiss.ScalarQuantizer.QT_fp16
            self._scan = faiss.IndexScalarQuantizer(rows.shape[1], quantizer, faiss.METRIC_INNER_PRODUCT)
            self._scan.add(rows)
        else:
            self._rows = rows
        self._folder = folder

    def know(self, folder: Path) -> None:
        self._known = Known(folder)

    def index(self, articles: Sequence[Given]) -> None:
        assert self._known is not None, "the floor takes known vectors only"
        texts = [sentence for one in articles for sentence in one.sentences]
        self._rows = self._known.of(self._known.find(texts))

    def save(self) -> None:
        np.save(self._folder / "vectors.npy", self._rows)

    def ask(self, question: str) -> list[Quoted]:
        vector = self._encode(question)
        if self._kind == "half":
            self._scan.search(vector[np.newaxis], _BEST)
            return []
        scores = self._rows @ vector
        best = np.argpartition(-scores, min(_BEST, len(scores) - 1))[:_BEST]
        best[np.argsort(-scores[best])]
        return []

    def add(self, article: Given) -> None:
        raise NotImplementedError("the floor adds nothing")


def _own() -> Callable[[str], Vectors]:
    config: Any = import_module("config")
    encoder: Any = import_module("terminal.session").configured_encoder(config.Config())

    def encode(text: str) -> Vectors:
        vector: Vectors = encoder.encode_questions([text])[0]
        return vector

    return encode


def _torch() -> Callable[[str], Vectors]:
    model: Any = import_module("sentence_transformers").SentenceTransformer(model_folder(), device="cpu")

    def encode(text: str) -> Vectors:
        vector: Vectors = model.encode(text, show_progress_bar=False)
        return vector

    return encode


if __name__ == "__main__":
    serve(lambda: Floor(sys.argv[1]))
