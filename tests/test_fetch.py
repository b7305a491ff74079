"""Fetching: where no connection is made, what is never taken, and how servers are treated."""

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback_web import (
    LoopbackWeb,
    answer,
    drip,
    endless,
    head,
    raw,
    redirect,
    silent,
    zeros,
)

from index.web.fetch import FEEDS, PAGES, Fetcher, FetchError, Validators
from index.web.network import Guard, checked_url, is_public

HERE = ip_network("127.0.0.1/32")
LIMIT = 200_000


def fetcher(**more) -> Fetcher:
    settings = {"user_agent": "Verbatim/0 (test)", "max_bytes": LIMIT, "seconds": 10, "pause": 0}
    return Fetcher(**(settings | {"allowed_networks": [HERE]} | more))


def refused(agent: Fetcher, url: str, **more) -> FetchError:
    with pytest.raises(FetchError) as caught:
        agent.fetch(url, **more)
    return caught.value


@pytest.fixture
def web() -> Iterator[LoopbackWeb]:
    with LoopbackWeb() as server:
        yield server


@pytest.fixture
def agent() -> Iterator[Fetcher]:
    with fetcher() as it:
        yield it


@pytest.fixture
def inside() -> Iterator[LoopbackWeb]:
    """A server that must not be reached."""
    try:
        server = LoopbackWeb("127.0.0.2")
    except OSError:
        pytest.skip("this system has no second loopback address")
    with server:
        yield server


# Where no connection is made

SPELLINGS = (
    "127.0.0.1 127.0.0.1. LOCALHOST localhost localhost. localhost.localdomain 2130706433 0x7f000001 017700000001 "
    "0177.0.0.1 0x7f.0.0.1 0x7f.1 127.1 127.0.1 127.000.000.001 127.0.0.1.. 0 0.0.0.0 00.0.0.0 １２７.0.0.1 "
    "127。0。0。1 127．0．0．1 ①②⑦.0.0.1 ｌｏｃａｌｈｏｓｔ loc\u00adalhost %31%32%37.0.0.1 loc%61lhost "
    "127.0.0.1%00.example 127.0.0.1%2f@example.org user:secret@127.0.0.1 example.org@127.0.0.1 @127.0.0.1 "
    "127.0.0.1\\@example.org [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::FFFF:7F00:1] [::127.0.0.1] [::7f00:1] "
    "[64:ff9b::7f00:1] [64:ff9b::127.0.0.1] [2002:7f00:1::] [::1%25lo] [::1%lo] [fe80::1%25lo]"
).split()


@pytest.fixture(scope="module")
def unreachable() -> Iterator[list[LoopbackWeb]]:
    """One server on IPv4 and, where there is IPv6, one there."""
    servers = [LoopbackWeb()]
    with suppress(OSError):
        servers.append(LoopbackWeb("::1"))
    yield servers
    for server in servers:
        server.close()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_reaches_this_machine(spelling: str, unreachable: list[LoopbackWeb]) -> None:
    """However this machine's own address is written, nobody is connected to."""
    with fetcher(allowed_networks=[]) as agent:
        for server in unreachable:
            refused(agent, f"http://{spelling}:{server.port}/secret")
            assert server.connections == 0


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "127.0.0.2", "fd12::7"])
def test_addresses_are_not_given_away(address: str, inside: LoopbackWeb) -> None:
    """No message says which address a name leads to, whether it is forbidden or nobody answers there."""

    async def look_up(host: str) -> list[str]:
        return [address]

    with LoopbackWeb() as closed, fetcher(look_up=look_up) as agent:
        closed.close()
        assert address not in str(refused(agent, closed.url("/", "secret.example")))


@pytest.mark.parametrize(
    "host",
    """10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1 100.64.0.1 100.100.100.200 192.0.0.1
    192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
    0.1.2.3 168.63.129.16 192.88.99.1 [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1] [ff02::1] [2001:db8::1] [3fff::1]
    [2001::1] [2001:2::1] [2001:10::1] [100::1] [64:ff9b::a9fe:a9fe] [64:ff9b::10.0.0.1] [64:ff9b:1::1]
    [2002:a9fe:a9fe::1] [2002:a00:1::] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::10.0.0.1] [::ffff:0:10.0.0.1]
    [5f00::1] [4000::1]""".split(),
)
def test_addresses_that_are_not_public_are_forbidden(host: str, agent: Fetcher) -> None:
    """Private, local, shared, reserved, metadata and tunnelled addresses are refused for good, with one message."""
    error = refused(agent, f"http://{host}/")
    assert error.permanent and "inside a private network" in str(error)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_special_passes_for_public(address: IPv4Address | IPv6Address) -> None:
    """An address that Python's registry knows as not global is never taken for public."""
    assert not is_public(address) or (address.is_global and not address.is_multicast)


