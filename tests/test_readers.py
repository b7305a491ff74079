"""Reading: bytes of each format to an article, through every kind of damage and malice we know of."""

import gzip
import io
import os
import re
import unicodedata
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import Article
from index.errors import UserError
from index.readers import DEFAULT_MAX_BYTES, SUPPORTED_SUFFIXES, Kind, kind_of, metadata, read, unsupported
from index.readers.cleaning import clean
from index.readers.plain import unwrap

SEED = Path(__file__).parents[2] / "shared" / "seed" / "article.txt"
RIVER = "The river rose by four metres in a single night, and the bridge at the mill was closed until Sunday."


def text_of(content: str | bytes, name: str = "a.txt") -> str:
    return article_of(content, name).text


def article_of(content: str | bytes, name: str = "a.txt") -> Article:
    return read(content if isinstance(content, bytes) else content.encode(), "source", name)


def message_of(data: bytes, name: str, **options: int) -> str:
    with pytest.raises(UserError) as caught:
        read(data, "source", name, **options)
    return str(caught.value)


def page(body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"


# What a file may be


@pytest.mark.parametrize("suffix", sorted(SUPPORTED_SUFFIXES))
def test_every_supported_suffix_is_read(suffix: str) -> None:
    """Each suffix that is called supported has a reader, in capitals too."""
    assert RIVER in text_of(f"<p>{RIVER}</p>" if "h" in suffix else RIVER, "a" + suffix.upper())


@pytest.mark.parametrize(
    "data", [b"", b"  \r\n\t \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\0\0\0", "\u200b\u00ad\ufeff".encode()]
)
def test_a_file_without_text_is_an_error_that_names_it(data: bytes) -> None:
    """Empty and blank files are refused by name, with the remedy."""
    for suffix in (".txt", ".md", ".html"):
        assert f"“blank{suffix}”" in message_of(data, "blank" + suffix)


def package(part: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<document>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "PNG"),
        (b"\x7fELF\x02\x01\x01" + bytes(300), "ELF"),
        (gzip.compress(RIVER.encode() * 50), "gzip"),
        (b"PK\x03\x04" + bytes(range(256)), "is a damaged ZIP"),
        (bytes(range(256)) * 40, "not text but binary data"),
        (bytes((n * 7919 >> 3) & 255 for n in range(5000)), "not text but binary data"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "damaged and cannot be read as PDF"),
        (package("word/document.xml"), "is damaged"),
        (package("xl/workbook.xml"), "Excel is not supported; save it as DOCX or PDF"),
        (package("ppt/presentation.xml"), "PowerPoint is not supported; save it as DOCX or PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "before 2007 is not supported; save it as DOCX or PDF"),
        (b"{\\rtf1\\ansi Hello}", "RTF is not supported; save it as DOCX or PDF"),
    ],
)
def test_a_binary_file_with_a_text_name_is_told_by_its_content(data: bytes, expected: str) -> None:
    """What is no text is refused, whatever its name says, and documents with words of their own."""
    assert expected in message_of(data, "notes.txt")
    assert expected in message_of(data, "notes.md")


def test_a_name_that_tells_of_no_reader_says_what_may_be_used_instead() -> None:
    """Folder scans go by names: an unknown suffix, none, and a kind of document that there is no reader for."""
    assert ".markdown" in unsupported("data.csv") and ".pdf" in unsupported("data.csv")
    assert "without a suffix" in unsupported("README")
    for name in ("old.doc", "a.RTF", "a.odt"):
        assert "is not supported; save it as DOCX or PDF" in unsupported(name)


@pytest.mark.parametrize("name", ["README", "notes.dat", "a.pdf", "a.docx", "a.zip"])
def test_the_content_decides_and_not_the_name(name: str) -> None:
    """Text under any name is text, and a page is a page even where its name says text or Markdown."""
    assert text_of(RIVER, name) == RIVER and kind_of(RIVER.encode(), name) is Kind.TEXT
    for html in (
        page(f"<p>{RIVER}</p>"),
        f"\ufeff<?xml version='1.0'?>\n<!-- > --><!-- b -->\n<html><p>{RIVER}</p></html>",
    ):
        for encoding in ("utf-8", "utf-16"):
            for wrong in (name, "a.txt", "a.md", "a.html"):
                assert kind_of(html.encode(encoding), wrong) is Kind.HTML
        assert text_of(html, name) == RIVER


def test_among_texts_the_name_tells_markdown_and_fragments_of_html() -> None:
    """What begins with no page's tag is read as its suffix says; HTML without any tag is plain text."""
    assert kind_of(b"# A\n\nB", "a.md") is Kind.MARKDOWN and kind_of(b"# A\n\nB", "a.txt") is Kind.TEXT
    assert kind_of(b"<p>A</p>", "a.htm") is Kind.HTML and kind_of(b"<p>A</p>", "a.txt") is Kind.TEXT
    assert kind_of(b"A & B < C", "a.html") is Kind.TEXT
    assert (
        kind_of(b"<!-- a note -->\n# A", "a.md") is Kind.MARKDOWN and kind_of(b"<!--" * 50_000, "a.md") is Kind.MARKDOWN
    )


