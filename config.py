"""The configuration: what `config.toml` may say, what is so without it, and where the Discord token comes from.

It decides no behaviour and holds no secret: the token is read apart, and never kept here.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from index.errors import UserError
from index.language import code_of
from logs import redacted

HOME = Path(__file__).resolve().parent
DEFAULT_MODEL = "all-MiniLM-L6-v2"
Runtime = Literal["int8", "float32", "sentence-transformers"]  # as in index/encoders.py, which is not imported for it
DEFAULT_PRECISION = 0.85
_REMEDY = "set the environment variable DISCORD_TOKEN, or write DISCORD_TOKEN=… into a file .env beside bot.py"
_LONGEST_SHOWN = 100  # characters of a bad value


def _path(value: object) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError("no path")
    return Path(value)


FolderPath = Annotated[Path, BeforeValidator(_path)]
Id = Annotated[StrictInt, Field(ge=1, lt=2**64)]  # Discord's ids are unsigned 64-bit numbers
Ids = frozenset[Id]


def _language(value: object) -> str:
    code = code_of(value) if isinstance(value, str) else None
    if code is None:
        raise ValueError("no language")
    return code


Languages = frozenset[Annotated[str, BeforeValidator(_language)]]


def _network(value: object) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):  # a bare number would be an address, too
        raise ValueError("no network")
    return ip_network(value)


Networks = frozenset[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]]
Hours = Annotated[StrictInt | StrictFloat, Field(ge=0, le=8_760, allow_inf_nan=False)]
_HOURS = "a number of hours from 0 (never) to 8760 (a year)"


class _Table(BaseModel):
    """A table of the file. Each key's description says what is allowed, and is shown when a value is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(_Table):
    """Which sentence-transformers model encodes, and what it wants to see before questions and passages."""

    name: str = Field(default=DEFAULT_MODEL, min_length=1, description="a model's name or a folder, in quotes")
    question_prefix: str = Field(default="", max_length=1_000, description="a text in quotes")
    passage_prefix: str = Field(default="", max_length=1_000, description="a text in quotes")
    languages: Languages | None = Field(
        default=None, min_length=1, description='a list of language codes in quotes, such as ["en", "de"]'
    )
    tokens: StrictBool = Field(default=True, description="true or false, without quotes")
    runtime: Runtime = Field(default="int8", description='"int8", "float32" or "sentence-transformers"')


class Answers(_Table):
    """How answers are given."""

    hits: StrictInt = Field(default=3, ge=1, le=10, description="a whole number from 1 to 10")
    precision: float = Field(default=DEFAULT_PRECISION, ge=0.5, le=0.95, description="a number from 0.5 to 0.95")
    keep_waiting: StrictBool = Field(default=False, description="true or false, without quotes")


class Ranking(_Table):
    """What candidates are ordered and judged by."""

    weights: FolderPath | None = Field(default=None, description="a file's path in quotes")


class Reranker(_Table):
    """Which cross-encoder reads the best candidates again, if any, and how long it may take."""

    model: str | None = Field(default=None, min_length=1, description="a model's name or a folder, in quotes")
    budget_ms: StrictInt = Field(default=200, ge=10, le=60_000, description="a whole number from 10 to 60000 (ms)")
    candidates: StrictInt = Field(default=20, ge=1, le=40, description="a whole number from 1 to 40")


class Limits(_Table):
    """What is accepted."""

    max_file_mb: StrictInt = Field(default=10, ge=1, le=1_024, description="a whole number from 1 to 1024 (MiB)")
    max_sentences: StrictInt = Field(
        default=200_000, ge=1, le=10_000_000, description="a whole number from 1 to 10000000"
    )
    reader_mb: StrictInt = Field(default=512, ge=128, le=65_536, description="a whole number from 128 to 65536 (MiB)")
    reader_seconds: StrictInt = Field(default=60, ge=1, le=3_600, description="a whole number from 1 to 3600 (seconds)")
    corpora_mb: StrictInt = Field(
        default=512, ge=16, le=1_048_576, description="a whole number from 16 to 1048576 (MiB)"
    )
    idle_minutes: StrictInt = Field(default=30, ge=0, le=10_080, description="a whole number from 0 (never) to 10080")


