"""The command line, on real corpora: in this process with a deterministic encoder, and as processes of its own."""

import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import tracemalloc
import warnings
from pathlib import Path

import pytest
from conftest import ARTICLES, HashEncoder, demanding
from rich.console import Console

from index.errors import UserError
from index.layout import database_path
from index.report import Progress
from index.store import Store
from records.records import FILE, Records
from terminal import VERSION, app, demo, progress
from terminal.session import Exit

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Commands set up logging and the environment of their process; a test leaves both as they were."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    before = dict(os.environ)
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(False)
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in set(os.environ) - set(before) - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def bot(tmp_path, capsys, encoder):
    """Runs one command line in this process; its home and databases are in `tmp_path`."""

    def run(*arguments: object, make_encoder=lambda config: encoder) -> Result:
        code = app.main([str(one) for one in arguments], home=tmp_path, make_encoder=make_encoder)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def indexed(bot, articles):
    """`bot`, with the three sample articles indexed for the operator."""
    assert bot("index", articles).code == Exit.DONE
    return bot


def process(*arguments: object, cwd: Path = ROOT, **options) -> subprocess.CompletedProcess[str]:
    """Runs bot.py as a process of its own, off a terminal."""
    environment = {key: value for key, value in os.environ.items() if key != "DISCORD_TOKEN"}
    return subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), *map(str, arguments)],
        cwd=cwd,
        env=environment | {"PYTHONUTF8": "1"} | options.pop("env", {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        **({"stdin": subprocess.DEVNULL} if "input" not in options else {}),
        **options,
    )


class Missing(HashEncoder):
    """The encoder of a model that cannot be had."""

    @property
    def dimension(self) -> int:
        raise UserError("The configured model cannot be had. Check `model.name`.")

    def _encode(self, texts):
        raise UserError("The configured model cannot be had. Check `model.name`.")


# -- index


def test_index_reports(bot, articles):
    """Indexing reports what became of each article and of all; again, all is unchanged; a vanished file is removed."""
    first = bot("index", articles)
    assert first.code == Exit.DONE
    assert first.out.startswith("Articles: 3 added, 0 changed, 0 unchanged, 0 removed. 11 sentences encoded")
    assert "Indexing: 3 of 3" in first.err
    assert re.search(
        rf"^  added     {re.escape((articles / 'owls.md').as_posix())} \(4 encoded, 0 reused, \d", first.out, re.M
    )
    assert bot("index", articles).out.startswith("Articles: 0 added, 0 changed, 3 unchanged, 0 removed.")
    (articles / "owls.md").unlink()
    last = bot("index", articles)
    assert last.out.startswith("Articles: 0 added, 0 changed, 2 unchanged, 1 removed.")
    assert f"  removed   {(articles / 'owls.md').as_posix()} (it is no longer there)\n" in last.out
    assert "bakery" not in last.out
    assert f"  unchanged {(articles / 'bakery.txt').as_posix()}\n" in bot("index", articles, "--verbose").out


def test_index_without_a_path(bot, articles):
    """Without a path the configured folder is indexed; where it is missing, the error says what to do."""
    assert bot("index").out.startswith("Articles: 3 added")
    shutil.rmtree(articles)
    result = bot("index")
    assert result.code == Exit.ERROR
    assert result.err.startswith("Error: There is no folder")
    assert "python bot.py index PATH" in result.err


def test_index_reports_failures(bot, articles):
    """A file that cannot be read is named on stderr, costs no other, and shows in the exit code."""
    (articles / "broken.txt").write_bytes(bytes(range(256)) * 20)
    result = bot("index", articles, articles / "nosuch.md")
    assert result.code == Exit.SOME_FAILED
    assert "3 added" in result.out
    assert "2 failed" in result.out
    assert len(re.findall(r"^Failed: .*(?:broken\.txt|nosuch\.md)", result.err, re.MULTILINE)) == 2


def test_index_as_json(bot, articles):
    """The report for programs says what became of every article, and gives every failure its reason."""
    report = json.loads(bot("index", articles, "nosuch.md", "--json").out)
    assert sorted(Path(source).name for source in report["added"]) == sorted(ARTICLES)
    assert (report["changed"], report["removed"], report["unchanged"], report["cancelled"]) == ([], [], [], False)
    assert (report["encoded"], report["reused"]) == (11, 0)
    assert [failure["source"] for failure in report["failed"]] == ["nosuch.md"]
    settled = {Path(one["source"]).name: one for one in report["articles"]}
    assert settled["owls.md"] | {"source": "", "seconds": 0} == {
        "source": "", "outcome": "added", "reason": None, "encoded": 4, "reused": 0, "seconds": 0,
    }  # fmt: skip
    assert settled["nosuch.md"]["outcome"] == "failed" and "does not exist" in settled["nosuch.md"]["reason"]
    assert (report["dry_run"], report["notes"], report["answered"]) == (False, [], [])


def test_a_long_report_names_the_first_articles(bot, articles):
    """Of many articles the first twenty are named, and `--verbose` names them all."""
    for n in range(25):
        (articles / f"{n}.txt").write_text(f"The town number {n} is small.")
    assert bot("index", articles).out.endswith("  and 8 more; --verbose lists them all\n")
    for n in range(25):
        (articles / f"{n}.txt").write_text(f"The town number {n} is large.")
    lines = bot("index", articles, "-v").out.splitlines()
    assert [sum(line.startswith(f"  {kind}") for line in lines) for kind in ("changed", "unchanged")] == [25, 3]


def test_files_of_other_kinds_are_noted(bot, articles):
    """The report says how many files of a folder were passed over, and of which kinds."""
    for name in ("a.jpg", "b.JPG", "c.py", ".hidden.jpg"):
        (articles / name).write_text("x")
    assert "  note: 3 files of other kinds were skipped (.jpg 2, .py 1)\n" in bot("index", articles).out
    (note,) = json.loads(bot("index", "--json").out)["notes"]
    assert note == {"source": None, "note": "3 files of other kinds were skipped (.jpg 2, .py 1)"}


def test_a_file_is_judged_by_its_content(bot, articles):
    """A file that is named itself needs no suffix; one that is no text is refused by what it is."""
    (articles / "README").write_text("The lighthouse is closed on Mondays.")
    (articles / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    result = bot("index", articles / "README", articles / "picture")
    assert result.out.startswith("Articles: 1 added, 0 changed, 0 unchanged, 0 removed, 1 failed.")
    assert "is not text but PNG data" in result.err


def test_a_dry_run_stores_nothing(bot, articles, tmp_path):
    """`--dry-run` reports what a run would do, makes no database, and changes none."""
    before = bot("index", "--dry-run")
    assert before.code == Exit.DONE
    assert before.out.startswith(
        "Dry run, nothing is stored. Articles: 3 added, 0 changed, 0 unchanged, 0 removed. 11 sentences encoded"
    )
    assert not (tmp_path / "data").exists()
    bot("index")
    (articles / "owls.md").unlink()
    (articles / "bakery.txt").write_text(ARTICLES["bakery.txt"] + "It is closed on Mondays.\n")
    would = json.loads(bot("index", "--dry-run", "--json").out)
    assert would["dry_run"] and would["encoded"] == 1
    assert len(json.loads(bot("articles", "list", "--json").out)) == 3
    does = json.loads(bot("index", "--json").out)
    kinds = ("added", "changed", "unchanged", "removed", "failed", "encoded", "reused")
    assert [does[kind] for kind in kinds] == [would[kind] for kind in kinds]
    assert not does["dry_run"]


def test_a_dry_run_needs_no_model(bot, articles):
    """What would be encoded is told without the model."""
    assert "3 added" in bot("index", "--dry-run", make_encoder=lambda config: Missing()).out


def test_index_respects_the_size_limit(bot, articles, tmp_path):
    """A file above `limits.max_file_mb` is refused."""
    (tmp_path / "config.toml").write_text("[limits]\nmax_file_mb = 1\n")
    (articles / "large.txt").write_text("A sentence of some length. " * 50_000)
    result = bot("index", articles)
    assert result.code == Exit.SOME_FAILED
    assert "the limit is 1 MiB" in result.err


def test_a_huge_file_costs_the_others_nothing(bot, articles):
    """A file of 50 MB is refused with its size and the limit, without being read, and the others are indexed."""
    huge = articles / "huge.txt"
    with huge.open("wb") as file:
        file.write(b"A sentence of some length. ")
        file.truncate(50 * 1024 * 1024)
    tracemalloc.start()
    try:
        result = bot("index", huge, articles / "owls.md")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.code == Exit.SOME_FAILED
    assert "Articles: 1 added" in result.out
    assert f"Failed: {huge.as_posix()}: “huge.txt” is too large, with 50.0 MiB; the limit is 10 MiB" in result.err
    assert peak < 50 * 1024 * 1024


def test_index_respects_the_limit_of_sentences(bot, articles, tmp_path):
    """`limits.max_sentences` bounds a server's own articles together, and not the operator's."""
    (tmp_path / "config.toml").write_text("[limits]\nmax_sentences = 8\n")
    result = bot("index", articles, "--server", 7)
    assert result.code == Exit.SOME_FAILED
    assert result.out.startswith("Articles: 2 added")
    assert "limits.max_sentences" in result.err
    assert bot("index", articles).out.startswith("Articles: 3 added")


def test_a_bad_pattern_costs_the_others_nothing(bot, articles):
    """Patterns whose brackets make no sense match nothing, and the other targets are indexed."""
    result = bot("index", articles / "[z-a].txt", articles / "[!]", articles / "owls.md")
    assert result.code == Exit.SOME_FAILED
    assert "Articles: 1 added" in result.out
    assert result.err.count("holds no articles") == 2


def test_a_model_that_cannot_be_had_leaves_no_database(bot, articles, tmp_path):
    """Where the model cannot be had, indexing for the first time says so and makes no database."""
    result = bot("index", articles, make_encoder=lambda config: Missing())
    assert result.code == Exit.ERROR
    assert "Error: The configured model cannot be had." in result.err
    assert not (tmp_path / "data").exists()


def test_a_server_has_articles_of_its_own(bot, articles, tmp_path):
    """`--server` indexes, lists, asks and removes a server's own articles; the operator's are shared where allowed."""
    bot("index", articles / "owls.md")
    bot("index", articles / "bakery.txt", "--server", 7)
    assert "owls" not in bot("articles", "list", "--server", 7).out
    assert "bakery" not in bot("articles", "list").out
    assert bot("ask", "When do visitors watch the owls?", "--server", 7).code == Exit.DONE
    assert bot("ask", "What does the bakery sell on Fridays?").code == Exit.NOTHING_FOUND
    assert bot("ask", "What does the bakery sell on Fridays?", "--server", 7).code == Exit.DONE
    (tmp_path / "config.toml").write_text("shared_with = [8]\n")
    assert bot("ask", "When do visitors watch the owls?", "--server", 7).code == Exit.NOTHING_FOUND
    assert bot("articles", "remove", "--all", "--yes", "--server", 7).code == Exit.DONE
    assert bot("articles", "list", "--server", 7).out.startswith("No articles")
    assert "owls" in bot("articles", "list").out


def test_rebuild_after_a_change_of_model(indexed, articles):
    """After a change of model asking is refused with the remedy, which encodes every corpus anew."""
    indexed("index", articles / "owls.md", "--server", 7)

    def other(config):
        return HashEncoder(64, model="other")

    refused = indexed("ask", "When was the bridge opened?", make_encoder=other)
    assert refused.code == Exit.ERROR
    assert "python bot.py index --rebuild" in refused.err
    rebuilt = indexed("index", "--rebuild", "--json", make_encoder=other)
    assert json.loads(rebuilt.out) == {"corpora": 2, "articles": 4, "failed": [], "cancelled": False}
    assert indexed("ask", "When was the bridge opened?", make_encoder=other).code == Exit.DONE


def test_rebuild_goes_on_after_a_damaged_corpus(indexed, articles, tmp_path):
    """A damaged database is reported by `--rebuild` and costs the others nothing."""
    indexed("index", articles / "owls.md", "--server", 7)
    path = database_path(tmp_path / "data", 7)
    path.write_bytes(b"not a database" * 1000)
    result = indexed("index", "--rebuild")
    assert result.code == Exit.SOME_FAILED
    assert "Encoded anew: 3 article(s) in 1 corpus(es)." in result.out
    assert "7.db" in result.err


def test_a_rebuild_can_be_stopped_and_goes_on(indexed):
    """Ctrl-C stops `--rebuild` with exit code 130 and all as it was; the same command encodes only the rest."""

    class Other(HashEncoder):
        def __init__(self, *, stops: bool) -> None:
            super().__init__(64, model="other")
            self.read, self._stops = [], stops

        def read_passages(self, texts):
            ours = [text for text in texts if text.split("\n")[-1] in "".join(ARTICLES.values())]
            self.read += ours
            if ours and self._stops:
                self._stops = False
                signal.raise_signal(signal.SIGINT)
            return super().read_passages(texts)

    first, second = Other(stops=True), Other(stops=False)
    stopped = indexed("index", "--rebuild", make_encoder=lambda config: first)
    assert stopped.code == Exit.INTERRUPTED
    assert "The same command goes on." in stopped.out
    assert indexed("ask", "When was the bridge opened by the mayor?").code == Exit.DONE
    done = indexed("index", "--rebuild", make_encoder=lambda config: second)
    assert done.out == "Encoded anew: 3 article(s) in 1 corpus(es).\n"
    assert first.read and second.read and len({*first.read, *second.read}) == len(first.read + second.read) == 11


def test_rebuild_of_nothing(bot):
    """Rebuilding where nothing is indexed is an error that says how to index."""
    assert "python bot.py index PATH" in bot("index", "--rebuild").err


# -- ask


def test_ask(indexed, articles):
    """The answer shows the sentence within its neighbours, its title, date and source."""
    result = indexed("ask", "Was it opened by the mayor in 1932?")
    assert result.code == Exit.DONE
    assert result.out.splitlines()[:5] == [
        "1. The Tallow Bridge · 6 May 2024 · strong match",
        "     The Tallow Bridge crosses the river Wend.",
        "   > It was opened by the mayor in 1932.",
        "     Its two towers are painted green every seven years.",
        "   https://example.org/bridge",
    ]
    assert result.err == ""


def test_ask_as_json_is_verbatim(indexed):
    """Each hit for programs is, to the letter, the slice of its article that it names."""
    answer = json.loads(indexed("ask", "Was", "it", "opened", "by", "the", "mayor", "in", "1932?", "--json").out)
    assert answer["question"] == "Was it opened by the mayor in 1932?"
    assert answer["answered"]
    first = answer["hits"][0]
    assert (first["url"], first["published"]) == ("https://example.org/bridge", "2024-05-06")
    shown = indexed("articles", "show", first["article_id"]).out
    text = shown.split("\n\n", 1)[1]
    assert text[first["start"] : first["end"]] == first["text"] == "It was opened by the mayor in 1932."


def test_ask_as_json_has_the_agreed_keys(bot, articles):
    """An answer for programs has the agreed keys, with the neighbours, the confidence and where else it stands."""
    (articles / "towers.txt").write_text(
        "Green towers\n\nThe guild met twice. Its two towers are painted green every seven years. Nobody knows why.\n"
    )
    bot("index", articles)
    ids = {row["title"]: row["id"] for row in json.loads(bot("articles", "list", "--json").out)}
    answer = json.loads(bot("ask", "Which towers are painted green every seven years?", "--json").out)
    assert set(answer) == {"question", "answered", "confidence", "foreign_language", "searched", "hits", "nearest"}
    assert (answer["answered"], answer["confidence"]) == (True, "strong")
    place = {"text", "start", "end", "article_id", "title", "source", "url", "published", "updated", "page"}
    for hit in answer["hits"]:
        assert set(hit) == place | {"before", "after", "also_in", "differing", "confidence"}
        assert all(set(other) == place for other in (*hit["also_in"], *hit["differing"]))
        assert hit["article_id"] == ids[hit["title"]]
        assert hit["confidence"] in {"strong", "likely", "weak"}
    first = answer["hits"][0]
    (other,) = first["also_in"]
    assert first["text"] == other["text"] == "Its two towers are painted green every seven years."
    assert {first["article_id"], other["article_id"]} == {ids["The Tallow Bridge"], ids["Green towers"]}
    assert (first["before"], first["after"]) == {
        ids["The Tallow Bridge"]: ("It was opened by the mayor in 1932.", None),
        ids["Green towers"]: ("The guild met twice.", "Nobody knows why."),
    }[first["article_id"]]
    assert first["confidence"] == "strong"


@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_the_question_is_logged_only_where_that_is_wanted(indexed, tmp_path, level, logged):
    """`log.questions` decides whether a question's text is in the log, where the level lets it be logged at all."""
    (tmp_path / "config.toml").write_text(f"[log]\nlevel = '{level}'\nquestions = {str(logged).lower()}\n")
    result = indexed("ask", "Who opened the Tallow Bridge?")
    assert result.code == Exit.DONE
    assert (" asked " in result.err) is (level == "debug")
    assert ("Who opened" in result.err) is (level == "debug" and logged)


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_log_is_in_the_configured_format(indexed, tmp_path, style):
    """`log.format` decides whether the log is text for people or an object a line."""
    (tmp_path / "config.toml").write_text(f"[log]\nlevel = 'debug'\nformat = '{style}'\n")
    (line,) = [one for one in indexed("ask", "Who opened it?", "--json").err.splitlines() if "asked" in one]
    assert line.startswith("{") is (style == "json")
    if style == "json":
        assert {"level": "info", "message": "asked"}.items() <= json.loads(line).items()


@pytest.mark.parametrize("level, expected", [("debug", 10), ("info", 30), ("warning", 30), ("error", 40)])
def test_the_log_has_the_configured_level(bot, tmp_path, level, expected):
    """`log.level` is the level of the log, but that commands leave out what goes well unless "debug" is wanted."""
    (tmp_path / "config.toml").write_text(f"[log]\nlevel = '{level}'\n")
    bot("articles", "list")
    assert logging.getLogger().level == expected


def test_ask_top(indexed, tmp_path):
    """`--top` limits the hits, and without it the configuration does."""

    def hits(*options: str) -> int:
        return len(json.loads(indexed("ask", "Tallow Bridge river towers mayor", "--json", *options).out)["hits"])

    assert hits("--top", "1") == 1
    assert hits("--top", "2") == 2
    (tmp_path / "config.toml").write_text("[answers]\nhits = 1\n")
    assert hits() == 1


def test_ask_finds_nothing(indexed):
    """Nothing found is said on stdout with what is indexed, and shows in the exit code; so it does in JSON."""
    result = indexed("ask", "Who discovered penicillin?")
    assert result.code == Exit.NOTHING_FOUND
    assert result.out.startswith("Nothing found in 3 articles (11 sentences).")
    assert result.err == ""
    result = indexed("ask", "Who discovered penicillin?", "--json")
    assert result.code == Exit.NOTHING_FOUND
    assert json.loads(result.out)["hits"] == []
    assert json.loads(result.out)["nearest"] is None


def demand(folder: Path) -> None:
    """Configures a ranker that wants more certainty than there ever is."""
    path = demanding(folder / "demanding.json")
    (folder / "config.toml").write_text(f"[ranking]\nweights = '{path.as_posix()}'\n[log]\nlevel = 'debug'\n")


def test_ask_shows_the_nearest(indexed, tmp_path):
    """Where nothing is sure enough the nearest is shown as such, and exit code, JSON and log tell of no answer."""
    demand(tmp_path)
    result = indexed("ask", "When do visitors watch the owls?")
    assert result.code == Exit.NOTHING_FOUND
    assert result.out.splitlines()[:4] == [
        "Nothing found that surely answers. The nearest sentence:",
        "Owls in the old mill",
        "     They raised four chicks this summer.",
        "   > Visitors may watch them from the hide after sunset.",
    ]
    assert "hits=0" in result.err and "confidence=None" in result.err
    result = indexed("ask", "When do visitors watch the owls?", "--json")
    assert result.code == Exit.NOTHING_FOUND
    answer = json.loads(result.out)
    assert (answer["answered"], answer["confidence"], answer["hits"]) == (False, None, [])
    assert answer["nearest"]["text"] == "Visitors may watch them from the hide after sunset."


@pytest.mark.model
@pytest.mark.process
def test_ask_tells_what_it_searched_for(tmp_path):
    """A slip that was put right is told, above the answer and in JSON; and nothing where there was none."""
    shutil.copytree(ROOT / "examples" / "articles", tmp_path / "articles")
    process("index", tmp_path / "articles", "--data", tmp_path / "data")
    for question, searched in (
        ("How much did the sea wall in Port Merorw cost?", "How much did the sea wall in Port Merrow cost?"),
        ("How much did the sea wall in Port Merrow cost?", None),
    ):
        lines = process("ask", question, "--data", tmp_path / "data").stdout.splitlines()
        assert (lines[0] == f"Searched for: {searched}") is (searched is not None)
        told = json.loads(process("ask", question, "--data", tmp_path / "data", "--json").stdout)
        assert (told["question"], told["searched"]) == (question, searched)


def test_the_demo_shows_the_nearest(bot, tmp_path):
    """The demo shows the nearest as `ask` does."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    demand(tmp_path)
    out = bot("demo", "--no-prompt").out
    assert "Nothing found that surely answers. The nearest sentence:\n" in out
    assert "\n1. " not in out


def test_ask_before_anything_is_indexed(bot):
    """Asking before anything is indexed says so, loads no model, and makes no database."""

    def no_encoder(config):
        class Broken:
            languages = None

        return Broken()

    result = bot("ask", "Anything?", make_encoder=no_encoder)
    assert result.code == Exit.NOTHING_FOUND
    assert "no articles are indexed yet" in result.out


# -- articles


def test_articles_list(indexed, articles):
    """The list has a line for each article, by title: number, title, date, sentences and source."""
    rows = [line.split("\t") for line in indexed("articles", "list").out.splitlines()]
    assert [row[1] for row in rows] == ["A bakery on Quarry Street", "Owls in the old mill", "The Tallow Bridge"]
    assert rows[2][2:] == ["2024-05-06", "3", (articles / "bridge.md").as_posix()]
    data = json.loads(indexed("articles", "list", "--json").out)
    assert [str(row["id"]) for row in data] == [row[0] for row in rows]
    facts = {"id", "title", "source", "url", "author", "published", "updated", "language", "pages", "indexed_at"}
    assert set(data[0]) == facts | {"sentences", "also"} and data[0]["language"] == "en"


def test_articles_list_of_nothing(bot, tmp_path):
    """An empty list says how to index, is `[]` for programs, and makes no database."""
    assert "python bot.py index PATH" in bot("articles", "list").out
    assert json.loads(bot("articles", "list", "--json").out) == []
    assert not (tmp_path / "data").exists()


def test_articles_show(indexed):
    """One article is shown with what is known of it and its text."""
    number = json.loads(indexed("articles", "list", "--json").out)[2]["id"]
    shown = indexed("articles", "show", number).out
    assert shown.startswith("The Tallow Bridge\nSource: ")
    assert "Link: https://example.org/bridge\nPublished: 6 May 2024\n" in shown
    assert "\n\nThe Tallow Bridge crosses the river Wend." in shown


def test_articles_remove(indexed, tmp_path, monkeypatch):
    """Removing asks first; once confirmed the articles are gone, and nothing of their text stays in the database."""
    ids = {row["title"]: row["id"] for row in json.loads(indexed("articles", "list", "--json").out)}

    def stored(text: bytes) -> bool:
        return any(text.lower() in path.read_bytes().lower() for path in (tmp_path / "data").rglob("*.db*"))

    assert stored(b"opened by the mayor") and stored(b"Tallow") and stored(b"barn owls")
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody answers
    refused = indexed("articles", "remove", ids["The Tallow Bridge"])
    assert refused.code == Exit.ERROR
    assert "--yes" in refused.err
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert indexed("articles", "remove", ids["The Tallow Bridge"]).code == Exit.ERROR
    assert len(json.loads(indexed("articles", "list", "--json").out)) == 3
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert indexed("articles", "remove", ids["The Tallow Bridge"], ids["Owls in the old mill"]).code == Exit.DONE
    assert [row["title"] for row in json.loads(indexed("articles", "list", "--json").out)] == [
        "A bakery on Quarry Street"
    ]
    assert stored(b"rye bread")
    for text in (b"opened by the mayor", b"mayor", b"Tallow", b"bridge", b"barn owls", b"chick", b"owls"):
        assert not stored(text), text


def test_an_article_named_twice_is_removed_once(indexed):
    """An article's number given twice counts once; what is said of it stays on one line."""
    number = json.loads(indexed("articles", "list", "--json").out)[0]["id"]
    result = indexed("articles", "remove", number, number, "--yes")
    assert result.code == Exit.DONE
    assert result.err == f"{number}  A bakery on Quarry Street\n"
    assert (
        result.out == "Removed 1 article. A file that is still in an indexed folder comes back with the next index.\n"
    )


def test_articles_remove_all(indexed, tmp_path):
    """Removing all deletes the database."""
    assert indexed("articles", "remove", "--all", "--yes").code == Exit.DONE
    assert not database_path(tmp_path / "data", None).exists()
    assert indexed("articles", "remove", "--all", "--yes").code == Exit.DONE


def test_an_unknown_number_removes_nothing(indexed):
    """If one of several numbers is wrong, it is named and nothing is removed."""
    ids = [row["id"] for row in json.loads(indexed("articles", "list", "--json").out)]
    result = indexed("articles", "remove", *ids, 99, "--yes")
    assert result.code == Exit.ERROR
    assert "No article has the number 99." in result.err
    assert len(json.loads(indexed("articles", "list", "--json").out)) == 3
    assert "99" in indexed("articles", "show", 99).err


# -- check


def test_check_of_a_sound_set_up(indexed, monkeypatch):
    """Where all is well, check says so of each part, counts the articles, and returns 0."""
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    result = indexed("check")
    assert result.code == Exit.DONE
    labels = re.findall(r"^ok     ([^:]+):", result.out, re.MULTILINE)
    assert labels == [
        "Configuration",
        "Discord token",
        "Data folder",
        "Disk space",
        "SQLite with FTS5",
        "Articles folder",
        "Reading process",
        "Fetching",
        "Model",
        "Ranking",
        "Operator's articles",
    ]
    assert "3 with 11 sentences, sound" in result.out
    assert TOKEN not in result.out + result.err


def test_check_without_a_token(bot):
    """No token and nothing indexed are worth a note with what to do, and no failure."""
    result = bot("check")
    assert result.code == Exit.DONE
    assert "note   Discord token: not set" in result.out
    assert "note   Operator's articles: none indexed yet" in result.out


def test_check_finds_a_malformed_token(bot, tmp_path):
    """A token of the wrong form is a failure, and is not shown."""
    (tmp_path / ".env").write_text("DISCORD_TOKEN=0123456789abcdef\n")
    result = bot("check")
    assert result.code == Exit.ERROR
    assert "FAILED Discord token" in result.out
    assert "0123456789abcdef" not in result.out + result.err


def test_check_finds_a_wrong_configuration(bot, tmp_path):
    """A wrong configuration is a finding that names the key."""
    (tmp_path / "config.toml").write_text("[answers]\nhits = 0\n")
    result = bot("check")
    assert result.code == Exit.ERROR
    assert "FAILED Configuration" in result.out
    assert "answers.hits = 0 is not allowed" in result.out


def test_check_finds_other_models_and_damage(indexed, articles, tmp_path):
    """A corpus of another model and a damaged one are failures with their remedies; the rest is still looked at."""
    indexed("index", articles / "owls.md", "--server", 7)
    database_path(tmp_path / "data", 7).write_bytes(b"not a database" * 1000)
    result = indexed("check", make_encoder=lambda config: HashEncoder(model="other"))
    assert result.code == Exit.ERROR
    assert re.search(r"FAILED Operator's articles: .*index --rebuild", result.out)
    assert re.search(r"FAILED Articles of server 7: .*is not a Verbatim database", result.out)


def test_check_looks_at_the_records(indexed, tmp_path):
    """What the bot remembers of servers is looked at as the corpora are; without any it is a note."""
    assert "note   Records: none yet" in indexed("check").out
    Records(tmp_path / "data").close()
    assert re.search(r"ok     Records: .*discord.db, sound", indexed("check").out)
    (tmp_path / "data" / FILE).write_bytes(b"not a database" * 1000)
    result = indexed("check")
    assert result.code == Exit.ERROR
    assert re.search(r"FAILED Records: .*is not a Verbatim database", result.out)


def test_check_finds_a_missing_model(bot, tmp_path):
    """A model that cannot be had is a failure whose text says what to do."""
    result = bot("check", make_encoder=lambda config: Missing())
    assert result.code == Exit.ERROR
    assert "FAILED Model: The configured model cannot be had. Check `model.name`." in result.out


# -- options, errors, exit codes


@pytest.mark.parametrize("order", ["before", "after", "between"])
def test_config_and_data_go_before_and_after_the_command(bot, articles, tmp_path, order):
    """`--config` and `--data` are understood before the command, after it, and within a group."""
    (tmp_path / "other.toml").write_text(f"articles = '{articles.as_posix()}'\n")
    options = ["--config", tmp_path / "other.toml", "--data", tmp_path / "elsewhere"]
    shutil.copytree(articles, tmp_path / "kept")
    assert bot(*(["index", *options] if order != "before" else [*options, "index"])).code == Exit.DONE
    assert (tmp_path / "elsewhere" / "operator.db").exists()
    assert not (tmp_path / "data").exists()
    listing = {
        "before": [*options, "articles", "list"],
        "between": ["articles", *options, "list"],
        "after": ["articles", "list", *options],
    }[order]
    assert len(bot(*listing).out.splitlines()) == 3


def test_an_option_after_the_command_wins(bot, tmp_path):
    """Given twice, the option nearer to the command counts."""
    result = bot("--config", tmp_path / "first.toml", "articles", "list", "--config", tmp_path / "second.toml")
    assert "second.toml" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["ask"],
        ["ask", " "],
        ["ask", "x", "--top", "0"],
        ["ask", "x", "--nosuch"],
        ["ask", "x", "--server", "abc"],
        ["index", "--rebuild", "x"],
        ["index", "--rebuild", "--dry-run"],
        ["index", "--rebuild", "--no-remember"],
        ["index", "--no-remember"],
        ["sources", "add"],
        ["sources", "add", "x", "--every", "6"],
        ["sources", "add", "x", "--every", "1m"],
        ["sources", "add", "x", "--every", "999d"],
        ["sources", "remove"],
        ["sources", "pause", "one"],
        ["articles", "remove"],
        ["articles", "remove", "1", "--all"],
        ["articles", "show", "one"],
        ["articles", "show", 2**63],
        ["articles", "show", "99999999999999999999"],
        ["articles", "remove", "1", 2**63, "--yes"],
        ["articles", "list", "--server", 2**64],
    ],
)
def test_wrong_usage(bot, arguments):
    """Wrong usage is one error on stderr that names the help, with exit code 2."""
    result = bot(*arguments)
    assert result.code == Exit.USAGE
    assert result.out == ""
    assert result.err.startswith("Error: ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ask", "x", "--server", "abc"], "“abc” is not a Discord server's id: a whole number, such as 12"),
        (["ask", "x", "--server", "9" * 5000], "is not a Discord server's id"),
        (["ask", "x", "--top", "many"], "“many” is not a number from 1 to 50."),
        (["articles", "show", "one"], "“one” is not an article's number, as `articles list` gives it."),
        (["sources", "pause", "-1"], "No such option"),
        (["sources", "resume", "0"], "“0” is not a source's number, as `sources list` gives it."),
        (["sources", "add", "x", "--every", "soon"], "“soon” is not a time from 5m to 365d, such as 30m, 6h or 2d"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_plain_words(bot, arguments, expected):
    """Whoever gives a value of the wrong kind is told what is wanted."""
    message = " ".join(bot(*arguments).err.split())
    assert expected in message and "Input should be" not in message


def test_an_error_is_one_block_without_a_traceback(bot, tmp_path):
    """What the person can mend is one block on stderr, without a traceback, with exit code 1."""
    result = bot("ask", "x", "--config", tmp_path / "nosuch.toml")
    assert result.code == Exit.ERROR
    assert result.out == ""
    assert result.err.startswith("Error: There is no configuration file")
    assert "Traceback" not in result.err


def test_the_largest_numbers_are_numbers_like_others(indexed):
    """The largest article number and the largest server id there can be are looked for, and not found."""
    assert f"No article has the number {2**63 - 1}." in indexed("articles", "show", 2**63 - 1).err
    assert indexed("articles", "list", "--server", 2**64 - 1).out.startswith("No articles")


def test_files_that_are_no_servers_are_passed_over(indexed, articles, tmp_path):
    """Only files named by an id are servers' databases; others in that folder disturb nothing."""
    indexed("index", articles / "owls.md", "--server", 7)
    for name in ("²3.db", "٣.db", "notes.db", "-1.db", "007.db", f"{'9' * 30}.db"):
        (tmp_path / "data" / "servers" / name).write_bytes(b"")
    result = indexed("check")
    assert result.code == Exit.DONE
    assert re.findall(r"Articles of server (\d+)", result.out) == ["7"]


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be deleted there")
@pytest.mark.parametrize("arguments", [["ask", "x"], ["index", "x.md"], ["articles", "list", "--data", "x"], ["check"]])
def test_a_deleted_working_folder_is_an_error(indexed, tmp_path, monkeypatch, arguments):
    """In a folder that has been deleted every command says so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = indexed(*arguments)
    assert result.code == Exit.ERROR
    assert result.err == "Error: The working folder has been deleted. Change to a folder that exists.\n"


def test_a_defect_is_logged_and_apologised_for(bot):
    """A defect keeps its traceback in the log, without any token, and ends with an apology and the same reference."""

    def broken(config):
        raise RuntimeError(f"a defect {TOKEN}")

    result = bot("ask", "x", make_encoder=broken)
    assert result.code == Exit.ERROR
    assert "RuntimeError: a defect [token]" in result.err
    reference = re.search(r"reference=(\w+)", result.err)[1]
    assert result.err.splitlines()[-1].startswith("Error: sorry")
    assert f"reference {reference}" in result.err.splitlines()[-1]


def test_without_a_token_the_bot_does_not_start(bot):
    """Without a command and without a token the error says where a token goes, and what works without."""
    result = bot()
    assert result.code == Exit.ERROR
    assert "DISCORD_TOKEN" in result.err
    assert "python bot.py demo" in result.err


def test_the_exit_codes_are_documented(bot):
    """The help names every exit code, and every command."""
    text = " ".join(bot("--help").out.split())
    for code in Exit:
        assert re.search(rf"\b{code.value} ", text.partition("Exit codes:")[2])
    for command in ("demo", "ask", "index", "articles", "sources", "waiting", "check", "version"):
        assert f" {command} " in text


def test_the_version_is_that_of_the_project(bot):
    """`version` says the version that pyproject.toml has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert bot("version").out.startswith(f"Verbatim {VERSION} (Python ")


# -- interruption


def test_progress_on_a_terminal():
    """On a terminal a bar shows how many articles are done, and is gone at the end."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, legacy_windows=False)
    with progress.shown(console) as report:
        for done in range(1, 4):
            report(Progress(done, 3, f"{done}.md"))
    shown = screen.getvalue()
    assert "━" in shown and "3/3" in shown


def test_progress_of_what_turns_out_to_be_nothing():
    """A feed without entries has nothing to count, and off a terminal there is no line for it."""
    console = Console(file=io.StringIO(), width=80)
    with progress.shown(console) as report:
        report(Progress(0, 0, "https://example.org/feed"))
    assert console.file.getvalue() == ""


def test_the_first_ctrl_c_asks_and_the_second_insists(capfd):
    """The first Ctrl-C asks for an orderly stop, the second interrupts, and afterwards all is as before."""
    before = signal.getsignal(signal.SIGINT)
    with progress.interruptible() as cancel:
        assert not cancel.is_set()
        signal.raise_signal(signal.SIGINT)
        assert cancel.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ctrl-C again stops at once" in capfd.readouterr().err


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_indexing(bot, articles, tmp_path, times):
    """Ctrl-C while encoding, once or twice, ends with exit code 130 and a corpus of whole articles."""

    class Interrupting(HashEncoder):
        encoded = 0

        def encode_passages(self, texts):
            before, self.encoded = self.encoded, self.encoded + len(texts)
            if before <= 1_200 < self.encoded:  # a batch of articles has then been stored
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)
            return super().encode_passages(texts)

    for n in range(50):
        text = " ".join(f"The town number {n} has {m} wells in it." for m in range(40))
        (articles / f"town-{n:02d}.txt").write_text(text)
    result = bot("index", articles, make_encoder=lambda config: Interrupting())
    assert result.code == Exit.INTERRUPTED
    assert result.err.splitlines()[-1] == "Interrupted."
    with_all = Store(database_path(tmp_path / "data", None), create=False)
    counts = [article.sentences for article in with_all.articles() if article.source.endswith(".txt")]
    assert with_all.problems() == []
    with_all.close()
    assert 0 < len(counts) < 50
    assert set(counts) <= {40, 4}
    assert bot("index", articles).code == Exit.DONE


@pytest.mark.model
@pytest.mark.process
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_in_a_real_process(tmp_path):
    """A real SIGINT while a real model encodes: exit code 130, whole articles only, and the next run completes them."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for n in range(60):
        text = " ".join(f"In the year {1000 + n * 20 + m} the town of Alder had {m * n} bridges." for m in range(20))
        (folder / f"{n:02d}.txt").write_text(text)
    command = [sys.executable, str(ROOT / "bot.py"), "index", str(folder), "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        line = running.stderr.readline()
        assert line.startswith("Indexing: ")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=120)
    assert running.returncode == Exit.INTERRUPTED, err
    assert "Interrupted." in err
    store = Store(database_path(tmp_path / "data", None), create=False)
    found = store.articles()
    assert store.problems() == []
    assert 0 < len(found) < 60
    assert {article.sentences for article in found} == {20}
    for article in found:
        assert store.load(article.id).text == Path(article.source).read_text()
    store.close()


# -- processes


@pytest.mark.process
@pytest.mark.parametrize(
    "arguments", [["--help"], ["version"], ["articles", "list"], ["ask", "--help"], ["sources", "list"]]
)
def test_nothing_heavy_is_imported_for_little(tmp_path, arguments):
    """Help, version and lists import neither the model's libraries nor FAISS, a reader or Discord."""
    data = tmp_path / "data"
    Store(database_path(data, None)).close()
    result = process(
        *arguments, *(["--data", data] if "--help" not in arguments else []), env={"PYTHONPROFILEIMPORTTIME": "1"}
    )
    assert result.returncode == Exit.DONE
    imported = set(re.findall(r"\|\s+(\w+)$", result.stderr, re.MULTILINE))
    assert "typer" in imported
    heavy = {
        "torch",
        "transformers",
        "sentence_transformers",
        "faiss",
        "trafilatura",
        "discord",
        "scipy",
        "sklearn",
        "aiohttp",
    }
    assert imported & heavy == set()


@pytest.mark.process
def test_bot_py_from_another_folder(tmp_path):
    """bot.py runs from any folder, and its output off a terminal has no control sequences."""
    result = process("articles", "list", "--data", tmp_path / "data", cwd=tmp_path)
    assert result.returncode == Exit.DONE
    assert result.stdout.startswith("No articles are indexed yet.")
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.model
@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="folders cannot be made read-only there")
def test_a_data_folder_that_cannot_be_written(indexed, tmp_path):
    """In a read-only data folder what would write is an error in one line, and nothing there changes."""
    # An administrator may write anywhere, unless that is given up.
    limited = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if limited and not shutil.which("setpriv"):
        pytest.skip("needs setpriv where an administrator runs the tests")
    empty, full, new = tmp_path / "empty", tmp_path / "data", tmp_path / "new.txt"
    empty.mkdir()
    new.write_text("A new article. It is about larks.")
    before = {path: path.read_bytes() for path in full.iterdir()}
    for path in (*before, full, empty):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for data, *arguments in ((empty, "index", new), (full, "articles", "remove", "--yes", "1")):
            command = [*limited, sys.executable, ROOT / "bot.py", *arguments, "--data", data]
            result = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
            assert (result.returncode, result.stdout) == (Exit.ERROR, "")
            assert re.fullmatch(r"Error: [^\n]+\n", result.stderr), result.stderr
        assert list(empty.iterdir()) == []
        assert {path: path.read_bytes() for path in full.iterdir()} == before
    finally:
        full.chmod(0o755)
        empty.chmod(0o755)


