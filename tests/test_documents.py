"""Documents and archives: PDF, DOCX, EPUB and ZIP, made by other programs, damaged, and hostile."""

import io
import random
import re
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.documents import FOLDER, RUNNING_HEAD, TEXT, TITLE, score
from index.article import Article
from index.errors import UserError
from index.readers import Kind, Member, expand, kind_of, read
from index.readers.cleaning import clean
from index.readers.hyphens import Hyphens
from index.readers.lines import Line, Mark
from index.readers.pages import assemble
from index.readers.unzip import MAX_EXPANDED
from index.sentences import split

MADE = sorted(path for path in FOLDER.iterdir() if path.suffix != ".md" and path.stem != "locked")
PDFS = [path for path in MADE if path.suffix == ".pdf"]
RIVER = "The river rose by four metres in a single night, and the bridge at the mill was closed until Sunday."
ISLAND = TEXT.read_text(encoding="utf-8")


def article_of(data: bytes, name: str) -> Article:
    return read(data, "source", name)


def message_of(data: bytes, name: str) -> str:
    with pytest.raises(UserError) as caught:
        article_of(data, name)
    return str(caught.value)


def zipped(entries: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def named(path: Path) -> str:
    return path.name


# What other programs make


@pytest.mark.parametrize("path", MADE, ids=named)
def test_a_document_made_by_another_program_gives_its_text_back(path: Path) -> None:
    """Nearly every word and sentence comes back, and nothing else, whatever the document was made by."""
    result = score(path, ISLAND)
    assert result.precision > 0.995 and result.recall > 0.995 and result.whole > 0.95


@pytest.mark.parametrize("path", MADE, ids=named)
def test_a_document_states_its_title(path: Path) -> None:
    """In its properties, or in the largest letters on its first page."""
    article = article_of(path.read_bytes(), path.name)
    assert article.title == TITLE and article.states_title


@pytest.mark.parametrize("path", MADE, ids=named)
def test_a_document_is_known_by_its_content(path: Path) -> None:
    """Whatever it is called, the same article comes of it."""
    data = path.read_bytes()
    for name in ("a", "a.txt", "a.html", "a.zip", "a.pdf", "a.docx"):
        assert article_of(data, name) == article_of(data, path.name)


@pytest.mark.parametrize("path", PDFS, ids=named)
def test_the_pages_of_a_pdf_are_kept_by_reading(path: Path) -> None:
    """Each page has its offset in the article's text, in order, and its own words begin there."""
    article = article_of(path.read_bytes(), path.name)
    assert article.pages[0] == 0 and list(article.pages) == sorted(article.pages) and len(article.pages) > 1
    assert clean(article.text) == article.text
    for number, title in ((1, "How the boat was lost"), (len(article.pages), "The Marigold was broken up in June.")):
        assert article.page_of(article.text.index(title)) == number


@pytest.mark.parametrize("path", PDFS, ids=named)
def test_running_heads_and_page_numbers_are_gone(path: Path) -> None:
    """What stands on every page is no part of the text."""
    text = article_of(path.read_bytes(), path.name).text
    assert RUNNING_HEAD not in text and not re.search(r"^(Page )?\d+$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["browser.pdf", "latex.pdf", "latex-columns.pdf", "writer.pdf"])
def test_a_sentence_that_runs_over_a_page_stays_one(name: str) -> None:
    """Where a page begins within a sentence, its offset falls within that sentence's span."""
    article = article_of((FOLDER / name).read_bytes(), name)
    spans = split(article.text)
    within = [start for start in article.pages[1:] if any(span.start < start < span.end for span in spans)]
    assert within and all(article.text[start - 1] == " " or article.text[start - 1].isalpha() for start in within)


def test_divided_words_are_mended_and_true_hyphens_stay() -> None:
    """In narrow columns too, by TeX and by a browser."""
    for name in ("latex-columns.pdf", "browser-columns.pdf"):
        text = article_of((FOLDER / name).read_bytes(), name).text
        for word in ("ninety-one", "flat-bottomed", "forty-four", "eighty-three", "north-east", "well-known"):
            assert word in text
        assert not re.search(r"[\u00ad\u2010]|\w-\s", text)


def test_the_metadata_of_documents_is_read() -> None:
    """Author, day of creation and language, where the program states them; a file's last change is no correction."""
    for name in ("writer.docx", "writer.epub", "writer.pdf"):
        article = article_of((FOLDER / name).read_bytes(), name)
        assert article.author == "Mara Example" and article.language == "en" and article.updated is None
    assert article_of((FOLDER / "writer.docx").read_bytes(), "a").published == date(2024, 3, 5)
    assert article_of((FOLDER / "browser.pdf").read_bytes(), "a").published is None  # the day it was printed


def test_notes_stand_apart_and_their_marks_are_gone() -> None:
    """A note is a sentence of its own, and the sentence that calls it ends as it was written."""
    for name in ("latex.pdf", "latex-columns.pdf", "writer.pdf", "writer.docx", "writer.epub"):
        sentences = [
            span.of(text) for text in [article_of((FOLDER / name).read_bytes(), name).text] for span in split(text)
        ]
        assert any(s.endswith("had been refitted three times.") for s in sentences), name
        assert any(s.startswith("The last refit, in 2009,") and s.endswith("untouched.") for s in sentences), name
        assert not any("↑" in s for s in sentences)


def test_reading_text_loads_no_library_of_documents() -> None:
    """pdfium and mammoth are loaded when the first document comes, and not before."""
    code = (
        "import sys; from index.readers import read; read(b'Text.', 'a', 'a.txt'); read(b'<p>T</p>', 'a', 'a.html');"
        "print([m for m in ('pypdfium2', 'mammoth', 'cobble', 'xml.dom.minidom') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=FOLDER.parents[2], check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", MADE, ids=named)
@pytest.mark.parametrize("share", [0.002, 0.05, 0.3, 0.6, 0.9, 0.99, 0.999])
def test_a_truncated_document_is_an_error_that_says_so(path: Path, share: float) -> None:
    """Never a part of the article, and never an error of a library."""
    data = path.read_bytes()
    with pytest.raises(UserError, match="damaged") as caught:
        article_of(data[: int(len(data) * share)], path.name)
    assert not isinstance(caught.value.__cause__, Exception)


@pytest.mark.parametrize("path", MADE, ids=named)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_document_with_wrong_bytes_gives_an_article_or_a_user_error(path: Path, data: st.DataObject) -> None:
    """Whatever a disk or a network did to it."""
    wrong = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(wrong) - 1), min_size=1, max_size=20)):
        wrong[at] = data.draw(st.integers(0, 255))
    try:
        article = article_of(bytes(wrong), path.name)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert clean(article.text) == article.text and list(article.pages) == sorted(article.pages)


