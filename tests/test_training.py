"""The training command on a small written set and the deterministic encoder: what it learns from and what it makes."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import given
from hypothesis import strategies as st
from test_evaluation_sets import written

from benchmarks import train
from benchmarks.examples import Group, _with_gaps, groups_of
from benchmarks.remembering import Remembering
from evaluation.sets import Question, half, load
from index.article import Article, Span
from index.corpus import Corpus
from index.errors import UserError
from index.indexer import Indexer
from retrieval.evidence import EVIDENCE
from retrieval.late_interaction import TOKENS
from retrieval.ranker import SHIPPED, LearnedRanker, Linear
from retrieval.retriever import Retriever

PLACES = "Arno Brill Calder Dunmore Elster Fenwick Garrow Hollin Irwell Jarrow Kelso Lomond".split()
THINGS = ("mill", "bridge", "library")


def article(number: int) -> dict:
    """An article of a paragraph about each of the things in one place."""
    place = PLACES[number]
    paragraphs = [
        f"The {thing} of {place} stands by the river. It was opened in {1850 + 7 * number + order} by the council. "
        f"About {40 + number + order} people work there."
        for order, thing in enumerate(THINGS)
    ]
    return {"id": place, "title": place, "text": "\n\n".join(paragraphs)}


def questions(row: dict) -> list[dict]:
    """Two questions about each thing of an article, and one that it has no answer to."""
    asked = []
    for paragraph, thing in zip(re.finditer(r".+", row["text"]), THINGS, strict=True):
        for text, answer in (
            (f"When was the {thing} of {row['id']} opened?", r"(?<=opened in )\d+"),
            (f"How many people work at the {thing} of {row['id']}?", r"(?<=About )\d+"),
        ):
            found = re.compile(answer).search(row["text"], *paragraph.span())
            asked.append({"question": text, "spans": [found.span()], "answers": [found.group()]})
    asked.append({"question": f"Who painted the ceiling in {row['id']}?", "spans": [], "answers": []})
    return [{**one, "article_id": row["id"], "answerable": bool(one["spans"])} for one in asked]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with the written set."""
    rows = [article(number) for number in range(len(PLACES))]
    assert {half(row["id"]) for row in rows} == {0, 1}
    return written(tmp_path_factory.mktemp("sets") / "tiny", rows, [one for row in rows for one in questions(row)])


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """The ranker's file made from the written set, twice: the second time from what was kept of the first."""
    folder = tmp_path_factory.mktemp("made")
    files = [folder / "one.json", folder / "two.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "ModelEncoder", lambda: HashEncoder(256))
        for file in files:
            assert train.main([str(tiny), "--out", str(file), "--data", str(folder / "kept")]) == 0
    return files


def test_training_twice_gives_the_same_file(made):
    """The same questions give the same file, byte for byte, whether texts are encoded or taken from what was kept."""
    assert made[0].read_bytes() == made[1].read_bytes()


def test_the_file_tells_where_it_comes_from(made):
    """It names the command, the model, the questions of each kind, and no column that is not there."""
    content = json.loads(made[0].read_text(encoding="utf-8"))
    assert content["made"]["by"] == "python -m benchmarks.train tiny" and content["made"]["encoder"] == "hash"
    own = sum(half(place) == 0 for place in PLACES)
    told = content["made"]["questions"]
    assert (told["tiny, whole"], told["tiny, half"], told["tiny, adversarial"]) == (6 * own, 6 * own, 7 * own)
    assert set(content["models"]) == set(json.loads(SHIPPED.read_text(encoding="utf-8"))["models"])
    assert set(content["models"]["full"]["ranking"]["terms"]) == set(EVIDENCE)
    assert not set(content["models"]["plain"]["ranking"]["terms"]) & set(TOKENS)


def test_what_was_learned_carries_over(made, tiny, tmp_path):
    """On articles that it was not fitted on, it ranks right sentences first and is surer of them than of others."""
    encoder, ranker = HashEncoder(256), LearnedRanker(made[0])
    questions = load(tiny)
    corpus = Corpus(tmp_path / "corpus.db", encoder)
    Indexer(corpus.store, encoder).add_articles(questions.articles)
    retriever = Retriever([corpus], encoder, ranker)
    right, sure, unsure = [], [], []
    for one in questions.questions:
        if half(one.article) == 0:
            continue
        first = retriever.rank(one.text, top=1)[0][0]
        if not one.answerable:
            unsure.append(first.probability)
            continue
        sentence = first.candidate.sentence
        right.append(first.article.source == one.article and sentence.start <= one.spans[0].start < sentence.end)
        sure.append(first.probability)
    corpus.close()
    assert np.mean(right) > 0.9
    assert np.mean(sure) > np.mean(unsure) + 0.3
    for model in json.loads(made[0].read_text(encoding="utf-8"))["models"].values():
        lowest = list(model["thresholds"].values())
        assert lowest == sorted(lowest) and len(lowest) > 5


def test_a_set_that_teaches_nothing_is_refused(tmp_path, capsys, monkeypatch):
    """Without a question about an article of the half that is learned from, that is said."""
    monkeypatch.setattr(train, "ModelEncoder", lambda: HashEncoder(256))
    rows = [one for one in (article(number) for number in range(len(PLACES))) if half(one["id"]) == 1]
    odd = written(tmp_path / "odd", rows, [one for row in rows for one in questions(row)])
    assert train.main([str(odd), "--out", str(tmp_path / "ranker.json")]) == 1
    assert "Train on larger sets" in capsys.readouterr().err
    assert not (tmp_path / "ranker.json").exists()


def test_only_one_half_of_the_articles_is_asked_about(tiny):
    """Groups hold the questions about the half that is asked for; a corpus that lacks an article has no right one."""
    questions = load(tiny)
    encoder = HashEncoder(256)
    whole, halved, gaps = groups_of(questions, encoder, lambda *_: None, of_half=1, kinds={"whole", "half", "gaps"})
    expected = 6 * sum(half(place) == 1 for place in PLACES)
    assert [len(group.examples) for group in (whole, halved, gaps)] == [expected] * 3
    assert all(one.inside and one.right.sum() == 1 for one in whole.examples)
    for group in (halved, gaps):
        assert {one.inside for one in group.examples} == {True, False}
        assert all(one.right.any() == one.inside for one in group.examples)


def test_the_command_refuses(tiny, tmp_path, capsys, monkeypatch):
    """A folder without a set is told in words, and a cross-encoder's weights need a file of their own."""
    monkeypatch.setattr(train, "ModelEncoder", lambda: HashEncoder(256))
    assert train.main([str(tmp_path), "--out", str(tmp_path / "x.json")]) == 1
    assert "holds no question set" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        train.main([str(tiny), "--reranker", "some"])
    assert stopped.value.code == 2 and "--out" in capsys.readouterr().err


def test_thresholds_by_hand():
    """Each precision has the least probability from which on so many answers are right, and 1 if none has."""
    values = np.array([[5.0], [4.0], [3.0], [2.0], [1.0], [0.0]])
    right = np.array([True, True, False, True, False, False])
    inside = np.array([True, True, False, True, False, False])
    logistic = Linear((0,), np.zeros(1), np.ones(1), np.ones(1), 0.0)

    def found(right):
        groups = [Group("a", "half", []), Group("a", "whole", [])]
        return dict(train.thresholds(groups, logistic, logistic, lambda group, _: (values, right, inside)))

    lowest = found(right)
    chance = [round(1 / (1 + math.exp(-value)), 4) for value in values[:, 0]]
    # Right so far: 1/1, 2/2, 2/3, 3/4, 3/5, 3/6.
    assert [lowest[p] for p in (0.55, 0.65, 0.7)] == [chance[4], chance[3], chance[3]]
    assert [lowest[p] for p in (0.8, 0.95)] == [chance[1], chance[1]]
    assert set(found(np.zeros(6, np.bool_)).values()) == {1.0}


def test_answered_and_unanswered_count_the_same():
    """However many questions there are of each, both halves weigh as much; where there is but one, it is all."""
    shares = train._half_and_half(np.array([True, False, False, False]))
    assert shares == pytest.approx([1 / 2, 1 / 6, 1 / 6, 1 / 6])
    assert train._half_and_half(np.array([True, True])) == pytest.approx([1 / 2, 1 / 2])


# -- articles without every second paragraph

LINES = st.text("abé. ", min_size=1, max_size=12).filter(str.strip)
WRITTEN = st.lists(st.tuples(LINES, st.integers(1, 3)), min_size=1, max_size=6)


@given(st.lists(st.tuples(st.integers(0, 2), WRITTEN), min_size=1, max_size=4), st.data())
def test_spans_move_with_their_paragraphs(texts, data):
    """Without every second paragraph a span reads as it did, or is gone where its own paragraph is."""
    articles, asked, expected = [], [], []
    for number, (blank, lines) in enumerate(texts):
        text, kept = "\n" * blank, ""
        for place, (line, gap) in enumerate(lines):
            stays = len(lines) == 1 or place % 2 == number % 2
            start = data.draw(st.integers(0, len(line) - 1))
            end = data.draw(st.integers(start + 1, len(line)))
            span = Span(len(text) + start, len(text) + end)
            asked.append(Question("?", str(number), (span,), ()))
            expected.append((Span(len(kept) + start, len(kept) + end), line[start:end]) if stays else None)
            text += line + "\n" * gap
            kept += line + "\n" * gap if stays else ""
        articles.append((Article(str(number), "", text), kept))
    holed, moved = _with_gaps([one for one, _ in articles], asked)
    assert [one.text for one in holed] == [kept for _, kept in articles]
    by_source = {one.source: one.text for one in holed}
    for before, after, wanted in zip(asked, moved, expected, strict=True):
        assert after == replace(before, spans=(wanted[0],) if wanted else ())
        assert after.answerable is (wanted is not None)
        if wanted:
            assert after.spans[0].of(by_source[after.article]) == wanted[1]


# -- what is kept between runs


class Counting(HashEncoder):
    """Counts the texts that it is given to read."""

    def __init__(self) -> None:
        super().__init__(256)
        _ = self.yardstick
        self.read = 0

    def read_passages(self, texts):
        self.read = getattr(self, "read", 0) + len(texts)
        return super().read_passages(texts)

    def read_questions(self, texts):
        self.read = getattr(self, "read", 0) + len(texts)
        return super().read_questions(texts)


def test_what_was_read_is_not_read_again(tmp_path):
    """Texts kept in a folder come back with the same vectors, places and codes, and are not encoded anew."""
    texts = ["The mill of Arno stands by the river.", "It was opened in 1857.", "The mill of Arno stands by the river."]
    first, second = Counting(), Counting()
    plain = HashEncoder(256)
    coder = plain.yardstick.coder
    for encoder, read in ((first, 5), (second, 0)):
        remembering = Remembering(encoder, tmp_path)
        told = remembering.read_passages(texts), remembering.read_questions(texts[:2]), remembering.read_passages(["?"])
        for found, expected in zip(
            told, (plain.read_passages(texts), plain.read_questions(texts[:2]), plain.read_passages(["?"])), strict=True
        ):
            np.testing.assert_array_equal(found.vectors, expected.vectors)
            for one, other in zip(found.tokens, expected.tokens, strict=True):
                np.testing.assert_array_equal(one.spans, other.spans)
                assert coder.encode(one.vectors) == coder.encode(other.vectors)
        assert encoder.read == read
        assert remembering.read_passages([]).vectors.shape == (0, encoder.dimension)


def test_a_damaged_keeping_is_told(tmp_path):
    """A file of kept encodings that cannot be read is an error that says to delete it."""
    Remembering(HashEncoder(), tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"not a database" * 500)
    with pytest.raises(UserError, match="Delete it"):
        Remembering(HashEncoder(), tmp_path)
