"""Lines of text with their places on pages become paragraphs, and the offsets at which the pages begin.

It is pure geometry and words: it knows nothing of PDF. Running heads and page numbers go, divided words are mended,
and a sentence that runs over the end of a column or a page stays one sentence.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from index.readers.cleaning import clean
from index.readers.hyphens import Hyphens, ends_divided

_BULLETS = "•‣⁃◦▪▫●○■□➢✓∙"
_BULLET = re.compile(rf"[{_BULLETS}]\s*(?=\S)|[–—-]\s+(?=\S)")
_NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\[\d{1,3}\])\s")
_FINISHED = re.compile(r"[.!?…:;。！？؟।][\"”’»›)\]」』]*$")
_LABEL = re.compile(r"(?:Fig(?:ure|\.)?|Table|Chart|Plate|Abb(?:ildung|\.)|Tab(?:elle|\.)|Tableau)\s*\d")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|página|pagina|p\.|s\.)\s*)?(\d{1,5})(?:\s*(?:of|von|de|sur|/)\s*\d+)?\W*", re.I
)
_NUMERAL = re.compile(r"[ivxlc]{1,8}", re.IGNORECASE)
_LOWER_OR_DIGIT = re.compile(r"[\"“‘(«]?[^\W_A-Z]")
_NOTE_BEGIN = re.compile(r"\s*(\d{1,3}|[*†‡§]{1,3})\s*(?=[^\W\d_]|[\"“‘(«„¿¡])")
# A note's mark stands after punctuation or a word; after less it may be an exponent, as in "12 km2".
_BEFORE_MARK = re.compile(r"(?:[.,;:!?…)\]”\"’'»]|[^\W\d_]{4})$")
_EXTREMES = 3  # lines at a page's top and at its bottom that may be running ones
_NEAR = 3.0  # points that the same running line may lie higher or lower on another page
_SAME_SIZE = 0.08  # by which share two lines' sizes may differ
_AROUND = 20  # lines before and after one within which its margin is looked for
_FURTHEST = 4  # paragraphs of notes or captions that a sentence is continued across


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


class Assembled(NamedTuple):
    """A text, the offset in it at which each page begins, and the largest words on the first page with words."""

    text: str
    starts: tuple[int, ...]
    title: str


@dataclass(slots=True)
class _Paragraph:
    """Lines that belong together, each with the number of its page; `room` is the width left in the last one."""

    lines: list[tuple[int, Line]]
    kind: str = "text"  # or "item", "row"
    room: float = 0.0
    aside: bool = field(default=False)  # a note, caption or heading: not what a sentence runs on in

    @property
    def first(self) -> Line:
        return self.lines[0][1]

    @property
    def last(self) -> Line:
        return self.lines[-1][1]


def assemble(lines_of_pages: Sequence[Sequence[Line]]) -> Assembled:
    """The text of pages, a paragraph a line; cleaning it changes nothing.

    `starts` has as many offsets as there are pages; one without text begins where the next one does.
    """
    bodies = _without_running(lines_of_pages)
    if not any(bodies):
        return Assembled("", (0,) * len(bodies), "")
    look = _Look.of(bodies)
    bodies = [_without_note_marks(lines, look.size) for lines in bodies]
    paragraphs: list[_Paragraph] = []
    for number, lines in enumerate(bodies):
        for column in _columns(lines):
            _continue(paragraphs, [*look.paragraphs(number, column)], look)
    hyphens = Hyphens([line.text for lines in bodies for line in lines])
    text, starts = _written(paragraphs, hyphens, len(bodies))
    return Assembled(text, starts, _largest(paragraphs, hyphens, look))


# What stands on every page


def _without_running(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without the lines that recur at the same height at the tops or bottoms of several, and page numbers."""
    seen: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    candidates = []
    for number, lines in enumerate(pages):
        ordered = sorted(lines, key=lambda line: line.baseline)
        extremes = {id(line): line for line in ordered[:_EXTREMES] + ordered[-_EXTREMES:]}
        candidates.append(extremes)
        for line in extremes.values():
            seen[_pattern(line.text, number)].append((number, line.baseline))
    kept = []
    for number, lines in enumerate(pages):
        lone = {id(line) for line in lines if _is_lone_number(line, lines, number)}
        kept.append(
            [
                line
                for line in lines
                if id(line) not in lone
                and not (
                    id(line) in candidates[number]
                    and any(
                        page != number and abs(height - line.baseline) < _NEAR
                        for page, height in seen[_pattern(line.text, number)]
                    )
                )
            ]
        )
    return kept


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


