"""Measures how much of a text comes back from documents that other programs made of it.

`python -m benchmarks.documents` prints a table. The text is `tests/data/documents/island.md`, written for this
purpose. The documents are read from beside it; with `--make` they are made anew first, each by its program
(LibreOffice Writer, pdfTeX, Chromium) where that is there. The readers' rules were made with these.

`python -m benchmarks.documents --unseen FOLDER` makes documents of the articles of an evaluation set instead
(`squad-v1.1-dev`, say), which nobody looked at when the rules were made, reads them and keeps none.
"""

import argparse
import html
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evaluation.sets import load
from index.readers import read
from index.sentences import split

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "documents"
TEXT = FOLDER / "island.md"

TITLE = "The ferry, the lamp and the long winter of Orrin Island"
RUNNING_HEAD = "Orrin Island Review"
LOCKED = """{"EncryptFile": {"type": "boolean", "value": "true"},
"DocumentOpenPassword": {"type": "string", "value": "orrin"}}"""
_NOTE = re.compile(r"\^\[([^\]]*)\]")
# A line of letters that all programs here have, without the marks of the text here.
_WRITABLE = re.compile(
    r"[^*^\x00-\x1f\x7f-\xa0\xad\u0100-\u2012\u2015-\u2017\u201a\u201b\u201e-\u2025\u2027-\U0010ffff]{40,}"
)
_EMPHASIS = re.compile(r"\*([^*]+)\*")


class Block(NamedTuple):
    """A heading ("#", "##"), paragraph ("p"), list item ("-") or table row ("|") of the text."""

    kind: str
    text: str


def blocks(text: str) -> list[Block]:
    """The text's blocks in order, with its marks for notes and emphasis still in them."""
    found = []
    for line in filter(None, map(str.strip, text.split("\n"))):
        mark, _, rest = line.partition(" ")
        found.append(Block(mark, rest.strip(" |")) if mark in {"#", "##", "-", "|"} else Block("p", line))
    return found


def plain(text: str) -> str:
    """The words of a block, its notes after it, a line each."""
    body = _NOTE.sub("", _EMPHASIS.sub(r"\1", text))
    return "\n".join([body, *_NOTE.findall(_EMPHASIS.sub(r"\1", text))])


def _marked(text: str, escape: Callable[[str], str], emphasis: str, note: str) -> str:
    """A block's text escaped, and its emphasis and notes as the patterns say."""
    notes: list[str] = []

    def keep(found: re.Match[str]) -> str:
        notes.append(found.group(1))
        return f"\x01{len(notes) - 1}\x02"

    text = _EMPHASIS.sub(lambda found: emphasis % found.group(1), escape(_NOTE.sub(keep, text)))
    return re.sub("\x01(\\d+)\x02", lambda found: note % escape(notes[int(found.group(1))]), text)


def _lists(text: str, opened: dict[str, str], closed: dict[str, str], one: Callable[[Block], str]) -> Iterator[str]:
    """Blocks as `one` writes them, with what opens and closes a list or a table around their runs."""
    before = ""
    for block in blocks(text):
        if block.kind != before:
            yield closed.get(before, "")
            yield opened.get(block.kind, "")
        yield one(block)
        before = block.kind
    yield closed.get(before, "")


