"""Hostile servers and feeds: where they send on to, how they answer, and what their feeds say."""

import zlib
from collections.abc import Callable
from hashlib import sha256

from hostile_documents import FILE, LAUGHS, pdf, printed
from hostile_texts import page
from hostile_world import FETCH_SECONDS, MIB, PUBLIC, Case, Place, World, indexed, nothing, refused, told
from loopback_web import Behaviour, answer, drip, endless, head, raw, redirect, silent, zeros

HTML = {"Content-Type": "text/html; charset=utf-8"}


def served(name: str, behaviour: Behaviour) -> Place:
    """A page that is answered so."""
    return lambda world: world.page(name, behaviour)


def linked(name: str, text: str, content_type: str = "text/html; charset=utf-8") -> Place:
    """A page of this text, as `World.filled` makes it."""
    return lambda world: world.page(name, answer(body=world.filled(text), content_type=content_type))


# Where nobody may be asked

PRIVATE = "inside a private network"
UNUSED = ("sends on to an address that is not used", PRIVATE)
SPELLINGS = {
    "as it is": "127.0.0.1",
    "of another private machine": "127.0.0.3",
    "as a decimal number": "2130706433",
    "as a hexadecimal number": "0x7f000001",
    "as an octal number": "017700000001",
    "in octal parts": "0177.0.0.01",
    "in hexadecimal parts": "0x7f.0x0.0x0.0x1",
    "in two parts": "127.1",
    "as nothing": "0",
    "of every machine": "0.0.0.0",
    "with zeros before it": "127.000.000.001",
    "with a dot behind it": "127.0.0.1.",
    "in wide digits": "１２７.０.０.１",
    "in circled digits": "①②⑦.⓪.⓪.①",
    "with another script's dots": "127。0。0。1",
    "percent-encoded": "%31%32%37.0.0.1",
    "by the name localhost": "LocalHost",
    "by localhost with a soft hyphen": "local\u00adhost",
    "in IPv6": "[::1]",
    "in IPv6 at length": "[0:0:0:0:0:0:0:1]",
    "in IPv6, as nothing": "[::]",
    "in IPv6, mapped": "[::ffff:127.0.0.1]",
    "in IPv6, mapped, in hexadecimal": "[::ffff:7f00:1]",
    "in IPv6, compatible": "[::127.0.0.1]",
    "in IPv6, by way of NAT64": "[64:ff9b::7f00:1]",
    "in IPv6, by way of 6to4": "[2002:7f00:1::]",
    "in IPv6, with a zone": "[::1%25lo]",
    "behind a user's name": "example.org@127.0.0.1",
    "behind a password": "example.org:80@127.0.0.1",
    "behind a backslash": "127.0.0.1\\@example.org",
    "behind a NUL": "127.0.0.1%00.example.org",
}
TARGETS = {
    "a cloud's inside": "http://169.254.169.254/latest/meta-data/",
    "a router": "http://192.168.1.1/",
    "an inner network": "http://10.0.0.1/",
    "an inner network in IPv6": "http://[fd00:ec2::254]/",
    "everybody": "http://224.0.0.1/",
    "a name that leads inside": "http://inside.example:{port}/",
    "a name that leads outside and inside": "http://mixed.example:{port}/",
    "a port of another service": "http://127.0.0.2:{service}/",
    "a port for mail": f"http://{PUBLIC}:25/",
    "a file": "{secret}",
    "a script": "javascript:alert(1)",
    "data": "data:text/html,a",
    "gopher": "gopher://127.0.0.1:{port}/_GET",
    "half an address": "http://[",
    "a protocol left open": "//127.0.0.1:{port}/",
}


def sending(name: str, target: str) -> Place:
    """A page that sends on; `{service}` becomes a port where no web server is to be expected."""

    def place(world: World) -> str:
        world.host("inside.example", ["127.0.0.1"])
        world.host("mixed.example", [PUBLIC, "127.0.0.1"])
        world.host("localhost", ["127.0.0.1"])
        filled = world.filled(target)
        return world.page(name, redirect(filled))

    return place


