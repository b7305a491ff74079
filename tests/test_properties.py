"""What holds of every index run: twice changes nothing, edits lead where a fresh build leads, and so does a crash."""

import multiprocessing
import os
import random
import zipfile
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from conftest import HashEncoder, stored_vectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback_web import LoopbackWeb

from index.corpus import Corpus
from index.database import Database
from index.indexer import Indexer
from index.refresh import Refresher
from index.store import Store
from index.web.fetch import Fetcher
from retrieval.retriever import Retriever

SUBJECTS = "owls mills barges bells quays nets ovens towers meadows bridges".split()
QUESTIONS = [f"What is said of the {subject}?" for subject in SUBJECTS[:3]]
ENCODER = HashEncoder()


def text_of(chance: random.Random, article: int) -> str:
    """An article, some of whose lines change from time to time, and some of which other articles share."""
    lines = [
        f"The {SUBJECTS[(article + k) % 10]} of parish {article} were counted {chance.choice((7, 8))} times in {k}."
        for k in range(chance.randint(3, 9))
    ]
    return "\n".join([*lines, chance.choice(["Subscribe now.", "The harbour was dredged."])])


def edit(folder: Path, chance: random.Random) -> None:
    """One change as people make them: a file written, copied, dated, moved, removed, or packed with others."""
    name = f"{chance.randrange(6)}"
    file = folder / f"{name}{chance.choice(['.txt', '.md'])}"
    match chance.randrange(6):
        case 0 | 1:
            file.write_text(text_of(chance, int(name)), encoding="utf-8")
        case 2:
            day, url = f"2024-05-0{chance.randint(1, 3)}", f"https://parish.example/{name}"
            head = f"---\ntitle: Parish {name}\npublished: {day}\nurl: {url}\n---\n\n"
            file.with_suffix(".md").write_text(head + text_of(random.Random(name), int(name)), encoding="utf-8")
        case 3:
            for other in sorted(folder.glob("*.txt"))[:1]:
                (folder / f"copy{chance.randrange(3)}.txt").write_bytes(other.read_bytes())
        case 4:
            file.unlink(missing_ok=True)
        case _:
            with zipfile.ZipFile(folder / "packed.zip", "w") as packed:
                for member in chance.sample(range(4), chance.randint(1, 3)):
                    packed.writestr(f"{member}.txt", text_of(random.Random(member), member))


def state(store: Store) -> dict:
    """Everything about a corpus that is not history: no ids, and no times at which something was indexed."""
    sources = {row.id: row.source for row in store.articles()}
    found = {}
    for row in store.articles():
        visible = set(stored_vectors(store, [row.id]).ids.tolist())
        columns = "id, start, end, is_heading, encoded_hash, hex(vector)"
        rows = store._rows(f"SELECT {columns} FROM sentence WHERE article_id = ? ORDER BY start", (row.id,))
        sentences = [(one[0] in visible, *one[1:]) for one in rows]
        found[row.source] = (store.load(row.id), sources.get(row.copy_of), row.sentences, sentences)
    return {"articles": found, "statistics": store.statistics(), "languages": store.languages()}


def answers(corpus: Corpus) -> list:
    """The sentences that answer some questions; where several articles have one, which is cited depends on history."""
    retriever = Retriever([corpus], ENCODER, precision=0.5)
    return [sorted(hit.citation.text for hit in retriever.ask(one).hits) for one in QUESTIONS]


def index(store: Store, folder: Path) -> None:
    report = Indexer(store, ENCODER).sync([str(folder)])
    assert all("holds no articles" in reason for _, reason in report.failed)  # an empty folder


def fresh(folder: Path, file: Path) -> tuple[dict, list]:
    file.unlink(missing_ok=True)
    corpus = Corpus(file, ENCODER)
    index(corpus.store, folder)
    found = state(corpus.store), answers(corpus)
    corpus.close()
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_edits_and_an_incremental_run_equal_a_fresh_build(tmp_path_factory, seed):
    """Whatever was written, copied, corrected, packed and removed: the corpus is as if made today, and asked again says
    the same; and a second run over the same files changes nothing."""
    chance, base = random.Random(seed), tmp_path_factory.mktemp("edits")
    folder = base / "articles"
    folder.mkdir()
    corpus = Corpus(base / "corpus.db", ENCODER)
    for _ in range(chance.randint(2, 5)):
        for _ in range(chance.randint(1, 6)):
            edit(folder, chance)
        index(corpus.store, folder)
        answers(corpus)  # so that its vectors follow step by step
    assert (state(corpus.store), answers(corpus)) == fresh(folder, base / "fresh.db")
    generation = corpus.store.generation()
    report = Indexer(corpus.store, ENCODER).sync([str(folder)])
    assert not (report.added or report.changed or report.removed or report.encoded)
    assert corpus.store.generation() == generation
    corpus.close()


