"""Feeds: what each format says, what damaged and hostile ones do, and the page that an entry becomes."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import UserError
from index.feeds import MAX_BYTES, MAX_ENTRIES, Entry, Feed, discover, entry_article_html, looks_like_feed, parse
from index.readers import read

URL = "https://river.example/blog/feed.xml"
SENTENCES = [
    f"On day {day} the river rose by {day} centimetres, and the keeper of the mill wrote the height into her book."
    for day in range(1, 9)
]
STORY = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
SUMMARY = "The river rose again, and the mill stood still."

RSS_091 = f"""<?xml version="1.0"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://dtd.example/rss-0.91.dtd">
<rss version="0.91"><channel>
  <title>Mill &amp; River</title><link>https://river.example/</link><description>News of the valley</description>
  <item><title>A first flood</title><link>/first</link><description>{SUMMARY}</description></item>
  <item><title>A second flood</title><link>https://river.example/second</link></item>
</channel></rss>"""

RSS_10 = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
  <channel rdf:about="https://river.example/rss"><title>Mühle</title><link>https://river.example/</link>
    <sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency></channel>
  <item rdf:about="https://river.example/1"><title>Die Mühle</title><link>https://river.example/1</link>
    <dc:creator>Elin Muster</dc:creator><dc:date>2024-05-06T23:30:00-02:00</dc:date>
    <description>{SUMMARY}</description></item>
</rdf:RDF>"""

RSS_20 = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
  <title>The Mill</title><link>https://river.example</link><ttl>90</ttl>
  <managingEditor>editor@river.example (The Editor)</managingEditor>
  <atom:link href="{URL}" rel="self" type="application/rss+xml"/>
  <item>
    <title>Caf&#233; &amp;amp; mill: 3 &lt; 4</title><link>https://river.example/old?a=1&amp;b=2</link>
    <guid isPermaLink="false">tag-1</guid><pubDate>Mon, 06 May 2024 10:00:00 +0200</pubDate>
    <dc:creator><![CDATA[Jo Beispiel]]></dc:creator><description><![CDATA[<p>{SUMMARY} […]</p>]]></description>
    <content:encoded><![CDATA[{STORY}<script>steal()</script><p onclick="x()">See <a href="../map">a map</a>.</p>
    <p>The post <a href="https://river.example/old">Café</a> appeared first on <a href="/">The Mill</a>.</p>
    ]]></content:encoded>
  </item>
  <item>
    <title>A newer one</title><link>https://river.example/new</link><guid>77</guid>
    <author>kim@river.example (Kim Ejemplo)</author><pubDate>Tue, 07 May 2024 10:00:00 GMT</pubDate>
    <description>{SUMMARY}</description>
  </item>
</channel></rss>"""

ATOM_10 = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://river.example/base/">
  <title type="html">Mill &amp;amp; &lt;b&gt;River&lt;/b&gt;</title><link href="/"/><link rel="self" href="feed.atom"/>
  <id>urn:example:feed</id><updated>2024-06-02T00:00:00Z</updated><author><name>Sam Exempel</name></author>
  <entry xml:base="2024/"><title type="text">The &lt;p&gt; of the mill</title><link href="one"/>
    <id>urn:example:1</id><published>2024-06-01T00:30:00+02:00</published><updated>2024-06-02T00:00:00Z</updated>
    <summary>{SUMMARY}</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{STORY}
    <p><a href="two">next</a></p></div></content></entry>
</feed>"""

ATOM_03 = f"""<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Old</title>
  <link rel="alternate" type="text/html" href="https://river.example/"/>
  <entry><title>One</title><link rel="alternate" type="text/html" href="https://river.example/one"/><id>tag:1</id>
  <issued>2004-03-01T10:00:00Z</issued><modified>2004-03-02T10:00:00Z</modified><author><name>Lu Ejemplo</name></author>
  <content type="text/html" mode="escaped">{STORY.replace("<", "&lt;")}</content></entry></feed>"""

