"""LlamaIndex with FAISS, as its documentation has it: a `VectorStoreIndex` over a `FaissVectorStore`."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.adapters.known import WARM, look_up
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, model_folder, serve

_HIDDEN = ["source", "title"]


class LlamaIndex:
    configured = (
        "`VectorStoreIndex` of a `TextNode` for each sentence over `FaissVectorStore` with `IndexFlatL2`: exact, flat "
        "float32; `HuggingFaceEmbedding` in batches of 32 (its default is 10), metadata not embedded; "
        "`as_retriever(similarity_top_k=3)`; `storage_context.persist`"
    )
    packages = (
        "llama-index-core",
        "llama-index-vector-stores-faiss",
        "llama-index-embeddings-huggingface",
        "faiss-cpu",
        "sentence-transformers",
        "transformers",
        "torch",
        "numpy",
    )

    def __init__(self) -> None:
        embedding: Any = import_module("llama_index.embeddings.huggingface").HuggingFaceEmbedding
        self._core: Any = import_module("llama_index.core")
        self._faiss: Any = import_module("llama_index.vector_stores.faiss").FaissVectorStore
        self._node: Any = import_module("llama_index.core.schema").TextNode
        self._model = embedding(model_name=model_folder(), embed_batch_size=32, device="cpu")
        self._index: Any = None
        self._retriever: Any = None
        self._folder = Path()

    def create(self, folder: Path) -> None:
        self._model.get_query_embedding(WARM)
        self._folder = folder

    def open(self, folder: Path) -> None:
        store = self._faiss.from_persist_dir(str(folder))
        context = self._core.StorageContext.from_defaults(vector_store=store, persist_dir=str(folder))
        self._index = self._core.load_index_from_storage(context, embed_model=self._model)
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)
        self._folder = folder

    def know(self, folder: Path) -> None:
        look_up(folder)

    def index(self, articles: Sequence[Given]) -> None:
        flat: Any = import_module("faiss").IndexFlatL2(384)
        context = self._core.StorageContext.from_defaults(vector_store=self._faiss(faiss_index=flat))
        nodes = self._nodes(articles)
        self._index = self._core.VectorStoreIndex(nodes, storage_context=context, embed_model=self._model)
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)

    def save(self) -> None:
        self._index.storage_context.persist(persist_dir=str(self._folder))

    def ask(self, question: str) -> list[Quoted]:
        return [(one.node.text, one.node.metadata["source"]) for one in self._retriever.retrieve(question)]

    def add(self, article: Given) -> None:
        self._index.insert_nodes(self._nodes([article]))
        # A retriever keeps the nodes there were when it was made.
        self._retriever = self._index.as_retriever(similarity_top_k=TOP)

    def _nodes(self, articles: Sequence[Given]) -> list[Any]:
        return [
            self._node(
                text=sentence,
                metadata={"source": one.source, "title": one.title},
                excluded_embed_metadata_keys=_HIDDEN,
            )
            for one in articles
            for sentence in one.sentences
        ]


if __name__ == "__main__":
    serve(LlamaIndex)
