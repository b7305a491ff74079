"""What the command line remembers: files, pages and feeds, from a web server on the loopback and real folders."""

import io
import json
import os
import re
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HashEncoder
from loopback_web import LoopbackWeb, answer
from test_cli import Missing, Result, _environment  # noqa: F401 - a fixture

from index.layout import database_path
from index.store import Store
from terminal import VERSION, app
from terminal.session import Exit

GULLS = "Gulls nest on the chapel roof. The warden counted ninety pairs this spring."
FERRY = "The ferry to Holm leaves at noon. It carries no cars in winter."


def page(text: str, title: str = "Gulls on the roof", more: str = "") -> str:
    paragraphs = "".join(f"<p>{one}</p>" for one in text.split("\n"))
    return f"<html><head><title>{title}</title>{more}</head><body><article>{paragraphs}</article></body></html>"


def feed(*entries: tuple[str, str]) -> str:
    items = "".join(
        f"<item><guid>{title}</guid><title>{title}</title><description>{text}</description></item>"
        for title, text in entries
    )
    return f"<rss version='2.0'><channel><title>Harbour news</title>{items}</channel></rss>"


@pytest.fixture
def web() -> Iterator[LoopbackWeb]:
    with LoopbackWeb() as server:
        server.put("/gulls", page(GULLS))
        server.put("/feed", feed(("Ferry", FERRY)), "application/rss+xml")
        yield server


@pytest.fixture
def bot(tmp_path, capsys):
    """Runs one command line in this process; the loopback's web server may be reached."""
    (tmp_path / "config.toml").write_text('[fetch]\nallowed_networks = ["127.0.0.0/8"]\n')

    def run(*arguments: object, make_encoder=lambda config: HashEncoder()) -> Result:
        code = app.main([str(one) for one in arguments], home=tmp_path, make_encoder=make_encoder, pause=0.0)
        return Result(code, *capsys.readouterr())

    return run


def listed(bot, *options: object) -> list[dict]:
    return json.loads(bot("sources", "list", "--json", *options).out)


def titles(bot, *options: object) -> list[str]:
    return [row["title"] for row in json.loads(bot("articles", "list", "--json", *options).out)]


