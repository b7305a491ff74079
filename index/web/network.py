"""Where the fetcher may connect to: which addresses on the web are proper ones, and which machines may be reached.

It knows nothing of what is fetched. A name is looked up once for each connection; what was checked is what is connected
to, so that a name server that changes its mind in between (DNS rebinding) gains nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from index.errors import UserError

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""A host's name → its addresses as text; raises OSError where it has none."""

MAX_URL = 2_000  # characters
_MAX_HOST = 253
_MOST_ADDRESSES = 8  # of one host that are tried

_AUTHORITY = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

# Of the ports below 1024 only the web's own two. Above, everything but those where something else than a web server
# is usual (mail, databases, remote control, IRC…), so that nobody has it spoken to by way of Verbatim.
_WEB_PORTS = frozenset({80, 443})
_SERVICE_PORTS = frozenset(
    int(port)
    for port in """1080 1433 1521 1719 1720 1723 2049 2181 2375 2376 2379 2380 3128 3306 3389 3659 4045 4190 5060 5061
    5432 5672 5900 5938 5985 5986 6000 6379 6443 6566 6665 6666 6667 6668 6669 6679 6697 9042 9092 9100 9200 9300 10080
    10250 11211 27017 27018 50070""".split()
)

# After IANA's registries of special addresses, and stricter: what only tunnels would carry is refused altogether.
_FORBIDDEN_V4 = tuple(
    IPv4Network(network)
    for network in """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
    192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24
    198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4""".split()
)  # 168.63.129.16 looks public, but is a cloud's inside, as is 169.254.169.254
_GLOBAL_V6 = IPv6Network("2000::/3")  # mapped and compatible IPv4, local, site-local and multicast lie outside
_FORBIDDEN_V6 = tuple(
    IPv6Network(network) for network in "2001::/23 2001:db8::/32 2002::/16 3ffe::/16 3fff::/20".split()
)  # Teredo and other protocols' own, documentation, 6to4, an old experiment, documentation
_NAT64 = IPv6Network("64:ff9b::/96")  # how networks without IPv4 reach it: the last 32 bits are the IPv4 address


class FetchError(UserError):
    """Something could not be fetched; the message says why, and what to do.

    `retry_after` is how many seconds the server asked to be left alone. `permanent`: trying again later makes no
    sense. `gone`: there is no such page any more.
    """

    def __init__(
        self,
        template: str,
        /,
        *,
        retry_after: float | None = None,
        permanent: bool = False,
        gone: bool = False,
        **values: object,
    ) -> None:
        super().__init__(template, **values)
        self.retry_after = retry_after
        self.permanent = permanent or gone
        self.gone = gone


class ForbiddenAddress(OSError):
    """A connection that is not made. An OSError, since that is what the connector's machinery carries through whole."""


def is_public(address: IPAddress) -> bool:
    """Whether `address` is one machine's on the public internet; False wherever there is doubt."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_V6 and not any(address in network for network in _FORBIDDEN_V6)


def checked_url(text: str) -> URL:
    """`text` as an address that may be asked for, in its normal form and without a fragment.

    Raises:
        FetchError: it is none, or has a password, an unusual port, or a host that is spelled to mislead.
    """
    text = text.strip()
    authority = _AUTHORITY.match(text)
    if authority is None or _CONTROL.search(text):
        raise FetchError("That is not a web address: it must begin with http:// or https://.", permanent=True)
    if "@" in authority[1]:
        raise FetchError("A web address with a user name or password is not used: leave them out.", permanent=True)
    try:
        url = URL(text[: MAX_URL + 1]).with_fragment(None)
        # A % would be a host in disguise, or a zone, which only has a meaning inside one network.
        host = "" if "%" in authority[1] else _checked_host(url.raw_host or "")
        url = url.with_host(host)
    except ValueError:
        raise FetchError(
            "That web address names no proper host. Copy it from the browser, and write numbers as in 192.0.2.1.",
            permanent=True,
        ) from None
    if len(text) > MAX_URL or len(str(url)) > MAX_URL:
        raise FetchError(
            "That web address is longer than {limit} characters: use a shorter one.", permanent=True, limit=MAX_URL
        )
    port = url.port or 0
    if port not in _WEB_PORTS and (port < 1024 or port in _SERVICE_PORTS):
        raise FetchError(
            "Port {port} is not one for web pages: use an address without it.", permanent=True, port=str(port)
        )
    return url


def _checked_host(host: str) -> str:
    """`host`, already in lower case and ASCII, without its last dot; ValueError if it is no name and no plain address.

    Anything that some system would read as an IPv4 address (127.1, 0x7f.1, 2130706433) must be written in full.
    """
    host = host.removesuffix(".")
    if ":" in host:
        return str(IPv6Address(host))
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return str(IPv4Address(host))
    if len(host) > _MAX_HOST or not _NAME.fullmatch(host):
        raise ValueError("no host name")
    return host


async def look_up(host: str) -> Sequence[str]:
    """The addresses of `host` as this machine's resolver knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard(AbstractResolver):
    """Looks names up and makes sockets, and does both only for addresses that may be connected to.

    `allowed` are networks that the operator allows although they are not public.
    """

    def __init__(self, allowed: Sequence[IPNetwork] = (), look_up: LookUp = look_up) -> None:
        self._allowed = tuple(allowed)
        self._look_up = look_up

    def connector(self) -> aiohttp.TCPConnector:
        """For one session. It remembers no name and keeps no connection, so every request is checked anew."""
        return aiohttp.TCPConnector(
            resolver=self, socket_factory=self._socket, use_dns_cache=False, force_close=True, limit=1
        )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of `host`, all of them allowed.

        One that is not refuses the host as a whole: an honest name has no private address beside a public one, and
        leaving it out would let whoever mixes them try which of the two is taken.
        """
        addresses = [self._checked(address) for address in await self._look_up(host)]
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses[:_MOST_ADDRESSES]
        ]

    async def close(self) -> None:
        """Nothing is held open."""

    def _checked(self, text: str) -> IPAddress:
        address = ip_address(text)
        scoped = isinstance(address, IPv6Address) and address.scope_id is not None
        if scoped or not (is_public(address) or any(address in network for network in self._allowed)):
            raise ForbiddenAddress("not a public address")
        return address

    def _socket(self, info: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """A socket for the very address that is connected to next; literals come here without `resolve`."""
        family, kind, protocol, _, (host, *_) = info
        self._checked(str(host))
        return socket.socket(family, kind, protocol)
