"""Tokens as bits against the same tokens as they were: NumPy's cosines are the slow and obvious way."""

import sys
import threading

import numpy as np
import pytest

from index.encoders import ModelEncoder
from index.tokens import TokenCoder, TokenVectors, _trimmed
from index.yardstick import Scale, measure


def unit(vectors):
    """The rows with unit length."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("dimension", [8, 20, 384])
def test_codes_are_as_long_as_said_and_decode_to_signs(dimension):
    """Every token takes a bit for each dimension, rounded up to bytes, and comes back as signs."""
    vectors = unit(np.random.default_rng(1).standard_normal((5, dimension)))
    coder = TokenCoder(np.zeros(dimension, np.float32))
    codes = coder.encode(vectors)
    assert len(codes) == 5 * coder.size == 5 * -(-dimension // 8)
    signs = coder.decode(codes)
    assert signs.shape == (5, dimension) and set(np.unique(signs)) == {-1.0, 1.0}


@pytest.mark.parametrize("dimension", [20, 384])
@pytest.mark.parametrize("number", [0, 1, 511, 512, 1_300])
def test_products_are_those_with_what_is_decoded(dimension, number):
    """Products with codes, which never makes all their signs at once, are the products with the decoded signs."""
    drawn = np.random.default_rng(3)
    coder = TokenCoder(np.zeros(dimension, np.float32))
    codes = coder.encode(unit(drawn.standard_normal((number, dimension))))
    queries = drawn.standard_normal((7, dimension)).astype(np.float32)
    assert np.allclose(coder.products(queries, codes), queries @ coder.decode(codes).T, atol=1e-4)


def test_products_with_codes_are_near_the_cosines():
    """What the codes tell of a cosine is off by less than 0.2, and on average by nothing, in 384 dimensions."""
    drawn = np.random.default_rng(2)
    base = unit(drawn.standard_normal((60, 384)))
    near = unit(base + drawn.uniform(0, 2, (60, 1)) * unit(drawn.standard_normal((60, 384))))
    coder = TokenCoder(np.zeros(384, np.float32))
    found = (coder.query(base) * coder.decode(coder.encode(near))).sum(axis=1)
    error = found - (base * near).sum(axis=1)
    assert np.abs(error).max() < 0.2 and abs(error.mean()) < 0.02


def test_what_all_tokens_share_tells_nothing():
    """With their mean taken off, tokens that only share a direction are as good as unrelated."""
    drawn = np.random.default_rng(3)
    shared = unit(drawn.standard_normal((1, 384)))
    tokens = unit(3 * shared + unit(drawn.standard_normal((400, 384))))
    assert (tokens[:200] * tokens[200:]).sum(axis=1).mean() > 0.8
    coder = TokenCoder(tokens.mean(axis=0))
    found = (coder.query(tokens[:200]) * coder.decode(coder.encode(tokens[200:]))).sum(axis=1)
    assert abs(found.mean()) < 0.05


def test_restored_tokens_have_the_same_codes():
    """Vectors made from codes are coded as they were, so that what was kept can be indexed again."""
    vectors = unit(np.random.default_rng(4).standard_normal((7, 48)))
    coder = TokenCoder(vectors.mean(axis=0))
    codes = coder.encode(vectors)
    assert coder.encode(coder.restored(codes)) == codes


def test_no_tokens_are_no_bytes():
    """A text without tokens has no codes, and no codes decode to nothing."""
    coder = TokenCoder(np.zeros(16, np.float32))
    assert coder.encode(np.empty((0, 16), np.float32)) == b"" and coder.decode(b"").shape == (0, 16)
    assert TokenVectors.none().vectors.shape == (0, 0)


def test_a_scale_has_its_ends_where_they_were_measured():
    """Unrelated is 0 and related is 1, and a model that tells no difference divides by nothing."""
    assert Scale(0.7, 0.9).of(np.array([0.7, 0.8, 0.9])).tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert np.isfinite(Scale(0.5, 0.5).of(np.array([0.5, 0.6]))).all()


def test_the_yardstick_tells_answers_from_others(encoder):
    """A question's own answer is nearer than others' by the encoder's own vectors and tokens."""
    yardstick = measure(encoder)
    assert yardstick.cosine.related > yardstick.cosine.unrelated
    assert yardstick.tokens is not None and yardstick.tokens.related > yardstick.tokens.unrelated
    assert yardstick.coder is not None and yardstick.coder.dimension == encoder.dimension


@pytest.mark.model
def test_the_model_reads_each_word_where_it_stands(model_encoder):
    """Tokens come with their places in the text, without punctuation, and beside the very vectors of plain encoding."""
    text = "The Tallow Bridge\nIt was opened in 1932!"
    read = model_encoder.read_passages([text])
    assert read.vectors == pytest.approx(model_encoder.encode_passages([text]), abs=1e-5)
    words = [text[start:end] for start, end in read.tokens[0].spans]
    assert words[:2] == ["The", "Tall"] and words[-1] == "1932" and "!" not in words
    assert np.linalg.norm(read.tokens[0].vectors, axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.model
def test_tokens_are_found_behind_a_prefix(model_encoder):
    """A prefix is no part of the text: the first word stands at its beginning."""
    encoder = ModelEncoder(question_prefix="query: ")
    read = encoder.read_questions(["How many?"])
    assert read.tokens[0].spans.tolist() == [[0, 3], [4, 8]]


@pytest.mark.parametrize(
    "span, expected", [((-1, 3), (0, 3)), ((3, 8), (4, 8)), ((-7, -1), (0, 0)), ((3, 4), (4, 4)), ((4, 8), (4, 8))]
)
def test_a_blank_before_a_token_is_no_part_of_it(span, expected):
    """Some tokenizers count the blank before a word to it, or the end of the prefix; its place is the word's."""
    assert _trimmed(*span, "How many?") == expected


@pytest.mark.model
def test_questions_and_passages_are_read_at_once(model_encoder):
    """Threads that read single questions and batches of passages do not disturb each other."""
    passages = [
        f"The bridge number {i} was opened in {1900 + i}." + " It is painted green." * (i % 7) for i in range(40)
    ]
    expected = model_encoder.read_passages(passages).tokens
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for i in range(40):
                model_encoder.read_questions([f"When was bridge {i} opened?"])
        except Exception as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        found = [model_encoder.read_passages(passages).tokens for _ in range(2)]
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures
    for one in found:
        assert all((a.spans == b.spans).all() for a, b in zip(one, expected, strict=True))