@pytest.mark.parametrize("host", "93.184.215.14 8.8.8.8 2606:2800:220:1::1 2a00:1450:4001::1 64:ff9b::808:808".split())
def test_public_addresses_are_public(host: str) -> None:
    """Addresses of the public internet may be connected to, also by way of NAT64."""
    assert is_public(ip_address(host))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/",
        "http://2130706434:{port}/",
        "http://0x7f.2:{port}/",
        "http://127.2:{port}/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "http://127。0。0。2:{port}/",
        "http://user:x@127.0.0.2:{port}/",
        "http://inside.example:{port}/",
        "HTTP://127.0.0.2:{port}",
        "//127.0.0.2:{port}/",
        "http://127.0.0.2:22/",
        "http://127.0.0.2:6379/",
        "gopher://127.0.0.2:{port}/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://",
        "http://[",
        "http://\udcff/",
        "\\\\127.0.0.2:{port}/",
        "",
    ],
)
@pytest.mark.parametrize("status", [301, 307])
def test_redirects_do_not_lead_inside(target: str, status: int, web: LoopbackWeb, inside: LoopbackWeb) -> None:
    """A redirect from an allowed server to a forbidden or unusable address is not followed: nobody is connected to."""

    async def look_up(host: str) -> list[str]:
        return ["127.0.0.2"]

    web.script("/a", redirect(target.format(port=inside.port), status))
    with fetcher(look_up=look_up) as agent:
        refused(agent, web.url("/a"))
    assert inside.connections == 0


def test_redirects_to_another_allowed_host_are_checked_by_name_too(web: LoopbackWeb, inside: LoopbackWeb) -> None:
    """A chain that goes on through allowed servers still ends where it would lead inside."""
    web.script("/a", redirect("/b", 301))
    web.script("/b", redirect(inside.url("/secret"), 302))
    with fetcher() as agent:
        assert "private network" in str(refused(agent, web.url("/a")))
    assert web.paths == ["/robots.txt", "/a", "/b"] and inside.connections == 0


def test_a_name_is_looked_up_once_for_each_connection(web: LoopbackWeb, inside: LoopbackWeb) -> None:
    """What was checked is what is connected to: a name server that changes its mind afterwards is not asked again."""
    asked = []

    async def look_up(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) <= 2 else ["127.0.0.2"]

    web.put("/a", "fine")
    with fetcher(look_up=look_up) as agent:
        assert agent.fetch(web.url("/a", "rebind.example")).data == b"fine"
        assert len(asked) == web.connections == 2  # robots.txt and the page
        assert "private network" in str(refused(agent, web.url("/a", "rebind.example")))
    assert len(asked) == 3 and web.connections == 2 and inside.connections == 0


