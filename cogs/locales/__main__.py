"""Brings the files of translations up to the code: `python -m cogs.locales`.

A text that is new in the code comes in untranslated, one that is gone goes, and every other keeps its translation. With
`--check` nothing is written, and the exit code is 1 if a language lacks any text.
"""

import argparse
import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from cogs.speech import ENGLISH, LANGUAGES, LOCALES

_ROOT = LOCALES.parent.parent
_PLAIN, _PLURAL = {"_", "mark"}, "n_"
INDEX = tuple(
    f"index/{name}"
    for name in """readers web feeds child.py indexer.py isolation.py looking.py preparing.py refresh.py""".split()
)
"""The files and folders of `index/` whose words reach people in Discord; those of the others are the operator's."""
SAID = frozenset({"Said", "UserError", "FetchError"})
"""What they are put into."""

_GROUP, _MENU, _CHOICE = "group_description", "ContextMenu", "Choice"
_USELESS = (
    "Project-Id",
    "POT-Creation",
    "PO-Revision",
    "Report-Msgid",
    "Last-Translator",
    "Language-Team",
    "Generated-By",
)
Text = str | tuple[str, ...]


def texts() -> Catalog:
    """Every text in the code that people read in Discord, with the places where it stands."""
    catalogue = Catalog(project="Verbatim", version="", charset="utf-8", fuzzy=False)
    for place, texts_of in (("cogs", _texts_of), *((one, _said_by) for one in INDEX)):
        for file in files_of(place):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for text in texts_of(node):
                    if text:
                        catalogue.add(text, locations=[(file.relative_to(_ROOT).as_posix(), 0)])
    return catalogue


def files_of(place: str) -> list[Path]:
    """A module, or all that are in a folder; `place` is relative to the program's folder."""
    return [_ROOT / place] if place.endswith(".py") else sorted((_ROOT / place).rglob("*.py"))


def read(language: str) -> Catalog:
    """The translations into a language as they are."""
    with (LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def missing(catalogue: Catalog, language: str) -> list[Text]:
    """The texts of a catalogue that have no translation, or not in every form that the language has."""
    translations = read(language)
    lacking: list[Text] = []
    for message in catalogue:
        if message.id:
            known = translations.get(message.id)
            forms = known.string if known is not None and not known.fuzzy else ""
            if not all(forms if isinstance(forms, tuple | list) else [forms]):
                lacking.append(message.id if isinstance(message.id, str) else tuple(message.id))
    return lacking


def _texts_of(node: ast.AST) -> Iterator[Text]:
    if isinstance(node, ast.AsyncFunctionDef) and any(_is_command(one) for one in node.decorator_list):
        yield ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        yield from _named(node.keywords, _GROUP)
    if not isinstance(node, ast.Call):
        return
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    strings = [text for one in node.args if (text := _text(one))]
    if name in _PLAIN:
        yield from strings[:1]
    elif name == _PLURAL and len(strings) >= 2:
        yield strings[0], strings[1]
    elif name == "describe":
        yield from _named(node.keywords)
    elif name in {_MENU, _CHOICE, "Group"}:
        yield from _named(node.keywords, "description" if name == "Group" else "name")


def _said_by(node: ast.AST) -> Iterator[Text]:
    """The template that a call in `index/` is given word for word."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAID | {"mark"}:
        yield from (_text(one) for one in node.args[:1])


def _is_command(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and (decorator.func.attr == "command")
    )


def _named(keywords: list[ast.keyword], name: str | None = None) -> Iterator[str]:
    """The texts that are given by this name, or by any."""
    return (text for one in keywords if name in (None, one.arg) and (text := _text(one.value)))


def _text(node: ast.expr) -> str:
    """The text that stands there word for word, or ""."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _updated(catalogue: Catalog, language: str) -> bytes:
    translations = read(language)
    translations.update(catalogue, no_fuzzy_matching=True, update_header_comment=False)
    translations.obsolete.clear()
    written = io.BytesIO()
    # Without line numbers and dates, a file changes only where its texts do.
    write_po(written, translations, width=120, include_lineno=False, omit_header=False, sort_output=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{one}' for one in _USELESS))).encode()


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m cogs.locales", description=__doc__.partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="write nothing; fail where a text is missing")
    only_check = arguments.parse_args().check
    catalogue, complete = texts(), True
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        if not only_check:
            Path(LOCALES / f"{language}.po").write_bytes(_updated(catalogue, language))
        lacking = missing(catalogue, language)
        complete = complete and not lacking
        print(f"{language}: {len(catalogue)} texts, {len(lacking)} without a translation")
    return 1 if only_check and not complete else 0


if __name__ == "__main__":
    sys.exit(main())
