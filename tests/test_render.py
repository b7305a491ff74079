"""What answers look like in Discord: whatever an article says, the message fits, is safe and quotes verbatim."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs import lists, quoting, render, reports
from cogs.additions import Addition
from cogs.markdown import cut, escape, label, link, quoted, safe_url, unescape, width, without_folders
from cogs.marking import underlined
from cogs.service import Shelf
from cogs.sources import Listed, Refreshed
from cogs.speech import LANGUAGES, speaking
from index.ledger import Source
from index.report import Progress, Settled, SyncReport
from index.stored import StoredArticle
from retrieval.answer import Answer, Citation, Confidence, Hit, Passage

NASTY = [
    "# heading",
    "-# small print",
    "- item",
    "1. item",
    "> quote",
    ">>> all of it",
    "**bold** __under__ *it* _it_ ~~gone~~",
    "||spoiler||",
    "`code` ```py\nblock\n```",
    "[a link](https://evil.example)",
    "<https://evil.example>",
    "https://evil.example/a_b_c",
    "discord.gg/abcdef",
    "https://discord.gg/abcdef https://discord.com/invite/abcdef [join](https://discord.gg/abcdef)",
    "<@123> <@!123> <@&123> <#123> @everyone @here",
    "<t:1700000000:R> <:emoji:123> <a:emoji:123> <id:customize> </ask:123> :smile:",
    "¯\\_(ツ)_/¯",
    "ends in a backslash \\",
    "**",
    "a\u202eright to left",
    "two\nlines\n# and a heading",
    "sep\u2028# heading\u2029- item",
]
# Text as an article may hold it: any character, and plenty of those that mean something to Discord.
marks = st.text(  # repeated, since long texts take long to make up
    st.sampled_from("\\*_~|`[]()<>@#:/-+.>1 2a\n\t \u202e\u2066\u2069\u202c\u200b\u2028é🦉"), max_size=30
)
texts = st.builds(
    lambda text, times: (text * times)[:700],
    st.one_of(st.text(max_size=30), marks, st.sampled_from(NASTY)).filter(lambda text: text.strip()),
    st.sampled_from([1, 2, 50, 700]),
)
urls = st.one_of(
    st.none(),
    st.text(max_size=60),
    st.builds("https://example.org/{}".format, st.builds(lambda text: text * 200, st.text(max_size=15))),
    st.sampled_from(["https://discord.gg/abcdef", "https://discord.com/invite/a", "https://a.b/?to=discord.gg/a"]),
    st.sampled_from(["javascript:alert(1)", "https://user@evil.example/", "http://[::1", "https://a.b/c)d(e>f"]),
)


def stored(title="A title", url=None, **parts):
    values = {"id": 1, "source": "/srv/articles/a.md", "states_title": True, "author": None, "published": None}
    values |= {"indexed_at": datetime(2026, 5, 6, tzinfo=UTC), "sentences": 3}
    return StoredArticle(title=title, url=url, **(values | parts))


def citation(text="A sentence.", **article):
    return Citation(stored(**article), 0, len(text), text)


def hit(text="A sentence.", before=None, after=None, also_in=(), confidence=Confidence.STRONG, **article):
    differing = tuple(article.pop("differing", ()))
    return Hit(citation(text, **article), before, after, tuple(also_in), 1.0, 0.9, confidence, differing)


def found(*hits, question=""):
    return Answer(question, hits)


def only_near(hit, question=""):
    return Answer(question, (), nearest=hit)


@st.composite
def hits(draw):
    neighbour = st.one_of(st.none(), texts)
    also_in = draw(st.lists(st.builds(lambda t, u: citation(title=t, url=u), texts, urls), max_size=5))
    values = {"title": draw(texts), "url": draw(urls), "published": draw(st.one_of(st.none(), st.dates()))}
    values["updated"] = draw(st.one_of(st.none(), st.dates()))
    values["pages"] = draw(st.sampled_from([(), (0,), (0,) * 12_345]))
    values["differing"] = draw(
        st.lists(st.builds(lambda s, t, u: citation(s, title=t, url=u), texts, texts, urls), max_size=4)
    )
    parts = (draw(texts), draw(neighbour), draw(neighbour), also_in, draw(st.sampled_from(Confidence)))
    return hit(*parts, **values)


def quotes(text):
    """The block quotes of a message, as a reader sees them, without what is bold or underlined being so."""
    lines = [line.removeprefix("> ") for line in text.split("\n") if line.startswith("> ")]
    bare = re.sub(r"(\\.)|\*\*|__", lambda match: match[1] or "", "\n".join(lines), flags=re.DOTALL)
    return unescape(bare)


@given(texts)
def test_unescaping_gives_the_text_back(text):
    """What a reader sees of an escaped text is the text, and it is at most twice as long."""
    assert unescape(escape(text)) == text
    assert len(escape(text)) <= 2 * len(text)


LIVE = re.compile(  # what Discord would give a meaning to, with an even number of backslashes before it
    r"(?<!\\)(?:\\\\)*(?:[*_~|`\[\]<>@#]|:(?=\S)|(?<=discord\.gg)/)"
    r"|(?:\A|[\n\r\u2028\u2029])\s*(?:[-+]|\d+[.)])"
)


@given(texts)
def test_nothing_keeps_its_meaning(text):
    """No character of an escaped text that opens markup is left without its backslash."""
    assert not LIVE.search(escape(text))


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text(text):
    """Each kind of Discord's markup is disarmed, and seen as it was written."""
    assert not LIVE.search(escape(text))
    assert unescape(escape(text)) == text
    embed = render.answer(found(hit(text, text, text, title=text))).embeds[0]
    assert undirected(text) in undirected(quotes(embed.description))
    assert "\u202e" not in embed.title


