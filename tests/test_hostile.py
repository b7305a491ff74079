"""Everything hostile at once, by the way that real articles take: what is refused, what is left of it, what it costs.

One world of hostile inputs and honest articles is read twice by a process of its own, and the tests look at what it
reports.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import HashEncoder
from hostile_inputs import CASES, GROUPS, put_honest
from hostile_world import GROWTH, MEMORY, MIB, PUBLIC, Case, World, told
from loopback_web import LoopbackWeb

from index.corpus import Corpus
from index.indexer import Indexer
from index.isolation import Isolation
from index.jobs import INSIDE
from index.refresh import Refresher
from index.web.fetch import Fetcher

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "hostile-inputs.md"
UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

slow = pytest.mark.slow  # whatever comes first plays the world


@dataclass
class Played:
    """What came of it."""

    placed: dict[str, str]  # case → its address in reports
    honest: dict[str, str]  # address → what the article says
    before: set[Path]  # the files that there were
    after: set[Path]
    connections: int
    result: dict[str, Any] = field(repr=False)

    @property
    def texts(self) -> dict[str, dict[str, Any]]:
        return self.result["texts"]

    def settled(self, run: int, address: str = "") -> list[dict[str, Any]]:
        """What a run settled, or that of it which belongs to an address; uploads come in before the first run."""
        added = [one for report in self.result["uploads"] for one in report["settled"]] if run == 0 else []
        # An archive among the uploads is looked at again by the run, and nothing in it has changed.
        known = {one["source"] for one in added}
        settled = added + [one for one in self.result["runs"][run]["settled"] if one["source"] not in known]
        return [one for one in settled if not address or _belongs(one["source"], address)]

    def articles(self, address: str) -> list[str]:
        return [one["text"] for source, one in self.texts.items() if _belongs(source, address)]


def _belongs(source: str, address: str) -> bool:
    return source == address or source.startswith(address + INSIDE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate, with its key; beside it, without the key."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl makes the certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=secure.example"
    names = ["-addext", "subjectAltName=DNS:secure.example", "-keyout", file, "-out", file.with_suffix(".crt")]
    subprocess.run([openssl, *kind.split(), *names], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Played]:
    """All cases and all honest articles, read twice."""
    try:
        LoopbackWeb(PUBLIC).close()
    except OSError:
        pytest.skip("this system has no second loopback address")
    world = World(tmp_path_factory.mktemp("world"), certificate)
    try:
        honest = put_honest(world)
        placed = {case.name: case.place(world) for case in CASES}
        before = set(world.root.rglob("*"))
        assert world.try_traps()
        done = subprocess.run(
            [sys.executable, HERE / "hostile_run.py"],
            input=world.plan(),
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(HERE.parent), "SSL_CERT_FILE": str(certificate.with_suffix(".crt"))},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        yield Played(placed, honest, before, set(world.root.rglob("*")), world.connections(), result)
    finally:
        world.close()


@slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_input_ends_as_documented(case: Case, played: Played) -> None:
    """It is refused with the words that its publisher or finder needs, or indexed without what was hostile in it."""
    address = played.placed[case.name]
    for run in (0, 1):
        settled = played.settled(run, address)
        if run == 1 and (case.once or (address.startswith("discord:") and not played.articles(address))):
            assert not settled  # of an upload that was refused, nothing is kept
        elif case.is_refused:
            assert settled and {one["outcome"] for one in settled} == {"failed"}
            assert all(case.fits(one["reason"]) for one in settled), settled[0]["reason"]
        elif case.words:
            assert {one["outcome"] for one in settled} == {"unchanged" if run else "added"}, settled
        else:
            assert not settled
    texts = played.articles(address)
    assert bool(texts) == bool(case.words and not case.is_refused)
    assert all(case.fits(text) and not (case.lacks and case.lacks in text) for text in texts), texts


@slow
def test_every_honest_article_is_indexed_and_nothing_else(played: Played) -> None:
    """What is honest is there to the word, of what is hostile only what is documented; a second run changes nothing."""
    for address, words in played.honest.items():
        assert words in played.texts[address]["text"]
        assert [one["outcome"] for run in (0, 1) for one in played.settled(run, address)] == ["added", "unchanged"]
    harmless = [played.placed[case.name] for case in CASES if case.words and not case.is_refused]
    many = played.placed["a feed of 20,000 entries"].removesuffix("n0")
    others = [one for one in played.texts if one not in played.honest and not any(_belongs(one, at) for at in harmless)]
    assert len(others) == 199 and all(one.startswith(many) for one in others)
    for run in (0, 1):
        counts = played.result["runs"][run]["counts"]
        assert counts["changed"] == counts["removed"] == 0 and not played.result["runs"][run]["cancelled"]
    assert played.result["runs"][1]["counts"]["added"] == 0
    assert played.result["problems"] == []


@slow
def test_nobody_is_asked_who_may_not_be(played: Played) -> None:
    """Not one connection reaches this machine's other addresses, or a port where something else than the web is."""
    assert played.connections == 0


@slow
def test_nothing_is_written_or_read_where_it_should_not_be(played: Played) -> None:
    """No name becomes a path, and no file that an input names is opened for it."""
    assert played.before == played.after
    assert "xyzzy" not in json.dumps(played.result)


@slow
def test_what_is_stored_and_said_can_be_shown(played: Played) -> None:
    """Nothing in texts, titles and reasons hides, turns letters around or commands a terminal; nothing is a defect."""
    for article in played.texts.values():
        assert not UNSEEN.search(article["text"]) and not UNSEEN.search(article["title"])
    for run in (0, 1):
        for one in played.settled(run):
            reason = one["reason"] or ""
            assert not UNSEEN.search(reason) and "\n" not in reason and len(reason) < 700
            assert "report this" not in reason and "Error)" not in reason, one


