"""txtai, as its documentation has it: an `Embeddings` database with its content."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.speed.adapters.known import WARM, look_up
from benchmarks.speed.adapters.protocol import TOP, Given, Quoted, model_folder, serve


class Txtai:
    configured = (
        "`Embeddings` with `method` sentence-transformers and `content`, all else by default: FAISS flat up to 5,000 "
        "sentences and IVF (approximate) beyond, texts in SQLite; `search(question, 3)`, the source in the id"
    )
    packages = ("txtai", "faiss-cpu", "sentence-transformers", "transformers", "torch", "numpy")

    def __init__(self) -> None:
        self._made: Any = None
        self._folder = Path()

    def create(self, folder: Path) -> None:
        module: Any = import_module("txtai")
        self._made = module.Embeddings(path=model_folder(), method="sentence-transformers", content=True)
        self._made.transform(WARM)
        self._folder = folder

    def open(self, folder: Path) -> None:
        module: Any = import_module("txtai")
        self._made = module.Embeddings()
        self._made.load(str(folder / "index"))
        self._folder = folder

    def know(self, folder: Path) -> None:
        look_up(folder)

    def index(self, articles: Sequence[Given]) -> None:
        self._made.index(_rows(articles))

    def save(self) -> None:
        self._made.save(str(self._folder / "index"))

    def ask(self, question: str) -> list[Quoted]:
        return [(one["text"], one["id"].rpartition("#")[0]) for one in self._made.search(question, TOP)]

    def add(self, article: Given) -> None:
        self._made.upsert(_rows([article]))


def _rows(articles: Sequence[Given]) -> Iterator[tuple[str, str]]:
    for article in articles:
        for number, sentence in enumerate(article.sentences):
            yield f"{article.source}#{number}", sentence


if __name__ == "__main__":
    serve(Txtai)
