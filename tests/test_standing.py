"""Copies of an article and the furniture of a site: recognised whatever the order, hidden and never lost."""

import random
from dataclasses import replace
from datetime import date

import pytest
from conftest import HashEncoder, stored_vectors

from index.article import Article
from index.corpus import Corpus
from index.indexer import Indexer
from retrieval.retriever import Retriever

LINES = (
    "The harbour of Tessel was dredged in March.",
    "Two barges carried the silt out to sea.",
    "The work cost 40,000 crowns.",
    "Fishermen had asked for it since the flood.",
    "The mayor opened the quay on a Sunday.",
    "A brass band played until midnight.",
    "Next year the lighthouse will be painted.",
)
ORIGINAL = Article(
    "https://news.example/harbour", "The harbour is dredged", " ".join(LINES), None, None, date(2024, 5, 1)
)


@pytest.fixture
def indexer(corpus: Corpus) -> Indexer:
    return Indexer(corpus.store, HashEncoder())


def visible(corpus: Corpus) -> dict[str, list[str]]:
    """Source → its sentences that may be offered, in order."""
    store, found = corpus.store, {}
    for row in store.articles():
        text = store.load(row.id).text
        stored = store.sentences(stored_vectors(store, [row.id]).ids.tolist()).values()
        found[row.source] = [text[one.start : one.end] for one in sorted(stored, key=lambda one: one.start)]
    return found


def offered(corpus: Corpus) -> list[str]:
    """Every sentence that may be offered."""
    return [line for lines in visible(corpus).values() for line in lines]


def rows(corpus: Corpus) -> dict:
    return {row.source: row for row in corpus.store.articles()}


def site_page(number: int, site: str = "https://site.example", extra: str = "") -> Article:
    subject = ("owls", "mills", "barges", "bells", "quays", "nets")[number % 6]
    own = f"At {site} page {number} tells of {subject} and {number} boats."
    more = f"It has one more sentence of its own, number {number * 7}."
    text = f"{own}\n{more}\n{extra}We use cookies to make this site better."
    return Article(f"{site}/{number}", f"Page number {number}", text)


def test_the_same_page_by_another_address_is_one_article(indexer, corpus):
    """Tracking parameters make no second article: one stands for both, and only its sentences are offered."""
    tracked = replace(ORIGINAL, source="https://news.example/harbour?utm_source=mail&utm_medium=x")
    indexer.add_articles([ORIGINAL, tracked])
    assert [len(lines) for lines in visible(corpus).values()].count(7) == 1
    assert corpus.store.statistics().articles == 1
    copy = next(row for row in corpus.store.articles() if row.copy_of is not None)
    assert corpus.store.article(copy.copy_of).copy_of is None


def test_a_canonical_link_makes_the_amp_page_the_same_article(indexer, corpus):
    """A page that names another as its canonical address is that article, though a line of it differs."""
    amp = replace(
        ORIGINAL,
        source="https://cdn.example/x/harbour",
        url="https://news.example/harbour",
        text=" ".join([*LINES[:5], "Read on in our app."]),
    )
    indexer.add_articles([amp, ORIGINAL])
    assert corpus.store.statistics().articles == 1
    assert rows(corpus)[amp.source].copy_of == rows(corpus)[ORIGINAL.source].id


def test_a_correction_takes_the_place_of_what_it_corrects_and_both_days_are_kept(indexer, corpus):
    """A correction on the same site stands for the older article, which is offered no more."""
    corrected = replace(
        ORIGINAL,
        source="https://news.example/harbour-corrected",
        title="Correction: The harbour is dredged",
        text=ORIGINAL.text.replace("40,000", "45,000"),
        published=date(2024, 5, 8),
    )
    indexer.add_articles([ORIGINAL, corrected])
    assert visible(corpus)[ORIGINAL.source] == []
    row = rows(corpus)[corrected.source]
    assert (row.published, row.updated) == (date(2024, 5, 1), date(2024, 5, 8))
    answer = Retriever([corpus], HashEncoder(), precision=0.5).ask("What did the work cost?")
    assert [hit.citation.text for hit in answer.hits if "cost" in hit.citation.text] == ["The work cost 45,000 crowns."]


