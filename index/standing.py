"""Which stored sentences stand for the corpus: copies of an article and the furniture of a site step back.

Everything here is derived from what the store holds, whatever the order in which it came, and is derived again only
where articles have changed. Nothing is deleted: what steps back is hidden, and returns when what it stood behind goes.

- Articles are copies of each other when an address of theirs is the same, or when they have nearly the same sentences
  under much the same title. The one with the latest date stands for all; of an older one nothing is offered any more,
  of one that is not known to be older only what the other does not say.
- A sentence on nearly every page of a web site is furniture: a cookie banner, "Subscribe now".
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from index.database import Connection, Database

_RARE = 8  # articles: a sentence that more of them have is no sign of a copy
_NEARLY = 0.7  # of the sentences of two articles together are in both
_NEARLY_LATER = 0.75  # the same, where they state different days
_LATER = 31  # days between an article and its correction, at most
_LEAST_LINES = 5  # of an article that may be a copy without being equal
_SOMEWHAT = 0.3  # of the shorter article's sentences are in the other, where an address is the same
_TITLE = 0.5  # of the words of two titles together are in both
_LEAST_PAGES = 4  # of a site, before anything on it is furniture
_NEARLY_EVERY = 0.8  # of a site's pages
_CORRECTION = frozenset("correction corrected korrektur korrigiert update updated aktualisiert correctif".split())


@dataclass(frozen=True, slots=True)
class _Member:
    """An article as copies are recognised: its lines are hashes of its sentences' words."""

    id: int
    source: str
    title: frozenset[str] | None  # None where it states none
    published: date | None
    updated: date | None
    lines: frozenset[int]
    digest: bytes | None
    keys: frozenset[str]
    site: str | None

    @property
    def latest(self) -> date:
        return self.updated or self.published or date.min


