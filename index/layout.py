"""Where the corpora of one data folder lie: a database file for the operator's, and one for each server's own, each
with what is kept beside it.

Names only: nothing is opened here, so that asking where a corpus lies costs nothing.
"""

import re
from pathlib import Path

_SERVER = re.compile(r"[1-9][0-9]{0,19}")  # as `database_path` writes it; other files are none of ours


def database_path(folder: Path, server: int | None) -> Path:
    """The database file of a server's corpus, or of the operator's (None)."""
    return folder / "operator.db" if server is None else folder / "servers" / f"{int(server)}.db"


def snapshot_path(database: Path) -> Path:
    """Where what is derived from a corpus is kept beside its database, if it is."""
    return database.with_name(f"{database.name}-vectors")


def new_snapshot_path(database: Path) -> Path:
    """The same, while it is being written."""
    return database.with_name(f"{database.name}-vectors-new")


def files_of(database: Path) -> list[Path]:
    """All files of a corpus, the database first; whether or not they are there."""
    beside = [database.with_name(f"{database.name}{end}") for end in ("-wal", "-shm")]
    return [database, *beside, snapshot_path(database), new_snapshot_path(database)]


def servers_in(folder: Path) -> list[int]:
    """The servers that have a corpus of their own."""
    return sorted(int(path.stem) for path in (folder / "servers").glob("*.db") if _SERVER.fullmatch(path.stem))
