"""The commands of `bot.py`: each reads its options, calls `index` and `retrieval`, and shows what came of it.

Heavy libraries are imported where a command first needs them, so that help, version and lists answer at once.
"""

import errno
import logging
import platform
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import logs
from index.errors import UserError
from terminal import VERSION, show
from terminal.articles import articles
from terminal.options import (
    ConfigOption,
    DataOption,
    JsonOption,
    ServerOption,
    VerboseOption,
    print_json,
    whole_number,
)
from terminal.session import (
    Exit,
    MakeEncoder,
    Session,
    begun,
    configured_encoder,
    discard_output,
    quieten,
    require_working_folder,
    tolerant_streams,
)
from terminal.sources import sources
from terminal.waiting import waiting

if TYPE_CHECKING:
    from index.corpus import Library
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
app.add_typer(sources, name="sources")
app.add_typer(waiting, name="waiting")


def main(
    arguments: Sequence[str] | None = None,
    *,
    home: Path,
    make_encoder: MakeEncoder = configured_encoder,
    pause: float = 1.0,
) -> int:
    """Runs one command line and returns the exit code. `home` is the folder of bot.py; `pause` are the seconds between
    two requests to one web site."""
    tolerant_streams()
    logs.configure("warning", "text")
    session = Session(home, make_encoder, pause)
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
    if ctx.invoked_subcommand:
        return None
    from terminal import running

    return running.run(session)


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

    session = begun(ctx, config, data)
    demo.run(session, prompt=prompt)
    return Exit.DONE


@app.command()
def ask(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", help="The question, best in quotation marks.")],
    *,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            metavar="N",
            parser=whole_number(1, 50, "a number from 1 to 50"),
            help="The most hits to show, 1 to 50.",
        ),
    ] = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Answers a question with the sentences that say so."""
    session = begun(ctx, config, data)
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
        if session.config.answers.keep_waiting and not answer.answered:
            _keep(answer, library, server)
    return Exit.DONE if answer.answered else Exit.NOTHING_FOUND


def _keep(answer: "Answer", library: "Library", server: int | None) -> None:
    """Keeps the question, to be asked again, where there is a corpus that can keep it."""
    from retrieval.waiting import keep

    corpus = library.corpus(server)
    if corpus is not None:
        try:
            keep(answer, corpus.store)
        except UserError as error:  # a corpus that only may be read can still be asked
            log.warning("the question was not kept: %s", error)


def _log_answer(answer: "Answer", seconds: float, *, questions: bool) -> None:
    confidence = answer.confidence.value if answer.confidence else None
    fields = {"hits": len(answer.hits), "confidence": confidence, "seconds": round(seconds, 3)}
    log.info("asked", extra=fields | ({"question": answer.question} if questions else {}))


@app.command()
def index(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH|URL…",
            help="Files, folders, glob patterns, pages, documents or feeds. Default: the configured folder, and all "
            "that is remembered.",
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would happen, and store nothing.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Encode every indexed article anew, after a change of model.")
    ] = False,
    no_remember: Annotated[bool, typer.Option("--no-remember", help="Index for this once, remember nothing.")] = False,
    verbose: VerboseOption = False,
    server: ServerOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Indexes articles: what is new or changed is encoded, what vanished from a folder leaves the index."""
    if rebuild and (targets or dry_run or no_remember):
        raise typer.BadParameter("--rebuild takes no PATH or URL and neither option: it encodes what is indexed")
    if no_remember and not targets:
        raise typer.BadParameter("--no-remember goes with a PATH or URL: without one, what is remembered is indexed")
    session = begun(ctx, config, data)
    if rebuild:
        from terminal import rebuilding

        return rebuilding.run(session, server, as_json=as_json)
    from terminal import indexing
    from terminal.targets import Wish

    wish = Wish(targets or [], server, dry_run=dry_run, remember=not no_remember)
    return indexing.run(session, wish, as_json=as_json, verbose=verbose)


@app.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The ZIP to write. It must not be there yet.")],
    *,
    server: ServerOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> int:
    """Writes all articles to a ZIP, or several, that `index` and `/articles add` read back."""
    from terminal import exporting

    return exporting.run(begun(ctx, config, data), file, server)


@app.command()
def evaluate(
    ctx: typer.Context,
    questions: Annotated[
        Path | None,
        typer.Argument(metavar="QUESTIONS", help="A .jsonl or .csv file of questions with their answers."),
    ] = None,
    *,
    from_feedback: Annotated[
        bool, typer.Option("--from-feedback", help="Ask the questions whose answers people judged in Discord, instead.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--write", metavar="FILE", help="With --from-feedback: write these there as a .jsonl of questions."
        ),
    ] = None,
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
    if (questions is None) is not from_feedback:
        raise typer.BadParameter("give either a file of questions or --from-feedback")
    if to is not None and not from_feedback:
        raise typer.BadParameter("--write goes with --from-feedback")
    session = begun(ctx, config, data)
    if questions is None:
        from terminal import feedback

        return feedback.run(session, server, write=to, as_json=as_json, as_html=as_html)
    from terminal import evaluating

    return evaluating.run(session, questions, server, as_json=as_json, as_html=as_html)


@app.command()
def check(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int:
    """Looks at everything that Verbatim needs, and says how to mend what is amiss."""
    import config as configuration
    from terminal.check import Finding, findings

    session: Session = ctx.obj.given(config, data)
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
    for finding in findings(settings, token, session.encoder(), session.reranker):
        show.write(session.out, show.finding_blocks(finding))
        code = Exit.ERROR if finding.success is False else code
    return code


@app.command()
def version(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> int:
    """Says which version this is."""
    system = f"{platform.system()} {platform.machine()}"
    ctx.obj.out.print(f"Verbatim {VERSION} (Python {platform.python_version()}, {system})", soft_wrap=True)
    return Exit.DONE
