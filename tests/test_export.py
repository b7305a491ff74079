"""An export: every article comes back from it as it was, whatever its text, and the ZIPs are ones that index reads."""

import io
import random
import zipfile
from dataclasses import replace
from datetime import date
from threading import Event

import pytest
from conftest import HashEncoder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index import export as exporting
from index.article import Article, Sentence
from index.errors import UserError
from index.export import TooLarge, export
from index.indexer import Indexer
from index.isolation import Isolation
from index.jobs import Stopped
from index.language import UND, code_of
from index.readers import Kind, exported, kind_of, metadata, read
from index.readers.archive import expand
from index.readers.cleaning import clean
from index.store import Store
from terminal import app

ENCODER = HashEncoder()
MEBIBYTE = 1024 * 1024
HOSTILE = [
    "---\nverbatim: 1\n---\n\nA head within the text.",
    "---\ntitle: another\nurl: https://evil.example\n---\n\nText.",
    "\n---\n",
    "# A heading\n\n1. One\n2. Two\n   - *deep* `code` [link](https://a.example) ![x](y) <b>bold</b> &amp; &#65;",
    "    indented by four\n\n        and by eight\n\tand a tab",
    "A line with two blanks at its end  \nand a \\backslash\\ \\* at another.",
    "Setext\n======\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nfence\n",
    "[ref]: https://a.example 'title'\n\n[^1]: A note.\n\n[[wiki|link]] - [ ] task [!NOTE] [x](y)",
    "One\n\n\nTwo, after two blank lines\n\n\n\n\nand after more.",
    "<!DOCTYPE html><html><body><p>Not a page.</p><script>alert(1)</script></body></html>",
    "%PDF-1.7 is how a PDF begins, and endobj is in each.",
    "PK\x03\x04 and so on",
    "%PDF-1.4\nendobj",
    "{\\rtf1 not}",
    "שלום עולם, \u200fRTL and LTR\u200e. مرحبا بالعالم",
    "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 🇩🇪 ❤\ufe0f\u200d🔥 क्\u200dष",
    "cafÃ\u200b© au lait",
    "cafÃ© au lait, cafÃ© crÃ¨me, garÃ§on",
    "ÃƒÂ© twice over: cafÃƒÂ©",
    "A lone\nÂ",
    "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd much was lost",
    "\ud83e lone \udd89",
    "x" * 5_000,
    "wrapped at a width that many programs have, so that a reader of\nplain text may take it for one paragraph, "
    "which it is not here, and\nwould join its lines although they were apart in what was read\nbefore this was.",
    "a\x85b\u2028c\u2029d\x0be\x0cf\rg\r\nh",
    "e\u0301 and é, ﬁ, Å and Å",
    "\ufeffA byte order mark",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=200),
    st.text(st.sampled_from("-:\n\"'\\. #[]{}()&*!|>ax1`~_=+<\t\u00a0\u3000"), max_size=80),
    st.text(st.sampled_from("aÃÂ©€™â\x80\x99\u200b\u200d\u00ad \n\ufe0f❤🏴\U000e0067क"), max_size=40),
    st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3).map("\n\n".join),
)
days = st.none() | st.dates(date(1000, 1, 1), date(2999, 12, 31))
links = st.none() | st.sampled_from(
    ["https://a.example/b?c=d&e=%20#f:~:text=g", "http://ä.example/ü", "https://[::1]/"]
)


@st.composite
def articles(draw):
    """An article as a reader makes it of something hostile."""
    text = clean(draw(texts)) or "Some text."
    title = draw(st.just("") | texts.map(metadata.stated_title))
    return Article(
        source="somewhere",
        title=title or metadata.made_title(text, "name.md"),
        text=text,
        url=metadata.url(draw(links) or ""),
        author=metadata.author(draw(texts)),
        published=draw(days),
        states_title=bool(title),
        language=draw(st.none() | st.sampled_from(["de", "uk", "zh"])),
        updated=draw(days),
        pages=tuple(sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))),
    )


def back(article: Article, name="any.txt") -> Article:
    return read(exported.write(article), article.source, name)


def named(text):
    return Article("somewhere", "A title", text)


@given(articles())
@settings(deadline=None, max_examples=300)
@example(named(clean("cafÃ\u200b© au lait")))
@example(named("%PDF-1.4\nendobj"))
@example(named("\ufffd" * 9))
def test_an_article_comes_back_as_it_was(article):
    """What is written of an article is read as the same article: text, title, link, author, days, pages, language."""
    assert back(article) == article
    assert kind_of(exported.write(article), "x.html") is Kind.EXPORTED


def test_every_hostile_text_comes_back():
    """Nothing that a text holds is taken for the file's own: no markup, no head, and no other format's beginning."""
    for text in map(clean, HOSTILE):
        if text:
            assert back(named(text)).text == text
            assert back(replace(named("Text."), title=metadata.stated_title(text) or "x")).title


def test_a_language_that_nobody_could_tell():
    """Where the language is not known, it is found out again."""
    assert back(replace(named("4 7 11"), language=UND)).language is None
    assert code_of("uk") == "uk"