# PDF


def pdf(*contents: bytes, resources: bytes = b"", objects: Iterable[bytes] = (), count: int | None = None) -> bytes:
    """A PDF of pages with these content streams, in Helvetica as F1; `objects` have the numbers from 4."""
    extra = list(objects)
    first = 4 + len(extra)
    kids = b" ".join(b"%d 0 R" % (first + 2 * n) for n in range(len(contents)))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents) if count is None else count),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *extra,
    ]
    for n, content in enumerate(contents):
        parts.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 600]/Resources<</Font<</F1 3 0 R>>%s>>/Contents %d 0 R>>"
            % (resources, first + 2 * n + 1)
        )
        packed = zlib.compress(content)
        parts.append(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed))
    data, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return data + end % (len(parts) + 1, table, len(parts) + 1, len(data))


def words(*lines: str, size: float = 12) -> bytes:
    """A content stream with these lines of text."""
    shown = b"".join(b"(%s) Tj 0 %g Td " % (line.encode("cp1252"), -1.2 * size) for line in lines)
    return b"BT /F1 %g Tf 40 500 Td %sET" % (size, shown)


IMAGE = (
    b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n"
    b"\x80\nendstream"
)
SCAN = b"400 0 0 600 0 0 cm /I1 Do"


def test_a_scanned_pdf_says_so_and_names_the_remedy() -> None:
    """Pictures of pages are not text; if some pages have text, these are read, and page numbers stay right."""
    scan = pdf(SCAN, SCAN, resources=b"/XObject<</I1 4 0 R>>", objects=[IMAGE])
    assert "is scanned" in message_of(scan, "a.pdf") and "ocrmypdf" in message_of(scan, "a.pdf")
    mixed = pdf(
        SCAN, words("First words."), SCAN, words("Last words."), resources=b"/XObject<</I1 4 0 R>>", objects=[IMAGE]
    )
    article = article_of(mixed, "a.pdf")
    assert article.text == "First words.\n\nLast words." and len(article.pages) == 4
    assert [article.page_of(article.text.index(word)) for word in ("First", "Last")] == [2, 4]


