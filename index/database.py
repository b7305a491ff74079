"""One SQLite file: opening, migrating, connections for each thread, transactions, and errors put in words.

It knows what makes a file one of ours and how writing stays safe; what is in the tables is the store's business.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

from index.errors import UserError
from index.schema import APPLICATION_ID, MIGRATIONS

T = TypeVar("T")
Connection = sqlite3.Connection
_MOST_IDLE = 2  # connections kept open while nobody uses them
_CACHE = 2_048_000  # bytes of pages that a connection keeps in memory, which is SQLite's default
_MOST_VALUES = 500  # in one statement; SQLite's own limit was 999 for long
_BUSY_TIMEOUT = 30.0  # seconds; a writer holds the lock for one article, which takes milliseconds


class Database:
    """A SQLite file in WAL mode. Every method may be called from any thread.

    Connections are lent to one call or one transaction at a time; few are kept open between them, since a bot on
    many servers has many databases. They close with the last reference to the database, if not by `close`.

    Raises:
        UserError: the file cannot be opened, is damaged, belongs to another program or to a newer version. It is
            then left as it was.
    """

    def __init__(self, path: Path, *, create: bool, migrations: Sequence[str] = MIGRATIONS) -> None:
        self.path = path
        self._most_idle = _MOST_IDLE
        self._opened = False
        self._size = 0  # of the file, in bytes, when it was looked at last
        self._local = threading.local()  # .connection: the one of this thread's transaction, while there is one
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._idle)
        if not path.exists():
            if not create:
                raise UserError(f"There is no corpus at {path}. Index articles first: python bot.py index PATH")
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise UserError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
        try:
            self._migrate(migrations)
        except BaseException:
            self.close()
            raise
        self._file = self._file_identity()
        self._opened = True

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Every row of one statement; within a transaction of this thread, as that sees them."""
        current: Connection | None = getattr(self._local, "connection", None)
        with self._explained():
            if current is not None:
                return current.execute(sql, values).fetchall()
            with self._lent() as connection:
                return connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[sqlite3.Connection]:
        """All or nothing: commits at the end of the block, rolls back if it raises. Transactions do not nest."""
        with self._explained(), self._lent() as connection:
            connection.execute(f"BEGIN {kind}")
            self._local.connection = connection
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has rolled back by itself when the disk was full
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._local.connection = None

    def problems(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty if it is sound."""
        found = [row[0] for row in self.rows("PRAGMA quick_check(5)")]
        return [] if found == ["ok"] else found

    def is_current(self) -> bool:
        """Whether the file at `path` is still the one that was opened (it may have been deleted or replaced)."""
        return self._file is not None and self._file == self._file_identity()

    @property
    def cached_bytes(self) -> int:
        """What the idle connections keep of the file in memory, at most."""
        return len(self._idle) * min(_CACHE, self._size)

    def close(self) -> None:
        """Closes the connections that are not in use; those in use close when they are given back."""
        with self._lock:
            self._most_idle = 0
            _close(self._idle)

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread's transaction, or one that is this thread's for the length of the block."""
        if (current := getattr(self._local, "connection", None)) is not None:
            yield current
            return
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connected()
        try:
            yield connection
        finally:
            with self._lock:
                keep = len(self._idle) < self._most_idle and not connection.in_transaction
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        # A file that has been deleted meanwhile is not made anew, empty.
        uri = f"{self.path.absolute().as_uri()}?mode={'rw' if self._opened else 'rwc'}"
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not only unlinked
            connection.execute("PRAGMA synchronous = FULL")  # an acknowledged article survives a power cut
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, migrations: Sequence[str]) -> None:
        (application_id,), (version,) = self.rows("PRAGMA application_id")[0], self.rows("PRAGMA user_version")[0]
        if application_id != APPLICATION_ID and self.rows("SELECT count(*) FROM sqlite_master")[0][0]:
            raise UserError(f"{self.path} is another program's database. Set another data folder (--data DIR).")
        if version > len(migrations):
            raise UserError(
                f"{self.path} was written by a newer version of Verbatim (schema {version}; this one knows up to "
                f"{len(migrations)}). Update Verbatim, or set another data folder (--data DIR)."
            )
        if version == len(migrations):
            return
        self.rows("PRAGMA journal_mode = WAL")
        with self.transaction("IMMEDIATE") as connection:
            # Another process may have migrated while this one waited for the lock.
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for script in migrations[version:]:
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {max(version, len(migrations))}")

    def _file_identity(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        self._size = status.st_size
        return status.st_dev, status.st_ino

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_ERROR and "no such table" in str(error):
                code = sqlite3.SQLITE_CORRUPT
            message = _EXPLANATIONS.get(code)
            if message is None:
                raise
            raise UserError(f"{self.path} {message} ({error}).") from error


def sqlite_version() -> str:
    """The version of the SQLite library in use."""
    return sqlite3.sqlite_version


def has_full_text_search() -> bool:
    """Whether this Python's SQLite was built with FTS5, which a corpus needs."""
    with closing(sqlite3.connect(":memory:")) as connection, suppress(sqlite3.OperationalError):
        connection.execute("CREATE VIRTUAL TABLE trial USING fts5 (words)")
        return True
    return False


_EXPLANATIONS = {
    sqlite3.SQLITE_NOTADB: "is not a Verbatim database. Nothing was changed. Move it away, or set another data folder "
    "(--data DIR)",
    sqlite3.SQLITE_CORRUPT: "is damaged. Nothing was changed. Restore it from a backup, or move it away and index the "
    "articles again",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. What was indexed before is safe. Free some space and run it "
    "again",
    sqlite3.SQLITE_BUSY: "is being written by another process. Try again when that one is done",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Check that it is a file and that you may write to its folder",
    sqlite3.SQLITE_READONLY: "cannot be written. Check the permissions of the file and of its folder",
    sqlite3.SQLITE_PERM: "cannot be opened. Check the permissions of the file and of its folder",
    sqlite3.SQLITE_IOERR: "cannot be read or written. Check the disk and its free space, then run it again",
}


def grouped(values: Sequence[T]) -> Iterator[tuple[str, Sequence[T]]]:
    """The values in groups that fit one statement, each with its question marks."""
    for start in range(0, len(values), _MOST_VALUES):
        group = values[start : start + _MOST_VALUES]
        yield ", ".join("?" * len(group)), group


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        with suppress(sqlite3.Error):
            connections.pop().close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction around them."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
