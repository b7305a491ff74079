"""`sources list`, `add`, `remove`, `pause` and `resume`: what the articles of a corpus come from. But for `add`, no
model is needed, and none is loaded."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import UserError
from terminal import records, show
from terminal.forgetting import forget_gone
from terminal.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    ServerOption,
    SourceIds,
    YesOption,
    confirmed,
    every,
    print_json,
    take_options,
)
from terminal.session import Exit, Session, begun

if TYPE_CHECKING:
    from index.ledger import Source, State
    from index.store import Store

sources = typer.Typer(
    callback=take_options, no_args_is_help=True, help="List, add, remove, pause or resume what articles come from."
)


@sources.command("list")
def list_sources(
    ctx: typer.Context,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Lists what is remembered: where it is, how it stands, when it was looked at and when it will be."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        rows = _rows(session, store, server)
    if as_json:
        print_json([records.source_data(row) for row in rows])
    elif not rows:
        session.out.print("Nothing is remembered yet. Add some: python bot.py sources add PATH|URL", soft_wrap=True)
    elif session.out.is_terminal:
        show.write(session.out, records.source_blocks(rows, Path.cwd()))
    else:
        for row in rows:
            print("\t".join(records.source_cells(row)))
    return Exit.DONE


@sources.command("add")
def add_sources(
    ctx: typer.Context,
    targets: Annotated[
        list[str], typer.Argument(metavar="PATH|URL…", help="Files, folders, glob patterns, pages, documents or feeds.")
    ],
    *,
    interval: Annotated[
        float | None,
        typer.Option(
            "--every", metavar="TIME", parser=every, help="How often the bot looks again: 30m, 6h, 2d, never."
        ),
    ] = None,
    feed: Annotated[bool, typer.Option("--feed", help="Of a page, take the feed that it names.")] = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Indexes files, folders, pages and feeds, and remembers them, to be looked at again."""
    from terminal import indexing
    from terminal.targets import Wish

    wish = Wish(targets, server, every=interval, feed=feed)
    return indexing.run(begun(ctx, config, data), wish, as_json=as_json)


@sources.command("remove")
def remove_sources(
    ctx: typer.Context,
    source_ids: SourceIds,
    *,
    keep_articles: Annotated[bool, typer.Option("--keep-articles", help="Leave their articles in the index.")] = False,
    yes: YesOption = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Forgets sources, and removes the articles that no other source gives."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        chosen = _chosen(store, source_ids)
        assert store is not None  # noqa: S101 — or nothing could have been chosen
        if keep_articles and (uploads := [str(one.id) for one in chosen if one.kind == "upload"]):
            raise UserError(
                f"Uploads go with their articles ({', '.join(uploads)}): leave out --keep-articles, or these numbers."
            )
        ids = [one.id for one in chosen]
        going = 0 if keep_articles else len(store.given_only_by(ids))
        for one in chosen:
            session.err.print(show.plain(f"{one.id}  {one.title or one.address}"), soft_wrap=True)
        what = "keep their articles" if keep_articles else f"remove {show.count(going, 'article')} for good"
        if not yes and not confirmed(f"Forget {show.count(len(chosen), 'source')} and {what}?"):
            raise UserError("Nothing was removed. Answer y, or pass --yes where nobody can answer.")
        removed = store.forget_sources(ids, keep_articles=keep_articles)
    if as_json:
        print_json({"removed": ids, "articles": removed})
    else:
        text = f"Forgot {show.count(len(chosen), 'source')} and removed {show.count(removed, 'article')}."
        session.out.print(text, soft_wrap=True)
    forget_gone(session, server)
    return Exit.DONE


@sources.command("pause")
def pause_sources(
    ctx: typer.Context,
    source_ids: SourceIds,
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Leaves sources alone until they are resumed; their articles stay."""
    return _set_state(begun(ctx, config, data), source_ids, server, "paused", as_json=as_json)


@sources.command("resume")
def resume_sources(
    ctx: typer.Context,
    source_ids: SourceIds,
    *,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Has paused or suspended sources looked at again; their failures are forgotten."""
    return _set_state(begun(ctx, config, data), source_ids, server, "active", as_json=as_json)


def _set_state(
    session: Session, source_ids: Sequence[int], server: int | None, state: "State", *, as_json: bool
) -> Exit:
    with session.store(server) as store:
        chosen = _chosen(store, source_ids)
        for one in chosen:
            assert store is not None  # noqa: S101 — or nothing could have been chosen
            store.ledger.set_state(one.id, state, time.time())
        changed = {one.id for one in chosen}
        rows = [row for row in _rows(session, store, server) if row.id in changed]
    if as_json:
        print_json([records.source_data(row) for row in rows])
    else:
        for one in chosen:
            session.out.print(show.plain(f"{state}: {one.id}  {one.title or one.address}"), soft_wrap=True)
    return Exit.DONE


def _chosen(store: "Store | None", source_ids: Sequence[int]) -> "list[Source]":
    known = {one.id: one for one in store.ledger.sources()} if store else {}
    if missing := sorted({*source_ids} - known.keys()):
        numbers = ", ".join(map(str, missing))
        raise UserError(f"No source has the number {numbers}. See them all: python bot.py sources list")
    return [known[one] for one in dict.fromkeys(source_ids)]


def _rows(session: Session, store: "Store | None", server: int | None) -> list[records.SourceRow]:
    """The configured folder, in the operator's corpus, and all that is remembered."""
    rows = []
    versions = store.versions() if store else {}
    folder = session.config.articles
    if server is None and folder.is_dir():
        inside = sum(Path(one).is_relative_to(folder) for one in versions)
        every = session.every["path"]
        rows.append(
            records.SourceRow(None, "path", str(folder), "", records.CONFIGURED, None, 0, every, None, None, inside)
        )
    if store:
        for one in store.ledger.sources():
            given = store.ledger.articles_of(one.id) & versions.keys()
            rows.append(records.source_row(one, session.every, len(given)))
    return rows
