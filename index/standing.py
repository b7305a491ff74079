"""Which stored sentences stand for the corpus: copies of an article and the furniture of a site step back.

Everything here is derived from what the store holds, whatever the order in which it came, and is derived again only
where articles have changed. Nothing is deleted: what steps back is hidden, and returns when what it stood behind goes.

- Articles are copies of each other when an address of theirs is the same and they have much in common; or when they
  have the same sentences, or nearly, under much the same title. One stands for all, and of the others nothing is
  offered that it says too. What only they say stays, unless it was corrected: then nothing of theirs is offered.
- A sentence on nearly every page of a web site is furniture: a cookie banner, "Subscribe now".
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from index.database import Connection, Database

_SLICE = 200  # articles that are derived anew in one transaction, so that others need not wait long to write
_RARE = 50  # articles: what more of them have in common, a line or an address, is no sign of a copy
_SAME = 200  # articles: what more of them say word for word is no article, but a page about an error
_NEARLY = 0.7  # of the sentences of two articles together are in both
_NEARLY_LATER = 0.9  # the same, where they state different days and nothing calls one a correction
_LATER = 31  # days between an article and its correction, at most
_LEAST_LINES = 5  # of an article that may be a copy without being equal
_HALF, _LEAST_SHARED = 0.5, 3  # of the shorter one's sentences are in the other, where an address is the same
_TITLE = 0.5  # of the words of two titles together are in both
_LEAST_PAGES = 4  # of a site, before anything on it is furniture
_NEARLY_EVERY = 0.8  # of a site's pages
_MOST_FURNITURE = 0.5  # of a page: what has more of it, has it for its text
_CORRECTION = frozenset("correction corrected korrektur korrigiert update updated aktualisiert correctif".split())


@dataclass(frozen=True, slots=True)
class _Member:
    """An article as copies are recognised: its lines are hashes of its sentences' words."""

    id: int
    source: str
    title: frozenset[str] | None  # None where it states none
    corrects: bool  # its title says so
    published: date | None
    updated: date | None
    lines: frozenset[int]
    digest: bytes | None
    keys: frozenset[str]
    site: str | None

    @property
    def latest(self) -> date:
        return max(self.updated or date.min, self.published or date.min)


