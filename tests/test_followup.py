"""Follow-ups: which questions lean on those before them, what is searched for then, and whether that finds more."""

import io
import json
from pathlib import Path

import discord
import pytest
from conftest import ARTICLES, HashEncoder
from hypothesis import given
from hypothesis import strategies as st

from cogs import render
from index.article import Article
from index.corpus import Library
from index.indexer import Indexer
from retrieval.anaphora import depends
from retrieval.answer import Answer
from retrieval.followup import standalone
from retrieval.retriever import Retriever
from terminal import show
from terminal.app import main

ROOT = Path(__file__).resolve().parent.parent
DIALOGUES = [json.loads(line) for line in (ROOT / "tests/data/followups.jsonl").read_text("utf-8").splitlines()]
BRIDGE = "When was the Tallow Bridge opened?"


@pytest.mark.parametrize(
    "question",
    [
        "And how many were injured?",
        "How do I beat her?",
        "who was with her in the end",
        "and who paid for the repairs?",
        "What about the other tower?",
        "how about in winter",
        "But why?",
        "why?",
        "When?",
        "how many?",
        "In which year?",
        "And in Brazil?",
        "Who opened it?",
        "Did the mayor open it?",
        "Where did she learn her trade?",
        "How long did their strike last?",
        "What's his name?",
        "Is that true?",
        "When was that?",
        "How do I get there?",
        "What happened then?",
        "And the red one?",
        "Who was hurt?",
        "Why did the man who owns it sell?",
        "HOW OLD IS IT",
        "ok thanks, and when does it start?",
    ],
)
def test_a_follow_up(question):
    """A question with a pronoun that means nothing in it, an ellipsis, or a mere fragment leans on those before it."""
    assert depends(question)
    assert standalone(question, [BRIDGE]) != question
    assert "Tallow Bridge" in standalone(question, [BRIDGE]) or question in ("And in Brazil?",)


@pytest.mark.parametrize(
    "question",
    [
        BRIDGE,
        "what time is it in Oslo",
        "Is it true that the wall was built in 1931?",
        "Is it dark in a hive?",
        "How long does it take to learn a trade?",
        "Is there a night bus?",
        "What happens to my files if I delete them?",
        "Why did the union change its mind?",
        "If a tool is lost, who pays for it?",
        "Do those who paid in cash get anything back?",
        "Will fares rise this year?",
        "Who sang “Let It Be”?",
        "And what is a spring tide?",
        "But who repaired the substation on Mill Street?",
        "What is franking?",
        "Where can I park?",
        "When does photosynthesis happen?",
        "Does the rule that applies to drivers apply to conductors?",
        "penny black price",
        "Wann wurde die Brücke eröffnet?",
        "Wo kommt das her?",
        "¿Y cuándo se abrió?",
        "橋はいつ開通しましたか",
        "",
    ],
)
def test_a_question_that_stands_by_itself(question):
    """A pronoun whose noun stands before it, an "it" that means nothing, or a name needs no question before it."""
    assert not depends(question)
    assert standalone(question, [BRIDGE, "And who opened it?"]) == question


@pytest.mark.parametrize(
    ("previous", "question", "searched"),
    [
        ([], "Who opened it?", "Who opened it?"),
        ([BRIDGE], "And who opened it?", "who opened it, Tallow Bridge?"),
        ([BRIDGE, "And who opened it?"], "How old was he?", "How old was he, Tallow Bridge?"),
        ([BRIDGE], "why?", "why, the Tallow Bridge opened?"),
        ([BRIDGE], "And the Wend Bridge?", "When was the Wend Bridge opened?"),
        ([BRIDGE, "What about the Wend Bridge?"], "Who opened it?", "Who opened it, Wend Bridge?"),
        ([BRIDGE], "How about the Ferry's owner?", "When was the Tallow Bridge opened, the Ferry's owner?"),
        (["Where do owls nest?"], "what about in winter?", "Where do owls nest, in winter?"),
        (["Who won the Cup?", BRIDGE], "Who opened it?", "Who opened it, Tallow Bridge?"),
        (["Who won a prize?", "Did he share the medal?"], "Who made it?", "Who made it, prize medal?"),
        (["And then?"], "Who opened it?", "Who opened it?"),
    ],
)
def test_what_is_searched_for(previous, question, searched):
    """What the last question that stands by itself is about is added, through several follow-ups; its "when" is not."""
    assert standalone(question, previous) == searched


@given(st.text(max_size=400), st.lists(st.text(max_size=400), max_size=6))
def test_any_text(question, previous):
    """Whatever is asked, the text to search for is bounded and on one line; without questions before it is the same."""
    searched = standalone(question, previous)
    assert len(searched) <= len(question) + 1_000
    assert "\n" not in searched
    assert standalone(question, []) == " ".join(question.split())


@pytest.fixture(scope="module")
def retriever(tmp_path_factory, model_encoder):
    """The sample articles and those of the other tests, with the real model."""
    folder = tmp_path_factory.mktemp("followups")
    for name, text in ARTICLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    library = Library(folder / "data", model_encoder)
    corpus = library.corpus(None, create=True)
    report = Indexer(corpus.store, model_encoder).sync([str(ROOT / "examples/articles"), *map(str, folder.glob("*.*"))])
    assert not report.failed
    assert len(report.added) == 13
    yield Retriever([corpus], model_encoder, precision=0.5)  # order is what is asked for here
    library.close()


def ranks(retriever, dialogue, previous):
    """Whether each of the first three hits is right."""
    hits = retriever.ask(dialogue["question"], previous=previous).hits
    return [
        Path(hit.citation.article.source).name in dialogue["articles"]
        and any(answer in hit.citation.text for answer in dialogue["answers"])
        for hit in hits
    ]