def test_a_page_that_is_changed_later_keeps_the_day_it_first_stated(indexer, corpus):
    """A correction at the same address replaces the text, and keeps the day of both."""
    indexer.add_articles([ORIGINAL])
    later = replace(ORIGINAL, text=ORIGINAL.text.replace("40,000", "45,000"), published=date(2024, 5, 9))
    indexer.add_articles([later])
    row = rows(corpus)[ORIGINAL.source]
    assert (row.published, row.updated) == (date(2024, 5, 1), date(2024, 5, 9))
    assert "45,000" in corpus.store.load(row.id).text


@pytest.mark.parametrize("other", ["https://elsewhere.example/harbour", "/articles/harbour.txt"])
def test_a_later_copy_from_elsewhere_hides_nothing_that_only_the_original_says(indexer, corpus, other):
    """Whoever copies an article, changes a figure and dates it later takes no sentence of the original away."""
    claimed = replace(
        ORIGINAL,
        source=other,
        url=ORIGINAL.source if other.startswith("/") else None,
        text=ORIGINAL.text.replace("40,000", "45,000"),
        published=date(2024, 5, 2),
    )
    indexer.add_articles([ORIGINAL, claimed])
    lines = offered(corpus)
    assert {line for line in lines if "crowns" in line} == {
        "The work cost 40,000 crowns.",
        "The work cost 45,000 crowns.",
    }
    assert rows(corpus)[ORIGINAL.source].published == ORIGINAL.published


def test_a_day_that_has_not_come_corrects_nothing(indexer, corpus):
    """An article dated in the future is none that corrects."""
    later = replace(ORIGINAL, source=f"{ORIGINAL.source}?utm_source=x", text=f"{ORIGINAL.text} It rained.")
    indexer.add_articles(
        [replace(later, published=date(2999, 1, 1)), replace(ORIGINAL, text=f"{ORIGINAL.text} It snowed.")]
    )
    assert {"It rained.", "It snowed."} <= set(offered(corpus))


def test_a_series_with_much_in_common_stays_a_series(indexer, corpus):
    """Weekly news under one title, of which each week's share most with the last, are not one article; nothing of any
    is lost."""
    lines = [f"Notice {number} hangs in the porch of the church." for number in range(20)]
    weeks = [
        Article(f"/week{n}.txt", "News from the parish", " ".join(lines[n : n + 8]), None, None, date(2024, 1, 1 + n))
        for n in range(12)
    ]
    indexer.add_articles(weeks)
    assert set(offered(corpus)) == set(lines[:19])


def test_pages_that_name_the_front_page_as_canonical_stay_apart(indexer, corpus):
    """A site whose every page calls the front page its canonical address keeps all its pages."""
    pages = [replace(site_page(number), url="https://site.example/") for number in range(3)]
    indexer.add_articles(pages)
    assert corpus.store.statistics().articles == 3


def test_entries_of_a_feed_without_addresses_stay_apart(indexer, corpus):
    """What a feed says without an address has no address in common."""
    text = "Episode {} tells of a bell. It was cast in year {}. Thanks for listening. Write to us. See you soon."
    entries = [
        Article(f"https://pod.example/feed#{n}", f"Episode {n}", text.format(n, n * 7), None, None) for n in range(4)
    ]
    indexer.add_articles(entries)
    assert corpus.store.statistics().articles == 4


def test_pages_that_are_nearly_all_furniture_keep_it(indexer, corpus):
    """Four versions of a manual have nearly everything in common, which is their text and no furniture."""
    text = " ".join(LINES) + " This is version {}."
    manuals = [
        Article(f"https://docs.example/{n}/install", f"Installing version {n}", text.format(n)) for n in range(1, 5)
    ]
    indexer.add_articles(manuals)
    assert all(len(lines) == 8 for lines in visible(corpus).values())