def test_an_empty_pdf_is_an_error() -> None:
    """Pages with nothing on them, and no pages at all."""
    assert "holds no text" in message_of(pdf(b""), "a.pdf")
    message_of(pdf(), "a.pdf")


def test_an_encrypted_document_names_the_remedy() -> None:
    """A PDF that asks for a password, and the container that Office puts a document with a password into."""
    assert "without one" in message_of((FOLDER / "locked.pdf").read_bytes(), "locked.pdf")
    office = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert "without one" in message_of(office, "locked.docx")


def test_a_pdf_is_found_behind_junk() -> None:
    """Some servers put a line before it."""
    assert article_of(b"\r\n<!-- sent -->\r\n" + pdf(words("Some words.")), "a").text == "Some words."
    assert kind_of(b"%PDF-1.7 is how a PDF begins.", "a.txt") is Kind.PDF
    assert kind_of(b"A PDF begins with %PDF-1.7, says the standard.", "a.txt") is Kind.TEXT


def test_ligatures_become_letters() -> None:
    """A search for "office" finds it however the font draws it."""
    codes = b"/Encoding<</Type/Encoding/Differences[1/fi/fl/ff/ffi/ffl]>>"
    made = pdf(b"BT /F1 12 Tf 40 500 Td (\x01sh, \x02oor, o\x03er, o\x04ce, ba\x05e.) Tj ET")
    made = made.replace(b"/BaseFont/Helvetica>>", b"/BaseFont/Helvetica" + codes + b">>")
    assert article_of(made, "a.pdf").text == "fish, floor, offer, office, baffle."


@pytest.mark.parametrize("stated", ["Microsoft Word - draft 3.docx", "untitled", "Document1", "a.pdf", "---", "12"])
def test_a_title_that_a_program_made_up_is_not_the_title(stated: str) -> None:
    """The first sentence is a better one."""
    made = pdf(words("Some words on the river."))
    made = made.replace(b"/Root 1 0 R>>", b"/Root 1 0 R/Info<</Title(%s)/Author(user)>>>>" % stated.encode())
    article = article_of(made, "a.pdf")
    assert article.title == "Some words on the river." and not article.states_title and article.author is None


@pytest.mark.parametrize(
    "made",
    [
        pdf(words("a"), count=2_000_000_000),
        pdf(words("a")).replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]"),
        pdf(words("a")).replace(b"/Contents 5 0 R", b"/Contents 4 0 R"),
        pdf(words("a")).replace(b"0 0 400 600", b"0 0 4e38 -9e9"),
        pdf(b"q " * 500_000),
        pdf(b"[" * 500_000),
        pdf(b"/F1 Do " * 100_000),
        pdf(
            b"/X Do",
            resources=b"/XObject<</X 4 0 R>>",
            objects=[
                b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>>>/Length 5>>stream\n"
                b"/X Do\nendstream"
            ],
        ),
        b"%PDF-1.7\n" + b"1 0 obj\n<<" * 100_000,
        b"%PDF-1.7\n" + b"[" * 1_000_000,
        b"%PDF-1.7\ntrailer<</Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF",
    ],
    ids=["count", "loop", "contents", "box", "q", "arrays", "missing", "form", "objects", "brackets", "xref"],
)
def test_a_hostile_pdf_is_bounded(made: bytes) -> None:
    """False counts, loops, deep nesting and endless streams neither hang nor crash the reader."""
    try:
        article_of(made, "a.pdf")
    except UserError as error:
        assert not isinstance(error.__cause__, Exception)


def test_a_pdf_beyond_the_limits_says_so() -> None:
    """2,001 pages, and a page of more letters than any page holds."""
    assert "2,001 pages; the limit is 2,000" in message_of(pdf(*[b""] * 2_001), "a.pdf")
    assert "too much text, on page 1" in message_of(pdf(words(*["word " * 800] * 60, size=0.1)), "a.pdf")


# Pages


def lines(
    *texts: str, left: float = 50, top: float = 700, right: float = 350, size: float = 10, step: float = 12
) -> list[Line]:
    """Lines below each other that all reach the margin, but for the last."""
    return [
        Line(text, left, right if n < len(texts) - 1 else left + 5.0 * len(text), top - n * step, size)
        for n, text in enumerate(texts)
    ]


