"""LangChain with FAISS, as its documentation has it: `HuggingFaceEmbeddings` and the `FAISS` vector store."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.adapters.known import WARM, look_up
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, model_folder, serve


class LangChain:
    configured = (
        "`FAISS.from_documents` with `HuggingFaceEmbeddings`, all by default: exact, flat float32, L2; documents in "
        "memory; `similarity_search(question, k=3)`; `save_local`"
    )
    packages = (
        "langchain-core",
        "langchain-community",
        "langchain-huggingface",
        "faiss-cpu",
        "sentence-transformers",
        "transformers",
        "torch",
        "numpy",
    )

    def __init__(self) -> None:
        embeddings: Any = import_module("langchain_huggingface").HuggingFaceEmbeddings
        self._faiss: Any = import_module("langchain_community.vectorstores").FAISS
        self._document: Any = import_module("langchain_core.documents").Document
        self._model = embeddings(model_name=model_folder())
        self._store: Any = None
        self._folder = Path()

    def create(self, folder: Path) -> None:
        self._model.embed_query(WARM)
        self._folder = folder

    def open(self, folder: Path) -> None:
        # The store is a pickle, which the user has to say is their own.
        self._store = self._faiss.load_local(str(folder), self._model, allow_dangerous_deserialization=True)
        self._folder = folder

    def know(self, folder: Path) -> None:
        look_up(folder)

    def index(self, articles: Sequence[Given]) -> None:
        self._store = self._faiss.from_documents(self._documents(articles), self._model)

    def save(self) -> None:
        self._store.save_local(str(self._folder))

    def ask(self, question: str) -> list[Quoted]:
        found = self._store.similarity_search(question, k=TOP)
        return [(one.page_content, one.metadata["source"]) for one in found]

    def add(self, article: Given) -> None:
        self._store.add_documents(self._documents([article]))

    def _documents(self, articles: Sequence[Given]) -> list[Any]:
        return [
            self._document(page_content=sentence, metadata={"source": one.source, "title": one.title})
            for one in articles
            for sentence in one.sentences
        ]


if __name__ == "__main__":
    serve(LangChain)
