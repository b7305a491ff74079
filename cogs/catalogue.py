"""What a server has, in full: an article with its text and where it is from, and all of them as ZIPs.

Synchronous and thread-safe. A server's id is the only way to a corpus here, as in `service`.
"""

import threading
from collections.abc import Callable
from typing import IO

from cogs.pages import Sheet, pages_of
from cogs.refusal import Refusal
from cogs.speech import _
from index.corpus import Corpus, Library
from index.export import Part, TooLarge, export
from index.jobs import Stopped
from index.stored import StoredArticle


class Catalogue:
    """Reads every server's own articles, and no others."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def article(self, server: int, article_id: int) -> StoredArticle:
        """The server's own article with this id.

        Raises:
            Refusal: there is none (any more).
        """
        return self._found(server, article_id)[1]

    def sheet(self, server: int, article_id: int, page: int) -> Sheet:
        """The article with the nearest there is to this page of its text, from 0.

        Raises:
            Refusal: there is no such article (any more).
        """
        corpus, article = self._found(server, article_id)
        loaded = corpus.store.load(article_id)
        text = loaded.text if loaded else ""
        spans = pages_of(text)
        page = min(max(page, 0), len(spans) - 1)
        return Sheet(
            article,
            spans[page].of(text),
            page,
            len(spans),
            is_cut=spans[-1].end < len(text),
            origins=corpus.store.ledger.origins(article.source),
            copies=[one for one in corpus.store.articles() if one.copy_of == article_id],
        )

    def export(
        self, server: int, create: Callable[[], IO[bytes]], *, max_bytes: int, most: int, cancel: threading.Event
    ) -> list[Part]:
        """As `index.export.export`, of the server's own articles.

        Raises:
            Refusal: they take too much room, or `cancel` was set before the end.
        """
        corpus = self._library.corpus(server)
        if corpus is None:
            return []
        try:
            return export(corpus.store, create, max_bytes=max_bytes, most=most, cancel=cancel)
        except TooLarge:
            raise Refusal(too_large(server)) from None
        except Stopped:
            raise Refusal(_("I was stopped before the end. Use /export again.")) from None

    def _found(self, server: int, article_id: int) -> tuple[Corpus, StoredArticle]:
        corpus = self._library.corpus(server)
        article = corpus.store.article(article_id) if corpus else None
        if corpus is None or article is None:
            raise Refusal(_("That article is no longer there. /articles list shows what is."))
        return corpus, article


def too_large(server: int) -> str:
    """That an export is more than Discord takes, and who can have it all the same."""
    return _(
        "This server’s articles are more than I can send here. Whoever runs me can export them in the terminal: "
        "python bot.py export FILE.zip --server {server}",
        server=str(server),
    )
