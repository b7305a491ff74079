"""The protocols on a tiny set, over real corpora with the deterministic encoder: figures worked out by hand."""

import dataclasses
import json
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import HashEncoder
from test_evaluation_sets import written

from benchmarks import quality
from evaluation import protocols
from evaluation.asking import Outcome, holds_a_span, reads_as_published
from evaluation.page import page
from evaluation.passing import corpus_of
from evaluation.protocols import run
from evaluation.report import table_lines, tables_data
from evaluation.sets import Question, half, load
from evaluation.systems import EncodedQuestions, Place, rank_all
from evaluation.tables import ranking_table, refusal_table
from index.article import Article, Sentence, Span
from index.errors import UserError
from index.indexer import Indexer
from retrieval.retriever import Retriever

TIDE = "The tide comes twice a day."
TEXTS = {
    "a": f"The moon pulls the sea. {TIDE}",
    "b": f"Bread needs flour. {TIDE}",
    "c": "Owls hunt at night. Mice fear owls.",
    "e": "Trains run on rails. Steam drove trains once.",
}


def asked(text, article, answer):
    start = TEXTS[article].index(answer) if answer else 0
    spans = [[start, start + len(answer)]] if answer else []
    return {
        "question": text,
        "article_id": article,
        "answers": [answer] if answer else [],
        "spans": spans,
        "answerable": bool(answer),
    }


QUESTIONS = [
    asked("When does the tide come? Twice a day?", "a", "twice a day"),
    asked("When do owls hunt? At night?", "c", "night"),
    asked("When do owls hunt? At night?", "e", "Steam"),
    asked("What do trains run on? Rails?", "e", "rails"),
    asked("Who walks the volcano?", "b", ""),
]


@pytest.fixture
def tiny(tmp_path):
    """A folder with a set of four articles of two published sentences each."""
    articles = []
    for name, text in TEXTS.items():
        first = text.index(".") + 1
        articles.append({"id": name, "text": text, "sentences": [[0, first], [first + 1, len(text)]]})
    return written(tmp_path / "tiny", articles, QUESTIONS)


@pytest.fixture
def tables(tiny, encoder):
    """Protocol → its table on the tiny set."""
    return {table.protocol: table for table in run(load(tiny), encoder, lambda *_: None)}


def figures(table, system, part="all"):
    (found,) = [one for one in table.parts if one.name == part]
    return {measure: one.value for measure, one in found.systems[system].items()}


def outcome(**changes):
    values = {
        "rank": math.inf,
        "right": False,
        "article": False,
        "answer_1": False,
        "answer_5": False,
        "confidence": 0.0,
        "shown": False,
        "shown_right": False,
        "any_right": False,
        "got": None,
    }
    return Outcome(**values | changes)


# -- protocols


def test_fixed_candidates(tables):
    """The same sentence elsewhere is right too; equal ones share a rank; the best of a question's repetitions counts.

    Of three different questions the first has two right sentences of equal score, 1.5 each, which are one hit of the
    product; the second is right at once, whatever its repetition is; and so is the third.
    """
    table = tables[1]
    assert table.title == "fixed candidates, published"
    for system in ("bm25", "dense"):
        found = figures(table, system)
        assert (found["MRR"], found["R@1"], found["R@5"]) == pytest.approx(((1 / 1.5 + 2) / 3, 2 / 3, 1)), system
    assert figures(table, "verbatim")["MRR"] == figures(table, "verbatim")["R@1"] == 1
    assert table.parts[0].questions == 3


def test_product_run(tables):
    """Every question counts, and right is only what stands in its own article."""
    assert tables[2].parts[0].questions == 4
    found = figures(tables[2], "bm25")
    # 1.5 for the tide, 1 for the owls and the trains; steam is not asked for, and stands anywhere behind.
    assert found["R@1"] == 2 / 4
    assert (1 / 1.5 + 2) / 4 < found["MRR"] <= (1 / 1.5 + 2 + 0.5) / 4
    product = figures(tables[2], "verbatim")
    assert product["R@1"] == 3 / 4
    assert product["has-answer@1"] == 3 / 4