def test_a_too_large_file_says_size_limit_and_remedy() -> None:
    """50 MB are refused in numbers a person understands."""
    message = message_of(b"a" * 50_000_000, "big.txt")
    assert "“big.txt”" in message and "47.7 MiB" in message and "10 MiB" in message and "split it" in message
    assert DEFAULT_MAX_BYTES == 10 * 1024 * 1024
    assert "5 bytes; the limit is 4 bytes" in message_of(b"abcde", "a.txt", max_bytes=4)


def test_a_hostile_name_cannot_shape_the_message() -> None:
    """Line ends and overlong names stay out of messages."""
    message = message_of(b"", "a\nb\x1b[31m\u202e" + "x" * 5000 + ".txt")
    assert "\n" not in message and "\x1b" not in message and "\u202e" not in message and len(message) < 300


# Encodings

EUROPE = "Das Café am Fluß – «très cher», sagte er; 5 € für “Æblekage”."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252"])
def test_an_encoding_is_found_out(encoding: str) -> None:
    """Unicode with and without a mark, and cp1252, give the same text."""
    text = "The café on the river – “closed until Sunday”, they said. It cost €5 to cross."
    assert text_of(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("La rivière a monté de quatre mètres en une nuit, et le pont a été fermé où l’on passe.", "cp1252"),
        ("Der Fluß stieg um vier Meter, und die Brücke an der Mühle wurde für Tage geschlossen.", "latin-1"),
        ("Ærlig talt, broen på øya er stengt, og elven går over sine bredder.", "cp1252"),
        ("Rzeka podniosła się o cztery metry, a most przy młynie został zamknięty do niedzieli.", "cp1250"),
        ("Řeka stoupla během noci o čtyři metry a most u mlýna byl uzavřen až do neděle.", "cp1250"),
        ("Nehir bir gecede dört metre yükseldi ve değirmenin yanındaki köprü kapatıldı.", "cp1254"),
        ("Река поднялась на четыре метра за одну ночь, и мост у мельницы был закрыт.", "cp1251"),
        ("Река поднялась на четыре метра за одну ночь, и мост у мельницы был закрыт.", "koi8-r"),
        ("Το ποτάμι ανέβηκε τέσσερα μέτρα σε μία νύχτα και η γέφυρα κοντά στον μύλο έκλεισε.", "cp1253"),
        ("川は一晩で四メートル上昇し、水車小屋のそばの橋は日曜日まで通行止めになった。", "shift_jis"),
        ("河水在一夜之间上涨了四米，磨坊旁的桥一直关闭到星期日。工程师没有发现任何损坏。", "gb18030"),
        ("강물이 하룻밤 사이에 4미터나 불어났고 방앗간 옆 다리는 일요일까지 통행이 금지되었다.", "euc-kr"),
    ],
)
def test_national_encodings_are_told_apart(text: str, encoding: str) -> None:
    """Text in a national encoding is read as its language writes it."""
    assert text_of(text.encode(encoding)) == text


@pytest.mark.parametrize("stray", [b"\xc2", b"\xe2\x80", b"\xff", b"\n\xc2\n", b" \xf0\x9f\x98"])
@pytest.mark.parametrize("text", [RIVER, "Où est le café ? “Là-bas.” – répondit-elle."])
def test_a_stray_byte_at_the_end_changes_nothing_before_it(text: str, stray: bytes) -> None:
    """The rest stays UTF-8, and the stray byte goes."""
    assert text_of(text.encode() + stray) == text


def test_a_stray_byte_in_the_middle_changes_nothing_around_it() -> None:
    """A pasted cp1252 apostrophe is read as one; the UTF-8 on both sides stays."""
    assert (
        text_of("Le café – ".encode() + b"it\x92s " + "à côté, très près.".encode())
        == "Le café – it’s à côté, très près."
    )


def test_a_word_ending_in_a_cp1252_letter_is_not_a_stray_byte() -> None:
    """The é of a short cp1252 file is kept."""
    assert text_of(b"We met at the caf\xe9") == "We met at the café"


def test_html_is_read_in_the_character_set_it_declares_unless_it_is_utf8() -> None:
    """A page's own statement decides between one-byte encodings; valid UTF-8 needs none."""
    text = "Река поднялась на четыре метра, и мост у мельницы был закрыт до воскресенья."
    for charset in ("koi8-r", "windows-1251", "iso-8859-5"):
        html = page(f"<article><p>{text}</p></article>", f'<meta charset="{charset}">')
        assert text in text_of(html.encode(charset), "a.html")
    assert text in text_of(page(f"<p>{text}</p>", '<meta charset="iso-8859-1">').encode(), "a.html")
    declared = '<?xml version="1.0" encoding="shift_jis"?>' + page("<p>川は一晩で四メートル上昇した。</p>")
    assert "川は一晩で四メートル上昇した。" in text_of(declared.encode("shift_jis"), "a.xhtml")
    assert RIVER in text_of(page(f"<p>{RIVER}</p>", '<meta charset="unicode_escape">').encode() + b"\xe9", "a.html")