@given(texts, st.integers(1, 300))
def test_cutting(text, limit):
    """A cut text fits once escaped, is a beginning of the text, and says by … that it was cut."""
    short = cut(text, limit)
    assert width(escape(short)) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_cut_at_a_words_border():
    """Text is cut between words where there are words, and anywhere where there are none."""
    assert cut("one two three", 10) == "one two…"
    assert cut("x" * 20, 10) == "x" * 9 + "…"


@given(texts)
def test_a_quote_ends_what_it_begins(text):
    """Changes of writing direction inside a quoted line end with the line."""
    for line in quoted(text).split("\n"):
        isolates = 0
        for character in line:
            isolates = max(0, isolates + (character in "\u2066\u2067\u2068") - (character == "\u2069"))
        assert isolates == 0
        assert line.startswith("> ")
    assert quoted("a \u202eb \u2067c\nd") == "> a \u202eb \u2067c\u2069\u202c\n> d"


@given(st.lists(hits(), min_size=1, max_size=10), st.one_of(st.none(), texts), st.booleans(), st.booleans())
@settings(deadline=None)
def test_every_answer_fits(several, question, links, numbered):
    """Whatever articles say and people ask, an answer keeps Discord's limits, and quotes its sentences verbatim."""
    asked = found(*several, question=f"{question} {several[0].citation.text} {several[0].before}")
    numbers = range(1, len(several) + 1) if numbered else ()
    reply = render.answer(asked, question=question, links=links, numbers=numbers)
    assert 1 <= len(reply.embeds) <= 10
    assert reply.hits == len(reply.embeds)
    total = 0
    for shown, one in zip(reply.embeds, several, strict=False):
        assert 1 <= width(shown.title) <= 256
        assert width(shown.description) <= 4_096
        assert shown.url is None or (links and width(shown.url) <= 2_048 and shown.url.startswith("http"))
        assert undirected(one.citation.text) in undirected(quotes(shown.description))
        total += width(shown.title) + width(shown.description) + width(shown.author.name or "")
    assert total <= 6_000
    assert width(reply.embeds[0].author.name or "") <= 256


@given(st.lists(hits(), min_size=1, max_size=10), st.booleans())
@settings(deadline=None)
def test_every_plain_answer_fits(several, numbered):
    """The answer for channels without embeds is one ordinary message, which holds at least the first sentence."""
    asked = found(*several, question=several[0].citation.text)
    reply = render.plain_answer(asked, numbers=range(8, len(several) + 8) if numbered else ())
    text = reply.content
    assert 1 <= reply.hits <= len(several)
    assert width(text) <= 2_000
    # A quote of hundreds of lines may take more room than there is, and is then shown on one line.
    if "\n" not in several[0].citation.text:
        assert undirected(several[0].citation.text) in undirected(quotes(text))


def undirected(text):
    """The text without changes of writing direction, which a quote ends by more of them."""
    return re.sub("[\u202a-\u202e\u2066-\u2069]", "", text)


