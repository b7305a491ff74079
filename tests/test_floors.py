"""The house plan: imports point down only, and heavy or foreign libraries stay in the rooms they belong to."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = set("bot terminal config logs cogs records retrieval index evaluation benchmarks tests".split())
BELOW = {
    "index": set(),
    "retrieval": {"index"},
    "config": {"index", "logs"},
    "logs": set(),
    "records": {"index"},
    "cogs": {"records", "retrieval", "index"},
    "terminal": {"cogs", "config", "logs", "evaluation", "records", "retrieval", "index"},
    "bot": {"terminal", "cogs", "config", "logs", "retrieval", "index"},
    "evaluation": {"retrieval", "index"},
    "benchmarks": {"config", "terminal", "evaluation", "retrieval", "index"},
}
ONLY_IN = {
    "faiss": {"index/matrix.py"},
    "sqlite3": {"index/store.py", "index/database.py", "benchmarks/remembering.py"},
    "sentence_transformers": {"index/reference.py", "index/exporting.py", "retrieval/reranker.py"},
    "torch": {"index/reference.py", "index/exporting.py", "retrieval/reranker.py"},
    "onnxruntime": {"index/runtime.py", "index/exporting.py"},
    "onnx": {"index/exporting.py"},
}


def product_files() -> list[Path]:
    tops = [ROOT / f"{name}.py" for name in ("bot", "config", "logs")]
    folders = [ROOT / name for name in "index retrieval records cogs terminal evaluation benchmarks".split()]
    return [path for path in tops if path.exists()] + sorted(
        path for folder in folders for path in folder.rglob("*.py")
    )


def imported(path: Path) -> set[str]:
    """The dotted names that a file imports, wherever in the file it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", product_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_down(path):
    """A file imports only its own room and the rooms below it; some libraries have one door."""
    relative = path.relative_to(ROOT).as_posix()
    room = relative.split("/")[0].removesuffix(".py")
    tops = {name.split(".")[0] for name in imported(path)}
    assert (tops & ROOMS) - {room} <= BELOW[room]
    for library, doors in ONLY_IN.items():
        assert library not in tops or relative in doors, f"{relative} imports {library}"
    if room in {"index", "retrieval", "records", "evaluation", "benchmarks"}:
        assert "discord" not in tops


def test_nothing_in_the_product_needs_tests_or_benchmarks():
    """Nothing reaches for a test, and nothing but a benchmark for a benchmark."""
    for path in product_files():
        tops = {name.split(".")[0] for name in imported(path)}
        assert "tests" not in tops
        if path.parts[len(ROOT.parts)] != "benchmarks":
            assert "benchmarks" not in tops
