"""What is kept of one person, everywhere: in the records, and among the questions that wait in any server's articles.

Synchronous and thread-safe; it knows people as numbers and nothing else of Discord. Whose number it is given is for
others to check.
"""

import logging
from dataclasses import dataclass

from index.corpus import Library
from index.errors import UserError
from records.privacy import Held
from records.records import Records

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mine:
    """What is kept of a person: `held` in the records, and how many of their questions are `waiting`. `complete` is
    false where some server's articles could not be looked into."""

    held: Held
    waiting: int
    complete: bool = True

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.held.answers or self.held.judgements or self.held.chosen or self.waiting)


class Personal:
    """Counts and deletes what is kept of a person."""

    def __init__(self, library: Library, records: Records) -> None:
        self._library = library
        self._records = records

    def of(self, person: int) -> Mine:
        """What is kept of a person now.

        Raises:
            UserError: the records cannot be read.
        """
        return self._counted(self._records.privacy.of(person), person, forget=False)

    def forget(self, person: int) -> Mine:
        """Deletes what is kept of a person, for good, and returns what it was.

        Raises:
            UserError: the records cannot be written; nothing was deleted then.
        """
        return self._counted(self._records.privacy.forget(person), person, forget=True)

    def _counted(self, held: Held, person: int, *, forget: bool) -> Mine:
        number, complete = 0, True
        for server in (None, *self._library.servers()):
            try:
                number += self._waiting(server, person, forget=forget)
            except UserError as error:
                log.error("somebody's waiting questions could not be looked for: %s", error)
                complete = False
        return Mine(held, number, complete)

    def _waiting(self, server: int | None, person: int, *, forget: bool) -> int:
        corpus = self._library.corpus(server, passing=True)
        if corpus is None:
            return 0
        ledger = corpus.store.ledger
        mine = [one.id for one in ledger.waiting() if one.asker == person]
        if mine and forget:
            ledger.forget_waiting(mine)
        return len(mine)
