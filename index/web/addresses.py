"""One string for one page, however its address is spelt; and the site that a page belongs to.

Pure: it asks no server, so it knows neither redirects nor the canonical address that a page states. Two pages must
never come out the same; where a rule might merge two, it is left out, and a duplicate is missed instead.
"""

import re
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit

from yarl import URL

from index.readers import metadata

TRACKING_PREFIXES: tuple[str, ...] = ("utm_", "mtm_", "matomo_", "piwik_", "hsa_")
"""Beginnings of parameters (in lower case) that tell where a reader came from, and never which page it is."""

TRACKING: frozenset[str] = frozenset(
    "fbclid gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _ga _gl msclkid yclid ysclid "
    "twclid ttclid igshid igsh li_fat_id epik sccid rb_clickid wickedid fb_action_ids fb_action_types fb_source fb_ref "
    "mc_cid mc_eid mkt_tok _hsenc _hsmi __hssc __hstc __hsfp hsctatracking vero_id vero_conv oly_anon_id oly_enc_id "
    "ml_subscriber ml_subscriber_hash elqtrack elqtrackid _openstat _branch_match_id guccounter guce_referrer "
    "guce_referrer_sig pk_campaign pk_kwd pk_source pk_medium usqp amp_js_v amp_gsa".split()
)
"""Parameters (in lower case) of advertising, newsletters and AMP caches. `ref`, `source`, `from`, `id` and the like
are not among them: there are sites where they tell pages apart."""

_SHARED_HOSTS = re.compile(  # each name below one of these is somebody's own site, even one called "www" or "m"
    r"(?:(?:github|gitlab|bitbucket)\.io|blogspot\.[a-z.]{2,6}|wordpress\.com|tumblr\.com|substack\.com|netlify\.app"
    r"|vercel\.app|pages\.dev|workers\.dev|web\.app|firebaseapp\.com|herokuapp\.com|neocities\.org|livejournal\.com)"
)
# An AMP page in a cache: …cdn.ampproject.org/c/s/example.com/story and google.com/amp/s/example.com/story.
_AMP_CACHE = re.compile(
    r"https://(?:(?:[a-z0-9-]+\.)?cdn\.ampproject\.org/[cv]|google\.[a-z.]{2,6}/amp)/(s/)?([^/?#]+\.[^/?#]+.*)"
)
# "amp" at the end of a path or in a host may be what the page is about; it is taken for a spelling only where the
# rest names an article: a name of three words or more, a number or year of four digits or more, or a file of HTML.
_ARTICLE = re.compile(r"/[^/]*\w[-_]\w[^/]*[-_]\w[^/]*$|\d{4}|\.html?$")
_INDEX = re.compile(r"/index\.html?$")
_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_RESERVED = "!$&'()*+,;=:@/?"


def normalised(url: str) -> str:
    """The address by which a page is told from others; a key, not for fetching. Normalising twice changes nothing.

    Alike are: http and https on their own ports; hosts in any case, in Unicode or Punycode, with and without "www.";
    a path with and without "/" or "/index.html" at its end; any spelling of an escape; any order of parameters, and
    any that only track (`TRACKING`); fragments, but for routes (`#!…`, `#/…`); and an article and its AMP page.
    What is no web address comes back without the blanks around it.
    """
    stated = metadata.url(url)
    if stated is None:
        return url.strip()
    key = _key(stated)
    while found := _AMP_CACHE.fullmatch(key):
        cached = metadata.url(f"{'https' if found.group(1) else 'http'}://{found.group(2)}")
        if cached is None:
            break
        key = _key(cached)
    return key


def site_of(url: str) -> str:
    """The host of a page in lower case, without "www.", "m." and "amp."; empty for what is no web address."""
    if metadata.url(url) is None:
        return ""
    return _bare(urlsplit(normalised(url)).hostname or "", ("www", "m", "mobile", "amp"))


def _key(url: str) -> str:
    parts = urlsplit(url)
    path = _path(parts.path)
    host = _bare(_host(parts), ("www", "amp") if _ARTICLE.search(path) else ("www",))
    query = _query(parts.query)
    route = "#" + _escaped(parts.fragment) if parts.fragment.startswith(("!", "/")) else ""
    return f"{_origin(parts, host)}{path}{'?' * bool(query)}{query}{route}"


def _origin(parts: SplitResult, host: str) -> str:
    """The scheme, which is kept only beside a port that is not its own, and the host."""
    name = f"[{host}]" if ":" in host else host
    if parts.port is None or (parts.scheme, parts.port) in {("http", 80), ("https", 443)}:
        return f"https://{name}"
    return f"{parts.scheme}://{name}:{parts.port}"


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        host = URL.build(scheme="https", host=host).raw_host or host
    except ValueError:  # no name that could be looked up
        host = host if ":" in host else quote(host).lower()
    return host.rstrip(".") or host


def _bare(host: str, prefixes: tuple[str, ...]) -> str:
    """The host without these names in front, as long as a domain is left that is one site."""
    while True:
        first, _, rest = host.partition(".")
        if first not in prefixes or "." not in rest or _SHARED_HOSTS.fullmatch(rest):
            return host
        host = rest


def _path(path: str) -> str:
    path = _without_dots(_escaped(path))
    while True:
        shorter = _INDEX.sub("", path.rstrip("/"))
        if shorter.endswith(".amp.html"):
            shorter = shorter.removesuffix(".amp.html") + ".html"
        elif shorter.endswith("/amp") and _ARTICLE.search(shorter[: -len("/amp")].rstrip("/")):
            shorter = shorter.removesuffix("/amp")
        if shorter == path:
            return path or "/"
        path = shorter


def _without_dots(path: str) -> str:
    """The path after each "." and ".." in it was followed."""
    kept: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    return "".join(f"/{part}" for part in kept)


def untracked(url: str) -> str:
    """The address as it is, but for parameters that only track and a fragment that is no route: to be fetched."""
    head, mark, fragment = url.partition("#")
    path, question, query = head.partition("?")
    kept = "&".join(pair for pair in query.split("&") if not _tracks(pair) or pair.partition("=")[0] == "amp")
    return path + (question + kept if kept else "") + (mark + fragment if fragment.startswith(("!", "/")) else "")


def _query(query: str) -> str:
    """The parameters in the order of their names; those of one name stay in their order, which may mean something."""
    pairs = [_escaped(pair) for pair in query.split("&") if pair and not _tracks(pair)]
    return "&".join(sorted(pairs, key=lambda pair: pair.partition("=")[0]))


def _tracks(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = unquote(name).lower()
    is_amp = name == "amp" and value in {"", "1", "true"}
    return is_amp or name in TRACKING or name.startswith(TRACKING_PREFIXES)


def _escaped(text: str) -> str:
    """The text with escapes in capitals, and none for the characters that never need one (letters, digits, -._~)."""
    text = _ESCAPE.sub("%25", text)
    pieces = re.split("(%[0-9A-Fa-f]{2})", text)
    return "".join(
        _escape(piece) if index % 2 else quote(piece, safe=_RESERVED + "%") for index, piece in enumerate(pieces)
    )


def _escape(triplet: str) -> str:
    return quote(unquote_to_bytes(triplet), safe="")
