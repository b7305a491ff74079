"""Logging: one line of text or JSON for each record, to stderr, with no Discord token in it.

It knows the standard library's logging alone; who logs what, and whether questions may be logged, is decided elsewhere.
"""

import json
import logging
import re
import sys
import warnings
from datetime import UTC, datetime
from typing import Literal, TextIO

# Three parts of base64url: the application's id, a time, a signature.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{23,30}\.[\w-]{5,8}\.[\w-]{25,45}(?![\w-])", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
# Libraries that tell of their own workings where their caller can do nothing about it.
_NOISY = (
    *("transformers", "sentence_transformers", "huggingface_hub", "torch", "faiss"),
    *("trafilatura", "htmldate", "courlan"),
)
# Their debug records hold whole messages and interaction tokens, which no level of ours may let out.
_TALKATIVE = ("discord", "aiohttp", "asyncio", "urllib3", "httpx", "httpcore")


def looks_like_token(text: str) -> bool:
    """Whether `text` has the form of a Discord bot's token."""
    return _TOKEN.fullmatch(text) is not None


def redacted(text: str, secret: str | None = None) -> str:
    """`text` without `secret` and without anything that has the form of a Discord bot's token."""
    if secret:
        text = text.replace(secret, "[token]")
    return _TOKEN.sub("[token]", text)


class _Formatter(logging.Formatter):
    """What the two formats share: UTC time, the fields given as `extra`, and redaction, which comes last."""

    def __init__(self, secret: str | None) -> None:
        super().__init__()
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        trace = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else record.exc_text
        return redacted(self._line(record, moment, fields, trace or ""), self._secret)

    def _line(self, record: logging.LogRecord, moment: str, fields: dict[str, object], trace: str) -> str:
        raise NotImplementedError


class TextFormatter(_Formatter):
    """`time LEVEL logger message key=value …`; a traceback follows on lines of its own, indented."""

    def _line(self, record: logging.LogRecord, moment: str, fields: dict[str, object], trace: str) -> str:
        message = " ".join([record.getMessage(), *(f"{key}={_shown(value)}" for key, value in fields.items())])
        # One record is one line, whatever stands in a file's name; and it steers no terminal.
        line = f"{moment} {record.levelname} {record.name} {_escaped(message.replace(chr(10), ' '))}"
        return "\n    ".join([line, *(_escaped(part) for part in trace.splitlines())])


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, message, what `extra` gave, and the traceback as `exception`."""

    def _line(self, record: logging.LogRecord, moment: str, fields: dict[str, object], trace: str) -> str:
        named = {"time": moment, "level": record.levelname.lower(), "logger": record.name}
        values = {**fields, **named, "message": record.getMessage()} | ({"exception": trace} if trace else {})
        return json.dumps(values, ensure_ascii=False, default=str)


def configure(
    level: str, style: Literal["text", "json"], *, secret: str | None = None, stream: TextIO | None = None
) -> None:
    """Makes the root logger write records of `level` and above to `stream` (stderr), and nothing else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(secret) if style == "json" else TextFormatter(secret))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    if level != "debug":
        warnings.simplefilter("ignore")
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.ERROR)


def _shown(value: object) -> str:
    text = str(value)
    return text if text and not re.search(r"[\s\"=]", text) else json.dumps(text, ensure_ascii=False)


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