JSON_11 = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "The Mill",
        "home_page_url": "/",
        "authors": [{"name": "Robin Sample"}],
        "items": [
            {
                "id": 1,
                "url": "/one",
                "title": "One",
                "content_html": STORY + "<script>steal()</script>",
                "summary": SUMMARY,
                "date_published": "2024-05-06T10:00:00+02:00",
                "date_modified": "2024-05-07T10:00:00Z",
            },
            {"id": "two", "content_text": "1 < 2\n\nand\n2 < 3", "authors": "wrong", "date_published": "yesterday"},
            "no item",
        ],
    }
)
EVERY_FORMAT = {
    "RSS 0.91": RSS_091,
    "RSS 1.0": RSS_10,
    "RSS 2.0": RSS_20,
    "Atom 0.3": ATOM_03,
    "Atom 1.0": ATOM_10,
    "JSON Feed": JSON_11,
}
HTML = "<!DOCTYPE html><html><head><title>Mill</title></head><body><p>The mill.</p></body></html>"


def parsed(content: str | bytes, url: str = URL) -> Feed:
    return parse(content if isinstance(content, bytes) else content.encode(), url)


def message_of(content: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        parsed(content)
    return str(caught.value)


def rss(*items: str) -> str:
    body = "".join(f"<item>{item}</item>" for item in items)
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>'
        f"{body}</channel></rss>"
    )


def encoded(html: str) -> str:
    return f"<link>https://river.example/a</link><content:encoded><![CDATA[{html}]]></content:encoded>"


def entry_of(item: str) -> Entry:
    (entry,) = parsed(rss(item)).entries
    return entry


def test_rss_091():
    """RSS 0.91 with its document type gives titles, absolute links and summaries; the document type is not read."""
    feed = parsed(RSS_091)
    assert (feed.title, feed.url, feed.ttl) == ("Mill & River", "https://river.example/", None)
    first, second = feed.entries
    assert (first.key, first.url) == ("https://river.example/first", "https://river.example/first")
    assert (first.title, first.html, first.is_full) == ("A first flood", SUMMARY, False)
    assert (second.html, second.is_full, second.published) == ("", False, None)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-8"])
def test_rss_10(encoding):
    """RSS 1.0 is read in its encoding even where it declares another one; dc:date is the day of publication."""
    feed = parsed(RSS_10.encode(encoding))
    (entry,) = feed.entries
    assert (feed.title, feed.ttl) == ("Mühle", 21_600)
    assert (entry.key, entry.title, entry.author) == ("https://river.example/1", "Die Mühle", "Elin Muster")
    assert (entry.published, entry.updated) == (datetime(2024, 5, 7, 1, 30, tzinfo=UTC), None)


def test_rss_20():
    """RSS 2.0 gives the newest entry first, its whole content rather than its summary, and authors' names only."""
    feed = parsed(RSS_20)
    new, old = feed.entries
    assert (feed.title, feed.url, feed.ttl) == ("The Mill", "https://river.example", 5_400)
    assert (new.key, new.url, new.author) == ("77", "https://river.example/new", "Kim Ejemplo")
    assert (new.html, new.is_full) == (SUMMARY, False)
    assert (old.key, old.url) == ("tag-1", "https://river.example/old?a=1&b=2")
    assert (old.title, old.author) == ("Café & mill: 3 < 4", "Jo Beispiel")
    assert old.published == datetime(2024, 5, 6, 8, tzinfo=UTC)
    assert STORY in old.html
    assert old.is_full


def test_atom_10():
    """Atom 1.0 gives XHTML content, links by way of every xml:base, and the feed's author where the entry has none."""
    feed = parsed(ATOM_10)
    (entry,) = feed.entries
    assert (feed.title, feed.url) == ("Mill & River", "https://river.example/")
    assert (entry.key, entry.url) == ("urn:example:1", "https://river.example/base/2024/one")
    assert (entry.title, entry.author) == ("The <p> of the mill", "Sam Exempel")
    assert (entry.published, entry.updated) == (
        datetime(2024, 5, 31, 22, 30, tzinfo=UTC),
        datetime(2024, 6, 2, tzinfo=UTC),
    )
    assert STORY in entry.html
    assert '<a href="https://river.example/base/2024/two">' in entry.html
    assert entry.is_full


def test_atom_03():
    """Atom 0.3 gives its escaped content, and the days of issue and modification."""
    (entry,) = parsed(ATOM_03).entries
    assert (entry.key, entry.url, entry.author) == ("tag:1", "https://river.example/one", "Lu Ejemplo")
    assert (entry.published, entry.updated) == (
        datetime(2004, 3, 1, 10, tzinfo=UTC),
        datetime(2004, 3, 2, 10, tzinfo=UTC),
    )
    assert (entry.html, entry.is_full) == (STORY, True)


