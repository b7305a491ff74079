"""Articles and the sources they come from, as text for a terminal and as plain data for JSON. Pure.

How they are got from the store is for the commands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from index.language import UND, name_of
from terminal.show import Block, count, plain, shown_day, shown_source

if TYPE_CHECKING:
    from index.ledger import Source
    from index.stored import StoredArticle

CONFIGURED = "configured"
"""The state of the folder that the configuration names, which is no remembered source."""


# -- articles


def grouped(found: "Iterable[StoredArticle]") -> "list[tuple[StoredArticle, list[StoredArticle]]]":
    """Each article that stands for itself, with the copies that it stands for; in the order given."""
    copies: dict[int, list[StoredArticle]] = {}
    shown = []
    for article in found:
        if article.copy_of is None:
            shown.append(article)
        else:
            copies.setdefault(article.copy_of, []).append(article)
    return [(article, copies.get(article.id, [])) for article in shown]


def article_row(article: "StoredArticle", copies: "Sequence[StoredArticle]") -> list[str]:
    """An article of a list, for programs that split lines at tabs: one more column for each copy."""
    published = article.published.isoformat() if article.published else ""
    values = (str(article.id), article.title, published, str(article.sentences), article.source)
    return [plain(value) for value in (*values, *(copy.source for copy in copies))]


def article_table(found: "Iterable[tuple[StoredArticle, Sequence[StoredArticle]]]", base: PurePath) -> Table:
    """The articles of a list, for people."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("ID", justify="right")
    table.add_column("Title", overflow="fold")
    table.add_column("Published", no_wrap=True)
    table.add_column("Sentences", justify="right")
    table.add_column("Source", overflow="fold", style="dim")
    for article, copies in found:
        *row, _ = article_row(article, [])
        also = [f"also: {shown_source(copy.source, base)}" for copy in copies]
        table.add_row(*map(Text, (*row, "\n".join([shown_source(article.source, base), *also]))))
    return table


def article_data(article: "StoredArticle") -> dict[str, Any]:
    """An article of a list, for JSON. `pages` is their number; None where it has none."""
    return {
        "id": article.id,
        "title": article.title,
        "source": article.source,
        "url": article.url,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "updated": article.updated.isoformat() if article.updated else None,
        "language": article.language,
        "pages": len(article.pages) or None,
        "indexed_at": article.indexed_at.isoformat(),
        "sentences": article.sentences,
    }


def copies_data(copies: "Iterable[StoredArticle]") -> list[dict[str, Any]]:
    """The copies that an article stands for, for JSON."""
    return [{"id": copy.id, "source": copy.source, "url": copy.url} for copy in copies]


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one article: its `text`, the sources that gave it, its copies, and the article that stands
    for it, if it is a copy itself."""

    article: "StoredArticle"
    text: str
    origins: "Sequence[Source]" = ()
    copies: "Sequence[StoredArticle]" = ()
    original: "StoredArticle | None" = None


def article_blocks(known: Known) -> list[Block]:
    """One article: what is known of it, and its text as indexed."""
    article, original = known.article, known.original
    facts = [
        ("Source", article.source),
        *(("From", _origin(one)) for one in known.origins if one.address != article.source),
        *(("Also", copy.source) for copy in known.copies),
        ("A copy of", f"{original.id}  {original.title}" if original else None),
        ("Link", article.url),
        ("Author", article.author),
        ("Published", shown_day(article.published)),
        ("Corrected", shown_day(article.updated)),
        ("Language", name_of(article.language) if article.language not in (None, UND) else None),
        ("Indexed", f"{article.indexed_at:%Y-%m-%d %H:%M} UTC"),
        ("Pages", str(len(article.pages)) if article.pages else None),
        ("Sentences", str(article.sentences)),
    ]
    blocks = [Block(0, Text(plain(article.title), style="bold"))]
    blocks += [Block(0, Text(f"{name}: {plain(value)}", style="dim")) for name, value in facts if value]
    return [*blocks, Block(0, Text()), *(Block(0, Text(plain(line))) for line in known.text.split("\n"))]


def known_data(known: Known) -> dict[str, Any]:
    """One article for JSON, with its text. `page_starts` are the offsets in it at which its pages begin."""
    return {
        **article_data(known.article),
        "copy_of": known.article.copy_of,
        "also": copies_data(known.copies),
        "sources": [{"id": one.id, "kind": one.kind, "address": one.address} for one in known.origins],
        "page_starts": list(known.article.pages),
        "text": known.text,
    }


def _origin(source: "Source") -> str:
    kind = "file or folder" if source.kind == "path" else source.kind
    return f"{kind} {source.address}" + (f" ({source.title})" if source.title else "")


# -- sources


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of a list: times are Unix seconds, `every` those between two looks (0: none are scheduled), `due` None
    where nothing is; `articles` is the number of those that it gave and that are indexed. `id` is None for the
    configured folder."""

    id: int | None
    kind: str
    address: str
    title: str
    state: str
    problem: str | None
    failures: int
    every: float
    checked: float | None
    due: float | None
    articles: int


def source_row(source: "Source", every: "Mapping[Any, float]", articles: int) -> SourceRow:
    """A remembered source of a list; `every` is what the configuration says of each kind."""
    interval = source.interval(every)
    due = source.due if interval and source.state == "active" else None
    known = (source.id, source.kind, source.address, source.title, source.state, source.problem, source.failures)
    return SourceRow(*known, interval, source.checked, due, articles)


def source_cells(row: SourceRow) -> list[str]:
    """Number, kind, state, last and next look, articles, address and title, for programs that split lines at tabs."""
    number = "" if row.id is None else str(row.id)
    times = (_time(row.checked), _time(row.due))
    values = (number, row.kind, _state(row), *times, str(row.articles), row.address, row.title)
    return [plain(value) for value in values]


def source_blocks(rows: Sequence[SourceRow], base: PurePath) -> list[Block]:
    """The sources of a list, for people: a line for what each is, one for how it stands, and one for its problem."""
    blocks = []
    for row in rows:
        number, kind, _, checked, due, _, _, title = source_cells(row)
        name = shown_source(row.address, base)
        heading = Text(f"{number or '-':>4}  ").append(f"{title} ({name})" if title else name, style="bold")
        times = [f"looked at {checked}"] * bool(checked) + [f"next {due}"] * bool(due)
        blocks.append(Block(0, heading))
        blocks.append(Block(6, Text(", ".join([kind, row.state, count(row.articles, "article"), *times]))))
        if row.problem:
            blocks.append(Block(6, Text(f"failed{_times(row)}: {plain(row.problem)}", style="yellow")))
    return blocks


def source_data(row: SourceRow) -> dict[str, Any]:
    """A source of a list, for JSON. `every` is in seconds."""
    return {
        "id": row.id,
        "kind": row.kind,
        "address": row.address,
        "title": row.title,
        "state": row.state,
        "problem": row.problem,
        "failures": row.failures,
        "every": row.every or None,
        "checked": _iso(row.checked),
        "due": _iso(row.due),
        "articles": row.articles,
    }


def _state(row: SourceRow) -> str:
    return f"{row.state}, failed{_times(row)}: {row.problem}" if row.problem else row.state


def _times(row: SourceRow) -> str:
    return "" if row.failures < 2 else f" {row.failures} times"


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
