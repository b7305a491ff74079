"""Answers, reports and findings as a terminal and as programs get them."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

import pytest
from rich.console import Console

from index.ledger import EVERY, Source
from index.report import Settled, SyncReport
from index.stored import Statistics, StoredArticle
from retrieval.answer import Answer, Citation, Confidence, Hit
from retrieval.waiting import Answered
from terminal import records, reports, show
from terminal.check import Finding

BRIDGE = StoredArticle(
    4, "/srv/articles/bridge.md", "The Tallow Bridge", True, None, None, date(2024, 5, 6), datetime.now(UTC), 3
)
WEB = replace(BRIDGE, id=5, title="Elsewhere", url="https://example.org/bridge", published=None)


def hit(text: str = "It opened in 1932.", *, article: StoredArticle = BRIDGE, **changes) -> Hit:
    citation = Citation(article, 10, 10 + len(text), text)
    values = {"before": "Before it.", "after": "After it.", "also_in": (), "confidence": Confidence.STRONG} | changes
    return Hit(citation, score=1.0, probability=0.9, **values)


def console(*, terminal: bool, width: int = 60) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=width,
        color_system="standard" if terminal else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def printed(*hits: Hit, terminal: bool = False, base: PurePosixPath | None = None) -> str:
    output = console(terminal=terminal)
    show.write(output, show.answer_blocks(Answer("when?", hits), base))
    return output.file.getvalue()


def test_a_hit_in_plain_text():
    """A hit shows title, date, confidence in words, the sentence within its neighbours, and its source."""
    assert printed(hit()).splitlines() == [
        "1. The Tallow Bridge · 6 May 2024 · strong match",
        "     Before it.",
        "   > It opened in 1932.",
        "     After it.",
        "   /srv/articles/bridge.md",
    ]


def test_what_is_missing_leaves_no_trace():
    """Without date or neighbours there is no empty line and no placeholder."""
    lines = printed(hit(article=WEB, before=None, after=None, confidence=Confidence.WEAK)).splitlines()
    assert lines == [
        "1. Elsewhere · weak match, do check it",
        "   > It opened in 1932.",
        "   https://example.org/bridge",
    ]


def test_emphasis_on_a_terminal():
    """On a terminal the sentence is bold and its neighbours are dim."""
    output = printed(hit(), terminal=True)
    assert "\x1b[1m> It opened in 1932.\x1b[0m" in output or "\x1b[1mIt opened in 1932.\x1b[0m" in output
    assert "\x1b[2mBefore it.\x1b[0m" in output


def test_links_on_a_terminal():
    """On a terminal a web source links to the sentence in its page, and a file to itself."""
    output = printed(hit(article=WEB), hit(), terminal=True)
    assert ";https://example.org/bridge#:~:text=It%20opened%20in%201932.\x1b\\https://example.org/bridge" in output
    assert ";file:///srv/articles/bridge.md\x1b\\/srv/articles/bridge.md" in output


def test_also_in():
    """Places that say nearly the same are named, the first five of them."""
    others = tuple(Citation(replace(WEB, title=f"Title {n}"), 0, 1, "x") for n in range(7))
    assert "   Also in: Title 0, Title 1, Title 2, Title 3, Title 4 and 2 more\n" in printed(hit(also_in=others))
    assert "Also in: The Tallow Bridge (6 May 2024)\n" in printed(hit(also_in=(hit().citation,)))


def test_other_figures():
    """Sentences with other figures are shown whole below, with article and date; of many the first three."""
    others = [Citation(replace(BRIDGE, title=f"Title {n}"), 0, 1, f"It opened in 19{n}0.") for n in range(5)]
    shown = printed(hit(also_in=(hit(article=WEB).citation,), differing=tuple(others))).splitlines()
    assert shown[5:] == [
        "   Also in: Elsewhere",
        "   Other figures:",
        *(line for n in range(3) for line in (f"   > It opened in 19{n}0.", f"     Title {n} (6 May 2024)")),
        "   and 2 more with other figures",
    ]
    assert "more with" not in printed(hit(differing=tuple(others[:3])))


def test_a_source_is_shown_from_the_folder_one_is_in():
    """A file below the working folder is shown by its relative name."""
    assert "\n   articles/bridge.md\n" in printed(hit(), base=PurePosixPath("/srv"))
    assert "\n   /srv/articles/bridge.md\n" in printed(hit(), base=PurePosixPath("/home"))


def test_a_long_sentence_stays_whole():
    """The sentence is never cut, and off a terminal it stays on one line; its neighbours are cut on their far side."""
    long = " ".join(f"word{n}" for n in range(400))
    output = printed(hit(long, before=long, after=long))
    assert f"   > {long}\n" in output
    lines = output.splitlines()
    assert lines[1].startswith("     …")
    assert lines[1].endswith("word399")
    assert lines[3].startswith("     word0 ")
    assert lines[3].endswith("…")


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[link=https://evil.example]x[/link]", ":smile:", "[/]", "\\[red]"])
def test_article_text_is_not_markup(text, terminal):
    """What looks like rich's markup in an article is shown as it stands."""
    article = replace(BRIDGE, title=text, source=text)
    other = Citation(article, 0, 1, text)
    output = printed(hit(text, article=article, before=text, after=text, differing=(other,)), terminal=terminal)
    assert output.count(text) == 8


