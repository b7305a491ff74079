"""`export`: a corpus's articles as ZIPs on the disk. No model is needed, and none is loaded."""

from contextlib import ExitStack
from pathlib import Path
from typing import IO

from index.errors import UserError
from terminal import show
from terminal.session import Exit, Session

_MIB = 1024 * 1024


def run(session: Session, file: Path, server: int | None) -> int:
    """Writes the articles of a corpus (None: the operator's) to `file`, and what has no room in it to others beside it.

    Raises:
        UserError: there are no articles, or a file is there already or cannot be written. None is left then.
    """
    from index.export import export

    if file.suffix.lower() != ".zip":
        raise UserError("{file} is no name of a ZIP: let it end in .zip", file=file)
    written: list[Path] = []
    try:
        with session.store(server) as store, ExitStack() as files:

            def create() -> IO[bytes]:
                path = file if not written else file.with_name(f"{file.stem}-{len(written) + 1}{file.suffix}")
                opened = files.enter_context(path.open("xb"))
                written.append(path)
                return opened

            largest = session.config.limits.max_file_mb * _MIB
            parts = export(store, create, max_bytes=largest) if store else []
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise UserError("{file} is there already: name another file", file=error.filename) from None
        if isinstance(error, OSError):
            raise UserError("{file} cannot be written: {reason}", file=file, reason=error.strerror) from error
        raise
    if not parts:
        raise UserError("There are no articles to export. Index some first: python bot.py index PATH")
    for path, part in zip(written, parts, strict=True):
        session.out.print(f"{show.plain(str(path))}: {show.count(part.articles, 'article')}", soft_wrap=True)
    return Exit.DONE
