"""Options that several commands share, with the words that explain them."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration file. Default: config.toml, if any.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where the databases lie, instead of the configured folder."),
]
ServerOption = Annotated[
    int | None,
    # Discord's ids are unsigned 64-bit numbers.
    typer.Option("--server", metavar="ID", min=1, max=2**64 - 1, help="A Discord server's own articles, by its id."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(data: object) -> None:
    """One JSON document on stdout; in plain ASCII where the stream could not take every character."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    print(json.dumps(data, ensure_ascii=not unicode, indent=2))