@slow
def test_no_page_takes_another_sites_address(played: Played) -> None:
    """What a page says of its address is believed of its own site only."""
    for source, article in played.texts.items():
        if source.startswith("http"):
            assert article["url"] is None or _host(article["url"]) == _host(source)
    for name in ("a page that calls another site its own", "a page that calls an inner address its own"):
        assert _host(played.texts[played.placed[name]]["url"]).endswith(".example")


def _host(url: str) -> str:
    return url.split("/")[2].rpartition(":")[0]


@slow
def test_a_page_or_feed_that_fails_is_remembered_so(played: Played) -> None:
    """A source knows how often in a row it has failed, and why; one failure is no reason to give it up."""
    refused = {played.placed[case.name] for case in CASES if case.is_refused}
    for source in played.result["sources"]:
        assert source["state"] == "active"
        if source["kind"] in ("page", "feed"):
            assert (source["failures"], bool(source["problem"])) == (
                (2, True) if source["address"] in refused else (0, False)
            )


@slow
def test_entries_that_lead_inside_are_noted(played: Played) -> None:
    """Where an entry's page may not be had, the report says why only the feed's words were read."""
    note = dict(played.result["runs"][0]["notes"])[played.placed["an entry whose own page sends on inside"]]
    assert "only what the feed itself says of it was read" in note and "inside a private network" in note


@slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_stays_within_its_limits(played: Played, record_property) -> None:
    """No reader has more memory than its limit, and the process that asks grows by no more than documented."""
    memory = played.result["memory"]
    for name, size in memory.items():
        record_property(name, f"{size / MIB:.0f} MiB")
    assert memory["readers"] <= MEMORY
    assert memory["growth"] <= GROWTH
    assert f"at most {GROWTH // MIB} MiB" in DOCUMENT.read_text(encoding="utf-8")


def test_the_documentation_lists_these_inputs_and_no_others() -> None:
    """Each row of its tables is a case, with what is done and the words of its error."""
    document = DOCUMENT.read_text(encoding="utf-8")
    rows = dict[str, list[list[str]]]()
    for part in document.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        rows[heading] = [[cell.strip() for cell in row] for row in re.findall(r"^\|(.+)\|(.+)\|(.+)\|$", body, re.M)][
            2:
        ]
    wanted = {
        heading: [[case.name, case.done, " *or* ".join(case.words) if case.is_refused else "–"] for case in cases]
        for heading, cases in GROUPS.items()
    }
    assert {heading: found for heading, found in rows.items() if found} == wanted
    assert len({case.name for case in CASES}) == len(CASES) >= 60


# Stopping


def endless_reading(folder: Path) -> str:
    """A folder with an honest text, a page that takes minutes to read, and another honest text."""
    folder.mkdir()
    (folder / "a.txt").write_text(told("the first text"), encoding="utf-8")
    spikes = " ".join(f"a{n}=1" for n in range(400_000))
    (folder / "b.html").write_text(f"<!DOCTYPE html><html><body><p {spikes}>End.</p></body></html>", encoding="utf-8")
    (folder / "c.txt").write_text(told("the last text"), encoding="utf-8")
    return str(folder)


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(user_agent="Verbatim/0 (test)", max_bytes=MIB) as it:
        yield it


def reading(isolation: Isolation, run: threading.Thread) -> bool:
    """Waits until the page is at the reader."""
    while run.is_alive():
        if isolation._process is not None and isolation._process.asked == 2:
            return True
        time.sleep(0.01)
    return False


@slow
def test_a_run_that_is_stopped_in_the_midst_of_a_hostile_reading_ends(
    corpus: Corpus, fetcher: Fetcher, tmp_path: Path
) -> None:
    """It ends with the reading at hand, at its time limit at the latest; the next run reads what was left."""
    folder, cancel = endless_reading(tmp_path / "folder"), threading.Event()
    reports: list[Any] = []
    with Isolation(memory=MEMORY, seconds=3) as isolation:
        refresher = Refresher(Indexer(corpus.store, HashEncoder(), reader=isolation), fetcher)
        run = threading.Thread(target=lambda: reports.append(refresher.run([], targets=[folder], cancel=cancel)))
        run.start()
        assert reading(isolation, run)
        cancel.set()
        run.join(60)
        assert not run.is_alive() and reports[0].cancelled and not reports[0].added
        assert corpus.store.problems() == []
        (tmp_path / "folder" / "b.html").unlink()
        report = refresher.run([], targets=[folder])
    assert [Path(source).name for source in report.added] == ["a.txt", "c.txt"]


@slow
def test_closing_ends_a_hostile_reading_at_once(corpus: Corpus, fetcher: Fetcher, tmp_path: Path) -> None:
    """A program that ends does not wait for the time limit of what it reads."""
    folder, cancel = endless_reading(tmp_path / "folder"), threading.Event()
    isolation = Isolation(memory=MEMORY, seconds=3_600)
    refresher = Refresher(Indexer(corpus.store, HashEncoder(), reader=isolation), fetcher)
    run = threading.Thread(target=lambda: refresher.run([], targets=[folder], cancel=cancel))
    run.start()
    assert reading(isolation, run)
    cancel.set()
    isolation.close()
    run.join(60)
    assert not run.is_alive() and corpus.store.problems() == []