def test_lines_become_paragraphs() -> None:
    """A gap, an indented line after a full stop, a line that ends early and a bullet begin a new one."""
    first = lines("The river rose by four metres in one single night and", "the bridge was closed.")
    second = lines("Nobody crossed it before", "Sunday.", top=650)
    third = lines("• one", top=600) + lines("• two", top=588)
    made = assemble([first + second + third])
    assert made.text == (
        "The river rose by four metres in one single night and the bridge was closed.\n\n"
        "Nobody crossed it before Sunday.\n\n• one\n• two"
    )
    assert made.starts == (0,)


def test_a_dash_at_the_beginning_of_a_line_may_be_within_a_sentence() -> None:
    """It begins an item only after a line that is at its end."""
    made = assemble([lines("The bridge at the mill was closed", "– as everybody had expected – until Sunday.")])
    assert made.text == "The bridge at the mill was closed – as everybody had expected – until Sunday."
    made = assemble([lines("It was closed for two reasons, they said:", "– the water,", "– the wind.")])
    assert made.text.endswith("said:\n\n– the water,\n– the wind.")


def test_a_sentence_runs_over_columns_pages_and_notes() -> None:
    """It is one line of the text; a note at the foot of the page stands before it, and its page begins within it."""
    one = lines("The river rose by four metres, and then the", "bridge had to be closed to all the", top=200)
    one[-1] = Line(one[-1].text, 50, 350, one[-1].baseline, 10)
    note = lines("1 Measured at the mill.", top=60, size=8)
    two = lines("traffic that used to cross it before", "the storm.")
    made = assemble([one + note, [], two])
    head = "1 Measured at the mill.\n\nThe river rose by four metres, and then the bridge had to be closed to all the "
    assert made.text == head + "traffic that used to cross it before the storm."
    assert made.starts == (0, len(head), len(head))


def test_only_what_recurs_at_the_same_height_is_a_running_head() -> None:
    """Digits ignored; a line that is repeated elsewhere, or rows of figures at the top, are text."""
    pages = [
        [
            *lines(f"The Paper {n}", top=780),
            *lines(f"{n} 10{n} 20{n}", top=700),
            *lines("Again and again.", top=600 - 20 * n),
            *lines("Some other words of the text.", top=400),
            *lines("More of them.", top=300),
            *lines("And more.", top=200),
            *lines(f"– {n} –", top=30),
        ]
        for n in range(3, 7)
    ]
    text = assemble(pages).text
    assert "Paper" not in text and "–" not in text
    assert text.count("Again and again.") == 4 and "3 103 203" in text and "6 106 206" in text


def test_pages_that_all_say_the_same_are_text() -> None:
    """Where nothing else is left, what recurs is what the article says."""
    assert assemble([lines("Only this.")] * 3).text == "Only this.\n\nOnly this.\n\nOnly this."


def test_a_raised_figure_without_a_note_stays() -> None:
    """An exponent is no note's mark, even where a note has the same number."""
    area = Line("It measures 12 km2 in all.", 50, 180, 700, 10, marks=(Mark(17, 18, "2"),))
    called = Line("It is large.2", 50, 110, 640, 10, marks=(Mark(12, 13, "2"),))
    note = Line("2 Or so they say.", 50, 120, 60, 7, marks=(Mark(0, 1, "2"),))
    assert assemble([[area, called]]).text == "It measures 12 km2 in all.\n\nIt is large.2"
    assert assemble([[area, called, note]]).text == "It measures 12 km2 in all.\n\nIt is large.\n\nOr so they say."


def test_rows_of_a_table_keep_their_cells() -> None:
    """Wide gaps below each other are a table's; the same gap in one line is not."""
    rows = [
        Line(text, 50, 250, 700 - 14 * n, 10, gaps=((gap, 100, 150),))
        for n, (text, gap) in enumerate([("Day Level", 3), ("Monday 4.1 m", 6), ("Tuesday 4.3 m", 7)])
    ]
    assert assemble([rows]).text == "Day | Level\nMonday | 4.1 m\nTuesday | 4.3 m"
    assert assemble([rows[:1]]).text == "Day Level"