def test_out_of_corpus(tables):
    """Every second article by id is indexed, a and c; what b and e would answer counts as unanswerable."""
    table = tables[3]
    assert (table.parts[0].questions, table.parts[0].articles) == (4, 3)
    found = figures(table, "verbatim")
    # Owls are asked for twice in the same words, once as answerable and once not; whether the tide has more confidence
    # than they is the ranker's matter, and the trains have less than both.
    assert found["AUROC"] in {(1 + 1 + 0.5 + 0) / 4, (1 + 1 + 0.5 + 1) / 4}
    assert (found["coverage"], found["refused"], found["balanced accuracy"]) == (1, 0.5, 0.75)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["mixed precision"] == found["mixed answerable"] == pytest.approx(2 / 3)
    assert found["mixed coverage at 90%"] in {0, 0.5}


def test_adversarial(tables):
    """Over all articles, the confidence tells what is answerable from what is not."""
    table = tables[4]
    assert (table.parts[0].questions, table.parts[0].articles) == (5, 3)
    assert figures(table, "verbatim")["AUROC"] == 1
    assert figures(table, "verbatim")["refused"] == 1


def test_parts(tables):
    """Beside all articles stands the half that was held back."""
    held_back = [one for one in QUESTIONS if half(one["article_id"]) == 1]
    assert held_back
    assert tables[4].parts[1].name == "held back"
    assert tables[4].parts[1].questions == len(held_back)


def test_a_set_without_boundaries_or_unanswerable_questions(tiny, tmp_path, encoder, monkeypatch):
    """What a set has nothing for is left out, and so is what was not wished; a limit spaces the questions; nothing is
    left behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "passing"))
    (tmp_path / "passing").mkdir()
    questions = load(tiny)
    plain = dataclasses.replace(questions, boundaries={}, questions=[one for one in questions.questions if one.spans])
    assert [one.protocol for one in run(plain, encoder, lambda *_: None)] == [2, 3]
    (table,) = run(questions, encoder, lambda *_: None, protocols=[2], limit=2)
    assert table.parts[0].questions == 2
    assert list((tmp_path / "passing").iterdir()) == []


def test_an_article_that_cannot_be_indexed(tiny, encoder, monkeypatch):
    """An article that the product refuses stops the set, by its name."""
    monkeypatch.setattr("index.preparing._MOST_SENTENCES", 1)
    with pytest.raises(UserError, match="The article “a” of this set cannot be indexed"):
        run(load(tiny), encoder, lambda *_: None)


# -- what is right


def test_right_is_where_an_answer_starts():
    """A sentence is right if it holds the start of a span, in the span's article, wherever the answer stands."""
    judge = holds_a_span(Question("?", "a", (Span(5, 9),), ("x",), (("b", Span(2, 3)),)))
    assert judge(Place("a", 0, 6))
    assert judge(Place("a", 5, 9))
    assert not judge(Place("a", 6, 20))
    assert not judge(Place("a", 0, 5))
    assert not judge(Place("c", 0, 20))
    assert judge(Place("b", 0, 20))


def test_right_is_what_reads_like_the_published_sentence():
    """With published sentences, whatever reads the same as a right one is right."""
    judge = reads_as_published(TEXTS, {"a": [Sentence(0, 23), Sentence(24, 51)]})(
        Question("?", "a", (Span(39, 50),), ())
    )
    assert judge(Place("a", 24, 51))
    assert judge(Place("b", 19, 46))
    assert not judge(Place("a", 0, 23))


def test_the_systems_rank_the_same_candidates(library, corpus, encoder):
    """Every system ranks what the product found, and the product's ranking is that of `Retriever`."""
    Indexer(corpus.store, encoder).add_articles([Article(name, name, text) for name, text in TEXTS.items()])
    retriever = Retriever([corpus], encoder)
    found = rank_all(retriever, [corpus], encoder, "When does the  tide come?")
    assert set(found["bm25"].places) == set(found["dense"].places) == set(found["verbatim"].places)
    answer = retriever.ask("When does the tide come?")
    citation = answer.hits[0].citation
    assert found["verbatim"].places[0] == Place(citation.article.source, citation.start, citation.end)
    assert len(found["verbatim"].shown) == len(answer.hits)
    assert found["verbatim"].confidence == answer.hits[0].probability
    assert found["bm25"].shown is None