REDIRECTS = (
    *(
        refused(f"a redirect to this machine {how}", UNUSED, sending(f"spelling{n}", f"http://{host}:{{port}}/secret"))
        for n, (how, host) in enumerate(SPELLINGS.items())
    ),
    *(
        refused(f"a redirect to {what}", UNUSED, sending(f"target{n}", to))
        for n, (what, to) in enumerate(TARGETS.items())
    ),
    refused("a redirect to nowhere", "sends on", served("nowhere", redirect(""))),
    refused(
        "a redirect to itself", "sends on and on without an end", lambda world: world.page("ring", redirect("/ring"))
    ),
    refused("a chain of redirects", "sends on and on without an end", lambda world: chain(world, 9)),
)


def chain(world: World, length: int) -> str:
    for n in range(length):
        world.web.script(f"/chain{n}", redirect(f"/chain{n + 1}"))
    return world.page("chain", redirect("/chain0"))


def unencrypted(world: World) -> str:
    """https that sends on to http."""
    assert world.secure is not None
    world.secure.script("/down", redirect(world.web.url("/page-down", PUBLIC)))
    world.pages.append(world.secure.url("/down", world.host("secure.example")))
    return world.pages[-1]


def rebinding(world: World) -> str:
    """A name that leads to the web for its robots.txt, and inside for its page."""
    world.pages.append(world.web.url("/secret", world.host("rebinding.example", [PUBLIC], ["127.0.0.1"])))
    return world.pages[-1]


def direct(name: str, url: str) -> Place:
    """A page that was remembered by an address such as nobody should have."""

    def place(world: World) -> str:
        world.host("inside.example", ["127.0.0.1"])
        world.pages.append(world.filled(url))
        return world.pages[-1]

    return place


ADDRESSES = (
    refused("a name that is looked up twice, and leads inside then", PRIVATE, rebinding),
    refused("an address inside", PRIVATE, direct("a", "http://127.0.0.1:{port}/")),
    refused("an address inside, as a number", "names no proper host", direct("b", "http://2130706433:{port}/")),
    refused("a name that leads inside", PRIVATE, direct("c", "http://inside.example:{port}/a")),
    refused(
        "an address with a password",
        "with a user name or password is not used",
        direct("d", "http://user:x@127.0.0.1:{port}/"),
    ),
    refused("an address of a database", "is not one for web pages", direct("e", "http://127.0.0.2:{service}/")),
    refused("an address of a file", "is not a web address", direct("f", "{secret}")),
    refused("https that sends on to http", "sends on to an address without encryption", unencrypted),
)

# How servers answer

CHUNKED = head(headers=HTML | {"Transfer-Encoding": "chunked"})
SLOW = f"took longer than {FETCH_SECONDS} s"
GZIP = HTML | {"Content-Encoding": "gzip"}


def forbidding(name: str, robots: Behaviour | str) -> Place:
    """A page whose robots.txt is answered so, or sends on there; on a server of its own, as each has one of them."""

    def place(world: World) -> str:
        web = world.server()
        web.script("/robots.txt", redirect(world.filled(robots)) if isinstance(robots, str) else robots)
        web.put("/page", page("a page that nobody may have"))
        world.pages.append(web.url("/page", world.host(f"robots-{name}.example")))
        return world.pages[-1]

    return place


ROBOTS = (
    refused(
        "a robots.txt that forbids",
        "asks programs not to read that page",
        forbidding("a", answer(body=b"User-agent: *\nDisallow: /", content_type="text/plain")),
    ),
    refused(
        "a robots.txt without an end that forbids",
        "asks programs not to read that page",
        forbidding("b", endless(head() + b"User-agent: *\nDisallow: /\n", b"# more\n" * 5_000)),
    ),
    refused("a robots.txt that leads inside", PRIVATE, forbidding("c", "http://127.0.0.1:{port}/robots.txt")),
    refused("a robots.txt that never comes", SLOW, forbidding("d", silent())),
)


