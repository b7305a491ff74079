"""The servers whose articles somebody may want to ask in direct messages. Whether they may is checked elsewhere, each
time."""

from index.database import Database


class PeopleRecords:
    """What people have chosen. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def chosen(self, person: int) -> int | None:
        """The server that this person chose last, if any."""
        rows = self._database.rows("SELECT server FROM chosen WHERE person = ?", (person,))
        return int(rows[0][0]) if rows else None

    def met(self, person: int) -> set[int]:
        """The servers in which an answer was given to this person that is still remembered."""
        sql = "SELECT DISTINCT guild FROM answer WHERE asker = ? AND guild IS NOT NULL"
        return {row[0] for row in self._database.rows(sql, (person,))}

    def choose(self, person: int, server: int, now: float) -> None:
        """Remembers this choice in the place of any before it."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute("INSERT OR REPLACE INTO chosen VALUES (?, ?, ?)", (person, server, now))

    def forget(self, person: int, server: int) -> None:
        """Forgets that this person chose this server, if they did."""
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM chosen WHERE person = ? AND server = ?", (person, server))
