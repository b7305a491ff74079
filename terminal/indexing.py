"""`index`: syncing files and folders with one corpus, encoding corpora anew, and the reports of both."""

from typing import TYPE_CHECKING

from rich.text import Text

from index.errors import UserError
from terminal import progress, show
from terminal.options import print_json
from terminal.session import Exit, Session, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index.corpus import Library
    from index.encoder import Encoder


def sync(session: Session, targets: "Sequence[str]", server: int | None, *, as_json: bool) -> Exit:
    """Indexes `targets`, or the configured folder if there are none, and reports."""
    if not targets:
        remedy = "Make it and put articles there, or name what to index: python bot.py index PATH"
        targets = [str(require(session.config.articles, remedy))]
    with session.library() as (library, encoder):
        from index.indexer import Indexer

        if not library.path(server).exists():
            with session.waiting("Loading the model"):
                _ = encoder.dimension  # a model that cannot be had must not leave an empty database
        corpus = library.corpus(server, create=True)
        assert corpus is not None  # noqa: S101 — made if it was not there
        limits = session.config.limits
        indexer = Indexer(
            corpus.store,
            encoder,
            max_bytes=limits.max_file_mb * 1024 * 1024,
            max_sentences=None if server is None else limits.max_sentences,
        )
        with progress.interruptible() as cancel, progress.shown(session.err) as report_progress:
            report = indexer.sync(targets, progress=report_progress, cancel=cancel)
    if as_json:
        print_json(show.report_data(report))
    else:
        show.write(session.out, show.report_blocks(report))
        for line in show.failure_lines(report):
            session.err.print(f"Failed: {line}", soft_wrap=True)
    if report.cancelled:
        return Exit.INTERRUPTED
    return Exit.SOME_FAILED if report.failed else Exit.DONE


def rebuild(session: Session, server: int | None, *, as_json: bool) -> Exit:
    """Encodes the articles of one server's corpus, or of all corpora, anew. One that fails costs no other."""
    failed: list[tuple[str, str]] = []
    articles = corpora = 0
    with session.library() as (library, encoder):
        for one in _rebuilt(library, server):
            try:
                articles += _rebuild(session, library, encoder, one)
                corpora += 1
            except UserError as error:
                failed.append((str(library.path(one)), str(error)))
    if as_json:
        rows = [{"source": source, "reason": reason} for source, reason in failed]
        print_json({"corpora": corpora, "articles": articles, "failed": rows})
    else:
        text = f"Encoded anew: {articles} article(s) in {corpora} corpus(es)."
        show.write(session.out, [show.Block(0, Text(text))])
        for _, reason in failed:
            session.err.print(f"Failed: {show.plain(reason)}", soft_wrap=True)
    return Exit.SOME_FAILED if failed else Exit.DONE


def _rebuilt(library: "Library", server: int | None) -> list[int | None]:
    wanted = [None, *library.servers()] if server is None else [server]
    found = [one for one in wanted if library.path(one).exists()]
    if not found:
        raise UserError("There is nothing to encode anew. Index articles first: python bot.py index PATH")
    return found


def _rebuild(session: Session, library: "Library", encoder: "Encoder", server: int | None) -> int:
    from index.indexer import Indexer

    corpus = library.corpus(server)
    if corpus is None:  # deleted this moment
        return 0
    with progress.shown(session.err) as report_progress:
        return Indexer(corpus.store, encoder).rebuild(progress=report_progress)
