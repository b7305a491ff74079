"""What the articles of a corpus come from, as remembered: paths, pages, feeds and uploads, and what became of each.

With the store and `standing`, the only part that speaks SQL. When to look at a source again is decided here from what
happened the last times; how to look is not.
"""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, cast

from index.database import Connection, Database
from index.errors import Said, Value

Kind = Literal["path", "page", "feed", "upload"]
State = Literal["active", "paused", "suspended"]

DAY = 86_400.0  # seconds
EVERY: Mapping[Kind, float] = {"page": DAY, "feed": DAY / 24, "path": DAY, "upload": 0.0}
"""Seconds between two scheduled looks at a source of each kind, if nobody wishes otherwise; 0: none are scheduled."""

_JITTER = 0.1  # of the interval, so that sources added together are not looked at together
_LONGEST = 7 * DAY  # between two looks at a source that fails
_MOST_FAILURES = 10  # in a row, until it is suspended
_TEMPLATE = '{"template": '  # how a problem begins that is stored with what a translation of it takes
_COLUMNS = (
    "id, kind, address, title, state, every, due, added, checked, etag, last_modified, reader, failures, problem,"
    " channel"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Something that articles come from. Times are Unix seconds; `every` is the wish for this source, if any.

    `etag` and `last_modified` are the server's at the last look that ended well, which a reader of version `reader`
    took; `failures` are those in a row since then, and `problem` is the last one's reason. `channel` is the Discord
    channel in which it was added, where notices of it go.
    """

    id: int
    kind: Kind
    address: str
    title: str = ""
    state: State = "active"
    every: float | None = None
    due: float = 0.0
    added: float = 0.0
    checked: float | None = None
    etag: str | None = None
    last_modified: str | None = None
    reader: int = 0
    failures: int = 0
    problem: str | None = None
    channel: int | None = None

    def interval(self, every: Mapping[Kind, float]) -> float:
        """Seconds between two scheduled looks, by its own wish or else its kind's; 0: none."""
        return every[self.kind] if self.every is None else self.every


@dataclass(frozen=True, slots=True)
class Look:
    """How a look at a source ended: well (`problem` is None), with the server's validators, or not.

    `at` is when; `retry_after` how many seconds the server or the feed wants to be left alone; `title` its own name.
    """

    at: float
    problem: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    reader: int = 0
    retry_after: float | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that found nothing, when it was asked last (Unix seconds), and who asked it first (a Discord user's
    id)."""

    id: int
    question: str
    asked: float
    asker: int | None


class Ledger:
    """The remembered sources of one corpus, in its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.rows

    # -- sources

    def sources(self, *kinds: Kind) -> list[Source]:
        """Those of these kinds, or all, in the order in which they came."""
        found = [_source(row) for row in self._rows(f"SELECT {_COLUMNS} FROM source ORDER BY id")]
        return [one for one in found if not kinds or one.kind in kinds]

    def source(self, source_id: int) -> Source | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM source WHERE id = ?", (source_id,))
        return _source(rows[0]) if rows else None

    def find(self, address: str) -> Source | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM source WHERE address = ?", (address,))
        return _source(rows[0]) if rows else None

    def due(self, now: float, every: Mapping[Kind, float] = EVERY) -> list[Source]:
        """The scheduled sources whose time has come."""
        return [one for one in self.scheduled(every) if one.due <= now]

    def scheduled(self, every: Mapping[Kind, float] = EVERY) -> list[Source]:
        """The sources that are looked at from time to time."""
        return [one for one in self.sources() if one.state == "active" and one.interval(every)]

    def add(
        self,
        kind: Kind,
        address: str,
        now: float,
        *,
        title: str = "",
        every: float | None = None,
        channel: int | None = None,
    ) -> Source:
        """Remembers a source; one that is known already becomes active again, and keeps what is known of it."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(
                "INSERT INTO source (kind, address, title, state, every, due, added, reader, failures, channel)"
                " VALUES (:kind, :address, :title, 'active', :every, :now, :now, 0, 0, :channel)"
                " ON CONFLICT (address) DO UPDATE SET state = 'active', failures = 0, due = excluded.due,"
                " every = coalesce(excluded.every, every), channel = coalesce(excluded.channel, channel)",
                {"kind": kind, "address": address, "title": title, "every": every, "now": now, "channel": channel},
            )
        found = self.find(address)
        assert found is not None  # noqa: S101 — it has just been put there
        return found

    def remove(self, source_id: int) -> None:
        """Forgets a source, with what was uploaded of it; its articles stay."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(
                "DELETE FROM upload WHERE source IN (SELECT address FROM source WHERE id = ? AND kind = 'upload')",
                (source_id,),
            )
            connection.execute("DELETE FROM source WHERE id = ?", (source_id,))

    def set_state(self, source_id: int, state: State, now: float) -> None:
        """Pauses a source, or has it looked at again, then from now on and with its failures forgotten."""
        sql = "UPDATE source SET state = ?, failures = 0, due = ? WHERE id = ?"
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(sql, (state, now, source_id))

    def looked(self, source: Source, look: Look, every: Mapping[Kind, float] = EVERY) -> bool:
        """Records how a look ended, and when the next is due. Returns whether it was one failure too many, upon which
        the source is suspended, until a look ends well that somebody else asks for."""
        failed = look.problem is not None
        failures = source.failures + 1 if failed else 0
        values: dict[str, Any] = {
            "id": source.id,
            "due": _next_due(source.interval(every), failures, look),
            "checked": look.at,
            "problem": _kept(look.problem),
        }
        if not failed:
            values |= {"etag": look.etag, "last_modified": look.last_modified, "reader": look.reader}
        if look.title:
            values["title"] = look.title
        changes = ", ".join(f"{name} = :{name}" for name in values if name != "id")
        # Counted there, for another process may have looked, too; and what a person has paused stays paused.
        count = "failures + 1" if failed else "0"
        state = f"CASE WHEN failures + 1 >= {_MOST_FAILURES} AND state = 'active' THEN 'suspended' ELSE state END"
        if not failed:
            state = "CASE WHEN state = 'suspended' THEN 'active' ELSE state END"
        with self._database.transaction("IMMEDIATE") as connection:
            before = self.source(source.id)
            sql = f"UPDATE source SET {changes}, failures = {count}, state = {state} WHERE id = :id RETURNING state"
            row = connection.execute(sql, values).fetchone()
        return row is not None and before is not None and (before.state, row[0]) == ("active", "suspended")

    # -- what they gave

    def articles_of(self, source_id: int) -> set[str]:
        """The articles (as sources) that a source gave, those included that have been removed since."""
        return {row[0] for row in self._rows("SELECT article FROM origin WHERE source_id = ?", (source_id,))}

    def origins(self, article: str) -> list[Source]:
        """The sources that gave an article."""
        sql = f"SELECT {_COLUMNS} FROM source JOIN origin ON source_id = id WHERE article = ? ORDER BY id"
        return [_source(row) for row in self._rows(sql, (article,))]

    def is_given_by_another(self, article: str, source_id: int) -> bool:
        """Whether any other source gave an article."""
        return bool(self._rows("SELECT 1 FROM origin WHERE article = ? AND source_id != ?", (article, source_id)))

    def given_only_by(self, source_ids: Sequence[int]) -> set[str]:
        """The articles (as sources) that these sources gave, and no other one."""
        these = ", ".join(str(int(one)) for one in source_ids)
        rows = self._rows(
            f"SELECT article FROM origin AS own WHERE source_id IN ({these}) AND NOT EXISTS (SELECT 1 FROM origin"
            f" AS other WHERE other.article = own.article AND other.source_id NOT IN ({these}))"
        )
        return {row[0] for row in rows}

    def gave(self, source_id: int, articles: Iterable[str]) -> None:
        """Remembers that a source gave these articles, unless it has been forgotten meanwhile."""
        wanted = set(articles) - self.articles_of(source_id)
        if wanted:
            with self._database.transaction("IMMEDIATE") as connection:
                rows = [(one, source_id) for one in sorted(wanted)]
                connection.executemany("INSERT OR IGNORE INTO origin SELECT id, ? FROM source WHERE id = ?", rows)

    def no_longer_gives(self, source_id: int, articles: Iterable[str]) -> list[str]:
        """Forgets that a source gave these articles; returns those that no other one gives."""
        with self._database.transaction("IMMEDIATE") as connection:
            gone = sorted(set(articles))
            rows = [(source_id, one) for one in gone]
            connection.executemany("DELETE FROM origin WHERE source_id = ? AND article = ?", rows)
            return [one for one in gone if not self._rows("SELECT 1 FROM origin WHERE article = ?", (one,))]

    def forget_origins(self, articles: Iterable[str]) -> None:
        """Forgets what gave these articles: they have vanished from there, and no person has removed them."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM origin WHERE article = ?", [(one,) for one in articles])

    def entries(self, source_id: int) -> dict[str, tuple[bytes, str]]:
        """Key of a feed's entry → a hash of what the feed said of it when it was settled, and the article that it
        became; "" if nothing could be made of it, which another try would not change."""
        rows = self._rows("SELECT key, hash, article FROM entry WHERE source_id = ?", (source_id,))
        return {key: (digest, article) for key, digest, article in rows}

    def settle_entry(self, source_id: int, key: str, digest: bytes, article: str) -> None:
        """Remembers that an entry has become an article, and needs no second look until the feed says otherwise."""
        sql = "INSERT OR REPLACE INTO entry SELECT id, ?, ?, ? FROM source WHERE id = ?"
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(sql, (key, digest, article, source_id))

    # -- waiting questions

    def wait(self, question: str, now: float, asker: int | None, *, most: int = 1_000) -> None:
        """Keeps a question that found nothing; beyond `most`, those asked longest ago are dropped."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(
                "INSERT INTO waiting (question, asked, asker) VALUES (?, ?, ?)"
                " ON CONFLICT (question) DO UPDATE SET asked = excluded.asked",
                (question, now, asker),
            )
            connection.execute(
                "DELETE FROM waiting WHERE id NOT IN (SELECT id FROM waiting ORDER BY asked DESC, id DESC LIMIT ?)",
                (most,),
            )

    def waiting(self) -> list[Waiting]:
        """The questions that wait for an answer, in the order in which they came."""
        return [Waiting(*row) for row in self._rows("SELECT id, question, asked, asker FROM waiting ORDER BY id")]

    def forget_waiting(self, ids: Sequence[int]) -> None:
        with self._database.transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM waiting WHERE id = ?", [(one,) for one in ids])


