"""Questions that found nothing wait for an answer: they are kept, and asked again once there is more to ask.

Whether questions may be kept, and who is told when one is answered, is decided elsewhere.
"""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from index.store import Store
from index.stored import StoredArticle
from retrieval.anaphora import leans
from retrieval.answer import Answer, Hit

MOST = 200
"""The questions that are asked again after one index run: each takes as long as any other."""

_LONGEST = 1_000  # characters of a question that is kept


class Answerer(Protocol):
    """A `Retriever`, or `Several`."""

    def ask(self, question: str, *, top: int = 3) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that waited and has an answer now. `asker` is who asked it (a Discord user's id), if known; `asked` is
    when it was asked last (Unix seconds)."""

    question: str
    asker: int | None
    asked: float
    hit: Hit

    @property
    def article(self) -> StoredArticle:
        """The article that answers it."""
        return self.hit.citation.article

    @property
    def sentence(self) -> str:
        """The sentence that does, to the letter."""
        return self.hit.citation.text


def keep(answer: Answer, store: Store, *, asker: int | None = None) -> bool:
    """Keeps the question of an answer that is none in the ledger of `store`; returns whether there was one to keep.

    A follow-up is kept with what it refers to, since it will be asked alone.
    """
    question = answer.question
    if answer.searched is not None and leans(question):
        question = answer.searched
    if answer.answered or not question or len(question) > _LONGEST:
        return False
    store.ledger.wait(question, time.time(), asker)
    return True


def answered_now(
    retriever: Answerer,
    store: Store,
    *,
    most: int = MOST,
    cancel: threading.Event | None = None,
    forget: bool = True,
) -> list[Answered]:
    """Asks the questions that wait in `store`, the oldest first; those that have an answer now wait no longer, unless
    they are not to be forgotten since nobody is told of them yet.

    At most `most` are asked, and none any more once `cancel` is set.

    Raises:
        UserError: what `retriever.ask` raises; all questions wait on then.
    """
    waiting = store.ledger.waiting()
    # Where there are too many for one run, the next run begins elsewhere.
    start = store.generation() % len(waiting) if len(waiting) > most else 0
    found: dict[int, Answered] = {}
    for one in (waiting[start:] + waiting[:start])[:most]:
        if cancel is not None and cancel.is_set():
            break
        answer = retriever.ask(one.question, top=1)
        if answer.answered:
            found[one.id] = Answered(one.question, one.asker, one.asked, answer.hits[0])
    if found and forget:
        store.ledger.forget_waiting(list(found))
    return list(found.values())
