"""The commands of `bot.py`: each reads its options, calls `index` and `retrieval`, and shows what came of it.

Heavy libraries are imported where a command first needs them, so that help, version and lists answer at once.
"""

import errno
import logging
import os
import platform
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import logs
from index.errors import UserError
from terminal import VERSION, indexing, show
from terminal.articles import articles
from terminal.options import ConfigOption, DataOption, JsonOption, ServerOption, print_json
from terminal.session import (
    Exit,
    MakeEncoder,
    Session,
    configured_encoder,
    discard_output,
    quieten,
    require_working_folder,
    tolerant_streams,
)

if TYPE_CHECKING:
    from retrieval.answer import Answer

log = logging.getLogger(__name__)
_EXIT_CODES = (
    "Exit codes: 0 done; 1 error; 2 wrong usage; 3 nothing found (ask); 4 some articles failed (index); "
    "130 interrupted."
)
app = typer.Typer(
    add_completion=False,
    help="Answers questions about your articles with the exact sentences that say so. Without a command: runs the "
    "Discord bot.",
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(articles, name="articles")


def main(arguments: Sequence[str] | None = None, *, home: Path, make_encoder: MakeEncoder = configured_encoder) -> int:
    """Runs one command line and returns the exit code. `home` is the folder of bot.py."""
    tolerant_streams()
    logs.configure("warning", "text")
    session = Session(home, make_encoder)
    try:
        require_working_folder()
        # Given as a list, because Typer would expand patterns on Windows, which `index` does itself.
        command = typer.main.get_command(app)
        code = command.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="python bot.py",
            standalone_mode=False,
            obj=session,
        )
        code = _finished(session, code)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where it can still be told that nobody takes it
        return code
    except UserError as error:
        session.fail(str(error))
        return Exit.ERROR
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        session.fail(error.format_message() + (f"\nSee: {context.command_path} --help" if context else ""))
        return error.exit_code
    except KeyboardInterrupt:
        return _finished(session, Exit.INTERRUPTED)
    except BrokenPipeError:  # whoever read the output, `head` perhaps, has enough
        discard_output()
        return Exit.ERROR
    except Exception as error:
        return _failed(session, error)


def _failed(session: Session, error: Exception) -> int:
    """Says what nobody foresaw: that the output cannot be written, or else that there is a defect."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EIO} and error.filename is None:
        discard_output()
        session.fail(f"The output cannot be written: {error.strerror}. Send it elsewhere, or free some space.")
        return Exit.ERROR
    reference = secrets.token_hex(4)
    log.error("unexpected error", exc_info=error, extra={"reference": reference})
    session.fail(
        f"sorry, something went wrong that should not have (reference {reference}; details are in the log above). "
        "Please report it."
    )
    return Exit.ERROR


def _finished(session: Session, code: int | None) -> int:
    if code == Exit.INTERRUPTED:
        session.err.print("Interrupted.")
    return int(code or Exit.DONE)


@app.callback(invoke_without_command=True)
def run(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int | None:
    session: Session = ctx.obj.given(config, data)
    return None if ctx.invoked_subcommand else _run_bot(session)


def _run_bot(session: Session) -> int:
    from cogs.stopping import exit_on_signals

    with exit_on_signals():  # until there is something to close
        import config

        token = config.token(session.home)
        if token is None:
            raise UserError(
                "There is no Discord token. Set the environment variable DISCORD_TOKEN, or write DISCORD_TOKEN=… into "
                "a file .env beside bot.py; the README says where to get one. Without Discord: python bot.py demo"
            )
        settings = session.config
        session.start_log(verbose=True, secret=token.get_secret_value())
        if not logs.looks_like_token(token.get_secret_value()):
            log.warning("DISCORD_TOKEN does not have the form of a bot's token; if Discord refuses it, copy it anew")
        with session.library(threads=1) as (library, encoder):
            from cogs import client
            from cogs.settings import Settings

            code = client.run(
                token=token.get_secret_value(),
                library=library,
                encoder=encoder,
                ranker=session.ranker,
                reranker=session.reranker,
                settings=Settings(
                    articles=settings.articles,
                    data=settings.data,
                    hits=settings.answers.hits,
                    precision=settings.answers.precision,
                    max_bytes=settings.limits.max_file_mb * 1024 * 1024,
                    max_sentences=settings.limits.max_sentences,
                    manager_roles=settings.discord.manager_roles,
                    log_questions=settings.log.questions,
                ),
            )
        if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
            # Everything is closed, but a thread still loads the model, which Python would wait for and nothing can
            # stop.
            logging.shutdown()
            os._exit(code)
    return code


@app.command()
def demo(
    ctx: typer.Context,
    prompt: Annotated[
        bool, typer.Option("--prompt/--no-prompt", help="Then take questions, up to an empty line.")
    ] = True,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Indexes the sample articles for a moment, asks sample questions, then yours."""
    from terminal import demo

    session = _session(ctx, config, data)
    demo.run(session, prompt=prompt)
    return Exit.DONE


