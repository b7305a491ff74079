"""Haystack, as its documentation has it: an `InMemoryDocumentStore` with sentence-transformers embedders."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.adapters.known import WARM, look_up
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, model_folder, serve


class Haystack:
    configured = (
        "`InMemoryDocumentStore` (dot product, exact) with `SentenceTransformersDocumentEmbedder` and `…TextEmbedder`, "
        "`InMemoryEmbeddingRetriever(top_k=3)`, called one after the other without a pipeline's overhead; "
        "`save_to_disk`, which writes JSON"
    )
    packages = (
        "haystack-ai",
        "sentence-transformers-haystack",
        "sentence-transformers",
        "transformers",
        "torch",
        "numpy",
    )

    def __init__(self) -> None:
        os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
        embedders: Any = import_module("haystack_integrations.components.embedders.sentence_transformers")
        store: Any = import_module("haystack.document_stores.in_memory")
        self._store_class = store.InMemoryDocumentStore
        self._retriever_class: Any = import_module(
            "haystack.components.retrievers.in_memory"
        ).InMemoryEmbeddingRetriever
        self._document: Any = import_module("haystack").Document
        model = model_folder()
        device = import_module("haystack.utils").ComponentDevice.from_str("cpu")
        self._of_documents = embedders.SentenceTransformersDocumentEmbedder(
            model=model, progress_bar=False, device=device
        )
        self._of_questions = embedders.SentenceTransformersTextEmbedder(model=model, progress_bar=False, device=device)
        self._store: Any = None
        self._retriever: Any = None
        self._folder = Path()

    def create(self, folder: Path) -> None:
        self._of_documents.warm_up()
        self._of_documents.run(documents=[self._document(content=WARM)])
        self._serve(self._store_class(), folder)

    def open(self, folder: Path) -> None:
        self._serve(self._store_class.load_from_disk(str(folder / "documents.json")), folder)

    def _serve(self, store: object, folder: Path) -> None:
        self._of_questions.warm_up()
        self._store, self._folder = store, folder
        self._retriever = self._retriever_class(document_store=store, top_k=TOP)

    def know(self, folder: Path) -> None:
        look_up(folder)

    def index(self, articles: Sequence[Given]) -> None:
        documents = [
            self._document(content=sentence, meta={"source": one.source, "title": one.title})
            for one in articles
            for sentence in one.sentences
        ]
        self._of_documents.warm_up()
        self._store.write_documents(self._of_documents.run(documents=documents)["documents"])

    def save(self) -> None:
        self._store.save_to_disk(str(self._folder / "documents.json"))

    def ask(self, question: str) -> list[Quoted]:
        embedding = self._of_questions.run(text=question)["embedding"]
        found = self._retriever.run(query_embedding=embedding)["documents"]
        return [(one.content, one.meta["source"]) for one in found]

    def add(self, article: Given) -> None:
        self.index([article])


if __name__ == "__main__":
    serve(Haystack)