def test_an_answer():
    """An answer shows the sentence in bold between its neighbours, its linked title, confidence, date and twins."""
    twin = citation("A twin.", title="Another [title]", url="https://example.org/b")
    one = hit(
        "It was opened in 1932.",
        "It crosses the Wend.",
        "Its towers are green.",
        [twin],
        title="The *Tallow* Bridge",
        url="https://example.org/a",
        published=date(2024, 5, 6),
    )
    (embed,) = render.answer(found(one), question="When was it opened?").embeds
    assert embed.author.name == "When was it opened?"
    assert embed.title == r"The \*Tallow\* Bridge"
    assert embed.url == "https://example.org/a#:~:text=It%20was%20opened%20in%201932."
    assert embed.description.split("\n") == [
        "> It crosses the Wend.",
        "> **It was opened in 1932.**",
        "> Its towers are green.",
        "-# Strong match · example.org · 6 May 2024",
        r"-# Also in: [Another \[title\]](<https://example.org/b>)",
    ]


def test_corroboration_is_named_with_its_dates():
    """Who says the same is named with date and link, in the order given, the first three; the others are counted."""
    twins = [citation(title=f"Twin {n}", published=date(2025, 1, n)) for n in range(1, 6)]
    (embed,) = render.answer(found(hit(also_in=twins))).embeds
    said = "Also in: Twin 1 (1 January 2025), Twin 2 (2 January 2025), Twin 3 (3 January 2025) and 2 more places"
    assert embed.description.split("\n")[-1] == f"-# {said}"
    assert said in render.plain_answer(found(hit(also_in=twins))).content


def test_other_figures_are_quoted():
    """Sentences with other figures are quoted below, each with its article and date; of many the first two."""
    others = [
        citation(f"It was opened in 193{n}.", title=f"*Other* {n}", published=date(2025, 1, n)) for n in range(1, 5)
    ]
    (embed,) = render.answer(found(hit("It was opened in 1930.", differing=others))).embeds
    assert embed.description.split("\n")[2:] == [
        "**Other figures:**",
        "> It was opened in 1931.",
        r"-# \*Other\* 1 (1 January 2025)",
        "> It was opened in 1932.",
        r"-# \*Other\* 2 (2 January 2025)",
        r"-# Other figures in: \*Other\* 3 (3 January 2025) and \*Other\* 4 (4 January 2025)",
    ]
    text = render.plain_answer(found(hit("It was opened in 1930.", differing=others))).content
    assert "> It was opened in 1931." in text


def test_a_sentence_with_other_figures_links_to_itself():
    """Where another figure stands is linked, scrolled to the sentence; without links it is named alone."""
    one = hit(differing=[citation("It is 9 m long.", url="https://example.org/b")])
    assert "<https://example.org/b#:~:text=It%20is%209%20m%20long.>" in render.answer(found(one)).embeds[0].description
    assert "example.org" not in render.answer(found(one), links=False).embeds[0].description


def test_other_figures_give_way_before_hits_do():
    """Where room is short, other figures are counted and not quoted; every hit is shown, and every sentence whole."""
    long = "*" * 690 + " end."
    others = [citation(long, title="*" * 300, url=f"https://example.org/{'x' * 200}") for _ in range(20)]
    reply = render.answer(found(*[hit(long, title="t", differing=others, also_in=others) for _ in range(3)]))
    assert len(reply.embeds) == 3
    for embed in reply.embeds:
        assert long in quotes(embed.description)
        assert "igures in" in embed.description
    text = render.plain_answer(found(hit(long, differing=others, also_in=others))).content
    assert long in quotes(text)
    assert "Also in 20 places" in text
    assert "Other figures in 20 places" in text


def test_answers_without_links():
    """An answer that Discord refused for an address can be said again without any."""
    one = hit(also_in=[citation(url="https://example.org/b")], url="https://example.org/a")
    for reply in (render.answer(found(one), links=False), render.plain_answer(found(one), links=False)):
        assert "example.org" not in str([reply.content, *(embed.to_dict() for embed in reply.embeds)])
    assert "example.org" in render.plain_answer(found(one)).content


def test_confidence_is_said_in_words():
    """Each band has words of its own, and a weak match is told to be checked."""
    said = {band: render.answer(found(hit(confidence=band))).embeds[0].description for band in Confidence}
    assert "Strong match" in said[Confidence.STRONG]
    assert "Likely match" in said[Confidence.LIKELY]
    assert "check the source" in said[Confidence.WEAK]


