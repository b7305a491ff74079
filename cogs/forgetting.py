"""What has left a server's articles leaves the words beside its judgements, too, in whatever way it was removed.

Synchronous and thread-safe; it knows servers as numbers and nothing else of Discord.
"""

import logging

from index.corpus import Library
from index.errors import UserError
from records.forgetting import forget_gone
from records.records import Records

log = logging.getLogger(__name__)


class Forgetting:
    """One for all servers."""

    def __init__(self, library: Library, records: Records) -> None:
        self._library = library
        self._records = records

    def servers(self) -> list[int]:
        """Those about whose articles judgements are kept.

        Raises:
            UserError: the records cannot be read.
        """
        return list(self._records.learning.judged())

    def sweep(self, server: int) -> None:
        """Overwrites the sentences that no longer stand in the server's own articles, nor in the operator's.

        Raises:
            UserError: what stores and records raise.
        """
        corpora = [self._library.corpus(one, passing=True) for one in (server, None)]
        stores = [corpus.store for corpus in corpora if corpus is not None]
        if forgotten := forget_gone(self._records.answers, server, stores):
            log.info("words of removed articles forgotten", extra={"server": server, "sentences": forgotten})

    def after_removal(self, server: int) -> None:
        """As `sweep`, at once. Trouble is logged: what was removed is gone all the same, and the next sweep comes."""
        try:
            self.sweep(server)
        except UserError as error:
            log.error("words of removed articles could not be forgotten yet: %s", error)
