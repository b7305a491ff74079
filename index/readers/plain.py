"""Plain text: its lines as they are, except that hard-wrapped paragraphs become one line each.

It knows nothing of encodings and sentences. Wrapping is undone only where it is evident, because poems, lists
and one-line paragraphs lose their shape by it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from index.readers.cleaning import clean
from index.readers.metadata import Draft

_NARROWEST, _WIDEST = 50, 100  # characters: widths that text is wrapped to
_MIN_BREAKS = 3  # line breaks within paragraphs, before a file counts as wrapped at all
_MARKER = re.compile(r"\s*(?:[-*+•–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s")
_TABULAR = re.compile(r"\S(?: {3,}|\s*\|\s*)\S|^\s*[>|]")


def parse(text: str, shown: str) -> Draft:
    """The whole file is the article; it names no title, author or day of its own."""
    return Draft(unwrap(clean(text)))


def unwrap(text: str) -> str:
    """Text whose hard-wrapped paragraphs are one line each; text that is not clearly wrapped comes back as it is.

    A file is wrapped if its lines end in mid-sentence and, given its width, the next word would not have fitted.
    """
    lines = text.split("\n")
    runs = [run for run in _runs(lines) if len(run) > 1]
    breaks = [pair for run in runs for pair in pairwise([lines[n] for n in run])]
    width = max((len(line) for line, _ in breaks if " " in line.strip()), default=0)
    if len(breaks) < _MIN_BREAKS or not _NARROWEST <= width <= _WIDEST:
        return text
    if sum(_mid_sentence(*pair) for pair in breaks) * 2 < len(breaks):
        return text
    for run in runs:
        block = [lines[n] for n in run]
        if _is_wrapped(block, width):
            lines[run[0]] = _joined(block)
            for n in run[1:]:
                lines[n] = "\0"  # cleaned text holds no such line
    return "\n".join(line for line in lines if line != "\0")


def _runs(lines: Sequence[str]) -> Iterator[list[int]]:
    """Line numbers that may be one paragraph: up to a blank line, the next list marker or a deeper indentation."""
    run: list[int] = []
    for n, line in enumerate(lines):
        new = not line or (run and (_MARKER.match(line) or _starts_deeper(lines, run, line)))
        if new and run:
            yield run
            run = []
        if line:
            run.append(n)
    if run:
        yield run


def _starts_deeper(lines: Sequence[str], run: Sequence[int], line: str) -> bool:
    """Whether the line is indented where the one before is not; under a list marker that is its continuation."""
    deeper = _indent(line) > _indent(lines[run[-1]])
    return deeper and not (len(run) == 1 and _MARKER.match(lines[run[0]]))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _mid_sentence(line: str, following: str) -> bool:
    first = following.lstrip()[:1]
    return line[-1:] not in ".!?:;" and first.islower()


def _is_wrapped(block: Sequence[str], width: int) -> bool:
    """Whether every line but the last is full, and at least one ends in mid-sentence."""
    if any(_TABULAR.search(line) for line in block):
        return False
    full = all(_is_full(line, following, width) for line, following in pairwise(block))
    return full and any(_mid_sentence(*pair) or line_is_long(pair[0], width) for pair in pairwise(block))


def line_is_long(line: str, width: int) -> bool:
    """Whether a line alone comes near the width of the file."""
    return len(line) >= 0.8 * width


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the next line's first word would not have fitted, or nearly so: some editors balance their lines."""
    word = following.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) > width or len(line) >= 0.85 * width


def _joined(block: Sequence[str]) -> str:
    """One line; a word divided at a hyphen keeps it, since whether it belongs to the word is not told."""
    text = block[0]
    for line in block[1:]:
        part = line.strip()
        divided = re.search(r"[^\W\d]-$", text) and part[:1].islower()
        text += part if divided else " " + part
    return text