@pytest.mark.parametrize(
    "text", ["\x1b[2Jx", "\x1b]8;;https://evil.example\x1b\\x", "\x9b2Jx", "x\r\nx", "\u202ex\x07"]
)
def test_article_text_steers_no_terminal(text):
    """No control character of an article, its title or its source reaches the terminal."""
    article = replace(BRIDGE, title=text, source=text)
    other = Citation(article, 0, 1, text)
    output = printed(hit(text, article=article, before=text, after=text, also_in=(other,), differing=(other,)))
    assert len(output.splitlines()) == 10
    assert not set(output) & set("\x1b\x9b\r\x07\u202e")


def test_json_has_the_agreed_keys():
    """An answer for programs has the agreed keys, and its text is verbatim, whatever characters it holds."""
    other = hit(article=WEB).citation
    data = show.answer_data(Answer("when?", (hit("\x1b[bold]", also_in=(other,), differing=(other,)),)))
    assert list(data) == ["question", "answered", "confidence", "foreign_language", "searched", "hits", "nearest"]
    assert (data["question"], data["answered"], data["confidence"]) == ("when?", True, "strong")
    (row,) = data["hits"]
    place = {"text", "start", "end", "article_id", "title", "source", "url", "published", "updated", "page"}
    assert set(row) == place | {"before", "after", "also_in", "differing", "confidence"}
    assert (row["text"], row["start"], row["end"], row["published"]) == ("\x1b[bold]", 10, 17, "2024-05-06")
    assert set(row["also_in"][0]) == place
    assert row["also_in"][0]["url"] == "https://example.org/bridge"
    assert row["differing"] == row["also_in"]


def test_json_of_nothing_found():
    """For programs, nothing found is an answer without hits and without confidence."""
    assert show.answer_data(Answer("when?", ())) == {
        "question": "when?",
        "answered": False,
        "confidence": None,
        "foreign_language": None,
        "searched": None,
        "hits": [],
        "nearest": None,
    }


def test_the_nearest_is_no_answer():
    """What is merely the nearest comes under words that say so, with no number, no emphasis and no confidence."""
    near = hit(confidence=Confidence.WEAK, also_in=(hit(article=WEB).citation,))
    answer = Answer("when?", (), nearest=near)
    shown = []
    for terminal in (False, True):
        output = console(terminal=terminal)
        show.write(output, show.answer_blocks(answer))
        shown.append(output.file.getvalue())
    assert shown[0].splitlines() == [
        "Nothing found that surely answers. The nearest sentence:",
        "The Tallow Bridge · 6 May 2024",
        "     Before it.",
        "   > It opened in 1932.",
        "     After it.",
        "   /srv/articles/bridge.md",
        "   Also in: Elsewhere",
    ]
    assert "It opened in 1932." in shown[1]
    assert not re.search(r"\x1b\[1m[^\x1b]*\w", shown[1])


def test_json_of_the_nearest():
    """For programs, the nearest is no hit: the answer is none, and the nearest stands by itself, as a hit would."""
    near = hit(confidence=Confidence.WEAK)
    data = show.answer_data(Answer("when?", (), nearest=near))
    assert (data["answered"], data["confidence"], data["hits"]) == (False, None, [])
    assert data["nearest"] == show.answer_data(Answer("when?", (near,)))["hits"][0]