def elsewhere(tmp_path: Path, **texts: str) -> Path:
    """A folder that is not the configured one."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def zipped(**texts: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in texts.items():
            archive.writestr(f"{name}.txt", text)
    return data.getvalue()


# -- what `index` remembers


def test_what_is_indexed_is_remembered(bot, web, tmp_path):
    """Folders, patterns, pages and feeds that were indexed once are looked at again by `index` without a target."""
    folder = elsewhere(tmp_path, a="The mill is old.", b="The weir is new.")
    result = bot("index", folder, folder / "*.txt", web.url("/gulls"), web.url("/feed"))
    assert (result.code, result.err.count("Failed")) == (Exit.DONE, 0)
    assert result.out.startswith("Articles: 4 added, 0 changed, 0 unchanged, 0 removed. ")
    assert [(row["kind"], row["address"], row["title"], row["articles"]) for row in listed(bot)] == [
        ("path", folder.as_posix(), "", 2),
        ("path", (folder / "*.txt").as_posix(), "", 2),
        ("page", web.url("/gulls"), "", 1),
        ("feed", web.url("/feed"), "Harbour news", 1),
    ]
    web.put("/gulls", page(GULLS.replace("ninety", "eighty")))
    web.put("/feed", feed(("Mail", "The mail comes on Mondays."), ("Ferry", FERRY)), "application/rss+xml")
    (folder / "b.txt").unlink()
    report = json.loads(bot("index", "--json").out)
    assert (report["changed"], report["removed"]) == ([web.url("/gulls")], [(folder / "b.txt").as_posix()])
    assert len(report["added"]) == 1 and report["encoded"] == 2
    assert bot("ask", "How many pairs did the warden count?").out.count("eighty pairs") == 1


def test_requests_say_who_asks(bot, web, tmp_path):
    """Each request has an honest name, with the contact that is configured."""
    with (tmp_path / "config.toml").open("a") as file:
        file.write('contact = "https://example.org/bot"\n')
    bot("index", web.url("/gulls"))
    assert {one.headers["user-agent"] for one in web.requests} == {f"Verbatim/{VERSION} (+https://example.org/bot)"}
    assert web.paths == ["/robots.txt", "/gulls"]


def test_private_networks_are_not_reached_unless_named(bot, web, tmp_path):
    """Without `fetch.allowed_networks`, no connection is made to this machine, and nothing is remembered."""
    (tmp_path / "config.toml").write_text("")
    result = bot("index", web.url("/gulls"))
    assert result.code == Exit.SOME_FAILED
    assert f"Failed: {web.url('/gulls')}: " in result.err
    assert web.connections == 0 and listed(bot) == []


def test_what_gave_nothing_is_not_remembered(bot, web, tmp_path):
    """A target that does not exist or cannot be read fails, is not remembered, and costs the others nothing."""
    folder = elsewhere(tmp_path, broken="", empty="")
    (folder / "empty").mkdir()
    web.put("/broken", "<rss><channel>", "application/rss+xml")
    targets = [folder / "nosuch.md", folder / "broken.txt", folder / "empty", web.url("/nosuch"), web.url("/broken")]
    result = bot("index", *targets, "ftp://example.org/x", web.url("/gulls"))
    assert result.code == Exit.SOME_FAILED
    failed = {line.split(": ")[1] for line in result.err.splitlines() if line.startswith("Failed")}
    assert failed == {*map(str, targets), "ftp://example.org/x"}
    assert "must begin with http:// or https://" in result.err
    assert [row["address"] for row in listed(bot)] == [web.url("/gulls")]


def test_no_remember_is_for_once(bot, web, tmp_path):
    """With `--no-remember` files, pages and feeds are indexed, and not looked at again."""
    folder = elsewhere(tmp_path, a="The mill is old.")
    report = json.loads(bot("index", folder, web.url("/gulls"), web.url("/feed"), "--no-remember", "--json").out)
    assert len(report["added"]) == 3 and listed(bot) == []
    assert titles(bot) == ["Ferry", "Gulls on the roof", "The mill is old."]
    again = bot("index")
    assert again.code == Exit.ERROR and "no source is remembered" in again.err
    bot("index", web.url("/gulls"))
    bot("index", web.url("/gulls"), "--no-remember")
    assert [row["address"] for row in listed(bot)] == [web.url("/gulls")], "what was remembered before stays so"


def test_what_lies_in_the_configured_folder_need_not_be_remembered(bot, articles):
    """The configured folder, and what lies in it, is looked at anyway, and listed as the one that is configured."""
    bot("index", articles, articles / "owls.md")
    (row,) = listed(bot)
    assert (row["id"], row["state"], row["address"], row["articles"]) == (None, "configured", str(articles), 3)
    line = bot("sources", "list").out
    assert line.startswith("\tpath\tconfigured\t") and str(articles) in line


def test_a_dry_run_of_links(bot, web, tmp_path):
    """`--dry-run` fetches and reads pages and feeds, says what would come of them, and stores and remembers nothing."""
    would = bot("index", web.url("/gulls"), web.url("/feed"), web.url("/nosuch"), "--dry-run")
    assert would.code == Exit.SOME_FAILED
    assert would.out.startswith("Dry run, nothing is stored. Articles: 2 added, 0 changed, 0 unchanged, 0 removed, 1 f")
    assert not (tmp_path / "data").exists()
    bot("index", web.url("/gulls"), web.url("/feed"))
    before = listed(bot)
    web.put("/gulls", page(GULLS.replace("ninety", "eighty")))
    for targets in ([], [web.url("/gulls") + "?utm_source=x", web.url("/feed")]):
        report = json.loads(bot("index", *targets, "--dry-run", "--json").out)
        assert [report[kind] for kind in ("added", "changed", "removed", "failed")] == [[], [web.url("/gulls")], [], []]
    assert listed(bot) == before
    assert "ninety" in bot("ask", "How many pairs did the warden count?").out


def test_a_server_remembers_its_own(bot, web):
    """With `--server`, sources belong to that server's own articles, and `index` without a target looks at those."""
    bot("index", web.url("/gulls"), "--server", 7)
    assert listed(bot) == [] and [row["kind"] for row in listed(bot, "--server", 7)] == ["page"]
    web.put("/gulls", page(GULLS + "\nThey are loud."))
    assert "1 changed" in bot("index", "--server", 7).out
    nothing = bot("index", "--server", 8)
    assert nothing.code == Exit.ERROR
    assert "Nothing is remembered for the server 8." in nothing.err and "--server 8" in nothing.err


