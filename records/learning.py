"""What can be learned from what is kept: questions without an answer, and how well judged questions were answered.

What is made of it is not decided here. Of a score, no question can be read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from index.database import Database

MOST = 5_000
"""Unanswered questions that are read at once: the last ones."""

_UNANSWERED = "FROM answer WHERE place = ? AND asked >= ? AND NOT answered AND NOT private AND question IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that found no answer, what was `searched` if that was another text, who asked it and when (Unix
    seconds)."""

    question: str
    searched: str | None
    person: int
    asked: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a model and a ranker made of judged questions: the score of each (0 to 1), by its key."""

    model: str
    ranker: str
    measured: float
    results: Mapping[str, float]


class LearningRecords:
    """Every method may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unanswered(self, place: int, since: float) -> list[Unanswered]:
        """The questions about a server's articles, asked for all to see, that found nothing since then; the last `MOST`
        of them, the oldest first. Only those are here that were asked while the question log was on."""
        rows = self._database.rows(
            f"SELECT question, searched, asker, asked {_UNANSWERED} ORDER BY asked DESC, id DESC LIMIT ?",
            (place, since, MOST),
        )
        return [Unanswered(*row) for row in reversed(rows)]

    def state(self, place: int, since: float) -> tuple[object, ...]:
        """What is another when `unanswered` or a server's judgements since then are: counts, newest times, and sums of
        what can change in a judgement that keeps its time."""
        asked = self._database.rows(f"SELECT count(*), max(asked) {_UNANSWERED}", (place, since))
        judged = self._database.rows(
            "SELECT count(*), max(judged), total(coalesce(hit, -1)), total(length(hits)) FROM judgement"
            " WHERE place = ? AND judged >= ?",
            (place, since),
        )
        return (*asked[0], *judged[0])

    def judged(self) -> dict[int, int]:
        """Place → how many judgements there are."""
        return dict(self._database.rows("SELECT place, count(*) FROM judgement GROUP BY place ORDER BY place"))

    def keep(self, place: int, score: Score) -> None:
        """Keeps a score (of at least one question) in the place of the one that this model and ranker had."""
        results = json.dumps(dict(score.results))
        mean = fmean(score.results.values())
        values = (place, score.model, score.ranker, score.measured, len(score.results), mean, results)
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute("INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def scores(self, place: int) -> list[Score]:
        """Those of a server, the one measured last at the end."""
        sql = "SELECT model, ranker, measured, results FROM score WHERE place = ? ORDER BY measured"
        rows = self._database.rows(sql, (place,))
        return [Score(model, ranker, measured, json.loads(results)) for model, ranker, measured, results in rows]