# The form of an article's text


def test_the_text_has_line_feeds_only_and_no_invisible_characters() -> None:
    """Line ends are unified; NUL, other controls and characters that cannot be seen go; words stay."""
    assert text_of(b"\xef\xbb\xbfOne\r\ntwo\rthree  \t\nfo\0ur \x07five\0\0") == "One\ntwo\nthree\nfour five"
    assert text_of("zero\u200bwidth so\u00adft \ufeffmark\u2060er") == "zerowidth soft marker"
    assert text_of("page\fbreak and\u2028line") == "page\nbreak and\nline"
    assert text_of("tab\tbed") == "tab bed"
    assert text_of("a\n\n\n\n\n\nb\n \n\t\nc") == "a\n\n\nb\n\n\nc"


def test_joiners_stay_where_scripts_and_emoji_need_them() -> None:
    """A family emoji, Persian and Malayalam keep their joiners; in Latin words and in the open they go."""
    for text in ("👨‍👩‍👧 met", "🏳️‍🌈 flag", "می‌خواهم بروم", "ന്‍ കണ്ടു", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 won"):
        assert text_of(text) == text
    assert text_of("wa\u200dter \u200c and\u200d") == "water  and"
    assert text_of("hid\U000e0041\U000e0042den") == "hidden"


def test_characters_that_turn_text_around_are_removed_and_direction_marks_stay() -> None:
    """Overrides could make a quotation read differently on the screen; LRM and RLM cannot."""
    assert text_of("a\u202eb\u2066c\u2069d") == "abcd"
    assert text_of("שלום\u200f!\u200e ok") == "שלום\u200f!\u200e ok"


def test_text_is_not_normalised() -> None:
    """Combining accents, straight and curly quotes, ligatures and no-break spaces stay as they are."""
    text = 'cafe\u0301 café "x" “y” ﬁne 5\u00a0km ½ Ⅷ'
    assert text_of(text) == text


def test_cp1252_characters_that_came_as_controls_are_restored() -> None:
    """U+0092 in UTF-8 is an apostrophe that lost its way."""
    assert text_of("It\u0092s \u0093here\u0094.") == "It’s “here”."


# Mojibake


@pytest.mark.parametrize(
    ("garbled", "repaired"),
    [
        ("The bridge wasnâ€™t closed â€“ the cafÃ© was.", "The bridge wasn’t closed – the café was."),
        ("SÃ£o Paulo Ã© uma cidade.", "São Paulo é uma cidade."),
        ("It was Ã¢â‚¬Å“closedÃ¢â‚¬Â\x9d, they said in the cafÃƒÂ©.", "It was “closed”, they said in the café."),
        ("It wasn\xe2\x80\x99t.", "It wasn’t."),
        ("Ð ÐµÐºÐ° Ð¿Ð¾Ð´Ð½ÑÐ»Ð°ÑÑŒ", None),
        ("It cost Â£5.\n\nHalf is Â½.", "It cost £5.\n\nHalf is ½."),
        ("First line of it.Â\u00a0 Second.", "First line of it.\u00a0 Second."),
    ],
)
def test_certain_mojibake_is_repaired(garbled: str, repaired: str | None) -> None:
    """A line that makes sense only when read again as UTF-8 is read so."""
    assert text_of(garbled) == (garbled if repaired is None else repaired)


@pytest.mark.parametrize(
    "text",
    [
        "SÃO PAULO É A MAIOR CIDADE DO PAÍS. A MAÇÃ\u00a0CAIU.",
        "São Paulo é a maior cidade.",
        "L’ÂGE D’OR DE L’ÎLE ET LA CITÉ… VOILÀ»",
        "Das GEBÄUDE heißt „ÖÄÜ“.",
        "UTF-8 that is read as Latin-1 turns the apostrophe into â€™, and cafe into cafÃ©.",
        "Mojibake such as donâ€™t is easy to spot.",
        "The apostrophe shows as â€™ in old mails.",
        "He wrote “cafÃ©” where “café” was meant.",
        "One line is right: café.\nAnother, too: naïve.\nAnd one quotes cafÃ© from a log.",
        "Tiếng Việt: Ân, Â, Ăn – bảng chữ cái.",
        "Â",
        "A\nĂ\nÂ",
        "The letter Â\nstands here",
    ],
)
def test_legitimate_text_is_never_repaired(text: str) -> None:
    """Words in capitals, text about mojibake and text that is mostly sound stay as they are."""
    assert text_of(text) == text


def test_a_lone_remnant_on_the_last_line_is_dropped() -> None:
    """The first half of a garbled no-break space at the end goes, and nothing before it moves."""
    text = "First paragraph.\nSecond paragraph."
    assert text_of(text + "\nÂ") == text
    assert text_of(text + "\n\nÂ\u00a0\n") == text


@pytest.mark.skipif(not SEED.exists(), reason="the seed article lies beside the repository")
def test_the_seed_article_keeps_all_offsets() -> None:
    """Its text is the file up to the stray last character."""
    original = SEED.read_bytes().decode()
    text = text_of(SEED.read_bytes())
    assert original.endswith("\nÂ") and text == original[:-2]


# Plain text

WRAPPED = """It was a wet spring, and the river had been high for most of the month when
the second storm arrived. The bridge at the mill, which had stood for two
hundred years, was closed to all traffic before the evening of the next day,
and the people of the village had to walk.

The engineers came on Friday. They found that two of the seven piers had moved,
and that the road above them could not be used again before the end of the
year, whatever the council decided about the money for it.

- a list item that is long enough to be wrapped by the editor and so it goes on
  in a second line
- a short item
"""


def test_a_hard_wrapped_file_gets_one_line_for_each_paragraph() -> None:
    """Lines that end in mid-sentence at the margin are joined; list items stay apart."""
    lines = [line for line in text_of(WRAPPED).split("\n") if line]
    assert len(lines) == 4
    assert lines[0].endswith("had to walk.") and "month when the second storm" in lines[0]
    assert lines[1].startswith("The engineers") and lines[1].endswith("money for it.")
    assert lines[2].endswith("goes on in a second line") and lines[3] == "- a short item"
    assert text_of(WRAPPED.replace("\n", "\r\n")) == text_of(WRAPPED)


@pytest.mark.parametrize(
    "text",
    [
        # verse, short and long, with and without capitals
        "The lamp is low, the street is long,\nand nobody is coming home;\nthe river sings its only song\nto boats of "
        "paper, boats of foam.\n\nThe night is wide, the bridge is old,\nand every door is locked by ten;",
        "Come down to where the river turns beneath the willow tree,\nAnd hear the miller count his stones against the "
        "evening breeze,\nFor none has crossed the bridge tonight, and none will cross again,\nUntil the moon has "
        "drawn the water back into the fen.",
        # sentences or items, one a line
        "The bridge was closed on Monday because of the high water.\nThe road was opened on Tuesday after the water "
        "had gone.\nThe mill was sold on Wednesday to a man from the city.\nNobody has seen him there since then, "
        "said the mayor.",
        "first item of the list of things to bring along\nsecond item of that list, which is longer\nthird item\n"
        "fourth item of the list",
        # one long line each
        f"{RIVER} {RIVER}\n{RIVER} {RIVER}\n{RIVER} {RIVER}\n{RIVER}",
        # too little to tell
        "The second storm arrived when the river had been high for most of the month and\nthe bridge was closed.",
        # columns
        "Day         Level    Weather in the valley, and remarks\nMonday      4.1 m    rain all day, and wind from "
        "the west\nTuesday     4.3 m    rain until noon, then mostly dry\nWednesday   3.9 m    dry, and colder than "
        "it was before",
    ],
)
def test_text_that_is_not_hard_wrapped_keeps_its_lines(text: str) -> None:
    """Poems, lists, columns and one-line paragraphs are left alone."""
    assert text_of(text) == text


def test_long_runs_of_blanks_take_no_time() -> None:
    """A megabyte of blanks within a line is kept like one, and at its end dropped."""
    blanks = " " * 1_000_000
    assert text_of(f"a{blanks}b{blanks}\nc") == f"a{blanks}b\nc"


def test_a_word_divided_at_the_margin_keeps_its_hyphen() -> None:
    """Whether a hyphen belongs to the word is not told, so it stays, without a gap."""
    text = WRAPPED.replace("stood for two\nhundred", "stood for well-\nknown")
    assert "stood for well-known years" in unwrap(clean(text))


# Markdown

MARKDOWN = """---
title: "The river rises"
url: https://example.org/river
author: Mara Example
published: 2024-03-05
---
# River *rises*

The river rose by **four** metres in a [single night](https://example.org/night "x"),
and the `bridge` was closed.[^1] It&nbsp;was Sunday.
A hard break here.\\
After it.

## What happened

- First point
- Second point
  goes on
  1. Nested

> A quotation
> in two lines.

| Day | Level |
|-----|------:|
| Monday | 4.1 m |

![The bridge from above](bridge.jpg)

```python
a = 1
    b = 2
```

<div class="x"><p>Raw <b>markup</b></p><script>alert(1)</script></div>

Text with <b>tags</b> and <script>evil()</script> in it. <!-- hidden -->

[^1]: Engineer
[^long]: A footnote that is
    longer.

[ref]: https://example.org/ref
"""


def test_markdown_becomes_lines_without_marks() -> None:
    """Each heading, paragraph, item, row, caption and line of code is a line; addresses and tags are gone."""
    assert [line for line in text_of(MARKDOWN, "a.md").split("\n") if line] == [
        "River rises",
        "The river rose by four metres in a single night, and the bridge was closed. It\u00a0was Sunday. "
        "A hard break here.",
        "After it.",
        "What happened",
        "First point",
        "Second point goes on",
        "Nested",
        "A quotation in two lines.",
        "Day | Level",
        "Monday | 4.1 m",
        "The bridge from above",
        "a = 1",
        "    b = 2",
        "Raw markup",
        "Text with tags and in it.",
        "Engineer",
        "A footnote that is longer.",
    ]


def test_front_matter_gives_title_url_author_and_day() -> None:
    """All four are read, and the block is no part of the text."""
    article = article_of(MARKDOWN, "a.md")
    assert (article.title, article.url, article.author, article.published) == (
        "The river rises",
        "https://example.org/river",
        "Mara Example",
        date(2024, 3, 5),
    )
    assert article.states_title and "---" not in article.text


@pytest.mark.parametrize("key", ["updated", "modified", "lastmod"])
def test_front_matter_gives_the_day_of_the_latest_correction(key: str) -> None:
    """Under each of its three common names."""
    article = article_of(f"---\ndate: 2024-03-05\n{key}: 2024-04-06\n---\nText.", "a.md")
    assert (article.published, article.updated) == (date(2024, 3, 5), date(2024, 4, 6))


def test_the_first_level_1_heading_is_the_title_where_front_matter_names_none() -> None:
    """Also below other headings, and with front matter that says other things."""
    article = article_of("---\nauthor: [Mara, Jo]\n---\n## Part\n\n# The *real* title\n\nText.", "a.md")
    assert article.title == "The real title" and article.author == "Mara, Jo" and article.states_title


@pytest.mark.parametrize(
    "block",
    [
        "title: The river: a story\nauthor: Mara",
        "title: 'unclosed\nauthor: Mara",
        "title: x\nauthor: Mara\nbad: [1, 2",
        "title: x\nauthor: Mara\npublished: 2024-13-45",
        "title: x\nauthor: Mara\n? [a]: b",
        "title: x\nauthor: Mara\ndeep: " + "[" * 5000,
        "title: x\nauthor: Mara\nrun: !!python/object/apply:os.system ['exit 1']",
        "title: x\nauthor: Mara\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]" for n in range(12)),
        "title: x\nauthor: Mara\nself: &s [*s]",
    ],
)
def test_broken_or_hostile_front_matter_never_costs_the_article(block: str) -> None:
    """Unquoted colons, bad dates, deep nesting, tags and alias bombs leave the author and the text."""
    article = article_of(f"---\n{block}\n---\n{RIVER}\n", "a.md")
    assert article.text == RIVER and article.author == "Mara" and article.published is None and article.title


