"""The words of a question, found again in what is quoted, and underlined there.

Pure: it knows words and markup, and neither answers nor where they are shown.
"""

import re
from collections.abc import Iterator

from cogs.markdown import escape
from index.lexical import question_terms, terms

# A word, or a figure with its separators; never an underscore, which would join the marks around it.
_WORD = re.compile(r"[^\W_]+(?:[.,'’][^\W_]+)*")


def words_of(question: str, language: str) -> frozenset[str]:
    """What a question's telling words come to in a text that is analysed as this language (ISO 639-1)."""
    return frozenset(question_terms(question, language))


def words_in(text: str, language: str) -> frozenset[str]:
    """What all words of such a text come to."""
    return frozenset(terms(text, language))


def underlined(text: str, wanted: frozenset[str], language: str) -> str:
    """Such a text escaped, with the `wanted` words of it underlined; words that follow each other as one."""
    pieces, end = [], 0
    for start, stop in _runs(text, wanted, language):
        pieces += [escape(text[end:start]), "__", escape(text[start:stop]), "__"]
        end = stop
    return "".join([*pieces, escape(text[end:])])


def _runs(text: str, wanted: frozenset[str], language: str) -> Iterator[tuple[int, int]]:
    """Where runs of wanted words stand."""
    run: tuple[int, int] | None = None
    for match in _WORD.finditer(text) if wanted else ():
        found = terms(match.group(), language)
        if not found or not wanted.issuperset(found) or _touches_underscore(text, match):
            continue
        start, stop = match.span()
        if run is not None and text[run[1] : start] == " ":
            run = run[0], stop
            continue
        if run is not None:
            yield run
        run = start, stop
    if run is not None:
        yield run


def _touches_underscore(text: str, match: re.Match[str]) -> bool:
    return "_" in text[max(0, match.start() - 1) : match.start()] + text[match.end() : match.end() + 1]