def write_site(web: LoopbackWeb, chance: random.Random, pages: dict[str, int], version: int) -> None:
    """Some pages are written anew, some with the state that servers tell; and the feed says something else."""
    for _ in range(chance.randint(1, 4)):
        number = chance.randrange(5)
        pages[f"/{number}"] = version
        lines = "".join(f"<p>{line}</p>" for line in text_of(random.Random(f"{number}{version}"), number).split("\n"))
        html = f"<html><head><title>Parish {number}</title></head><body><main>{lines}</main></body></html>"
        web.put(f"/{number}", html, etag=f'"{number}-{version}"' if number % 2 else None)
    told = [html.replace("Parish", f"Entry {n} of") for n in range(chance.randint(1, 3))]
    entries = "".join(
        f"<item><title>Entry {n}</title><guid>{n}</guid><c:encoded><![CDATA[{one}]]></c:encoded></item>"
        for n, one in enumerate(told)
    )
    head = '<?xml version="1.0"?><rss version="2.0" xmlns:c="http://purl.org/rss/1.0/modules/content/">'
    rss = f"{head}<channel><title>Parishes</title>{entries}</channel></rss>"
    web.put("/feed", rss, "application/rss+xml", etag=f'"{version}"')


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_changes_of_a_site_and_runs_equal_a_fresh_build(tmp_path_factory, seed):
    """Whatever pages and feed became meanwhile, runs by conditional request end where a first look at all would."""
    chance, base = random.Random(seed), tmp_path_factory.mktemp("site")
    networks = [ip_network("127.0.0.0/8")]
    fetcher = Fetcher(user_agent="Verbatim/0", max_bytes=10**6, pause=0, allowed_networks=networks)
    with LoopbackWeb() as web, fetcher:
        pages: dict[str, int] = {}

        def look(corpus: Corpus) -> None:
            ledger = corpus.store.ledger
            for path in sorted(pages):
                ledger.add("page", web.url(path), 0.0)
            ledger.add("feed", web.url("/feed"), 0.0)
            Refresher(Indexer(corpus.store, ENCODER), fetcher).run(ledger.sources())

        corpus = Corpus(base / "corpus.db", ENCODER)
        for version in range(chance.randint(2, 4)):
            write_site(web, chance, pages, version)
            look(corpus)
        dropped = [one for one in corpus.store.articles() if one.source.startswith(web.url("/feed#"))]
        fresh_corpus = Corpus(base / "fresh.db", ENCODER)
        look(fresh_corpus)
        # A feed keeps no list of what it had: entries that it dropped stay, and nothing else differs.
        there = fresh_corpus.store.versions().keys()
        corpus.store.remove([one.id for one in dropped if one.source not in there])
        assert state(corpus.store) == state(fresh_corpus.store)
        look(corpus)
        generation = corpus.store.generation()
        look(corpus)
        assert corpus.store.generation() == generation
        corpus.close()
        fresh_corpus.close()


def dying_run(database: Path, folder: Path, commits: int) -> None:
    """Indexes, and dies at the given number of transactions: before it begins, or just after it is committed."""
    begin, counted = Database.transaction, 0

    @contextmanager
    def counting(self, kind):
        nonlocal counted
        counted += 1
        if counted == commits:
            os._exit(9)
        with begin(self, kind) as connection:
            yield connection
            if counted + 1 == commits and commits % 2:
                os._exit(9)  # in the middle: all is written, nothing committed

    Database.transaction = counting
    index(Store(database), folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that dies is a fork")
def test_a_crash_at_any_point_and_a_run_equal_a_fresh_build(tmp_path):
    """A run that dies at any of its transactions leaves nothing that the next run does not put right."""
    context = multiprocessing.get_context("fork")
    chance, folder = random.Random(4), tmp_path / "articles"
    folder.mkdir()
    for _ in range(12):
        edit(folder, chance)
    database = tmp_path / "corpus.db"
    deaths = 0
    for commits in range(1, 40):
        for _ in range(2):
            edit(folder, chance)
        process = context.Process(target=dying_run, args=(database, folder, commits % 13 + 1))
        process.start()
        process.join(60)
        deaths += process.exitcode == 9
        if commits % 4 == 0:
            corpus = Corpus(database, ENCODER)
            index(corpus.store, folder)
            assert (state(corpus.store), answers(corpus)) == fresh(folder, tmp_path / "fresh.db")
            assert corpus.store.problems() == []
            corpus.close()
    assert deaths > 10
