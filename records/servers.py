"""Servers that the bot has left, and what servers have been told already."""

from collections.abc import Collection

from index.database import Database


class ServerRecords:
    """Departures and what was told. Times are Unix seconds."""

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

    # -- what was told

    def tell_once(self, server: int, what: Collection[str], now: float) -> list[str]:
        """Which of these the server has not been told yet; from now on it has."""
        with self._database.transaction("IMMEDIATE") as connection:
            sql = "INSERT OR IGNORE INTO told VALUES (?, ?, ?)"
            return [one for one in what if connection.execute(sql, (server, one, now)).rowcount]

    def is_over(self, server: int, what: Collection[str]) -> None:
        """That these are so no longer: should they come again, they are news."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.executemany("DELETE FROM told WHERE server = ? AND what = ?", [(server, one) for one in what])