def _without_note_marks(lines: Sequence[Line], size: float) -> list[Line]:
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
        if found and found.group(1) in called and (raised or line.size < (1 - _SAME_SIZE) * size):
            begun[n] = found.group(1)
    notes = set(begun.values())
    return [_unmarked(line, notes, n in begun) if line.marks or n in begun else line for n, line in enumerate(lines)]


def _unmarked(line: Line, notes: set[str], begins_note: bool) -> Line:
    text = line.text
    for mark in reversed(line.marks):
        if mark.label in notes and _BEFORE_MARK.search(text, 0, mark.start):
            text = text[: mark.start] + text[mark.end :]
    if begins_note:
        text = _NOTE_BEGIN.sub("", text, count=1)
    return line if text == line.text else replace(line, text=text, gaps=(), marks=())


def _columns(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The page's lines in runs that go downwards: a column each, or what is drawn apart from the text."""
    column: list[Line] = []
    for line in lines:
        if column and line.baseline > column[-1].baseline + 1.5 * line.size:
            yield column
            column = []
        column.append(line)
    if column:
        yield column


# Paragraphs


class _Look(NamedTuple):
    """How a document's running text is set: its size, and how far its lines are apart for their size."""

    size: float
    leading: float

    @classmethod
    def of(cls, pages: Iterable[Sequence[Line]]) -> "_Look":
        sizes: Counter[float] = Counter()
        leadings: Counter[float] = Counter()
        for lines in pages:
            for line in lines:
                sizes[round(line.size * 2) / 2] += len(line.text)
            for above, below in pairwise(lines):
                ratio = (above.baseline - below.baseline) / below.size
                if 0.8 < ratio < 3 and abs(above.size - below.size) <= _SAME_SIZE * below.size:
                    leadings[round(ratio, 1)] += 1
        return cls(
            max(sizes, key=lambda size: (sizes[size], size)) or 1.0,
            max(leadings, key=lambda r: (leadings[r], -r), default=1.2),
        )

    def paragraphs(self, page: int, column: Sequence[Line]) -> Iterator[_Paragraph]:
        """A column's lines put together."""
        rows = _rows(column)
        current: _Paragraph | None = None
        for n, line in enumerate(column):
            right = _margin(column, n)
            if current is None or n in rows or current.kind == "row" or self._begins(current, line, right):
                if current is not None:
                    yield current
                current = self._opened(page, line, n in rows)
            else:
                current.lines.append((page, line))
            current.room = right - line.right
        if current is not None:
            yield current

    def _opened(self, page: int, line: Line, row: bool) -> _Paragraph:
        if row:
            return _Paragraph([(page, _with_cells(line))], "row", aside=True)
        marker = _BULLET.match(line.text) or _NUMBERED.match(line.text)
        own = abs(line.size - self.size) > _SAME_SIZE * self.size or line.bold is True or _LABEL.match(line.text)
        return _Paragraph([(page, line)], "item" if marker else "text", aside=bool(own))

    def _begins(self, paragraph: _Paragraph, line: Line, right: float) -> bool:
        """Whether a line begins a new paragraph after the lines that this one has so far."""
        last = paragraph.last
        if (last.baseline - line.baseline) / max(last.size, line.size) > 1.25 * self.leading or _BULLET.match(
            line.text
        ):
            return True
        if None not in (last.bold, line.bold) and last.bold is not line.bold:
            return True
        if ends_divided(last.text):
            return False
        runs_on = _is_full(last, line, right) and not _FINISHED.search(last.text.rstrip())
        change = abs(last.size - line.size) / max(last.size, line.size)
        if change > _SAME_SIZE and not (runs_on and change < 0.25 and _LOWER_OR_DIGIT.match(line.text)):
            return True
        if runs_on:
            return False
        if not _is_full(last, line, right) or _NUMBERED.match(line.text):
            return True
        step = (line.left - last.left) / line.size
        hangs = paragraph.kind == "item" and len(paragraph.lines) == 1
        return (step > 0.6 and not hangs) or (step < -0.6 and len(paragraph.lines) > 1)


def _margin(column: Sequence[Line], n: int) -> float:
    """The right margin at a line: how far lines of about its size reach around it."""
    size = column[n].size
    around = column[max(0, n - _AROUND) : n + _AROUND + 1]
    return max(line.right for line in around if abs(line.size - size) < 0.25 * size)


def _is_full(line: Line, following: Line, right: float) -> bool:
    """Whether the next line's first word would not have fitted at the end of this one."""
    word = following.text.split(maxsplit=1)[0]
    width = (following.right - following.left) / max(1, len(following.text.strip()))
    return right - line.right < width * len(word) + 0.25 * line.size


def _rows(column: Sequence[Line]) -> set[int]:
    """The lines of tables: those with two wide gaps, or with one below or above another's."""
    rows = {n for n, line in enumerate(column) if len(line.gaps) > 1}
    for n, (above, below) in enumerate(pairwise(column)):
        least = 0.5 * below.size
        if any(min(a[2], b[2]) - max(a[1], b[1]) > least for a in above.gaps for b in below.gaps):
            rows |= {n, n + 1}
    return rows


def _with_cells(line: Line) -> Line:
    text = line.text.rstrip()
    for at, _, _ in reversed(line.gaps):
        text = text[:at] + " | " + text[at:].lstrip()
    return replace(line, text=text)


# Columns and pages


def _continue(done: list[_Paragraph], column: list[_Paragraph], look: _Look) -> None:
    """Adds a column's paragraphs; a paragraph that runs on in it becomes one, with the notes around it."""
    before = _running(done, range(len(done) - 1, max(-1, len(done) - 1 - _FURTHEST), -1))
    after = _running(column, range(min(len(column), _FURTHEST)))
    if before is None or after is None or not _runs_over(done[before], column[after]):
        done += column
        return
    whole, rest = done.pop(before), column.pop(after)
    whole.lines += rest.lines
    whole.room = rest.room
    done.append(whole)
    done += column


def _running(paragraphs: Sequence[_Paragraph], order: range) -> int | None:
    return next((n for n in order if not paragraphs[n].aside), None)


def _runs_over(above: _Paragraph, below: _Paragraph) -> bool:
    if below.kind != "text":
        return False
    if ends_divided(above.last.text):
        return True
    full = _is_full(above.last, below.first, above.last.right + above.room)
    finished = _FINISHED.search(above.last.text.rstrip())
    lower = below.first.text.lstrip('"“‘(«')[:1].islower()
    return (full and not finished) or (lower and (full or not finished))


# Text


def _written(paragraphs: Iterable[_Paragraph], hyphens: Hyphens, count: int) -> tuple[str, tuple[int, ...]]:
    """The text, cleaned, and where in it each of `count` pages begins."""
    text, starts, before = "", [0], ""
    for paragraph in paragraphs:
        own, within = _joined(paragraph, hyphens)
        if not own:
            continue
        if text:
            text += "\n" if before == paragraph.kind != "text" else "\n\n"
        before = paragraph.kind
        for page, offset in within:
            while len(starts) <= page:
                starts.append(len(text) + offset)
        text += own
    starts += [len(text)] * (count - len(starts))
    return _settled(text, starts)


def _joined(paragraph: _Paragraph, hyphens: Hyphens) -> tuple[str, list[tuple[int, int]]]:
    """A paragraph's words on one line, and at which offset in it each of its pages begins."""
    text = ""
    starts: list[tuple[int, int]] = []
    for page, line in paragraph.lines:
        piece = " ".join(clean(line.text).split("\n")).strip()
        piece = re.sub(
            r"[ ]{2,}",
            " ",
            _BULLET.sub(lambda found: found.group().strip() + " ", piece, count=1) if not text else piece,
        )
        if not piece:
            continue
        if text:
            text = hyphens.joined(text, piece)
        if not starts or starts[-1][0] < page:
            starts.append((page, len(text)))
        text += piece
    return text, starts


def _settled(text: str, starts: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """The text cleaned as a whole, which may still repair its lines, and the offsets moved along with its lines."""
    cleaned = clean(text)
    if cleaned == text:
        return text, tuple(starts)
    old, new = text.split("\n"), cleaned.split("\n")
    moved = []
    for start in starts:
        row = text.count("\n", 0, start)
        within = start - sum(len(line) + 1 for line in old[:row])
        before = sum(len(line) + 1 for line in new[:row])
        moved.append(min(len(cleaned), before + min(within, len(new[row]) if row < len(new) else 0)))
    return cleaned, tuple(moved)


def _largest(paragraphs: Sequence[_Paragraph], hyphens: Hyphens, look: _Look) -> str:
    """The words in the first page's largest letters, where those are larger than the text's and more than initials."""
    first = [one for one in paragraphs if one.lines[0][0] == paragraphs[0].lines[0][0] and len(one.first.text) > 3]
    best = max(first, key=lambda one: one.first.size, default=None)
    if best is None or best.first.size < 1.15 * look.size:
        return ""
    return _joined(best, hyphens)[0]
