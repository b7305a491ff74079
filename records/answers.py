"""What was asked and shown, for the buttons below an answer, and what people said of it.

A sentence is kept as its place and a digest of its words, never as the words: what has left the articles is not found
here either. The words stand only beside a judgement, which is kept where a server has its question log on.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any

from index.database import Database

_DAY = 86_400.0
_KEPT, _KEPT_WITH_QUESTION = 30 * _DAY, 365 * _DAY  # seconds
_AT_ONCE = 200  # judgements whose words are looked through together

MOST = 5_000
"""Judgements that are read at once, if no other number is given: the last ones."""


def digest_of(text: str) -> str:
    """What tells whether a sentence's words are still the same."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence stands: in an article of a `corpus` (a server's own articles; 0: the operator's), at
    `[start:end]`, as long as the words there have this digest."""

    corpus: int
    article: int
    start: int
    end: int
    digest: str


@dataclass(frozen=True, slots=True)
class KeptHit:
    """A sentence that was found, and the places that say the same, or give other figures."""

    place: Place
    probability: float
    confidence: str
    also_in: tuple[Place, ...] = ()
    differing: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One answer. `place` is the server whose articles were asked (0: none), `guild` the one where it is shown (None:
    in direct messages), `asked` when (Unix seconds). Where it was not `answered`, a hit is only the nearest. `shown` is
    how many hits are shown at first. `question`, and what was `searched` if that was another text, stand here only
    where they may be kept. The `id` is drawn by lot: it tells nothing of other answers."""

    place: int
    guild: int | None
    asker: int
    private: bool
    asked: float
    answered: bool
    shown: int
    question: str | None
    searched: str | None
    model: str
    ranker: str
    hits: tuple[KeptHit, ...] = ()
    id: int = field(default_factory=lambda: 1 + secrets.randbelow(2**63 - 1))


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence that was judged: its number in the answer, from 0, its article's source, and its words; both are empty
    once the words have left the articles."""

    number: int
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person said of an answer, with the question and the sentences that they saw; `hit` is the number of the
    one that they mean, if they named one."""

    answer: int
    person: int
    place: int
    helpful: bool
    hit: int | None
    judged: float
    question: str
    hits: tuple[Seen, ...]
    model: str
    ranker: str