@pytest.mark.process
def test_a_closed_pipe_is_no_defect(tmp_path, indexed):
    """When the reader of a list goes away, as `head` does, there is no traceback."""
    command = f'"{sys.executable}" "{ROOT / "bot.py"}" articles list --json --data "{tmp_path / "data"}" | head -n 1'
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert result.stdout == "[\n"
    assert result.stderr == ""


@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise there")
@pytest.mark.parametrize("arguments", [["articles", "list"], ["articles", "show", "1"], ["version"]])
def test_nobody_reads_the_output(tmp_path, indexed, arguments):
    """When nobody reads even the first line, nothing is said, and the exit code is 1."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, str(ROOT / "bot.py"), *arguments, "--data", str(tmp_path / "data")]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (Exit.ERROR, "")


@pytest.mark.process
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [["articles", "list"], ["articles", "list", "--json"], ["articles", "show", "1"]])
def test_output_that_cannot_be_written_is_an_error(tmp_path, indexed, arguments):
    """Where the output cannot be written, that is one line on stderr and exit code 1."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, str(ROOT / "bot.py"), *arguments, "--data", str(tmp_path / "data")]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == Exit.ERROR
    assert re.fullmatch(r"Error: The output cannot be written: [^\n]+\n", result.stderr)


@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process there")
def test_ctrl_c_while_the_program_starts(tmp_path):
    """Ctrl-C in the first moments, while Python still imports, is an interruption like any other."""
    (tmp_path / "typer.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    # A process that was started in the background may have been told to ignore SIGINT, and its children with it.
    listens = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    finds = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); "
    command = f"{listens}{finds}runpy.run_path('bot.py', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (Exit.INTERRUPTED, "", "Interrupted.\n")