def test_rebinding_between_robots_and_page_reaches_nobody(web: LoopbackWeb, inside: LoopbackWeb) -> None:
    """A name whose robots.txt came from an allowed address is checked again for the page."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])

    async def look_up(host: str) -> list[str]:
        return next(answers)

    with fetcher(look_up=look_up) as agent:
        refused(agent, f"http://rebind.example:{inside.port}/a")
    assert inside.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "fe80::1%lo"], ["::ffff:127.0.0.1"]],
)
def test_one_forbidden_address_refuses_the_host(addresses: list[str], web: LoopbackWeb) -> None:
    """A name with an allowed address beside a forbidden one is refused as a whole."""

    async def look_up(host: str) -> list[str]:
        return addresses

    with fetcher(look_up=look_up) as agent:
        assert refused(agent, web.url("/", "mixed.example")).permanent
    assert web.connections == 0


def test_the_socket_itself_is_guarded(web: LoopbackWeb) -> None:
    """Literal addresses, which resolvers never see, are refused where the socket is made."""

    async def connect() -> None:
        async with aiohttp.ClientSession(connector=Guard().connector()) as session:
            await session.get(web.url("/"))

    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(connect())
    assert web.connections == 0


def test_an_operator_can_allow_a_network(web: LoopbackWeb, agent: Fetcher) -> None:
    """An allowed network is reached; other spellings of its addresses still are not."""
    web.put("/a", "fine")
    assert agent.fetch(web.url("/a")).data == b"fine"
    refused(agent, web.url("/a", "[::ffff:127.0.0.1]"))
    refused(agent, web.url("/a", "127.1"))
    assert web.paths == ["/robots.txt", "/a"]


@pytest.mark.parametrize(
    "url",
    """example.org ftp://example.org/ file:///etc/passwd //example.org/ http:/example.org http:// http:///x
    http://u@example.org/ http://u:p@example.org/ http://:@example.org/ http://example.org:99999/ http://example.org:x/
    http://a..b/ http://-a.org/ http://exa_mple!.org/ http://[::1/ http://[v1.a:b]/ http://1.2.3/ http://1.2.3.4.5/
    http://256.1.1.1/ http://a.0x1/ http://a／b.org/""".split()
    + ["", "http://a b/", "http://exa\nmple.org/", "http://example.org/\x00", "http://\udc80.org/"]
    + [
        f"http://{'a' * 64}.org/",
        f"http://{'a.' * 130}org/",
        f"http://a.org/{'a' * 2_000}",
        f"http://a.org/{'ü' * 999}",
    ]
    + [f"http://example.org:{port}/" for port in (0, 1, 21, 22, 23, 25, 81, 110, 445, 3306, 5432, 6379, 9200, 11211)],
)
def test_what_is_no_usable_web_address(url: str) -> None:
    """Other schemes, passwords, odd hosts, service ports and endless addresses are refused before anything is done."""
    with pytest.raises(FetchError) as caught:
        checked_url(url)
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        (" HTTP://Example.ORG.:80/a/../b#part ", "http://example.org/b"),
        ("https://bücher.example/ü?q=ä", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4"),
        ("https://example.org:8443/a%2Fb", "https://example.org:8443/a%2Fb"),
        ("http://[2606:2800:220:0:0::1]/", "http://[2606:2800:220::1]/"),
        ("http://sub_domain.example.org", "http://sub_domain.example.org/"),
    ],
)
def test_web_addresses_have_one_form(url: str, normal: str) -> None:
    """Case, default ports, last dots, fragments and international names are brought into one form."""
    assert str(checked_url(url)).rstrip("/") == normal.rstrip("/")


# What is never taken