def test_a_block_that_is_no_mapping_is_part_of_the_article() -> None:
    """Text between two rules at the top is text; a lone rule is no front matter at all."""
    assert "Just a sentence." in text_of("---\nJust a sentence.\n\n---\nMore.", "a.md")
    assert text_of("---\n\nText after a rule.", "a.md") == "Text after a rule."
    assert text_of("---\n---\nText.", "a.md") == "Text."


PROSE = "A hidden paragraph tells of walruses."


@pytest.mark.parametrize(
    "block",
    [
        f"Intro: this paragraph: broken as YAML\n\n{PROSE}\n",
        f"Title: The walrus: a life\n\n{PROSE}\n",
        f"Title: The walrus: a life\n{PROSE}",
        f"Note: {PROSE}",
        f"{PROSE}\nNote: walruses are large.",
        f"By: {PROSE}",
        f"Note:\n- {PROSE}",
    ],
)
def test_text_between_two_rules_at_the_top_is_never_lost(block: str) -> None:
    """Unless all of a block is front matter, with a key that is common there, each word of it stays in the text."""
    text = text_of(f"---\n{block}\n---\n\nBody.", "a.md")
    words = re.findall(r"\w+", f"{block} Body")
    assert re.findall(r"\w+", text) == words and PROSE in text