class Upload(NamedTuple):
    """What came in without a file of its own: its `address`, the name of the file that it was, and its bytes; None
    where they are kept already."""

    address: str
    name: str
    data: bytes | None


def keep_upload(connection: Connection, upload: Upload, article: str, now: float) -> None:
    """Keeps an upload, and that an article came of it, within the transaction that stores the article."""
    address, name, data = upload
    if data is not None:
        connection.execute("INSERT OR REPLACE INTO upload (source, name, data) VALUES (?, ?, ?)", (address, name, data))
        connection.execute(
            "INSERT INTO source (kind, address, title, state, due, added, reader, failures)"
            " VALUES ('upload', :address, :name, 'active', :now, :now, 0, 0)"
            " ON CONFLICT (address) DO UPDATE SET title = excluded.title",
            {"address": address, "name": name, "now": now},
        )
    connection.execute("INSERT OR IGNORE INTO origin SELECT id, ? FROM source WHERE address = ?", (article, address))


def _source(row: Sequence[Any]) -> Source:
    source = Source(*row)
    return source if source.problem is None else replace(source, problem=_said(source.problem))


def _kept(words: str | None) -> str | None:
    """How a problem is stored: with what a translation of it takes, if it has that."""
    return json.dumps(_parts(words), ensure_ascii=False) if isinstance(words, Said) else words


def _parts(value: Value) -> object:
    if not isinstance(value, Said):
        return value
    return {"template": value.template, "values": {name: _parts(one) for name, one in value.values.items()}}


def _said(stored: str) -> str:
    """As it was before `_kept`; what was stored as a plain text stays one."""
    if not stored.startswith(_TEMPLATE):
        return stored
    try:
        words = _whole(json.loads(stored))
    except (ValueError, TypeError, KeyError, AttributeError):
        return stored
    return words if isinstance(words, Said) else stored


def _whole(parts: Any) -> Value:  # noqa: ANN401 — whatever JSON holds
    if not isinstance(parts, dict):
        return cast(Value, parts)
    return Said(parts["template"], **{name: _whole(one) for name, one in parts["values"].items()})


def _next_due(interval: float, failures: int, look: Look) -> float:
    """When to look again: after the interval, doubled for each failure in a row, and not before the server wants it."""
    wait = min(interval * 2.0 ** min(failures, 20), max(interval, _LONGEST))
    wait *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 — spreads load, no secret
    return look.at + max(wait, look.retry_after or 0.0)
