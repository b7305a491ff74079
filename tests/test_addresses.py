"""Addresses: one string for one page, and never one string for two."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.readers import metadata
from index.web.addresses import TRACKING, TRACKING_PREFIXES, normalised, site_of

STORY = "https://example.org/2024/05/the-river-and-the-mill"

ALIKE = {
    "scheme": ["http://example.org/a", "https://example.org/a", "HTTPS://example.org/a"],
    "host": ["https://Example.ORG/a", "https://www.example.org/a", "https://example.org./a", "https://EXAMPLE.org/a"],
    "unicode host": ["https://bücher.example/a", "https://BÜCHER.example/a", "https://xn--bcher-kva.example/a"],
    "port": ["http://example.org:80/a", "https://example.org:443/a", "https://example.org:/a"],
    "root": ["https://example.org", "https://example.org/", "https://example.org/index.html", "http://example.org?"],
    "slash": ["https://example.org/a", "https://example.org/a/", "https://example.org/a/index.html"],
    "dots": ["https://example.org/a/b", "https://example.org/a/./c/../b", "https://example.org/a/%2e/b"],
    "escapes": ["https://example.org/~a%2fb/ä", "https://example.org/%7Ea%2Fb/%c3%a4"],
    "lone per cent": ["https://example.org/100%", "https://example.org/100%25"],
    "fragment": [STORY, f"{STORY}#top", f"{STORY}#:~:text=the%20river", f"{STORY}#"],
    "order": ["https://example.org/?b=2&a=1", "https://example.org/?a=1&b=2", "https://example.org/?&a=1&&b=2"],
    "tracking": [
        f"{STORY}?page=2",
        f"{STORY}?utm_source=x&page=2&utm_medium=mail",
        f"{STORY}?fbclid=abc&page=2",
        f"{STORY}?page=2&gclid=1&mc_cid=2&mc_eid=3",
        f"{STORY}?UTM_Campaign=x&page=2",
    ],
    "AMP": [
        STORY,
        f"{STORY}/amp",
        f"{STORY}/amp/",
        f"{STORY}?amp=1",
        f"{STORY}/?amp",
        "https://amp.example.org/2024/05/the-river-and-the-mill",
        "https://cdn.ampproject.org/c/s/example.org/2024/05/the-river-and-the-mill/amp/?usqp=mq331",
        "https://example-org.cdn.ampproject.org/v/s/www.example.org/2024/05/the-river-and-the-mill?amp_js_v=0.1#x",
        "https://cdn.ampproject.org/c/example.org/2024/05/the-river-and-the-mill",
        "https://www.google.com/amp/s/amp.example.org/2024/05/the-river-and-the-mill",
        "https://www.google.co.uk/amp/s/example.org/2024/05/the-river-and-the-mill/amp",
    ],
    "AMP file": ["https://example.org/river.html", "https://example.org/river.amp.html"],
    "route": ["https://example.org/#!/story/1", "http://www.example.org#!/story/1"],
    "IPv6": ["http://[2001:DB8::1]/a", "https://[2001:db8::1]:443/a/"],
}

APART = [
    ("https://example.org/?id=1", "https://example.org/?id=2"),
    (STORY, f"{STORY}?page=2"),
    ("https://example.org/A", "https://example.org/a"),
    ("https://example.org/?a=X", "https://example.org/?a=x"),
    ("https://example.org/?a=1&a=2", "https://example.org/?a=2&a=1"),
    ("https://example.org/?a", "https://example.org/?a="),
    ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ("https://example.org/?a=1%262", "https://example.org/?a=1&2"),
    ("https://example.org/a+b", "https://example.org/a%20b"),
    ("https://example.org/a//b", "https://example.org/a/b"),
    ("https://example.org/index.php", "https://example.org/"),
    ("https://example.org/?ref=main", "https://example.org/?ref=next"),
    ("https://example.org/?source=a", "https://example.org/?source=b"),
    ("https://example.org/#!/one", "https://example.org/#!/two"),
    ("https://example.org/#/one", "https://example.org/#/two"),
    ("https://example.org:8080/", "https://example.org/"),
    ("http://example.org:8080/", "https://example.org:8080/"),
    ("http://example.org:443/", "https://example.org/"),
    ("https://en.example.org/a", "https://de.example.org/a"),
    ("https://m.example.org/a", "https://example.org/a"),
    ("https://straße.example/", "https://strasse.example/"),
    ("https://wiki.example.org/wiki/amp", "https://wiki.example.org/wiki"),
    ("https://example.org/gear/amp", "https://example.org/gear"),
    ("https://amp.example.org/docs", "https://example.org/docs"),
    ("https://example.org/fuses?amp=10", "https://example.org/fuses?amp=16"),
    ("https://www.github.io/a", "https://github.io/a"),
    ("https://cdn.ampproject.org/c/s/example.org/a", "https://cdn.ampproject.org/c/s/example.org/b"),
]


@pytest.mark.parametrize("spellings", ALIKE.values(), ids=ALIKE)
def test_spellings_of_one_page_are_one_string(spellings):
    """Every spelling of a page's address gives the same string."""
    assert len({normalised(one) for one in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_pages_are_two_strings(one, other):
    """Addresses that may be of two pages stay apart."""
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("name", sorted(TRACKING) + [f"{prefix}x" for prefix in TRACKING_PREFIXES])
def test_tracking_parameters_are_dropped_and_no_others(name):
    """A parameter of the documented list goes, whatever its value, and one that merely holds its name stays."""
    assert normalised(f"{STORY}?{name}=1") == normalised(f"{STORY}?{name.upper()}") == STORY
    assert normalised(f"{STORY}?x{name}=1") == f"{STORY}?x{name}=1"


def test_what_is_no_web_address_comes_back_as_it_is():
    """Other schemes, names of users and torn addresses are left alone, and have no site."""
    for text in ("", "mailto:a@example.org", "ftp://example.org/", "https://me@example.org/", "http://[::1", "x y"):
        assert normalised(f" {text} ") == text
        assert site_of(text) == ""


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.Example.org:8080/a", "example.org"),
        ("https://amp.example.org/a", "example.org"),
        ("https://m.example.org/", "example.org"),
        ("https://news.example.org/", "news.example.org"),
        ("https://ada.github.io/blog", "ada.github.io"),
        ("https://m.github.io/", "m.github.io"),
        ("https://www.ada.blogspot.com/", "ada.blogspot.com"),
        ("https://www.blogspot.co.uk/", "www.blogspot.co.uk"),
        ("https://amp.dev/", "amp.dev"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://www.google.com/amp/s/www.example.org/a", "example.org"),
        ("http://192.0.2.7/", "192.0.2.7"),
    ],
)
def test_the_site_of_a_page(url, site):
    """A page's site is its host, without the names that only say how it is shown."""
    assert site_of(url) == site


PIECES = st.sampled_from(
    "www. amp. m. google.com cdn.ampproject.org /c/s/ /amp/s/ /amp index.html ? & = amp=1 utm_a=1 #! # / . .. % %41 "
    "%2e %2E%2e ä ß İ ﬀ 。 :80 :443 :8080 [::1] a B - 1234 a-b-c .amp.html .html example com %C3 + ; ' @ !".split()
)


@given(
    st.sampled_from(["http://", "https://", "HTTPS://"]),
    st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join),
)
@example("https://", "www.www.example.com/%%34%31/index.html/index.html")
@example("https://", "amp.www.google.com:443/am%70/s/cdn.ampproject.org/c/s/example.com/a-b-c/amp")
@example("http://", "[v1.a]/")
@settings(max_examples=1_000, deadline=None)
def test_normalising_twice_changes_nothing(scheme, rest):
    """Whatever the address, normalising never fails, is stable, and stays on the site."""
    url = scheme + rest
    key = normalised(url)
    assert normalised(key) == key
    if metadata.url(url):
        assert key.isascii()
        assert site_of(key) == site_of(url)
