"""Sources looked at again: pages, feeds, archives and paths, over a real web server on the loopback."""

import threading
import zipfile
from collections.abc import Iterator
from io import BytesIO
from ipaddress import ip_network
from pathlib import Path

import pytest
from conftest import HashEncoder
from loopback_web import LoopbackWeb, answer, silent

from index.corpus import Corpus
from index.errors import Said, UserError
from index.indexer import Indexer
from index.ledger import DAY, Source
from index.readers import READER_VERSION
from index.refresh import Refresher
from index.report import SyncReport
from index.web.fetch import Fetcher

OWLS = "A pair of barn owls nests in the mill. They raised four chicks this summer. Visitors watch them after sunset."
MILL = "The mill stands by the weir. Its wheel turns backwards in spring floods. The miller moved out in 1932."


def page(title: str, text: str, head: str = "") -> str:
    paragraphs = "".join(f"<p>{sentence}.</p>" for sentence in text.removesuffix(".").split(". "))
    body = f"<body><article><h1>{title}</h1>{paragraphs}</article></body>"
    return f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head>{body}</html>"


def item(url: str, title: str, html: str = "", summary: str = "") -> str:
    content = f"<content:encoded><![CDATA[{html}]]></content:encoded>" if html else ""
    named = f"<title>{title}</title><link>{url}</link><guid>{url}</guid>"
    return f"<item>{named}<description>{summary}</description>{content}</item>"


def rss(*items: str) -> str:
    return (
        '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>The mill's news</title><link>https://example.org/</link>{''.join(items)}</channel></rss>"
    )


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def web() -> Iterator[LoopbackWeb]:
    with LoopbackWeb() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    loopback = [ip_network("127.0.0.0/8")]
    with Fetcher(
        user_agent="Verbatim/0 (test)", max_bytes=1_000_000, seconds=10, pause=0, allowed_networks=loopback
    ) as it:
        yield it


@pytest.fixture
def refresher(corpus: Corpus, fetcher: Fetcher, clock: Clock) -> Refresher:
    return Refresher(Indexer(corpus.store, HashEncoder()), fetcher, clock=clock)


def again(refresher: Refresher, corpus: Corpus, **more) -> SyncReport:
    """A run over everything that is remembered and active."""
    return refresher.run([one for one in corpus.store.ledger.sources() if one.state == "active"], **more)


def texts(corpus: Corpus) -> dict[str, str]:
    return {row.source: corpus.store.load(row.id).text for row in corpus.store.articles()}


def only(corpus: Corpus) -> Source:
    (source,) = corpus.store.ledger.sources()
    return source


def test_a_page_becomes_an_article_with_what_it_says_of_itself(refresher, corpus, web):
    """Title, author, days, language and canonical address come from the page; its address is remembered."""
    head = (
        '<link rel=canonical href="/owls"><meta name=author content="Mara Weir">'
        '<meta property="article:published_time" content="2024-05-01">'
        '<meta property="article:modified_time" content="2024-05-03">'
    )
    url = web.put("/owls", page("Owls in the mill", OWLS, head))
    source, report = refresher.add_link(f"{url}?utm_source=x#top")
    assert report.added == [url] and (source.kind, source.state) == ("page", "active")
    (row,) = corpus.store.articles()
    assert (row.title, row.author, row.language) == ("Owls in the mill", "Mara Weir", "en")
    assert (str(row.published), str(row.updated), row.url) == ("2024-05-01", "2024-05-03", web.url("/owls"))


def test_a_page_that_has_not_changed_is_not_even_sent(refresher, corpus, web):
    """The second look is a conditional request; a server that calls the page unchanged sends nothing."""
    url = web.put("/owls", page("Owls", OWLS), etag='"1"')
    refresher.add_link(url)
    report = again(refresher, corpus)
    assert report.unchanged == [url] and report.encoded == report.reused == 0
    assert web.requests[-1].headers["if-none-match"] == '"1"'


def test_only_the_new_sentence_of_a_changed_page_is_encoded(refresher, corpus, web):
    """A page with a changed sentence is changed; its other sentences keep their embeddings."""
    url = web.put("/owls", page("Owls", OWLS), etag='"1"')
    refresher.add_link(url)
    web.put("/owls", page("Owls", OWLS.replace("four", "five")), etag='"2"')
    report = again(refresher, corpus)
    assert report.changed == [url] and (report.encoded, report.reused) == (1, 3)
    assert again(refresher, corpus).unchanged == [url]