class Standing:
    """Derives what is offered from what is stored, in the file of one corpus."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.rows

    def settle(self) -> None:
        """Derives anew what changes since the last time have made stale, in transactions that are all short."""
        while self._rows("SELECT 1 FROM stale UNION ALL SELECT 1 FROM stale_site LIMIT 1"):
            with self._database.transaction("IMMEDIATE") as connection:
                rows = self._rows(f"SELECT article_id FROM stale ORDER BY article_id LIMIT {_SLICE}")
                if rows:
                    self._regroup(connection, [row[0] for row in rows])
                    continue
                for (site,) in self._rows("SELECT name FROM stale_site LIMIT 1"):
                    self._hide(connection, self._furnish(connection, site))
                    connection.execute("DELETE FROM stale_site WHERE name = ?", (site,))

    def _regroup(self, connection: Connection, stale: Sequence[int]) -> None:
        members: dict[int, _Member] = {}  # each read once
        touched: dict[int, _Member] = {}
        for article_id in stale:
            if article_id not in touched:
                related = self._related(article_id, members)
                touched.update((one.id, one) for one in related)
                for group in _groups(related):
                    _write_group(connection, group)
        sites = [(one.site, one.id) for one in touched.values() if one.site is not None]
        connection.executemany("INSERT OR IGNORE INTO stale_site VALUES (?, ?)", sites)
        self._hide(connection, sorted(touched))
        connection.executemany("DELETE FROM stale WHERE article_id = ?", [(one,) for one in {*stale, *touched}])

    # -- copies of an article

    def _related(self, article_id: int, members: dict[int, _Member]) -> list[_Member]:
        """The article with all its copies, and theirs."""

        def member(key: int) -> _Member:
            if key not in members:
                members[key] = self._member(key)
            return members[key]

        found = {article_id: member(article_id)}
        waiting = deque(found.values())
        while waiting:
            one = waiting.popleft()
            for other in map(member, sorted(self._alike(one) - found.keys())):
                if _are_copies(one, other):
                    found[other.id] = other
                    waiting.append(other)
        return list(found.values())

    def _alike(self, one: _Member) -> set[int]:
        """The articles that may be copies: with an address, all lines, or a rare line in common."""
        alike: set[int] = set()
        for key in one.keys:
            alike |= self._holders("SELECT article_id FROM address WHERE key = ?", key, _RARE)
        if one.digest is not None:
            alike |= self._holders("SELECT article_id FROM article_detail WHERE digest = ?", one.digest, _SAME)
        if len(one.lines) >= _LEAST_SHARED:
            for line in one.lines:
                alike |= self._holders("SELECT DISTINCT article_id FROM line WHERE hash = ?", line, _RARE)
        return alike - {one.id}

    def _holders(self, sql: str, value: str | bytes | int, most: int) -> set[int]:
        """The articles that this selects; none where they are more than `most`."""
        rows = self._rows(f"{sql} LIMIT {most + 1}", (value,))
        return {row[0] for row in rows} if len(rows) <= most else set()

    def _member(self, article_id: int) -> _Member:
        sql = (
            "SELECT source, title, states_title, published, updated, substr(indexed_at, 1, 10), digest, site"
            " FROM article LEFT JOIN article_detail ON article_id = id WHERE id = ?"
        )
        source, title, states_title, published, updated, indexed, digest, site = self._rows(sql, (article_id,))[0]
        lines = self._rows("SELECT DISTINCT hash FROM line WHERE article_id = ?", (article_id,))
        keys = self._rows("SELECT key FROM address WHERE article_id = ?", (article_id,))
        words = frozenset(re.findall(r"\w+", title.casefold())) if states_title else None
        # A day that had not come when the article was read says nothing.
        published, updated = (day if day and day <= indexed else None for day in (published, updated))
        return _Member(
            article_id,
            source,
            words - _CORRECTION if words else words,
            bool(words and words & _CORRECTION),
            day_of(published),
            day_of(updated),
            frozenset(row[0] for row in lines) - {line_of(title)},  # most articles begin with it
            digest,
            frozenset(row[0] for row in keys),
            site,
        )

    # -- the furniture of a site

    def _furnish(self, connection: Connection, site: str) -> set[int]:
        """Brings the site's furniture up to date; returns the articles that hold a sentence which came or went."""
        copies = "SELECT article_id FROM standing WHERE stands_for != article_id"
        standing = f"site = ? AND article_id NOT IN ({copies})"
        (pages,) = self._rows(f"SELECT count(*) FROM article_detail WHERE {standing}", (site,))[0]
        known = self._rows("SELECT pages FROM site WHERE name = ?", (site,))
        old = {row[0] for row in self._rows("SELECT hash FROM furniture WHERE site = ?", (site,))}
        counted = f"SELECT hash FROM line JOIN article_detail USING (article_id) WHERE {standing}"
        enough = f"GROUP BY hash HAVING count(DISTINCT article_id) >= {max(_LEAST_PAGES, pages * _NEARLY_EVERY)}"
        if known and known[0][0] <= pages:
            # With more pages than before, only what stands on the changed ones can have become furniture.
            sql = "SELECT DISTINCT hash FROM line JOIN stale_site USING (article_id) WHERE name = ?"
            lines = old.union(row[0] for row in self._rows(sql, (site,)))
            new = {line for line in lines if self._rows(f"{counted} AND hash = ? {enough}", (site, line))}
        else:
            new = {row[0] for row in self._rows(f"{counted} {enough}", (site,))}
        if pages:
            connection.execute("INSERT OR REPLACE INTO site VALUES (?, ?)", (site, pages))
        else:
            connection.execute("DELETE FROM site WHERE name = ?", (site,))
        connection.executemany("DELETE FROM furniture WHERE site = ? AND hash = ?", [(site, one) for one in old - new])
        connection.executemany("INSERT INTO furniture VALUES (?, ?)", [(site, one) for one in new - old])
        sql = "SELECT DISTINCT article_id FROM line JOIN article_detail USING (article_id) WHERE site = ? AND hash = ?"
        changed = {row[0] for line in old ^ new for row in self._rows(sql, (site, line))}
        return changed.union(row[0] for row in self._rows("SELECT article_id FROM stale_site WHERE name = ?", (site,)))

    # -- what is hidden

    def _hide(self, connection: Connection, article_ids: Iterable[int]) -> None:
        """Hides and shows sentences of these articles; those in which something changed get a new generation."""
        changed = []
        for article_id in article_ids:
            sql = "SELECT id FROM hidden_sentence JOIN sentence USING (id) WHERE article_id = ?"
            old = {row[0] for row in self._rows(sql, (article_id,))}
            new = self._hidden(article_id)
            if old == new:
                continue
            changed.append(article_id)
            connection.executemany("DELETE FROM hidden_sentence WHERE id = ?", [(one,) for one in old - new])
            connection.executemany("INSERT INTO hidden_sentence VALUES (?)", [(one,) for one in new - old])
            own = "(SELECT id FROM paragraph WHERE article_id = ?)"
            connection.execute(f"DELETE FROM hidden_paragraph WHERE id IN {own}", (article_id,))
            connection.execute(
                "INSERT INTO hidden_paragraph SELECT paragraph_id FROM sentence WHERE article_id = ?"
                " GROUP BY paragraph_id HAVING min(id IN (SELECT id FROM hidden_sentence))",
                (article_id,),
            )
        if changed:
            sql = "UPDATE meta SET value = value + 1 WHERE key = 'generation' RETURNING value"
            (generation,) = connection.execute(sql).fetchone()
            sql = "UPDATE article SET generation = ? WHERE id = ?"
            connection.executemany(sql, [(int(generation), one) for one in changed])

    def _hidden(self, article_id: int) -> set[int]:
        sql = (
            "SELECT sentence_id FROM line JOIN article_detail USING (article_id) JOIN furniture"
            " ON furniture.site = article_detail.site AND furniture.hash = line.hash WHERE article_id = ?"
        )
        hidden = {row[0] for row in self._rows(sql, (article_id,))}
        (lines,) = self._rows("SELECT count(*) FROM line WHERE article_id = ?", (article_id,))[0]
        if len(hidden) > _MOST_FURNITURE * lines:
            hidden.clear()
        sql = "SELECT stands_for, superseded FROM standing WHERE article_id = ? AND stands_for != article_id"
        for stands_for, superseded in self._rows(sql, (article_id,)):
            sql = (
                "SELECT id FROM sentence LEFT JOIN line ON sentence_id = id WHERE sentence.article_id = ? AND"
                " (? OR hash IS NULL OR hash IN (SELECT hash FROM line WHERE article_id = ?))"
            )
            hidden.update(row[0] for row in self._rows(sql, (article_id, superseded, stands_for)))
        return hidden