def as_html(text: str, columns: int) -> str:
    """A page for printing: running head and page number in its margins, soft hyphens in its longer words."""

    def one(block: Block) -> str:
        words = re.sub(r"[a-z]{9,}", lambda word: word.group()[:5] + "\u00ad" + word.group()[5:], block.text)
        words = _marked(words, html.escape, "<i>%s</i>", "%.0s")
        if block.kind == "|":
            return "<tr>" + "".join(f"<td>{cell}</td>" for cell in words.split(" | ")) + "</tr>"
        tag = {"#": "h1", "##": "h2", "-": "li"}.get(block.kind, "p")
        notes = (f"<p><small>{html.escape(note)}</small></p>" for note in _NOTE.findall(block.text))
        return f"<{tag}>{words}</{tag}>" + "".join(notes)

    body = "".join(_lists(text, {"-": "<ul>", "|": "<table>"}, {"-": "</ul>", "|": "</table>"}, one))
    style = f"""@page {{ size: {"A4" if columns > 1 else "A5"}; margin: 18mm;
    @top-center {{ content: "{RUNNING_HEAD}" }} @bottom-center {{ content: "Page " counter(page) }} }}
    body {{ font: 11pt serif; text-align: justify; column-count: {columns} }}"""
    head = f'<meta charset="utf-8"><title>{TITLE}</title><style>{style}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def as_latex(text: str, columns: int) -> str:
    """An article with running heads and footnotes; TeX divides words and makes ligatures."""

    def escape(words: str) -> str:
        words = re.sub(r"([&%$#_{}])", r"\\\1", words.replace("\\", "/"))
        words = words.replace("“", "``").replace("”", "''").replace("’", "'")
        return words.replace("~", r"\textasciitilde{}").replace("^", r"\textasciicircum{}")

    def one(block: Block) -> str:
        words = _marked(block.text, escape, r"\emph{%s}", r"\footnote{%s}")
        if block.kind == "#":
            return rf"\title{{{words}}}\date{{}}\author{{}}\maketitle\thispagestyle{{fancy}}"
        if block.kind == "|":
            return words.replace(" | ", " & ") + r" \\"
        return {"##": rf"\section*{{{words}}}", "-": rf"\item {words}"}.get(block.kind, words) + "\n"

    opened = {"-": r"\begin{itemize}", "|": r"\begin{center}\small\begin{tabular}{lrrr}"}
    closed = {"-": r"\end{itemize}", "|": r"\end{tabular}\end{center}"}
    body = "\n".join(_lists(text, opened, closed, one))
    paper = "twocolumn,a4paper" if columns > 1 else "a5paper"
    return rf"""\documentclass[10pt,{paper}]{{article}}
\usepackage[utf8]{{inputenc}}\usepackage[T1]{{fontenc}}\usepackage{{mathptmx,fancyhdr}}
\usepackage[margin=18mm,headheight=14pt]{{geometry}}
\pagestyle{{fancy}}\fancyhf{{}}\fancyhead[C]{{{RUNNING_HEAD}}}\fancyfoot[C]{{\thepage}}
\begin{{document}}
{body}
\end{{document}}
"""


def as_writer(text: str) -> str:
    """A flat OpenDocument text with a title, headings, a header, a page number, footnotes, a list and a table."""
    number = iter(range(1, 1000))

    def one(block: Block) -> str:
        note = (
            f'<text:note text:note-class="footnote"><text:note-citation>{next(number)}</text:note-citation>'
            '<text:note-body><text:p text:style-name="Footnote">%s</text:p></text:note-body></text:note>'
            if "^[" in block.text
            else ""
        )
        words = _marked(block.text, html.escape, '<text:span text:style-name="Italic">%s</text:span>', note or "%s")
        if block.kind == "|":
            cells = (f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in words.split(" | "))
            return "<table:table-row>" + "".join(cells) + "</table:table-row>"
        return {
            "#": f'<text:h text:outline-level="1" text:style-name="Heading_20_1">{words}</text:h>',
            "##": f'<text:h text:outline-level="2" text:style-name="Heading_20_2">{words}</text:h>',
            "-": f'<text:list-item><text:p text:style-name="Standard">{words}</text:p></text:list-item>',
        }.get(block.kind, f'<text:p text:style-name="Standard">{words}</text:p>')

    opened = {
        "-": '<text:list text:style-name="Bullets">',
        "|": '<table:table><table:table-column table:number-columns-repeated="4"/>',
    }
    body = "".join(_lists(text, opened, {"-": "</text:list>", "|": "</table:table>"}, one))
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
        for name, urn in {
            "office": "office",
            "text": "text",
            "style": "style",
            "table": "table",
            "fo": "xsl-fo-compatible",
            "meta": "meta",
        }.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {spaces} xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.2"
 office:mimetype="application/vnd.oasis.opendocument.text">