class Fetch(_Table):
    """How pages and feeds are asked for on the web."""

    contact: str = Field(
        default="",
        max_length=200,
        pattern=r"^[!-'*-~]*$",  # what may stand in a header's comment: no blanks, no parentheses
        description="a web or e-mail address in quotes, of at most 200 characters and without blanks",
    )
    allowed_networks: Networks = Field(
        default=frozenset(), description='a list of networks in quotes, such as ["192.168.1.0/24", "fd00::/64"]'
    )
    seconds: StrictInt = Field(default=30, ge=1, le=600, description="a whole number from 1 to 600 (seconds)")


class Refresh(_Table):
    """How often the bot looks at remembered sources by itself."""

    pages_hours: Hours = Field(default=24, description=_HOURS)
    feeds_hours: Hours = Field(default=1, description=_HOURS)
    folders_hours: Hours = Field(default=24, description=_HOURS)


class Discord(_Table):
    """How the bot behaves in Discord."""

    manager_roles: Ids = Field(default=frozenset(), description="a list of role ids, whole numbers without quotes")
    grace_days: StrictInt = Field(default=30, ge=0, le=3_650, description="a whole number from 0 to 3650 (days)")
    log_channel: Id | None = Field(default=None, description="a channel's id, a whole number without quotes")


class Log(_Table):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description='"debug", "info", "warning" or "error"'
    )
    format: Literal["text", "json"] = Field(default="text", description='"text" or "json"')
    questions: StrictBool = Field(default=False, description="true or false, without quotes")


class Config(_Table):
    """The whole of `config.toml`. Once loaded, its paths are absolute."""

    data: FolderPath = Field(default=Path("data"), description="a folder's path in quotes")
    articles: FolderPath = Field(default=Path("articles"), description="a folder's path in quotes")
    shared_with: Ids | None = Field(default=None, description="a list of server ids, whole numbers without quotes")
    model: Model = Field(default=Model(), description="a table, [model]")
    answers: Answers = Field(default=Answers(), description="a table, [answers]")
    ranking: Ranking = Field(default=Ranking(), description="a table, [ranking]")
    reranker: Reranker = Field(default=Reranker(), description="a table, [reranker]")
    limits: Limits = Field(default=Limits(), description="a table, [limits]")
    fetch: Fetch = Field(default=Fetch(), description="a table, [fetch]")
    refresh: Refresh = Field(default=Refresh(), description="a table, [refresh]")
    discord: Discord = Field(default=Discord(), description="a table, [discord]")
    log: Log = Field(default=Log(), description="a table, [log]")


def load(path: Path | None = None, *, home: Path = HOME) -> Config:
    """The configuration of the file at `path`; without one, that of `home`/config.toml, or the defaults.

    Relative paths in it, and those of the defaults, count from the file's folder, or from `home`.

    Raises:
        UserError: a named file is missing, or a file cannot be read, is no TOML, or has unknown keys or bad values.
    """
    file = path or home / "config.toml"
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig")) if path or file.exists() else {}
        config = Config.model_validate(values)
    except FileNotFoundError:
        raise UserError(
            f"There is no configuration file {file}. Copy config.example.toml there, or leave out --config."
        ) from None
    except OSError as error:
        raise UserError(f"The configuration file {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise UserError(f"The configuration file {file} is not UTF-8. Save it in that encoding.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"The configuration file {file} is not valid TOML: {redacted(str(error))}.") from None
    except ValidationError as error:
        # `from None`: pydantic's own error repeats the values, and a token may be among them.
        lines = "\n".join(f"  {redacted(line)}" for line in _problems(error, values))
        raise UserError(f"The configuration file {file} needs a correction:\n{lines}") from None
    return _resolved(config, file.resolve().parent)