def test_a_newer_reader_sees_everything_again(refresher, corpus, web):
    """What the server calls unchanged still has to be read by a reader that finds more in it."""
    url = web.put("/owls", page("Owls", OWLS), etag='"1"')
    refresher.add_link(url)
    corpus.store._rows("UPDATE source SET reader = ?", (READER_VERSION - 1,))
    again(refresher, corpus)
    assert "if-none-match" not in web.requests[-1].headers


def test_a_removed_article_of_a_page_is_fetched_in_full_again(refresher, corpus, web):
    """Without its article a page's validators mean nothing."""
    url = web.put("/owls", page("Owls", OWLS), etag='"1"')
    refresher.add_link(url)
    corpus.store.remove([row.id for row in corpus.store.articles()])
    assert again(refresher, corpus).added == [url]


def test_a_page_that_is_gone_costs_no_article(refresher, corpus, web, clock):
    """What was read of a page stays when the page goes, and the failure says why."""
    url = web.put("/owls", page("Owls", OWLS))
    refresher.add_link(url)
    web.remove("/owls")
    report = again(refresher, corpus)
    assert [source for source, _ in report.failed] == [url] and "stays" in report.failed[0][1]
    assert OWLS.partition(". ")[0] in texts(corpus)[url]
    assert only(corpus).failures == 1 and only(corpus).problem
    assert isinstance(only(corpus).problem, Said) and only(corpus).problem.values  # to be said in any language


def test_a_link_that_cannot_be_had_is_not_remembered(refresher, corpus, web):
    """A page that does not exist, or holds no article, leaves neither a source nor an article."""
    for url in (web.url("/nothing"), web.put("/empty", "<html><body></body></html>")):
        with pytest.raises(UserError):
            refresher.add_link(url)
    assert not corpus.store.ledger.sources() and not corpus.store.articles()


def test_one_address_in_two_spellings_is_one_source(refresher, corpus, web):
    """A link with tracking parameters is recognised as the page that is remembered already."""
    url = web.put("/owls", page("Owls", OWLS))
    refresher.add_link(url)
    source, report = refresher.add_link(f"{url}?utm_source=letter#top")
    assert source.address == url and report.unchanged == [url] and len(corpus.store.ledger.sources()) == 1


def test_an_archive_behind_a_link_becomes_its_articles(refresher, corpus, web):
    """A ZIP by its address gives an article for each file, and loses those that it holds no longer."""
    url = web.put("/all.zip", packed({"owls.txt": OWLS, "mill.md": f"# Mill\n\n{MILL}"}), "application/zip")
    _, report = refresher.add_link(url)
    assert sorted(report.added) == [f"{url}!/mill.md", f"{url}!/owls.txt"]
    web.put("/all.zip", packed({"owls.txt": OWLS}), "application/zip")
    assert again(refresher, corpus).removed == [f"{url}!/mill.md"]


def test_a_damaged_archive_loses_nothing(refresher, corpus, tmp_path):
    """An archive in a folder that cannot be read any more keeps what was read of it."""
    file = tmp_path / "all.zip"
    file.write_bytes(packed({"owls.txt": OWLS, "mill.txt": MILL}))
    report = refresher.run([], targets=[str(tmp_path)])
    assert len(report.added) == 2
    file.write_bytes(file.read_bytes()[:100])
    report = refresher.run([], targets=[str(tmp_path)])
    assert len(report.failed) == 1 and not report.removed and len(texts(corpus)) == 2
    file.unlink()
    (tmp_path / "other.txt").write_text("Something else is here.")
    assert len(refresher.run([], targets=[str(tmp_path)]).removed) == 2


