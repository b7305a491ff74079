"""Options that several commands share, with the words that explain them, and how a number or a time is read."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

_LAST_ID = 2**63 - 1  # the largest number that SQLite gives a row
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SHORTEST, _LONGEST = 5 * 60.0, 365 * 86_400.0  # seconds between two looks at a source


def whole_number(least: int, most: int, wanted: str) -> Callable[[str], int]:
    """What reads an option's value as a whole number between `least` and `most`; `wanted` says what that is."""

    def read(text: str) -> int:
        # Longer ones need not be looked at, and Python would refuse some.
        value = int(text) if re.fullmatch(r"[0-9]{1,30}", text) else -1
        if not least <= value <= most:
            raise typer.BadParameter(f"“{text[:40]}” is not {wanted}.")
        return value

    return read


def every(text: str) -> float:
    """The seconds that `6h`, `30m`, `2d` or `never` (0) mean."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0.0
    if text != "never" and not _SHORTEST <= seconds <= _LONGEST:
        raise typer.BadParameter(f"“{text[:40]}” is not a time from 5m to 365d, such as 30m, 6h or 2d, nor never.")
    return seconds


ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration file. Default: config.toml, if any.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where the databases lie, instead of the configured folder."),
]
ServerOption = Annotated[
    int | None,
    typer.Option(
        "--server",
        metavar="ID",
        # Discord's ids are unsigned 64-bit numbers.
        parser=whole_number(1, 2**64 - 1, "a Discord server's id: a whole number, such as 123456789012345678"),
        help="A Discord server's own articles, by its id.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to go on.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="List every article, also the unchanged ones.")]

_article_number = whole_number(1, _LAST_ID, "an article's number, as `articles list` gives it")
_source_number = whole_number(1, _LAST_ID, "a source's number, as `sources list` gives it")
ArticleId = Annotated[
    int, typer.Argument(metavar="ID", parser=_article_number, help="The article's number in `articles list`.")
]
ArticleIds = Annotated[
    list[int] | None, typer.Argument(metavar="ID…", parser=_article_number, help="Numbers in `articles list`.")
]
SourceIds = Annotated[
    list[int], typer.Argument(metavar="ID…", parser=_source_number, help="Numbers in `sources list`.")
]


def take_options(ctx: typer.Context, config: ConfigOption = None, data: DataOption = None) -> None:
    """What stands before a group's command holds for the command."""
    ctx.obj.given(config, data)


def print_json(data: object) -> None:
    """One JSON document on stdout; in plain ASCII where the stream could not take every character."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    print(json.dumps(data, ensure_ascii=not unicode, indent=2))


def confirmed(question: str) -> bool:
    """Whether a person at the terminal says yes; nobody there is a no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False