@pytest.mark.parametrize(
    ("text", "following", "joined"),
    [
        ("an infor-", "mation desk", "an information desk"),
        ("a well-", "known man", "a well-known man"),
        ("the nine-", "teenth", "the nineteenth"),
        ("seventy-", "two", "seventy-two"),
        ("North-", "East", "North-East"),
        ("COVID-", "19", "COVID-19"),
        ("two-", "or three-year", "two- or three-year"),
        ("soft\u00ad", "ware", "software"),
        ("re\u2010", "port", "report"),
        ("a pause –", "then", "a pause – then"),
        ("high-", "speed", "high-speed"),
    ],
)
def test_a_divided_word_is_joined_as_the_others_are_written(text: str, following: str, joined: str) -> None:
    """A word seen elsewhere decides; then its parts; and what cannot be a division is none."""
    hyphens = Hyphens(["A well-known and high-speed train reports of information."])
    assert hyphens.joined(text, following) + following == joined


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.builds(
                Line,
                st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip),
                st.floats(0, 300),
                st.floats(300, 600),
                st.floats(0, 800),
                st.sampled_from([7.0, 10.0, 16.0]),
                st.sampled_from([True, False, None]),
            ),
            max_size=8,
        ),
        max_size=5,
    )
)
def test_any_lines_give_clean_text_with_a_start_for_each_page(pages: list[list[Line]]) -> None:
    """Offsets are in order and within the text, which cleaning leaves as it is."""
    made = assemble(pages)
    assert clean(made.text) == made.text
    assert len(made.starts) == max(1, len(pages)) or not pages
    assert list(made.starts) == sorted(made.starts) and all(0 <= start <= len(made.text) for start in made.starts)


# DOCX

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


def docx(body: str, others: Mapping[str, str | bytes] | None = None, head: str = "") -> bytes:
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "word/document.xml": f"{head}<w:document {W}><w:body>{body}</w:body></w:document>",
            **(others or {}),
        }
    )


def p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_an_empty_docx_is_an_error() -> None:
    """A document without words, and a package without a document."""
    assert "holds no text" in message_of(docx(""), "a.docx")
    assert "damaged" in message_of(
        zipped({"[Content_Types].xml": "<Types/>", "word/styles.xml": f"<w:styles {W}/>"}), "a.docx"
    )


@pytest.mark.parametrize("core", ["", "<coreProperties>", "<a/>"])
def test_a_docx_without_properties_is_read(core: str) -> None:
    """They may be missing or strange; only XML that is none is damage."""
    made = docx(p(RIVER), {"docProps/core.xml": core} if core else {})
    if core == "<coreProperties>":
        assert "damaged" in message_of(made, "a.docx")
    else:
        assert article_of(made, "a.docx").text == RIVER


LAUGHS = "<!DOCTYPE d [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
)


@pytest.mark.parametrize("part", ["word/document.xml", "docProps/core.xml", "word/styles.xml", "_rels/.rels"])
def test_entities_in_a_docx_are_refused(part: str) -> None:
    """They expand to gigabytes, or would bring in a file of this machine."""
    for declared in (LAUGHS + "]>", '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]>'):
        made = docx(p(RIVER), {part: f"{declared}<d>&a;</d>"})
        assert "is damaged, in its part" in message_of(made, "a.docx")


def test_a_docx_never_reads_a_linked_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor an address that it names is opened, and its own pictures are no text."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    pictures = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    links = "".join(
        f'<Relationship Id="r{n}" Type="{pictures}" Target="{target}" TargetMode="External"/>'
        for n, target in enumerate((secret.as_uri(), str(secret), "http://127.0.0.1:9/a.png"))
    )
    spaces = (
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    )
    drawn = "".join(
        f"<w:p><w:r><w:drawing><wp:inline {spaces}><a:graphic><a:graphicData><pic:pic><pic:blipFill>"
        f'<a:blip r:link="r{n}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>'
        "</w:r></w:p>"
        for n in range(3)
    )
    opened: list[object] = []
    monkeypatch.setattr("mammoth.docx.files.urlopen", lambda *given: opened.append(given))
    monkeypatch.setattr("mammoth.docx.files.open", lambda *given: opened.append(given), raising=False)
    rels = f'<Relationships xmlns="{RELS}">{links}</Relationships>'
    assert article_of(docx(drawn + p(RIVER), {"word/_rels/document.xml.rels": rels}), "a.docx").text == RIVER
    assert opened == []


