"""PDF: the lines of its text layer with their places on the page, found by pdfium, and what it says about itself.

How lines become paragraphs is `pages`'s to know. Pictures are never read, so a scanned page has no text here. pdfium
keeps one state for the whole process: two documents must not be read in two threads at once.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from contextlib import closing
from statistics import median
from typing import Any, TypeAlias

from index.errors import UserError
from index.readers import metadata, pages
from index.readers.cleaning import readable
from index.readers.lines import Line, Mark
from index.readers.metadata import Draft

MAX_PAGES = 2_000
_MAX_PAGE_CHARACTERS = 200_000
_MAX_CHARACTERS = 6_000_000  # of all pages: as many full ones as are allowed

_Pdf: TypeAlias = Any  # pypdfium2 has types of its own, but none for what it wraps
_LINE_ENDS = frozenset("\r\n\x02")
_DIVISION = "\x02"  # how pdfium gives a hyphen at a line's end, and the line's end with it
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
_NOTE_MARK = re.compile(r"\d{1,3}|[*†‡§]{1,3}")
_BLANKS = re.compile(r"[ \xa0]+")
_BOLD = re.compile(rb"bold|black|heavy|semibold|demi|cmbx", re.IGNORECASE)
_LARGEST = 1e5  # points for sizes and places; a hostile page gives any number, and none
_WIDE = 1.2  # ems that a gap within a line has at least to be one between two cells
_UNEVEN = 1.6  # times that a line's widest gap is as wide as its narrowest, in a table's row
_MOST_BLANKS = 60  # of a table's row
_MAPPED_SAMPLE = 200  # characters of a page that are asked whether the font says which letters they are
_PRINTED_BY_BROWSER = re.compile(r"Skia/PDF|Mozilla/|Chrom(e|ium)/")


def parse(data: bytes, shown: str) -> Draft:
    """The article of a PDF's text layer, with the offsets at which its pages begin.

    Raises:
        UserError: it is damaged, encrypted, scanned, without text, or beyond the limits on pages and characters.
    """
    import pypdfium2 as pdfium  # type: ignore[import-untyped]

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        # The code may be that of an earlier document: pdfium has none for a document without pages.
        if error.err_code == pdfium.raw.FPDF_ERR_PASSWORD and b"/Encrypt" in data:
            raise UserError(
                "{file} is encrypted: open it with its password and save it without one", file=shown
            ) from None
        raise UserError(
            "{file} is damaged and cannot be read as {format}: save or download it again", file=shown, format="PDF"
        ) from None
    with closing(document):
        if len(document) > MAX_PAGES:
            raise UserError(
                "{file} has {number} pages; the limit is {limit}: split it",
                file=shown,
                number=len(document),
                limit=MAX_PAGES,
            )
        lines = list(_lines(document, shown))
        if not any(lines):
            raise _no_text(document, shown)
        made = pages.assemble(lines)
        return Draft(made.text, pages=made.starts, **_about(document, made.title))


def _lines(document: _Pdf, shown: str) -> Iterator[list[Line]]:
    """The lines of each page in turn; none for a page that has no letters, or none that its fonts tell of."""
    from pypdfium2 import PdfiumError

    total = 0
    for number in range(len(document)):
        try:
            page = document[number]
        except PdfiumError:  # and an article with a hole in it would be worse than none
            raise UserError(
                "{file} is damaged, on page {page}: save or download it again", file=shown, page=number + 1
            ) from None
        with closing(page), closing(page.get_textpage()) as text:
            count = text.count_chars()
            total += count
            if count > _MAX_PAGE_CHARACTERS or total > _MAX_CHARACTERS:
                raise UserError(
                    "{file} holds too much text, on page {page} or altogether: split it", file=shown, page=number + 1
                )
            yield _Page(page, text, count).lines() if _is_mapped(text, count) else []


def _is_mapped(text: _Pdf, count: int) -> bool:
    """Whether the fonts tell which letters they show; where they do not, what comes out is noise."""
    from pypdfium2 import raw

    asked = range(0, count, max(1, count // _MAPPED_SAMPLE))
    wrong = sum(raw.FPDFText_HasUnicodeMapError(text, index) == 1 for index in asked)
    return count > 0 and wrong * 2 <= len(asked)


def _no_text(document: _Pdf, shown: str) -> UserError:
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE  # type: ignore[import-untyped]

    for number in range(min(len(document), 10)):
        with closing(document[number]) as page:
            if next(page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3), None) is not None:
                return UserError(
                    "{file} is scanned: its pages are pictures without text; run text recognition on it first, for "
                    "example with ocrmypdf",
                    file=shown,
                )
    return UserError(
        "{file} holds no text that can be read: if you see text in it, run text recognition on it, for example with "
        "ocrmypdf",
        file=shown,
    )


class _Page:
    """One page's characters, asked for as lines; places are in points, as the page is seen."""

    def __init__(self, page: _Pdf, text: _Pdf, count: int) -> None:
        from pypdfium2 import raw

        self._raw = raw
        self._text = text
        self._count = count
        self._turned = page.get_rotation()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._box = tuple(ctypes.c_double() for _ in range(4))
        self._matrix = raw.FS_MATRIX()
        self._bold: dict[bytes, bool] = {}

    def lines(self) -> list[Line]:
        """The lines in pdfium's order; pieces of one line that touch are one."""
        found: list[Line] = []
        for start, end, divided in self._spans():
            line = self._line(start, end, divided)
            if line is not None:
                joined = found[-1].continued(line) if found else None
                found[-1:] = [joined] if joined else [*found[-1:], line]
        return found

    def _spans(self) -> Iterator[tuple[int, int, bool]]:
        """Where lines lie among the characters, and whether each ends in a divided word."""
        unicode = self._raw.FPDFText_GetUnicode
        self._characters = [chr(unicode(self._text, index)) for index in range(self._count)]
        start = 0
        for index, character in enumerate(self._characters):
            if character in _LINE_ENDS:
                yield start, index, character == _DIVISION
                start = index + 1
        yield start, self._count, False

    def _line(self, start: int, end: int, divided: bool) -> Line | None:
        seen = [n for n in range(start, end) if not self._characters[n].isspace()]
        if not seen:
            return None
        samples = {seen[0], seen[len(seen) // 4], seen[len(seen) // 2], seen[len(seen) * 3 // 4], seen[-1]}
        size = median(self._size(n) for n in samples)
        baseline = median(self._origin(n)[1] for n in samples)
        text, places = self._readable(start, end)
        if not text.strip():
            return None
        bold = {self._is_bold(n) for n in samples}
        return Line(
            text=text + "-" * divided,
            left=self._edges(seen[0])[0],
            right=self._edges(seen[-1])[1],
            baseline=baseline,
            size=size,
            bold=bold.pop() if len(bold) == 1 else None,
            gaps=tuple(self._gaps(text, places, size)),
            marks=tuple(self._marks(text, places, size, baseline)),
        )

    def _readable(self, start: int, end: int) -> tuple[str, list[int]]:
        """A line's text, and for each of its letters the character that it comes from."""
        text, places = "", []
        for n in range(start, end):
            character = self._characters[n]
            piece = character if " " <= character <= "~" else readable(character).translate(_LIGATURES)
            piece = "" if piece == "\n" or (piece == " " and text[-1:] in {"", " "}) else piece
            text += piece
            places += [n] * len(piece)
        return text, places

    def _gaps(self, text: str, places: list[int], size: float) -> Iterator[tuple[int, float, float]]:
        """Gaps as wide as those between a table's cells: where in the text, and from where to where on the page.

        A justified line has wide gaps, too, but they are all alike.
        """
        blanks = [
            (blank.start(), self._edges(places[blank.start() - 1])[1], self._edges(places[blank.end()])[0])
            for blank in _BLANKS.finditer(text.rstrip())
            if blank.start()
        ]
        if len(blanks) > _MOST_BLANKS:
            return
        widths = [right - left for _, left, right in blanks]
        if len(widths) == 1 or max(widths, default=0.0) > _UNEVEN * min(widths, default=0.0):
            yield from (blank for blank, width in zip(blanks, widths, strict=True) if width > _WIDE * size)

    def _marks(self, text: str, places: list[int], size: float, baseline: float) -> Iterator[Mark]:
        """Small raised numbers and signs, as notes have them."""
        for found in _NOTE_MARK.finditer(text):
            n = places[found.start()]
            if self._size(n) < 0.85 * size or self._origin(n)[1] > baseline + 0.15 * size:
                yield Mark(found.start(), found.end(), found.group())

    def _size(self, n: int) -> float:
        """The height of a character's font on the page."""
        size = float(self._raw.FPDFText_GetFontSize(self._text, n))
        if self._raw.FPDFText_GetMatrix(self._text, n, self._matrix):
            size *= math.hypot(self._matrix.c, self._matrix.d)
        return abs(size) if 0 < abs(size) < _LARGEST else 1.0

    def _is_bold(self, n: int) -> bool:
        name = ctypes.create_string_buffer(100)
        self._raw.FPDFText_GetFontInfo(self._text, n, name, 100, None)
        if name.value not in self._bold:
            self._bold[name.value] = bool(_BOLD.search(name.value))
        return self._bold[name.value]

    def _origin(self, n: int) -> tuple[float, float]:
        self._raw.FPDFText_GetCharOrigin(self._text, n, self._x, self._y)
        return self._seen(self._x.value, self._y.value)

    def _edges(self, n: int) -> tuple[float, float]:
        left, right, bottom, top = self._box
        self._raw.FPDFText_GetCharBox(self._text, n, left, right, bottom, top)
        corners = self._seen(left.value, bottom.value), self._seen(right.value, top.value)
        return min(x for x, _ in corners), max(x for x, _ in corners)

    def _seen(self, x: float, y: float) -> tuple[float, float]:
        """A place on the page as a reader sees it, when the page is turned to be read."""
        x, y = (value if abs(value) < _LARGEST else 0.0 for value in (x, y))
        return {90: (y, -x), 180: (-x, -y), 270: (-y, x)}.get(self._turned, (x, y))


def _about(document: _Pdf, largest: str) -> dict[str, str]:
    """What the document says about itself, where that was meant for its readers.

    A browser's print names the day it was printed, which says nothing about the article.
    """
    stated = document.get_metadata_dict()
    printed = _PRINTED_BY_BROWSER.search(stated["Producer"] + stated["Creator"])
    day = re.match(r"(?:D:)?(\d{8})", stated["CreationDate"])
    return {
        "title": metadata.own_title(stated["Title"]) or largest,
        "author": metadata.own_author(stated["Author"]),
        "published": day.group(1) if day and not printed else "",
        "language": _language(document),
    }


def _language(document: _Pdf) -> str:
    from pypdfium2 import raw

    buffer = ctypes.create_string_buffer(200)  # UTF-16
    length = raw.FPDFCatalog_GetLanguage(document, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), 200)
    return buffer.raw[: min(length, 200)].decode("utf-16-le", "ignore").rstrip("\0") if length > 2 else ""
