"""Links to where a sentence stands."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.links import file_link, web_link

PAGE = "https://example.org/a"


def test_a_short_sentence_is_named_whole():
    """A web link names the sentence, percent-encoded, in a text fragment."""
    assert web_link(PAGE, "It opened in 1932.") == f"{PAGE}#:~:text=It%20opened%20in%201932."


def test_what_divides_a_directive_is_encoded():
    """Hyphens, commas and ampersands of a sentence never act as the syntax of a text fragment."""
    link = web_link(PAGE, "A well-kept, green & blue (old) bridge")
    assert link == f"{PAGE}#:~:text=A%20well%2Dkept%2C%20green%20%26%20blue%20%28old%29%20bridge"


def test_letters_beyond_ascii_are_encoded_as_utf_8():
    """Letters beyond ASCII are percent-encoded as UTF-8."""
    assert web_link(PAGE, "Brücke 橋") == f"{PAGE}#:~:text=Br%C3%BCcke%20%E6%A9%8B"


def test_white_space_and_list_markers_are_left_out():
    """A line break within a sentence is a space of the page, and a list's marker is not text of the page."""
    assert web_link(PAGE, "- one\n  two") == f"{PAGE}#:~:text=one%20two"
    assert web_link(PAGE, "12. one") == f"{PAGE}#:~:text=one"


def test_a_long_sentence_is_named_by_its_ends():
    """A sentence of more than 200 characters is named by its first six and last six words."""
    words = [f"word{n:03d}" for n in range(60)]
    link = web_link(PAGE, " ".join(words))
    assert link == f"{PAGE}#:~:text={'%20'.join(words[:6])},{'%20'.join(words[-6:])}"


def test_a_long_text_without_spaces_is_named_by_its_ends():
    """A long sentence without spaces still gives a short link."""
    text = "".join(chr(0x4E00 + n) for n in range(300))
    link = web_link(PAGE, text)
    assert link is not None
    first, last = link.partition("text=")[2].split(",")
    assert (unquote(first), unquote(last)) == (text[:60], text[-60:])


def test_a_place_in_the_page_stays():
    """A fragment of the address stays before the directive, and a directive that was there gives way."""
    assert web_link(f"{PAGE}#history", "x") == f"{PAGE}#history:~:text=x"
    assert web_link(f"{PAGE}#history:~:text=old", "x") == f"{PAGE}#history:~:text=x"


@pytest.mark.parametrize(
    "url",
    [None, "", "javascript:alert(1)", "file:///etc/passwd", "https://", "https://a b", "https://a\x1b]8;;", "//a"],
)
def test_only_sound_web_addresses_become_links(url: str | None):
    """Nothing but an http or https address without control characters becomes a web link."""
    assert web_link(url, "x") is None


@given(st.text())
def test_a_fragment_is_plain_ascii(text: str):
    """Whatever the sentence, its link has nothing that Markdown, a terminal or a browser takes for syntax."""
    link = web_link(PAGE, text)
    assert link is not None
    assert link.isascii()
    assert not set(link.removeprefix(PAGE)) & set("()[]<>\"'` \n-&")


def test_a_file_becomes_a_file_link():
    """A source that is an absolute path becomes a file link, on any system; another source does not."""
    assert file_link("/srv/articles/a b#1.md") == "file:///srv/articles/a%20b%231.md"
    assert file_link("C:/articles/a b.md") == "file:///C:/articles/a%20b.md"
    assert file_link("discord:1/2") is None
    assert file_link("articles/a.md") is None
