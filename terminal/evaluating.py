"""`evaluate`: a person's own questions over their own articles, with the figures, and the worst misses to act on."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from index.errors import UserError
from terminal import show
from terminal.session import Exit, Session

if TYPE_CHECKING:
    from evaluation.own import Evaluation, Miss
    from index.article import Article
    from index.corpus import Corpus

_STEPS = 10  # lines of progress written where nobody looks on
_MISSES = 10  # shown in the terminal; the files have all


def run(session: Session, questions: Path, server: int | None, *, as_json: Path | None, as_html: Path | None) -> Exit:
    """Evaluates, prints the tables and the ten worst misses, and writes the files that are asked for."""
    demand_folders(as_json, as_html)
    with session.library() as (library, encoder):
        from evaluation import brought, own, report

        rows = brought.read(questions)
        corpora = library.askable(server)
        articles = articles_of(corpora)
        if not articles:
            raise UserError("There are no indexed articles to ask. Index some first: python bot.py index PATH")
        located = brought.locate(rows, articles.values())
        with progress(session.err) as report_progress:
            found = own.evaluate(located, articles, corpora, encoder, report_progress, make_retriever=session.retriever)
    for line in report.table_lines(questions.name, found.tables):
        session.out.print(show.plain(line), soft_wrap=True)
    show.write(session.out, miss_blocks(found.misses, len(located)))
    if as_json is not None:
        write(as_json, json.dumps(data(found), ensure_ascii=False, indent=1) + "\n")
    if as_html is not None:
        from evaluation.page import page

        title = f"{questions.name}: {len(located):,} questions over {len(articles):,} articles"
        write(as_html, page(title, {questions.name: found.tables}, found.misses))
    return Exit.DONE


def demand_folders(*paths: Path | None) -> None:
    """Raises UserError if one of the files could not be written since there is no folder for it."""
    for path in paths:
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: there is no such folder. Make it first, or name another.")


def articles_of(corpora: "list[Corpus]") -> "dict[str, Article]":
    """Source → article, of all corpora; where two have the same source, of the first."""
    found: dict[str, Article] = {}
    for corpus in corpora:
        for stored in corpus.store.articles():
            article = corpus.store.load(stored.id)
            if article is not None:
                found.setdefault(article.source, article)
    return found


def miss_blocks(misses: "list[Miss]", questions: int) -> Iterator[show.Block]:
    """How many of the questions went wrong, and the worst."""
    yield show.Block(0, Text())
    if not misses:
        yield show.Block(0, Text(f"Of {questions:,} questions, none went wrong."))
        return
    yield show.Block(0, Text(f"Of {questions:,} questions, {len(misses):,} went wrong. The worst:"))
    for number, miss in enumerate(misses[:_MISSES], start=1):
        yield show.Block(0, Text())
        yield show.Block(0, Text(f"{number}. {show.plain(miss.question)}", style="bold"))
        expected = " / ".join(map(show.plain, miss.expected)) or "nothing found"
        where = f" ({show.plain(miss.article)})" if miss.article else ""
        yield show.Block(3, Text(f"expected: {expected}{where}"))
        yield show.Block(3, Text(f"got: {_got(miss)}"))


def _got(miss: "Miss") -> str:
    place = "not among the candidates" if miss.rank is None else f"place {miss.rank:g}"
    right = f"; the right sentence: {place}" if miss.expected else ""
    if miss.got is None:
        return "nothing found"
    said = f"{show.plain(miss.got)} ({show.plain(miss.got_article or '')}; confidence {miss.confidence:.2f}{right})"
    return said if miss.shown else f"nothing found; the likeliest was: {said}"


def data(found: "Evaluation") -> dict[str, Any]:
    """The figures and misses, for JSON."""
    from dataclasses import asdict

    from evaluation.report import tables_data

    return {"tables": tables_data(found.tables), "misses": [asdict(miss) for miss in found.misses]}


def write(path: Path, text: str) -> None:
    """Writes a file; UserError where that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another file.") from error


@contextmanager
def progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, otherwise a line for each tenth."""
    if not console.is_terminal:
        yield lambda done, total: _line(console, done, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Asking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _line(console: Console, done: int, total: int) -> None:
    if done * _STEPS // total > (done - 1) * _STEPS // total:
        console.print(f"Asking: {done} of {total}", soft_wrap=True)