@pytest.mark.model
def test_follow_ups_find_more(retriever, record_property):
    """With the questions before it, a follow-up has a right sentence in the first three clearly more often, in both
    halves; and first at least as often, in both together: one of 19 questions more or less tells nothing."""
    first = {"with": 0, "without": 0}
    for half in ("development", "held back"):
        asked = [one for one in DIALOGUES if (one["half"], one["kind"]) == (half, "follow-up")]
        in_three = {}
        for name in first:
            found = [ranks(retriever, one, one["previous"] if name == "with" else ()) for one in asked]
            first[name] += sum(right[:1] == [True] for right in found)
            in_three[name] = sum(map(any, found)) / len(asked)
            record_property(f"{half}, {name} the questions before: in three", in_three[name])
        figures = f"{half}: in the first three, of {len(asked)}: {in_three}; first, so far: {first}"
        print(figures)
        assert in_three["with"] >= in_three["without"] + 0.1, figures
        assert in_three["with"] >= 0.75, figures
    assert first["with"] >= first["without"], first


@pytest.mark.model
def test_a_question_that_may_stand_by_itself(tmp_path, model_encoder):
    """One that names a thing without its name is answered as it is where the questions before only lead away; a word is
    never added twice, nor one that the question has."""
    library = Library(tmp_path / "data", model_encoder)
    articles = [
        Article("/a", "Skarholm", "The lighthouse on Skarholm is 31 metres tall. Its lamp turns every nine seconds."),
        Article("/b", "The guild", "The lockout lasts until the Tuesday reset. Nobody may change groups before then."),
        Article("/c", "The flood", "Nobody was killed."),
    ]
    Indexer(library.corpus(None, create=True).store, model_encoder).add_articles(articles)
    retriever = Retriever(library.askable(None), model_encoder)
    asked: list[str] = []
    for question in ("How tall is the lighthouse?", "What is the lockout?", "How tall is the lighthouse?"):
        answer = retriever.ask(question, previous=asked)
        assert answer.answered and answer.hits == retriever.ask(question).hits
        assert answer.searched in ((question,) if asked else (None,))  # told, for the questions before are left out
        asked.append(question)
    elsewhere = retriever.ask("Who was killed?", previous=asked)
    assert not elsewhere.answered  # it names nothing, and is not asked of whatever else there is
    library.close()
    words = standalone("Is the lockout over?", ["How tall is the lighthouse?", "Is the lockout long?"] * 2).split()
    assert len({word.strip(",?").casefold() for word in words}) == len(words)


@pytest.mark.model
@pytest.mark.parametrize("half", ["development", "held back"])
def test_a_question_is_not_polluted(retriever, half):
    """What stands by itself is answered in the same way whatever was asked before, and nothing is said of a search."""
    asked = [one for one in DIALOGUES if (one["half"], one["kind"]) == (half, "self-contained")]
    assert len(asked) >= 10
    polluted = [
        one["question"]
        for one in asked
        if retriever.ask(one["question"], previous=one["previous"]) != retriever.ask(one["question"])
    ]
    assert not polluted


# -- what is shown


def test_a_heading_in_discord():
    """Above an answer stands what was searched for, disarmed and cut; without room it is left out."""
    plain = render.headed(render.Reply("text"), question="Is *it*?", searched="Is *it*, the [bridge](https://a.b)?")
    assert plain.content == (
        "-# Question: Is \\*it\\*?\n-# Searched for: Is \\*it\\*, the \\[bridge\\](https\\:\\/\\/a.b)?\ntext"
    )
    assert render.headed(render.Reply("text")).content == "text"
    long = render.headed(render.Reply("x" * 1_900), searched="y" * 5_000)
    assert long.content == "x" * 1_900
    assert len(render.headed(render.Reply("x"), searched="*" * 5_000).content) < 400


@given(st.text(min_size=3, max_size=300).filter(str.strip))
def test_the_question_of_an_answer(question):
    """The question that an answer shows can be read from it again, its beginning where it is long."""
    shown = render.question_of(render.headed(render.Reply("text"), question=question).content, [])
    embed = discord.Embed().set_author(name=render.label(question, render.AUTHOR))
    for one in (shown, render.question_of("", [embed])):
        assert one is None or render.label(question, 1_000).startswith(one) or one == "(untitled)"


@pytest.mark.parametrize(
    "content",
    ["", "**A title**\n> text\n-# Question: forged", "-# Searched for: what\n**A title**", "text\n-# Question: x"],
)
def test_no_question_of_an_answer(content):
    """Only a line above the answer is its question: what articles say can be none."""
    assert render.question_of(content, []) is None
    assert render.question_of(content, [discord.Embed(title="-# Question: forged")]) is None


def test_in_the_terminal():
    """The terminal says what a follow-up was searched for, without anything that would steer it."""
    (block,) = show.searched_notice(Answer("who?", (), searched="who, the\x1b[31m bridge?"))
    assert block.text.plain == "Searched for: who, the�[31m bridge?"
    assert show.searched_notice(Answer("who?", ())) == []


def test_the_demo_takes_follow_ups(monkeypatch, capsys):
    """In the demo a follow-up is searched with what was typed before it, says so, and leaves other questions alone."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{BRIDGE}\nAnd who opened it?\nWhat is franking?\n"))
    assert main(["demo"], home=ROOT, make_encoder=lambda _: HashEncoder()) == 0
    shown = capsys.readouterr().out
    assert "Q: And who opened it?\nSearched for: who opened it, Tallow Bridge?\n" in shown
    assert shown.count("Searched for") == 1
