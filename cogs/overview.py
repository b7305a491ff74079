"""How a corpus is: what is in it, what it takes on disk, and how its sources are. For `/status` and for notices.

Synchronous and thread-safe; it knows servers as numbers (None: the operator) and nothing else of Discord.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cogs.workshop import Workshop
from index.layout import files_of
from index.ledger import Kind, Source


@dataclass(frozen=True, slots=True)
class Condition:
    """One corpus, and its size on disk in `bytes`. Of its sources: how many there are of each kind, and how many are
    paused and suspended; those that fail; when any was `looked` at last, and when the next is `due` (Unix seconds;
    None: never). `behind`: it is still to be encoded anew for the present model."""

    articles: int = 0
    copies: int = 0
    sentences: int = 0
    bytes: int = 0
    kinds: Mapping[Kind, int] | None = None
    paused: int = 0
    suspended: int = 0
    failing: tuple[Source, ...] = ()
    looked: float | None = None
    due: float | None = None
    behind: bool = False

    def of(self, kind: Kind) -> int:
        """How many sources of this kind there are."""
        return (self.kinds or {}).get(kind, 0)


class Overview:
    """Looks at the corpora of a workshop.

    Raises:
        UserError: from every method, what the store raises.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._library = workshop.library
        self._every = workshop.every

    def of(self, server: int | None) -> Condition:
        """How the corpus of a server is, or the operator's; an empty one where there is none."""
        corpus = self._library.corpus(server, passing=True)
        if corpus is None:
            return Condition()
        statistics, sources = corpus.store.statistics(), corpus.store.ledger.sources()
        scheduled = [one.due for one in corpus.store.ledger.scheduled(self._every)]
        states = Counter(one.state for one in sources)
        return Condition(
            articles=statistics.articles,
            copies=len(corpus.store.versions()) - statistics.articles,
            sentences=statistics.sentences,
            bytes=_size(self._library.path(server)),
            kinds=Counter(one.kind for one in sources),
            paused=states["paused"],
            suspended=states["suspended"],
            failing=_failing(sources),
            looked=max((one.checked for one in sources if one.checked is not None), default=None),
            due=min(scheduled, default=None),
            behind=self._library.is_behind(server),
        )

    def failing(self, server: int | None) -> tuple[Source, ...]:
        """The sources that could not be looked at the last time, but for those that people have paused."""
        corpus = self._library.corpus(server, passing=True)
        return _failing(corpus.store.ledger.sources()) if corpus else ()

    def shared(self, server: int) -> int:
        """How many articles of the operator's a server may ask."""
        own = self._library.corpus(server, passing=True)
        return sum(one.store.statistics().articles for one in self._library.askable(server) if one is not own)

    @property
    def model(self) -> str:
        """The name of the present model, without what tells its version."""
        return self._library.encoder.identity.model.partition("@")[0]


def _failing(sources: list[Source]) -> tuple[Source, ...]:
    return tuple(one for one in sources if one.problem is not None and one.state != "paused")


def _size(database: Path) -> int:
    """What a database takes on disk, with what is kept beside it."""
    total = 0
    for file in files_of(database):
        with suppress(OSError):
            total += file.stat().st_size
    return total
