"""What a question asks for, and what sentences offer, on written tables."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import names, question_terms, terms
from retrieval.expectation import OFFERS, Kind, kind_of, offered


@pytest.mark.parametrize(
    "question, kind",
    [
        ("How many people were hurt?", Kind.NUMBER),
        ("How tall is the lighthouse?", Kind.NUMBER),
        ("How many years did it take?", Kind.NUMBER),
        ("What percentage of the voters stayed at home?", Kind.NUMBER),
        ("When did the bridge open?", Kind.TIME),
        ("In what year was the mill built?", Kind.TIME),
        ("WHICH DAY IS MARKET DAY?", Kind.TIME),
        ("Who opened the bridge?", Kind.PERSON),
        ("Whose idea was it?", Kind.PERSON),
        ("What king founded the town?", Kind.PERSON),
        ("Where do the owls nest?", Kind.PLACE),
        ("Through which city does the river flow?", Kind.PLACE),
        ("What do hedgehogs eat?", Kind.THING),
        ("Which oven is the oldest?", Kind.THING),
        ("Why was the concert cancelled?", Kind.OTHER),
        ("How is cheese made?", Kind.OTHER),
        ("Tell me about the whole show", Kind.OTHER),
        ("wherever whenever somewhat", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_a_questions_kind(question, kind):
    """The question word, and the noun after it, tell what is asked for; parts of longer words do not."""
    assert kind_of(question) is kind


def offers(question: str, sentence: str) -> dict[str, float]:
    """What the sentence offers the question, without what it does not."""
    values = offered(kind_of(question), terms(sentence), names(sentence), question_terms(question))
    pairs = zip(OFFERS, values, strict=True)
    return {f"{kind.value}_{what}": value for (kind, what), value in pairs if value}


ONE, TWO = math.log(2), math.log(3)


@pytest.mark.parametrize(
    "question, sentence, expected",
    [
        ("How many chicks hatched?", "They raised 4 chicks.", {"number_figure": 1}),
        ("How many chicks hatched?", "They raised four chicks.", {"number_number_word": 1}),
        ("How many chicks hatched in 2024?", "In 2024 they raised chicks.", {}),
        ("How many chicks hatched?", "They raised chicks.", {}),
        ("When did it open?", "It opened in 1932.", {"time_year": 1, "time_figure": 1}),
        ("When did it open?", "It opened on 3 May.", {"time_figure": 1}),
        ("When did it open?", "It has 5000 seats.", {"time_figure": 1}),
        ("What happened in the year 1932, and when was the war?", "It was in 1932.", {}),
        ("Who opened the bridge?", "Ada Lindqvist opened it.", {"person_names": TWO}),
        ("Who met Ada?", "Ada met Boris.", {"person_names": ONE}),
        ("Who opened the bridge?", "The mayor opened it.", {}),
        ("Where did she learn?", "She learnt in Lisbon.", {"place_place": 1, "place_names": ONE}),
        ("Where did she learn?", "She learnt near the Wend.", {"place_place": 1, "place_names": ONE}),
        ("Where did she learn?", "Boris taught her.", {"place_names": ONE}),
        ("Where is Lisbon?", "She learnt in Lisbon.", {}),
        ("What is it?", "It is a kind of owl.", {"thing_length": math.log(7)}),
        ("Why did Ada go in 1932?", "Boris left in 1933 for Lisbon.", {}),
    ],
)
def test_what_a_sentence_offers(question, sentence, expected):
    """Figures, years, names and places count for questions that ask for them, unless the question has them itself."""
    assert offers(question, sentence) == pytest.approx(expected)


@given(kind=st.sampled_from(Kind), sentence=st.text(max_size=60), question=st.text(max_size=40))
def test_any_text_offers_something_finite(kind, sentence, question):
    """Whatever the texts, there is a finite figure of at least 0 for each offer, and 0 for those of other kinds."""
    values = offered(kind, terms(sentence), names(sentence), question_terms(question))
    assert len(values) == len(OFFERS)
    for (of, _), value in zip(OFFERS, values, strict=True):
        assert 0 <= value < math.inf and (of is kind or value == 0)
