"""An answer as text for a terminal and as plain data for JSON, and what all texts for a terminal are made of. Pure.

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
from index.language import name_of
from retrieval.links import file_link, web_link

if TYPE_CHECKING:
    from index.stored import Statistics, StoredArticle
    from retrieval.answer import Answer, Citation, Hit
    from terminal.check import Finding

# Controls (ESC among them), and the marks that turn the direction of what follows.
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NEIGHBOUR = 300  # characters shown of a sentence before or after; the answer itself is never cut
_ALSO_IN = 5  # places named
_DIFFERING = 3  # sentences with other figures shown
_INSIDE = "!/"  # in the source of an article from an archive, after the archive's own: see `index.jobs`
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
    for part in (*_facts(hit.citation), *([_MATCH[hit.confidence.value]] if number else [])):
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
    return blocks + _other_figures(hit.differing, article, base)


def _also_in(citations: "Sequence[Citation]") -> Text:
    text = Text("Also in: ")
    for number, citation in enumerate(citations[:_ALSO_IN]):
        text.append(", " if number else "").append_text(_place(citation))
    return text.append(f" and {len(citations) - _ALSO_IN} more" if len(citations) > _ALSO_IN else "")


def _other_figures(citations: "Sequence[Citation]", beside: "StoredArticle", base: PurePath | None) -> list[Block]:
    """Each sentence that gives other figures, whole, with its article; one of the same title with where it stands."""
    if not citations:
        return []
    blocks = [Block(3, Text("Other figures:"))]
    for citation in citations[:_DIFFERING]:
        blocks.append(Block(5, Text(plain(citation.text)), "> "))
        blocks.append(Block(5, _place(citation)))
        if citation.article.title == beside.title:
            blocks.append(Block(5, _linked(_source(citation.article, base), citation)))
    more = len(citations) - _DIFFERING
    return blocks + ([Block(3, Text(f"and {more} more with other figures"))] if more > 0 else [])


def _place(citation: "Citation") -> Text:
    text = _linked(plain(citation.article.title), citation)
    facts = ", ".join(_facts(citation))
    return Text().append_text(text).append(f" ({facts})", style="dim") if facts else text


def _facts(citation: "Citation") -> list[str]:
    """The days of its article and its correction, and the page, as far as there are any."""
    article = citation.article
    corrected = f"corrected {shown_day(article.updated)}" if article.updated else ""
    page = _page(citation)
    return [fact for fact in (shown_day(article.published), corrected, f"p. {page}" if page else "") if fact]


def _page(citation: "Citation") -> int | None:
    return citation.article.page_of(citation.start)


def _linked(text: str, citation: "Citation") -> Text:
    return Text(text, style=Style(link=_link(citation)))


def _link(citation: "Citation") -> str | None:
    """Where the sentence stands: scrolled to on a web page, and the page of a document that has pages."""
    article, page = citation.article, _page(citation)
    archive, inside, _ = article.source.partition(_INSIDE)
    if page is None or (inside and not article.url):
        return web_link(article.url, citation.text) or file_link(archive)
    link = web_link(article.url, "") or file_link(article.source)
    return f"{link.partition('#')[0]}#page={page}" if link else None


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
    where = f"{count(articles, 'article')} ({count(sentences, 'sentence')})"
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
        **citation_data(hit.citation),
        "before": hit.before,
        "after": hit.after,
        "also_in": [citation_data(citation) for citation in hit.also_in],
        "differing": [citation_data(citation) for citation in hit.differing],
        "confidence": hit.confidence.value,
    }


def citation_data(citation: "Citation") -> dict[str, Any]:
    """A quoted sentence and where it stands, for JSON."""
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
        "updated": article.updated.isoformat() if article.updated else None,
        "page": _page(citation),
    }


# -- what `check` found


def finding_blocks(finding: "Finding") -> list[Block]:
    """One result of `check`: its mark, its label, what was found, and the remedy on a line of its own."""
    mark, style = {True: ("ok", "green"), None: ("note", "yellow"), False: ("FAILED", "bold red")}[finding.success]
    text = Text().append(f"{mark:<7}", style=style).append(f"{plain(finding.label)}: ", style="bold")
    first, *more = plain(logs.redacted(finding.details), lines=True).split("\n")
    blocks = [Block(0, text.append(first)), *(Block(7, Text(line)) for line in more)]
    return [*blocks, Block(7, Text(f"→ {plain(finding.remedy)}"))] if finding.remedy else blocks


def count(number: int, noun: str) -> str:
    """“1 article”, “1,200 articles”."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown_day(day: date | None) -> str:
    """“6 May 2024”; empty where there is none."""
    return f"{day.day} {day:%B %Y}" if day else ""


def _ending(text: str) -> str:
    return text if len(text) <= _NEIGHBOUR else "…" + text[-_NEIGHBOUR:].lstrip()


def _beginning(text: str) -> str:
    return text if len(text) <= _NEIGHBOUR else text[:_NEIGHBOUR].rstrip() + "…"