@pytest.mark.parametrize(
    "block",
    [
        "url: https://example.org/x",
        "date: 2024-05-06",
        "tags: [a, b]",
        "Description: >\n  Of walruses,\n\n  and more.",
        "draft: false",
        "slug: walrus",
        "lang: en",
        "layout: post\ncustom: x",
        "tags:\n  - a\n- b\ntitle: The walrus: a life\n# a comment",
        "\ntitle: The walrus: a life\n",
    ],
)
def test_front_matter_is_known_by_one_common_key(block: str) -> None:
    """One key that front matter commonly has is enough, also in broken YAML, and the block is no part of the text."""
    assert text_of(f"---\n{block}\n---\nBody.", "a.md") == "Body."


def test_values_of_front_matter_are_taken_as_text() -> None:
    """A title that is a number, a truth value or a date stays what the author wrote."""
    for title in ("1984", "007", "yes", "2024-01-05", "null"):
        assert article_of(f"---\ntitle: {title}\n---\nText.", "a.md").title == title


@pytest.mark.parametrize(
    "hostile",
    [
        ">" * 20_000 + " a",
        "- " * 20_000 + "a",
        "".join("  " * n + "- a\n" for n in range(300)),
        "[" * 50_000,
        "[" * 20_000 + "a" + "]" * 20_000,
        "![" * 30_000,
        "<![CDATA[" * 20_000,
        "<a b" * 30_000,
        "*a _b **c " * 20_000,
        "[a\n" * 20_000,
        "`" * 50_000 + "a" + "``" * 9,
        "|a" * 5_000 + "\n" + "|-" * 5_000 + "\n" + "x\n" * 500,
        "<div>" * 50_000 + "a",
        "<!--" * 20_000,
        "[^a]: b\n" * 5_000,
        ("|a" * 500 + "\n" + "|-" * 500 + "\n" + "|b|\n" * 500 + "\n") * 20,
        ("![" * 140 + "\n\n") * 1_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_markdown_is_bounded(hostile: str) -> None:
    """Nested and unpaired marks neither hang nor crash the reader."""
    assert RIVER in text_of(f"{RIVER}\n\n{hostile}", "a.md")


# HTML

ARTICLE = f"""
<nav><ul><li><a href="/">Home page</a></li><li><a href="/news">All the news</a></li></ul></nav>
<main><article><h1>River rises</h1><p>{RIVER} <a href="/x">Engineers</a> found <b>no</b>&nbsp;damage.<br>Second line.
</p><h2>What happened</h2><p>{RIVER}</p><ul><li>First point</li><li>Second point</li></ul>
<figure><img src="a.jpg" alt="x"><figcaption>The bridge on Sunday, seen from above</figcaption></figure>
<table><tr><th>Day</th><th>Level</th></tr><tr><td>Monday</td><td>4.1 m</td></tr></table>
<blockquote><p>We have never seen it so high, said the mayor.</p></blockquote><p>{RIVER}</p></article></main>
<script>track("secret words");</script><style>p {{ color: red }}</style>
<footer>Copyright 2019. All rights reserved by the site.</footer>"""
HEAD = """<title>River rises - The Paper</title><meta name="author" content="Mara Example">
<meta property="article:published_time" content="2024-03-05T23:30:00+02:00">
<link rel="canonical" href="https://example.org/river">"""


def test_html_gives_the_main_content_as_lines() -> None:
    """Headings, items, rows, captions and quotations are lines; navigation, scripts and footers are gone."""
    lines = text_of(page(ARTICLE, HEAD), "a.html").split("\n")
    for line in (
        "What happened",
        "First point",
        "Second point",
        "Day | Level",
        "Monday | 4.1 m",
        "The bridge on Sunday, seen from above",
        "We have never seen it so high, said the mayor.",
        f"{RIVER} Engineers found no\u00a0damage.",
        "Second line.",
    ):
        assert line in lines
    assert not any(word in "\n".join(lines) for word in ("Home page", "secret words", "color", "Copyright"))


def test_html_gives_title_author_day_and_canonical_address() -> None:
    """What the page states in its head is the article's metadata."""
    article = article_of(page(ARTICLE, HEAD), "a.html")
    assert (article.title, article.author, article.url, article.published) == (
        "River rises",
        "Mara Example",
        "https://example.org/river",
        date(2024, 3, 5),
    )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<meta property="article:modified_time" content="2024-04-06T10:00:00Z">', date(2024, 4, 6)),
        ('<meta property="og:updated_time" content="2024-04-06">', date(2024, 4, 6)),
        (
            '<script type="application/ld+json">{"@type":"NewsArticle","dateModified":"2024-04-06"}</script>',
            date(2024, 4, 6),
        ),
        (
            '<script type="application/ld+json">{"@graph":[{"a":1},{"dateModified":"2024-04-06"}]}</script>',
            date(2024, 4, 6),
        ),
        ('<script type="application/ld+json">[1,{"dateModified":7}]</script>', None),
        ('<script type="application/ld+json">{"dateModified":</script>', None),
        ('<script type="application/ld+json">' + "[" * 100_000 + "</script>", None),
        ("", None),
    ],
)
def test_html_gives_the_day_of_its_latest_correction(head: str, expected: date | None) -> None:
    """A publisher states it in its head or in structured data; broken data states nothing."""
    article = article_of(page(ARTICLE, HEAD + head), "a.html")
    assert article.updated == expected and article.published == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (page(ARTICLE).replace("<html>", '<html lang="de-AT">'), "de"),
        (page(ARTICLE).replace("<html>", '<html xml:lang="fr">'), "fr"),
        (page(ARTICLE, '<meta http-equiv="content-language" content="en">'), "en"),
        (page(ARTICLE, '<meta property="og:locale" content="pt_BR">'), "pt"),
        (page(ARTICLE).replace("<html>", '<html lang="x-klingon">'), None),
        (page(ARTICLE), None),
    ],
)
def test_html_gives_the_language_it_states(html: str, expected: str | None) -> None:
    """In its root, or in its head; an unknown one is none."""
    assert article_of(html, "a.html").language == expected


