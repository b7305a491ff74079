"""Log lines: their two formats, and what never stands in them."""

import io
import json
import logging
import warnings

import pytest

import logs

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.fixture
def configured():
    """Configures logging into a string; afterwards the root logger is as before."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    stream = io.StringIO()

    def configure(level="info", style="text", secret=None):
        logs.configure(level, style, secret=secret, stream=stream)
        return stream

    with warnings.catch_warnings():
        yield configure
    logging.captureWarnings(False)
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_a_text_line(configured):
    """A text line has the time in UTC, the level, the logger, the message and its fields as key=value."""
    stream = configured()
    logging.getLogger("cogs.ask").info("asked", extra={"hits": 2, "why": "two words", "server": 7})
    time, rest = stream.getvalue().split(" ", 1)
    assert time.endswith("+00:00")
    assert rest == 'INFO cogs.ask asked hits=2 why="two words" server=7\n'


def test_a_json_line(configured):
    """A JSON line is one object with time, level, logger, message and the fields as they are."""
    stream = configured(style="json")
    logging.getLogger("cogs.ask").warning("as%s", "ked", extra={"hits": 2, "path": pytest})
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line.pop("path").startswith("<module")
    assert line == {"level": "warning", "logger": "cogs.ask", "message": "asked", "hits": 2}


def test_levels(configured):
    """Records below the configured level are left out."""
    stream = configured(level="warning")
    logging.getLogger("a").info("no")
    logging.getLogger("a").error("yes")
    assert stream.getvalue().count("\n") == 1


def test_a_record_cannot_forge_another(configured):
    """A line break or a control sequence in a message stays within its line and steers no terminal."""
    stream = configured()
    logging.getLogger("a").info("one\n2026 ERROR two \x1b[31m", extra={"name_of_file": "x\ny"})
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("secret", [TOKEN, "a-secret-of-another-form"])
def test_the_token_is_never_logged(configured, style, secret):
    """The token is taken out of messages, arguments, fields and tracebacks, in both formats."""
    stream = configured(style=style, secret=secret)
    log = logging.getLogger("a")
    log.info("a %s", secret, extra={"field": f"Bot {secret}", "list": [secret]})
    try:
        raise ValueError(f"refused: {secret}")
    except ValueError:
        log.exception("failed")
    assert secret not in stream.getvalue()
    assert stream.getvalue().count("[token]") >= 4


def test_any_token_is_taken_out(configured):
    """What has the form of a token is taken out even if it is not this bot's."""
    stream = configured()
    logging.getLogger("a").info("Authorization: Bot %s", TOKEN)
    assert "Authorization: Bot [token]" in stream.getvalue()


def test_ordinary_names_are_left_alone():
    """File names, addresses and versions are not taken for tokens."""
    for text in ("https://example.org/a.b.c", "archive-2024-01-01-of-everything.tar.gz", "1.2.3", "a" * 100):
        assert logs.redacted(text) == text


def test_a_traceback_is_kept(configured):
    """An exception's traceback follows its record, and in JSON stands within it."""
    stream = configured(style="json")
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("a").exception("failed")
    assert "ValueError: why" in json.loads(stream.getvalue())["exception"]


def test_libraries_keep_quiet(configured):
    """Warnings and advice of the model libraries are left out unless everything is to be logged."""
    stream = configured()
    logging.getLogger("transformers.modeling").warning("advice")
    warnings.warn("advice", FutureWarning, stacklevel=1)
    assert stream.getvalue() == ""
    for name in logs._NOISY:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_debug_holds_no_message_of_discord(configured):
    """The debug records of the libraries that talk to Discord, which hold whole messages, are not written."""
    stream = configured("debug", "text")
    for name in ("discord.gateway", "discord.http", "aiohttp.client", "asyncio"):
        logging.getLogger(name).debug("a question of somebody's")
        logging.getLogger(name).warning("worth knowing")
    assert "question" not in stream.getvalue()
    assert stream.getvalue().count("worth knowing") == 4
