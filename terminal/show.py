"""An answer, a report or a list as text for a terminal and as plain data for JSON. Pure.

Everything from outside passes `plain` on its way: article text can neither steer a terminal nor act as markup.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

import logs
from index.language import UND, name_of
from retrieval.links import file_link, web_link

if TYPE_CHECKING:
    from index.indexer import SyncReport
    from index.store import Statistics, StoredArticle
    from retrieval.answer import Answer, Citation, Hit
    from terminal.check import Finding

# Controls (ESC among them), and the marks that turn the direction of what follows.
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NEIGHBOUR = 300  # characters shown of a sentence before or after; the answer itself is never cut
_ALSO_IN = 5  # places named
_DIFFERING = 3  # sentences with other figures shown
_LISTED = 20  # sources named in a report
_NEAREST = "Nothing found that surely answers. The nearest sentence:"
_MATCH = {"strong": "strong match", "likely": "likely match", "weak": "weak match, do check it"}


class Block(NamedTuple):
    """A paragraph for the terminal, `indent` columns from the left, with a `mark` just before its first line."""

    indent: int
    text: Text
    mark: str = ""


def plain(text: str, *, lines: bool = False) -> str:
    """`text` with control characters made visible as blanks; one line, unless `lines`."""
    text = _UNSAFE.sub(lambda match: " " if match[0] in "\t\r\u2028\u2029" else "�", text)
    return text if lines else text.replace("\n", " ")


def write(console: Console, blocks: Iterable[Block]) -> None:
    """Prints blocks: wrapped on a terminal, otherwise each on one line, so that programs find sentences whole."""
    for indent, text, mark in blocks:
        margin = Text(mark.rjust(indent), style="bold")
        if console.is_terminal:
            grid = Table.grid(Column(width=indent, no_wrap=True), Column())
            grid.add_row(margin, text)
            console.print(grid)
        else:
            console.print(margin.append_text(text) if text else text, soft_wrap=True)


# -- answers


def answer_blocks(answer: "Answer", base: PurePath | None = None) -> list[Block]:
    """The hits of an answer that has some, or else the nearest, said to be no answer; nothing if there is neither.

    File names under the folder `base` are shown relative to it.
    """
    if answer.nearest is not None:
        return [Block(0, Text(_NEAREST)), *_hit_blocks(answer.nearest, base)]
    blocks: list[Block] = []
    for number, hit in enumerate(answer.hits, start=1):
        blocks += [*_hit_blocks(hit, base, number), Block(0, Text())]
    return blocks[:-1]


def searched_notice(answer: "Answer") -> list[Block]:
    """Of a follow-up, or a question with a slip of the pen, what was searched for in its place."""
    return [Block(0, Text(f"Searched for: {plain(answer.searched)}", style="dim"))] if answer.searched else []


def _hit_blocks(hit: "Hit", base: PurePath | None, number: int | None = None) -> list[Block]:
    """A hit; what has no number is no answer: it is shown without emphasis, and without a word on how sure it is."""
    article = hit.citation.article
    heading = Text(f"{number}. " if number else "").append(plain(article.title), style="underline")
    for part in (_day(article.published), _MATCH[hit.confidence.value] if number else ""):
        if part:
            heading.append(f" · {part}", style="dim")
    blocks = [Block(0, heading)]
    if hit.before:
        blocks.append(Block(5, Text(_ending(plain(hit.before)), style="dim")))
    blocks.append(Block(5, Text(plain(hit.citation.text), style="bold" if number else ""), "> "))
    if hit.after:
        blocks.append(Block(5, Text(_beginning(plain(hit.after)), style="dim")))
    blocks.append(Block(3, _linked(_source(article, base), hit.citation)))
    if hit.also_in:
        blocks.append(Block(3, _also_in(hit.also_in)))
    return blocks + _other_figures(hit.differing)


def _also_in(citations: "Sequence[Citation]") -> Text:
    text = Text("Also in: ")
    for number, citation in enumerate(citations[:_ALSO_IN]):
        text.append(", " if number else "").append_text(_place(citation))
    return text.append(f" and {len(citations) - _ALSO_IN} more" if len(citations) > _ALSO_IN else "")


def _other_figures(citations: "Sequence[Citation]") -> list[Block]:
    """Each sentence that gives other figures, whole, with its article."""
    if not citations:
        return []
    blocks = [Block(3, Text("Other figures:"))]
    for citation in citations[:_DIFFERING]:
        blocks.append(Block(5, Text(plain(citation.text)), "> "))
        blocks.append(Block(5, _place(citation)))
    more = len(citations) - _DIFFERING
    return blocks + ([Block(3, Text(f"and {more} more with other figures"))] if more > 0 else [])


def _place(citation: "Citation") -> Text:
    text = _linked(plain(citation.article.title), citation)
    day = _day(citation.article.published)
    return Text().append_text(text).append(f" ({day})", style="dim") if day else text


def _linked(text: str, citation: "Citation") -> Text:
    link = web_link(citation.article.url, citation.text) or file_link(citation.article.source)
    return Text(text, style=Style(link=link))


def _source(article: "StoredArticle", base: PurePath | None) -> str:
    if article.url:
        return plain(article.url)
    return shown_source(article.source, base)


def shown_source(source: str, base: PurePath | None) -> str:
    """A source to be shown: a file's name relative to the folder `base`, if it is below it."""
    path = PurePath(source)
    return plain(path.relative_to(base).as_posix() if base and path.is_relative_to(base) else source)


