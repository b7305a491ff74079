"""What concerns servers as a whole: those that the bot has left, what was asked in each, what each was told already."""

from collections.abc import Collection

from index.database import Database


class ServerRecords:
    """Departures, logged questions as a whole, and what was told. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- servers left

    def departed(self, servers: Collection[int], now: float) -> None:
        """Remembers since when the bot has not been in these servers; a departure known already keeps its time."""
        with self._database.transaction("IMMEDIATE") as connection:
            rows = [(server, now) for server in servers]
            connection.executemany("INSERT OR IGNORE INTO departure VALUES (?, ?)", rows)

    def returned(self, servers: Collection[int]) -> None:
        """Forgets that the bot had left these servers: it is in them again."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM departure WHERE server = ?", [(server,) for server in servers])

    def departures(self) -> dict[int, float]:
        """Server → since when the bot has not been in it."""
        return dict(self._database.rows("SELECT server, since FROM departure"))

    def known(self) -> set[int]:
        """The servers that anything is kept of here, whether the bot is in them or not."""
        rows = self._database.rows(
            "SELECT server FROM preference UNION SELECT server FROM told UNION SELECT place FROM answer"
            " UNION SELECT guild FROM answer UNION SELECT place FROM judgement UNION SELECT server FROM chosen"
            " UNION SELECT place FROM score"
        )
        return {row[0] for row in rows if row[0]}

    def forget(self, server: int) -> None:
        """Deletes everything that is kept of a server here but what it has set (see `PreferenceRecords.forget`)."""
        with self._database.transaction("IMMEDIATE") as connection:
            for statement in (
                "DELETE FROM answer WHERE place = :server OR guild = :server",
                "DELETE FROM judgement WHERE place = :server",
                "DELETE FROM told WHERE server = :server",
                "DELETE FROM chosen WHERE server = :server",
                "DELETE FROM score WHERE place = :server",
                "DELETE FROM departure WHERE server = :server",
            ):
                connection.execute(statement, {"server": server})

    # -- questions

    def questions(self, server: int) -> int:
        """How many questions about a server's articles are kept in words, whether judged or not."""
        sql = (
            "SELECT count(*) FROM (SELECT id FROM answer WHERE place = :server AND question IS NOT NULL"
            " UNION SELECT answer FROM judgement WHERE place = :server)"
        )
        return int(self._database.rows(sql, {"server": server})[0][0])

    def with_questions(self) -> set[int]:
        """The servers about whose articles any question is kept in words; 0 for the operator's alone."""
        sql = "SELECT place FROM answer WHERE question IS NOT NULL UNION SELECT place FROM judgement"
        return {row[0] for row in self._database.rows(sql)}

    def forget_questions(self, server: int) -> None:
        """Deletes the words of all questions about a server's articles and every judgement of its answers, with what
        was measured by them. The answers' own records stay: the buttons below them go on working."""
        with self._database.transaction("IMMEDIATE") as connection:
            for statement in (
                "UPDATE answer SET question = NULL, searched = NULL WHERE place = :server",
                "DELETE FROM judgement WHERE place = :server",
                "DELETE FROM score WHERE place = :server",
            ):
                connection.execute(statement, {"server": server})

    # -- what was told

    def told(self, server: int) -> dict[str, float]:
        """What the server has been told and is not to be told again, and since when."""
        return dict(self._database.rows("SELECT what, since FROM told WHERE server = ?", (server,)))

    def tell_once(self, server: int, what: Collection[str], now: float) -> list[str]:
        """Which of these the server has not been told yet; from now on it has."""
        with self._database.transaction("IMMEDIATE") as connection:
            sql = "INSERT OR IGNORE INTO told VALUES (?, ?, ?)"
            return [one for one in what if connection.execute(sql, (server, one, now)).rowcount]

    def is_over(self, server: int, what: Collection[str]) -> None:
        """That these are so no longer: should they come again, they are news."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM told WHERE server = ? AND what = ?", [(server, one) for one in what])
