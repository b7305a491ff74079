"""Tokens compared one by one, against a double loop over all of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.stored import SentenceDetail
from index.tokens import TokenCoder
from index.yardstick import Scale
from retrieval.late_interaction import TOKENS, Tokens, compared

DIMENSION = 24
SCALE = Scale(0.1, 0.6)


def unit(drawn: np.random.Generator, number: int) -> np.ndarray:
    vectors = drawn.standard_normal((number, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def slowly(question: Tokens, sentences, own: int, near, coder: TokenCoder) -> dict[str, float]:
    """The columns of one sentence, by loops. `sentences` are pairs of the title's vectors and the sentence's."""
    weights = question.weights.tolist()

    def scaled(cosine: float) -> float:
        return (cosine - SCALE.unrelated) / (SCALE.related - SCALE.unrelated)

    def best(asked, vectors) -> float:
        found = -math.inf
        for vector in vectors:
            signs = coder.decode(coder.encode(vector[np.newaxis]))[0]
            found = max(found, scaled(sum(float(a) * float(b) for a, b in zip(asked, signs, strict=True))))
        return found

    title, words = sentences[own]
    plain = [best(asked, words) for asked in question.vectors]
    titled = [max(best(asked, title), found) for asked, found in zip(question.vectors, plain, strict=True)]
    window = [
        max([found, *(best(asked, sentences[other][1]) for other in near)])
        for asked, found in zip(question.vectors, titled, strict=True)
    ]
    back = [max(best(asked, [word]) for asked in question.vectors) for word in words]
    shares = [weight / max(weights) for weight in weights]

    def matched(least: float) -> float:
        return sum(w / (1 + math.exp(-10 * (found - least))) for w, found in zip(weights, titled, strict=True))

    return {
        "tokens": sum(plain) / len(plain),
        "tokens_title": sum(titled) / len(titled),
        "tokens_least": min(titled),
        "tokens_first": plain[0],
        "tokens_window": sum(window) / len(window),
        "tokens_window_idf": sum(w * found for w, found in zip(weights, window, strict=True)),
        "tokens_match": matched(0.8),
        "tokens_near": matched(1.1),
        "tokens_reverse": sum(back) / len(back),
        "tokens_gap": max(share * (1 - min(1, found)) for share, found in zip(shares, titled, strict=True)),
        "tokens_gap_window": max(share * (1 - min(1, found)) for share, found in zip(shares, window, strict=True)),
    }


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    asked=st.integers(1, 4),
    sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=5),
    data=st.data(),
)
def test_every_figure_equals_a_double_loop(seed, asked, sizes, data):
    """For any numbers of tokens, titles and neighbours each figure is what two loops over the tokens give."""
    drawn = np.random.default_rng(seed)
    coder = TokenCoder(unit(drawn, 1)[0] * np.float32(0.3))
    sentences = [(unit(drawn, title), unit(drawn, words)) for title, words in sizes]
    details = [SentenceDetail("", len(title), coder.encode(np.concatenate([title, own]))) for title, own in sentences]
    looked = data.draw(st.integers(1, len(sentences)))
    near = [
        data.draw(st.lists(st.integers(0, len(sentences) - 1).filter(lambda i, own=own: i != own), max_size=2))
        if len(sentences) > 1
        else []
        for own in range(looked)
    ]
    weights = drawn.uniform(0.1, 1, asked)
    weights /= weights.sum()
    question = Tokens(coder.query(unit(drawn, asked)), weights)
    found = compared(question, details, near, coder, SCALE)
    assert found.shape == (looked, len(TOKENS))
    for own, row in enumerate(found):
        expected = slowly(question, sentences, own, near[own], coder)
        assert dict(zip(TOKENS, row, strict=True)) == pytest.approx(expected, abs=1e-4)


def test_the_same_tokens_are_nearest():
    """A sentence of the very tokens of the question is nearer to it than any other, in every figure."""
    drawn = np.random.default_rng(5)
    coder = TokenCoder(np.zeros(DIMENSION, np.float32))
    asked = unit(drawn, 4)
    others = [unit(drawn, 6) for _ in range(3)]
    details = [SentenceDetail("", 0, coder.encode(vectors)) for vectors in (asked, *others)]
    question = Tokens(coder.query(asked), np.full(4, 0.25))
    found = compared(question, details, [[]] * 4, coder, SCALE)
    for column, values in zip(TOKENS, found.T, strict=True):
        best = np.argmin if column.startswith("tokens_gap") else np.argmax
        assert best(values) == 0, column