@app.command()
def ask(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", help="The question, best in quotation marks.")],
    *,
    top: Annotated[int | None, typer.Option("--top", metavar="N", min=1, max=50, help="The most hits to show.")] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Answers a question with the sentences that say so."""
    session = _session(ctx, config, data)
    # What the shell could not decode is no text that a model could read.
    question = " ".join(words).encode(errors="replace").decode().strip()
    if not question:
        raise typer.BadParameter("the question is empty")
    with session.library(threads=1) as (library, encoder):
        corpora = library.askable(server)
        started = time.perf_counter()
        with session.waiting("Looking for an answer"):
            retriever = session.retriever(corpora, encoder)
            answer = retriever.ask(question, top=top or session.config.answers.hits)
        _log_answer(answer, time.perf_counter() - started, questions=session.config.log.questions)
        if as_json:
            print_json(show.answer_data(answer))
        else:
            blocks = show.answer_blocks(answer, Path.cwd())
            searched = show.searched_notice(answer)
            blocks = blocks or show.nothing_found(corpus.store.statistics() for corpus in corpora)
            show.write(session.out, [*searched, *blocks, *show.foreign_notice(answer, encoder.languages)])
    return Exit.DONE if answer.answered else Exit.NOTHING_FOUND


def _log_answer(answer: "Answer", seconds: float, *, questions: bool) -> None:
    confidence = answer.confidence.value if answer.confidence else None
    fields = {"hits": len(answer.hits), "confidence": confidence, "seconds": round(seconds, 3)}
    log.info("asked", extra=fields | ({"question": answer.question} if questions else {}))


@app.command()
def index(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH…", help="Files, folders or glob patterns. Default: the configured `articles`."),
    ] = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Encode every indexed article anew, after a change of model.")
    ] = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Indexes articles: what is new or changed is encoded, what vanished from a folder leaves the index."""
    if rebuild and paths:
        raise typer.BadParameter("--rebuild takes no PATH: it encodes what is indexed")
    if server is not None and not paths and not rebuild:
        raise typer.BadParameter("name the PATH to index for this server; the configured folder is the operator's")
    session = _session(ctx, config, data)
    if rebuild:
        return indexing.rebuild(session, server, as_json=as_json)
    return indexing.sync(session, paths or [], server, as_json=as_json)


@app.command()
def evaluate(
    ctx: typer.Context,
    questions: Annotated[
        Path, typer.Argument(metavar="QUESTIONS", help="A .jsonl or .csv file of questions with their answers.")
    ],
    *,
    server: ServerOption = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures and all misses there as JSON.")
    ] = None,
    as_html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with tables and plots there.")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Measures how well your own questions are answered from the indexed articles."""
    from terminal import evaluating

    session = _session(ctx, config, data)
    return evaluating.run(session, questions, server, as_json=as_json, as_html=as_html)


@app.command()
def check(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int:
    """Looks at everything that Verbatim needs, and says how to mend what is amiss."""
    import config as configuration
    from terminal.check import Finding, findings

    session = _session_unstarted(ctx, config, data)
    try:
        settings = session.config
    except UserError as error:
        show.write(session.out, show.finding_blocks(Finding("Configuration", False, str(error))))
        return Exit.ERROR
    session.start_log()
    quieten()
    file = session.config_file or session.home / "config.toml"
    source = str(file) if file.exists() else "no file, so the defaults"
    show.write(session.out, show.finding_blocks(Finding("Configuration", True, source)))

    def token() -> str | None:
        value = configuration.token(session.home)
        return value.get_secret_value() if value else None

    code = Exit.DONE
    for finding in findings(settings, token, session.make_encoder(settings), session.reranker):
        show.write(session.out, show.finding_blocks(finding))
        code = Exit.ERROR if finding.success is False else code
    return code


@app.command()
def version(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int:
    """Says which version this is."""
    system = f"{platform.system()} {platform.machine()}"
    ctx.obj.out.print(f"Verbatim {VERSION} (Python {platform.python_version()}, {system})", soft_wrap=True)
    return Exit.DONE


def _session_unstarted(ctx: typer.Context, config: Path | None, data: Path | None) -> Session:
    session: Session = ctx.obj
    return session.given(config, data)


def _session(ctx: typer.Context, config: Path | None, data: Path | None) -> Session:
    session = _session_unstarted(ctx, config, data)
    session.start_log()
    return session
