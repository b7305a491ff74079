"""`waiting list` and `clear`: the questions that found nothing and were kept, where `answers.keep_waiting` is on."""

from datetime import UTC, datetime

import typer

from terminal import show
from terminal.options import ConfigOption, DataOption, JsonOption, ServerOption, print_json, take_options
from terminal.session import Exit, begun

waiting = typer.Typer(
    callback=take_options, no_args_is_help=True, help="List or clear the questions that wait for an answer."
)


@waiting.command("list")
def list_waiting(
    ctx: typer.Context,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Lists the questions that found nothing and are asked again after articles were indexed."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        found = store.ledger.waiting() if store else []
    if as_json:
        rows = [(one.id, one.question, datetime.fromtimestamp(one.asked, UTC)) for one in found]
        print_json([{"id": key, "question": text, "asked": f"{at:%Y-%m-%dT%H:%M:%S%z}"} for key, text, at in rows])
    elif found:
        for one in found:
            asked = datetime.fromtimestamp(one.asked, UTC)
            session.out.print(f"{asked:%Y-%m-%d}  {show.plain(one.question)}", soft_wrap=True)
    else:
        kept = "" if session.config.answers.keep_waiting else " None are kept unless answers.keep_waiting is true."
        session.out.print(f"No questions wait for an answer.{kept}", soft_wrap=True)
    return Exit.DONE


@waiting.command("clear")
def clear_waiting(
    ctx: typer.Context,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Forgets all questions that wait for an answer."""
    session = begun(ctx, config, data)
    with session.store(server) as store:
        ids = [one.id for one in store.ledger.waiting()] if store else []
        if store and ids:
            store.ledger.forget_waiting(ids)
    if as_json:
        print_json({"removed": len(ids)})
    else:
        session.out.print(f"Forgot {show.count(len(ids), 'question')}.", soft_wrap=True)
    return Exit.DONE