def test_an_empty_corpus_finds_nothing(corpus, encoder):
    """Where nothing is indexed, no system finds anything, and none is confident."""
    for ranking in rank_all(Retriever([corpus], encoder), [corpus], encoder, "Who?").values():
        assert (list(ranking.places), list(ranking.first), ranking.confidence) == ([], [], 0)


def test_questions_are_encoded_together(encoder):
    """Questions encoded beforehand have the vectors that they have one by one; others are encoded when asked."""
    encoded = EncodedQuestions(encoder, ["Who  walks?", "Who runs?"])
    for text in ("Who walks?", "Who runs?", "Who flies?"):
        assert np.array_equal(encoded.encode_questions([text]), encoder.encode_questions([text]))
    assert encoded.identity == encoder.identity


# -- figures


def test_ranking_figures():
    """MRR, recall and the shares are means over questions."""
    questions = [Question(str(i), f"a{i}", (Span(0, 1),), ()) for i in range(4)]
    outcomes = [
        outcome(rank=1.0, article=True, answer_1=True, answer_5=True),
        outcome(rank=2.5, article=True, answer_5=True),
        outcome(rank=8.0),
        outcome(),
    ]
    table = ranking_table(2, "t", questions, {"verbatim": outcomes}, halves=False)
    found = figures(table, "verbatim")
    assert found["MRR"] == pytest.approx((1 + 0.4 + 0.125) / 4)
    assert [found[f"R@{k}"] for k in (1, 5, 10)] == [0.25, 0.5, 0.75]
    assert [found[name] for name in ("article@1", "has-answer@1", "has-answer@5")] == [0.5, 0.25, 0.5]
    assert dict(table.curves["verbatim"].recall)[3] == 0.5


def test_refusal_figures():
    """Coverage counts the answerable, precision the answered; in the mix each kind of question weighs a half."""
    inside = np.array([True, True, True, True, False, False])
    questions = [Question(str(i), f"a{i}", (Span(0, 1),), ()) for i in range(6)]
    outcomes = [
        outcome(confidence=0.9, right=True, shown=True, shown_right=True, any_right=True),
        outcome(confidence=0.8, shown=True, any_right=True),
        outcome(confidence=0.7, right=True, shown=True, shown_right=True, any_right=True),
        outcome(confidence=0.1),
        outcome(confidence=0.6, shown=True),
        outcome(confidence=0.2),
    ]
    found = figures(refusal_table(3, "t", questions, {"verbatim": outcomes}, inside=inside, halves=False), "verbatim")
    assert found["AUROC"] == 6 / 8
    assert (found["coverage"], found["refused"], found["balanced accuracy"]) == (0.75, 0.5, 0.625)
    assert found["precision"] == 2 / 4
    # Each answerable question weighs 1/8 and each other 1/4.
    assert found["mixed precision"] == pytest.approx(0.25 / 0.625)
    assert found["mixed any hit right"] == found["mixed answerable"] == pytest.approx(0.375 / 0.625)
    assert found["mixed coverage at 90%"] == 0.25
    # Six bins of one question each.
    assert found["ECE"] == pytest.approx((0.1 + 0.8 + 0.3 + 0.1 + 0.6 + 0.2) / 6)
    assert found["mixed ECE"] == pytest.approx((0.1 + 0.8 + 0.3 + 0.1) / 8 + (0.6 + 0.2) / 4)


def test_without_unanswerable_questions_there_is_no_mix():
    """Where every question can be answered, what compares the two kinds is not defined."""
    questions = [Question("?", "a", (Span(0, 1),), ())]
    table = refusal_table(
        None, "t", questions, {"verbatim": [outcome(shown=True)]}, inside=np.array([True]), halves=False
    )
    found = figures(table, "verbatim")
    assert found["coverage"] == 1
    assert all(math.isnan(found[name]) for name in ("AUROC", "refused", "balanced accuracy", "mixed precision"))
    assert "AUROC                               –" in list(table_lines("own", [table]))


# -- the command