def test_new_entries_of_a_feed_become_articles_and_old_ones_stay(refresher, corpus, web):
    """A feed gives its entries: in full where it has them, else fetched; those it drops are kept."""
    full = "".join(f"<p>{sentence}.</p>" for sentence in (OWLS + " " + MILL).split(". ")) * 5
    web.put("/mill", page("The mill", MILL))
    entries = [
        item("https://example.org/owls", "Owls", full),
        item(web.url("/mill"), "Mill", summary="The mill stands…"),
    ]
    url = web.put("/feed", rss(*entries), "application/rss+xml")
    source, report = refresher.add_link(url)
    assert source.kind == "feed" and source.title == "The mill's news"
    # What the feed says in full of a page on another site is the feed's, and not that page.
    assert sorted(report.added) == sorted([f"{url}#https://example.org/owls", web.url("/mill")])
    assert {row.url for row in corpus.store.articles()} == {"https://example.org/owls", web.url("/mill")}
    assert "turns backwards" in texts(corpus)[web.url("/mill")]
    web.put("/bells", page("Bells", "The bells rang all night. Nobody slept. The sexton had the key."))
    web.put("/feed", rss(item(web.url("/bells"), "Bells", summary="The bells…")), "application/rss+xml")
    asked = len(web.requests)
    report = again(refresher, corpus)
    assert report.added == [web.url("/bells")] and not report.removed and len(texts(corpus)) == 3
    assert "/mill" not in web.paths[asked:]


def test_a_feed_is_asked_conditionally_and_its_entries_are_fetched_once(refresher, corpus, web):
    """Nothing of an unchanged feed is fetched again, and nothing of an entry that the feed only repeats."""
    web.put("/mill", page("The mill", MILL))
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "application/rss+xml", etag='"1"')
    refresher.add_link(web.url("/feed"))
    again(refresher, corpus)
    assert web.requests[-1].headers["if-none-match"] == '"1"'
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "application/rss+xml", etag='"2"')
    assert again(refresher, corpus).unchanged == [web.url("/mill")]
    assert web.paths.count("/mill") == 1


def test_an_outage_of_a_feed_deletes_nothing_and_is_met_with_patience(refresher, corpus, web, clock):
    """A feed that fails is asked less and less often, then suspended with a notice; its articles stay."""
    web.put("/mill", page("The mill", MILL))
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "application/rss+xml")
    refresher.add_link(web.url("/feed"))
    web.script("/feed", answer(500))
    waits, notes = [], []
    while (source := only(corpus)).state == "active":
        clock.now = source.due
        assert [one.id for one in corpus.store.ledger.due(clock.now)] == [source.id]
        notes = again(refresher, corpus).notes
        waits.append(only(corpus).due - clock.now)
    assert len(waits) == 10 and waits[1] < waits[4] <= waits[9] * 1.3 and waits[9] <= 7 * DAY * 1.1
    assert notes and notes[0][0] == source.address
    assert not corpus.store.ledger.due(clock.now + 100 * DAY)
    assert web.url("/mill") in texts(corpus)
    corpus.store.ledger.set_state(source.id, "active", clock.now)
    assert corpus.store.ledger.due(clock.now)


def test_a_server_that_asks_to_be_left_alone_is(refresher, corpus, web, clock):
    """Retry-After sets the next look at the earliest to when the server wants it."""
    web.put("/owls", page("Owls", OWLS))
    refresher.add_link(web.url("/owls"), every=60)
    web.script("/owls", answer(503, headers={"Retry-After": "7200"}))
    again(refresher, corpus)
    assert only(corpus).due >= clock.now + 7200


def test_an_entry_whose_page_fails_for_the_moment_is_tried_again(refresher, corpus, web):
    """A passing failure of an entry's page is made up for by the next run, though the feed has not changed."""
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "application/rss+xml", etag='"1"')
    web.script("/mill", answer(500))
    _, report = refresher.add_link(web.url("/feed"))
    assert [source for source, _ in report.failed] == [web.url("/mill")]
    web.put("/mill", page("The mill", MILL))
    assert again(refresher, corpus).added == [web.url("/mill")]


def test_what_a_page_refuses_the_feed_itself_may_say(refresher, corpus, web):
    """Where an entry's page is refused for good, what the feed says of it is indexed, and the report says so."""
    web.put("/robots.txt", "User-agent: *\nDisallow: /mill", "text/plain")
    summary = "The mill by the weir was sold to its last miller's daughter."
    url = web.put("/feed", rss(item(web.url("/mill"), "Mill", summary=summary)), "application/rss+xml")
    _, report = refresher.add_link(url)
    assert report.added == [web.url("/mill")] and "robots.txt" in report.notes[0][1]
    assert "daughter" in texts(corpus)[web.url("/mill")] and "/mill" not in web.paths


