"""`index` and `sources add`: one corpus is brought up to date, the questions that wait are asked again, and what came
of it is reported."""

import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import UserError
from terminal import progress, reports, show
from terminal.forgetting import forget_gone
from terminal.options import print_json
from terminal.session import Exit, Session
from terminal.targets import Run, Wish

if TYPE_CHECKING:
    from index.corpus import Corpus, Library
    from index.encoder import Encoder
    from index.report import SyncReport
    from retrieval.waiting import Answered


def run(session: Session, wish: Wish, *, as_json: bool, verbose: bool = False) -> Exit:
    """Indexes what is wished for, asks waiting questions again where that is configured, and reports.

    Raises:
        UserError: there is nothing to index, or what `Refresher.run` raises.
    """
    if not wish.targets:
        _require_something(session, wish.server)
    report, answered = _indexed(session, wish)
    if as_json:
        print_json(reports.report_data(report, answered))
    else:
        show.write(session.out, reports.total_blocks(report))
        show.write(session.out, reports.article_blocks(report, Path.cwd(), everything=verbose))
        show.write(session.out, [*reports.note_blocks(report), *reports.answered_blocks(answered)])
        for line in reports.failure_lines(report):
            session.err.print(f"Failed: {line}", soft_wrap=True)
    if (report.removed or report.changed) and not report.dry_run:
        forget_gone(session, wish.server)
    if report.cancelled:
        return Exit.INTERRUPTED
    return Exit.SOME_FAILED if report.failed else Exit.DONE


def _indexed(session: Session, wish: Wish) -> "tuple[SyncReport, list[Answered]]":
    """What the run did, and the waiting questions that it answered."""
    with ExitStack() as stack:
        folder = None
        if wish.dry_run and not _database(session, wish.server).exists():
            passing = tempfile.TemporaryDirectory(prefix="verbatim-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(passing))
        library, encoder = stack.enter_context(session.library(folder=folder))
        corpus = _corpus(session, library, encoder, wish)
        refresher = stack.enter_context(session.refresher(corpus.store, encoder, wish.server))
        cancel = stack.enter_context(progress.interruptible())
        with progress.shown(session.err) as shown:
            report = Run(session.config.articles, wish, corpus.store, refresher, shown, cancel).carry_out()
        answered: list[Answered] = []
        if (report.added or report.changed) and not (report.dry_run or report.cancelled):
            try:
                answered = _answered(session, library, encoder, wish, cancel)
            except UserError as error:  # which takes nothing back of what was indexed
                report.notes.append(("", f"the questions that wait could not be asked: {error}"))
    return report, answered


def _database(session: Session, server: int | None) -> Path:
    from index.layout import database_path

    return database_path(session.config.data, server)


def _require_something(session: Session, server: int | None) -> None:
    """Stops where there is nothing to look at, before a model is loaded or a database made."""
    if server is None and session.config.articles.is_dir():
        return
    with session.store(server) as store:
        if store and any(one.state == "active" for one in store.ledger.sources()):
            return
    if server is None:
        raise UserError(
            f"There is no folder {session.config.articles}, and no source is remembered. Make it and put articles "
            "there, or name what to index: python bot.py index PATH"
        )
    raise UserError(
        f"Nothing is remembered for the server {server}. Name what to index: python bot.py index PATH --server {server}"
    )


def _corpus(session: Session, library: "Library", encoder: "Encoder", wish: Wish) -> "Corpus":
    if not wish.dry_run and not library.path(wish.server).exists():
        with session.waiting("Loading the model"):
            _ = encoder.dimension  # a model that cannot be had must not leave an empty database
    corpus = library.corpus(wish.server, create=True)
    assert corpus is not None  # noqa: S101 — made if it was not there
    return corpus


def _answered(
    session: Session, library: "Library", encoder: "Encoder", wish: Wish, cancel: threading.Event
) -> "list[Answered]":
    """The waiting questions that have an answer now."""
    corpus = library.corpus(wish.server)
    if not session.config.answers.keep_waiting or corpus is None or not corpus.store.ledger.waiting():
        return []
    from retrieval.waiting import answered_now

    with session.waiting("Asking the questions that wait"):
        retriever = session.retriever(library.askable(wish.server), encoder)
        return answered_now(retriever, corpus.store, cancel=cancel)