def token(home: Path = HOME) -> SecretStr | None:
    """The Discord token: `DISCORD_TOKEN` of the environment or else of `home`/.env; None if neither has one.

    Raises:
        UserError: there is a .env that cannot be read.
    """
    value = os.environ.get("DISCORD_TOKEN", "").strip()
    file = home / ".env"
    if not value and file.is_file():
        from dotenv import dotenv_values

        try:
            value = (dotenv_values(file, interpolate=False, encoding="utf-8-sig").get("DISCORD_TOKEN") or "").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read ({type(error).__name__}): it must be UTF-8 text.") from None
    return SecretStr(value) if value else None


def expanded(path: Path) -> Path:
    """`path` with a leading `~` or `~name` replaced by that home folder, if there is one; as shells do."""
    with suppress(RuntimeError):
        return path.expanduser()
    return path


def _resolved(config: Config, folder: Path) -> Config:
    """`config` with absolute paths, among them those of models in a folder beside the file."""
    update: dict[str, Any] = {key: folder / expanded(getattr(config, key)) for key in ("data", "articles")}
    model = folder / expanded(Path(config.model.name))
    if config.model.name != DEFAULT_MODEL and model.is_dir():
        update["model"] = config.model.model_copy(update={"name": str(model)})
    if (name := config.reranker.model) is not None and (reranker := folder / expanded(Path(name))).is_dir():
        update["reranker"] = config.reranker.model_copy(update={"model": str(reranker)})
    if (weights := config.ranking.weights) is not None:
        update["ranking"] = Ranking(weights=folder / expanded(weights))
    return config.model_copy(update=update)


def _problems(error: ValidationError, values: dict[str, Any]) -> Iterator[str]:
    """A line for each wrong key: its name, its value, and what is allowed."""
    seen: set[tuple[str, ...]] = set()
    for problem in error.errors(include_url=False, include_context=False):
        path = _key(problem["loc"])
        if path in seen:  # several entries of one list
            continue
        seen.add(path)
        name = ".".join(path)
        if problem["type"] == "extra_forbidden":
            yield _unknown(path, name, problem["input"])
        else:
            value: Any = values
            for part in path:
                value = value[part]
            yield f"{name} = {_shown(value)} is not allowed; it must be {_field_description(path)}."


def _unknown(path: tuple[str, ...], name: str, value: object) -> str:
    if "token" in path[-1].lower():
        return f"{name}: the token must not stand in this file; {_REMEDY}."
    known = _tables().get(path[:-1], [])
    meant = [".".join((*table, path[-1])) for table, keys in _tables().items() if path[-1] in keys]
    meant += [".".join((*path[:-1], key)) for key in difflib.get_close_matches(path[-1].lower(), known, n=1)]
    hint = f" Did you mean {meant[0]}?" if meant else ""
    place = f"[{'.'.join(path[:-1])}]" if path[:-1] else "the top of the file"
    return f"{name} = {_shown(value)} is not a known key.{hint} Known in {place}: {', '.join(known)}."


def _key(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The key that pydantic's location belongs to: places within a list left out."""
    depth = 2 if str(location[0]) in {table[0] for table in _tables() if table} else 1
    return tuple(str(part) for part in location[:depth])


def _tables() -> dict[tuple[str, ...], list[str]]:
    """Table → its keys; () is the top of the file."""
    tables: dict[tuple[str, ...], list[str]] = {(): list(Config.model_fields)}
    for name, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Table):
            tables[(name,)] = list(field.annotation.model_fields)
    return tables


def _field_description(path: tuple[str, ...]) -> str:
    model: Any = Config if len(path) == 1 else Config.model_fields[path[0]].annotation
    return str(model.model_fields[path[-1]].description)


def _shown(value: object) -> str:
    """`value` as TOML would have it, or nearly."""
    shown = "a table" if isinstance(value, dict) else json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