def test_nothing_found_says_what_is_indexed():
    """Nothing found says how much is indexed over all corpora asked, and how to add more."""

    def text(*totals: Statistics) -> str:
        output = console(terminal=False)
        show.write(output, show.nothing_found(totals))
        return output.file.getvalue()

    assert "Nothing found in 3 articles (1,200 sentences)." in text(
        Statistics(1, 1000, 9, 9, 9), Statistics(2, 200, 9, 9, 9)
    )
    assert "python bot.py index PATH" in text(Statistics(1, 1, 1, 1, 1))
    assert "no articles are indexed yet" in text()


def written(blocks: list[show.Block]) -> list[str]:
    output = console(terminal=False)
    show.write(output, blocks)
    return output.file.getvalue().splitlines()


REPORT = SyncReport(
    [
        Settled("/srv/a", "added", encoded=1, reused=20, seconds=0.26),
        Settled("/b\x1b", "removed"),
        Settled("c", "unchanged"),
        Settled("d", "unchanged"),
        Settled("e", "failed", "why"),
    ],
    [("f", "what else"), ("", "there is")],
    1.25,
)


def test_a_report():
    """A report counts what was added, changed, unchanged and removed, and says of each article what became of it."""
    assert written(reports.total_blocks(REPORT)) == [
        "Articles: 1 added, 0 changed, 2 unchanged, 1 removed, 1 failed. 1 sentence encoded, 20 reused, 1.2 s."
    ]
    lines = ["  added     a (1 encoded, 20 reused, 0.3 s)", "  removed   /b� (it is no longer there)"]
    assert written(reports.article_blocks(REPORT, PurePosixPath("/srv"))) == lines
    everything = reports.article_blocks(REPORT, PurePosixPath("/srv"), everything=True)
    assert written(everything) == [*lines, "  unchanged c", "  unchanged d"]
    assert written(reports.note_blocks(REPORT)) == ["  note: f: what else", "  note: there is"]
    assert reports.failure_lines(REPORT) == ["e: why"]
    assert written(reports.total_blocks(SyncReport(dry_run=True)))[0].startswith(
        "Dry run, nothing is stored. Articles: 0"
    )


def test_answered_questions_stand_under_their_article():
    """Questions that waited are shown under the article that answers them, for programs with the sentence."""
    waited = [
        Answered(f"When {n}?", None, 0.0, hit(article=article)) for n, article in enumerate((BRIDGE, WEB, BRIDGE))
    ]
    assert written(reports.answered_blocks(waited)) == [
        "“The Tallow Bridge” answers 2 waiting questions:",
        "  When 0?",
        "  When 2?",
        "“Elsewhere” answers 1 waiting question:",
        "  When 1?",
    ]
    data = reports.report_data(REPORT, waited)["answered"][1]
    assert (data["question"], data["text"], data["article_id"]) == ("When 1?", "It opened in 1932.", 5)


PDF = replace(WEB, title="A report", url="https://example.org/r.pdf#x", pages=(0, 5, 9), updated=date(2024, 5, 8))


def test_the_page_and_the_correction_of_an_answer():
    """An answer says on which page of a document it stands, and when its article was corrected."""
    lines = printed(
        hit(article=replace(PDF, published=date(2024, 5, 6)), also_in=(hit(article=PDF).citation,))
    ).splitlines()
    assert lines[0] == "1. A report · 6 May 2024 · corrected 8 May 2024 · p. 3 · strong match"
    assert lines[-1] == "   Also in: A report (corrected 8 May 2024, p. 3)"
    data = show.answer_data(Answer("when?", (hit(article=PDF),)))["hits"][0]
    assert (data["page"], data["updated"]) == (3, "2024-05-08")


@pytest.mark.parametrize(
    ("article", "link"),
    [
        (PDF, "https://example.org/r.pdf#page=3"),
        (replace(PDF, url=None, source="/srv/r.pdf"), "file:///srv/r.pdf#page=3"),
        (replace(PDF, url=None, source="/srv/all.zip!/r.pdf"), "file:///srv/all.zip"),
        (replace(PDF, url=None, source="discord:1/r.pdf"), None),
    ],
)
def test_the_link_to_a_page(article, link):
    """A document with pages is linked to the page, an archive as a whole, and an upload not at all."""
    output = printed(hit(article=article), terminal=True)
    assert (f";{link}\x1b\\" in output) if link else ("\x1b]8;" not in output)