@pytest.mark.process
def test_output_survives_a_narrow_encoding(tmp_path, indexed):
    """On a stream that cannot take every character, text is shown as well as possible and JSON is still exact."""
    narrow = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    (tmp_path / "articles" / "cafe.txt").write_text("Café “Zürich”\n\nIt is here.", encoding="utf-8")
    indexed("index", tmp_path / "articles")
    listed = process("articles", "list", "--data", tmp_path / "data", env=narrow)
    assert "Caf? ?Z?rich?" in listed.stdout
    listed = process("articles", "list", "--data", tmp_path / "data", "--json", env=narrow)
    assert "Café “Zürich”" in {row["title"] for row in json.loads(listed.stdout)}


# -- demo


def test_the_demo_leaves_nothing_behind(bot, tmp_path, monkeypatch):
    """The demo answers sample questions and those on stdin from a passing corpus, and leaves the configured alone."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    lines = iter(["Who waggles and dances in the hive?\n", "\n", "xyzzy plugh\n"])

    class Stdin:
        isatty = staticmethod(lambda: False)
        __iter__ = lambda self: lines  # noqa: E731

    monkeypatch.setattr("sys.stdin", Stdin())
    result = bot("demo")
    assert result.code == Exit.DONE
    asked = re.findall(r"^Q: (.*)$", result.out, re.MULTILINE)
    assert asked == [
        *demo.sample_questions(ROOT / "examples" / "questions.jsonl"),
        "Who waggles and dances in the hive?",
        "xyzzy plugh",
    ]
    assert not (tmp_path / "data").exists()
    assert bot("demo", "--no-prompt").out.count("Q: ") == len(asked) - 2


def test_the_demo_on_a_terminal_ends_with_an_empty_line(monkeypatch):
    """On a terminal the demo takes questions up to an empty line or the end of input."""

    class Terminal:
        isatty = staticmethod(lambda: True)

    monkeypatch.setattr("sys.stdin", Terminal())
    answers = iter([" one ", "two", ""])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert list(demo._typed()) == ["one", "two"]

    def end(_):
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    assert list(demo._typed()) == []


@pytest.mark.model
@pytest.mark.process
def test_the_demo_as_a_process():
    """The first command of the README: real answers from the sample articles, and no library's chatter."""
    result = process("demo", input="When do honeybees dance?\n")
    assert result.returncode == Exit.DONE
    assert "   > The sea wall gave way at 2.40 a.m. on Tuesday" in result.stdout
    assert result.stdout.count("Q: ") == 6
    assert "Q: Who won the football World Cup in 2022?\nNothing found in 10 articles" in result.stdout
    assert all(line.startswith("Indexing: ") for line in result.stderr.splitlines()), result.stderr


@pytest.mark.model
@pytest.mark.process
def test_index_ask_and_check_as_processes(tmp_path):
    """Index, ask and check on the real model, each in a process of its own, share one corpus and no chatter."""
    data = ["--data", tmp_path / "data"]
    assert process("index", "examples/articles/penny-post.md", *data).stderr == "Indexing: 1 of 1\n"
    asked = process("ask", "Why is there no country name on British stamps?", "--json", *data)
    assert asked.stderr == ""
    assert "no other country had such stamps" in json.loads(asked.stdout)["hits"][0]["text"]
    assert process("ask", "How is sourdough bread baked?", *data).returncode == Exit.NOTHING_FOUND
    checked = process("check", *data)
    assert checked.returncode == Exit.DONE
    assert "ok     Model: all-MiniLM-L6-v2, 384 dimensions" in checked.stdout