class AnswerRecords:
    """Answers and judgements. Every method may be called from any thread; ids may be anybody's invention."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- answers

    def keep(self, record: AnswerRecord) -> None:
        """Keeps a record."""
        values = {one.name: getattr(record, one.name) for one in fields(record) if one.name != "hits"}
        hits = [_row(record.id, number, hit) for number, hit in enumerate(record.hits)]
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(
                "INSERT INTO answer (id, place, guild, asker, private, asked, answered, shown, question, searched,"
                " model, ranker) VALUES (:id, :place, :guild, :asker, :private, :asked, :answered, :shown, :question,"
                " :searched, :model, :ranker)",
                values,
            )
            connection.executemany("INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", hits)

    def of(self, answer: int) -> AnswerRecord | None:
        """The record with this id, if there is (still) one."""
        if not 0 < answer < 2**63:  # SQLite knows no other numbers
            return None
        sql = (
            "SELECT place, guild, asker, private, asked, answered, shown, question, searched, model, ranker"
            " FROM answer WHERE id = ?"
        )
        rows = self._database.rows(sql, (answer,))
        if not rows:
            return None
        place, guild, asker, private, asked, answered, shown, question, searched, model, ranker = rows[0]
        sql = "SELECT corpus, article, start, end, digest, probability, confidence, others FROM hit WHERE answer = ?"
        hits = tuple(map(_hit, self._database.rows(f"{sql} ORDER BY number", (answer,))))
        asking = (place, guild, asker, bool(private), asked, bool(answered), shown, question, searched)
        return AnswerRecord(*asking, model, ranker, hits, answer)

    def publish(self, answer: int) -> bool:
        """Makes a private answer one for all; whether it was private until now."""
        sql = "UPDATE answer SET private = 0 WHERE id = ? AND private"
        with self._database.transaction("IMMEDIATE") as connection:
            return connection.execute(sql, (answer,)).rowcount == 1

    def prune(self, now: float) -> int:
        """Deletes what is older than it may be: 30 days, or 365 with a question, as each judgement has one; returns how
        many answers."""
        sql = "DELETE FROM answer WHERE asked < ? AND (question IS NULL OR asked < ?)"
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM judgement WHERE judged < ?", (now - _KEPT_WITH_QUESTION,))
            return connection.execute(sql, (now - _KEPT, now - _KEPT_WITH_QUESTION)).rowcount

    # -- judgements

    def judge(self, judgement: Judgement) -> bool:
        """Keeps a judgement in the place of the person's former one; one that says the same again takes it back.
        Returns whether there is one now."""
        values = {one.name: getattr(judgement, one.name) for one in fields(judgement)}
        values["hits"] = _written_words(judgement.hits)
        former = "DELETE FROM judgement WHERE answer = ? AND person = ? RETURNING helpful"
        with self._database.transaction("IMMEDIATE") as connection:
            gone = connection.execute(former, (judgement.answer, judgement.person)).fetchone()
            if gone is not None and bool(gone[0]) is judgement.helpful:
                return False
            connection.execute(
                "INSERT INTO judgement (answer, person, place, helpful, hit, judged, question, hits, model, ranker)"
                " VALUES (:answer, :person, :place, :helpful, :hit, :judged, :question, :hits, :model, :ranker)",
                values,
            )
            return True

    def name(self, answer: int, person: int, hit: int) -> bool:
        """Says which sentence a person's judgement "helpful" means; whether there is such a judgement."""
        sql = "UPDATE judgement SET hit = ? WHERE answer = ? AND person = ? AND helpful"
        with self._database.transaction("IMMEDIATE") as connection:
            return connection.execute(sql, (hit, answer, person)).rowcount == 1

    def judgements(self, place: int | None = None, *, since: float = 0.0, most: int = MOST) -> list[Judgement]:
        """Those about one server's articles, or all (None), given `since` then (Unix seconds); the last `most` of them,
        the oldest first."""
        sql = (
            "SELECT answer, person, place, helpful, hit, judged, question, hits, model, ranker FROM judgement"
            " WHERE (:place IS NULL OR place = :place) AND judged >= :since"
            " ORDER BY judged DESC, answer DESC, person DESC LIMIT :most"
        )
        rows = self._database.rows(sql, {"place": place, "since": since, "most": most})
        return [_judgement(row) for row in reversed(rows)]

    def forget_words(self, place: int, is_gone: Callable[[Seen], bool]) -> int:
        """Overwrites words and source of the sentences that are gone, in the judgements about a server's articles, and
        returns how many. A judgement goes as a whole when no sentence of it is left: it tells nothing then."""
        forgotten, after = 0, (0, 0)
        sql = (
            "SELECT answer, person, hits FROM judgement WHERE place = ? AND (answer, person) > (?, ?)"
            " ORDER BY answer, person LIMIT ?"
        )
        try:
            while rows := self._database.rows(sql, (place, *after, _AT_ONCE)):
                forgotten += self._forget_words(rows, is_gone)
                after = rows[-1][:2]
        finally:
            if forgotten:  # nor do the words stay in the write-ahead log
                self._database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return forgotten

    def _forget_words(self, rows: Iterable[tuple[int, int, str]], is_gone: Callable[[Seen], bool]) -> int:
        changed, forgotten = [], 0
        for answer, person, written in rows:
            seen = _seen(written)
            left = tuple(Seen(one.number, "", "") if one.text and is_gone(one) else one for one in seen)
            if left != seen:
                changed.append((left, (answer, person, written)))
                forgotten += sum(one is not other for one, other in zip(left, seen, strict=True))
        if not changed:
            return 0
        # What a person has said anew meanwhile is left for the next time.
        update = "UPDATE judgement SET hits = ? WHERE answer = ? AND person = ? AND hits = ?"
        delete = "DELETE FROM judgement WHERE answer = ? AND person = ? AND hits = ?"
        with self._database.transaction("IMMEDIATE") as connection:
            for left, key in changed:
                if any(one.text for one in left):
                    connection.execute(update, (_written_words(left), *key))
                else:
                    connection.execute(delete, key)
        return forgotten


def _row(answer: int, number: int, hit: KeptHit) -> tuple[object, ...]:
    others = {"also_in": _written(hit.also_in), "differing": _written(hit.differing)}
    place = hit.place
    where = (place.corpus, place.article, place.start, place.end, place.digest)
    return (answer, number, *where, hit.probability, hit.confidence, json.dumps(others))


def _written(places: Iterable[Place]) -> list[list[int | str]]:
    return [[one.corpus, one.article, one.start, one.end, one.digest] for one in places]


def _hit(row: Sequence[Any]) -> KeptHit:
    *where, probability, confidence, written = row
    others: Mapping[str, Any] = json.loads(written)
    also_in, differing = (tuple(Place(*one) for one in others[name]) for name in ("also_in", "differing"))
    return KeptHit(Place(*where), probability, confidence, also_in, differing)


def _judgement(row: Sequence[Any]) -> Judgement:
    answer, person, place, helpful, hit, judged, question, hits, model, ranker = row
    return Judgement(answer, person, place, bool(helpful), hit, judged, question, _seen(hits), model, ranker)


def _written_words(hits: Iterable[Seen]) -> str:
    return json.dumps([asdict(one) for one in hits], ensure_ascii=False)


def _seen(written: str) -> tuple[Seen, ...]:
    return tuple(Seen(**one) for one in json.loads(written))