CHUNKED = head(headers={"Content-Type": "text/html", "Transfer-Encoding": "chunked"})
GZIP = {"Content-Encoding": "gzip"}
DEFLATE = {"Content-Encoding": "deflate"}
HOSTILE = {
    "more than the limit": (answer(body=b"x" * (LIMIT + 1)), "larger than"),
    "a claim of 2 GB": (silent(head(headers={"Content-Length": str(2 * 2**30)})), "larger than"),
    "a claim beyond all numbers": (raw(head(headers={"Content-Length": "9" * 40}) + b"x"), ""),
    "a negative length": (raw(head(headers={"Content-Length": "-5"}) + b"x"), "not proper HTTP"),
    "two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "not proper HTTP"),
    "endless without a length": (endless(head(), b"x" * 65_536), "larger than"),
    "endless in chunks": (endless(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), "larger than"),
    "a bomb": (answer(body=zeros(64 * 2**20), headers=GZIP), "larger than"),
    "a bomb in deflate": (answer(body=zlib.compress(bytes(2**24)), headers=DEFLATE), "larger"),
    "a bomb in a bomb": (answer(body=zeros(2**20), headers={"Content-Encoding": "gzip, gzip"}), "compresses"),
    "stacked codings": (answer(body=b"x", headers={"Content-Encoding": "deflate, gzip"}), "compresses"),
    "brotli": (answer(body=b"x", headers={"Content-Encoding": "br"}), "compresses"),
    "an unknown coding": (answer(body=b"x", headers={"Content-Encoding": "\udcff"}), ""),
    "gzip that is none": (answer(body=b"plain text", headers=GZIP), "damaged"),
    "gzip cut short": (answer(body=zeros(9_999)[:-9], headers=GZIP), "damaged"),
    "something after gzip": (answer(body=zeros(9) + b"<p>more", headers=GZIP), "damaged"),
    "deflate cut short": (answer(body=zlib.compress(b"x" * 99)[:-5], headers=DEFLATE), "damaged"),
    "less than its length": (raw(head(headers={"Content-Length": "500"}) + b"<p>Half of it"), "broke off"),
    "no last chunk": (raw(CHUNKED + b"5\r\nhello\r\n"), "broke off"),
    "half a chunk": (raw(CHUNKED + b"ff\r\nhello"), "broke off"),
    "chunks without sizes": (raw(CHUNKED + b"hello, world\r\n\r\n"), ""),
    "a chunk of 2 GB": (raw(CHUNKED + b"80000000\r\nhello"), ""),
    "nothing at all": (raw(b""), "broke off"),
    "no HTTP": (raw(b"220 mail.example ESMTP\r\n"), "not proper HTTP"),
    "half a header": (raw(b"HTTP/1.1 200 OK\r\nContent-"), "broke off"),
    "a flood of headers": (raw(head(headers={f"X-{n}": "x" for n in range(500)}) + b"x"), ""),
    "endless headers": (endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1_000), ""),
    "one endless header": (endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 65_536), ""),
    "much in a few headers": (raw(head(headers={f"X-{n}": "x" * 8_000 for n in range(20)}) + b"x"), "more headers"),
    "a control character in a header": (raw(b"HTTP/1.1 200 OK\r\nX-A: \x00\r\n\r\nx"), "not proper HTTP"),
    "a redirect to nowhere": (answer(302), "sends on"),
    "redirects without end": (redirect("/hostile"), "on and on"),
    "a picture": (answer(body=b"\x89PNG", content_type="image/png"), "“image/png”"),
    "a video": (endless(head(headers={"Content-Type": "video/mp4"}), b"x" * 65_536), "“video/mp4”"),
    "a script": (answer(body=b"x", content_type="Application/JavaScript; charset=utf-8"), "“application/javascript”"),
    "a feed for a page": (answer(body=b"<rss/>", content_type="application/rss+xml"), "“application/rss+xml”"),
    "part of a page": (answer(206, b"half"), "no page"),
    "nothing in it": (answer(204), "no page"),
    "not modified, unasked": (answer(304), "no page"),
    "not for programs": (answer(403), "does not give out"),
    "trouble": (answer(500), "trouble of its own"),
    "an unheard-of status": (answer(799), "trouble of its own"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers(name: str, web: LoopbackWeb, agent: Fetcher) -> None:
    """Whatever a server does, it ends with a message for people, and the next page is fetched as ever."""
    behaviour, words = HOSTILE[name]
    web.script("/hostile", behaviour)
    web.put("/good", "fine")
    error = refused(agent, web.url("/hostile"))
    assert words in str(error) and len(str(error)) < 300
    assert agent.fetch(web.url("/good")).data == b"fine"


@pytest.mark.parametrize(
    "behaviour",
    [
        silent(),
        silent(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
        silent(head(headers={"Content-Length": "100"}) + b"<p>"),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n", every=0.1),
        drip(head(), b"x"),
        drip(CHUNKED, b"1\r\nx\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        drip(head(headers=GZIP) + zeros(9)[:10], b"\x00\x00\x00\xff\xff"),
        endless(CHUNKED, b"0" * 65_536),
    ],
    ids="silent headers body drip-header drip-headers drip-body drip-chunks continue hints gzip chunk-size".split(),
)
def test_slow_answers_end(behaviour, web: LoopbackWeb) -> None:
    """A server that never ends is left when the time for the whole fetch is up, however busy it seems."""
    web.script("/slow", behaviour)
    with fetcher(seconds=0.5) as agent:
        assert "took longer than 0.5 s" in str(refused(agent, web.url("/slow")))


def test_the_time_is_for_the_whole_fetch(web: LoopbackWeb) -> None:
    """Redirects that are each quick enough do not add up to more than the time for all of them."""

    def slowly(talk) -> None:
        talk.wait(0.3)
        talk.send(head(302, {"Location": f"{talk.request.path}a"}))

    for n in range(9):
        web.script("/" + n * "a", slowly)
    with fetcher(seconds=0.8, max_redirects=20) as agent:
        assert "took longer" in str(refused(agent, web.url("/")))
    assert len(web.paths) <= 4


def test_a_bomb_takes_little_memory(web: LoopbackWeb, agent: Fetcher) -> None:
    """Expanding stops at the limit, so that memory stays near it."""
    web.script("/bomb", HOSTILE["a bomb"][0])
    agent.fetch(web.put("/warm", "up"))
    tracemalloc.start()
    try:
        refused(agent, web.url("/bomb"))
        assert tracemalloc.get_traced_memory()[1] < 10 * LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count", [5, 6])
def test_redirects_are_counted(count: int, web: LoopbackWeb, agent: Fetcher) -> None:
    """Five redirects are followed, six are not."""
    for n in range(count):
        web.script(f"/{n}", redirect(f"/{n + 1}"))
    web.put(f"/{count}", "fine")
    if count == 5:
        assert agent.fetch(web.url("/0")).url == web.url("/5")
    else:
        assert "on and on" in str(refused(agent, web.url("/0")))


@pytest.mark.parametrize(
    ("statuses", "moved"), [([], False), ([301], True), ([308, 301], True), ([301, 302], False), ([307], False)]
)
def test_what_has_moved_for_good(statuses: list[int], moved: bool, web: LoopbackWeb, agent: Fetcher) -> None:
    """A page has moved where every redirect on the way is a permanent one."""
    for n, status in enumerate(statuses):
        web.script(f"/{n}", redirect(f"{n + 1}#part", status))
    web.put(f"/{len(statuses)}", "fine")
    found = agent.fetch(web.url("/0"))
    assert (found.moved, found.url) == (moved, web.url(f"/{len(statuses)}"))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "raw deflate", "identity", ""])
def test_compressed_pages_are_expanded(coding: str, web: LoopbackWeb, agent: Fetcher) -> None:
    """gzip and both things that are called deflate come out as they were."""
    page = b"<p>Every word. " * 1_000
    wbits = {"deflate": 15, "raw deflate": -15, "identity": 0, "": 0}.get(coding, 31)
    packer = zlib.compressobj(wbits=wbits) if wbits else None
    body = packer.compress(page) + packer.flush() if packer else page
    web.put("/a", body, headers={"Content-Encoding": coding.removeprefix("raw ")} if coding else None)
    assert agent.fetch(web.url("/a")).data == page
    assert web.requests[-1].headers["accept-encoding"] == "gzip, deflate"


def test_a_page_of_exactly_the_limit_is_taken(web: LoopbackWeb, agent: Fetcher) -> None:
    """The limit itself is allowed, as sent and as expanded."""
    assert len(agent.fetch(web.put("/a", b"x" * LIMIT)).data) == LIMIT
    assert len(agent.fetch(web.put("/b", zeros(LIMIT), headers=GZIP)).data) == LIMIT


@pytest.mark.parametrize(
    ("stated", "kind", "charset"),
    [
        ("Text/HTML; Charset=ISO-8859-1", "text/html", "iso-8859-1"),
        ('text/plain;charset="UTF-8"', "text/plain", "utf-8"),
        ("application/octet-stream", "application/octet-stream", None),
        ("application/pdf; charset=\x1b", "application/pdf", None),
        ("nonsense", "", None),
        ("", "", None),
    ],
)
def test_types_are_kept_as_stated(stated: str, kind: str, charset: str | None, web: LoopbackWeb) -> None:
    """The media type and the charset that the server states are handed on; none at all is taken, as content decides."""
    web.script("/a", raw(f"HTTP/1.1 200 OK\r\nContent-Type: {stated}\r\n\r\nfine".encode().replace(b"\x1b", b"")))
    with fetcher() as agent:
        found = agent.fetch(web.url("/a"))
    assert (found.content_type, found.charset, found.data) == (kind, charset, b"fine")


def test_who_wants_a_feed_gets_one(web: LoopbackWeb, agent: Fetcher) -> None:
    """What is accepted is the caller's choice, and the server is told."""
    web.put("/feed", "<rss/>", "application/rss+xml")
    assert agent.fetch(web.url("/feed"), accept=FEEDS | PAGES).content_type == "application/rss+xml"
    assert "application/rss+xml" in web.requests[-1].headers["accept"]


@pytest.mark.parametrize("status", [404, 410])
def test_pages_that_are_gone(status: int, web: LoopbackWeb, agent: Fetcher) -> None:
    """404 and 410 say that there is no such page any more, and that trying again makes no sense."""
    error = refused(agent, web.script("/a", answer(status)))
    assert error.gone and error.permanent


def test_nobody_answers(agent: Fetcher) -> None:
    """A refused connection is an error that may pass."""
    with LoopbackWeb() as server:
        url = server.url("/")
    assert not refused(agent, url).permanent


def test_an_unknown_name(web: LoopbackWeb) -> None:
    """A name that cannot be looked up is said to be that."""

    async def look_up(host: str) -> list[str]:
        raise socket.gaierror("no such name")

    with fetcher(look_up=look_up) as agent:
        assert "no host nobody.example" in str(refused(agent, "http://nobody.example/"))


# Conditional requests


def test_unchanged_pages_are_not_sent_again(web: LoopbackWeb, agent: Fetcher) -> None:
    """With what the server said last time, it can answer that nothing changed, and what it said is kept."""
    web.put("/a", "one", etag='"1"', headers={"Last-Modified": "Mon, 01 Jun 2026 00:00:00 GMT"})
    first = agent.fetch(web.url("/a"))
    again = agent.fetch(web.url("/a"), validators=first.validators)
    assert (again.not_modified, again.data, again.validators) == (True, b"", first.validators)
    assert web.requests[-1].headers["if-modified-since"] == "Mon, 01 Jun 2026 00:00:00 GMT"
    web.put("/a", "two", etag='"2"')
    changed = agent.fetch(web.url("/a"), validators=first.validators)
    assert (changed.not_modified, changed.data, changed.validators) == (False, b"two", Validators(etag='"2"'))


@pytest.mark.parametrize("value", ['"1"\r\nX-Evil: 1', '"1"\n', '"ü"', '"\x00"', "x" * 501, ""])
def test_unsafe_validators_are_not_sent(value: str, web: LoopbackWeb, agent: Fetcher) -> None:
    """A validator that could not stand in a header as it is asks unconditionally instead."""
    assert agent.fetch(web.put("/a", "one"), validators=Validators(value, value)).data == b"one"
    assert not {"if-none-match", "if-modified-since", "x-evil"} & set(web.requests[-1].headers)


def test_a_server_is_told_no_more_than_it_needs(web: LoopbackWeb, agent: Fetcher) -> None:
    """Cookies are not kept, and where one comes from is not told; the user agent is as it was given."""
    web.script("/a", answer(302, headers={"Location": "/b", "Set-Cookie": "a=b"}))
    agent.fetch(web.put("/b", "fine").replace("/b", "/a"))
    for request in web.requests:
        assert not {"cookie", "referer", "authorization"} & set(request.headers)
        assert request.headers["user-agent"] == "Verbatim/0 (test)"


# Manners


def test_one_request_at_a_time_and_host(web: LoopbackWeb, agent: Fetcher) -> None:
    """Many threads ask one host one after the other."""

    busy, busiest = set(), []

    def slowly(talk) -> None:
        busy.add(talk)
        talk.wait(0.02)
        busiest.append(len(busy))
        busy.remove(talk)
        answer(body="fine")(talk)

    urls = [web.script(f"/{n}", slowly) for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        assert {found.data for found in pool.map(agent.fetch, urls)} == {b"fine"}
    assert busiest == [1] * 12 and web.paths.count("/robots.txt") == 1


def test_other_hosts_are_not_waited_for(web: LoopbackWeb, inside: LoopbackWeb) -> None:
    """While one host keeps silent, another one answers."""
    web.script("/silent", silent())
    with fetcher(allowed_networks=[ip_network("127.0.0.0/8")]) as agent, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agent.fetch, web.url("/silent"))
        assert agent.fetch(inside.put("/a", "fine")).data == b"fine"
        agent.cancel()
        assert isinstance(waiting.exception(), FetchError)


@pytest.mark.parametrize("robots", [None, "User-agent: *\nCrawl-delay: 0.4"])
def test_a_host_gets_its_pauses(robots: str | None, web: LoopbackWeb) -> None:
    """Between two requests to one host lies at least the pause, or the longer one that its robots.txt asks for."""
    if robots:
        web.put("/robots.txt", robots, "text/plain")
    with fetcher(pause=0.15) as agent:
        for path in "abc":
            agent.fetch(web.put(f"/{path}", "fine"))
    times = [request.at for request in web.requests]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert min(pauses) >= 0.14
    assert robots is None or min(pauses[1:]) >= 0.39  # the first was before its robots.txt was known


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_host_that_wants_to_be_left_alone_is(status: int, form: str, web: LoopbackWeb, agent: Fetcher) -> None:
    """After Retry-After the host is not asked again until the time has come; the error says how long that is."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=7_100), usegmt=True)
    web.script("/a", answer(status, headers={"Retry-After": "7100" if form == "seconds" else date}))
    first = refused(agent, web.url("/a"))
    later = refused(agent, web.put("/b", "fine"))
    assert web.paths == ["/robots.txt", "/a"]
    for error in (first, later):
        assert error.retry_after is not None and 6_900 < error.retry_after <= 7_100 and not error.permanent
    assert "minutes" in str(later)


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [("9" * 30, 7 * 86_400), ("-5", None), ("soon", None), ("Mon, 01 Jan 2001 00:00:00 GMT", None)],
)
def test_odd_retry_after(stated: str, seconds: float | None, web: LoopbackWeb, agent: Fetcher) -> None:
    """Nobody is left alone for more than a week, and nonsense is not remembered."""
    web.script("/a", answer(503, headers={"Retry-After": stated}), answer(body="fine"))
    assert refused(agent, web.url("/a")).retry_after == seconds
    if seconds is None:
        assert agent.fetch(web.url("/a")).data == b"fine"


RULES = {
    "User-agent: *\nDisallow: /private": {"/private/a": False, "/public": True},
    "User-agent: verbatim\nDisallow: /\n\nUser-agent: *\nAllow: /": {"/a": False},
    "User-agent: *\nDisallow: /\n\nUser-agent: Verbatim/1.0\nAllow: /": {"/a": True},
    "User-agent: *\nDisallow: /\n\nUser-agent: verb\nAllow: /": {"/a": False},
    "User-agent: somebody\nUser-agent: else\nDisallow: /": {"/a": True},
    "User-agent: one\nDisallow: /x\nUser-agent: *\nDisallow: /a$\nDisallow: /*.pdf": {
        "/a": False,
        "/ab": True,
        "/q.pdf": False,
    },
    "\ufeffUSER-AGENT: * # all\nDisallow: /private\nAllow: /private/open": {"/private": False, "/private/open": True},
    "User-agent: *\nDisallow:": {"/a": True},
    "<html>not a robots.txt</html>\x00\xff": {"/a": True},
    "": {"/a": True},
}


@pytest.mark.parametrize("text", RULES)
def test_robots_rules_are_minded(text: str, web: LoopbackWeb, agent: Fetcher) -> None:
    """What a robots.txt forbids is not asked for, and the error names it."""
    web.put("/robots.txt", text, "text/plain")
    for path, allowed in RULES[text].items():
        url = web.put(path, "fine")
        if allowed:
            assert agent.fetch(url).data == b"fine"
        else:
            error = refused(agent, url)
            assert error.permanent and "robots.txt" in str(error)
    assert web.paths.count("/robots.txt") == 1
    assert not {path for path, allowed in RULES[text].items() if not allowed} & set(web.paths)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_no_robots_file_allows_everything(status: int, web: LoopbackWeb, agent: Fetcher) -> None:
    """Where there is no robots.txt, pages may be read."""
    web.script("/robots.txt", answer(status))
    assert agent.fetch(web.put("/a", "fine")).data == b"fine"


@pytest.mark.parametrize("behaviour", [answer(500), answer(503), answer(429), raw(b""), redirect("/robots.txt")])
def test_an_unreadable_robots_file_forbids_everything(behaviour, web: LoopbackWeb) -> None:
    """While a robots.txt cannot be had, the pages are left alone, and it is not asked for again at once."""
    web.script("/robots.txt", behaviour)
    with fetcher(pause=0.01) as agent:
        for _ in range(2):
            assert not refused(agent, web.put("/a", "fine")).permanent
    assert web.paths == ["/robots.txt"]


def test_robots_files_are_followed_and_guarded(web: LoopbackWeb, inside: LoopbackWeb, agent: Fetcher) -> None:
    """A robots.txt may be elsewhere, but not inside; both ways of saying so are the same to a page."""
    web.script("/robots.txt", redirect("/rules"), redirect(inside.url("/robots.txt")))
    web.put("/rules", "User-agent: *\nDisallow: /a", "text/plain")
    assert "robots.txt" in str(refused(agent, web.put("/a", "fine")))
    with fetcher() as another:
        assert "private network" in str(refused(another, web.url("/a")))
    assert inside.connections == 0


def test_the_target_of_a_redirect_has_its_own_robots_file(web: LoopbackWeb, agent: Fetcher) -> None:
    """A page that may be read does not lead to one on another server that may not."""
    with LoopbackWeb() as other:
        other.put("/robots.txt", "User-agent: *\nDisallow: /", "text/plain")
        assert "robots.txt" in str(refused(agent, web.script("/a", redirect(other.url("/b")))))
        assert other.paths == ["/robots.txt"]


def test_an_endless_robots_file_is_read_to_its_limit(web: LoopbackWeb, agent: Fetcher) -> None:
    """Of a robots.txt the first 500 KB count; the rest is not read."""
    web.script("/robots.txt", endless(head() + b"User-agent: *\nDisallow: /private\n", b"# more\n" * 5_000))
    assert agent.fetch(web.put("/a", "fine")).data == b"fine"
    assert "robots.txt" in str(refused(agent, web.url("/private")))


def test_a_robots_file_with_many_names_takes_little_memory(web: LoopbackWeb, agent: Fetcher) -> None:
    """Rules for thousands of other programs are not multiplied in memory."""
    names = "".join(f"User   agent x{n}\nUser-Agent : y{n}\n" for n in range(1_000))
    web.put("/robots.txt", names + "".join(f"Allow: /{n}\n" for n in range(1_000)) + "Disallow: /", "text/plain")
    tracemalloc.start()
    try:
        assert agent.fetch(web.put("/a", "fine")).data == b"fine"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


# Stopping


def test_cancelling_ends_what_runs_and_what_comes(web: LoopbackWeb) -> None:
    """Cancelled, a fetcher ends what it is at, what waits for its turn and whatever comes later, and asks no more."""
    asked = threading.Event()

    def behave(talk) -> None:
        asked.set()
        talk.wait()

    web.script("/silent", behave)
    with fetcher(seconds=600) as agent, ThreadPoolExecutor(3) as pool:
        running = [pool.submit(agent.fetch, web.url("/silent")) for _ in range(3)]
        assert asked.wait(10)
        agent.cancel()
        assert all("stopped" in str(future.exception(10)) for future in running)
        assert "stopped" in str(refused(agent, web.url("/a")))
    assert web.paths == ["/robots.txt", "/silent"]


def test_closing_twice_is_fine(web: LoopbackWeb) -> None:
    """A closed fetcher says so, and can be closed again."""
    agent = fetcher()
    agent.close()
    agent.close()
    assert "stopped" in str(refused(agent, web.url("/")))


# Encryption


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate, with its key, that nobody vouches for."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl makes the certificate")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", file, "-out", file.with_suffix(".crt")]
    subprocess.run([openssl, *kind.split(), *names], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[LoopbackWeb]:
    """A server that speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with LoopbackWeb(tls=context) as server:
        yield server


def test_a_certificate_must_be_valid(secure: LoopbackWeb, agent: Fetcher) -> None:
    """A server whose certificate nobody vouches for gets no request, only a clear message."""
    assert "certificate" in str(refused(agent, secure.put("/a", "fine")))
    assert secure.connections > 0 and not secure.requests


def test_a_server_without_encryption_is_not_asked_for_it(web: LoopbackWeb, agent: Fetcher) -> None:
    """https to a server that speaks plain HTTP is an error that says so."""
    assert "secure connection" in str(refused(agent, web.url("/").replace("http:", "https:")))


def test_redirects_never_drop_encryption(
    secure: LoopbackWeb, web: LoopbackWeb, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect from http to https is followed, one back is not: on that way anyone could change the page."""
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    with fetcher() as agent:
        assert agent.fetch(web.script("/up", redirect(secure.put("/c", "fine")))).data == b"fine"
        assert agent.fetch(secure.script("/stay", redirect("/c"))).data == b"fine"
        assert "without encryption" in str(refused(agent, secure.script("/down", redirect(web.put("/b", "fine")))))
    assert web.paths == ["/robots.txt", "/up"]
