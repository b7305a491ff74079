"""What comes nearest to an answer where nothing is sure enough, on a deterministic encoder."""

import pytest
from conftest import HashEncoder, demanding

from index.article import Article
from index.indexer import Indexer
from retrieval.answer import Confidence
from retrieval.ranker import BESIDE, LearnedRanker
from retrieval.retriever import Retriever

TIDES = Article(
    "/tides",
    "Tides",
    "The moon pulls the sea. High water comes twice a day.\nSpring tides follow the full moon. Neap tides are weak.",
    url="https://example.org/tides",
)
BREAD = Article("/bread", "Bread", "Rye bread needs a sour starter. The oven must be hot.\nLet it cool for an hour.")
COPY = Article("/copy", "The sea", "Ships wait for the tide. High water comes twice a day.")
FERRY = Article("/ferry", "The ferry", "The ferry leaves at noon. A ticket costs three crowns.")

SURE = "When does high water come?"
QUESTIONS = [
    SURE,
    "How often does high water come in a day?",
    "What does the moon pull?",
    "What follows the moon at night?",
    "Is the oven of the ferry hot?",
    "What does a ticket cost?",
    "Who sells sour bread?",
    "When does the ferry go to the sea?",
    "Which bread is baked twice a day?",
    "Who bakes the bread of the sea?",
    "When do harvests follow rain?",
    "How hot is the summer in Spain?",
    "Who discovered penicillin?",
    "???",
]


@pytest.fixture
def corpora(library, corpus, encoder):
    Indexer(corpus.store, encoder).add_articles([TIDES, BREAD, COPY, FERRY])
    return library.askable(None)


def wanting(folder, lowest: float) -> LearnedRanker:
    """The shipped weights, with another least probability."""
    return LearnedRanker(demanding(folder / "ranker.json", lowest))


def test_where_nothing_is_sure_enough(corpora, tmp_path):
    """The best sentence that falls short is given apart, weak whatever its probability, and is no hit."""
    encoder = HashEncoder()
    shown = Retriever(corpora, encoder, wanting(tmp_path, 0.0)).ask(SURE).hits[0]
    answer = Retriever(corpora, encoder, wanting(tmp_path, 1.0)).ask(SURE)
    assert not answer.answered and answer.hits == () and answer.confidence is None
    near = answer.nearest
    assert near is not None and near.confidence is Confidence.WEAK
    assert (near.citation, near.before, near.after) == (shown.citation, shown.before, shown.after)
    assert (near.also_in, near.probability) == (shown.also_in, shown.probability)
    assert near.citation.text == "High water comes twice a day." and len(near.also_in) == 1


@pytest.mark.parametrize("lowest", [0.0, 0.05, BESIDE, 0.4, 0.7, 1.0])
def test_there_is_a_nearest_only_where_it_is_worth_a_look(corpora, tmp_path, lowest):
    """No question has both hits and a nearest; a nearest is the best ranked, between the two least probabilities."""
    retriever = Retriever(corpora, HashEncoder(), wanting(tmp_path, lowest))
    for question in QUESTIONS:
        answer, ranked = retriever.ask(question), retriever.rank(question)
        best = ranked[0][0].probability if ranked else 0.0
        assert answer.answered is bool(ranked and best >= lowest)
        assert (answer.nearest is not None) is (BESIDE <= best < lowest)
        if answer.nearest is not None:
            assert answer.nearest.probability == best


def test_all_three_outcomes(corpora, tmp_path):
    """With the shipped weights some questions have an answer, some only a nearest, and some neither."""
    retriever = Retriever(corpora, HashEncoder(), wanting(tmp_path, 0.7))
    found = [(answer.answered, answer.nearest is not None) for answer in map(retriever.ask, QUESTIONS)]
    assert set(found) == {(True, False), (False, True), (False, False)}, found


def test_the_nearest_of_a_follow_up(corpora, tmp_path):
    """A follow-up's nearest is what is found for the text searched for, which the answer names."""
    retriever = Retriever(corpora, HashEncoder(), wanting(tmp_path, 1.0))
    answer = retriever.ask("And how often does it come?", previous=[SURE])
    assert answer.searched is not None and answer.nearest is not None
    assert answer.nearest.citation.text == "High water comes twice a day."
