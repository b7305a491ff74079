"""Lines of text with their places on a page, and which of them belong to the article.

It is pure geometry and knows nothing of PDF. Running heads, page numbers and the marks of notes do not belong to
the article; how the other lines become paragraphs is `pages`'s to know.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

SAME_SIZE: float = 0.08
"""The share of their size by which two lines of the same letters may differ."""

_EXTREMES = 3  # lines at a page's top and at its bottom that may be running ones
_NEAR = 2.0  # points, and up to twice as many, that the same running line may lie higher or lower on another page
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|página|pagina|p\.|s\.)\s*)?(\d{1,5})(?:\s*(?:of|von|de|sur|/)\s*\d+)?\W*", re.IGNORECASE
)
_NUMERAL = re.compile(r"[ivxlc]{1,8}", re.IGNORECASE)
_NOTE_BEGIN = re.compile(r"\s*(\d{1,3}|[*†‡§]{1,3})\s*(?=[^\W\d_]|[\"“‘(«„¿¡])")
# A note's mark stands after punctuation or a word; after less it may be an exponent, as in "12 km2".
_BEFORE_MARK = re.compile(r"(?:[.,;:!?…)\]”\"’'»]|[^\W\d_]{4})$")


class Mark(NamedTuple):
    """A small raised number or sign in a line's text, as notes have them."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on a page; places and sizes are in points, upwards and to the right.

    `bold` is None where only some of it is; `gaps` are offsets in the text of blanks wide enough to part a table's
    cells, with the places that they lie between.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    bold: bool | None = False
    gaps: tuple[tuple[int, float, float], ...] = ()
    marks: tuple[Mark, ...] = ()

    def continued(self, other: "Line") -> "Line | None":
        """This line and the next as one, if the other goes on where this one ends; None if not."""
        level = abs(self.baseline - other.baseline) < 0.3 * self.size
        if not level or not -0.3 * self.size <= other.left - self.right <= self.size:
            return None
        parted = self.text[-1:].isspace() or other.text[:1].isspace() or other.left - self.right < 0.15 * self.size
        text = self.text if parted else self.text + " "
        moved = len(text)
        return Line(
            text + other.text,
            self.left,
            other.right,
            self.baseline,
            max(self.size, other.size),
            self.bold if self.bold == other.bold else None,
            self.gaps + tuple((at + moved, start, end) for at, start, end in other.gaps),
            self.marks + tuple(Mark(m.start + moved, m.end + moved, m.label) for m in other.marks),
        )


def without_running(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without page numbers, and without what recurs at the same height at the top or bottom of several."""
    seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for number, lines in enumerate(pages):
        for line in _extremes(lines):
            places = seen[_pattern(line.text, number), int(line.baseline // _NEAR)]
            if len(places) < 2:  # two tell of every page that there is another
                places.add(number)

    def recurs(line: Line, number: int) -> bool:
        pattern, height = _pattern(line.text, number), int(line.baseline // _NEAR)
        return any(seen.get((pattern, near), set()) - {number} for near in (height - 1, height, height + 1))

    kept = []
    for number, lines in enumerate(pages):
        running = {
            id(line) for line in _extremes(lines) if _is_lone_number(line, lines, number) or recurs(line, number)
        }
        kept.append([line for line in lines if id(line) not in running])
    return kept if any(kept) else [list(lines) for lines in pages]  # pages that say the same have something to say


def _extremes(lines: Sequence[Line]) -> list[Line]:
    """The topmost and the bottommost lines."""
    ordered = sorted(lines, key=lambda line: line.baseline)
    return ordered[:_EXTREMES] + ordered[max(_EXTREMES, len(ordered) - _EXTREMES) :]


def _pattern(text: str, page: int) -> str:
    """What a running line has in common on all pages: its words, or how far its number is from the page's."""
    text = " ".join(text.casefold().split())
    if found := _PAGE_NUMBER.fullmatch(text):
        return f"# {int(found.group(1)) - page}"
    if _NUMERAL.fullmatch(text):
        return "#"
    # A row of figures at a table's top is no running line, though nothing but digits may tell it from the next.
    return re.sub(r"\d+", "#", text) if any(c.isalpha() for c in text) else f"{page} {text}"


def _is_lone_number(line: Line, lines: Sequence[Line], page: int) -> bool:
    """Whether it is the page's number, alone at the very top or bottom: the one page of a short article has it too."""
    found = _PAGE_NUMBER.fullmatch(line.text.strip())
    if not found or int(found.group(1)) != page + 1 or len(lines) < 2:
        return False
    others = [other.baseline for other in lines if other is not line]
    apart = min(abs(line.baseline - other) for other in others) > 1.5 * line.size
    return apart and not min(others) <= line.baseline <= max(others)


def without_note_marks(lines: Sequence[Line], size: float) -> list[Line]:
    """The lines without the marks of notes that stand on the same page; other raised figures are exponents, say.

    A note begins with its mark, raised or in letters smaller than the running text's, whose `size` this is.
    """
    called = {mark.label for line in lines for mark in line.marks}
    if not called:
        return list(lines)
    begun: dict[int, str] = {}
    for n, line in enumerate(lines):
        found = _NOTE_BEGIN.match(line.text)
        raised = bool(line.marks) and not line.text[: line.marks[0].start].strip()
        if found and found.group(1) in called and (raised or line.size < (1 - SAME_SIZE) * size):
            begun[n] = found.group(1)
    notes = set(begun.values())
    return [_unmarked(line, notes, n in begun) if line.marks or n in begun else line for n, line in enumerate(lines)]


def _unmarked(line: Line, notes: set[str], begins_note: bool) -> Line:
    text = line.text
    for mark in reversed(line.marks):
        if mark.label in notes and _BEFORE_MARK.search(text, max(0, mark.start - 4), mark.start):
            text = text[: mark.start] + text[mark.end :]
    if begins_note:
        text = _NOTE_BEGIN.sub("", text, count=1)
    return line if text == line.text else replace(line, text=text, gaps=(), marks=())


def columns(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The page's lines in runs that go downwards: a column each, or what is drawn apart from the text."""
    column: list[Line] = []
    for line in lines:
        if column and line.baseline > column[-1].baseline + 1.5 * line.size:
            yield column
            column = []
        column.append(line)
    if column:
        yield column
