"""What is kept of one person, in numbers, and its end. Nobody's words are read here."""

from dataclasses import dataclass

from index.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept of a person: records of answers to them, `questions` among these that hold the question too,
    judgements of answers, and whether they chose a server for direct messages."""

    answers: int
    questions: int
    judgements: int
    chosen: bool


class PrivacyRecords:
    """One person's records, in whatever server they came about."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, person: int) -> Held:
        """How much is kept of a person (a Discord user's id)."""
        with self._database.transaction("DEFERRED") as connection:
            return _held(connection, person)

    def forget(self, person: int) -> Held:
        """Deletes all of it for good, and returns how much it was."""
        with self._database.transaction("IMMEDIATE") as connection:
            held = _held(connection, person)
            for statement in (
                "DELETE FROM judgement WHERE person = ?",
                # Others judged answers to this person: what was asked stands there, too.
                "DELETE FROM judgement WHERE answer IN (SELECT id FROM answer WHERE asker = ?)",
                "DELETE FROM answer WHERE asker = ?",
                "DELETE FROM chosen WHERE person = ?",
            ):
                connection.execute(statement, (person,))
        return held


def _held(connection: Connection, person: int) -> Held:
    answers, questions = connection.execute(
        "SELECT count(*), count(question) FROM answer WHERE asker = ?", (person,)
    ).fetchone()
    (judgements,) = connection.execute("SELECT count(*) FROM judgement WHERE person = ?", (person,)).fetchone()
    chosen = connection.execute("SELECT 1 FROM chosen WHERE person = ?", (person,)).fetchone()
    return Held(answers, questions, judgements, chosen is not None)