def test_no_path_of_the_host_is_shown():
    """An operator's file shows no path: an article without an address has no link."""
    (embed,) = render.answer(found(hit())).embeds
    assert embed.url is None
    assert "srv" not in f"{embed.to_dict()}"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "https://",
        "http://localhost/",
        "https://u:p@a.example/",
        "http://[::1",
        "https://a..b/",
        "https://a.b:99999",
        "https://discord.gg/abcdef",
        "https://DISCORD.com/invite/abcdef",
        "https://ptb.discord.com/template/abcdef",
        "https://discord.com/application-directory/1",
        "https://discord.com/oauth2/authorize?client_id=1",
        "https://discord.com/api/oauth2/authorize?client_id=1",
        "https://a.example/?next=https://discord.gg/abcdef",
        "https://discord.gift/abcdef",
    ],
)
def test_addresses_that_are_none(url):
    """Only addresses of the web that name a host become links, and none that Discord would make an invite of."""
    assert safe_url(url) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://münchen.de/über", "https://xn--mnchen-3ya.de/%C3%BCber"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("HTTPS://A.Example/B", "https://a.example/B"),
        ("https://a_b.example/", "https://a_b.example/"),
        ("https://a.example.:8080?q#f", "https://a.example:8080?q#f"),
    ],
)
def test_addresses_in_other_spellings(url, shown):
    """An address becomes a link in whatever script or case its host is written."""
    assert safe_url(url) == shown


def test_an_address_cannot_end_its_markup():
    """Brackets, blanks and line ends in an address are encoded."""
    assert safe_url("https://a.example/x>) [y](z\n") == "https://a.example/x%3E%29%20%5By%5D%28z%0A"
    assert link("a](b", "https://a.example/") == r"[a\](b](<https://a.example/>)"


def test_long_answers_drop_neighbours_first():
    """Three sentences of the greatest length are all shown whole; what stands around them gives way."""
    long = "*" * 690 + " end."
    reply = render.answer(found(*[hit(long, "before " * 60, "after " * 60, title="*" * 300) for _ in range(3)]))
    assert len(reply.embeds) == 3
    assert all(long in quotes(embed.description) for embed in reply.embeds)


def test_nothing_found():
    """Nothing found says where was looked and how articles are added."""
    text = render.nothing_found(12, 1).content
    assert "12 articles of this server and 1 shared article" in text
    assert "/articles add" in text
    assert "spelling" in text
    assert "No articles are indexed" in render.nothing_found(0, 0).content
    outside = render.nothing_found(0, 1, in_server=False).content
    assert "server" not in outside
    assert "1 shared article" in outside


@given(hits(), texts, st.booleans(), st.booleans())
@settings(deadline=None)
def test_every_nearest_fits(one, question, embeds, links):
    """Whatever articles say, the nearest keeps Discord's limits, and its sentence stands in it verbatim."""
    bare = render.nearest(only_near(one, question), embeds=embeds, links=links)
    reply = render.headed(bare, question=question, searched=question)
    shown = reply.embeds[0].description if embeds else bare.content
    assert len(reply.embeds) == embeds
    assert width(reply.content) <= 2_000
    assert width(shown) <= 4_096
    if embeds or "\n" not in one.citation.text:
        assert undirected(one.citation.text) in undirected(quotes(shown))


def test_the_nearest_is_no_answer():
    """The nearest stands alone below "nothing found", neither bold nor with a confidence, in a colour of its own."""
    one = hit("It was *opened* in 1932.", "Before it.", also_in=[citation(title="Twin")], published=date(2024, 5, 6))
    reply = render.nearest(only_near(one))
    said = "**Nothing found that surely answers.** The nearest sentence:"
    below = [r"> It was \*opened\* in 1932.", "-# 6 May 2024", "-# Also in: Twin"]
    (embed,) = reply.embeds
    assert reply.content == said
    assert embed.description.split("\n") == below
    assert embed.colour.value not in {colour for _, colour in quoting.WORDS.values()}
    plain = render.nearest(only_near(one), embeds=False)
    assert plain.embeds == ()
    assert plain.content.split("\n") == [said, "A title", *below]
    assert render.nearest(only_near(hit()), embeds=False).content.split("\n") == [said, "A title", "> A sentence."]


def test_a_title_is_not_said_twice():
    """Where an article's title is also the line before the sentence, it stands above the quotation only."""
    one = hit("It opened at noon.", "The Bridge", "It rained.", title="The bridge")
    (embed,) = render.answer(found(one)).embeds
    assert embed.description.split("\n")[:2] == ["> **It opened at noon.**", "> It rained."]


