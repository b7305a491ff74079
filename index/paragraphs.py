"""Which sentences belong together: runs of them that a line break, a heading or a list make one paragraph.

Pure, like the splitting of sentences before it; it knows nothing of files, articles, models and stores.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from index.article import Sentence
from index.sentences import LIST_MARKER, TABLE_ROW

MAX_PARAGRAPH = 1000
"""Characters; about what the default model reads (256 tokens), so that a paragraph's vector knows all of it."""

_MAX_HEADING = 100
_MOST_HEADINGS = 2  # in a row
_MAX_ITEM = 200
_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_TERMINAL = re.compile(r"""[.!?…。！？؟।;,][)\]"'”’»」』]?$""")


class _Kind(Enum):
    HEADING = auto()
    ITEM = auto()
    INTRODUCTION = auto()
    TEXT = auto()


def paragraphs(text: str, sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    """`sentences` of `text` in runs that belong together, in order; each is in exactly one.

    A line break ends a paragraph, except after a heading and between a list's items and the line introducing
    them. A paragraph is at most `MAX_PARAGRAPH` characters long, and longer ones are cut into similar lengths.
    """
    return [run for block in _grouped(text, _lines(text, sentences)) for run in _runs(block)]


def headings(text: str, sentences: Sequence[Sentence]) -> frozenset[Sentence]:
    """Those of `sentences` that only announce what follows: headings, and questions on a line of their own.

    A heading stands before a body, at most with another heading; three short lines in a row are a list or a poem.
    """
    lines = _lines(text, sentences)
    announcing = [_kind(text, line) is _Kind.HEADING for line in lines]
    found: list[Sentence] = []
    run: list[Sentence] = []
    for line, announces in zip(lines, announcing, strict=True):
        if announces:
            run.append(line[0])
            continue
        found += run if len(run) <= _MOST_HEADINGS else []
        run = []
    return frozenset(found)


def _lines(text: str, sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    lines: list[list[Sentence]] = []
    for sentence in sentences:
        if lines and not _BREAK.search(text, lines[-1][-1].end, sentence.start):
            lines[-1].append(sentence)
        else:
            lines.append([sentence])
    return lines


def _grouped(text: str, lines: Sequence[list[Sentence]]) -> Iterator[list[Sentence]]:
    """The lines' sentences, headings with what follows them and list items with the line before them."""
    kinds = [_kind(text, line) for line in lines]
    group: list[Sentence] = []
    for index, line in enumerate(lines):
        before = kinds[index - 1] if index else _Kind.TEXT
        after = kinds[index + 1] if index + 1 < len(lines) else _Kind.TEXT
        if group and not (before is _Kind.HEADING or (kinds[index] is _Kind.ITEM and before is not _Kind.TEXT)):
            yield group
            group = []
        group.extend(line)
        if kinds[index] is _Kind.ITEM and _Kind.ITEM not in (before, after) and _is_open(text, line):
            kinds[index] = _Kind.HEADING  # "2. Results" alone is no list
    if group:
        yield group


def _kind(text: str, line: Sequence[Sentence]) -> _Kind:
    start, end = line[0].start, line[-1].end
    listed = LIST_MARKER.match(text, start, end) or TABLE_ROW.match(text, start, end)
    if listed and end - start <= _MAX_ITEM and text[start] != "#":
        return _Kind.ITEM
    if text[end - 1] in ":：":
        return _Kind.INTRODUCTION
    return _Kind.HEADING if _is_open(text, line) else _Kind.TEXT


def _is_open(text: str, line: Sequence[Sentence]) -> bool:
    """Whether a line is short and ends without punctuation, as headings do, or as a question, as in lists of them."""
    start, end = line[0].start, line[-1].end
    ends = _TERMINAL.search(text, max(start, end - 2), end)
    return len(line) == 1 and end - start <= _MAX_HEADING and (not ends or text[end - 1] in "?？؟")


def _runs(group: Sequence[Sentence]) -> Iterator[list[Sentence]]:
    """`group` in runs of similar length, each at most `MAX_PARAGRAPH` long."""
    run: list[Sentence] = []
    target = 0.0
    for sentence in group:
        length = sentence.end - run[0].start if run else 0
        half = (sentence.end - sentence.start) / 2
        if run and (length > MAX_PARAGRAPH or length - half > target):
            yield run
            run = []
        if not run:
            rest = group[-1].end - sentence.start
            target = rest / -(-rest // MAX_PARAGRAPH)
        run.append(sentence)
    if run:
        yield run