def test_an_entry_that_a_person_removed_stays_removed(refresher, corpus, web):
    """A feed does not bring back what was taken out, whatever it says of it later."""
    web.put("/mill", page("The mill", MILL))
    for summary in ("Short.", "Another summary."):
        web.put("/feed", rss(item(web.url("/mill"), "Mill", summary=summary)), "application/rss+xml")
        refresher.add_link(web.url("/feed"))
        corpus.store.remove([row.id for row in corpus.store.articles()])
    assert again(refresher, corpus).added == [] and not corpus.store.articles()


def test_a_page_names_its_feed(refresher, corpus, web):
    """Asked for a feed, a page stands for the one that it links to; a page without one is refused."""
    web.put("/feed.xml", rss(item("https://example.org/a", "A", f"<p>{OWLS}</p>" * 9)), "application/rss+xml")
    link = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    source, _ = refresher.add_link(web.put("/blog", page("Blog", OWLS, link)), feed=True)
    assert (source.kind, source.address) == ("feed", web.url("/feed.xml"))
    with pytest.raises(UserError, match="names no feed"):
        refresher.add_link(web.put("/plain", page("Plain", OWLS)), feed=True)


def test_a_source_goes_with_its_articles_unless_another_gives_them(refresher, corpus, web):
    """Removing a feed removes what only it gave; a page that is remembered on its own account stays."""
    web.put("/mill", page("The mill", MILL))
    web.put("/owls", page("Owls", OWLS))
    entries = [item(web.url(path), path, summary="Short.") for path in ("/mill", "/owls")]
    refresher.add_link(web.url("/mill"))
    feed, report = refresher.add_link(web.put("/feed", rss(*entries), "application/rss+xml"))
    assert report.added == [web.url("/owls")]
    assert corpus.store.forget_sources([feed.id]) == 1
    assert set(texts(corpus)) == {web.url("/mill")} and only(corpus).kind == "page"


def test_a_dry_run_says_what_would_be_and_stores_nothing(refresher, corpus, web, tmp_path):
    """A dry run reports as the run after it, and leaves corpus and sources as they were."""
    url = web.put("/owls", page("Owls", OWLS))
    refresher.add_link(url)
    web.put("/owls", page("Owls", OWLS + " Bats came, too."))
    (tmp_path / "mill.txt").write_text(MILL)
    before = texts(corpus), corpus.store.generation(), corpus.store.ledger.sources()
    dry = again(refresher, corpus, targets=[str(tmp_path / "mill.txt")], dry_run=True)
    assert (texts(corpus), corpus.store.generation(), corpus.store.ledger.sources()) == before
    wet = again(refresher, corpus, targets=[str(tmp_path / "mill.txt")])
    assert dry.counts == wet.counts == {"added": 1, "changed": 1, "unchanged": 0, "removed": 0, "failed": 0}
    assert (dry.encoded, dry.reused) == (wet.encoded, wet.reused)


def test_a_stopped_run_ends_soon_and_the_next_one_finishes(refresher, corpus, web):
    """A run that waits for a page which never comes ends when it is stopped; what it had done is kept."""
    urls = [web.put(f"/{n}", page(f"Page {n}", f"{OWLS} This is number {n}.")) for n in range(3)]
    for url in urls:
        corpus.store.ledger.add("page", url, 0.0)
    web.script("/1", silent())
    cancel = threading.Event()
    report = again(refresher, corpus, cancel=cancel, progress=lambda _: cancel.set())
    assert report.cancelled and len(texts(corpus)) <= 1
    web.put("/1", page("Page 1", f"{OWLS} This is number 1."))
    again(refresher, corpus)
    assert sorted(texts(corpus)) == sorted(urls)


