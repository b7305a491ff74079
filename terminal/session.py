"""One run of the command line: its options, its configuration once loaded, its two consoles, and what it is made of:
library, encoder, reader, fetcher, retriever.

What every command needs and none should repeat; it knows no command.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import logs
from index.errors import UserError
from terminal import VERSION
from terminal.show import plain

if TYPE_CHECKING:
    import typer

    from config import Config
    from index.corpus import Corpus, Library
    from index.encoder import Encoder
    from index.isolation import Isolation
    from index.ledger import Kind
    from index.refresh import Refresher
    from index.store import Store
    from index.web.fetch import Fetcher
    from retrieval.ranker import LearnedRanker
    from retrieval.reranker import CrossEncoderReranker
    from retrieval.retriever import Retriever


_MIB = 1024 * 1024
_HOUR = 3_600.0  # seconds


class Exit(IntEnum):
    """What the process returns. Scripts rely on it: a meaning never changes."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    NOTHING_FOUND = 3  # ask
    SOME_FAILED = 4  # index
    INTERRUPTED = 130


MakeEncoder = Callable[["Config"], "Encoder"]


def configured_encoder(config: "Config") -> "Encoder":
    """The encoder that the configuration names. Its model is loaded when first needed."""
    from index.encoders import ModelEncoder

    model = config.model
    return ModelEncoder(
        model.name,
        question_prefix=model.question_prefix,
        passage_prefix=model.passage_prefix,
        languages=model.languages,
        tokens=model.tokens,
        runtime=model.runtime,
        caches=caches(config),
    )


def caches(config: "Config") -> "list[Path]":
    """Where exports of models are kept: in the user's own folder, or where that cannot be written, as for a service,
    with the data."""
    from index.exported import cache_folder

    return [cache_folder(), config.data / "models"]


def _console(*, stderr: bool = False) -> Console:
    # Nothing that stands in an article is markup, an emoji's name or a number to be coloured.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


