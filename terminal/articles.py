"""`articles list`, `show` and `remove`: what is indexed. No model is needed, and none is loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import UserError
from terminal import records, show
from terminal.forgetting import forget_gone
from terminal.options import (
    ArticleId,
    ArticleIds,
    ConfigOption,
    DataOption,
    JsonOption,
    ServerOption,
    YesOption,
    confirmed,
    print_json,
    take_options,
)
from terminal.session import Exit, Session, begun

if TYPE_CHECKING:
    from index.ledger import Source
    from index.store import Store
    from index.stored import StoredArticle

articles = typer.Typer(callback=take_options, no_args_is_help=True, help="List, show or remove indexed articles.")


@articles.command("list")
def list_articles(
    ctx: typer.Context,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Lists the indexed articles with their numbers; copies of an article stand under it."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        found = records.grouped(store.articles() if store else [])
    if as_json:
        print_json([records.article_data(one) | {"also": records.copies_data(copies)} for one, copies in found])
    elif not found:
        session.out.print("No articles are indexed yet. Add some: python bot.py index PATH", soft_wrap=True)
    elif session.out.is_terminal:
        session.out.print(records.article_table(found, Path.cwd()))
    else:
        for one, copies in found:
            print("\t".join(records.article_row(one, copies)))
    return Exit.DONE


@articles.command("show")
def show_article(
    ctx: typer.Context,
    article_id: ArticleId,
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Shows one article: what is known of it, and its text as indexed."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        (stored,) = _chosen(store, [article_id])
        assert store is not None  # noqa: S101 — or nothing could have been chosen
        article = store.load(article_id)
        original = store.article(stored.copy_of) if stored.copy_of is not None else None
        text, origins = article.text if article else "", store.ledger.origins(stored.source)
        known = records.Known(stored, text, origins, _copies(store, [stored]), original)
    if as_json:
        print_json(records.known_data(known))
    else:
        show.write(session.out, records.article_blocks(known))
    return Exit.DONE


@articles.command("remove")
def remove_articles(
    ctx: typer.Context,
    article_ids: ArticleIds = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Remove every article, and the database with them.")
    ] = False,
    yes: YesOption = False,
    server: ServerOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Removes articles from the index for good, with their copies; files they were read from stay where they are."""
    if bool(article_ids) == everything:
        raise typer.BadParameter("name either article numbers or --all")
    session = begun(ctx, config, data)
    forgotten: list[Source] = []
    with session.store(server) as store:
        chosen = store.articles() if store and everything else _chosen(store, article_ids or [])
        if store and not everything:
            chosen += [copy for copy in _copies(store, chosen) if copy not in chosen]
        for article in chosen[:20]:
            session.err.print(show.plain(f"{article.id}  {article.title}"), soft_wrap=True)
        articles = show.count(len(chosen), "article")
        besides = (
            f", {show.count(len(store.ledger.sources()), 'source')} and what waits" if store and everything else ""
        )
        if not yes and not confirmed(f"Remove {articles}{besides} for good?"):
            raise UserError("Nothing was removed. Answer y, or pass --yes where nobody can answer.")
        if store and not everything:
            forgotten = _sources_of_nothing_else(store, chosen)
            store.remove([article.id for article in chosen], forget=True)
            for source in forgotten:
                store.ledger.remove(source.id)
    if everything:
        _delete(session, server)
    for source in forgotten:
        session.out.print(f"No longer looked at: {show.plain(source.address)}", soft_wrap=True)
    rest = "A file that is still in an indexed folder comes back with the next index."
    if everything:
        rest = "Nothing is remembered any more but the configured folder."
    session.out.print(f"Removed {articles}{besides}. {rest}", soft_wrap=True)
    forget_gone(session, server)
    return Exit.DONE


def _chosen(store: "Store | None", article_ids: Sequence[int]) -> "list[StoredArticle]":
    found = [article for article_id in dict.fromkeys(article_ids) if store and (article := store.article(article_id))]
    if missing := sorted({*article_ids} - {article.id for article in found}):
        numbers = ", ".join(map(str, missing))
        raise UserError(f"No article has the number {numbers}. See them all: python bot.py articles list")
    return found


def _copies(store: "Store", chosen: "Sequence[StoredArticle]") -> "list[StoredArticle]":
    """The articles that these stand for."""
    ids = {one.id for one in chosen}
    return [one for one in store.articles() if one.copy_of in ids]


def _sources_of_nothing_else(store: "Store", chosen: "Sequence[StoredArticle]") -> "list[Source]":
    """The pages and single files that are these articles: with the next look at them, they would come back."""
    origins = (
        one for article in chosen for one in store.ledger.origins(article.source) if one.address == article.source
    )
    return [one for one in origins if one.kind in ("page", "path")]


def _delete(session: Session, server: int | None) -> None:
    with session.library() as (library, _):
        try:
            library.delete(server)
        except OSError as error:
            raise UserError(
                f"{library.path(server)} cannot be deleted: {error.strerror}. Stop the bot if it runs, and try again."
            ) from error