def test_a_docx_nested_too_deeply_is_a_clear_error() -> None:
    """Tables within tables, as no writer makes them."""
    table = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    assert article_of(docx(table[0] * 20 + p(RIVER) + table[1] * 20), "a.docx").text == RIVER
    assert "nested too deeply" in message_of(docx(table[0] * 40 + p(RIVER) + table[1] * 40), "a.docx")
    assert "damaged" in message_of(docx("<w:p>" * 5_000 + "</w:p>" * 5_000), "a.docx")


def test_a_docx_of_too_many_elements_is_refused_before_it_is_converted() -> None:
    """A small file can ask for any amount of memory."""
    assert "too large a document" in message_of(
        docx("".join(f"<w:p w:n='{n * n}'/>" for n in range(260_000))), "a.docx"
    )


# EPUB

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def epub(
    chapters: Mapping[str, str], others: Mapping[str, str | bytes] | None = None, spine: str = "", more: str = ""
) -> bytes:
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    order = spine or "".join(f'<itemref idref="{name}"/>' for name in chapters)
    about = (
        "<dc:title>The river</dc:title><dc:creator>Mara Example</dc:creator><dc:creator>Jo Example</dc:creator>"
        '<dc:date opf:event="modification">2024-04-06</dc:date><dc:date opf:event="publication">2024-03-05</dc:date>'
        "<dc:language>en-GB</dc:language>"
    )
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf"'
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": f"<package {spaces}><metadata>{about}</metadata><manifest>{items}{more}</manifest>"
            f"<spine>{order}</spine></package>",
            **{f"OPS/{name}": text for name, text in chapters.items()},
            **(others or {}),
        }
    )


def xhtml(body: str) -> str:
    head = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml">'
    return f'{head}<head><title/><script src="a.js"/></head><body>{body}</body></html>'


def test_an_epub_is_read_in_the_order_of_its_spine() -> None:
    """Not in that of its files; tables of contents, and what stands in the spine twice, are not repeated."""
    chapters = {name: xhtml(f"<h1>{name.upper()}</h1><p>Of {name}.</p>") for name in "abc"}
    nav = '<item id="nav" href="c" properties="nav" media-type="application/xhtml+xml"/>'
    spine = '<itemref idref="nav"/><itemref idref="b"/><itemref idref="a"/><itemref idref="b"/><itemref idref="none"/>'
    article = article_of(epub(chapters, spine=spine, more=nav), "a.epub")
    assert article.text == "B\n\nOf b.\n\nA\n\nOf a."
    assert (article.title, article.author) == ("The river", "Mara Example, Jo Example")
    assert (article.published, article.updated, article.language) == (date(2024, 3, 5), None, "en")


def test_the_xhtml_of_an_epub_is_read_as_it_is_meant() -> None:
    """Elements that close themselves hold nothing, entities are characters, and marks and page numbers go."""
    body = (
        'The <i/>river<a id="x"/>&nbsp;rose<sup><a href="#n">1</a></sup> to 10<sup>2</sup> '
        '<span epub:type="pagebreak">17</span>feet.<a epub:type="noteref" href="#n">*</a> Then it fell.'
    )
    text = article_of(epub({"a": xhtml(f"<p>{body}</p><p>Broken <b>tags</p>")}), "a.epub").text
    assert text == "The river\u00a0rose to 102 feet. Then it fell.\n\nBroken tags"


def test_a_protected_epub_says_so_and_one_with_hidden_fonts_is_read() -> None:
    """Encrypted chapters are of no use, and encrypted fonts do no harm."""

    def encryption(uri: str) -> dict[str, str | bytes]:
        data = f'<encryption><EncryptedData><CipherReference URI="{uri}"/></EncryptedData></encryption>'
        return {"META-INF/encryption.xml": data}

    assert "DRM" in message_of(epub({"a": xhtml(RIVER)}, encryption("OPS/a")), "a.epub")
    assert article_of(epub({"a": xhtml(RIVER)}, encryption("OPS/font.otf")), "a.epub").text == RIVER


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (epub({"a": ""}), "holds no text"),
        (epub({}), "holds no text"),
        (zipped({"mimetype": "application/epub+zip"}), "damaged"),
        (zipped({"META-INF/container.xml": CONTAINER}), "damaged"),
        (zipped({"META-INF/container.xml": LAUGHS + "]><a>&j;</a>"}), "damaged"),
        (epub({"a": xhtml("<div>" * 5_000 + RIVER)}), "nested too deeply"),
        (epub({"../../etc/passwd": RIVER}), "holds no text"),
        (epub({"a": xhtml("x" * 11_000_000)}), "times its size"),
    ],
    ids=["empty", "no chapters", "nothing", "no package", "entities", "deep", "path", "bomb"],
)
def test_a_broken_or_hostile_epub_is_a_clear_error(made: bytes, expected: str) -> None:
    """Missing parts, entities, deep nesting, paths out of it and bombs."""
    assert expected in message_of(made, "a.epub")