class Standing:
    """Derives what is offered from what is stored, in the file of one corpus."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.rows

    def settle(self) -> None:
        """Derives anew what changes since the last time have made stale. One transaction."""
        if not self._rows("SELECT 1 FROM stale UNION ALL SELECT 1 FROM stale_site LIMIT 1"):
            return
        with self._database.transaction("IMMEDIATE") as connection:
            stale = [row[0] for row in self._rows("SELECT article_id FROM stale ORDER BY article_id")]
            touched: dict[int, _Member] = {}
            for article_id in stale:
                if article_id not in touched:
                    group = self._group(article_id)
                    touched.update((one.id, one) for one in group)
                    _write_group(connection, group)
            sites = {row[0] for row in self._rows("SELECT name FROM stale_site")}
            sites.update(one.site for one in touched.values() if one.site is not None)
            affected = set(touched)
            for site in sorted(sites):
                affected |= self._furnish(connection, site, [one for one in touched.values() if one.site == site])
            self._hide(connection, sorted(affected))
            connection.execute("DELETE FROM stale")
            connection.execute("DELETE FROM stale_site")

    # -- copies of an article

    def _group(self, article_id: int) -> list[_Member]:
        """The article with all its copies, and theirs."""
        first = self._member(article_id)
        found = {first.id: first}
        waiting = deque([first])
        while waiting:
            one = waiting.popleft()
            for other_id in self._alike(one) - found.keys():
                other = self._member(other_id)
                if _are_copies(one, other):
                    found[other.id] = other
                    waiting.append(other)
        return list(found.values())

    def _alike(self, one: _Member) -> set[int]:
        """The articles that may be copies: with an address, all lines, or a rare line in common."""
        alike: set[int] = set()
        for key in one.keys:
            alike.update(row[0] for row in self._rows("SELECT article_id FROM address WHERE key = ?", (key,)))
        if one.digest is not None:
            sql = "SELECT article_id FROM article_detail WHERE digest = ?"
            alike.update(row[0] for row in self._rows(sql, (one.digest,)))
        if len(one.lines) >= _LEAST_LINES:
            sql = f"SELECT DISTINCT article_id FROM line WHERE hash = ? LIMIT {_RARE + 1}"
            for line in one.lines:
                rows = self._rows(sql, (line,))
                if 1 < len(rows) <= _RARE:
                    alike.update(row[0] for row in rows)
        return alike - {one.id}

    def _member(self, article_id: int) -> _Member:
        sql = (
            "SELECT source, title, states_title, published, updated, digest, site FROM article"
            " LEFT JOIN article_detail ON article_id = id WHERE id = ?"
        )
        source, title, states_title, published, updated, digest, site = self._rows(sql, (article_id,))[0]
        lines = self._rows("SELECT DISTINCT hash FROM line WHERE article_id = ?", (article_id,))
        keys = self._rows("SELECT key FROM address WHERE article_id = ?", (article_id,))
        return _Member(
            article_id,
            source,
            frozenset(re.findall(r"\w+", title.casefold())) - _CORRECTION if states_title else None,
            _day(published),
            _day(updated),
            frozenset(row[0] for row in lines),
            digest,
            frozenset(row[0] for row in keys),
            site,
        )

    # -- the furniture of a site

    def _furnish(self, connection: Connection, site: str, touched: Sequence[_Member]) -> set[int]:
        """Brings the site's furniture up to date; returns the articles that hold a sentence which came or went."""
        standing = "(article_id NOT IN (SELECT article_id FROM standing WHERE stands_for != article_id))"
        pages = self._rows(f"SELECT count(*) FROM article_detail WHERE site = ? AND {standing}", (site,))[0][0]
        known = self._rows("SELECT pages FROM site WHERE name = ?", (site,))
        old = {row[0] for row in self._rows("SELECT hash FROM furniture WHERE site = ?", (site,))}
        counted = f"SELECT hash FROM line JOIN article_detail USING (article_id) WHERE site = ? AND {standing}"
        enough = f"GROUP BY hash HAVING count(DISTINCT article_id) >= {max(_LEAST_PAGES, pages * _NEARLY_EVERY)}"
        if known and known[0][0] <= pages:
            # With more pages than before, only what stands on the new ones can have become furniture.
            lines = old.union(*(one.lines for one in touched))
            new = {line for line in lines if self._rows(f"{counted} AND hash = ? {enough}", (site, line))}
        else:
            new = {row[0] for row in self._rows(f"{counted} {enough}", (site,))}
        connection.execute("INSERT OR REPLACE INTO site VALUES (?, ?)", (site, pages))
        connection.executemany("DELETE FROM furniture WHERE site = ? AND hash = ?", [(site, one) for one in old - new])
        connection.executemany("INSERT INTO furniture VALUES (?, ?)", [(site, one) for one in new - old])
        sql = "SELECT DISTINCT article_id FROM line JOIN article_detail USING (article_id) WHERE site = ? AND hash = ?"
        return {row[0] for line in old ^ new for row in self._rows(sql, (site, line))}

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
    shared = len(a.lines & b.lines)
    if a.keys & b.keys and shared >= _SOMEWHAT * min(len(a.lines), len(b.lines)):
        return True
    if min(len(a.lines), len(b.lines)) < _LEAST_LINES or not _titles_agree(a, b):
        return False
    days = abs((a.published - b.published).days) if a.published and b.published else 0
    return days <= _LATER and shared >= (_NEARLY_LATER if days else _NEARLY) * len(a.lines | b.lines)


def _titles_agree(a: _Member, b: _Member) -> bool:
    """Whether the titles may be one article's: much the same words, and the same figures."""
    if a.title is None or b.title is None:
        return True
    figures = {word for word in a.title ^ b.title if any(map(str.isdigit, word))}
    return not figures and len(a.title & b.title) >= _TITLE * len(a.title | b.title)


def _write_group(connection: Connection, group: Sequence[_Member]) -> None:
    if len(group) == 1:
        connection.execute("DELETE FROM standing WHERE article_id = ?", (group[0].id,))
        return
    # The latest; among equals the fullest, and then any, but always the same one.
    chosen = max(group, key=lambda one: (one.latest, len(one.lines), [-ord(char) for char in one.source]))
    published = min((one.published for one in group if one.published), default=None)
    updated = chosen.latest if published and chosen.latest > published else None
    for one in group:
        superseded = date.min < one.latest < chosen.latest
        row = (one.id, chosen.id, superseded, _iso(published), _iso(updated))
        connection.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?)", row)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