def nothing_found(statistics: "Iterable[Statistics]") -> list[Block]:
    """What to say when no article answers: what is indexed, and how to add more."""
    totals = list(statistics)
    articles, sentences = sum(one.articles for one in totals), sum(one.sentences for one in totals)
    if not articles:
        return [Block(0, Text("Nothing found: no articles are indexed yet. Add some: python bot.py index PATH"))]
    where = f"{_count(articles, 'article')} ({_count(sentences, 'sentence')})"
    return [
        Block(0, Text(f"Nothing found in {where}. Check the spelling, or ask in other words.")),
        Block(0, Text("See them: python bot.py articles list. Add more: python bot.py index PATH")),
    ]


def foreign_notice(answer: "Answer", known: Collection[str] | None) -> list[Block]:
    """That the model does not know the question's language, but those `known`; nothing if it does."""
    if answer.foreign_language is None:
        return []
    knows = " and ".join(sorted(map(name_of, known or ())))
    notice = (
        f"The question is in {answer.foreign_language}, but the configured model understands {knows}: it is answered "
        "only where an article has the same words. For more languages, configure a multilingual model: README.md, "
        "“Languages”."
    )
    return [Block(0, Text(notice, style="dim"))]


def answer_data(answer: "Answer") -> dict[str, Any]:
    """An answer for JSON. Spans are in code points of the article's text."""
    return {
        "question": answer.question,
        "answered": answer.answered,
        "confidence": answer.confidence.value if answer.confidence else None,
        "foreign_language": answer.foreign_language,
        "searched": answer.searched,
        "hits": [_hit_data(hit) for hit in answer.hits],
        "nearest": _hit_data(answer.nearest) if answer.nearest else None,
    }


def _hit_data(hit: "Hit") -> dict[str, Any]:
    return {
        **_citation_data(hit.citation),
        "before": hit.before,
        "after": hit.after,
        "also_in": [_citation_data(citation) for citation in hit.also_in],
        "differing": [_citation_data(citation) for citation in hit.differing],
        "confidence": hit.confidence.value,
    }


def _citation_data(citation: "Citation") -> dict[str, Any]:
    article = citation.article
    return {
        "text": citation.text,
        "start": citation.start,
        "end": citation.end,
        "article_id": article.id,
        "title": article.title,
        "source": article.source,
        "url": article.url,
        "published": article.published.isoformat() if article.published else None,
    }


# -- articles and reports


def article_data(article: "StoredArticle") -> dict[str, Any]:
    """An article of a list, for JSON."""
    return {
        "id": article.id,
        "title": article.title,
        "source": article.source,
        "url": article.url,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "language": article.language,
        "indexed_at": article.indexed_at.isoformat(),
        "sentences": article.sentences,
    }


def article_blocks(article: "StoredArticle", text: str) -> list[Block]:
    """One article: what is known of it, and its text as indexed."""
    facts = {
        "Source": article.source,
        "Link": article.url,
        "Author": article.author,
        "Published": _day(article.published),
        "Language": name_of(article.language) if article.language not in (None, UND) else None,
        "Indexed": f"{article.indexed_at:%Y-%m-%d %H:%M} UTC",
        "Sentences": str(article.sentences),
    }
    blocks = [Block(0, Text(plain(article.title), style="bold"))]
    blocks += [Block(0, Text(f"{name}: {plain(value)}", style="dim")) for name, value in facts.items() if value]
    return [*blocks, Block(0, Text()), *(Block(0, Text(plain(line))) for line in text.split("\n"))]


def report_blocks(report: "SyncReport") -> list[Block]:
    """What a sync did; the failures are `failure_lines`."""
    counts = [f"{len(getattr(report, kind))} {kind}" for kind in ("added", "changed", "unchanged", "removed")]
    counts += [f"{len(report.failed)} failed"] if report.failed else []
    work = f"{_count(report.encoded, 'sentence')} encoded, {report.reused} reused, {report.seconds:.1f} s"
    blocks = [Block(0, Text(f"Articles: {', '.join(counts)}. {work}."))]
    for source in report.removed[:_LISTED]:
        blocks.append(Block(2, Text(f"removed, its file is gone: {plain(source)}")))
    if len(report.removed) > _LISTED:
        blocks.append(Block(2, Text(f"and {len(report.removed) - _LISTED} more removed")))
    return blocks


def failure_lines(report: "SyncReport") -> list[str]:
    """A line for each thing that failed, with the reason."""
    return [plain(f"{source}: {reason}") for source, reason in report.failed]


def report_data(report: "SyncReport") -> dict[str, Any]:
    """A sync's report for JSON."""
    return {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "failed": [{"source": source, "reason": reason} for source, reason in report.failed],
        "encoded": report.encoded,
        "reused": report.reused,
        "seconds": round(report.seconds, 3),
        "cancelled": report.cancelled,
    }


def finding_blocks(finding: "Finding") -> list[Block]:
    """One result of `check`: its mark, its label, what was found, and the remedy on a line of its own."""
    mark, style = {True: ("ok", "green"), None: ("note", "yellow"), False: ("FAILED", "bold red")}[finding.success]
    text = Text().append(f"{mark:<7}", style=style).append(f"{plain(finding.label)}: ", style="bold")
    first, *more = plain(logs.redacted(finding.details), lines=True).split("\n")
    blocks = [Block(0, text.append(first)), *(Block(7, Text(line)) for line in more)]
    return [*blocks, Block(7, Text(f"→ {plain(finding.remedy)}"))] if finding.remedy else blocks


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else ""


def _ending(text: str) -> str:
    return text if len(text) <= _NEIGHBOUR else "…" + text[-_NEIGHBOUR:].lstrip()


def _beginning(text: str) -> str:
    return text if len(text) <= _NEIGHBOUR else text[:_NEIGHBOUR].rstrip() + "…"
