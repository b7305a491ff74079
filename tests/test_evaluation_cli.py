"""`evaluate`, from the command line over real corpora with the deterministic encoder."""

import json
from xml.etree import ElementTree

import pytest
from test_cli import Missing, _environment, bot, indexed  # noqa: F401 — fixtures

from index.errors import UserError
from retrieval.retriever import Retriever
from terminal.session import Exit

QUESTIONS = (
    '{"question": "When was the Tallow Bridge opened by the mayor?", "answer": "opened by the mayor in 1932"}\n'
    '{"question": "When does the bakery sell rye bread?", "answer": "on Fridays", "article": "bakery.txt"}\n'
    '{"question": "Who may watch the owls from the hide after sunset?", "answer": "oven burns apple wood"}\n'
    '{"question": "Does the bakery sell rye bread on Fridays?", "answerable": false}\n'
    '{"question": "Where do volcanoes erupt?", "answerable": false}\n'
)


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text(QUESTIONS, encoding="utf-8")
    return path


def test_evaluate_measures(indexed, questions):  # noqa: F811
    """The figures stand in tables, and what went wrong is listed with what was expected and what came instead."""
    result = indexed("evaluate", questions)
    assert result.code == Exit.DONE
    assert "questions.jsonl · the right sentence · all: 3 questions on 2 articles" in result.out
    assert "questions.jsonl · confidence · all: 5 questions on 2 articles" in result.out
    (recall,) = [line for line in result.out.splitlines() if line.startswith("R@1 ")]
    assert recall.split()[-1] == ".667"
    assert "Of 5 questions, 2 went wrong. The worst:" in result.out
    missed = result.out.partition("The worst:")[2]
    assert "Who may watch the owls from the hide after sunset?" in missed
    assert "expected: oven burns apple wood (A bakery on Quarry Street)" in missed
    assert "got: Visitors may watch them from the hide after sunset." in missed
    assert "Does the bakery sell rye bread on Fridays?" in missed
    assert "expected: nothing found" in missed
    assert "Asking: 5 of 5" in result.err


def test_evaluate_writes_files(indexed, questions, tmp_path):  # noqa: F811
    """`--json` and `--html` write the figures, the misses and the plots; the page is well-formed."""
    result = indexed("evaluate", questions, "--json", tmp_path / "f.json", "--html", tmp_path / "f.html")
    assert result.code == Exit.DONE
    data = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert [table["title"] for table in data["tables"]] == ["the right sentence", "confidence"]
    assert data["tables"][0]["parts"][0]["systems"]["verbatim"]["R@1"]["value"] == pytest.approx(2 / 3)
    assert len(data["misses"]) == 2
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    ElementTree.fromstring(page.partition("\n")[2])
    assert "Does the bakery sell rye bread on Fridays?" in page


def test_evaluate_escapes_what_articles_hold(bot, tmp_path):  # noqa: F811
    """Markup and control characters in articles and questions are only text, in the terminal and in the page."""
    article = tmp_path / "hostile.txt"
    article.write_text(
        "The <script>alert('tide')</script> comes \x1b[31m at noon & \u202e midnight.\n", encoding="utf-8"
    )
    assert bot("index", article).code == Exit.DONE
    path = tmp_path / "q.jsonl"
    asked = "Does the <b>script</b> alert the tide at noon & midnight? \x1b[0m"
    path.write_text(json.dumps({"question": asked, "answerable": False}), encoding="utf-8")
    result = bot("evaluate", path, "--html", tmp_path / "f.html")
    assert "Of 1 questions, 1 went wrong" in result.out
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    for text in (page, result.out):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script" not in page
    assert "<b>" not in page
    ElementTree.fromstring(page.partition("\n")[2])


def test_evaluate_as_a_server_does(indexed, questions, articles, tmp_path):  # noqa: F811
    """With `--server` the server's own articles are asked, and the operator's where they are shared."""
    alone = tmp_path / "alone.jsonl"
    alone.write_text('{"question": "How many chicks did the owls raise?", "answer": "raised four chicks"}', "utf-8")
    assert indexed("evaluate", alone, "--server", 7).code == Exit.DONE
    (tmp_path / "config.toml").write_text("shared_with = []\n")
    result = indexed("evaluate", alone, "--server", 7)
    assert result.code == Exit.ERROR
    assert "There are no indexed articles" in result.err
    indexed("index", articles / "owls.md", "--server", 7)
    result = indexed("evaluate", alone, "--server", 7)
    assert result.code == Exit.DONE
    assert "Of 1 questions, none went wrong." in result.out
    assert (
        "Line 1 of the questions has an answer that does not stand" in indexed("evaluate", questions, "--server", 7).err
    )


def test_evaluate_refuses(bot, indexed, questions, tmp_path):  # noqa: F811
    """Bad lines, missing files and folders, and a missing argument end in a message and the right code."""
    bad = tmp_path / "bad.jsonl"
    bad.write_text(QUESTIONS + '{"question": "Who?", "answer": "nobody of that name"}\n', encoding="utf-8")
    result = indexed("evaluate", bad)
    assert (result.code, result.out) == (Exit.ERROR, "")
    assert "Error: Line 6 of the questions has an answer that does not stand in any indexed article" in result.err
    assert indexed("evaluate", tmp_path / "nosuch.jsonl").code == Exit.ERROR
    for option in ("--json", "--html"):
        result = indexed("evaluate", questions, option, tmp_path / "nosuch" / "file")
        assert (result.code, result.out) == (Exit.ERROR, "")
        assert "there is no such folder" in result.err
        result = indexed("evaluate", questions, option, tmp_path)
        assert result.code == Exit.ERROR
        assert "cannot be written" in result.err
    assert indexed("evaluate").code == Exit.USAGE
    result = indexed("evaluate", questions, make_encoder=lambda config: Missing())
    assert result.code == Exit.ERROR
    assert "The configured model cannot be had" in result.err


def test_evaluate_without_articles(bot, questions):  # noqa: F811
    """Where nothing is indexed, the message says how to index something."""
    result = bot("evaluate", questions)
    assert result.code == Exit.ERROR
    assert "python bot.py index PATH" in result.err


def test_evaluate_stops_on_ctrl_c(indexed, questions, monkeypatch):  # noqa: F811
    """Ctrl-C ends it with the code for an interruption."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Retriever, "rank", interrupted)
    result = indexed("evaluate", questions)
    assert result.code == Exit.INTERRUPTED
    assert "Interrupted." in result.err


def test_user_errors_reach_the_reader(indexed, questions, monkeypatch):  # noqa: F811
    """What retrieval cannot do is told as the error that it is."""

    def refuses(*_, **__):
        raise UserError("The corpus was made with another model.")

    monkeypatch.setattr(Retriever, "rank", refuses)
    result = indexed("evaluate", questions)
    assert result.code == Exit.ERROR
    assert "Error: The corpus was made with another model." in result.err
