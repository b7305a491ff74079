"""The words that people read in Discord, in their language: English in the code, other languages in `locales/`.

The English text is its own key, as in GNU gettext; a translator edits one `.po` file with any tool for such. The
language is set where a command, button or message comes in, and holds for all that is done for it, on other threads
too (see `bridge`). What the log says stays English.
"""

import gettext
import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from index.errors import Said

log = logging.getLogger(__name__)

LOCALES = Path(__file__).resolve().parent / "locales"
ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "uk": "Українська"}
"""The languages that there are, by code, as they call themselves."""

_REGIONS = {"en": "en_GB"}  # whose way to write days and numbers is meant: 6 May 2024

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language_of(locale: object) -> str | None:
    """The language for one of Discord's locales, such as es-419; None if there is none for it."""
    code = str(locale or "").partition("-")[0].lower()
    return code if code in LANGUAGES else None


def current() -> str:
    """The code of the language that is spoken now."""
    return _language.get()


def speak(language: str | None) -> None:
    """Speaks this language (None: English) from now on, in the present task."""
    _language.set(language or ENGLISH)


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speaks this language (None: English) within the block."""
    token = _language.set(language or ENGLISH)
    try:
        yield
    finally:
        _language.reset(token)


def _(text: str, **values: object) -> str:
    """The text in the present language, with these values in the places of their {names}; whole numbers are written as
    the language has them."""
    return _filled(text, _catalogue(current()).gettext(text), values) if text else ""


def n_(one: str, many: str, number: int, **values: object) -> str:
    """As `_`, in the form for this number of things, which stands in the place of {number}."""
    english = one if number == 1 else many
    return _filled(english, _catalogue(current()).ngettext(one, many, number), {"number": number, **values})


def told(words: str) -> str:
    """What `index/` says, in the present language; a text that is no `Said` as it is."""
    if not isinstance(words, Said) or not words or current() == ENGLISH:
        return str(words)
    values = {name: told(one) if isinstance(one, str) else number(one) for name, one in words.values.items()}
    return _filled(words.template, _catalogue(current()).gettext(words.template), values)


def mark(text: str) -> str:
    """The text as it is, known to translators: for what is said later, by `_` of a variable."""
    return text


def day(when: date) -> str:
    """As in 6 May 2024."""
    return format_date(when, "long", locale=_locale(current()))


def number(value: float) -> str:
    """As in 12,345."""
    return format_decimal(value, locale=_locale(current()))


def listed(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    return format_list(list(parts), locale=_locale(current()))


def language_name(code: str) -> str:
    """What the present language calls another one: `Ukrainian`."""
    return str(_locale(current()).languages.get(code, code))


def _filled(english: str, text: str, values: Mapping[str, object]) -> str:
    written = {name: number(one) if type(one) is int else one for name, one in values.items()}
    try:
        return text.format_map(written) if values else text
    except (KeyError, IndexError, ValueError):  # a translation with a wrong {name} must not cost anybody the answer
        log.error("the translation into %s of “%s” has other {names}", current(), english)
        return english.format_map(written)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_REGIONS.get(language, language))


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    """The translations into this language; none for English."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    with (LOCALES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def load() -> None:
    """Reads every language now, which takes a moment, and not when the first person speaks it."""
    for language in LANGUAGES:
        _catalogue(language)
        _locale(language)