def test_a_mistaken_day_can_be_mended(indexer, corpus):
    """A day that is put right by many years is no correction of the text."""
    indexer.add_articles([replace(ORIGINAL, published=date(1924, 5, 1))])
    indexer.add_articles([replace(ORIGINAL, text=f"{ORIGINAL.text} It rained.")])
    row = rows(corpus)[ORIGINAL.source]
    assert (row.published, row.updated) == (date(2024, 5, 1), None)


def test_many_copies_are_one_article_however_they_come(indexer, corpus):
    """Nine reposts are one article, whether they come one by one or together."""
    copies = [replace(ORIGINAL, source=f"https://mirror{n}.example/harbour") for n in range(9)]
    for one in copies[:4]:
        indexer.add_articles([one])
    indexer.add_articles(copies[4:])
    assert corpus.store.statistics().articles == 1


def test_what_only_an_undated_copy_says_stays_findable(indexer, corpus):
    """Where nothing tells which of two copies is newer, what they do not share is offered from both."""
    one = replace(ORIGINAL, published=None)
    other = replace(one, source="/articles/b.txt", text=one.text.replace("40,000", "45,000"))
    indexer.add_articles([one, other])
    lines = visible(corpus)
    assert sum(len(found) for found in lines.values()) == 8
    assert any("40,000" in line for line in lines[one.source] + lines[other.source])
    assert any("45,000" in line for line in lines[one.source] + lines[other.source])


@pytest.mark.parametrize(
    "other",
    [
        replace(ORIGINAL, source="/b", title="The harbour is dredged in 2025"),
        replace(ORIGINAL, source="/b", title="Owls in the mill"),
        replace(ORIGINAL, source="/b", text=" ".join([*LINES[:3], "Snow fell.", "Nobody came.", "All went home."])),
        replace(ORIGINAL, source="/b", text=ORIGINAL.text + " It rained.", published=date(2025, 5, 1)),
        replace(ORIGINAL, source="https://news.example/harbour?id=2", text="Quite another page. It has two lines."),
    ],
    ids=["other year", "other title", "other half", "a year later", "other page"],
)
def test_articles_that_only_look_alike_stay_apart(indexer, corpus, other):
    """Another figure in the title, another title, half of the text, another year, another page: two articles."""
    indexer.add_articles([ORIGINAL, other])
    assert corpus.store.statistics().articles == 2
    assert all(row.copy_of is None for row in corpus.store.articles())


def test_a_copy_returns_when_what_it_stood_behind_goes(indexer, corpus):
    """Removing the article that stands for others makes the next best one offered, with all its sentences."""
    copy = replace(ORIGINAL, source="https://news.example/copy", published=date(2024, 4, 30))
    indexer.add_articles([ORIGINAL, copy])
    assert visible(corpus)[copy.source] == []
    corpus.store.remove([rows(corpus)[ORIGINAL.source].id])
    assert visible(corpus)[copy.source] == list(LINES)
    assert rows(corpus)[copy.source].copy_of is None
    with corpus.view() as view:
        assert len(view.vectors["sentence"]) == len(LINES)


def test_what_stands_on_every_page_of_a_site_is_not_offered(indexer, corpus):
    """A cookie notice on all pages is hidden; the same words on a site of few pages are not."""
    indexer.add_articles([site_page(number) for number in range(6)])
    indexer.add_articles([site_page(number, "https://small.example") for number in range(3)])
    lines = visible(corpus)
    cookies = "We use cookies to make this site better."
    assert all(cookies not in lines[f"https://site.example/{n}"] for n in range(6))
    assert all(len(lines[f"https://site.example/{n}"]) == 2 for n in range(6))
    assert all(cookies in lines[f"https://small.example/{n}"] for n in range(3))
    with corpus.view() as view:
        assert len(view.vectors["sentence"]) == 6 * 2 + 3 * 3
        assert len(view.store.search_text("sentence", ["cooki"], 50)) == 3