def test_a_remembered_folder_gives_and_loses_articles(refresher, corpus, tmp_path):
    """A folder is a source like any other: read again by its address, and removed with what came from it."""
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "owls.txt").write_text(OWLS)
    (folder / "mill.txt").write_text(MILL)
    source = corpus.store.ledger.add("path", str(folder), 0.0)
    assert len(again(refresher, corpus).added) == 2
    (folder / "owls.txt").unlink()
    assert len(again(refresher, corpus).removed) == 1
    assert corpus.store.ledger.articles_of(source.id) == {(folder / "mill.txt").as_posix()}
    assert corpus.store.forget_sources([source.id]) == 1 and not corpus.store.articles()


def packed(files: dict[str, str]) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    return archive.getvalue()


def test_an_uploaded_archive_is_kept_once_and_goes_with_its_last_article(corpus, tmp_path: Path):
    """A ZIP that was uploaded is read again like any upload, and is forgotten with its last article."""
    indexer = Indexer(corpus.store, HashEncoder())
    report = indexer.add_upload(packed({"a.txt": OWLS, "b.txt": MILL}), "discord:1/x.zip", "x.zip")
    assert sorted(report.added) == ["discord:1/x.zip!/a.txt", "discord:1/x.zip!/b.txt"]
    assert corpus.store.uploads() == [("discord:1/x.zip", "x.zip")]
    assert len(indexer.sync_uploads().unchanged) == 2
    first, second = (row.id for row in corpus.store.articles())
    corpus.store.remove([first])
    assert len(corpus.store.uploads()) == 1
    corpus.store.remove([second])
    assert not corpus.store.uploads() and not corpus.store.ledger.sources()


def test_a_stop_is_no_failure_of_what_was_waited_for(refresher, corpus, web):
    """A page that was being fetched when the run was stopped has not failed: nothing is held against it."""
    refresher.add_link(web.put("/owls", page("Owls", OWLS)))
    web.script("/owls", silent())
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    report = again(refresher, corpus, cancel=cancel)
    assert report.cancelled and not report.failed and only(corpus).failures == 0


def test_a_stop_while_a_link_is_looked_at_leaves_nothing(refresher, corpus, web):
    """Adding a link can be stopped before the page has come."""
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(UserError, match="stopped"):
        refresher.add_link(web.script("/never", silent()), cancel=cancel)
    assert not corpus.store.ledger.sources()


def test_the_articles_of_an_archive_go_with_its_link(refresher, corpus, web):
    """What an archive behind a link gave is known to be its own, and goes when the source is removed."""
    url = web.put("/all.zip", packed({"owls.txt": OWLS, "mill.txt": MILL}), "application/zip")
    source, _ = refresher.add_link(url)
    assert {f"{url}!/owls.txt", f"{url}!/mill.txt"} <= corpus.store.ledger.articles_of(source.id)
    assert corpus.store.forget_sources([source.id]) == 2 and not corpus.store.articles()


def test_an_upload_goes_with_its_source(refresher, corpus):
    """Removing an upload as a source removes its bytes and its article."""
    Indexer(corpus.store, HashEncoder()).add_upload(OWLS.encode(), "discord:1/owls.txt", "owls.txt")
    assert corpus.store.forget_sources([only(corpus).id]) == 1
    assert not corpus.store.uploads() and not corpus.store.articles() and not corpus.store.ledger.sources()


def test_a_page_that_a_feed_names_too_stays_removed(refresher, corpus, web):
    """An entry that was left to a page of its own is known to the feed, which does not bring it back."""
    page_source, _ = refresher.add_link(web.put("/mill", page("The mill", MILL)))
    refresher.add_link(web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "application/rss+xml"))
    corpus.store.remove([row.id for row in corpus.store.articles()])
    corpus.store.ledger.remove(page_source.id)
    assert again(refresher, corpus).added == [] and not corpus.store.articles()


def test_a_link_can_be_tried_without_storing_anything(refresher, corpus, web):
    """A dry run of a link reads the page and says what would come of it."""
    url = web.put("/owls", page("Owls", OWLS))
    _, report = refresher.add_link(url, dry_run=True)
    assert report.added == [url] and report.dry_run
    assert not corpus.store.ledger.sources() and not corpus.store.articles()


def test_a_feed_that_cannot_be_read_is_not_remembered(refresher, corpus, web):
    """What looks like a feed and is none leaves nothing behind."""
    broken = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]><rss version="2.0"><channel>&a;</channel></rss>'
    with pytest.raises(UserError):
        refresher.add_link(web.put("/feed", broken, "application/rss+xml"))
    assert not corpus.store.ledger.sources()


