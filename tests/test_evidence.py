"""What the ranker is told about a candidate, against a slow and obvious way to work out each figure."""

import math
import re
from contextlib import ExitStack

import numpy as np
import pytest
from conftest import HashEncoder, stored_vectors

from index.article import Article, Sentence
from index.corpus import Corpus
from index.encoder import EncoderIdentity
from index.indexer import Indexer
from index.lexical import STOP_TERMS, names, question_terms, terms
from index.tokens import Encoded, TokenVectors
from index.yardstick import Yardstick
from retrieval.evidence import EVIDENCE, EXPECTED
from retrieval.late_interaction import TOKENS
from retrieval.ranker import FixedRanker, shipped
from retrieval.retriever import Retriever
from retrieval.search import search

# Title (None: the article states none) and paragraphs of sentences.
WRITTEN = {
    "/bridge": (
        "The Tallow Bridge",
        [
            ["The bridge crosses the Wend.", "It was opened in 1932 by Mayor Lindqvist.", "She came from Norway."],
            ["Two towers carry its deck.", "They were painted green in the Orne style."],
        ],
    ),
    "/ferry": (
        "The ferry",
        [["Until 1932 a ferry crossed the Wend.", "Its captain lived in Harbourton.", "Forty people fitted on board."]],
    ),
    "/note": (None, [["Mayor Lindqvist opened three schools.", "The mayor never opened a bridge."]]),
}
ARTICLES = [
    Article(source, title or source, "\n\n".join(map(" ".join, paragraphs)), states_title=title is not None)
    for source, (title, paragraphs) in WRITTEN.items()
]


class Wordless(HashEncoder):
    """An encoder that does not tell its tokens."""

    @property
    def identity(self) -> EncoderIdentity:
        return EncoderIdentity("hash", tokens=False)

    def read_questions(self, texts):
        return Encoded(self.encode_questions(texts), [TokenVectors.none()] * len(texts))

    def read_passages(self, texts):
        return Encoded(self.encode_passages(texts), [TokenVectors.none()] * len(texts))


def indexed(path, articles, encoder) -> Corpus:
    corpus = Corpus(path, encoder)
    Indexer(corpus.store, encoder).add_articles(articles)
    return corpus


def looked_at(corpora, encoder, question: str) -> dict[str, dict[str, float]]:
    """Sentence → column → value, of every sentence that is no heading."""
    with ExitStack() as stack:
        views = [stack.enter_context(corpus.view()) for corpus in corpora]
        found = search(views, encoder, question, most=1_000)
        texts = [
            one.view.store.load(one.sentence.article_id).text[one.sentence.start : one.sentence.end]
            for one in found.candidates
        ]
    assert found.evidence.shape == (len(texts), len(EVIDENCE))
    return {text: dict(zip(EVIDENCE, row, strict=True)) for text, row in zip(texts, found.evidence, strict=True)}


def evidence_of(articles, question: str, tmp_path, encoder=None) -> dict[str, dict[str, float]]:
    encoder = encoder or HashEncoder(256)
    corpus = indexed(tmp_path / "corpus.db", articles, encoder)
    try:
        return looked_at([corpus], encoder, question)
    finally:
        corpus.close()