@pytest.fixture
def measure(monkeypatch, capsys):
    """Runs `benchmarks.quality` with the deterministic encoder."""
    made = []

    def encoder(*arguments, **options):
        made.append((arguments, options))
        return HashEncoder()

    monkeypatch.setattr(quality, "ModelEncoder", encoder)

    def run(*arguments):
        code = quality.main([str(one) for one in arguments])
        return code, *capsys.readouterr(), made

    return run


def test_the_command(measure, tiny, tmp_path):
    """One command prints the tables of every set, and writes JSON and the page; vectors are kept for the next run."""
    arguments = (tiny, tiny, "--json", tmp_path / "f.json", "--html", tmp_path / "f.html", "--data", tmp_path / "kept")
    code, out, err, made = measure(
        *arguments, "--model", "other", "--question-prefix", "q: ", "--passage-prefix", "p: "
    )
    assert code == 0
    assert made == [(("other",), {"question_prefix": "q: ", "passage_prefix": "p: ", "runtime": "int8"})]
    for protocol in protocols.PROTOCOLS:
        assert out.count(f"tiny · protocol {protocol} · ") == 4  # all and held back, of two sets
    assert "asking questions: 4 of 4" in err
    data = json.loads((tmp_path / "f.json").read_text())
    assert list(data["sets"]) == ["tiny", "tiny (2)"]
    assert data["sets"]["tiny"] == data["sets"]["tiny (2)"]
    assert [one["protocol"] for one in data["sets"]["tiny"]] == [1, 2, 3, 4]
    assert data["sets"]["tiny"][0]["parts"][0]["systems"]["verbatim"]["MRR"]["value"] == 1
    assert "<svg" in (tmp_path / "f.html").read_text()
    (kept,) = (tmp_path / "kept").iterdir()
    before = kept.read_bytes()
    assert measure(*arguments)[:2] == (0, out)
    assert kept.read_bytes() == before


def test_the_command_refuses(measure, tiny, tmp_path):
    """A folder without a set, a file that cannot be written and options that mean nothing are told in words."""
    code, out, err, _ = measure(tmp_path)
    assert (code, out) == (1, "")
    assert "holds no question set" in err
    code, out, err, _ = measure(tiny, "--json", tmp_path / "nosuch" / "f.json")
    assert (code, out) == (1, "")
    assert "there is no such folder" in err
    assert measure(tiny, "--data", tmp_path / "kept", "--limit", 1)[0] == 0
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(b"PK\x03\x04 cut off")
    code, _, err, _ = measure(tiny, "--data", tmp_path / "kept")
    assert code == 1
    assert "cannot be used" in err and "Delete it" in err
    for wrong in (("--protocols", "1,9"), ("--protocols", "x"), ("--limit", "0"), ()):
        with pytest.raises(SystemExit) as stopped:
            measure(*(tiny, *wrong) if wrong else ())
        assert stopped.value.code == 2


# -- reports


def test_reports_of_hostile_names(tables):
    """A set's name is text in the page, whatever it holds, and the page is well-formed."""
    hostile = "<script>alert(1)</script>\x00\"'&\u202e"
    text = page(hostile, {hostile: list(tables.values())})
    root = ElementTree.fromstring(text.partition("\n")[2])
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "script" not in names
    assert {"svg", "table", "polyline", "circle"} <= names
    assert "<script" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
    # Nothing is fetched: no address in any attribute but the name of the XML dialect.
    assert text.count("://") == 1
    assert all(
        not name.endswith(("href", "src")) and not name.startswith("on")
        for element in root.iter()
        for name in element.attrib
    )


def test_the_data_is_json(tables):
    """The figures of every protocol are plain JSON without NaN."""
    text = json.dumps(tables_data(list(tables.values())), allow_nan=False)
    assert {one["protocol"] for one in json.loads(text)} == {1, 2, 3, 4}


def test_a_passing_corpus_has_the_boundaries_it_is_given(encoder):
    """Published boundaries are taken as they are; without them the product splits."""
    for boundaries, sentences in (({"a": [Sentence(0, 51)]}, 1), (None, 2)):
        with corpus_of([Article("a", "a", TEXTS["a"])], encoder, boundaries=boundaries) as corpus:
            assert corpus.store.statistics().sentences == sentences
        assert not corpus.store.path.exists()