def test_the_file_is_one_that_people_can_change():
    """Values typed by hand need no quotation marks, line ends may be Windows', and the text is what stands below."""
    typed = (
        b'\xef\xbb\xbf---\r\nverbatim: 1\r\ntitle: Plain words: here\r\npublished: 2024-05-06\r\nauthor: "A\r\n'
        b"url: javascript:alert(1)\r\npages: [9, 2]\r\nnew: 1\r\n---\r\n\r\nOne.\r\n\r\nTwo.\r\n"
    )
    article = read(typed, "x", "x.txt")
    assert article == Article("x", "Plain words: here", "One.\n\nTwo.", author="A", published=date(2024, 5, 6))


@pytest.mark.parametrize(
    "content, said",
    [
        (b"---\nverbatim: 2\n---\n\nText.", "later version"),
        (b"---\nverbatim: 1\ntitle: x\n", "damaged"),
        (b"---\nverbatim: 1\n---\n\n\xff\xfe\x80", "damaged"),
        (b"---\nverbatim: 1\n---\n\n\n", "holds no text"),
        (b"---\nverbatim: 1\nverbatim: x\n---\n\nText.", "could not be read"),
    ],
)
def test_what_is_damaged(content, said):
    """A file that is not what was written is refused by its name, with the remedy."""
    with pytest.raises(UserError, match=said) as caught:
        read(content, "x", "torn.txt")
    assert "“torn.txt”" in str(caught.value)


def test_nothing_passes_for_what_is_not_allowed():
    """A file that a stranger made up gets no invisible letters, no other address than the web's, and no wild pages."""
    made_up = (
        '---\nverbatim: 1\ntitle: "a\\u202eb\\nc"\nurl: "file:///etc/passwd"\npages: [0, 99999999]\n'
        f'author: ["x"]\npublished: {"[" * 9_999}\n---\n\nA \u202etext\u2066 with\u200b nothing\x1b hidden.\n'
    )
    with Isolation() as reader:
        article = reader.read(made_up.encode(), "x", "x.txt", max_bytes=MEBIBYTE)
    assert (article.title, article.text) == ("ab c", "A text with nothing hidden.")
    assert (article.url, article.published, article.pages) == (None, None, ())


# -- whole corpora


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "corpus.db")
    yield store
    store.close()


def index(store, *found: Article, **options) -> None:
    Indexer(store, ENCODER, **options).add_articles(found)


def written(store, **options):
    files = []

    def create():
        files.append(io.BytesIO())
        return files[-1]

    parts = export(store, create, **({"max_bytes": MEBIBYTE} | options))
    assert [part.file for part in parts] == files
    assert [part.size for part in parts] == [len(file.getvalue()) for file in files]
    return [file.getvalue() for file in files]


def test_a_corpus_goes_through_a_zip(store, tmp_path):
    """What index makes of an export are the same articles, copies too, with the days that answers show."""
    long = "\n".join(f"The lamp of the harbour was lit {n} times that year." for n in range(8))
    first, later, other = date(2024, 5, 6), date(2024, 5, 8), date(2023, 1, 1)
    mill = Article("https://a.example/mill", "The mill", "The mill grinds barley.", published=first, author="Ada")
    index(
        store,
        mill,
        Article("feed#1", "The lamp", long, "https://a.example/lamp", None, other, language="en"),
        Article("https://b.example/lamp", "The lamp", long, "https://b.example/lamp", None, first),
        Article(
            "discord:1/x.md", "Made of its first words", "Made of  its first words.\n    Indented.", states_title=False
        ),
    )
    index(store, replace(mill, text="The mill grinds barley and rye.", published=later))  # corrected
    (data,) = written(store)
    (tmp_path / "back.zip").write_bytes(data)
    again = Store(tmp_path / "again.db")
    with Isolation() as reader:
        report = Indexer(again, ENCODER, reader=reader).sync([str(tmp_path / "back.zip")])
    assert len(report.added) == 4 and not report.failed
    assert known(again) == known(store)
    assert ("The mill", "Ada", None, first, later, True) in {one[:6] for one in known(again)}
    assert sum(one.copy_of is not None for one in again.articles()) == 1
    assert not written(Store(tmp_path / "empty.db"))


def known(store):
    rows = ((one, store.load(one.id)) for one in store.articles())
    return {
        (one.title, one.author, one.url, one.published, one.updated, one.states_title, article.text, one.language)
        for one, article in rows
    }


def test_names(store):
    """The files are called like their articles, safely on every system, and no two the same."""
    titles = ["The ferry", "the FERRY", "The ferry (2)", 'a/b\\c:d*e?f"g<h>i|j', "../../etc", "CON", ".hidden", "?"]
    titles += ["Ü" * 200, "🦉" * 200, "nul.txt", "__MACOSX", "-rf", "A \u202e b"]
    index(store, *(replace(named(f"Text {n}."), source=str(n), title=title) for n, title in enumerate(titles)))
    (data,) = written(store)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert len({name.casefold() for name in names}) == len(titles)
    assert {"The ferry.txt", "the FERRY (2).txt", "CON_.txt", "hidden.txt", "nul.txt_.txt", "rf.txt"} <= set(names)
    for name in names:
        assert not set(name) & set('/\\:*?"<>|') and len(name.encode()) <= 200 and name[0] not in ".-~ "
    assert len(expand(data, "x.zip")) == len(titles)
    assert not [one.problem for one in expand(data, "x.zip") if one.problem]