<office:meta><dc:title>{TITLE}</dc:title><meta:initial-creator>Mara Example</meta:initial-creator>
<dc:creator>Mara Example</dc:creator><meta:creation-date>2024-03-05T10:00:00</meta:creation-date>
<dc:date>2024-04-06T10:00:00</dc:date><dc:language>en-GB</dc:language></office:meta>
<office:styles>
<style:default-style style:family="paragraph"><style:text-properties fo:font-size="11pt" fo:language="en"
 fo:country="GB"/></style:default-style>
<style:style style:name="Standard" style:family="paragraph"><style:paragraph-properties fo:text-align="justify"
 fo:margin-bottom="2mm"/></style:style>
<style:style style:name="Heading_20_1" style:display-name="Heading 1" style:family="paragraph"
 style:default-outline-level="1"><style:text-properties fo:font-size="17pt" fo:font-weight="bold"/></style:style>
<style:style style:name="Heading_20_2" style:display-name="Heading 2" style:family="paragraph"
 style:default-outline-level="2"><style:text-properties fo:font-size="13pt" fo:font-weight="bold"/></style:style>
<style:style style:name="Footnote" style:family="paragraph"><style:text-properties fo:font-size="9pt"/></style:style>
<style:style style:name="Italic" style:family="text"><style:text-properties fo:font-style="italic"/></style:style>
<text:notes-configuration text:note-class="footnote"/>
</office:styles>
<office:automatic-styles>
<text:list-style style:name="Bullets"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/>
</text:list-style>
<style:page-layout style:name="A5"><style:page-layout-properties fo:page-width="148mm" fo:page-height="210mm"
 fo:margin="15mm"/><style:header-style/><style:footer-style/></style:page-layout>
</office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="A5">
<style:header><text:p>{RUNNING_HEAD}</text:p></style:header>
<style:footer><text:p>Page <text:page-number/></text:p></style:footer></style:master-page></office:master-styles>
<office:body><office:text>{body}</office:text></office:body></office:document>
"""


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=180)  # noqa: S603


def make(text: str, folder: Path) -> Iterator[Path]:
    """Makes the documents whose programs are there, and yields their paths."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        if shutil.which("soffice"):
            (work / "writer.fodt").write_text(as_writer(text))
            profile = f"-env:UserInstallation=file://{work}/profile"
            for suffix in ("docx", "epub", "pdf"):
                _run("soffice", profile, "--headless", "--convert-to", suffix, "--outdir", work, work / "writer.fodt")
                yield Path(shutil.copy(work / f"writer.{suffix}", folder / f"writer.{suffix}"))
            (work / "locked.fodt").write_text(as_writer("Nobody reads this without the password."))
            _run(
                "soffice",
                profile,
                "--headless",
                "--convert-to",
                f"pdf:writer_pdf_Export:{LOCKED}",
                "--outdir",
                work,
                work / "locked.fodt",
            )
            yield Path(shutil.copy(work / "locked.pdf", folder / "locked.pdf"))
        if shutil.which("pdflatex"):
            for name, columns in (("latex", 1), ("latex-columns", 2)):
                (work / f"{name}.tex").write_text(as_latex(text, columns))
                _run("pdflatex", "-interaction=batchmode", f"-output-directory={work}", work / f"{name}.tex")
                yield Path(shutil.copy(work / f"{name}.pdf", folder / f"{name}.pdf"))
        if browser := shutil.which("chromium"):
            for name, columns in (("browser", 1), ("browser-columns", 2)):
                (work / f"{name}.html").write_text(as_html(text, columns))
                flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --no-pdf-header-footer"
                quiet = "--disable-background-networking --disable-pdf-tagging"
                target = f"--print-to-pdf={work}/{name}.pdf"
                _run(
                    browser,
                    *flags.split(),
                    *quiet.split(),
                    f"--user-data-dir={work}/{name}",
                    target,
                    work / f"{name}.html",
                )
                yield Path(shutil.copy(work / f"{name}.pdf", folder / f"{name}.pdf"))