def test_the_nearest_without_links():
    """The nearest links to its sentence, and can be said again without any address."""
    one = hit(url="https://example.org/a", also_in=[citation(url="https://example.org/b")])
    address = "https://example.org/a#:~:text=A%20sentence."
    near = only_near(one)
    assert render.nearest(near).embeds[0].url == address
    assert f"[A title](<{address}>)" in render.nearest(near, embeds=False).content
    for reply in (render.nearest(near, links=False), render.nearest(near, embeds=False, links=False)):
        assert "example.org" not in str([reply.content, *(embed.to_dict() for embed in reply.embeds)])


@pytest.mark.parametrize("embeds", [True, False])
def test_the_nearest_names_its_question(embeds):
    """The question above the nearest is read back from it, however much text is around the sentence."""
    one = hit("A sentence. " * 30, "before " * 60, "after " * 60, url=f"https://example.org/{'x' * 150}")
    reply = render.headed(
        render.nearest(only_near(one), embeds=embeds), question="When was it?", searched="it, Tallow Bridge"
    )
    assert render.question_of(reply.content, reply.embeds) == "When was it?"


def test_pages_and_corrections():
    """A sentence of a document with pages names its page and links to it; an article that was corrected says when."""
    parts = {"url": "https://example.org/a.pdf#top", "pages": (0, 40, 80), "published": date(2024, 5, 6)}
    one = hit(**parts, updated=date(2024, 5, 8))
    one = replace(one, citation=replace(one.citation, start=41, end=52))
    (embed,) = render.answer(found(one)).embeds
    assert embed.url == "https://example.org/a.pdf#page=2"
    assert "-# Strong match · example.org · p. 2 · 6 May 2024 · corrected 8 May 2024" in embed.description.split("\n")
    twin = hit(also_in=[one.citation])
    said = "-# Also in: [A title](<https://example.org/a.pdf#top>), p. 2 (6 May 2024, corrected 8 May 2024)"
    assert said in render.answer(found(twin)).embeds[0].description
    same_day = hit(published=date(2024, 5, 6), updated=date(2024, 5, 6))
    assert "corrected" not in render.answer(found(same_day)).embeds[0].description


# -- what stands out, and what an answer is called by


def test_matched_words_of_a_long_sentence():
    """In a sentence too long to be read at a glance, the question's words are underlined, whatever their form."""
    long = (
        "The Tallow Bridge, which crosses the river Wend below the old mill and its weir, was *opened* by the mayor in "
    )
    long += "1932, after three winters of work on the two towers."
    (embed,) = render.answer(found(hit(long), question="When did they open the Tallow Bridge?")).embeds
    said = embed.description.split("\n")[0]
    assert said.startswith("> **The __Tallow Bridge__, which crosses")
    assert r"was \*__opened__\* by" in said
    assert quotes(embed.description) == long
    (embed,) = render.answer(found(hit("It opened in 1932."), question="When did it open?")).embeds
    assert embed.description.split("\n")[0] == "> **It opened in 1932.**"


def test_matched_words_around_a_sentence():
    """What the sentence leaves to its neighbours, such as its subject, is underlined there, and nothing else."""
    one = hit("It opened in 1932.", "The Tallow Bridge opened late.", "Bridges are green.")
    (embed,) = render.answer(found(one, question="When did the Tallow Bridge open?")).embeds
    assert embed.description.split("\n")[:3] == [
        "> The __Tallow Bridge__ opened late.",
        "> **It opened in 1932.**",
        "> __Bridges__ are green.",
    ]


@given(texts, st.lists(st.sampled_from(["a", "1", "2a", "evil", "text", "example", "de", "über"]), max_size=3))
def test_underlining_changes_no_word(text, wanted):
    """Underlining hides nothing of a text, gives no markup in it a meaning, and ends wherever it begins."""
    marked = underlined(text, frozenset(wanted), "en")
    bare = re.sub(r"(\\.)|__", lambda match: match[1] or "", marked, flags=re.DOTALL)
    assert unescape(bare) == text
    assert not LIVE.search(bare)
    assert [one for one in re.findall(r"\\.|(__)", marked, flags=re.DOTALL) if one].count("__") % 2 == 0


