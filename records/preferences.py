"""What a server's own people have set for it. All of it is in memory, for every question asks for it."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from index.database import Database


@dataclass(frozen=True, slots=True)
class Preferences:
    """One server's settings; None and empty sets leave it as the operator has it.

    `manager_roles` are the ids of roles that may manage articles; `channels` those where questions are answered (empty:
    all); `forums` those of forum channels whose posts are answered; `hits` the most sentences shown; `precision` how
    many of the answers given should be right (0 to 1); `log_questions` whether questions and judgements are kept;
    `language` the code of what the bot speaks where it answers no one person; `log_channel` where failures are told;
    `direct` whether members may ask in direct messages.
    """

    manager_roles: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    forums: frozenset[int] = frozenset()
    hits: int | None = None
    precision: float | None = None
    log_questions: bool = False
    language: str | None = None
    log_channel: int | None = None
    direct: bool = True


_DEFAULT = Preferences()
_SETS = frozenset({"manager_roles", "channels", "forums"})


class PreferenceRecords:
    """Every server's preferences. Reading takes no time; writing goes to the disk first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        kept: dict[int, dict[str, Any]] = {}
        known = {field.name for field in fields(Preferences)}
        for server, name, value in database.rows("SELECT server, name, value FROM preference"):
            if name in known:  # a newer version may know more
                read = json.loads(value)
                kept.setdefault(server, {})[name] = frozenset(read) if name in _SETS else read
        self._kept: dict[int, Preferences] = {server: Preferences(**values) for server, values in kept.items()}

    def of(self, server: int | None) -> Preferences:
        """A server's preferences; the defaults outside of servers."""
        return self._kept.get(server, _DEFAULT) if server is not None else _DEFAULT

    def change(self, server: int, **values: object) -> Preferences:
        """Changes some of a server's preferences (see the fields of `Preferences`), for good, and returns them all."""
        with self._lock:
            after = replace(self.of(server), **values)  # type: ignore[arg-type]
            rows = [(server, name, _written(getattr(after, name))) for name in values]
            with self._database.transaction("IMMEDIATE") as connection:
                connection.executemany("INSERT OR REPLACE INTO preference VALUES (?, ?, ?)", rows)
            self._kept[server] = after
            return after

    def tidy(self, server: int, before: Preferences, values: Mapping[str, object]) -> None:
        """As `change`, but for what somebody else has changed since a server's preferences were `before`."""
        now = self.of(server)
        untouched = {name: one for name, one in values.items() if getattr(now, name) == getattr(before, name)}
        if untouched:
            self.change(server, **untouched)

    def forget(self, server: int) -> None:
        """Forgets what a server has set."""
        with self._lock:
            with self._database.transaction("IMMEDIATE") as connection:
                connection.execute("DELETE FROM preference WHERE server = ?", (server,))
            self._kept.pop(server, None)

    def all(self) -> Mapping[int, Preferences]:
        """Server → what it has set, of those that have set anything."""
        return dict(self._kept)


def _written(value: object) -> str:
    return json.dumps(sorted(value) if isinstance(value, frozenset) else value)