def test_another_model_remembers_nothing_new(bot, web, tmp_path):
    """Where the corpus was made with another model, the error names the remedy, and nothing more is remembered."""
    folder = elsewhere(tmp_path, a="The mill is old.")
    bot("index", web.url("/gulls"))
    for target in (folder, web.url("/feed")):
        refused = bot("index", target, make_encoder=lambda config: HashEncoder(64, model="other"))
        assert refused.code == Exit.ERROR and "index --rebuild" in refused.err
    assert bot("index", web.url("/feed"), make_encoder=lambda config: Missing()).code == Exit.SOME_FAILED
    assert [row["address"] for row in listed(bot)] == [web.url("/gulls")]


def test_archives_are_remembered(bot, web, tmp_path):
    """An archive, as a file or behind a link, gives the articles in it, and is remembered itself."""
    folder = elsewhere(tmp_path)
    (folder / "all.zip").write_bytes(zipped(mill="The mill is old.", weir="The weir is new."))
    web.put("/all.zip", zipped(quay="The quay is long.", pump="The pump is loud."), "application/zip")
    assert bot("index", folder / "all.zip", web.url("/all.zip")).out.startswith("Articles: 4 added")
    assert [row["address"] for row in listed(bot)] == [(folder / "all.zip").as_posix(), web.url("/all.zip")]
    assert bot("index").out.startswith("Articles: 0 added, 0 changed, 4 unchanged, 0 removed")


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_while_a_page_is_fetched(bot, web, tmp_path):
    """Ctrl-C while a new link is fetched ends with exit code 130 at once; the same command does the rest later."""

    def interrupting(talk):
        os.kill(os.getpid(), signal.SIGINT)
        talk.wait(0.3)
        answer(body=page(GULLS))(talk)

    web.script("/gulls", interrupting, answer(body=page(GULLS)))
    folder = elsewhere(tmp_path, a="The mill is old.")
    result = bot("index", folder, web.url("/gulls"), web.url("/feed"))
    assert result.code == Exit.INTERRUPTED and result.err.splitlines()[-1] == "Interrupted."
    assert "Failed" not in result.err and "/feed" not in web.paths
    assert [row["kind"] for row in listed(bot)] == ["path"]
    assert bot("index", folder, web.url("/gulls")).out.startswith("Articles: 1 added, 0 changed, 1 unchanged")
    assert [row["kind"] for row in listed(bot)] == ["path", "page"]


def test_the_reader_is_limited_as_configured(bot, tmp_path):
    """A file that takes its reader more time than `limits.reader_seconds` fails, and the others are indexed."""
    with (tmp_path / "config.toml").open("a") as file:
        file.write("[limits]\nreader_mb = 128\nmax_file_mb = 40\n")
    folder = elsewhere(tmp_path, a="The mill is old.", large="A sentence of some length. " * 1_200_000)
    result = bot("index", folder)
    assert result.code == Exit.SOME_FAILED and "1 added" in result.out
    assert "needs more than 128 MiB of memory to be read" in result.err


# -- sources


def test_sources_add(bot, web, tmp_path):
    """`sources add` indexes and remembers, with the wished-for time between two looks."""
    folder = elsewhere(tmp_path, a="The mill is old.")
    assert bot("sources", "add", folder, web.url("/gulls"), "--every", "2d").out.startswith("Articles: 2 added")
    assert json.loads(bot("sources", "add", web.url("/feed"), "--every", "never", "--json").out)["encoded"] > 0
    rows = listed(bot)
    assert [row["every"] for row in rows] == [172_800.0, 172_800.0, None]
    assert [row["due"] is None for row in rows] == [False, False, True]
    assert all(row["checked"] and row["state"] == "active" and row["problem"] is None for row in rows)


def test_a_page_stands_for_its_feed(bot, web):
    """With `--feed` a page stands for the feed that it names; one that names none is an error."""
    link = f'<link rel="alternate" type="application/rss+xml" href="{web.url("/feed")}">'
    web.put("/site", page("Welcome to the harbour.", more=link))
    assert bot("sources", "add", web.url("/site"), "--feed").code == Exit.DONE
    assert [(row["kind"], row["address"]) for row in listed(bot)] == [("feed", web.url("/feed"))]
    assert "names no feed" in bot("sources", "add", web.url("/gulls"), "--feed").err


