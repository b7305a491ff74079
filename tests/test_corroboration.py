"""One claim in several sentences: what counts as the same, what as other figures, who is quoted and who is named."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.article import Article
from index.indexer import Indexer
from index.lexical import terms
from index.stored import StoredArticle
from retrieval.claims import claim
from retrieval.corroboration import Statement, grouped, newest_first
from retrieval.figures import read
from retrieval.retriever import Retriever
from retrieval.similarity import Relation, relation

SAME, FIGURES, OTHER = Relation.SAME, Relation.FIGURES, Relation.OTHER
CLAIMS = [
    json.loads(line) for line in (Path(__file__).parent / "data" / "claims.jsonl").read_text("utf-8").splitlines()
]


# -- figures


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2.4 million euros", ["2400000"]),
        ("€2,400,000", ["2400000"]),
        ("twelve hours", ["12"]),
        ("two hundred and forty sheets", ["240"]),
        ("three million two hundred thousand", ["3200000"]),
        ("between two hundred and three hundred", ["200", "300"]),
        ("half a million", ["500000"]),
        ("a dozen eggs and a pair of owls", ["12", "2"]),
        ("10 500 homes, 10,500 homes", ["10500", "10500"]),
        ("-5 °C", ["-5"]),
        ("at 5 p.m., at 17:00, at 2.40 a.m.", ["17:00", "17:00", "2:40"]),
        ("on 6 May 2024", ["6", "5", "2024"]),
        ("on 2024-05-06", ["2024", "5", "6"]),
        ("it may rain; no one knows one of the best", []),
        ("a score of 3–1", ["3–1"]),
        ("", []),
    ],
)
def test_figures_are_read_however_they_are_written(text, values):
    """A figure has one value, in digits or words, with whatever separators, and dates and times have theirs."""
    assert [figure.value for figure in read(text).figures] == values


def test_kinds_of_figures():
    """Percentages, money, bounds, and numbers that say which and not how many are told apart."""
    kinds = {figure.value: (figure.kind, figure.bound) for figure in read("Over 5% of $7 on Route 66, rule 4").figures}
    assert kinds == {"5": ("percent", "≥"), "7": ("money", ""), "66": ("name", ""), "4": ("name", "")}
    assert read("5 per cent").figures[0].kind == "percent"


@given(st.text(max_size=120))
def test_any_text_can_be_read(text):
    """No text keeps a sentence from being compared, and each makes the same claim as itself."""
    assert relation(claim(text), claim(text), 1.0) is SAME


# -- the same, or not


@pytest.fixture(scope="module")
def judged(model_encoder):
    """Each labelled pair with what is made of it."""
    texts = sorted({f"{row[f'title_{side}']}\n{row[side]}" for row in CLAIMS for side in "ab"})
    vectors = dict(zip(texts, model_encoder.encode_passages(texts), strict=True))
    found = []
    for row in CLAIMS:
        a, b = (vectors[f"{row[f'title_{side}']}\n{row[side]}"] for side in "ab")
        found.append((row, relation(claim(row["a"], "en"), claim(row["b"], "en"), float(a @ b))))
    return found


def test_the_labelled_claims():
    """There are at least 120 pairs on 28 subjects, and no subject is in both halves."""
    assert len(CLAIMS) >= 120
    topics = {half: {row["topic"] for row in CLAIMS if row["half"] == half} for half in ("development", "held_back")}
    assert len(topics["development"]) + len(topics["held_back"]) == len({row["topic"] for row in CLAIMS}) == 28
    assert {row["half"] for row in CLAIMS} == set(topics)
    for half in topics:
        counts = Counter(row["relation"] for row in CLAIMS if row["half"] == half)
        assert min(counts.values()) >= 15, half


@pytest.mark.model
@pytest.mark.parametrize(("half", "same", "figures"), [("development", 0.85, 0.85), ("held_back", 0.7, 0.85)], ids=str)
def test_labelled_claims_are_told_apart(judged, half, same, figures):
    """No contradiction is ever corroboration, no figure about something else is flagged, and most rewordings and
    differing figures are found."""
    rows = [(row, found) for row, found in judged if row["half"] == half]
    merged = [row for row, found in rows if found is SAME and row["relation"] != "same"]
    flagged = [row for row, found in rows if found is FIGURES and row["relation"] != "figures"]
    assert not merged
    assert not flagged
    for wanted, least, label in ((SAME, same, "same"), (FIGURES, figures, "figures")):
        labelled = [found is wanted for row, found in rows if row["relation"] == label]
        assert sum(labelled) >= least * len(labelled), (label, sum(labelled), len(labelled))


@pytest.mark.parametrize(
    ("a", "b", "cosine", "shared_title", "expected"),
    [
        ("The dam broke at noon near Hale.", "Near Hale a barrier gave way at noon.", 0.95, False, OTHER),
        ("The great dam near Hale broke at noon.", "The dam near Hale broke at noon.", 0.7, False, SAME),
        ("The great dam near Hale broke at noon.", "The dam near Hale broke at noon.", 0.7, True, OTHER),
        ("The mayor of Hale resigned on Monday.", "The mayor of Hale did not resign on Monday.", 0.99, False, OTHER),
        ("The mayor can't go on, she said.", "The mayor can go on, she said.", 0.99, False, OTHER),
        ("Three hikers were found dead in the gorge.", "Two hikers were found in the gorge, dead.", 0.6, False, OTHER),
        (
            "Three hikers were found dead in Rook Gorge.",
            "Two hikers were found dead in Rook Gorge.",
            0.6,
            False,
            FIGURES,
        ),
        ("The shop in Hale is open on Sundays.", "The shop in Hale is closed on Sundays.", 0.99, False, OTHER),
        ("The dam at Hale killed 12 people.", "The dam at Hale killed 15 people.", 0.9, True, FIGURES),
        ("It killed 12 people in Hale.", "It killed 15 people in Hale.", 0.95, True, OTHER),
        ("The dam broke at noon.", "Schools stay closed until Monday.", 0.95, False, OTHER),
        ("Exactly the same.", "Exactly the same.", 0.1, True, SAME),
        ("5 died and 3 were hurt in Hale.", "3 died and 5 were hurt in Hale.", 0.99, False, OTHER),
        ("In 2024 Hale had 4,000 visitors.", "In 2025 Hale had 5,000 visitors.", 0.99, False, OTHER),
        ("5 to 10 | 0.75% wear", "11 to 13 | 0.5% wear", 0.99, False, OTHER),
        ("Apollo 11 landed on the Moon.", "Apollo 12 landed on the Moon.", 0.99, False, OTHER),
        ("Die Brücke ist offen.", "Die Brücke ist nicht offen.", 0.99, False, OTHER),
        ("猫喜欢鱼。", "猫喜欢肉。", 0.99, False, OTHER),
    ],
)
def test_relations(a, b, cosine, shared_title, expected):
    """In doubt two sentences are two claims; other figures count only for the same thing at the same time."""
    assert relation(claim(a), claim(b), cosine, shared_title=shared_title) is expected
    assert relation(claim(b), claim(a), cosine, shared_title=shared_title) is expected


@settings(deadline=None)
@given(st.sampled_from(CLAIMS), st.sampled_from(CLAIMS), st.floats(0, 1), st.booleans())
def test_which_comes_first_makes_no_difference(one, other, cosine, shared_title):
    """Two sentences stand to each other as they do the other way round."""
    a, b = claim(one["a"], "en"), claim(other["b"], "en")
    assert relation(a, b, cosine, shared_title=shared_title) is relation(b, a, cosine, shared_title=shared_title)


# -- groups


def stored(id: int, published: date | None = None, *, indexed: int = 1, title: str = "") -> StoredArticle:
    when = datetime(2026, 1, indexed, tzinfo=UTC)
    return StoredArticle(id, f"/{id}", title or f"Title {id}", True, None, None, published, when, 1, "en")


def groups(*said: tuple[StoredArticle, str], top: int = 3, leads=None):
    """Groups of (article, sentence) in this order, all with one vector."""

    def statement(one: tuple[StoredArticle, str]) -> Statement:
        return Statement(one[0], " ".join(terms(one[1])), np.array([1, 0], np.float16), one[1].strip)

    return grouped(list(said), statement, top, leads)


OPENED = "The mayor of Hale opened the Tallow Bridge in 1932."
REWORDED = "In 1932 the Tallow Bridge was opened by the mayor of Hale."
LATER = "The mayor of Hale opened the Tallow Bridge in 1934."


def test_corroboration_is_newest_first():
    """Those who say the same are named by date, the undated last, and of these the last indexed first."""
    said = [(stored(1, date(2024, 1, 1)), OPENED)]
    dates = [date(2020, 1, 1), None, date(2026, 1, 1), None, date(2022, 1, 1)]
    said += [(stored(n, day, indexed=n), REWORDED) for n, day in enumerate(dates, start=2)]
    (group,) = groups(*said)
    assert group.first is group.best is said[0]
    assert [article.id for article, _ in group.also] == [4, 6, 2, 5, 3]


def test_the_order_is_that_of_days_then_of_indexing():
    """Of two articles of one day the last indexed comes first."""
    articles = [stored(1, date(2024, 1, 1), indexed=1), stored(2, date(2024, 1, 1), indexed=2), stored(3, indexed=9)]
    assert newest_first(enumerate(articles)) == [1, 0, 2]


def test_each_article_is_named_once():
    """An article that says a thing three times is named once, and the quoted sentence's own article once more."""
    first, second = stored(1), stored(2)
    (group,) = groups((first, OPENED), (second, REWORDED), (second, OPENED), (first, REWORDED), (first, OPENED))
    assert Counter(article.id for article, _ in group.also) == {1: 1, 2: 1}


