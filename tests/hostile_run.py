"""The process in which hostile inputs are read, as the product reads them: `hostile_run.py < plan > result`.

The plan and the result are JSON. It does what a bot does: uploads are added, everything else is remembered as a source,
and two runs look at all of it.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from conftest import HashEncoder

from index.corpus import Library
from index.indexer import Indexer
from index.isolation import Isolation
from index.refresh import Refresher
from index.report import SyncReport
from index.store import Store
from index.web.fetch import Fetcher

MIB = 1024 * 1024


def peak() -> int:
    """The most bytes of memory that this process has had so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


class Names:
    """A resolver of the plan's hosts, whose answers change from one question to the next."""

    def __init__(self, hosts: dict[str, list[list[str]]]) -> None:
        self._hosts = hosts

    async def __call__(self, host: str) -> Sequence[str]:
        if host not in self._hosts:
            raise OSError("no such host")
        answers = self._hosts[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def product(plan: dict[str, Any], folder: Path) -> Iterator[tuple[Store, Indexer, Refresher]]:
    """Store, indexer and refresher as a bot has them, but for the model."""
    encoder = HashEncoder(64)
    library = Library(folder, encoder)
    corpus = library.corpus(None, create=True)
    assert corpus is not None
    allowed = [ip_network(plan["public"])]
    with (
        Isolation(memory=plan["memory"], seconds=plan["seconds"]) as isolation,
        Fetcher(
            user_agent="Verbatim/0 (test)",
            max_bytes=10 * MIB,
            seconds=plan["fetch_seconds"],
            pause=0,
            allowed_networks=allowed,
            look_up=Names(plan["hosts"]),
        ) as fetcher,
    ):
        indexer = Indexer(corpus.store, encoder, reader=isolation)
        yield corpus.store, indexer, Refresher(indexer, fetcher)
    library.close()


def told(report: SyncReport) -> dict[str, Any]:
    return asdict(report) | {"counts": report.counts}


def texts(store: Store) -> dict[str, dict[str, Any]]:
    """Source → what was stored of each article; of a long text its ends."""
    stored = ((row, store.load(row.id)) for row in store.articles())
    return {
        row.source: {"title": row.title, "url": row.url, "text": article.text[:5_000] + article.text[5_000:][-5_000:]}
        for row, article in stored
        if article is not None
    }


def main() -> None:
    plan = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / "warm.txt"
        warm.write_text("A text.\n", encoding="utf-8")
        with product(plan, Path(folder) / "warm") as (_, _, refresher):
            refresher.run([], targets=[str(warm)])
        before = peak()
        with product(plan, Path(folder) / "data") as (store, indexer, refresher):
            result = played(plan, store, indexer, refresher)
    result["memory"] = {
        "before": before,
        "growth": peak() - before,
        "readers": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    }
    json.dump(result, sys.stdout)


def played(plan: dict[str, Any], store: Store, indexer: Indexer, refresher: Refresher) -> dict[str, Any]:
    uploads = [
        told(indexer.add_upload(Path(file).read_bytes(), address, name)) for address, name, file in plan["uploads"]
    ]
    now = time.time()
    store.ledger.add("path", plan["folder"], now)
    for kind in ("page", "feed"):
        for address in plan[kind + "s"]:
            store.ledger.add(kind, address, now)
    runs = [told(refresher.run(store.ledger.sources())) for _ in range(2)]
    sources = [asdict(one) for one in store.ledger.sources()]
    return {"uploads": uploads, "runs": runs, "texts": texts(store), "sources": sources, "problems": store.problems()}


if __name__ == "__main__":
    main()
