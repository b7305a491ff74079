"""Lines of text with their places become paragraphs, and the offsets at which the pages begin.

It knows words and geometry, and nothing of PDF. Divided words are mended, and a sentence that runs over the end of a
column or a page stays one sentence.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from index.readers.cleaning import clean
from index.readers.hyphens import Hyphens, ends_divided
from index.readers.lines import SAME_SIZE, Line, columns, without_note_marks, without_running

_BULLET = re.compile(r"[•‣⁃◦▪▫●○■□➢✓∙]\s*(?=\S)")
# Marks that a line may begin with by chance, too.
_MARKER = re.compile(r"(?:\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\[\d{1,3}\]|[–—-])\s")
_FINISHED = re.compile(r"[.!?…:;。！？؟।][\"”’»›)\]」』]*$")
_LABEL = re.compile(r"(?:Fig(?:ure|\.)?|Table|Chart|Plate|Abb(?:ildung|\.)|Tab(?:elle|\.)|Tableau)\s*\d")
_OPENING = '"“„‘(«‹'
_AROUND = 20  # lines before and after one within which its margin is looked for
_FURTHEST = 4  # paragraphs of notes or captions that a sentence is continued across


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
    aside: bool = False  # a note, caption or heading: not what a sentence runs on in

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
    bodies = without_running(lines_of_pages)
    if not any(bodies):
        return Assembled("", (0,) * len(bodies), "")
    look = _Look.of(bodies)
    bodies = [without_note_marks(lines, look.size) for lines in bodies]
    paragraphs: list[_Paragraph] = []
    for number, lines in enumerate(bodies):
        for column in columns(lines):
            _continue(paragraphs, [*look.paragraphs(number, column)])
    hyphens = Hyphens([line.text for lines in bodies for line in lines])
    text, starts = _written(paragraphs, hyphens, len(bodies))
    return Assembled(text, starts, _largest(paragraphs, hyphens, look))


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
                if 0.8 < ratio < 3 and abs(above.size - below.size) <= SAME_SIZE * below.size:
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
        marker = _BULLET.match(line.text) or _MARKER.match(line.text)
        own = abs(line.size - self.size) > SAME_SIZE * self.size or line.bold is True or _LABEL.match(line.text)
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
        if paragraph.kind == "item" and _MARKER.match(line.text):
            level = abs(line.left - paragraph.first.left) < 0.6 * line.size
            return level and bool(_MARKER.match(paragraph.first.text))
        runs_on = _is_full(last, line, right) and not _FINISHED.search(last.text.rstrip())
        change = abs(last.size - line.size) / max(last.size, line.size)
        if change > SAME_SIZE and not (runs_on and change < 0.25 and _first_letter(line).islower()):
            return True
        if runs_on:
            return False
        if not _is_full(last, line, right) or _MARKER.match(line.text):
            return True
        step = (line.left - last.left) / line.size
        hangs = paragraph.kind == "item" and len(paragraph.lines) == 1
        return (step > 0.6 and not hangs) or (step < -0.6 and len(paragraph.lines) > 1)


def _first_letter(line: Line) -> str:
    """The letter that a line begins with; a figure counts as a small one, as it may stand within a sentence, too."""
    first = line.text.lstrip(_OPENING + " ")[:1]
    return "a" if first.isdigit() else first


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


def _continue(done: list[_Paragraph], column: list[_Paragraph]) -> None:
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
    parts: list[str] = []
    starts, length, before = [0], 0, ""
    for paragraph in paragraphs:
        own, within = _joined(paragraph, hyphens)
        if not own:
            continue
        gap = "" if not parts else "\n" if before == paragraph.kind != "text" else "\n\n"
        before = paragraph.kind
        length += len(gap)
        for page, offset in within:
            starts += [length + offset] * (page + 1 - len(starts))
        length += len(own)
        parts += [gap, own]
    starts += [length] * (count - len(starts))
    return _settled("".join(parts), starts)


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
    old, new = _line_starts(text), _line_starts(cleaned)
    moved = []
    for start in starts:
        line = bisect_right(old, start) - 1
        end = new[line + 1] - 1 if line + 1 < len(new) else len(cleaned)
        moved.append(min(new[line] + start - old[line], end) if line < len(new) else len(cleaned))
    return cleaned, tuple(moved)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _largest(paragraphs: Sequence[_Paragraph], hyphens: Hyphens, look: _Look) -> str:
    """The words in the first page's largest letters, where those are larger than the text's and more than initials."""
    first = [one for one in paragraphs if one.lines[0][0] == paragraphs[0].lines[0][0] and len(one.first.text) > 3]
    best = max(first, key=lambda one: one.first.size, default=None)
    if best is None or best.first.size < 1.15 * look.size:
        return ""
    return _joined(best, hyphens)[0]