@pytest.mark.parametrize("text", [JSON_11, JSON_11.replace("/", "\\/")], ids=["plain", "escaped slashes"])
def test_json_feed(text):
    """A JSON Feed gives its items; what is wrong in one is as if it were missing, and costs no other."""
    feed = parsed(text)
    one, two = feed.entries
    assert (feed.title, feed.url) == ("The Mill", "https://river.example/")
    assert (one.key, one.url, one.author) == ("1", "https://river.example/one", "Robin Sample")
    assert (one.published, one.updated) == (datetime(2024, 5, 6, 8, tzinfo=UTC), datetime(2024, 5, 7, 10, tzinfo=UTC))
    assert (one.html, one.is_full) == (STORY, True)
    assert (two.key, two.author, two.published) == ("two", "Robin Sample", None)
    assert two.html == "<p>1 &lt; 2</p><p>and<br>2 &lt; 3</p>"


def test_script_in_content_is_gone():
    """No script, handler, style, frame or address of another scheme is left in an entry's HTML."""
    evil = (
        f'{STORY}<script>steal()</script><img src="x.png" onerror="steal()">'
        '<style>p{}</style><iframe src="/x"></iframe>'
        '<a href="javascript:steal()">here</a><svg><script>steal()</script></svg><p style="x" class="y">end</p>'
    )
    for feed in (rss(encoded(evil)), json.dumps({**json.loads(JSON_11), "items": [{"id": "1", "content_html": evil}]})):
        (entry,) = parsed(feed).entries
        assert "end" in entry.html
        assert not any(word in entry.html for word in ("steal", "script", "onerror", "style", "iframe", "class"))


def test_a_missing_id():
    """Without an id the link is an entry's key, and without a link a hash of its title and content."""
    linked, bare, other = parsed(rss("<title>A</title><link>/a</link>", "<title>B</title>", "<title>C</title>")).entries
    assert linked.key == "https://river.example/a"
    assert bare.key.startswith("sha256:")
    assert bare.key != other.key
    assert parsed(rss("<title>B</title>")).entries[0].key == bare.key


def test_ids_that_are_shared():
    """Of entries with one id and one link the newest stays; an id that several links share is no id."""
    same = "<guid>x</guid><link>/a</link><pubDate>{}</pubDate><title>{}</title>"
    twice = rss(same.format("1 May 2024 10:00:00 GMT", "old"), same.format("2 May 2024 10:00:00 GMT", "new"))
    (entry,) = parsed(twice).entries
    assert (entry.key, entry.title) == ("x", "new")
    several = rss("<guid>x</guid><link>/a</link>", "<guid>x</guid><link>/b</link>", "<guid>y</guid><link>/c</link>")
    assert [one.key for one in parsed(several).entries] == ["https://river.example/a", "https://river.example/b", "y"]


