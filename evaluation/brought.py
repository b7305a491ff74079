"""Questions that people bring about their own articles: a file of JSON lines or CSV → `Question`s with their places.

An answer is looked for in the indexed articles' texts, word for word; nothing is guessed. The file comes from
outside: whatever is wrong with it is said with the line it stands in.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.sets import Question
from index.article import Article, Span
from index.errors import UserError

_MOST_BYTES = 20 * 1024 * 1024
_FORM = 'a line is like {"question": "When did it open?", "answer": "in 1932"}'
_YES_NO = {"true": True, "yes": True, "1": True, "": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Brought:
    """A question as it stands in the file: no answers mean that the articles shall not answer it.

    `article` is the title or the source of the one that answers; None: whichever do.
    """

    line: int
    question: str
    answers: tuple[str, ...]
    article: str | None


def read(path: Path) -> list[Brought]:
    """The questions of a `.jsonl` or `.csv` file.

    Raises:
        UserError: it cannot be read, has none, or a line is not as it should be; the message names the line.
    """
    rows = _rows_of(path, _text(path))
    questions = [_brought(line, row) for line, row in rows]
    if not questions:
        raise UserError(f"{path} holds no questions: {_FORM}.")
    return questions


def locate(brought: Iterable[Brought], articles: Iterable[Article]) -> list[Question]:
    """The questions with every place where an answer stands in the articles, blanks and line breaks being the same.

    Raises:
        UserError: an answer, or the article that a question names, is not there; the message names the line.
    """
    questions = list(brought)
    places: list[list[tuple[str, Span]]] = [[] for _ in questions]
    named = [one.article is None for one in questions]
    for article in articles:
        text = _one_line(article.text)
        for number, one in enumerate(questions):
            if one.article is None or _is_named(article, one.article):
                named[number] = True
                for answer in one.answers:
                    if answer in text:
                        places[number] += [(article.source, span) for span in _spans(answer, article.text)]
    return [_question(one, found, there) for one, found, there in zip(questions, places, named, strict=True)]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UserError(f"{path} is larger than {_MOST_BYTES // 2**20} MiB. Split it up.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Name a file of questions; {_FORM}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not in UTF-8. Save it in UTF-8, which editors and spreadsheets offer.") from error


def _rows_of(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    kind = path.suffix.lower()
    if kind in {".jsonl", ".ndjson"}:
        return _json_rows(text)
    if kind == ".csv":
        return _csv_rows(text)
    raise UserError(f"{path} is neither .jsonl nor .csv. Save the questions as one of these; {_FORM}.")


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _wrong(number, f"is not JSON ({error}): {_FORM}") from error
            if not isinstance(row, dict):
                raise _wrong(number, f"is no JSON object: {_FORM}")
            yield number, row


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)  # spreadsheets write what their country writes
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        columns = reader.fieldnames or ()
        if "question" not in columns:
            raise _wrong(1, "names no column “question”; the columns are question, answer, article and answerable")
        for row in reader:
            line, before = reader.line_num, line
            if None in row:
                raise _wrong(before + 1, "has more fields than there are columns: put a text with commas in quotes")
            yield before + 1, _csv_row(before + 1, row)
    except csv.Error as error:
        raise _wrong(max(1, reader.line_num), f"is not CSV ({error})") from error


def _csv_row(line: int, row: Mapping[str, str | None]) -> dict[str, Any]:
    found: dict[str, Any] = {key: value for key, value in row.items() if value and value.strip()}
    answerable = str(found.get("answerable", "")).strip().lower()
    if answerable not in _YES_NO:
        raise _wrong(line, f"has “{answerable}” for answerable: write true or false")
    found["answerable"] = _YES_NO[answerable]
    if "answers" in found:
        found["answers"] = found["answers"].split("|")
    return found


def _brought(line: int, row: Mapping[str, Any]) -> Brought:
    question, article, answerable = row.get("question"), row.get("article"), row.get("answerable", True)
    if not isinstance(question, str) or not question.strip():
        raise _wrong(line, f"has no question: {_FORM}")
    if article is not None and (not isinstance(article, str) or not article.strip()):
        raise _wrong(line, "has an article that is no text: name its title or its source, or leave it out")
    if not isinstance(answerable, bool):
        raise _wrong(line, "has an “answerable” that is neither true nor false")
    answers = row.get("answers", [row["answer"]] if row.get("answer") is not None else [])
    if not isinstance(answers, list) or not all(isinstance(one, str) and one.strip() for one in answers):
        raise _wrong(line, 'has an answer that is no text: write "answer": "…", or "answers": ["…", "…"]')
    if answerable and not answers:
        raise _wrong(line, 'has no answer: add "answer": "…", or "answerable": false where the articles do not tell')
    if not answerable and answers:
        raise _wrong(line, "has an answer, but is marked as not answerable: leave one of them out")
    named = _one_line(article) if article is not None else None
    return Brought(line, _one_line(question), tuple(map(_one_line, answers)), named)


def _question(brought: Brought, places: list[tuple[str, Span]], named: bool) -> Question:
    if not named:
        raise _wrong(
            brought.line,
            f"names an article that is not indexed, “{brought.article}”. `python bot.py articles list` shows titles "
            "and sources",
        )
    if brought.answers and not places:
        where = f"the article “{brought.article}”" if brought.article else "any indexed article"
        quoted = " or ".join(f"“{answer}”" for answer in brought.answers)
        raise _wrong(
            brought.line,
            f"has an answer that does not stand in {where}: {quoted}. Copy its words as the article has them "
            "(`python bot.py articles show ID` shows its text), or index the article: python bot.py index PATH",
        )
    # An unanswerable question is nobody's: each is drawn by itself where articles are drawn.
    article = places[0][0] if places else f"line {brought.line}"
    spans = tuple(span for source, span in places if source == article)
    elsewhere = tuple(place for place in places if place[0] != article)
    return Question(brought.question, article, spans, brought.answers, elsewhere)


def _spans(answer: str, text: str) -> list[Span]:
    """Where the answer stands in `text` as whole words and figures: the 10 of 1910 is no answer."""
    pattern = r"\s+".join(map(re.escape, answer.split()))
    before = "(?<![A-Za-z0-9])" if answer[0].isascii() and answer[0].isalnum() else ""
    behind = "(?![A-Za-z0-9])" if answer[-1].isascii() and answer[-1].isalnum() else ""
    return [Span(*match.span()) for match in re.finditer(before + pattern + behind, text)]


def _is_named(article: Article, name: str) -> bool:
    """By title, by source, or by the end of a source that is a path."""
    source = article.source.replace("\\", "/")
    ending = name.replace("\\", "/").removeprefix("./")
    return _one_line(article.title).casefold() == name.casefold() or source == ending or source.endswith(f"/{ending}")


def _one_line(text: str) -> str:
    # What is half of a character pair is no text that a model could read.
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _wrong(line: int, what: str) -> UserError:
    return UserError(f"Line {line} of the questions {what}.")
