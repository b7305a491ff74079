"""A model exported for a light runtime: where it lies, what is known of it, and having it made where it is not there.

The export itself needs PyTorch and is done by a process of its own (exporting.py), whose memory goes with it.
"""

import hashlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from index.child import end_of, module_path
from index.errors import UserError
from index.models import fingerprint

log = logging.getLogger(__name__)
Precision = Literal["int8", "float32"]
FORMAT = 1
"""Raised when another export of the same model would be better or other; those made before are then left alone."""
USER_ERROR = 3
"""The exit status of an export whose model cannot be had; why stands on its standard output."""
MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"
PASSING = "export-"
"""What the names of folders begin with in which an export is being made."""
_LONGEST = 900.0  # seconds that an export may take: a large model on a slow machine
_ROOT = Path(__file__).parent.parent
_NEVER = "the model cannot be exported, and is run by sentence-transformers: %s"
_NOT_NOW = (
    "the model cannot be exported now, and is run by sentence-transformers; what is indexed meanwhile has to be "
    "encoded anew when it can be: %s"
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of an export: the `model`'s fingerprint, the `precision` asked for and the one that was good enough
    (`made`; None: none was, for this `reason`), the `dimension` of its vectors, the names of its `inputs`, the least
    cosine with the original, and the files' SHA-256."""

    format: int
    model: str
    precision: str
    made: str | None
    reason: str = ""
    dimension: int = 0
    inputs: tuple[str, ...] = ()
    cosine: float = 0.0
    sha256: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that can be run: its `folder` and what is known of it."""

    folder: Path
    manifest: Manifest

    @property
    def runtime(self) -> str:
        """As an encoder's identity names it."""
        return f"onnx-{self.manifest.made}"


def cache_folder() -> Path:
    """Where exports are kept unless somebody says otherwise: the user's folder for what can be made anew."""
    return user_cache_path("verbatim") / "models"


def exported(
    name: str, precision: Precision, caches: Sequence[Path], preparing: Callable[[], object] | None = None
) -> Exported | None:
    """The export of a model in one of the folders `caches`; None if there is none and none can be made.

    It is made in the first of them that can be written, which takes a quarter of a minute, in another process;
    `preparing` is called before.

    Raises:
        UserError: the model cannot be had.
    """
    found = find_export(name, precision, caches)
    if found is None:
        if preparing is not None:
            preparing()
        log.info("exporting the model %s, once", name)
        cache = next(filter(_is_writable, caches), None)
        if cache is None:
            nowhere = ", ".join(map(str, caches))
            log.warning("the model is run by sentence-transformers: no export can be kept in %s", nowhere)
            return None
        # Two at once would need twice the memory, and come to the same.
        with _alone(cache):
            found = find_export(name, precision, caches)
            if found is None:
                folder = _folder(fingerprint(name), precision, cache)
                manifest = _made(name, precision, folder)
                found = Exported(folder, manifest) if manifest is not None else None
    return found if found is not None and found.manifest.made is not None else None


def find_export(name: str, precision: Precision, caches: Sequence[Path]) -> Exported | None:
    """The export of a model that is there already, or what is known of why there can be none (nothing was `made`)."""
    own = fingerprint(name)
    for folder in (_folder(own, precision, cache) for cache in caches):
        if (manifest := read_manifest(folder)) is not None and manifest.model == own:
            return Exported(folder, manifest)
    return None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an export that is whole, to the last bit; None otherwise."""
    try:
        data: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        data["inputs"] = tuple(data["inputs"])
        data["sha256"] = tuple((file, found) for file, found in data["sha256"])
        manifest = Manifest(**data)
        if manifest.format != FORMAT or not _is_whole(folder, manifest):
            raise ValueError("it is of another version, or damaged")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        log.warning("the exported model in %s cannot be used and is made anew: %s", folder, error)
        return None
    return manifest


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    if manifest.made is None:
        return True
    files = [file for file, _ in manifest.sha256]
    is_plain = manifest.made in get_args(Precision) and type(manifest.dimension) is int and manifest.dimension > 0
    is_same = all(digest(folder / file) == found for file, found in manifest.sha256)
    return is_plain and sorted(files) == sorted([MODEL, TOKENIZER]) and is_same


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes it, which makes an export whole."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _folder(own: str, precision: Precision, cache: Path) -> Path:
    key = hashlib.sha256(json.dumps([own, precision, FORMAT]).encode()).hexdigest()[:12]
    readable = "".join(c if c.isalnum() or c in "-._" else "-" for c in own)[:60]
    return cache / f"{readable}-{precision}-{key}"


def _is_writable(cache: Path) -> bool:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return True
    except OSError:
        return False


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Waits for another process that is exporting into this folder."""
    lock = FileLock(cache / ".lock")
    try:
        lock.acquire(timeout=_LONGEST)
    except (OSError, Timeout) as error:  # a file system without locks, or one that hangs: the work may be done twice
        log.warning("exporting without a lock: %s", error)
    try:
        yield
    finally:
        lock.release()


def _made(name: str, precision: Precision, folder: Path) -> Manifest | None:
    _tidy(folder.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=PASSING, dir=folder.parent, ignore_cleanup_errors=True) as work:
            command = [sys.executable, "-m", "index.exporting", name, precision, str(folder), work]
            code, said = _run(command)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning(_NOT_NOW, error)
        return None
    if code == USER_ERROR:
        raise UserError(said or f"The model {name!r} cannot be had.")
    manifest = read_manifest(folder)
    if manifest is None:
        killed = f"it was ended by {end_of(code)}, which a lack of memory may do" if code < 0 else ""
        log.warning(_NOT_NOW, killed or said or end_of(code))
    elif manifest.made is None:
        log.warning(_NEVER, manifest.reason)
    return manifest


def _run(command: Sequence[str]) -> tuple[int, str]:
    """A command's exit status and output. At its time limit, and with this process, it ends with all processes that it
    has begun: its standard input stays open as long.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it took too long.
    """
    kept = {key: value for key, value in os.environ.items() if key != "DISCORD_TOKEN"}  # which is nothing to it
    reading, writing = os.pipe()
    try:
        with subprocess.Popen(  # noqa: S603 — our own program
            command,
            cwd=_ROOT,
            env={**kept, "PYTHONPATH": module_path(), "PYTHONIOENCODING": "utf-8"},
            stdin=reading,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                out, _ = process.communicate(timeout=_LONGEST)
            except BaseException:  # Ctrl-C, too
                _end(process)
                raise
            return process.returncode, out.strip()
    finally:
        os.close(reading)
        os.close(writing)


def _end(process: "subprocess.Popen[str]") -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _tidy(cache: Path) -> None:
    """Removes what exports that were killed have left behind."""
    for left in cache.glob(f"{PASSING}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LONGEST:
                shutil.rmtree(left)
