"""Self-diagnosis: what Verbatim needs, looked at one by one, each with a remedy.

It changes nothing but a trial file in the data folder, and asks no network for anything.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import logs
from index.errors import UserError

if TYPE_CHECKING:
    from config import Config, Fetch, Limits
    from index.encoder import Encoder
    from retrieval.reranker import CrossEncoderReranker

_LITTLE_SPACE = 1024**3  # bytes
_TOO_LITTLE_SPACE = 100 * 1024**2  # bytes; SQLite's log and a rebuild need room beside the database


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `success` is None for what is worth knowing and no failure."""

    label: str
    success: bool | None
    details: str
    remedy: str = ""


def findings(
    config: "Config",
    token: Callable[[], str | None],
    encoder: "Encoder",
    reranker: "CrossEncoderReranker | None" = None,
) -> Iterator[Finding]:
    """Every finding, as it is made; the models, which take longest, are loaded on the way."""
    yield _guarded("Discord token", lambda: check_token(token()))
    yield _guarded("Data folder", lambda: check_data_folder(config.data))
    yield _guarded("Disk space", lambda: check_space(config.data))
    yield _guarded("SQLite with FTS5", check_fts5)
    yield _guarded("Articles folder", lambda: check_articles(config.articles))
    yield _guarded("Reading process", lambda: check_reader(config.limits))
    yield _guarded("Fetching", lambda: check_fetching(config.fetch))
    model = _guarded("Model", lambda: check_model(config.model.name, encoder))
    yield model
    yield _guarded("Ranking", lambda: check_ranking(config.ranking.weights))
    if reranker is not None:
        yield _guarded("Reranker", lambda: check_reranker(config.ranking.weights, reranker))
    yield from check_databases(config.data, encoder if model.success else None)
    yield _guarded("Records", lambda: check_records(config.data))


def _guarded(label: str, check: Callable[[], Finding]) -> Finding:
    """A check that fails in an unforeseen way is a finding too, and stops no other."""
    try:
        return check()
    except UserError as error:
        return Finding(label, False, str(error))
    except Exception as error:
        return Finding(label, False, f"{type(error).__name__}: {error}", "Please report this.")


def check_token(token: str | None) -> Finding:
    """The token's presence and form; never a part of it."""
    label = "Discord token"
    if token is None:
        return Finding(
            label,
            None,
            "not set; everything but the Discord bot works without one",
            "For Discord, set DISCORD_TOKEN, or write DISCORD_TOKEN=… into a file .env beside bot.py.",
        )
    if not logs.looks_like_token(token):
        return Finding(
            label,
            False,
            "set, but it does not have the form of a bot's token",
            "Copy it anew from the Bot page of your application: not the application id, public key or client secret.",
        )
    return Finding(label, True, "set, and has the form of one (whether Discord accepts it shows at the start)")


def check_data_folder(folder: Path) -> Finding:
    """Whether the folder, or the one it would be made in, can be written."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        remedy = "Give this account permission to write there, or set `data` (or --data) to another folder."
        return Finding("Data folder", False, f"{place} cannot be written: {error.strerror}", remedy)
    return Finding("Data folder", True, f"{folder}" if place == folder else f"{folder} (made when first needed)")


def check_space(folder: Path) -> Finding:
    """Free space where the databases lie."""
    free = shutil.disk_usage(_existing(folder)).free
    details = f"{free / 1024**3:.1f} GiB free"
    if free >= _LITTLE_SPACE:
        return Finding("Disk space", True, details)
    remedy = "Free some space, or set `data` to a folder on another disk."
    return Finding("Disk space", False if free < _TOO_LITTLE_SPACE else None, details, remedy)


def check_fts5() -> Finding:
    """Whether this Python's SQLite has the full-text search that the store needs."""
    from index.database import has_full_text_search, sqlite_version

    label = "SQLite with FTS5"
    if has_full_text_search():
        return Finding(label, True, sqlite_version())
    remedy = "Use a Python whose SQLite has it: those of python.org, Debian, Fedora, Homebrew and conda do."
    return Finding(label, False, f"SQLite {sqlite_version()} lacks FTS5", remedy)


def check_articles(folder: Path) -> Finding:
    """The operator's folder, which may well be missing."""
    if folder.is_dir():
        return Finding("Articles folder", True, str(folder))
    remedy = "Make it and put articles there, set `articles`, or name what to index: python bot.py index PATH"
    return Finding("Articles folder", None, f"there is no folder {folder}", remedy)


def check_reader(limits: "Limits") -> Finding:
    """Starts the process that reads files and pages, and says what it is limited to."""
    from index.isolation import Isolation

    with Isolation(memory=limits.reader_mb * 1024 * 1024, seconds=limits.reader_seconds) as reader:
        reader.read(b"Does it work?", "", "check.txt", max_bytes=1_000)
    time = f"{limits.reader_seconds} s for a file"
    if sys.platform == "linux":
        return Finding("Reading process", True, f"starts, with at most {limits.reader_mb} MiB of memory and {time}")
    remedy = "On Linux it is; here, index only files that you trust, or limit the memory of the whole program."
    return Finding("Reading process", None, f"starts, with at most {time}; its memory is not limited here", remedy)