def test_sources_list_for_people(bot, web, monkeypatch):
    """Off a terminal each source is a line with its number, kind, state, looks, articles, address and title."""
    assert bot("sources", "list").out.startswith("Nothing is remembered yet.")
    bot("index", web.url("/feed"))
    number, kind, state, checked, due, count, address, title = bot("sources", "list").out.rstrip("\n").split("\t")
    assert (number, kind, state, count, address, title) == (
        "1",
        "feed",
        "active",
        "1",
        web.url("/feed"),
        "Harbour news",
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", checked) and checked < due


def test_sources_that_fail(bot, web):
    """A source that fails keeps its articles, says why, is no longer looked at when suspended, and can be resumed."""
    bot("index", web.url("/gulls"))
    web.remove("/gulls")
    for _ in range(10):
        result = bot("index")
    assert "has failed 10 times in a row and is looked at no longer" in result.out
    (row,) = listed(bot)
    assert (row["state"], row["failures"], row["articles"]) == ("suspended", 10, 1)
    assert "no such page (404)" in row["problem"]
    assert "suspended, failed 10 times: " in bot("sources", "list").out
    assert "no source is remembered" in bot("index").err
    checked = bot("check")
    assert checked.code == Exit.DONE
    assert re.search(r"note   Operator's sources: 1 failed at the last look, 1 of them suspended; .*404", checked.out)
    web.put("/gulls", page(GULLS))
    assert bot("sources", "resume", row["id"]).out == f"active: 1  {web.url('/gulls')}\n"
    assert "1 unchanged" in bot("index").out
    assert listed(bot)[0]["problem"] is None and "Operator's sources" not in bot("check").out


def test_a_paused_source_is_left_alone(bot, web):
    """A paused source is not asked for and keeps its articles, until it is resumed."""
    bot("index", web.url("/gulls"), web.url("/feed"))
    (row,) = json.loads(bot("sources", "pause", 1, "--json").out)
    assert (row["id"], row["state"], row["due"]) == (1, "paused", None)
    asked = len(web.paths)
    assert bot("index").code == Exit.DONE
    assert "/gulls" not in web.paths[asked:] and "/feed" in web.paths[asked:]
    assert len(titles(bot)) == 2
    bot("sources", "resume", 1)
    bot("index")
    assert web.paths[-2:].count("/gulls") == 1


def test_sources_remove(bot, web, tmp_path, monkeypatch):
    """Removing asks first and says how many articles go: those that no other source gives."""
    folder = elsewhere(tmp_path, a="The mill is old.", b="The weir is new.")
    bot("index", folder, folder / "a.txt", web.url("/gulls"))
    asked = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "n")
    refused = bot("sources", "remove", 1, 3)
    assert refused.code == Exit.ERROR and "Nothing was removed." in refused.err
    assert asked == ["Forget 2 sources and remove 2 articles for good? [y/N] "]
    assert len(listed(bot)) == len(titles(bot)) == 3
    assert bot("sources", "remove", 1, 3, "--yes").out == "Forgot 2 sources and removed 2 articles.\n"
    assert titles(bot) == ["The mill is old."]
    assert bot("sources", "remove", 9, "-y").err.startswith("Error: No source has the number 9.")
    assert json.loads(bot("sources", "remove", 2, "-y", "--keep-articles", "--json").out) == {
        "removed": [2],
        "articles": 0,
    }
    assert titles(bot) == ["The mill is old."] and listed(bot) == []


def test_an_upload_goes_with_its_articles(bot, tmp_path):
    """Removing an upload removes its articles and its bytes; it cannot be forgotten without them."""
    bot("index", elsewhere(tmp_path, a="The mill is old."))
    path = database_path(tmp_path / "data", None)
    store = Store(path, create=False)
    from index.indexer import Indexer

    Indexer(store, HashEncoder()).add_upload(b"The secret harbour.", "discord:1/x.txt", "x.txt")
    store.close()
    assert [row["kind"] for row in listed(bot)] == ["path", "upload"]
    refused = bot("sources", "remove", 2, "--keep-articles", "-y")
    assert refused.code == Exit.ERROR and "go with their articles (2)" in refused.err
    assert bot("sources", "remove", 2, "-y").out == "Forgot 1 source and removed 1 article.\n"
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM upload").fetchone() == (0,)


# -- articles