class Reference:
    """Every column of the evidence for `question`, worked out sentence by sentence, without an index."""

    def __init__(self, encoder: HashEncoder, question: str, kind: str) -> None:
        self.encoder, self.question, self.kind = encoder, question, kind
        self.yardstick: Yardstick = encoder.yardstick
        self.asked = set(question_terms(question))
        self.vector = encoder.encode_questions([question])[0]
        self.sentences = [s for _, paragraphs in WRITTEN.values() for paragraph in paragraphs for s in paragraph]
        self.idf = self._idf([terms(one) for one in self.sentences])
        self.bodies = [
            terms(title or "") + [term for sentence in paragraph for term in terms(sentence)]
            for title, paragraphs in WRITTEN.values()
            for paragraph in paragraphs
        ]

    def all(self) -> dict[str, dict[str, float]]:
        features: dict[str, dict[str, float]] = {}
        first: dict[str, float] = {}
        for title, paragraphs in WRITTEN.values():
            for paragraph in paragraphs:
                mean = np.sum([self.passage(title, one) for one in paragraph], axis=0)
                mean /= np.linalg.norm(mean)
                body = terms(title or "") + [term for one in paragraph for term in terms(one)]
                for one in paragraph:
                    features[one] = {
                        "dense": self.scaled(self.passage(title, one) @ self.vector),
                        "dense_paragraph": self.scaled(mean @ self.vector),
                        "bm25": self.bm25(terms(one), [terms(other) for other in self.sentences]),
                        "bm25_paragraph": self.bm25(body, self.bodies),
                    }
                    first[one] = float(np.array(list(features[one].values())) @ FixedRanker.WEIGHTS)
        found = {}
        for title, paragraphs in WRITTEN.values():
            own = [one for paragraph in paragraphs for one in paragraph]
            for paragraph in paragraphs:
                for place, one in enumerate(paragraph):
                    near = paragraph[max(0, place - 1) : place] + paragraph[place + 1 : place + 2]
                    opens = one.split()[0] in {"It", "Its", "She", "They"}
                    others = [first[other] for other in paragraph if other != one]
                    found[one] = features[one] | {
                        "article_dense": max(features[other]["dense"] for other in own),
                        "article_best": max(first[other] for other in own),
                        "paragraph_rest": max(others, default=0.0),
                        "pronoun_gain": features[paragraph[place - 1]]["dense"] - features[one]["dense"]
                        if opens and place
                        else 0.0,
                        "lead": 1 / (1 + own.index(one)),
                        **self.words(title, paragraph, near, one),
                        **self.expected(one),
                        **self.tokens(title, near, one),
                    }
        return found

    def passage(self, title, sentence):
        text = f"{title}\n{sentence}" if title else sentence
        return self.encoder.encode_passages([text])[0].astype(np.float16).astype(np.float32)

    def scaled(self, cosine) -> float:
        return float(self.yardstick.cosine.of(cosine))

    def _idf(self, documents) -> dict[str, float]:
        held = {term: sum(term in document for document in documents) for term in self.asked}
        return {term: math.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) for term, n in held.items()}

    def bm25(self, document, documents) -> float:
        idf = self._idf(documents)
        length = len(document) / (sum(map(len, documents)) / len(documents))
        score = sum(
            idf[term] * 2.2 * (n := document.count(term)) / (n + 1.2 * (0.25 + 0.75 * length)) for term in self.asked
        )
        return score / (2.2 * sum(idf.values()))

    def words(self, title, paragraph, near, sentence) -> dict[str, float]:
        own = terms(sentence)
        titled = {*own, *terms(title or "")}
        everywhere = titled.union(*(terms(one) for one in paragraph))
        window = titled.union(*(terms(one) for one in near))
        named = set(names(self.question.split(" ", 1)[1])) & self.asked
        figures = {term for term in self.asked if term.isdigit()}

        def share(held):
            return sum(self.idf[term] for term in self.asked if term in held) / sum(self.idf.values())

        def missing(wanted):
            return sum(term not in everywhere for term in wanted) / len(wanted) if wanted else 0.0

        return {
            "coverage_title": share(titled),
            "coverage": share(everywhere),
            "coverage_window": share(window),
            "terms_missing": missing(self.asked),
            "names_missing": missing(named),
            "numbers_missing": missing(figures),
            "length": math.log(1 + len(own)),
            "novelty": math.log(1 + len({*own} - self.asked - STOP_TERMS)),
            "names_new": math.log(1 + len(set(names(sentence)) - self.asked)),
        }

    def expected(self, sentence) -> dict[str, float]:
        new = [term for term in terms(sentence) if term not in self.asked]
        places = re.findall(r"\b(?:in|from|on|across|of) (?:the )?([A-Z]\w+)", sentence)
        told = {
            "number_figure": any(term.isdigit() for term in new),
            "number_number_word": bool({"two", "three", "forti"} & set(new)),
            "time_year": any(re.fullmatch(r"1\d\d\d|20\d\d", term) for term in new),
            "time_figure": any(term.isdigit() for term in new),
            "person_names": math.log(1 + len(set(names(sentence)) - self.asked)),
            "place_place": any(terms(place)[0] not in self.asked for place in places),
            "place_names": math.log(1 + len(set(names(sentence)) - self.asked)),
            "thing_length": math.log(1 + len(terms(sentence))),
        }
        return {name: float(told[name]) if name.startswith(f"{self.kind}_") else 0.0 for name in EXPECTED}

    def tokens(self, title, near, sentence) -> dict[str, float]:
        scale = self.yardstick.tokens
        asked = self.encoder.read_questions([self.question]).tokens[0]
        words = [self.question[start:end] for start, end in asked.spans]
        weights = [self.idf.get(terms(word)[0], 0.0) for word in words]
        weights = [weight + 0.15 * max(1.0, *weights) for weight in weights]
        heaviest = [weight / max(weights) for weight in weights]
        weights = [weight / sum(weights) for weight in weights]
        own, of_title = self.cosines(asked.vectors, title, sentence)
        best = [scale.of(max(row)) for row in own]
        titled = [max(a, scale.of(max(row, default=-9.0))) for a, row in zip(best, of_title, strict=True)]
        window = list(titled)
        for one in near:
            rows, _ = self.cosines(asked.vectors, None, one)
            window = [max(a, scale.of(max(row))) for a, row in zip(window, rows, strict=True)]

        def sigmoid(x):
            return 1 / (1 + math.exp(-10 * x))

        pairs = list(zip(weights, titled, strict=True))
        return {
            "tokens": sum(best) / len(best),
            "tokens_title": sum(titled) / len(titled),
            "tokens_least": min(titled),
            "tokens_first": best[0],
            "tokens_window": sum(window) / len(window),
            "tokens_window_idf": sum(weight * a for weight, a in zip(weights, window, strict=True)),
            "tokens_match": sum(weight * sigmoid(a - 0.8) for weight, a in pairs),
            "tokens_near": sum(weight * sigmoid(a - 1.1) for weight, a in pairs),
            "tokens_reverse": float(np.mean([scale.of(max(column)) for column in zip(*own, strict=True)])),
            "tokens_gap": max(weight * (1 - min(a, 1)) for weight, a in zip(heaviest, titled, strict=True)),
            "tokens_gap_window": max(weight * (1 - min(a, 1)) for weight, a in zip(heaviest, window, strict=True)),
        }

    def cosines(self, asked, title, sentence):
        """Of each of the question's tokens with each of the sentence's own, and with each of its title's."""
        coder = self.yardstick.coder
        title = f"{title}\n" if title else ""
        read = self.encoder.read_passages([title + sentence]).tokens[0]
        signs = [coder.decode(coder.encode(vector[np.newaxis]))[0] for vector in read.vectors]
        rows = [[float(query @ one) for one in signs] for query in coder.query(asked)]
        of_title = sum(start < len(title) for start, _ in read.spans.tolist())
        return [row[of_title:] for row in rows], [row[:of_title] for row in rows]