def test_what_was_fetched_but_not_stored_is_fetched_again(refresher, corpus, web):
    """A run that is stopped between a changed page's arrival and its storing leaves the change to the next run."""
    url = web.put("/owls", page("Owls", OWLS), etag='"1"')
    refresher.add_link(url)
    web.put("/owls", page("Owls", OWLS.replace("four", "five")), etag='"2"')
    cancel = threading.Event()
    encoder = refresher._indexer.encoder
    encode, encoder.read_passages = encoder.read_passages, lambda texts: (cancel.set(), encode(texts))[1]
    assert again(refresher, corpus, cancel=cancel).cancelled
    encoder.read_passages = encode
    assert again(refresher, corpus).changed == [url]


def test_what_there_was_no_room_for_comes_when_there_is(corpus, fetcher, web):
    """Neither a page nor an entry of a feed that was refused for lack of room is taken for settled."""
    entry = item(web.put("/mill", page("The mill", MILL)), "Mill", summary="Short.")
    urls = [web.put("/owls", page("Owls", OWLS), etag='"1"'), web.put("/feed", rss(entry), "text/xml", etag='"1"')]
    small = Refresher(Indexer(corpus.store, HashEncoder(), max_sentences=2), fetcher)
    for url, kind in zip(urls, ("page", "feed"), strict=True):
        corpus.store.ledger.add(kind, url, 0.0)
    assert len(again(small, corpus).failed) == 2
    assert sorted(again(Refresher(Indexer(corpus.store, HashEncoder()), fetcher), corpus).added) == sorted(
        [urls[0], web.url("/mill")]
    )


def test_a_summary_never_replaces_an_article(refresher, corpus, web):
    """Where an entry's page has gone, what was read of it stays, whatever the feed says of it later."""
    web.put("/mill", page("The mill", MILL))
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Short.")), "text/xml")
    refresher.add_link(web.url("/feed"))
    before = texts(corpus)
    web.remove("/mill")
    web.put("/feed", rss(item(web.url("/mill"), "Mill", summary="Shorter now, with words.")), "text/xml")
    report = again(refresher, corpus)
    assert [source for source, _ in report.failed] == [web.url("/mill")] and texts(corpus) == before


def test_a_page_that_becomes_a_feed_keeps_its_article(refresher, corpus, web):
    """Where a page was, a feed is none; the report says what to do."""
    url = web.put("/news", page("News", OWLS))
    refresher.add_link(url)
    before = texts(corpus)
    web.put("/news", rss(item(web.url("/a"), "A", summary="Short.")), "text/xml")
    report = again(refresher, corpus)
    assert "as a feed" in report.failed[0][1] and texts(corpus) == before


def test_a_source_that_is_removed_meanwhile_leaves_nothing(refresher, corpus, web):
    """Removing a source while it is being looked at ends neither the run nor leaves what comes of it."""
    ledger = corpus.store.ledger
    sources = [ledger.add("page", web.put(f"/{n}", page(f"Page {n}", f"{OWLS} This is {n}.")), 0.0) for n in range(2)]
    entry = item(web.put("/mill", page("The mill", MILL)), "Mill", summary="Short.")
    sources.append(ledger.add("feed", web.put("/feed", rss(entry), "text/xml"), 0.0))
    gone = sources[1:]
    report = refresher.run(sources, progress=lambda _: [ledger.remove(one.id) for one in gone])
    assert len(report.added) == 3 and list(texts(corpus)) == [sources[0].address]
    assert [one.id for one in ledger.sources()] == [sources[0].id]


def test_a_file_that_becomes_an_archive_and_a_file_again(refresher, corpus, tmp_path):
    """A file and an archive of the same name take each other's place, with all that they held."""
    folder = tmp_path / "wow!"
    folder.mkdir()
    file, other = folder / "notes.txt", folder / "other.txt"
    other.write_text("Something else is here.")
    for data in (OWLS.encode(), packed({"a.txt": OWLS, "b.txt": MILL}), MILL.encode()):
        file.write_bytes(data)
        refresher.run([], targets=[str(folder)])
        fresh = {"notes.txt"} if data[:2] != b"PK" else {"notes.txt!/a.txt", "notes.txt!/b.txt"}
        assert {one.removeprefix(f"{folder.as_posix()}/") for one in texts(corpus)} == fresh | {"other.txt"}
    other.unlink()
    assert refresher.run([], targets=[str(folder)]).removed == [other.as_posix()]