def test_several_hits_have_numbers():
    """Where there are several hits, each is called by its number; the first has more of the text around it."""
    several = [hit(f"Sentence {n}.", "before " * 40, title=f"Title {n}") for n in (1, 2)]
    reply = render.answer(found(*several), numbers=(4, 6))
    assert [embed.title for embed in reply.embeds] == ["4 · Title 1", "6 · Title 2"]
    assert len(reply.embeds[0].description) > len(reply.embeds[1].description)
    assert render.plain_answer(found(*several), numbers=(4, 6)).content.count(" · Title ") == 2


def test_where_an_article_is_from():
    """The site that an article is from is named as people know it, and what comes from Discord by that name."""
    for url, site in {
        "https://www.example.org/a": "example.org",
        "https://m\u00fcnchen.de/": "m\u00fcnchen.de",
        "https://discord.com/channels/1/2/3": "Discord",
        "https://a_b.example": r"a\_b.example",
    }.items():
        assert f"-# Strong match · {site}" in render.answer(found(hit(url=url))).embeds[0].description.split("\n")


def test_a_question_about_one_article():
    """Where one article was asked in vain, it is named, disarmed."""
    reply = render.nothing_found(3, 0, only="The *Tallow* Bridge")
    assert r"“The \*Tallow\* Bridge”" in reply.content


# -- the text around a sentence


@given(texts, st.lists(st.one_of(st.just(""), texts), min_size=2, max_size=2), urls, st.booleans())
@settings(deadline=None)
def test_every_passage_fits(text, around, url, embeds):
    """Whatever an article says, a passage of it keeps Discord's limits, with its sentence verbatim and bold."""
    before, after = around
    one = Passage(citation(text, title=before or "t", url=url), before * 8, after * 8, True)
    reply = render.passage(one, number=10, embeds=embeds, links=bool(before))
    shown = reply.embeds[0].description if embeds else reply.content
    assert width(shown) <= (4_096 if embeds else 2_000)
    if embeds or "\n" not in text:
        assert undirected(text) in undirected(quotes(shown))
    if embeds:
        assert width(reply.embeds[0].title) <= 256


def test_a_passage():
    """A passage stands as in its article, its sentence bold; below are site, page and day, but no confidence."""
    where = citation(
        "It was *opened* in 1932.", title="The bridge", url="https://example.org/a", published=date(2024, 5, 6)
    )
    one = Passage(where, "It crosses the Wend. ", " Its towers are green.\n\nIt is old.", False)
    (embed,) = render.passage(one).embeds
    assert embed.title == "The bridge"
    assert embed.url.startswith("https://example.org/a#:~:text=")
    assert embed.description.split("\n") == [
        r"> It crosses the Wend. **It was \*opened\* in 1932.** Its towers are green.",
        "> ",
        "> It is old.",
        "-# example.org · 6 May 2024",
    ]
    text = render.passage(one, number=2, embeds=False, links=False).content
    assert text.startswith("**2 · The bridge**\n> It crosses")


# -- questions in every language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_read_back_in_any_language(language):
    """The question above an answer is found again whatever language it was written in, and is read in."""
    with speaking(language):
        reply = render.headed(render.Reply("text"), question="Is *it*: {open}?", searched="the bridge")
        noted = render.foreign(reply, "German", {"en"})
    for shown in (reply, noted):
        assert render.question_of(shown.content, []) == "Is *it*: {open}?"
    with speaking(language):
        assert render.question_of(render.headed(render.Reply("text"), searched="the bridge").content, []) is None


HOSTILE = st.sampled_from(NASTY)
UNSAFE = re.compile(r"(?<!\\)(?:\\\\)*(?:<[@#:a-z/]|@everyone|@here|\|\||`)|discord\.gg/|discord\.com/invite/")


@given(HOSTILE, HOSTILE, HOSTILE, urls)
@settings(deadline=None)
def test_nothing_that_others_wrote_acts(text, title, question, url):
    """Neither text, title, question nor address can mention, invite, hide or link by what Discord makes of it."""
    one = hit(text, title, text, [citation(text, title=title, url=url)], title=title, url=url)
    one = replace(one, differing=(citation(text, title=title, url=url),))
    asked = replace(found(one, question=question), searched=title)
    near = replace(only_near(one, question), searched=title)
    around = Passage(one.citation, title, question, True)
    for embeds in (True, False):
        for reply in (
            render.hits(asked, question=question, embeds=embeds, numbers=(1,)),
            render.hits(near, question=question, embeds=embeds),
            render.passage(around, number=1, embeds=embeds),
            render.headed(render.nothing_found(1, 1, only=title), question=question),
        ):
            for markup in (reply.content, *(f"{embed.title}\n{embed.description}" for embed in reply.embeds)):
                linked = re.sub(r"\]\(<https?://[^<>\s]*>\)", "](url)", markup)
                bare = linked.replace("`/articles add`", "")
                assert not UNSAFE.search(bare), bare
                assert "discord.gg/" not in markup and "/invite/" not in markup