def test_the_canonical_address_goes_before_any_other() -> None:
    """Unless it is relative or no web address at all."""
    other = '<meta property="og:url" content="https://example.org/amp">'
    for rel in ("canonical", "shortlink canonical"):
        head = other + f'<link rel="{rel}" href="https://example.org/own">'
        assert article_of(page(ARTICLE, head), "a.html").url == "https://example.org/own"
    for wrong in ("/own", "javascript:alert(1)", ""):
        assert article_of(page(ARTICLE, other + f'<link rel="canonical" href="{wrong}">'), "a.html").url in {
            "https://example.org/amp",
            None,
        }


def test_a_date_in_the_text_of_a_page_is_not_its_day() -> None:
    """Only what the page states about itself counts."""
    body = ARTICLE.replace("Second line.", "The old bridge fell on 14 May 1998, and again on 2003-07-21.")
    assert article_of(page(body, "<title>River</title>"), "a.html").published is None


@pytest.mark.parametrize(
    "html", ["<p>Short one.</p>", "Short one.", "<div>Short <i>one</i>.</div>", page("<td>Short one.")]
)
def test_a_page_in_which_the_extractor_finds_little_is_read_by_its_elements(html: str) -> None:
    """Short pages and fragments are articles too."""
    assert text_of(html, "a.html") == "Short one."