def _are_copies(a: _Member, b: _Member) -> bool:
    if a.digest is not None and a.digest == b.digest and _titles_agree(a, b):
        return True
    shared, least = len(a.lines & b.lines), min(len(a.lines), len(b.lines))
    if a.keys & b.keys and shared >= max(_LEAST_SHARED, _HALF * least):
        return True
    days = abs((a.published - b.published).days) if a.published and b.published else 0
    if days > _LATER or not _titles_agree(a, b):
        return False
    if (a.corrects or b.corrects) and _place(a) == _place(b):
        return shared >= max(_LEAST_SHARED, _HALF * least)
    return least >= _LEAST_LINES and shared >= (_NEARLY_LATER if days else _NEARLY) * len(a.lines | b.lines)


def _titles_agree(a: _Member, b: _Member) -> bool:
    """Whether the titles may be one article's: much the same words, and the same figures."""
    if a.title is None or b.title is None:
        return True
    figures = {word for word in a.title ^ b.title if any(map(str.isdigit, word))}
    return not figures and len(a.title & b.title) >= _TITLE * len(a.title | b.title)


def _groups(related: Sequence[_Member]) -> Iterator[list[_Member]]:
    """Groups of articles of which each is a copy of its first, which stands for it."""
    rest = list(related)
    while rest:
        chosen = _chosen(rest)
        group = [chosen, *(one for one in rest if one is not chosen and _are_copies(one, chosen))]
        yield group
        rest = [one for one in rest if one not in group]


def _chosen(group: Sequence[_Member]) -> _Member:
    """The one that stands for the others: on one site the latest, for it may be a correction; of several sites the
    earliest, for the others have it from there. Among equals the fullest, and then any, but always the same."""
    together = len({one.site for one in group}) == 1

    def key(one: _Member) -> tuple[int, int, int, str]:
        day = -one.latest.toordinal() if together else (one.published or date.max).toordinal()
        return day, -len(one.lines), len(one.source), one.source

    return min(group, key=key)


def _write_group(connection: Connection, group: Sequence[_Member]) -> None:
    chosen, *copies = group
    if not copies:
        connection.execute("DELETE FROM standing WHERE article_id = ?", (chosen.id,))
        return
    corrected = [one for one in copies if _corrects(chosen, one)]
    published = min((one.published for one in (chosen, *corrected) if one.published), default=None)
    updated = chosen.latest if published and chosen.latest > published else None
    for one in group:
        days = [day and day.isoformat() for day in ((published, updated) if one is chosen else (None, None))]
        row = (one.id, chosen.id, one in corrected, *days)
        connection.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", row)


def _corrects(newer: _Member, older: _Member) -> bool:
    """Whether what only the older one says is no longer so: it is from the same place and earlier, and the newer one
    says that it corrects, or was changed since the day that both state, or has the same address."""
    if _place(newer) != _place(older) or not date.min < older.latest < newer.latest:
        return False
    if newer.corrects or (newer.updated and newer.published and newer.published == older.published):
        return True
    alike = len(newer.lines & older.lines) >= _NEARLY * len(newer.lines | older.lines)
    return alike and bool(newer.keys & older.keys)


def _place(one: _Member) -> tuple[str | None, bool]:
    """Where an article is from: a file may name the address of a page, but is no page of that site."""
    return one.site, one.source.startswith(("http://", "https://"))


def line_of(text: str) -> int | None:
    """A hash of a sentence's words, whatever stands between them, as a signed 64-bit number; None if it has none."""
    words = re.findall(r"\w+", text.casefold())
    if not words:
        return None
    return int.from_bytes(hashlib.blake2b(" ".join(words).encode(), digest_size=8).digest(), "big", signed=True)


def day_of(text: str | None) -> date | None:
    """The day that a column holds."""
    return date.fromisoformat(text) if text else None
