"""The Discord bot as the command line runs it: its token, its configuration, its libraries, and its end."""

import logging
import os
import threading

import logs
from index.errors import UserError
from terminal import VERSION
from terminal.session import Session

log = logging.getLogger(__name__)


def run(session: Session) -> int:
    """Runs the bot until it is stopped; returns the exit code.

    Raises:
        UserError: there is no token, or Discord does not accept it.
    """
    from cogs.stopping import exit_on_signals
    from index.memory import share_arenas

    share_arenas()
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
        with (
            session.library(threads=1, serving=True) as (library, encoder),
            session.reader() as reader,
            session.fetcher() as fetcher,
        ):
            from cogs import connecting
            from cogs.settings import Settings

            code = connecting.run(
                token=token.get_secret_value(),
                library=library,
                encoder=encoder,
                ranker=session.ranker,
                reranker=session.reranker,
                reader=reader,
                fetcher=fetcher,
                settings=Settings(
                    articles=settings.articles,
                    data=settings.data,
                    hits=settings.answers.hits,
                    precision=settings.answers.precision,
                    max_bytes=settings.limits.max_file_mb * 1024 * 1024,
                    max_sentences=settings.limits.max_sentences,
                    manager_roles=settings.discord.manager_roles,
                    log_questions=settings.log.questions,
                    refresh_every=session.every,
                    keep_waiting=settings.answers.keep_waiting,
                    grace=settings.discord.grace_days * 86_400.0,
                    log_channel=settings.discord.log_channel,
                    version=VERSION,
                ),
            )
        if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
            # Everything is closed, but a thread still loads the model, which Python would wait for and nothing can
            # stop.
            logging.shutdown()
            os._exit(code)
    return code