@pytest.mark.parametrize(
    "question, kind",
    [
        ("When did Mayor Lindqvist open the bridge across the Wend?", "time"),
        ("How many people fitted on the ferry in 1932?", "number"),
        ("Who painted the towers of the Tallow Bridge?", "person"),
        ("Where did the captain of the ferry live?", "place"),
        ("What carries the deck of the bridge?", "thing"),
        ("Why did the mayor come?", "other"),
    ],
)
def test_every_figure_equals_the_slow_obvious_way(tmp_path, question, kind):
    """Each figure about each sentence equals what a plain computation over the written articles gives."""
    encoder = HashEncoder(256)
    expected = Reference(encoder, question, kind).all()
    found = evidence_of(ARTICLES, question, tmp_path, encoder)
    assert found.keys() == expected.keys()
    for sentence, row in expected.items():
        assert set(row) == set(EVIDENCE)
        for column, value in row.items():
            # Paragraphs' vectors are kept with fewer bits.
            near = 1e-2 if column in {"dense_paragraph", "article_best", "paragraph_rest"} else 1e-4
            assert found[sentence][column] == pytest.approx(value, abs=near), (sentence, column)


def test_a_few_figures_by_hand(tmp_path):
    """Shares, positions, names and years come out as one would count them with a finger on the page."""
    found = evidence_of(ARTICLES, "When did Mayor Lindqvist open the bridge?", tmp_path)
    row = found["It was opened in 1932 by Mayor Lindqvist."]
    assert row["lead"] == 1 / 2 and row["time_year"] == 1
    assert (row["terms_missing"], row["names_missing"], row["numbers_missing"]) == (0, 0, 0)
    assert row["coverage_title"] == row["coverage"] == pytest.approx(1)
    assert row["names_new"] == 0 and row["length"] == pytest.approx(math.log(9))
    assert row["novelty"] == pytest.approx(math.log(2))  # 1932
    row = found["Its captain lived in Harbourton."]
    assert (row["terms_missing"], row["names_missing"], row["time_year"], row["coverage"]) == (1, 1, 0, 0)
    assert row["names_new"] == pytest.approx(math.log(2))


def test_neighbours_are_of_the_same_paragraph(tmp_path):
    """What stands beside a sentence counts for it within the paragraph, and not across its end."""
    text = ("Xylo runs fast.", "The baker sleeps.", "Quartz shines.")
    for gap, same in ((" ", True), ("\n\n", False)):
        article = Article("/a", "", text[0] + gap + text[1] + "\n\n" + text[2], states_title=False)
        folder = tmp_path / str(same)
        folder.mkdir()
        found = evidence_of([article], "Does xylo sleep near quartz?", folder)
        row = found[text[1]]
        assert bool(row["coverage_window"] > row["coverage_title"]) is same
        assert bool(row["tokens_window"] > row["tokens_title"] + 0.1) is same
        alone = found[text[2]]
        assert alone["coverage_window"] == alone["coverage_title"] and alone["paragraph_rest"] == 0


