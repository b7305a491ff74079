"""The systems by name, and the environment that each runs in, made when first needed.

A peer gets a virtual environment of its own with the exact versions of `requirements/`; Verbatim and the floor run in
the environment of the benchmark.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.process import Running

_HERE = Path(__file__).resolve().parent
ROOT = _HERE.parents[1]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A system: its name for people, its adapter, and what that is told. `peer`: it has requirements of its own."""

    title: str
    module: str
    argument: str | None = None
    peer: bool = False
    floor: bool = False


SYSTEMS = {
    "verbatim": Entry("Verbatim", "verbatim"),
    "txtai": Entry("txtai", "txtai", peer=True),
    "langchain": Entry("LangChain with FAISS", "langchain", peer=True),
    "llamaindex": Entry("LlamaIndex with FAISS", "llamaindex", peer=True),
    "haystack": Entry("Haystack", "haystack", peer=True),
    "chroma": Entry("Chroma", "chroma", peer=True),
    "floor": Entry("floor: Verbatim's runtime, NumPy float32", "floor", "float32", floor=True),
    "floor-half": Entry("floor: Verbatim's runtime, FAISS float16", "floor", "half", floor=True),
    "floor-torch": Entry("floor: sentence-transformers, NumPy float32", "floor", "torch", floor=True),
}


class Environments:
    """Where the systems' programs are: within `work`."""

    def __init__(self, work: Path, say: Say, most_mib: int) -> None:
        self._work = work
        self._say = say
        self._most = most_mib

    def prepare(self, name: str) -> None:
        """Makes the environment of a system, unless it is there.

        Raises:
            subprocess.CalledProcessError: it could not be made.
        """
        if not SYSTEMS[name].peer or (done := self._place(name) / "done").exists():
            return
        self._say(f"installing {SYSTEMS[name].title} into {self._place(name)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", self._place(name)], check=True)  # noqa: S603
        pip = [self._python(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", _requirements(name)], check=True)  # noqa: S603
        done.touch()

    def start(self, name: str, *, threads: int | None) -> Running:
        """Starts the system's process; each of its libraries may use so many threads (None: as many as they like)."""
        entry = SYSTEMS[name]
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
        environment = {key: os.environ[key] for key in kept if key in os.environ}
        environment |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": str(ROOT)}
        environment |= {"TOKENIZERS_PARALLELISM": "true", "DO_NOT_TRACK": "1"}
        environment["ORT_DISABLE_TELEMETRY"] = "1"
        if threads is not None:
            names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
            environment |= dict.fromkeys(names, str(threads))
        command = [self._python(name), "-m", f"benchmarks.speed.adapters.{entry.module}"]
        return Running(command + ([entry.argument] if entry.argument else []), environment, ROOT, self._most)

    def _python(self, name: str) -> str:
        return str(self._place(name) / "bin" / "python") if SYSTEMS[name].peer else sys.executable

    def _place(self, name: str) -> Path:
        digest = hashlib.sha256(_requirements(name).read_bytes()).hexdigest()[:8]
        return self._work / "environments" / f"{name}-{digest}"


def _requirements(name: str) -> Path:
    return _HERE / "requirements" / f"{name}.txt"
