"""What an encoder is, and what tells its vectors from others': values and a protocol. No model is loaded here.

Encoders know nothing of articles, stores or questions beyond the two prefixes that some models want.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from index.models import DEFAULT_MODEL
from index.tokens import Encoded
from index.yardstick import Yardstick

_DEFAULT_LANGUAGES = ("en",)
# Raised whenever the splitter, the analysis into terms or the encoded text changes: the same article would then
# give other sentences, terms or vectors, and a corpus of the old kind has to be rebuilt.
PIPELINE = 2
REFERENCE: Final = "sentence-transformers"
"""The runtime that others are measured against, and the only one of corpora that were made before there were others."""


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What decides a vector, known without loading the model: vectors of different identities never mix.

    `runtime` is what runs the model: `REFERENCE`, or "onnx-" and the precision of its weights.
    """

    model: str
    question_prefix: str = ""
    passage_prefix: str = ""
    tokens: bool = True
    runtime: str = REFERENCE
    location: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the vectors and terms of a corpus were made with; two stamps never mix in one corpus.

    `location` is where the model was, a name or a folder, to have it again; it makes no difference otherwise.
    """

    model: str
    question_prefix: str
    passage_prefix: str
    dimension: int
    pipeline: int
    precision: str = "float16"
    tokens: bool = False
    runtime: str = REFERENCE
    location: str = field(default="", compare=False)


class Encoder(Protocol):
    """Turns texts into unit float32 vectors. Safe to call from any thread.

    `languages` are the ISO 639-1 codes of those that the model knows; None: any, or nobody has said.
    """

    @property
    def identity(self) -> EncoderIdentity: ...

    @property
    def dimension(self) -> int: ...

    @property
    def languages(self) -> frozenset[str] | None: ...

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) texts → (n, dimension) unit vectors."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) texts → (n, dimension) unit vectors."""
        ...

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        """(n,) texts → their unit vectors, and those of their tokens if `identity.tokens`."""
        ...

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        """(n,) texts → their unit vectors, and those of their tokens if `identity.tokens`."""
        ...

    @property
    def yardstick(self) -> Yardstick:
        """How this encoder's similarities are to be read."""
        ...


def stamp_of(encoder: Encoder) -> Stamp:
    """The stamp of everything this encoder makes. Loads the model."""
    return _stamp(encoder.identity, encoder.dimension)


def is_of(stamp: Stamp, identity: EncoderIdentity) -> bool:
    """Whether a stamp may be this identity's, as far as can be told without loading the model."""
    return _stamp(identity, stamp.dimension) == stamp


def _stamp(identity: EncoderIdentity, dimension: int) -> Stamp:
    prefixes = (identity.question_prefix, identity.passage_prefix)
    tokens, runtime, location = identity.tokens, identity.runtime, identity.location
    return Stamp(identity.model, *prefixes, dimension, PIPELINE, tokens=tokens, runtime=runtime, location=location)


def known_languages(model: str, languages: Iterable[str] | None) -> frozenset[str] | None:
    """The languages that a model knows: those that are said, or the default model's; None for any other's."""
    known = _DEFAULT_LANGUAGES if languages is None and model == DEFAULT_MODEL else languages
    return None if known is None else frozenset(known)