def test_copies_stand_under_the_article_that_stands_for_them():
    """In a list, a copy is no article of its own: its source is named with the one that stands for it."""
    copy = replace(WEB, source="https://example.org/copy", copy_of=BRIDGE.id)
    (group,) = records.grouped([copy, BRIDGE])
    assert group == (BRIDGE, [copy])
    assert records.article_row(*group)[4:] == ["/srv/articles/bridge.md", "https://example.org/copy"]
    output = console(terminal=True, width=100)
    output.print(records.article_table([group], PurePosixPath("/srv")))
    assert "also: https://example.org/copy" in output.file.getvalue()


def test_what_is_known_of_an_article():
    """What is known of an article are its sources, copies, days and pages, and the article that stands for it."""
    feed = Source(
        3, "feed", "https://example.org/feed", "News", "active", None, *[0.0] * 3, *[None] * 2, 0, 0, None, None
    )
    known = records.Known(replace(PDF, copy_of=4), "Text.", [feed], [replace(WEB, source="twin")], BRIDGE)
    lines = written(records.article_blocks(known))
    for line in (
        "From: feed https://example.org/feed (News)",
        "Also: twin",
        "A copy of: 4  The Tallow Bridge",
        "Pages: 3",
    ):
        assert line in lines
    assert "Corrected: 8 May 2024" in lines
    data = records.known_data(known)
    assert data["sources"] == [{"id": 3, "kind": "feed", "address": "https://example.org/feed"}]
    assert (data["pages"], data["page_starts"], data["copy_of"], data["text"]) == (3, [0, 5, 9], 4, "Text.")


def test_the_state_of_a_source():
    """A source's row says whether it is looked at, what went wrong last, and when the next look is due, if one is."""
    source = Source(
        3, "page", "https://a.example\x1b", "", "active", None, 0.0, 0.0, None, None, None, 0, 0, None, None
    )
    row = records.source_row(source, EVERY, 2)
    assert records.source_cells(row) == ["3", "page", "active", "", "1970-01-01 00:00", "2", "https://a.example�", ""]
    failing = replace(source, state="suspended", failures=10, problem="no such page", checked=86_400.0)
    cells = records.source_cells(records.source_row(failing, EVERY, 0))
    assert cells[2:5] == ["suspended, failed 10 times: no such page", "1970-01-02 00:00", ""]
    never = records.source_data(records.source_row(replace(source, every=0.0), EVERY, 0))
    assert (never["every"], never["due"], never["checked"]) == (None, None, None)
    output = console(terminal=True, width=120)
    show.write(output, records.source_blocks([row, records.source_row(failing, EVERY, 0)], PurePosixPath("/")))
    shown = output.file.getvalue()
    assert "page, active, 2 articles, next 1970-01-01 00:00" in shown and "failed 10 times: no such page" in shown


def test_a_finding():
    """A finding shows whether it is well, its label, what was found, and the remedy on a line of its own."""
    output = console(terminal=False)
    show.write(output, show.finding_blocks(Finding("Disk space", False, "0.1 GiB free", "Free some space.")))
    assert output.file.getvalue() == "FAILED Disk space: 0.1 GiB free\n       → Free some space.\n"


def test_a_language_that_the_model_does_not_know():
    """A question in a language unknown to the model gets a line that names both and the remedy; any other, nothing."""
    (notice,) = show.foreign_notice(Answer("wann?", (), "German"), {"en"})
    assert "in German" in notice.text.plain and "understands English" in notice.text.plain
    assert "multilingual model: README.md" in notice.text.plain
    assert show.foreign_notice(Answer("when?", ()), {"en"}) == []


def test_an_articles_language():
    """What is known of an article includes its language by name, unless it could not be told."""

    def known(language: str | None) -> records.Known:
        return records.Known(replace(BRIDGE, language=language), "Text.")

    def facts(language: str | None) -> str:
        return "\n".join(block.text.plain for block in records.article_blocks(known(language)))

    assert "Language: German" in facts("de")
    assert "Language" not in facts("und") + facts(None)
    assert records.article_data(replace(BRIDGE, language="de"))["language"] == "de"