def test_a_removed_page_stays_away(bot, web):
    """Removing a page's article forgets the page, and says so; a feed's article stays away though the feed has it."""
    bot("index", web.url("/gulls"), web.url("/feed"))
    ids = {row["title"]: row["id"] for row in json.loads(bot("articles", "list", "--json").out)}
    removed = bot("articles", "remove", *ids.values(), "--yes")
    assert removed.out.startswith(f"No longer looked at: {web.url('/gulls')}\nRemoved 2 articles.")
    assert [row["kind"] for row in listed(bot)] == ["feed"]
    web.put("/feed", feed(("Ferry", FERRY), ("Mail", "The mail comes on Mondays.")), "application/rss+xml")
    bot("index")
    assert titles(bot) == ["Mail"]


def test_copies_of_an_article(bot, tmp_path):
    """Copies are listed under the article that stands for them, shown with it, and removed with it."""
    text = "\n".join(f"The lighthouse keeper wrote letter number {n} about storm {n * 7}." for n in range(8))
    folder = elsewhere(tmp_path, a=f"The letters\n\n{text}", b=f"The letters\n\n{text}")
    bot("index", folder)
    (row,) = json.loads(bot("articles", "list", "--json").out)
    (copy,) = row["also"]
    assert {row["source"], copy["source"]} == {(folder / name).as_posix() for name in ("a.txt", "b.txt")}
    assert bot("articles", "list").out.rstrip("\n").split("\t")[-2:] == [row["source"], copy["source"]]
    assert f"Also: {copy['source']}\n" in bot("articles", "show", row["id"]).out
    assert f"A copy of: {row['id']}  The letters\n" in bot("articles", "show", copy["id"]).out
    assert "Removed 2 articles." in bot("articles", "remove", row["id"], "--yes").out
    assert titles(bot) == []


def test_articles_show_as_json(bot, web, tmp_path):
    """For programs, an article comes with its text and the sources that gave it."""
    bot("index", web.url("/gulls"))
    shown = json.loads(bot("articles", "show", 1, "--json").out)
    assert (shown["title"], shown["text"]) == ("Gulls on the roof", GULLS)
    assert shown["sources"] == [{"id": 1, "kind": "page", "address": web.url("/gulls")}]
    assert (shown["also"], shown["copy_of"], shown["pages"], shown["page_starts"]) == ([], None, None, [])


def test_a_corrected_page(bot, web):
    """An article whose page states the day of a correction is shown with both days, in answers and by itself."""
    days = '<meta property="article:published_time" content="2024-05-06">'
    days += '<meta property="article:modified_time" content="2024-05-08">'
    web.put("/gulls", page(GULLS, more=days))
    bot("index", web.url("/gulls"))
    asked = bot("ask", "How many pairs did the warden count this spring?").out
    assert asked.startswith("1. Gulls on the roof · 6 May 2024 · corrected 8 May 2024 · ")
    assert "Published: 6 May 2024\nCorrected: 8 May 2024\n" in bot("articles", "show", 1).out


def test_the_page_of_a_document(bot):
    """An answer from a PDF says on which page it stands."""
    document = Path(__file__).parent / "data" / "documents" / "writer.pdf"
    assert bot("index", document).code == Exit.DONE
    shown = json.loads(bot("articles", "show", 1, "--json").out)
    assert shown["pages"] > 1
    last = shown["text"][shown["page_starts"][-1] :].strip().split("\n")[-1]
    answer = json.loads(bot("ask", last, "--json", "--top", 1).out)
    hit = (answer["hits"] or [answer["nearest"]])[0]
    assert hit["page"] == shown["pages"]
    assert f" · p. {shown['pages']}" in bot("ask", last, "--top", 1).out


# -- check


def test_check_tells_what_may_be_reached(bot):
    """`check` notes that private networks may be reached, and how the reading process is limited."""
    out = bot("check").out
    assert "note   Fetching: also from 127.0.0.0/8" in out
    assert ("ok     Reading process: starts, with at most 512 MiB of memory and 60 s for a file" in out) is (
        os.uname().sysname == "Linux"
    )


def test_an_answer_too_slow_is_given_up(bot, web, tmp_path):
    """`fetch.seconds` bounds the time for one page."""
    (tmp_path / "config.toml").write_text('[fetch]\nallowed_networks = ["127.0.0.0/8"]\nseconds = 1\n')
    web.script("/slow", lambda talk: talk.wait() and answer()(talk))
    result = bot("index", web.url("/slow"))
    assert result.code == Exit.SOME_FAILED and "Failed: " in result.err