@pytest.mark.parametrize(
    "html", [page(""), page("<script>draw()</script>"), "<!-- nothing -->", "<html></html>", page("<svg/>")]
)
def test_a_page_without_text_is_an_error_with_a_remedy(html: str) -> None:
    """A page that a script draws holds nothing to index."""
    assert "“a.html”" in message_of(html.encode(), "a.html") and "save" in message_of(html.encode(), "a.html")


def test_entities_cannot_bring_back_what_was_removed() -> None:
    """Characters that hide in entities are cleaned like any other; escaped markup stays text."""
    html = page(
        f"<article><p>{RIVER} a&#0;b&#xD800;c&#x202E;d &lt;script&gt; &amp;amp; &zwnj;</p><p>{RIVER}</p></article>"
    )
    text = text_of(html, "a.html")
    assert "<script> &amp;" in text
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text if c != "\n") and "\u202e" not in text
    assert not re.search("[\ud800-\udfff]", text_of("&#xD800;&#55357;x &#x202e;", "a.md"))


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000 + RIVER,
        "<b><i>" * 50_000 + RIVER,
        f"<p>{RIVER}</p>" * 300 + "<table><tr><td>" * 3_000 + "x",
    ],
    ids=["div", "inline", "tables"],
)
def test_deeply_nested_html_is_a_clear_error(body: str) -> None:
    """A page that the parser would read in part only is refused, not shortened."""
    assert "nested too deeply" in message_of(page(body).encode(), "a.html")


@pytest.mark.parametrize(
    "body",
    [
        "<p>" + "<span>word</span> <b>x</b> " * 20_000,
        "<p>word " * 60_000,
        "<p>" + "a<br>" * 30_000,
        "<table>" + "<tr><td>a<td>b" * 20_000,
        '<p class="' + "x " * 1_000_000 + '">word</p>',
        '<script type="application/ld+json">' + '{"a":' * 50_000 + "</script>",
        "<p>&" + "amp;" * 100_000,
        "<" * 200_000,
        "<!--" * 50_000,
        "a" + " " * 500_000 + "b",
    ],
    ids=lambda text: text[:14],
)
def test_hostile_html_is_bounded(body: str) -> None:
    """Huge paragraphs, tables, attributes and scripts neither hang nor crash the reader."""
    assert RIVER in text_of(page(f"<main><p>{RIVER}</p><p>{RIVER}</p>{body}"), "a.html")


# Titles and metadata


def test_a_title_is_made_from_the_first_sentence() -> None:
    """A whole short sentence, or its first words and an ellipsis, at most 80 characters."""
    article = article_of("Short and good. Then more.")
    assert article.title == "Short and good." and not article.states_title
    title = article_of(RIVER).title
    assert title.endswith("…") and len(title) <= 80 and RIVER.startswith(title[:-1]) and RIVER[len(title) - 1] in " ,"
    assert article_of("***\n\n- The first item").title == "The first item"


def test_the_file_name_is_the_last_resort_for_a_title() -> None:
    """Only where no sentence has a word in it."""
    assert article_of("*** ... ***", "my-old_notes.txt").title == "my old notes"


