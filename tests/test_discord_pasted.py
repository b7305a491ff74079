"""Texts that people write in Discord, as files of articles: what is written stays what it is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.pasted import as_markdown, file_name, links_in, message_text
from index.jobs import INSIDE
from index.readers import read
from index.readers.cleaning import one_line

URL = "https://example.org/a"
NASTY = [
    "---",
    "---\ntitle: another\nurl: https://evil.example\n---\n",
    "...\n---\nurl: https://evil.example",
    'a"b\nurl: https://evil.example',
    "a\\",
    "'a': [b, {c: &d *d}] # e",
    "!!python/object:os.system x",
    "\u2028url: https://evil.example",
    "title: x\rurl: https://evil.example",
    "🦉\u0000\u001b[2J",
    "\ud83e lone",
]
texts = st.one_of(
    st.text(max_size=80), st.sampled_from(NASTY), st.text(st.sampled_from("-:\n\"'\\. #[]{}&*!|>ax"), max_size=40)
)


@given(texts, texts, texts)
def test_nothing_passes_for_anything_else(title, author, text):
    """Whatever stands in a title, a name or a text, the address and the day are those that were given."""
    data = as_markdown(f"{text}\n\nThe last line stays.", title=title, url=URL, author=author, day=date(2024, 5, 6))
    article = read(data, "discord:1/x.md", "x.md")
    assert article.url == URL
    assert article.published == date(2024, 5, 6)
    assert article.updated is None
    assert article.text.endswith("The last line stays.")


@pytest.mark.parametrize("title", NASTY)
def test_a_title_stays_a_title(title):
    """A title is kept as it was typed, on one line."""
    article = read(as_markdown("Some text.", title=title), "discord:1/x.md", "x.md")
    assert article.title == one_line(title, 200)
    assert article.url is None


@pytest.mark.parametrize("known", [{}, {"title": "A title"}])
def test_a_text_that_begins_like_front_matter(known):
    """What looks like front matter at the top of a text is text."""
    article = read(as_markdown("---\ntitle: Mine\n---\n\nText.", **known), "discord:1/x.md", "x.md")
    assert "title: Mine" in article.text
    assert article.states_title == bool(known)


def test_file_names():
    """A name holds nothing that could be taken for a path, or for a place within an archive."""
    assert file_name("a/b\\c!/d", ".md") == "a-b-c-d.md"
    assert file_name("!/", ".md") == "-.md"
    assert file_name(" \n", ".md") == "text.md"
    assert INSIDE not in f"discord:1/{file_name('!' * 300 + '/')}"
    assert len(file_name("x" * 300)) <= 80


def test_links():
    """Links are found among words and markup, each once, at most five, and none of Discord's own."""
    said = (
        "See (https://a.example/b_(c)) and **https://d.example/e**, [there](https://f.example/?g=1). <https://h.example>"
        " https://a.example/b_(c) https://discord.com/channels/1/2/3 https://cdn.discordapp.com/x discord.gg/abc"
        " http://notdiscord.com/a, ftp://b.example https://six.example https://seven.example"
    )
    assert links_in(said) == [
        "https://a.example/b_(c)",
        "https://d.example/e",
        "https://f.example/?g=1",
        "https://h.example",
        "http://notdiscord.com/a",
    ]
    assert links_in("no link") == []


def test_what_a_message_says():
    """A message of a few words beside its links says nothing; the lines of any other stay apart."""
    assert message_text("look at this: https://example.org/one-two-three-four-five-six-seven") == ""
    assert message_text("") == ""
    said = message_text("The choir rehearses in the chapel\nat seven o'clock")
    article = read(as_markdown(said, author="Ada"), "discord:1/message.md", "message.md")
    assert article.text == "The choir rehearses in the chapel\nat seven o'clock"
    assert not article.states_title