def test_the_newest_of_equal_copies_is_quoted():
    """Of copies to the letter the newest article's is quoted; a rewording never takes the best one's place."""
    old, new, newest = stored(1, date(2020, 1, 1)), stored(2, date(2024, 1, 1)), stored(3, date(2025, 1, 1))
    (group,) = groups((old, OPENED), (newest, REWORDED), (new, OPENED))
    assert (group.best[0], group.first[0]) == (old, new)
    assert [article for article, _ in group.also] == [newest, old]
    (group,) = groups((stored(1), OPENED), (new, OPENED))
    assert group.first is group.best


def test_other_figures_stand_by_the_claim():
    """A sentence with other figures takes no place among the hits and never corroborates; it is named beside."""
    one, old, new = stored(1, date(2024, 1, 1)), stored(2, date(2020, 1, 1)), stored(3, date(2025, 1, 1))
    (group,) = groups((one, OPENED), (old, LATER), (new, LATER.replace("1934", "1935")), (old, LATER))
    assert not group.also
    assert [article for article, _ in group.differing] == [new, old]


def test_no_more_groups_than_asked_for():
    """Further claims are left out, but whoever says the first ones too is still named."""
    said = [(stored(n), text) for n, text in enumerate((OPENED, "Bread is baked at night in Corrie.", REWORDED))]
    (group,) = groups(*said, top=1)
    assert [article.id for article, _ in group.also] == [2]
    assert groups(top=3) == []