@dataclass(frozen=True, slots=True)
class Score:
    """How much of the text came back: shares of words, and of sentences that are whole."""

    precision: float
    recall: float
    whole: float
    pages: int


def score(path: Path, text: str) -> Score:
    """What the product reads from a document against the text it was made of."""
    article = read(path.read_bytes(), path.name, path.name)
    lines = [line for block in blocks(text) for line in plain(block.text).split("\n")]
    wanted, found = (Counter(re.findall(r"[\w-]+", words)) for words in ("\n".join(lines), article.text))
    right = (wanted & found).total()
    sentences = Counter(_squeezed(span.of(article.text)) for span in split(article.text))
    originals = Counter(_squeezed(span.of(line)) for line in lines for span in split(line))
    return Score(
        precision=right / found.total(),
        recall=right / wanted.total(),
        whole=(sentences & originals).total() / originals.total(),
        pages=len(article.pages),
    )


def _squeezed(sentence: str) -> str:
    """A sentence as it reads: one blank at a time, straight quotation marks, without a list's mark."""
    straight = sentence.translate(str.maketrans("“”‘’", "\"\"''"))
    return re.sub(r"^[•–-] ", "", " ".join(straight.split()))


def unseen(folder: Path, most: int) -> Iterator[str]:
    """The texts of a set's articles, spaced evenly, as far as every program here can write their letters."""
    articles = load(folder).articles
    for article in articles[:: max(1, len(articles) // most)][:most]:
        lines = [line for line in map(str.strip, article.text.split("\n")) if _WRITABLE.fullmatch(line)]
        yield f"# {article.title}\n\n" + "\n\n".join(lines)


def table_of_unseen(folder: Path, most: int) -> None:
    """Prints a row for each kind of document: means over the articles, and the least."""
    scores: dict[str, list[Score]] = {}
    for number, text in enumerate(unseen(folder, most)):
        with tempfile.TemporaryDirectory() as scratch:
            for path in make(text, Path(scratch)):
                if path.stem != "locked":
                    scores.setdefault(path.name, []).append(score(path, text))
        print(f"{number + 1} articles", file=sys.stderr)
    print("| document | articles | words: precision | recall | sentences whole | least |\n|---|---|---|---|---|---|")
    for name, found in sorted(scores.items()):
        means = [
            statistics.fmean(values) for values in zip(*((s.precision, s.recall, s.whole) for s in found), strict=True)
        ]
        least = min(one.whole for one in found)
        print(f"| {name} | {len(found)} | {' | '.join(f'{mean:.3f}' for mean in means)} | {least:.3f} |")


def main() -> int:
    """Prints a row for each document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--make", action="store_true", help="make the documents anew")
    parser.add_argument("--unseen", type=Path, metavar="FOLDER")
    parser.add_argument("--articles", type=int, default=12, metavar="N", help="of the set")
    options = parser.parse_args()
    if options.unseen is not None:
        table_of_unseen(options.unseen, options.articles)
        return 0
    text = TEXT.read_text()
    if options.make:
        for made in make(text, FOLDER):
            print("made", made.name)
    print("| document | words: precision | recall | sentences whole | pages |\n|---|---|---|---|---|")
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in {".pdf", ".docx", ".epub"} and path.stem != "locked":
            one = score(path, text)
            print(f"| {path.name} | {one.precision:.3f} | {one.recall:.3f} | {one.whole:.3f} | {one.pages or '–'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
