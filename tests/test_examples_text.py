"""The sample articles and their questions as plain files: sizes, counts, and answers that stand where they should.

Nothing here reads an article the way the product does, and no model is needed.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ARTICLES = sorted(path for path in (EXAMPLES / "articles").iterdir() if path.is_file())
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [q for q in QUESTIONS if q["answerable"]]
UNANSWERABLE = [q for q in QUESTIONS if not q["answerable"]]


def _raw(name: str) -> str:
    return (EXAMPLES / "articles" / name).read_text(encoding="utf-8")


def _words(path: Path) -> int:
    """Words a reader sees: neither front matter nor, in HTML, anything outside the paragraphs and headings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = " ".join(re.findall(r"<(?:p|h[1-6])>(.*?)</", text))
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    return len(re.findall(r"\w[\w'’.,-]*", text))


def test_there_are_enough_articles_in_every_format():
    """At least eight sample articles are there, as Markdown with and without front matter, plain text and HTML."""
    assert len(ARTICLES) >= 8
    assert {path.suffix for path in ARTICLES} == {".md", ".txt", ".html"}
    front_matter = {_raw(path.name).startswith("---\n") for path in ARTICLES if path.suffix == ".md"}
    assert front_matter == {True, False}


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.name)
def test_an_article_is_of_a_readable_length(path: Path):
    """Each sample article has between 300 and 750 words."""
    assert 300 <= _words(path) <= 750


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["question"])
def test_an_answer_stands_verbatim_and_once(question: dict[str, Any]):
    """Each answer stands exactly once in one of the articles named, and each article named holds an answer."""
    texts = [_raw(name) for name in (question["article"], *question.get("also", []))]
    counts = {answer: [text.count(answer) for text in texts] for answer in question["answers"]}
    assert counts
    assert all(sum(row) == 1 for row in counts.values()), counts
    assert all(map(any, zip(*counts.values(), strict=True))), counts


def test_an_answer_holds_no_markup():
    """No answer holds markup or a line break, so the extracted plain text holds it too."""
    answers = [answer for question in ANSWERABLE for answer in question["answers"]]
    assert [answer for answer in answers if re.search(r"[*_`<>&|#\n]", answer)] == []


def test_questions_are_many_and_all_different():
    """At least 40 answerable and 12 unanswerable questions differ from each other and ask about every article."""
    assert len(ANSWERABLE) >= 40
    assert len(UNANSWERABLE) >= 12
    assert len({question["question"].casefold().rstrip("?") for question in QUESTIONS}) == len(QUESTIONS)
    asked = {name for question in ANSWERABLE for name in (question["article"], *question.get("also", []))}
    assert asked == {path.name for path in ARTICLES}


def test_a_question_line_has_only_known_keys():
    """An unanswerable question names no article; an answerable one names its article and a list of answers."""
    for question in UNANSWERABLE:
        assert set(question) - {"demo"} == {"question", "answerable"}
    for question in ANSWERABLE:
        assert set(question) - {"demo", "also"} == {"question", "answerable", "article", "answers"}


def test_the_demo_asks_four_answerable_questions_and_one_that_is_not():
    """The demo asks the first four answerable questions and the first unanswerable one, and no others are marked."""
    assert [q for q in QUESTIONS if q.get("demo")] == [*ANSWERABLE[:4], UNANSWERABLE[0]]