def noise(chance: random.Random, size: int) -> str:
    return " ".join(f"{chance.getrandbits(40):x}" for _ in range(size // 11))


def one_sentence(article):
    return [Sentence(0, 4)]


def test_more_than_a_zip_may_hold(store, monkeypatch):
    """Beyond a size, a number of articles or what a reader would unpack, another ZIP begins; each is read by itself."""
    chance = random.Random(1)
    found = [replace(named(noise(chance, 90_000)), source=str(n), title=f"Noise {n}") for n in range(9)]
    index(store, *found, splitter=one_sentence)
    parts = written(store, max_bytes=150_000)
    assert len(parts) > 2 and all(len(part) <= 150_000 for part in parts)
    texts = [read(member.data, "x", member.name).text for part in parts for member in expand(part, "x.zip")]
    assert sorted(texts) == sorted(one.text for one in found)
    for name, value in (("MAX_MEMBERS", 4), ("MAX_EXPANDED", 400_000)):
        with monkeypatch.context() as limits:
            limits.setattr(exporting, name, value)
            assert [len(expand(part, "x.zip")) for part in written(store)] == [4, 4, 1]


def test_too_much(store):
    """Where no more than so many files are wanted, more is an error, as is an article with no room in any."""
    chance = random.Random(2)
    found = [replace(named(noise(chance, 90_000)), source=str(n), title=f"Noise {n}") for n in range(3)]
    index(store, *found, splitter=one_sentence)
    with pytest.raises(TooLarge):
        written(store, max_bytes=100_000, most=2)
    with pytest.raises(TooLarge):
        written(store, max_bytes=10_000, most=9)
    assert len(written(store, max_bytes=10_000)) == 3  # the operator may have it all the same
    stopped = Event()
    stopped.set()
    with pytest.raises(Stopped):
        written(store, cancel=stopped)


def test_what_is_packed_too_well(store):
    """An article that repeats itself comes back, too, although a file packed like it would be taken for a bomb."""
    article = replace(named("again and " * 300_000 + "again."), title="Again")
    index(store, article, splitter=one_sentence)
    (data,) = written(store, max_bytes=9 * MEBIBYTE)
    (member,) = expand(data, "x.zip")
    assert member.problem is None
    assert read(member.data, "x", member.name).text == article.text


# -- in the terminal


@pytest.fixture
def bot(tmp_path, capsys):
    """Runs one command line in this process, in a folder with an article."""
    (tmp_path / "config.toml").write_text("[limits]\nmax_file_mb = 1\n")
    (tmp_path / "mill.md").write_text("---\ntitle: The mill\ndate: 2024-05-06\n---\n\nThe *mill* grinds barley.\n")

    def run(*arguments):
        code = app.main([str(one) for one in arguments], home=tmp_path, make_encoder=lambda config: ENCODER)
        return code, "".join(capsys.readouterr())

    return run


def test_the_command_line(bot, tmp_path):
    """`export` writes a ZIP that `index` reads back for a server, and never writes over a file."""
    bot("index", tmp_path / "mill.md")
    file = tmp_path / "all.zip"
    assert bot("export", file) == (0, f"{file}: 1 article\n")
    assert bot("index", file, "--server", "7")[0] == 0
    stores = [Store(tmp_path / "data" / name) for name in ("operator.db", "servers/7.db")]
    one, other = (known(store) for store in stores)
    assert one == other and len(one) == 1
    code, said = bot("export", file)
    assert code == 1 and "already" in said and zipfile.is_zipfile(file)
    for wrong in (["export", tmp_path / "all.txt"], ["export", tmp_path / "no.zip", "--server", "8"]):
        assert bot(*wrong)[0] == 1
    assert bot("export", tmp_path / "nowhere" / "x.zip")[0] == 1
    assert [path.name for path in tmp_path.glob("*.zip")] == ["all.zip"]


def test_several_files(bot, tmp_path):
    """More than a file may have goes to several, and where one of them is in the way, none is left."""
    chance = random.Random(3)
    store = Store(tmp_path / "data" / "operator.db")
    found = [replace(named(noise(chance, 900_000)), source=str(n), title=f"Noise {n}") for n in range(3)]
    index(store, *found, splitter=one_sentence)
    store.close()
    (tmp_path / "all-2.zip").write_bytes(b"mine")
    assert bot("export", tmp_path / "all.zip")[0] == 1
    assert [path.name for path in tmp_path.glob("*.zip")] == ["all-2.zip"]
    (tmp_path / "all-2.zip").unlink()
    assert bot("export", tmp_path / "all.zip")[0] == 0
    files = sorted(tmp_path.glob("*.zip"))
    assert [path.name for path in files] == ["all-2.zip", "all.zip"]
    assert sum(len(expand(path.read_bytes(), path.name)) for path in files) == 3
