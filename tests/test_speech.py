"""The words that people read in Discord, in every language that there is."""

import ast
import asyncio
import logging
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import discord
import pytest
from babel.messages.plurals import get_plural

from cogs import speech
from cogs.bridge import Bridge, Lane
from cogs.locales.__main__ import INDEX, SAID, files_of, missing, read, texts
from cogs.speech import LANGUAGES, _, day, language_of, listed, n_, number, speaking, told
from cogs.translator import LOCALES
from index.errors import Said, UserError

ROOT = Path(__file__).resolve().parent.parent
OTHERS = sorted(set(LANGUAGES) - {"en"})
PLACE = re.compile(r"\{[^}]*\}")
# What has to stand in a translation as often as in the English: values, commands and code, links, channels, bold.
KEPT = re.compile(r"\{[^}]*\}|`[^`]*`|\*\*|<[^>]*>|https?://[^\s,]+|-# ")


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language):
    """No language lacks a text, or a form of one for any number."""
    assert missing(texts(), language) == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_what_is_filled_in(language):
    """A translation has the same values, commands and markup as the English text."""
    plurals = get_plural(language).num_plurals
    for message in read(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert Counter(KEPT.findall(message.string)) == Counter(KEPT.findall(message.id)), message.id
            continue
        assert len(message.string) == plurals, message.id
        for form in message.string:  # "one article" needs no number
            assert set(PLACE.findall(form)) <= {*PLACE.findall(message.id[1]), "{number}"}, message.id
            assert Counter(KEPT.findall(form)) - Counter(KEPT.findall(message.id[1])) == Counter(), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_is_not_said(language):
    """The files hold no text that the code no longer has, and none twice."""
    known = {one.id if isinstance(one.id, str) else tuple(one.id) for one in texts()}
    ours = [one.id if isinstance(one.id, str) else tuple(one.id) for one in read(language)]
    assert set(ours) <= known
    assert len(ours) == len(set(ours))


def test_the_tool_says_what_is_missing():
    """`python -m cogs.locales --check` says how many texts each language has and lacks, and writes nothing."""
    before = {file: file.read_bytes() for file in speech.LOCALES.glob("*.po")}
    command = [sys.executable, "-m", "cogs.locales", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [one for one in LANGUAGES if one != "en"]
    assert {file: file.read_bytes() for file in speech.LOCALES.glob("*.po")} == before


def test_forms_for_numbers():
    """Each language has its own forms for numbers, and its own way to write them."""
    said = {}
    for language in LANGUAGES:
        with speaking(language):
            said[language] = [n_("{number} article", "{number} articles", n) for n in (1, 2, 5, 21, 1_234)]
    assert said["en"] == ["1 article", "2 articles", "5 articles", "21 articles", "1,234 articles"]
    assert said["de"][-1].startswith("1.234")
    words = [one.split()[-1] for one in said["uk"][:4]]
    assert len(set(words[:3])) == 3
    assert words[3] == words[0]


def test_days_and_lists():
    """Days, numbers and lists are written as the language has them."""
    when = date(2024, 5, 6)
    assert [day(when), number(12_345), listed(["a", "b", "c"])] == ["6 May 2024", "12,345", "a, b and c"]
    with speaking("de"):
        assert [day(when), number(12_345), listed(["a", "b", "c"])] == ["6. Mai 2024", "12.345", "a, b und c"]


def test_a_wrong_translation_costs_nothing(monkeypatch, caplog):
    """A translation with a value that is not there is logged, and the English text said in its place."""

    class Wrong:
        def gettext(self, text):
            return "{nobody} knows"

    monkeypatch.setattr(speech, "_catalogue", lambda language: Wrong())
    with speaking("de"), caplog.at_level(logging.ERROR):
        assert _("Removed {title}.", title="x") == "Removed x."
    assert "Removed {title}" in caplog.text


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de", "de"), ("es-ES", "es"), ("es-419", "es"), ("en-US", "en"), ("uk", "uk"), ("ja", None), (None, None)],
)
def test_discords_locales(locale, language):
    """A person's locale in Discord names their language, if it is one of ours."""
    assert language_of(locale) == language
    assert language_of(discord.Locale(locale) if locale else None) == language


def test_discord_is_given_every_language():
    """Discord shows commands in every language, in both kinds of Spanish."""
    assert set(LOCALES.values()) == set(OTHERS)


def test_each_question_has_its_own_language():
    """What is done at the same time for two people is said in the language of each, on other threads too."""

    async def asked(bridge, language):
        speech.speak(language)
        await asyncio.sleep(0)
        return await bridge.call(Lane.LOOK, speech.current)

    async def together():
        bridge = Bridge()
        try:
            return await asyncio.gather(*(asked(bridge, language) for language in ("de", "uk", None)))
        finally:
            await bridge.close()

    assert asyncio.run(together()) == ["de", "uk", "en"]
    assert speech.current() == "en"


class Dictionary:
    """A catalogue of these translations."""

    def __init__(self, translations):
        self._translations = translations

    def gettext(self, text):
        return self._translations.get(text, text)


def test_what_the_index_says_is_translated(monkeypatch):
    """What `index/` says is English, and is told in the reader's language, the clauses within it too."""
    translations = {"{file} {reason}, {number}.": "{number}: {file}, {reason}", "holds {size}": "enthält {size}"}
    monkeypatch.setattr(speech, "_catalogue", lambda language: Dictionary(translations))
    said = Said("{file} {reason}, {number}.", file="{number}", reason=Said("holds {size}", size=2.5), number=12_345)
    assert said == told(said) == "{number} holds 2.5, 12,345."
    with speaking("de"):
        assert told(said) == "12.345: {number}, enthält 2,5"
        assert told(UserError(said).said) == told(said)
        assert told("holds {size}") == "holds {size}"
        assert told(Said("")) == ""


def test_words_without_values_stay_as_they_are():
    """Words that need no values are taken as they are, whatever braces they have."""
    assert str(UserError("{file} {0} {")) == "{file} {0} {"
    assert str(UserError("{who} wrote {what}", who="{what}", what="{who}")) == "{what} wrote {who}"
    assert str(UserError("{number} of {size} for {why}", number=10_000, size=0.5, why=None)) == "10,000 of 0.5 for None"


@pytest.mark.parametrize(
    "template", ["{file} {other}", "text", "{file.__class__}", "{file!r}", "{file:>9}", "{file} {"]
)
def test_a_template_has_names_alone(template):
    """A template names each value, and nothing else; it can't ask a value for more than its text."""
    with pytest.raises(ValueError, match="has not the names"):
        Said(template, file="a.txt")


# -- nothing is said past the translators

_SAYS = {"_", "n_", "mark", "describe", "ContextMenu", "Choice", "Group", "compile"}
_WORDS = re.compile(r"[A-Za-z]{2,}[,;:.]? [A-Za-z]{2,}")
_FOR_THE_OPERATOR = {
    "smalltalk.py",
    "connecting.py",
    "trouble.py",
    "stopping.py",
    "client.py",
    "translator.py",
    "speech.py",
    "__main__.py",
}


def _is_log(called):
    return getattr(called.value, "id", "") == "log" or called.attr == "log"


def _unspoken(file):
    """The texts of several words in a file that no translator gets to see, but for docstrings and what is logged."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    known = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            known.add(node.value)
        called = isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", ""))
        logs = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_log(node.func)
        if (
            logs
            or called in _SAYS
            or called in {"logged", "language_of", "TypeVar", "LookupError", "ValueError", "AssertionError"}
        ):
            known.update(ast.walk(node))
        if isinstance(node, ast.ClassDef):
            known.update(part for one in node.keywords for part in ast.walk(one))
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node not in known
        and _WORDS.search(re.sub("`[^`]*`", "", node.value))
    ]


@pytest.mark.parametrize(
    "file",
    [file for file in sorted((ROOT / "cogs").rglob("*.py")) if file.name not in _FOR_THE_OPERATOR],
    ids=lambda file: file.name,
)
def test_everything_said_can_be_translated(file):
    """No file of the Discord side says more than a word past the translators."""
    assert _unspoken(file) == []


_ABOUT_ERRORS = {"permanent", "gone", "retry_after"}  # what an error knows besides its words
_MAKES = {"format", "format_map", "join", "removesuffix"}  # methods that make up words


def _made_up(file):
    """The calls in a file of `index/` whose words no translator could find, or whose values have other names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in SAID:
            continue
        words, names = node.args[0], {one.arg for one in node.keywords} - _ABOUT_ERRORS
        if isinstance(words, ast.Constant):
            places = {place.strip("{}") for place in PLACE.findall(words.value)}
            if not (names - {None} <= places if None in names else names == places):
                yield words.value
        made = isinstance(words, ast.Call) and getattr(words.func, "attr", "") in _MAKES
        if made or isinstance(words, ast.JoinedStr | ast.BinOp):
            yield ast.unparse(words)


@pytest.mark.parametrize(
    "file", [file for place in INDEX for file in files_of(place)], ids=lambda file: "-".join(file.parts[-2:])
)
def test_everything_the_index_says_can_be_translated(file):
    """What `index/` tells people in Discord is a template that translators find, with a value for each of its names."""
    assert list(_made_up(file)) == []