def test_a_pronoun_gains_only_from_its_own_paragraph(tmp_path):
    """A sentence that opens with a pronoun borrows from the one before it, unless a paragraph lies between."""
    for gap, same in ((" ", True), ("\n\n", False)):
        text = f"The tall bridge crosses the river.{gap}It opened late."
        folder = tmp_path / str(same)
        folder.mkdir()
        found = evidence_of([Article("/a", "", text, states_title=False)], "When did the tall bridge open?", folder)
        assert bool(found["It opened late."]["pronoun_gain"] > 0) is same


def test_the_titles_words_are_not_the_sentences(tmp_path):
    """A word of the title counts where the title is named, and not for what the sentence itself says."""
    text, question = "It crosses the river.", "What crosses Zanzibar?"
    rows = []
    for states_title in (True, False):
        folder = tmp_path / str(states_title)
        folder.mkdir()
        article = Article("/a", "Zanzibar", text, states_title=states_title)
        rows.append(evidence_of([article], question, folder)[text])
    titled, plain = rows
    for column in ("tokens", "tokens_first", "tokens_reverse"):
        assert titled[column] == pytest.approx(plain[column])
    for column in ("tokens_title", "tokens_window", "tokens_match", "coverage_title", "coverage"):
        assert titled[column] > plain[column]
    assert titled["tokens_gap"] < plain["tokens_gap"]


@pytest.mark.parametrize("states_title", [True, False])
def test_a_sentence_without_any_word_is_as_bad_as_the_worst(tmp_path, states_title):
    """Figures take no offence at a sentence of signs alone: it is taken for no better than the worst of the others."""
    text = "The bridge opened late. ?!? … !!! The mayor sleeps."
    spans = [(0, 23), (24, 27), (28, 33), (34, 51)]
    encoder = HashEncoder(256)
    corpus = Corpus(tmp_path / "corpus.db", encoder)

    article = Article("/a", "The bridge", text, states_title=states_title)
    Indexer(corpus.store, encoder, splitter=lambda _: [Sentence(*span) for span in spans]).add_articles([article])
    found = looked_at([corpus], encoder, "When did the bridge open?")
    corpus.close()
    assert np.isfinite([list(row.values()) for row in found.values()]).all()
    worded = [row for sentence, row in found.items() if any(map(str.isalpha, sentence))]
    for sentence in ("?!?", "… !!!"):
        for column in TOKENS:
            worst = max if column.startswith("tokens_gap") else min
            assert found[sentence][column] == worst(row[column] for row in worded), column


def test_without_tokens_their_columns_say_nothing(tmp_path):
    """Where tokens are switched off their columns are NaN, all others are as with them, and the ranker needs none."""
    question = "When did Mayor Lindqvist open the bridge?"
    (tmp_path / "with").mkdir()
    full = evidence_of(ARTICLES, question, tmp_path / "with")
    encoder = Wordless(256)
    assert encoder.yardstick.coder is None
    corpus = indexed(tmp_path / "corpus.db", ARTICLES, encoder)
    found = looked_at([corpus], encoder, question)
    for sentence, row in found.items():
        for column, value in row.items():
            assert math.isnan(value) if column in TOKENS else value == pytest.approx(full[sentence][column])
    details = corpus.store.details(stored_vectors(corpus.store).ids.tolist())
    assert all(len(detail.tokens) == 0 for detail in details.values())
    best = Retriever([corpus], encoder).rank(question, top=1)[0][0]
    with corpus.view() as view:
        looked = search([view], encoder, question)
    expected = shipped()._models["plain"][0].of(looked.evidence)
    assert best.score == pytest.approx(expected.max())
    corpus.close()


def test_figures_do_not_depend_on_how_articles_are_spread(tmp_path):
    """Every figure is the same whether the articles stand in one corpus or in three."""
    encoder = HashEncoder(256)
    together = indexed(tmp_path / "one.db", ARTICLES, encoder)
    apart = [indexed(tmp_path / f"{number}.db", [article], encoder) for number, article in enumerate(ARTICLES)]
    question = "Which mayor opened the bridge across the Wend in 1932?"
    one, several = looked_at([together], encoder, question), looked_at(apart, encoder, question)
    assert one.keys() == several.keys()
    for sentence, row in one.items():
        assert several[sentence] == pytest.approx(row, abs=1e-5), sentence
    for corpus in (together, *apart):
        corpus.close()


def test_only_english_questions_expect_a_kind_of_answer(tmp_path):
    """In another language nothing is expected: no figure tells what a sentence offers."""
    german = Article("/f", "Die Fähre", "Die Fähre fährt im Sommer seit 1932 jede Stunde. Sie hat vierzig Plätze.")
    found = evidence_of([german], "Who fährt seit wann mit der Fähre im Sommer über den Fluss?", tmp_path)
    assert all(row[column] == 0 for row in found.values() for column in EXPECTED)
