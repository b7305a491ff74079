"""A model exported for a light runtime: where it lies, what is known of it, and having it made where it is not there.

The export itself needs PyTorch and is done by a process of its own (exporting.py), whose memory goes with it.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path

from index.errors import UserError
from index.models import fingerprint

log = logging.getLogger(__name__)
Precision = Literal["int8", "float32"]
FORMAT = 1
"""Raised when another export of the same model would be better or other; those made before are then left alone."""
USER_ERROR = 3
"""The exit status of an export whose model cannot be had; why stands on its standard output."""
MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "manifest.json"
_LONGEST = 900.0  # seconds that an export may take: a large model on a slow machine
_ROOT = Path(__file__).parent.parent


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
    name: str, precision: Precision, cache: Path, preparing: Callable[[], object] | None = None
) -> Exported | None:
    """The export of a model; None if the model cannot be exported, or `cache` cannot be written.

    It is made where there is none, which takes a quarter of a minute, in another process; `preparing` is called before.

    Raises:
        UserError: the model cannot be had.
    """
    folder = _folder(name, precision, cache)
    manifest = read_manifest(folder)
    if manifest is None:
        log.info("exporting the model %s, once", name)
        if preparing is not None:
            preparing()
        manifest = _made(name, precision, folder)
    return Exported(folder, manifest) if manifest is not None and manifest.made is not None else None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an export that is whole, to the last bit; None otherwise."""
    try:
        data: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        data["inputs"] = tuple(data["inputs"])
        data["sha256"] = tuple((file, found) for file, found in data["sha256"])
        manifest = Manifest(**data)
        if manifest.format != FORMAT or any(digest(folder / file) != found for file, found in manifest.sha256):
            raise ValueError("it is of another version, or damaged")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError) as error:
        log.warning("the exported model in %s cannot be used and is made anew: %s", folder, error)
        return None
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes it, which makes an export whole."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _folder(name: str, precision: Precision, cache: Path) -> Path:
    own = fingerprint(name)
    key = hashlib.sha256(json.dumps([own, precision, FORMAT]).encode()).hexdigest()[:12]
    readable = "".join(c if c.isalnum() or c in "-._" else "-" for c in own)[:60]
    return cache / f"{readable}-{precision}-{key}"


def _made(name: str, precision: Precision, folder: Path) -> Manifest | None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(  # noqa: S603 — our own program
            [sys.executable, "-m", "index.exporting", name, precision, str(folder)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("the model cannot be exported, and is run by sentence-transformers: %s", error)
        return None
    if done.returncode == USER_ERROR:
        raise UserError(done.stdout.strip() or f"The model {name!r} cannot be had.")
    manifest = read_manifest(folder)
    if manifest is None:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        log.warning("the model cannot be exported, and is run by sentence-transformers: %s", last)
    elif manifest.made is None:
        log.warning("the model cannot be exported, and is run by sentence-transformers: %s", manifest.reason)
    return manifest