def test_a_stated_title_is_one_clean_line() -> None:
    """Line ends and invisible characters go, and 300 characters are the limit."""
    article = article_of('---\ntitle: "A\\nB\\u202e \\u0007C\\ud83d"\n---\nText.', "a.md")
    assert article.title in {"A B C", "Text."}
    assert len(article_of(f"# {'word ' * 500}\n\nText.", "a.md").title) <= 300


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("https://example.org/a?b=c#d", True),
        (" http://example.org ", True),
        ("https://münchen.example/straße", True),
        ("javascript:alert(1)", False),
        ("ftp://example.org/a", False),
        ("https:///path", False),
        ("https://user:pw@example.org/", False),
        ("https://user@example.org/", False),
        ("https://example.org/a b", False),
        ("https://example.org/a\u202eb", False),
        ("https://example.org/a\nb", False),
        ("https://example.org:port/", False),
        ("https://[::1/", False),
        ("//example.org/a", False),
        ("https://example.org/" + "a" * 2000, False),
        ("", False),
    ],
)
def test_only_a_plain_web_address_is_kept(stated: str, expected: bool) -> None:
    """http(s) with a host, printable, without a user, of bearable length."""
    assert metadata.url(stated) == (stated.strip() if expected else None)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2024-03-05", date(2024, 3, 5)),
        ("2024-03-05T23:59:59Z", date(2024, 3, 5)),
        ("2024-03-05 10:00:00 +0200", date(2024, 3, 5)),
        ("2024/3/5", date(2024, 3, 5)),
        ("2024.03.05", date(2024, 3, 5)),
        ("20240305", date(2024, 3, 5)),
        ("5 March 2024", date(2024, 3, 5)),
        ("March 5th, 2024", date(2024, 3, 5)),
        ("Mar. 5, 2024", date(2024, 3, 5)),
        ("Tue, 05 Mar 2024 10:00:00 GMT", date(2024, 3, 5)),
        ("25/03/2024", date(2024, 3, 25)),
        ("03/25/2024", date(2024, 3, 25)),
        ("03/05/2024", None),
        ("2024-02-30", None),
        ("0001-01-01", None),
        ("2024", None),
        ("yesterday", None),
        ("99999999999", None),
        ("2024-03-051", None),
        ("٢٠٢٤-٠٣-٠٥", date(2024, 3, 5)),
        ("", None),
    ],
)
def test_a_day_is_read_in_common_forms_and_nonsense_is_ignored(stated: str, expected: date | None) -> None:
    """Impossible, ambiguous and unclear days are none."""
    assert metadata.published(stated) == expected


def test_an_author_is_one_short_line() -> None:
    """Line ends go; 200 characters are the limit."""
    assert metadata.author(" Mara\n Example\x00 ") == "Mara Example"
    assert len(metadata.author("a" * 500) or "") == 200
    assert metadata.author(" \n") is None


# Properties

NAMES = st.sampled_from(["a.txt", "b.md", "c.html", "d.xhtml", "e.text"])
PIECES = r"""<p> <table><tr><td> <li> <pre> <br> <script> <article> <title> <!-- --> &#0; &#xD800; [a](b) *** ` > -"""
BREAKS = [
    "# ",
    "---\n",
    "title: x\n",
    "\n\n",
    "|a|b|\n|-|-|\n",
    "    ",
    "[^1]: ",
    "word. ",
    "Â ",
    "â€™",
    "é",
    "\U0001f468",
]
HIDDEN = ["![x](", "\r", "\0", "\u200d", "\u202e", "\u0085", "\ud800"]
MARKUP = st.lists(
    st.sampled_from([*PIECES.split(), *BREAKS, *HIDDEN]),
    max_size=30,
).map(lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=400), MARKUP, st.text(max_size=300).map(lambda s: s.encode("utf-16"))), NAMES)
def test_any_bytes_give_a_clean_article_or_a_user_error(data: bytes, name: str) -> None:
    """Nothing else ever leaves the reader, and what it returns can be stored and shown."""
    try:
        article = read(data, "source", name)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
        assert not isinstance(error.__cause__, Exception), repr(error.__cause__)
        return
    text = article.text
    assert text and text == text.strip()
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in text if c != "\n")
    assert text.encode() and article.title.encode()
    assert article.title and article.title == article.title.strip() and "\n" not in article.title
    assert len(article.title) <= 300
    assert clean(text) == text


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=60)))
def test_every_line_of_a_utf8_text_comes_back(lines: list[str]) -> None:
    """Whatever is printable survives, except for what is mojibake."""
    lines = [re.sub("[\xc2-\xf4](?=[\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™])|Â", "", line).strip() for line in lines]
    wanted = [line for line in lines if line]
    if not wanted:
        return
    text = text_of("\n".join(lines).encode())
    assert [line for line in text.split("\n") if line] == wanted


def test_reading_is_a_pure_function_of_its_arguments(tmp_path: Path) -> None:
    """A file read twice, from anywhere, gives equal articles that differ in nothing but the source."""
    path = tmp_path / "a.md"
    path.write_text(MARKDOWN)
    first, second = (read(path.read_bytes(), os.fspath(path), path.name) for _ in range(2))
    assert first == second and first.source == os.fspath(path)