def check_fetching(wanted: "Fetch") -> Finding:
    """What the configuration says of the web; nothing is fetched."""
    if not wanted.allowed_networks:
        contact = f"; web sites see {wanted.contact}" if wanted.contact else ""
        return Finding("Fetching", True, f"from the public internet only{contact}")
    networks = ", ".join(sorted(map(str, wanted.allowed_networks)))
    remedy = "If that is not meant, empty `fetch.allowed_networks`: whoever may add links can read what stands there."
    return Finding("Fetching", None, f"also from {networks}", remedy)


def check_model(name: str, encoder: "Encoder") -> Finding:
    """Loads the model and encodes a sentence."""
    shape = encoder.encode_questions(["Does it work?"]).shape
    return Finding("Model", True, f"{name}, {shape[1]} dimensions, run by {encoder.identity.runtime}")


def check_ranking(weights: Path | None) -> Finding:
    """Reads the weights that candidates are ordered and judged by."""
    from retrieval.ranker import SHIPPED, LearnedRanker

    LearnedRanker(weights or SHIPPED)
    return Finding("Ranking", True, str(weights) if weights else "by the weights that came with this program")


def check_reranker(weights: Path | None, reranker: "CrossEncoderReranker") -> Finding:
    """Loads the reranker, lets it read a sentence, and sees whether it was calibrated."""
    from retrieval.fusion import fitted_for
    from retrieval.ranker import SHIPPED, LearnedRanker

    reranker.check()
    label = "Reranker"
    if fitted_for(reranker.identity, LearnedRanker(weights or SHIPPED)) is not None:
        return Finding(label, True, f"{reranker.name}, calibrated")
    remedy = (
        f"Calibrate it with python -m benchmarks.train FOLDER --reranker {reranker.name} --out FILE, and set "
        "`ranking.weights` to that file."
    )
    details = f"{reranker.name}, not calibrated: it has a say in the order of hits, and none in how sure an answer is"
    return Finding(label, None, details, remedy)


def check_records(folder: Path) -> Finding:
    """What the bot remembers of servers and people: sound, if there is any of it."""
    from records.records import FILE, Records

    label = "Records"
    if not (folder / FILE).exists():
        return Finding(label, None, "none yet; the bot makes them")
    with closing(Records(folder)) as records:
        if problems := records.problems():
            remedy = "Restore it from a backup, or move it away; what servers have set is lost then."
            return Finding(label, False, f"{folder / FILE} is damaged: {problems[0]}", remedy)
    return Finding(label, True, f"{folder / FILE}, sound")


def check_databases(folder: Path, encoder: "Encoder | None") -> Iterator[Finding]:
    """The operator's corpus and each server's: sound, and made with the configured model (where one is given)."""
    from index.layout import database_path, servers_in

    servers: list[int | None] = [None, *servers_in(folder)]
    for server in servers:
        label = "Operator's articles" if server is None else f"Articles of server {server}"
        path = database_path(folder, server)
        if path.exists():
            yield _guarded(label, lambda label=label, path=path: _check_database(label, path, encoder))  # type: ignore[misc]
            yield from check_sources(path, server)
        else:
            yield Finding(label, None, "none indexed yet", "Index some: python bot.py index PATH")


def _check_database(label: str, path: Path, encoder: "Encoder | None") -> Finding:
    from index.encoder import stamp_of
    from index.store import Store, other_stamp

    with closing(Store(path, create=False)) as store:
        if problems := store.problems():
            remedy = "Restore it from a backup, or move it away and index the articles again."
            return Finding(label, False, f"{path} is damaged: {problems[0]}", remedy)
        stamp, totals = store.stamp(), store.statistics()
        if encoder is not None and stamp is not None and stamp != (wanted := stamp_of(encoder)):
            return Finding(label, False, other_stamp(path, stamp, wanted))
        return Finding(label, True, f"{totals.articles} with {totals.sentences} sentences, sound")


def check_sources(path: Path, server: int | None) -> Iterator[Finding]:
    """A finding where sources of a corpus fail; none where all is well, or the database cannot be read."""
    from index.store import Store

    with suppress(UserError), closing(Store(path, create=False)) as store:
        failing = [one for one in store.ledger.sources() if one.problem is not None and one.state != "paused"]
        if not failing:
            return
        label, option = (
            ("Operator's sources", "") if server is None else (f"Sources of {server}", f" --server {server}")
        )
        suspended = sum(one.state == "suspended" for one in failing)
        worst = max(failing, key=lambda one: (one.state == "suspended", one.failures))
        details = f"{len(failing)} failed at the last look, {suspended} of them suspended"
        remedy = f"See them all: python bot.py sources list{option}. Then: sources resume ID, or sources remove ID"
        yield Finding(label, None, f"{details}; {worst.address}: {worst.problem}", remedy)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)
