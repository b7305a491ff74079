"""An article as it is shown: all of its text, page by page, within Discord's limits and without doing anything."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cogs import pages
from cogs.markdown import width
from cogs.pages import Sheet, pages_of
from index.ledger import Source
from index.stored import StoredArticle

ARTICLE = StoredArticle(
    7, "discord:1/a.md", "A title", True, None, None, None, datetime(2026, 5, 6, tzinfo=UTC), 3, "en"
)
texts = st.one_of(
    st.text(max_size=300),
    st.text(st.sampled_from("*_`~|<>[]()#-\n \u202e\u2066🦉a1."), min_size=1, max_size=30).map(lambda one: one * 300),
)


def sheet(text, page=0, article=ARTICLE, **parts):
    spans = pages_of(text)
    page = min(page, len(spans) - 1)
    return Sheet(article, spans[page].of(text), page, len(spans), spans[-1].end < len(text), **parts)


@given(texts, st.integers(0, 99))
@settings(deadline=None)
@example("\n" * 9_000, 0)
@example("x" * 9_000, 2)
def test_every_page_fits(text, page):
    """The pages of a text are all of it, in order, and each fits with all that is known of the article."""
    assert "".join(span.of(text) for span in pages_of(text)) == text
    url = "https://example.org/" + "x" * 200
    source = Source(1, "feed", url, title=text or "A feed")
    named = replace(ARTICLE, title=text, author=text, url=url, published=date(2024, 5, 6), pages=(0, 9))
    full = sheet(text, page, named, origins=[source, replace(source, id=2, title="B")], copies=[named] * 9)
    embed = pages.embed(full)
    assert len(embed) <= 6_000
    assert width(embed.description) <= 4_096 and width(embed.title) <= 256


def test_pages_end_where_words_do():
    """A page ends with a line or a word, if there is one near."""
    text = "word " * 2_000
    assert all(span.of(text).endswith(" ") for span in pages_of(text))
    lines = "\n".join(["A line of some length that is a paragraph."] * 200)
    assert all(span.of(lines).endswith("\n") for span in pages_of(lines)[:-1])


def test_the_end_of_a_very_long_text():
    """Of a text of a book's length the last page that is shown says that there is more."""
    text = "word " * 300_000
    last = sheet(text, 999)
    assert last.pages == 200 and last.is_cut
    assert pages.embed(last).footer.text == "Page 200 of 200 · the rest of the text is not shown"
    assert not sheet("word").is_cut


def test_what_is_known():
    """What is known stands above the first page alone; what is not known is left out."""
    first, *_rest, text = pages.embed(sheet("Some text.")).description.split("\n")
    assert first == "-# indexed on 6 May 2026"
    assert text == "> Some text."
    assert pages.embed(sheet("word " * 2_000, 1)).description.startswith("> word")
    copies = [replace(ARTICLE, id=n, title=f"Copy {n}", url=f"https://example.org/{n}") for n in range(5)]
    described = pages.embed(sheet("Text.", copies=copies)).description
    assert "-# It answers for 5 copies, too: [Copy 0](<https://example.org/0>), " in described
    assert ", 2 more" in described