def test_a_feed_does_not_write_what_another_gives(refresher, corpus, web):
    """A feed that names an article of another source, with a text of its own, changes nothing of it."""
    web.put("/mill", page("The mill", MILL))
    refresher.add_link(web.put("/one", rss(item(web.url("/mill"), "Mill", summary="Short.")), "text/xml"))
    lies = "".join(f"<p>Lie number {n} is told of the mill by the weir.</p>" for n in range(40))
    refresher.add_link(web.put("/two", rss(item(web.url("/mill"), "Mill", lies)), "text/xml"))
    assert again(refresher, corpus).changed == [] and "Lie" not in "".join(texts(corpus).values())


def test_an_entry_that_moves_takes_its_article_along(refresher, corpus, web):
    """An entry with the same id and a new address is the same article at another place."""
    for path in ("/old", "/new"):
        web.put(path, page("The mill", MILL))
    first = item(web.url("/old"), "Mill", summary="Short.").replace(f"<guid>{web.url('/old')}", "<guid>id-1")
    refresher.add_link(web.put("/feed", rss(first), "text/xml"))
    assert list(texts(corpus)) == [web.url("/old")]
    web.put("/feed", rss(first.replace(web.url("/old"), web.url("/new"))), "text/xml")
    again(refresher, corpus)
    assert list(texts(corpus)) == [web.url("/new")]


def test_a_paused_source_stays_paused_and_a_suspended_one_recovers(refresher, corpus, web, clock):
    """What a person paused no failure suspends; what was suspended and is well again, asked for by hand, is active."""
    url = web.put("/owls", page("Owls", OWLS))
    source, _ = refresher.add_link(url)
    ledger = corpus.store.ledger
    ledger.set_state(source.id, "paused", clock.now)
    web.script("/owls", answer(500))
    for _ in range(11):
        refresher.run(ledger.sources())
    assert only(corpus).state == "paused"
    ledger.set_state(source.id, "active", clock.now)
    notes = [refresher.run(ledger.sources()).notes for _ in range(12)]
    assert only(corpus).state == "suspended" and sum(map(bool, notes)) == 1
    web.put("/owls", page("Owls", OWLS))
    refresher.run(ledger.sources())
    assert (only(corpus).state, only(corpus).failures) == ("active", 0)


def test_what_a_person_removed_of_an_archive_stays_removed(corpus):
    """An article that was taken out of an uploaded archive does not come back when the archive is read again."""
    indexer = Indexer(corpus.store, HashEncoder())
    indexer.add_upload(packed({"a.txt": OWLS, "b.txt": MILL}), "discord:1/x.zip", "x.zip")
    corpus.store.remove([row.id for row in corpus.store.articles() if row.source.endswith("a.txt")])
    assert indexer.sync_uploads().added == [] and list(texts(corpus)) == ["discord:1/x.zip!/b.txt"]


def test_an_entry_that_leads_to_its_own_feed_is_what_the_feed_says_of_it(refresher, corpus, web):
    """A feed's own address is no page: such an entry is an article of the feed, and no XML becomes one."""
    summary = "The mill by the weir was sold to its last miller's daughter."
    url = web.url("/feed")
    refresher.add_link(web.put("/feed", rss(item(url, "Mill", summary=summary)), "text/xml"))
    (text,) = texts(corpus).values()
    assert "daughter" in text and "<" not in text
    assert again(refresher, corpus).removed == []


def test_a_name_with_half_a_character_costs_nothing(corpus):
    """A file name that is no valid text is cleaned before it is stored."""
    report = Indexer(corpus.store, HashEncoder()).add_upload(
        OWLS.encode(), "discord:1/\ud800.t\ud800", "\ud800.t\ud800"
    )
    assert len(report.added) == 1 and corpus.store.uploads() == [("discord:1/.t", ".t")]
