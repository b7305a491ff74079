"""`articles list`, `show` and `remove`: what is indexed. No model is needed, and none is loaded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from index.errors import UserError
from index.layout import database_path
from terminal import show
from terminal.options import ConfigOption, DataOption, JsonOption, ServerOption, print_json
from terminal.session import Exit, Session

if TYPE_CHECKING:
    from index.store import Store, StoredArticle

articles = typer.Typer(no_args_is_help=True, help="List, show or remove indexed articles.")
_LAST_ID = 2**63 - 1  # the largest number that SQLite gives a row
ArticleId = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=_LAST_ID, help="The article's number in `articles list`.")
]
ArticleIds = Annotated[
    list[int] | None, typer.Argument(metavar="ID…", min=1, max=_LAST_ID, help="Numbers in `articles list`.")
]


@articles.callback()
def _options(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> None:
    ctx.obj.given(config, data)


@articles.command("list")
def list_articles(
    ctx: typer.Context,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Lists the indexed articles with their numbers."""
    session = _session(ctx, config, data)
    with _store(session, server) as store:
        found = store.articles() if store else []
    if as_json:
        print_json([show.article_data(article) for article in found])
    elif not found:
        session.out.print("No articles are indexed yet. Add some: python bot.py index PATH", soft_wrap=True)
    elif session.out.is_terminal:
        session.out.print(_table(found))
    else:
        for article in found:
            print("\t".join(_row(article)))
    return Exit.DONE


@articles.command("show")
def show_article(
    ctx: typer.Context,
    article_id: ArticleId,
    server: ServerOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Shows one article: what is known of it, and its text as indexed."""
    session = _session(ctx, config, data)
    with _store(session, server) as store:
        (stored,) = _articles(store, [article_id])
        article = store.load(article_id) if store else None
    show.write(session.out, show.article_blocks(stored, article.text if article else ""))
    return Exit.DONE


@articles.command("remove")
def remove_articles(
    ctx: typer.Context,
    article_ids: ArticleIds = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Remove every article, and the database with them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on.")] = False,
    server: ServerOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Removes articles from the index for good; files they were read from stay where they are."""
    if bool(article_ids) == everything:
        raise typer.BadParameter("name either article numbers or --all")
    session = _session(ctx, config, data)
    with _store(session, server) as store:
        chosen = store.articles() if store and everything else _articles(store, article_ids or [])
        for article in chosen[:20]:
            session.err.print(show.plain(f"{article.id}  {article.title}"), soft_wrap=True)
        if not yes and not _confirmed(f"Remove {len(chosen)} article(s) for good?"):
            raise UserError("Nothing was removed. Answer y, or pass --yes where nobody can answer.")
        if store and not everything:
            store.remove([article.id for article in chosen], forget=True)
    if everything:
        _delete(session, server)
    session.out.print(
        f"Removed {len(chosen)} article(s). A file that is still in an indexed folder comes back with the next index.",
        soft_wrap=True,
    )
    return Exit.DONE


def _session(ctx: typer.Context, *options: Path | None) -> Session:
    session: Session = ctx.obj
    session.given(*options).start_log()
    return session


@contextmanager
def _store(session: Session, server: int | None) -> "Iterator[Store | None]":
    """The corpus's store, which needs no vectors; None if nothing was ever indexed."""
    from index.store import Store

    path = database_path(session.config.data, server)
    if not path.exists():
        yield None
        return
    store = Store(path, create=False)
    try:
        yield store
    finally:
        store.close()


def _articles(store: "Store | None", article_ids: Sequence[int]) -> "list[StoredArticle]":
    found = [article for article_id in dict.fromkeys(article_ids) if store and (article := store.article(article_id))]
    if missing := sorted({*article_ids} - {article.id for article in found}):
        numbers = ", ".join(map(str, missing))
        raise UserError(f"No article has the number {numbers}. See them all: python bot.py articles list")
    return found


def _delete(session: Session, server: int | None) -> None:
    with session.library() as (library, _):
        try:
            library.delete(server)
        except OSError as error:
            raise UserError(
                f"{library.path(server)} cannot be deleted: {error.strerror}. Stop the bot if it runs, and try again."
            ) from error


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _row(article: "StoredArticle") -> list[str]:
    published = article.published.isoformat() if article.published else ""
    values = (str(article.id), article.title, published, str(article.sentences), article.source)
    return [show.plain(value) for value in values]


def _table(found: "Sequence[StoredArticle]") -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("ID", justify="right")
    table.add_column("Title", overflow="fold")
    table.add_column("Published", no_wrap=True)
    table.add_column("Sentences", justify="right")
    table.add_column("Source", overflow="fold", style="dim")
    for article in found:
        *row, _ = _row(article)
        table.add_row(*map(Text, (*row, show.shown_source(article.source, Path.cwd()))))
    return table
