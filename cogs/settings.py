"""What the Discord side has to be told, as plain values: it never reads a configuration file itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from index.ledger import EVERY, Kind


@dataclass(frozen=True, slots=True)
class Settings:
    """Made once, where the program starts.

    `articles` is the operator's folder and `data` the one for databases; `hits` is the most that one answer shows, and
    `precision` the share of the answers given that should be right; `max_bytes` is the largest upload, `max_sentences`
    the most sentences of a server's own articles together; `manager_roles` are the ids of roles that may manage
    articles besides Manage Server. `refresh_every` is how many seconds lie between two looks at a source of each kind
    (0: none are scheduled); `keep_waiting` whether questions that found nothing are kept, to be asked again; `grace`
    how many seconds after the bot has left a server everything of it is deleted. `log_channel` is the id of the channel
    in which the operator is told of failures; `version` is the program's, for the operator to see.
    """

    articles: Path
    data: Path
    hits: int
    precision: float
    max_bytes: int
    max_sentences: int
    manager_roles: frozenset[int]
    log_questions: bool
    refresh_every: Mapping[Kind, float] = field(default_factory=lambda: EVERY)
    keep_waiting: bool = False
    log_channel: int | None = None
    version: str = ""
    grace: float = 30 * 86_400.0

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of this machine that messages must not name, the longest first."""
        named = {str(folder) for folder in (self.articles, self.articles.parent, self.data, self.data.parent)}
        return tuple(sorted(named, key=len, reverse=True))