def test_entities_in_a_chapter_expand_to_nothing_large() -> None:
    """HTML knows no declarations, so a bomb of entities stays the few letters that it is written with."""
    assert (
        len(article_of(epub({"a": LAUGHS + f"]><html><body><p>{RIVER} &j;</p></body></html>"}), "a.epub").text) < 2_000
    )


# ZIP


def names_of(entries: Mapping[str, str | bytes]) -> list[str]:
    return [member.name for member in expand(zipped(entries), "a.zip")]


def problem_of(member: Member) -> str:
    assert member.problem and member.data == b"" and "\n" not in member.problem
    return member.problem


def test_a_zip_of_articles_gives_each_with_its_bytes() -> None:
    """In its order; folders, hidden files and what is no article by its name are left out."""
    made = zipped(
        {
            "notes/": "",
            "notes/b.md": "# B",
            "a.txt": "A",
            ".hidden.txt": "x",
            "__MACOSX/._a.txt": "x",
            ".git/a.txt": "x",
            "picture.png": b"\x89PNG",
            "style.css": "p {}",
            "c.pdf": pdf(words("C")),
        }
    )
    members = expand(made, "a.zip")
    assert [member.name for member in members] == ["notes/b.md", "a.txt", "c.pdf"]
    assert [article_of(member.data, member.name).text for member in members] == ["B", "A", "C"]
    assert all(member.problem is None for member in members)


def test_reading_a_zip_as_one_article_says_that_it_may_hold_several() -> None:
    """Whoever reads one expands it first."""
    assert "may hold several articles" in message_of(zipped({"a.txt": "A"}), "a.zip")
    assert kind_of(zipped({"a.txt": "A"}), "a.txt") is Kind.ZIP


@pytest.mark.parametrize(
    ("written", "safe"),
    [
        ("/etc/a.txt", "etc/a.txt"),
        ("../../a.txt", "a.txt"),
        ("b/../../a.txt", "b/a.txt"),
        ("C:\\Users\\a.txt", "Users/a.txt"),
        ("\\\\host\\share\\a.txt", "host/share/a.txt"),
        ("./b//./a.txt", "b/a.txt"),
        ("a\nb\x1b[31m\u202e.txt", "a b[31m.txt"),
        ("ä/ö.txt", "ä/ö.txt"),
        ("  a  b .txt", "a b .txt"),
    ],
)
def test_the_name_of_a_member_is_made_harmless(written: str, safe: str) -> None:
    """It is relative, on one line, and leads nowhere."""
    assert names_of({written: "A"}) == [safe]


def test_long_equal_and_undeclared_names_are_told_apart() -> None:
    """A name keeps its suffix when it is cut, gets a number when it is taken, and is UTF-8 where it can be."""
    long = "x" * 5_000 + ".md"
    found = names_of(
        {long: "A", "y" + long: "A", "./a.txt": "A", "a.txt": "B", "/a.txt": "C", "b/" * 500 + "a.txt": "D"}
    )
    assert all(len(name) <= 900 for name in found) and len(set(found)) == len(found) == 6
    assert found[0].endswith("….md") and found[2:5] == ["a.txt", "a (2).txt", "a (3).txt"]
    made = zipped({"@@@@.txt": "A"}).replace(b"@@@@", "éè".encode())
    assert [member.name for member in expand(made, "a.zip")] == ["éè.txt"]
    made = zipped({"@.txt": "A"}).replace(b"@", b"\x84")
    assert [member.name for member in expand(made, "a.zip")] == ["ä.txt"]
    with_nul = zipped({"a.txt@.png": "A"}).replace(b"txt@", b"txt\0")
    assert [member.name for member in expand(with_nul, "a.zip")] == ["a.txt"]
    declared = zipped({"é@.txt": "A"}).replace("é@".encode(), b"\xff\xfe@")
    with pytest.raises(UserError, match="damaged"):
        expand(declared, "a.zip")