def compressed(data: bytes, coding: str) -> Behaviour:
    return answer(body=data, headers={"Content-Encoding": coding})


def bomb(coding: str, make: Callable[[], bytes]) -> Place:
    return lambda world: world.page(coding, compressed(make(), coding))


ANSWERS = (
    refused("a server that says nothing", SLOW, served("mute", silent())),
    refused("headers a letter at a time", SLOW, served("headers", drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"))),
    refused("a page a letter at a time", SLOW, served("letters", drip(head(headers=HTML), b"x"))),
    refused("chunks of one letter without an end", SLOW, served("chunks", drip(CHUNKED, b"1\r\nx\r\n"))),
    refused(
        "promises of an answer without an end", SLOW, served("promises", drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
    ),
    refused(
        "a page without an end", "is larger than 10 MiB", served("endless", endless(head(headers=HTML), b"x" * MIB))
    ),
    refused(
        "chunks without an end",
        "is larger than 10 MiB",
        served("stream", endless(CHUNKED, b"100000\r\n" + b"x" * MIB + b"\r\n")),
    ),
    refused(
        "a page that claims 2 GB",
        "is larger than 10 MiB",
        served("claim", silent(head(headers=HTML | {"Content-Length": str(2**31)}))),
    ),
    refused(
        "a page that claims more than any number",
        "…",
        served("claims", raw(head(headers=HTML | {"Content-Length": "9" * 40}) + b"x")),
    ),
    refused("a gzip bomb", "is larger than 10 MiB", bomb("gzip", lambda: zeros(100 * MIB))),
    refused(
        "a deflate bomb",
        "is larger than 10 MiB",
        bomb("deflate", lambda: zlib.compress(bytes(100 * MIB))),
    ),
    refused(
        "a bomb in a bomb",
        "compresses its pages in a way nobody asked for",
        served("gzips", compressed(zeros(MIB), "gzip, gzip")),
    ),
    refused(
        "a coding that nobody asked for",
        "compresses its pages in a way nobody asked for",
        served("brotli", compressed(b"x", "br")),
    ),
    refused(
        "a page that is called compressed, and is not",
        "is damaged (its compression)",
        served("plain", compressed(b"plain text", "gzip")),
    ),
    refused(
        "compression that breaks off",
        "is damaged (its compression)",
        served("half", compressed(zeros(MIB)[:-9], "gzip")),
    ),
    refused(
        "a page that breaks off",
        "broke off before its answer was complete",
        served("short", raw(head(headers=HTML | {"Content-Length": "500"}) + b"<p>Half")),
    ),
    refused(
        "chunks that break off",
        "broke off before its answer was complete",
        served("chunk", raw(CHUNKED + b"ff\r\nhello")),
    ),
    refused("a server that hangs up", "broke off before its answer was complete", served("hangup", raw(b""))),
    refused("a mail server", "is not proper HTTP", served("mail", raw(b"220 mail.example ESMTP\r\n"))),
    refused(
        "a flood of headers",
        ("sends more headers", "is not proper HTTP"),
        served("flood", raw(head(headers=HTML | {f"X-{n}": "x" for n in range(5_000)}))),
    ),
    refused(
        "headers without an end",
        ("sends more headers", "is not proper HTTP"),
        served("fields", endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1_000)),
    ),
    refused(
        "one header without an end",
        "is not proper HTTP",
        served("field", endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 65_536)),
    ),
    refused(
        "two lengths for one page",
        "is not proper HTTP",
        served("lengths", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
    ),
    refused(
        "a picture for a page",
        "holds “image/png”, which is not read here",
        served("picture", answer(body=b"\x89PNG", content_type="image/png")),
    ),
    refused(
        "a picture that is called a page",
        "is not text but PNG data",
        served("lie", answer(body=b"\x89PNG\r\n\x1a\n" + bytes(99))),
    ),
    refused(
        "a video without an end",
        "holds “video/mp4”, which is not read here",
        served("video", endless(head(headers={"Content-Type": "video/mp4"}), b"x" * MIB)),
    ),
    refused("part of a page", "gives an answer that is no page (206)", served("part", answer(206, "half"))),
    refused("a status that nobody has heard of", "has trouble of its own (799)", served("status", answer(799))),
    refused(
        "“not modified” where nobody asked", "gives an answer that is no page (304)", served("unasked", answer(304))
    ),
    refused("a page of nothing", "is empty", served("nothing", answer(body=b""))),
    indexed(
        "a PDF that is called a page",
        "indexed as the PDF that it is",
        "a mistaken server that told",
        served("pdf", answer(body=pdf(printed("a mistaken server")))),
    ),
    indexed(
        "a charset that there is none of",
        "indexed",
        "a page in Klingon that told",
        served("charset", answer(body=page("a page in Klingon"), content_type="text/html; charset=klingon")),
    ),
    indexed(
        "a page that calls another site its own",
        "indexed under its own address",
        "a boastful page that told",
        linked(
            "boast",
            page(
                "a boastful page",
                head='<link rel=canonical href="https://bank.example/"><meta property="og:url" content="https://bank.example/">',
            ),
        ),
    ),
    indexed(
        "a page that calls an inner address its own",
        "indexed under its own address",
        "a modest page that told",
        linked(
            "modest",
            page(
                "a modest page",
                head='<base href="http://127.0.0.1:{port}/"><link rel=canonical href="http://127.0.0.1:{port}/a">',
            ),
        ),
    ),
    indexed(
        "a page that sends on by itself",
        "indexed; only servers are followed",
        "a hasty page that told",
        linked(
            "hasty",
            page(
                "a hasty page",
                head='<meta http-equiv=refresh content="0;url=http://127.0.0.1:{port}/"><script src="http://127.0.0.1:{port}/"></script>',
            ),
        ),
    ),
    indexed(
        "a path that climbs and hides",
        "indexed; it is an address and no path",
        "a climbing page that told",
        lambda world: world.page("climb", answer(body=page("a climbing page")), "/a/..%2F..%2F%00%0A%E2%80%AE.md"),
    ),
)


# Feeds


def feed(name: str, body: str | bytes, content_type: str = "application/rss+xml") -> Place:
    def place(world: World) -> str:
        data = world.filled(body) if isinstance(body, str) else body
        return world.feed(name, answer(body=data, content_type=content_type))

    return place


def rss(*items: str, head: str = "") -> str:
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    channel = f"<channel><title>News</title>{''.join(items)}</channel>"
    return f'<?xml version="1.0"?>{head}<rss version="2.0" {space}>{channel}</rss>'


def item(key: str, text: str, link: str = "") -> str:
    at = f'<guid isPermaLink="false">{key}</guid>' + (f"<link>{link}</link>" if link else "")
    return f"<item><title>News of {key}</title>{at}<description>{text}</description></item>"


def entry(name: str, what: str, link: str = "", more: str = "") -> Place:
    """A feed of one entry that leads there; where that is no page, it is known by the feed's address and its key."""

    def place(world: World) -> str:
        to = world.filled(link)
        url = feed(name, rss(item(name, told(what) + more, to)))(world)
        return to if to.startswith("http") else f"{url}#{name}"

    return place


def astray(world: World) -> str:
    """A feed of one entry, whose page is on the feed's own site, and sends on."""
    world.web.script("/astray-page", redirect(f"http://127.0.0.1:{world.port}/secret"))
    to = world.web.url("/astray-page", "astray.example")
    feed("astray", rss(item("astray", told("a stray entry"), to)))(world)
    return to


def of_entry(key: str, place: Place) -> Place:
    return lambda world: f"{place(world)}#{key}"


def many_entries(world: World) -> str:
    """A feed that says something of its first 200 entries only."""
    entries = (item(f"n{n}", told(f"entry {n}") if n < 200 else "a") for n in range(20_000))
    return of_entry("n0", feed("many", rss(*entries)))(world)


DAMAGED = "is damaged, and no entry of it can be read"

FEEDS = (
    refused(
        "a feed whose entities multiply",
        "declares XML entities",
        feed("laughing", rss(item("a", "&j;"), head=LAUGHS.replace(" d ", " rss "))),
    ),
    refused(
        "an entity in a feed that is a file",
        "declares XML entities",
        feed("filed", rss(item("a", "&j;"), head=FILE.replace(" d ", " rss "))),
    ),
    refused("a page for a feed", "is no feed", feed("paged", page("nobody"), "text/html")),
    refused("a feed of nothing", "is empty and no feed", feed("empty", b"")),
    refused(
        "a picture for a feed",
        "is no feed but binary data",
        feed("binary", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9),
    ),
    refused("a feed 5,000 elements deep", "its elements are nested too deeply", feed("deep", rss("<a>" * 5_000))),
    refused("a feed that breaks off at once", DAMAGED, feed("cut", rss(item("a", told("nobody")))[:190])),
    refused(
        "a JSON feed 100,000 lists deep",
        "is damaged JSON",
        feed(
            "json", '{"version": "https://jsonfeed.org/version/1.1", "items": ' + "[" * 100_000, "application/feed+json"
        ),
    ),
    refused(
        "a feed that is a bomb",
        "is larger than 10 MiB",
        lambda world: world.feed(
            "bombed",
            answer(body=zeros(100 * MIB), content_type="application/rss+xml", headers={"Content-Encoding": "gzip"}),
        ),
    ),
    refused(
        "a feed that leads inside",
        UNUSED,
        lambda world: world.feed("inward", redirect(f"http://127.0.0.1:{world.port}/feed")),
    ),
    nothing("a feed without entries", "nothing; there may be some tomorrow", feed("bare", rss())),
    nothing("entries that say nothing", "nothing", feed("blank", rss("<item></item>" * 5_000))),
    indexed(
        "a feed of 20,000 entries",
        "the newest 200 are indexed",
        "entry 0 that told",
        many_entries,
    ),
    indexed(
        "a feed in another encoding than it says",
        "indexed",
        "a café in a feed that told",
        of_entry(
            "coded",
            feed(
                "coded",
                rss(item("coded", told("a café in a feed")))
                .replace('"1.0"', '"1.0" encoding="utf-8"')
                .encode("cp1252"),
            ),
        ),
    ),
    indexed(
        "an entry whose key has 5,000 characters",
        "indexed under a key of its own",
        "a wordy entry that told",
        of_entry(
            f"sha256:{sha256(b'k' * 5_000).hexdigest()}", feed("wordy", rss(item("k" * 5_000, told("a wordy entry"))))
        ),
    ),
    indexed(
        "an entry that leads to a script",
        "indexed from the feed alone",
        "a scripted entry that told",
        entry("scripted", "a scripted entry", "javascript:alert(1)"),
    ),
    indexed(
        "an entry that leads to a file",
        "indexed from the feed alone",
        "a local entry that told",
        entry("local", "a local entry", "{secret}"),
        lacks="xyzzy",
    ),
    refused(
        "an entry that leads inside", PRIVATE, entry("inner", "nobody", "http://127.0.0.1:{port}/inner"), once=True
    ),
    refused(
        "an entry that leads to a cloud's inside",
        PRIVATE,
        entry("cloudy", "nobody", TARGETS["a cloud's inside"]),
        once=True,
    ),
    indexed(
        "an entry whose own page sends on inside",
        "indexed from the feed alone, with a note",
        "a stray entry that told",
        astray,
    ),
    indexed(
        "scripts in an entry",
        "indexed without them",
        "a lively entry that told",
        entry(
            "lively",
            "a lively entry",
            more="&lt;script&gt;alert(1)&lt;/script&gt;&lt;iframe src='http://127.0.0.1:{port}/'&gt;",
        ),
        lacks="alert",
    ),
)

WEB: tuple[Case, ...] = (*REDIRECTS, *ADDRESSES, *ROBOTS, *ANSWERS, *FEEDS)