def test_a_key_is_one_short_line():
    """A key is one line of at most 500 characters, and two long ids that differ at their ends stay two."""
    long = "x" * 600
    keys = {
        entry_of(f'<title>A</title><guid isPermaLink="false">{text}</guid>').key
        for text in (f"{long}1", f"{long}2", "a\n  b")
    }
    assert len(keys) == 3
    assert "a b" in keys
    assert all(len(key) <= 500 and "\n" not in key for key in keys)


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        ("Mon, 06 May 2024 10:00:00 GMT", datetime(2024, 5, 6, 10, tzinfo=UTC)),
        ("06 May 2024 10:00 EST", datetime(2024, 5, 6, 15, tzinfo=UTC)),
        ("2024-05-06", datetime(2024, 5, 6, tzinfo=UTC)),
        ("2024-05-06T10:00:00.123+05:30", datetime(2024, 5, 6, 4, 30, tzinfo=UTC)),
        ("Mon, 31 Feb 2024 10:00:00 GMT", None),
        ("Mon, 06 May 2024 99:00:00 GMT", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("99999999999999999999", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates(stated, moment):
    """A date is read in its own time zone and given in UTC; one that is impossible or absurd is none."""
    assert entry_of(f"<title>A</title><pubDate>{stated}</pubDate>").published == moment


def test_a_summary_is_never_the_article():
    """However long a description is, only what the feed calls content can be the whole article."""
    entry = entry_of(f"<description><![CDATA[{STORY}]]></description>")
    assert (entry.html, entry.is_full) == (STORY, False)


@pytest.mark.parametrize(
    "ending",
    [
        "…",
        "...",
        "[…]",
        "[&hellip;]",
        "[...]",
        " Read more",
        " Read More »",
        " Continue reading →",
        " Weiterlesen",
        "（続きを読む）",
        "<p>Continue reading “The keeper of the mill” →</p>",
        "<p>Read more about the keeper of the mill.</p>",
    ],
)
def test_content_that_breaks_off_is_no_article(ending):
    """Content that ends in an ellipsis or points to the rest is a summary, whatever the feed calls it."""
    assert entry_of(encoded(f"{STORY}<p>She wrote it down.</p>")).is_full
    assert not entry_of(encoded(f"{STORY}<p>She wrote it down{ending}</p>")).is_full


def test_short_content_is_no_article():
    """Content of fewer than a hundred words is not taken for the article; letters of Chinese count as words."""
    assert not entry_of(encoded("<p>The river rose.</p>")).is_full
    assert entry_of(encoded("<p>" + "河水上涨了四米。" * 20 + "</p>")).is_full


def test_names_of_characters_and_controls_do_not_matter():
    """HTML's names of characters, impossible references and control characters leave the rest of a feed as it is."""
    entry = entry_of("<title>Caf&eacute;&nbsp;&#0;&#xD800;&#x110000;&nosuch; \x0bend</title><guid>1</guid>")
    assert entry.title.split() == ["Café", "&nosuch;", "end"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "iso-8859-1"])
def test_a_wrongly_declared_encoding(encoding):
    """The text is right whatever encoding the feed declares: the bytes say which it is."""
    text = '<?xml version="1.0" encoding="utf-8"?>' + rss("<title>Größe der Mühle</title><guid>1</guid>")
    assert parsed(text.encode(encoding)).entries[0].title == "Größe der Mühle"


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "prolog",
    [
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE rss [<!ENTITY l11 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss [<!ENTITY l11 PUBLIC "x" "http://127.0.0.1/">]>',
        '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1/p.dtd"> %p;]>',
        '<!DOCTYPE rss [<!ENTITY l11 "small">]>',
        '<!-- <a> --><!DOCTYPE rss [\n<!ENTITY l11 "ha">]>',
        '<!DOCTYPE rss [<!entity l11 "ha">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_that_declares_entities_is_refused(prolog, encoding):
    """A document that declares an entity of any kind, in any encoding, is refused with a reason before it is parsed."""
    feed = rss("<title>&l11;</title><guid>1</guid>")
    assert "<!ENTITY" in message_of((prolog + feed).encode(encoding))


def test_an_entity_that_hides_is_not_expanded():
    """A declaration after what looks like the root declares nothing; its name stays as it is written."""
    feed = rss("<title>&big;</title><guid>1</guid>")
    hidden = f'<!DOCTYPE rss [<!-- <rss> --> <!ENTITY big "{"ha" * 100}">]>{feed}'
    assert "haha" not in str(parsed(hidden).entries[0])


def test_an_article_may_be_about_entities():
    """Content that shows a declaration is content."""
    entry = entry_of(encoded(f'{STORY}<pre>&lt;!ENTITY a "b"></pre>'))
    assert "&lt;!ENTITY" in entry.html


@pytest.mark.parametrize(
    "content",
    [HTML, f"<!-- <rss> -->{HTML}", "plain text", "<urlset></urlset>", "<list><feed/></list>", "{}", "[1]", "<rss"],
)
def test_what_is_no_feed(content):
    """Web pages, other XML, other JSON and plain text are refused, with the remedy."""
    assert "no feed" in message_of(content)
    assert not looks_like_feed(content.encode(), "application/rss+xml")


def test_empty_large_and_binary_data():
    """Nothing, too much, and no text at all are refused, each with its own reason."""
    assert "is empty" in message_of(b" \n")
    assert "too large" in message_of(b"<rss>" + b" " * MAX_BYTES)
    assert "no feed" in message_of(b"%PDF-1.7 \x00\x01")
    assert "binary" in message_of(bytes(range(256)))


def test_deep_nesting():
    """Elements nested without end are refused in XML and JSON, and an entry's HTML is left out for the page's."""
    deep = 100_000
    assert "too deep" in message_of(rss("<a>" * deep + "</a>" * deep))
    assert "too deep" in message_of("<rss>" + "<a>" * deep)
    assert "damaged" in message_of('{"version":"https://jsonfeed.org/version/1.1","items":' + "[" * deep)
    entry = entry_of(encoded("<div>" * 5_000 + STORY))
    assert (entry.html, entry.is_full, entry.url) == ("", False, "https://river.example/a")


@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_truncated_feeds(name):
    """A feed that breaks off anywhere gives whole entries of it or a clear error, and never a part of an article."""
    data = EVERY_FORMAT[name].encode()
    whole = {replace_links(entry) for entry in parse(data, URL).entries}
    for end in range(0, len(data), 97):
        try:
            entries = parse(data[:end], URL).entries
        except UserError:
            continue
        assert {replace_links(entry) for entry in entries} <= whole


def replace_links(entry: Entry) -> tuple[str, str, str | None, str]:
    return entry.key, entry.title, entry.url, entry.html


def test_common_damage():
    """A bare ampersand, an unclosed element or a warning printed before the feed cost no entry."""
    one, two = "<title>Mill &amp; River</title><guid>1</guid>", "<title>B</title><guid>2</guid>"
    for feed in (
        rss(one.replace("&amp;", "&"), two),
        rss(one, two).replace("</channel>", ""),
        "<br />\n<b>Warning</b>: in line 3<br />\n" + rss(one, two),
        "\n\n" + '<?xml version="1.0"?>' + rss(one, two),
    ):
        assert [entry.title for entry in parsed(feed).entries] == ["Mill & River", "B"]


def test_ten_thousand_entries():
    """Of very many entries the newest 200 are given, wherever in the feed they stand."""
    items = (
        f"<title>A</title><guid>{n}</guid><pubDate>{1000 + n // 10:04}-01-{n % 10 + 1:02}</pubDate>"
        for n in range(10_000)
    )
    entries = parsed(rss(*items)).entries
    assert [entry.key for entry in entries] == [str(n) for n in range(9_999, 9_999 - MAX_ENTRIES, -1)]


def test_a_feed_without_entries():
    """A sound feed in which nothing has appeared yet is a feed, and an entry that says nothing is none."""
    assert parsed(rss()).entries == parsed(rss("<guid>1</guid>")).entries == ()


@pytest.mark.parametrize(
    ("ttl", "seconds"), [("1", 300), ("60", 3_600), ("9999999", 604_800), ("-5", None), ("x", None)]
)
def test_the_time_between_looks_is_bounded(ttl, seconds):
    """A feed can ask for no less than five minutes of rest and no more than a week."""
    assert parsed(rss().replace("<title>", f"<ttl>{ttl}</ttl><title>")).ttl == seconds


def test_feeds_are_known_by_their_content():
    """The content decides what is a feed; the stated type only where the content leaves it open."""
    for text in EVERY_FORMAT.values():
        assert looks_like_feed(text.encode(), "text/html")
    assert looks_like_feed(b'{"items": []}', "application/feed+json; charset=utf-8")
    assert not looks_like_feed(b'{"items": []}', "application/json")
    assert not looks_like_feed(b"", "application/rss+xml")
    assert not looks_like_feed(b"\x1f\x8b\x00", "application/rss+xml")


def test_discovery():
    """A page's feeds are found in its order, made absolute with its base, each once; other alternates are none."""
    page = """<html><head><base href="/sub/">
    <link rel="alternate" type="application/rss+xml" href="feed.xml"><link rel="stylesheet" href="rss.css">
    <link rel="Home ALTERNATE" type="Application/Atom+XML; charset=utf-8" href="https://other.example/atom">
    <link rel="alternate" type="application/feed+json" href="//river.example/feed.json">
    <link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">
    <link rel="alternate" type="application/json" href="/feed/json">
    <link rel="alternate" type="application/rss+xml" href="feed.xml">
    <link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
    <link rel="alternate" type="application/rss+xml" href="http://[::1">
    <link rel="alternate" type="application/rss+xml"><link rel="alternate" hreflang="de" href="/de">
    </head><body></body></html>"""
    assert discover(page.encode(), "https://river.example/a/b") == [
        "https://river.example/sub/feed.xml",
        "https://other.example/atom",
        "https://river.example/feed.json",
        "https://river.example/feed/json",
    ]
    many = "".join(f'<link rel=alternate type="application/rss+xml" href="/{n}">' for n in range(50))
    assert discover(many.encode(), URL) == [f"https://river.example/{n}" for n in range(10)]
    for nothing in (b"", b"<!-- -->", b"%PDF-1.7", HTML.encode(), b"<div>" * 10_000):
        assert discover(nothing, URL) == []


def article(entry: Entry):
    return read(entry_article_html(entry), "source", "entry.html")


def test_an_entry_becomes_an_article():
    """The page made of an entry is read as an article with the entry's text, title, author, day and address."""
    (entry,) = parsed(ATOM_10).entries
    made = article(entry)
    assert (made.title, made.author, made.url) == (entry.title, entry.author, entry.url)
    assert made.published == date(2024, 5, 31)
    assert made.text == "\n\n".join([*SENTENCES, "next"])


def test_every_part_of_an_entry_reaches_the_article():
    """Navigation, asides and captions in an entry are its author's words, and stay."""
    parts = "<nav>First part.</nav><aside>Second part.</aside><footer class='comment'>Third part.</footer>"
    made = article(entry_of(encoded(STORY + parts)))
    assert all(f"{number} part." in made.text for number in ("First", "Second", "Third"))


OPEN = ["<!-- ", "<![CDATA[", "<plaintext>", "<textarea>", "<title>", "<script>", "<xmp></xmp><noscript>"]
EVIL = [
    '"><meta name="author" content="Eve">',
    "</article></body></html><html><head><meta name=author content=Eve><title>Eve</title></head><body>",
    '<link rel="canonical" href="https://eve.example/"><base href="https://eve.example/">',
    "<meta property='article:published_time' content='1999-01-01'><time datetime='1999-01-01'>then</time>",
    '<script type="application/ld+json">{"@type":"Article","author":"Eve","datePublished":"1999-01-01"}</script>',
]


@pytest.mark.parametrize("evil", EVIL + OPEN)
def test_nothing_breaks_out_of_its_place(evil):
    """An entry's content can state nothing for its page, and what it opens ends with it."""
    sound = Entry("1", "A title", "https://river.example/a", None, None, None, STORY, True)
    made = article(replace(sound, html=STORY + evil))
    assert (made.title, made.author, made.url, made.published) == (sound.title, None, sound.url, None)
    assert made.text.startswith("\n\n".join(SENTENCES))
    if evil in EVIL:
        assert "\n\n".join(SENTENCES) in article(replace(sound, html=evil + STORY)).text


@pytest.mark.parametrize("evil", EVIL + OPEN)
def test_a_title_and_an_author_stay_what_they_are(evil):
    """Markup in a title is part of the title, and of an author's name it opens nothing."""
    sound = Entry("1", f"T {evil}", "https://river.example/a", f"Elin Muster {evil}", None, None, STORY, True)
    made = article(sound)
    assert (made.title, made.url) == (" ".join(sound.title.split()), sound.url)
    assert made.text == "\n\n".join(SENTENCES)
    assert "Eve" not in (made.author or "") or "Elin" in (made.author or "")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_mutated_feeds(data):
    """Whatever happens to a feed's bytes, it is read or refused with a message, and each entry becomes a page."""
    feed = bytearray(data.draw(st.sampled_from(sorted(EVERY_FORMAT.values()))).encode())
    pieces = st.binary(max_size=4) | st.sampled_from(
        [
            b"<",
            b">",
            b"]]>",
            b"<![CDATA[",
            b"&#x",
            b"&",
            b'"',
            b"</item>",
            b"<entry>",
            b"\x00",
            b"\xff",
            b"<!--",
            b"<!DOCTYPE",
        ]
    )
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(feed)))
        feed[start : start + data.draw(st.integers(0, 200))] = data.draw(pieces)
    try:
        entries = parse(bytes(feed), URL).entries
    except UserError:
        return
    for entry in entries:
        assert 0 < len(entry.key) <= 500
        entry_article_html(entry).decode()