def test_furniture_is_offered_again_when_a_site_has_few_pages_left(indexer, corpus):
    """The state depends on the pages that there are, not on those that there were."""
    indexer.add_articles([site_page(number) for number in range(5)])
    corpus.store.remove([rows(corpus)[f"https://site.example/{n}"].id for n in (0, 1)])
    assert all(any("cookies" in line for line in lines) for lines in visible(corpus).values())


def test_copies_of_one_page_make_no_furniture(indexer, corpus):
    """An article known by many addresses is one page of its site, so that its sentences are not taken for furniture."""
    indexer.add_articles([replace(ORIGINAL, source=f"{ORIGINAL.source}?utm_campaign={n}") for n in range(8)])
    assert max(len(lines) for lines in visible(corpus).values()) == len(LINES)


def test_any_order_of_additions_and_removals_leads_to_the_same_standing(tmp_path):
    """Which sentences are offered is a function of the articles that are there."""
    texts = [
        replace(ORIGINAL, source=f"/{n}", text=" ".join((*LINES[:n], "Changed.", *LINES[n + 1 :]))) for n in range(5)
    ]
    texts += [replace(ORIGINAL, source=f"{ORIGINAL.source}?fbclid={n}") for n in range(2)]
    texts += [site_page(number, extra="Subscribe now.\n" if number % 2 else "") for number in range(8)]
    seen = []
    for seed in range(6):
        chance = random.Random(seed)
        corpus = Corpus(tmp_path / f"{seed}.db", HashEncoder())
        indexer = Indexer(corpus.store, HashEncoder())
        order = [*texts, *chance.choices(texts, k=6)]
        chance.shuffle(order)
        there = set()
        for article in order:
            if article.source in there and chance.random() < 0.5:
                corpus.store.remove([rows(corpus)[article.source].id])
                there.discard(article.source)
            else:
                indexer.add_articles([article])
                there.add(article.source)
        indexer.add_articles([one for one in texts if one.source not in there])
        seen.append(dict(visible(corpus)))
        standing = {row.source: (row.published, row.updated, row.copy_of is None) for row in corpus.store.articles()}
        seen[-1] |= {"standing": sorted(standing.items())}
        with corpus.view() as view:
            assert len(view.vectors["sentence"]) == sum(map(len, visible(corpus).values()))
        corpus.close()
    assert all(one == seen[0] for one in seen)


def test_a_page_that_was_changed_since_its_day_stands_for_its_older_copy(indexer, corpus):
    """Of two pages of one site with the same title and day, the one that states a later change is the correction."""
    changed = replace(
        ORIGINAL,
        source="https://news.example/harbour-2",
        text=ORIGINAL.text.replace("40,000", "45,000"),
        updated=date(2024, 5, 3),
    )
    indexer.add_articles([ORIGINAL, changed])
    assert visible(corpus)[ORIGINAL.source] == []
    assert rows(corpus)[ORIGINAL.source].updated is None


def test_a_short_correction_is_recognised_by_its_title(indexer, corpus):
    """A correction of few sentences, of which the first repeats the title, takes its article's place."""
    lines = ("The tram stops for a week.", "The work costs 3.1 million.", "Buses run instead.", "They run all night.")
    titles = ("Tram line 4 closes", "Correction: Tram line 4 closes")
    first, second = (
        Article(f"https://news.example/tram{n}", title, "\n".join((title, *lines)), None, None, date(2025, 2, 3 + n))
        for n, title in enumerate(titles)
    )
    second = replace(second, text=second.text.replace("3.1", "3.4"))
    indexer.add_articles([first, second])
    assert visible(corpus)[first.source] == [] and "The work costs 3.4 million." in offered(corpus)
    assert rows(corpus)[second.source].updated == date(2025, 2, 4)