@dataclass(slots=True)
class Session:
    """One run of the command line. `home` is the folder of bot.py, where config.toml and .env are looked for; `pause`
    are the seconds between two requests to one web site."""

    home: Path
    make_encoder: MakeEncoder = configured_encoder
    pause: float = 1.0
    config_file: Path | None = None
    data: Path | None = None
    out: Console = field(default_factory=_console)
    err: Console = field(default_factory=lambda: _console(stderr=True))
    _config: "Config | None" = None
    _secret: str | None = None
    _reranker: "CrossEncoderReranker | None" = None

    def given(self, config_file: Path | None, data: Path | None) -> "Session":
        """Takes in the options of one level of the command line; those given later win."""
        self.config_file = config_file or self.config_file
        self.data = data or self.data
        return self

    @property
    def config(self) -> "Config":
        """The configuration, loaded at the first use, with `--data` in its place.

        Raises:
            UserError: what `config.load` raises.
        """
        if self._config is None:
            import config

            loaded = config.load(self.config_file, home=self.home)
            if self.data is not None:
                loaded = loaded.model_copy(update={"data": config.expanded(self.data).absolute()})
            if loaded.data.exists() and not loaded.data.is_dir():
                raise UserError(f"{loaded.data} is a file: the data folder (--data, or `data`) has to be a folder.")
            self._config = loaded
        return self._config

    def start_log(self, *, verbose: bool = False, secret: str | None = None) -> None:
        """Starts logging as configured; unless `verbose`, commands leave out what goes well."""
        self._secret = secret
        level = self.config.log.level
        if level == "info" and not verbose:
            level = "warning"
        logs.configure(level, self.config.log.format, secret=secret)

    def encoder(self, *, tell: bool = True) -> "Encoder":
        """The encoder. Unless the log does, it can `tell` when it takes its time once."""
        from index.encoders import ModelEncoder

        encoder = self.make_encoder(self.config)
        if tell and isinstance(encoder, ModelEncoder):
            encoder.preparing = lambda: self.err.print("Preparing the model, once: about a quarter of a minute …")
        return encoder

    @contextmanager
    def library(
        self, *, folder: Path | None = None, threads: int | None = None, serving: bool = False
    ) -> Iterator[tuple["Library", "Encoder"]]:
        """The library (the configured one, or that of `folder`) and the encoder, for the length of the block.

        `threads` is how many cores one encoding may use; None: all. Where it is for `serving`, corpora of an earlier
        model are served with that until they are encoded anew. Heavy libraries are imported
        here, so the environment that they read is set here, too.
        """
        if threads is not None:
            os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        quieten()
        from index.corpus import Library
        from index.encoders import encoder_of

        encoder = self.encoder(tell=not serving)
        previous = partial(encoder_of, caches=caches(self.config)) if serving else None
        limits = self.config.limits
        library = Library(
            folder or self.config.data,
            encoder,
            shared_with=self.config.shared_with,
            most_bytes=limits.corpora_mb * _MIB,
            idle=limits.idle_minutes * 60.0 or None,
            previous=previous,
        )
        try:
            yield library, encoder
        finally:
            library.close()

    @contextmanager
    def reader(self) -> Iterator["Isolation"]:
        """The process that reads what strangers sent, for the length of the block. It starts when first needed."""
        from index.isolation import Isolation

        limits = self.config.limits
        with Isolation(memory=limits.reader_mb * _MIB, seconds=limits.reader_seconds) as reader:
            yield reader

    @contextmanager
    def fetcher(self) -> Iterator["Fetcher"]:
        """What fetches from the web, for the length of the block."""
        from index.web.fetch import Fetcher

        wanted = self.config.fetch
        with Fetcher(
            user_agent=f"Verbatim/{VERSION}" + (f" (+{wanted.contact})" if wanted.contact else ""),
            max_bytes=self.config.limits.max_file_mb * _MIB,
            seconds=wanted.seconds,
            pause=self.pause,
            allowed_networks=sorted(wanted.allowed_networks, key=str),
        ) as fetcher:
            yield fetcher

    @contextmanager
    def refresher(self, store: "Store", encoder: "Encoder", server: int | None) -> Iterator["Refresher"]:
        """What brings the corpus of `server` (None: the operator's) up to date with its sources, within the block."""
        from index.indexer import Indexer
        from index.refresh import Refresher

        limits = self.config.limits
        with self.reader() as reader, self.fetcher() as fetcher:
            indexer = Indexer(
                store,
                encoder,
                max_bytes=limits.max_file_mb * _MIB,
                max_sentences=None if server is None else limits.max_sentences,
                reader=reader,
            )
            yield Refresher(indexer, fetcher, every=self.every)

    @property
    def every(self) -> "dict[Kind, float]":
        """Seconds between two scheduled looks at a source of each kind; 0: none are scheduled."""
        hours = self.config.refresh
        return {
            "page": hours.pages_hours * _HOUR,
            "feed": hours.feeds_hours * _HOUR,
            "path": hours.folders_hours * _HOUR,
            "upload": 0.0,
        }

    @contextmanager
    def store(self, server: int | None) -> "Iterator[Store | None]":
        """The store of a corpus, which needs no model and no vectors; None if nothing was ever indexed."""
        from index.layout import database_path
        from index.store import Store

        path = database_path(self.config.data, server)
        if not path.exists():
            yield None
            return
        store = Store(path, create=False)
        try:
            yield store
        finally:
            store.close()

    @property
    def ranker(self) -> "LearnedRanker":
        """The configured ranker.

        Raises:
            UserError: its file cannot be read.
        """
        from retrieval.ranker import SHIPPED, LearnedRanker

        return LearnedRanker(self.config.ranking.weights or SHIPPED)

    @property
    def reranker(self) -> "CrossEncoderReranker | None":
        """The configured reranker, if any. Its model is loaded when first needed."""
        if self._reranker is None and (name := self.config.reranker.model) is not None:
            from retrieval.reranker import CrossEncoderReranker

            wanted = self.config.reranker
            self._reranker = CrossEncoderReranker(name, budget_ms=wanted.budget_ms, most=wanted.candidates)
        return self._reranker

    def retriever(self, corpora: "Sequence[Corpus]", encoder: "Encoder") -> "Retriever":
        """Answers questions from these corpora as configured."""
        from retrieval.retriever import Retriever

        precision = self.config.answers.precision
        return Retriever(corpora, encoder, self.ranker, precision=precision, reranker=self.reranker)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Shows that something takes a moment, where a person looks on."""
        if self.err.is_terminal:
            with self.err.status(text):
                yield
        else:
            yield

    def fail(self, message: str) -> None:
        """One readable block on stderr."""
        self.err.print(f"Error: {plain(logs.redacted(message, self._secret), lines=True)}", soft_wrap=True)


def begun(ctx: "typer.Context", config_file: Path | None, data: Path | None) -> Session:
    """The session of a command, with its options taken in and its log begun."""
    session: Session = ctx.obj
    session.given(config_file, data).start_log()
    return session


def require_working_folder() -> None:
    """Stops where the working folder has been deleted: relative paths mean nothing there, and libraries look at it.

    Raises:
        UserError: it has been deleted.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UserError("The working folder has been deleted. Change to a folder that exists.") from None


def quieten() -> None:
    """Keeps the model libraries' progress bars and advice off the terminal. They read this when imported."""
    for name, value in (
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1"),
    ):
        os.environ.setdefault(name, value)


def tolerant_streams() -> None:
    """A character that the terminal cannot show or send becomes another, and is no reason to stop."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def discard_output() -> None:
    """Sends what stdout still holds nowhere: it could not be written, and must not be tried again at the end."""
    with suppress(OSError, ValueError, AttributeError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def require(path: Path, remedy: str) -> Path:
    """`path`, which has to be a folder.

    Raises:
        UserError: it is none; the message ends with `remedy`.
    """
    if not path.is_dir():
        raise UserError(f"There is no folder {path}. {remedy}")
    return path