# -- lists, additions and runs


def feed(title="A feed", address="https://example.org/feed", **parts):
    values = {"id": 1, "kind": "feed", "state": "active", "every": None, "due": 2e9, "added": 1.0, "checked": 1.7e9}
    values |= {"etag": None, "last_modified": None, "reader": 1, "failures": 0, "problem": None, "channel": 5}
    return Source(title=title, address=address, **(values | parts))


def settled(outcome, sources, reason=None):
    return [Settled(source, outcome, reason) for source in sources]


def ran(*outcomes, **parts):
    return SyncReport([one for outcome in outcomes for one in outcome], **parts)


@given(st.lists(texts, max_size=40), st.integers(-5, 99))
@settings(deadline=None)
def test_every_page_fits(titles, page):
    """Every page of a list fits and exists, whatever the titles and whichever page was asked for."""
    articles = [stored(title, f"https://example.org/{n}/{'x' * 5 * n}", id=n) for n, title in enumerate(titles)]
    embed, number, pages = lists.page_of(Shelf(articles, {0: 1, 1: 2_000}, 3), page)
    assert 0 <= number < pages
    assert width(embed.description) <= 4_096
    assert embed.description.count("\n") < 10
    feeds = [Listed(feed(title, f"https://example.org/{title}", problem=title), 2e9) for title in titles]
    embed, number, pages = lists.sources_page("sources", feeds, page)
    assert 0 <= number < pages
    assert width(embed.description) <= 4_096


def test_other_addresses():
    """An article that has others to stand for says how many."""
    embed, *_ = lists.page_of(Shelf([stored(id=7), stored(id=8)], {7: 2}, 0), 0)
    first, second = embed.description.split("\n")
    assert first == "**A title** · 3 sentences · 6 May 2026 · and 2 other addresses"
    assert "other" not in second


def test_how_feeds_are():
    """A feed is listed with its state, its last and next look in the reader's own time, and its last problem."""
    sick = feed("Sick *one*", state="suspended", failures=10, problem="it [fails]", checked=None)
    embed, *_ = lists.sources_page("feeds", [Listed(feed(), 1.8e9), Listed(sick)], 0)
    assert embed.description.split("\n") == [
        "**[A feed](<https://example.org/feed>)**",
        "-# last look <t:1700000000:R> · next <t:1800000000:R>",
        r"**[Sick \*one\*](<https://example.org/feed>)** · **suspended**",
        "-# not looked at yet",
        r"-# Last problem: it \[fails\]",
    ]


@given(texts)
def test_choices_fit(title):
    """The name of a choice fits Discord's 100 characters, on one line, and is not empty."""
    for name in (lists.choice(stored(title)), lists.name_of(feed(title))):
        assert 1 <= width(name) <= 100
        assert "\n" not in name


def test_a_report_names_files_not_folders():
    """A report counts what was done and names nothing; what failed is named apart, without its folders."""
    failed = settled("failed", ["/srv/articles/deep/b*.txt"], "it is empty: put text into it")
    failed += settled("failed", ["/srv/articles"], "“/srv/articles” does not exist")
    done = ran([Settled("a", "added", encoded=1_200)], failed)
    assert reports.report("This server", done).split("\n") == [
        "**This server**: 1 added, 2 failed.",
        "-# 1,200 sentences encoded, 0 reused; 0 s",
    ]
    assert reports.details(Refreshed(done, {"a": "The *a*"}), "/srv").split("\n") == [
        r"Added: The \*a\*",
        r"- b\*.txt\: it is empty\: put text into it",
        "- “articles” does not exist",
    ]
    assert reports.details(Refreshed(SyncReport())) == ""


def test_a_preview():
    """A preview says what would be done, by address where there is no title yet, and that nothing was."""
    done = ran(settled("added", ["https://www.example.org/story?id=4", "discord:1/x.zip!/inner.md"]), dry_run=True)
    assert "preview, 2 added" in reports.report("This server", done)
    assert "nothing was changed" in reports.report("This server", done)
    assert reports.details(Refreshed(done)) == r"Added: www.example.org\/story, inner.md"