def test_what_cannot_be_read_in_a_zip_never_costs_the_other_members() -> None:
    """Archives within, links, encrypted and damaged members, bombs and other documents each say what is wrong."""
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.txt", RIVER)
        archive.writestr("inner.zip", zipped({"a.txt": "A"}))
        archive.writestr("hidden.txt", zipped({"a.txt": "A"}))
        archive.writestr(link, "/etc/passwd")
        archive.writestr("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        archive.writestr("table.txt", zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}))
        archive.writestr("bomb.txt", bytes(30_000_000))
        archive.writestr("lzma.txt", RIVER, zipfile.ZIP_LZMA)
        archive.writestr("damaged.txt", "the very words", zipfile.ZIP_STORED)
        archive.writestr("locked.txt", "the other words", zipfile.ZIP_STORED)
    data = bytearray(buffer.getvalue().replace(b"the very words", b"the vary words"))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.rindex(
            header, 0, data.rindex(b"locked.txt") if header == b"PK\x01\x02" else data.index(b"locked.txt")
        )
        data[at + flags] |= 1
    members = {member.name: member for member in expand(bytes(data), "a.zip")}
    assert members.pop("good.txt") == Member("good.txt", RIVER.encode())
    for name, expected in {
        "inner.zip": "archive within an archive",
        "hidden.txt": "archive within an archive",
        "link.txt": "is a link",
        "old.doc": "is not supported; save it as DOCX or PDF",
        "table.txt": "Excel is not supported",
        "bomb.txt": "expands to more than 200 times its size",
        "lzma.txt": "method that is not supported",
        "damaged.txt": "is damaged",
        "locked.txt": "is encrypted",
    }.items():
        assert expected in problem_of(members.pop(name)), name
    assert not members


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: zipped({f"{n}.txt": "A" for n in range(1_001)}), "more than 1,000 entries"),
        (lambda: zipped({f"{n}": "" for n in range(60_000)}, zipfile.ZIP_STORED), "more than 1,000 entries"),
        (lambda: zipped({"picture.png": "A"}), "holds no articles"),
        (lambda: zipped({}), "holds no articles"),
        (lambda: zipped({"a.txt": "A"})[:-10], "damaged"),
        (lambda: b"PK\x03\x04" + bytes(1_000), "damaged"),
        (lambda: b"PK\x05\x06" + b"\xff" * 18, "damaged"),
    ],
    ids=["entries", "headers", "pictures", "empty", "truncated", "zeros", "end"],
)
def test_a_zip_beyond_the_limits_or_damaged_says_so(make: Callable[[], bytes], expected: str) -> None:
    """Too many entries, no articles, and damage."""
    with pytest.raises(UserError, match=re.escape(expected)):
        expand(make(), "a.zip")


def test_what_a_zip_expands_to_is_counted_and_not_believed() -> None:
    """False sizes in its headers neither make it smaller nor cost memory, and all members together are limited."""
    small = zipped({"a.txt": RIVER * 100})
    size = struct.pack("<I", len(RIVER) * 100)
    for claimed in (0, 10):
        assert "damaged" in problem_of(expand(small.replace(size, struct.pack("<I", claimed)), "a.zip")[0])
    assert expand(small.replace(size, struct.pack("<I", 0xFFFFFFF0)), "a.zip") == expand(small, "a.zip")
    noise = random.Random(1).randbytes(500_000)
    part = b"".join(noise[n : n + 20] + b"a" * 1_000 for n in range(0, len(noise), 20))
    large = zipped({f"{n}.txt": part for n in range(MAX_EXPANDED // len(part) + 1)})
    with pytest.raises(UserError, match="expands to more than 100 MiB"):
        expand(large, "a.zip")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.sampled_from(["", ".txt", ".md"]))
def test_any_name_in_a_zip_gives_a_safe_one(names: list[str], suffix: str) -> None:
    """Relative, without a step up, on one line, and each only once."""
    try:
        made = zipped({name + suffix: "A" for name in names})
    except (UnicodeError, ValueError, IndexError):  # what zipfile does not write
        return
    try:
        found = [member.name for member in expand(made, "a.zip")]
    except UserError:
        return
    assert len(set(found)) == len(found)
    for name in found:
        assert len(name.splitlines()) == 1 and not name.startswith("/") and len(name) <= 900
        assert not {"", ".", ".."} & set(name.split("/")) and "\\" not in name
