"""`index --rebuild`: corpora are encoded anew, after a change of model; the old state is served until that is done."""

import threading
from typing import TYPE_CHECKING

from rich.text import Text

from index.errors import UserError
from terminal import feedback, progress, show
from terminal.options import print_json
from terminal.session import Exit, Session

if TYPE_CHECKING:
    from index.corpus import Library
    from index.encoder import Encoder

_GOES_ON = "Stopped. What has been encoded is kept, and the old state is still served. The same command goes on."


def run(session: Session, server: int | None, *, as_json: bool) -> Exit:
    """Encodes the articles of one server's corpus, or of all corpora, anew. One that fails costs no other."""
    failed: list[tuple[str, str]] = []
    articles = corpora = 0
    cancelled = False
    with session.library() as (library, encoder), progress.interruptible() as cancel:
        for one in _wanted(library, server):
            try:
                number = _rebuilt(session, library, encoder, one, cancel)
            except UserError as error:
                failed.append((str(library.path(one)), str(error)))
                continue
            if number is None:
                cancelled = True
                break
            articles += number
            corpora += 1
    if as_json:
        rows = [{"source": source, "reason": reason} for source, reason in failed]
        print_json({"corpora": corpora, "articles": articles, "failed": rows, "cancelled": cancelled})
    else:
        text = f"Encoded anew: {articles} article(s) in {corpora} corpus(es)."
        show.write(session.out, [show.Block(0, Text(f"{text} {_GOES_ON}" if cancelled else text))])
        if articles and not cancelled and feedback.is_there(session):
            told = "Whether judged questions are answered better now: python bot.py evaluate --from-feedback"
            show.write(session.out, [show.Block(0, Text(told))])
        for _, reason in failed:
            session.err.print(f"Failed: {show.plain(reason)}", soft_wrap=True)
    if cancelled:
        return Exit.INTERRUPTED
    return Exit.SOME_FAILED if failed else Exit.DONE


def _wanted(library: "Library", server: int | None) -> list[int | None]:
    wanted = [None, *library.servers()] if server is None else [server]
    found = [one for one in wanted if library.path(one).exists()]
    if not found:
        raise UserError("There is nothing to encode anew. Index articles first: python bot.py index PATH")
    return found


def _rebuilt(
    session: Session, library: "Library", encoder: "Encoder", server: int | None, cancel: threading.Event
) -> int | None:
    """How many articles were encoded anew; None if that was stopped."""
    from index.indexer import Indexer

    corpus = library.corpus(server)
    if corpus is None:  # deleted this moment
        return 0
    with progress.shown(session.err) as report_progress:
        return Indexer(corpus.store, encoder).rebuild(progress=report_progress, cancel=cancel)