def test_a_report_of_a_run_that_was_stopped():
    """A run that was stopped says whether it had read anything."""
    assert "stopped before anything was read" in reports.report("This server", SyncReport(cancelled=True))
    begun = reports.report("This server", ran(settled("added", ["a"]), cancelled=True))
    assert "1 added" in begun
    assert "Stopped before the end; what was read is kept" in begun


@given(st.lists(st.tuples(texts, texts), max_size=30), st.lists(texts, max_size=30))
@settings(deadline=None)
def test_every_report_fits(failed, titles):
    """Two reports, and what changed and failed in both, fit into one message, however much it was."""
    counts = [Settled(f"s{n}", outcome) for outcome in ("added", "changed", "removed") for n in range(999)]
    failures = [Settled(source, "failed", why) for source, why in failed]
    done = Refreshed(ran(counts, failures, notes=failed, cancelled=True), {f"s{n}": t for n, t in enumerate(titles)})
    text = reports.report("The operator's articles", done.report) + "\n" + reports.details(done)
    assert width(text) < 1_000
    assert width(reports.stacked([text] * 5)) <= 2_000
    assert width("\n".join(reports.waiting(titles))) <= 1_000


@given(st.lists(st.tuples(texts, texts), max_size=30), st.lists(texts, min_size=1, max_size=30))
@settings(deadline=None)
def test_every_addition_fits(failed, titles):
    """What came of an addition fits into one message, with the questions that it answers, however much it was."""
    articles = tuple((stored(title), "added") for title in titles)
    done = ran(settled("added", titles), [Settled(source, "failed", why) for source, why in failed])
    for kind in ("file", "text", "page", "feed"):
        addition = Addition(kind, titles[0], True, done, articles, {}, tuple(titles))
        assert width(reports.added(addition)) <= 2_000
        one = Addition(kind, titles[0], True, ran(settled("added", ["a"])), articles[:1], {}, tuple(titles))
        assert width(reports.added(one)) <= 2_000


def test_waiting_questions():
    """What is answered now is told with the questions, disarmed and shortened, the first five of them."""
    assert reports.waiting(()) == []
    one = reports.waiting(["Who *was* it?"])
    assert one == ["It answers 1 waiting question:", r"- Who \*was\* it?"]
    many = reports.waiting([f"{n}{'?' * 500}" for n in range(7)])
    assert many[0] == "It answers 7 waiting questions:"
    assert many[-1] == "- and 2 more"
    assert len(many) == 7


def test_folders_are_left_out_of_messages():
    """Absolute paths shrink to their last part; addresses and fractions stay."""
    text = (
        "“/srv/my data/servers/12.db” and /etc/verbatim/config.toml, C:\\bot\\data\\x.db; https://a.example/b/c 1/2/3"
    )
    assert without_folders(text, "/srv/my data") == (
        "“servers/12.db” and config.toml, x.db; https://a.example/b/c 1/2/3"
    )
    blanks = "/opt/my own articles/deep er/x y.md is empty; /a/b.db and /c d/e.db. “/f g/h/ä.md”: no"
    assert without_folders(blanks) == "x y.md is empty; b.db and e.db. “ä.md”: no"


def test_progress():
    """Progress says how many articles of how many are done."""
    said = reports.progress("server", Progress(50, 2_000, "x"))
    assert said == "Reading this server: 50 of 2,000 articles (2%)…"


def test_labels():
    """A label is one visible line, whatever it was made of."""
    assert label("a\u202eb\u200b\n c\u3164", 50) == "a b c"
    assert label("\u200b\u2066", 50) == "(untitled)"


def test_a_language_that_the_model_does_not_know():
    """One line above a reply names the language and those that the model knows; a full reply stays as it is."""
    reply = render.foreign(render.nothing_found(1, 0), "German", {"fr", "en"})
    first, rest = reply.content.split("\n", 1)
    assert "in German" in first and "understands English and French" in first
    with speaking("de"):
        assert render.foreign(render.Reply("x"), "German", {"fr", "en"}).content.count("Deutsch") == 1
    assert rest == render.nothing_found(1, 0).content
    embeds = render.answer(found(hit("Yes.")))
    noted = render.foreign(embeds, "German", {"en"})
    assert noted.embeds == embeds.embeds and "German" in noted.content
    full = render.Reply("x" * render.CONTENT)
    assert render.foreign(full, "German", {"en"}) == full
