"""The demonstration: the sample articles in a passing corpus, their questions, then the reader's own."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from index.errors import UserError
from terminal import progress, reports, show
from terminal.session import Session, require

if TYPE_CHECKING:
    from index.corpus import Corpus
    from index.encoder import Encoder

_BLANK = show.Block(0, Text())
_PROMPT = "Your question (an empty line ends): "


def run(session: Session, *, prompt: bool) -> None:
    """Indexes `examples/articles/`, asks what `examples/questions.jsonl` marks, then answers what is typed."""
    examples = session.home / "examples"
    articles = require(examples / "articles", "The demo needs the whole of Verbatim's repository.")
    questions = sample_questions(examples / "questions.jsonl")
    with (
        tempfile.TemporaryDirectory(prefix="verbatim-demo-", ignore_cleanup_errors=True) as folder,
        session.library(folder=Path(folder)) as (library, encoder),
    ):
        from index.indexer import Indexer

        corpus = library.corpus(None, create=True)
        assert corpus is not None  # noqa: S101 — it has just been made
        with progress.shown(session.err) as report:
            result = Indexer(corpus.store, encoder).sync([str(articles)], progress=report)
        show.write(session.out, [*reports.total_blocks(result), _BLANK])
        for question in questions:
            _ask(session, corpus, encoder, question)
        typed: list[str] = []
        for question in _typed() if prompt else ():
            _ask(session, corpus, encoder, question, typed)
            typed.append(question)


def _ask(session: Session, corpus: "Corpus", encoder: "Encoder", question: str, previous: Sequence[str] = ()) -> None:
    answer = session.retriever([corpus], encoder).ask(question, top=1, previous=previous)
    blocks = show.answer_blocks(answer, session.home) or show.nothing_found([corpus.store.statistics()])[:1]
    heading = show.Block(0, Text(f"Q: {show.plain(question)}", style="bold cyan"))
    searched = show.searched_notice(answer)
    show.write(session.out, [heading, *searched, *blocks, *show.foreign_notice(answer, encoder.languages), _BLANK])


def sample_questions(file: Path) -> list[str]:
    """The questions that the file marks for the demo.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [row["question"] for row in rows if row.get("demo")]
    except (OSError, ValueError, LookupError) as error:
        raise UserError(f"The sample questions {file} cannot be read. Fetch the repository anew.") from error


def _typed() -> Iterator[str]:
    """What a person types, up to an empty line; or the lines of a file or pipe, up to its end."""
    if sys.stdin is None:
        return
    if not sys.stdin.isatty():
        yield from filter(None, map(str.strip, sys.stdin))
        return
    with suppress(EOFError):
        while question := input(_PROMPT).strip():
            yield question