def test_what_may_not_lead_is_in_other_groups_only():
    """A claim that is not to be shown has no group and takes no place, but still says what another one says."""
    said = [(stored(n), text) for n, text in enumerate((OPENED, "Bread is baked at night in Corrie.", REWORDED, LATER))]
    (group,) = groups(*said, leads=lambda one: one is said[0])
    assert group.also == (said[2],) and group.differing == (said[3],)
    bread, opened = groups(*said, top=2, leads=lambda one: one in (said[1], said[2]))
    assert (bread.first, opened.first, opened.also, opened.differing) == (said[1], said[2], (), (said[3],))
    assert groups(*said, leads=lambda _: False) == []


def test_a_passing_time_is_that_of_its_article():
    """Figures of "this year" differ only in articles of one year."""
    a, b = "The Hale festival drew 4,000 visitors this year.", "The Hale festival drew 5,200 visitors this year."
    (group,) = groups((stored(1, date(2024, 8, 1)), a), (stored(2, date(2024, 8, 9)), b))
    assert len(group.differing) == 1
    apart = groups((stored(1, date(2022, 8, 1)), a), (stored(2, date(2024, 8, 9)), b))
    assert [len(group.differing) for group in apart] == [0, 0]


def test_an_answer_shows_both_figures(library, encoder):
    """A hit brings the sentence that gives another figure, from whichever corpus, each quoted to the letter."""
    own, shared = library.corpus(7, create=True), library.corpus(None, create=True)
    text = f"Some bridges are old. {OPENED} Nobody knows why."
    Indexer(own.store, encoder).add_articles([Article("/a", "Bridges", text, published=date(2024, 1, 1))])
    other = f"{LATER} So it is told."
    Indexer(shared.store, encoder).add_articles([Article("/b", "Bridges", other, published=date(2020, 1, 1))])
    answer = Retriever(library.askable(7), encoder).ask("When was the Tallow Bridge opened by the mayor of Hale?")
    first = answer.hits[0]
    assert {first.citation.text, *(one.text for one in first.differing)} == {OPENED, LATER}
    assert not first.also_in
    assert sum("Tallow" in hit.citation.text for hit in answer.hits) == 1
    (differing,) = first.differing
    assert differing.text in (text[differing.start : differing.end], other[differing.start : differing.end])


@pytest.mark.parametrize("text", ["one " + "trillion " * 40 + "euros.", "9" * 500 + " euros.", "one trillion " * 500])
def test_absurd_figures_are_read(text):
    """A figure beyond all measure is read like any other, and breaks no answer."""
    assert read(text) is not None
