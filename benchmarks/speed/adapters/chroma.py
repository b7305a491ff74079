"""Chroma, as its documentation has it: a collection of a `PersistentClient`."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.adapters.known import WARM, look_up
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, model_folder, serve


class Chroma:
    configured = (
        "a collection of a `PersistentClient` with `SentenceTransformerEmbeddingFunction`, all by default: HNSW "
        "(approximate), texts in SQLite, all on disk at once; filled in the largest batches that it takes; "
        "`query(query_texts=[question], n_results=3)`; telemetry off"
    )
    packages = ("chromadb", "sentence-transformers", "transformers", "torch", "numpy")

    def __init__(self) -> None:
        self._chroma: Any = import_module("chromadb")
        functions: Any = import_module("chromadb.utils.embedding_functions")
        self._model = functions.SentenceTransformerEmbeddingFunction(model_name=model_folder())
        self._client: Any = None
        self._made: Any = None

    def create(self, folder: Path) -> None:
        self._model([WARM])
        self._begin(folder)
        self._made = self._client.create_collection("sentences", embedding_function=self._model)

    def open(self, folder: Path) -> None:
        self._begin(folder)
        self._made = self._client.get_collection("sentences", embedding_function=self._model)

    def _begin(self, folder: Path) -> None:
        settings: Any = import_module("chromadb.config").Settings(anonymized_telemetry=False)
        self._client = self._chroma.PersistentClient(path=str(folder / "chroma"), settings=settings)

    def know(self, folder: Path) -> None:
        look_up(folder)

    def index(self, articles: Sequence[Given]) -> None:
        rows = [(one, number, text) for one in articles for number, text in enumerate(one.sentences)]
        most = self._client.get_max_batch_size()
        for start in range(0, len(rows), most):
            batch = rows[start : start + most]
            self._made.add(
                ids=[f"{one.source}#{number}" for one, number, _ in batch],
                documents=[text for _, _, text in batch],
                metadatas=[{"source": one.source, "title": one.title} for one, _, _ in batch],
            )

    def save(self) -> None:
        """Everything is on disk already."""

    def ask(self, question: str) -> list[Quoted]:
        found = self._made.query(query_texts=[question], n_results=TOP)
        return [(text, meta["source"]) for text, meta in zip(found["documents"][0], found["metadatas"][0], strict=True)]

    def add(self, article: Given) -> None:
        self.index([article])


if __name__ == "__main__":
    serve(Chroma)
