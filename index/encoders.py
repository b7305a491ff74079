"""The encoder of a configured model, run by the lightest runtime that it has: an export where there can be one, else
sentence-transformers.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.encoder import REFERENCE, Encoder, EncoderIdentity, Stamp, is_of, known_languages
from index.errors import UserError
from index.exported import Exported, Precision, cache_folder, exported
from index.models import DEFAULT_MODEL, fingerprint
from index.tokens import Encoded
from index.yardstick import Yardstick

Runtime = Literal["int8", "float32", "sentence-transformers"]
DEFAULT_RUNTIME: Runtime = "int8"


class ModelEncoder:
    """A model by name or folder, as `SentenceTransformerEncoder`, with the `runtime` that is wanted.

    The export is looked for, or made, when `identity` is first asked for, and loaded with the first text. `caches` are
    where exports are kept, the first that can be written; None: the user's own folder. Before one is made, `preparing`
    is called, if that is set; it may refuse.

    Raises:
        UserError: from the first use on, when the model cannot be had or is not what it should be.
    """

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        *,
        question_prefix: str = "",
        passage_prefix: str = "",
        languages: Iterable[str] | None = None,
        tokens: bool = True,
        runtime: Runtime = DEFAULT_RUNTIME,
        caches: Sequence[Path] | None = None,
    ) -> None:
        self.languages = known_languages(model, languages)
        self.preparing: Callable[[], object] | None = None
        self._name = model
        self._prefixes = (question_prefix, passage_prefix)
        self._tokens = tokens
        self._runtime = runtime
        self._caches = caches
        self._identity: EncoderIdentity | None = None
        self._exported: Exported | None = None
        self._encoder: Encoder | None = None
        self._lock = threading.RLock()

    @property
    def identity(self) -> EncoderIdentity:
        with self._lock:
            if self._identity is None:
                if self._runtime != REFERENCE:
                    precision: Precision = "float32" if self._runtime == "float32" else "int8"
                    self._exported = exported(self._name, precision, self._caches or [cache_folder()], self.preparing)
                runtime = self._exported.runtime if self._exported else REFERENCE
                own = fingerprint(self._name)
                self._identity = EncoderIdentity(own, *self._prefixes, self._tokens, runtime, self._name)
            return self._identity

    @property
    def dimension(self) -> int:
        identity = self.identity
        known = self._exported.manifest.dimension if self._exported else 0
        return known or self._loaded(identity).dimension

    @property
    def yardstick(self) -> Yardstick:
        return self._loaded(self.identity).yardstick

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._loaded(self.identity).encode_questions(texts)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._loaded(self.identity).encode_passages(texts)

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._loaded(self.identity).read_questions(texts)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return self._loaded(self.identity).read_passages(texts)

    def _loaded(self, identity: EncoderIdentity) -> Encoder:
        with self._lock:
            if self._encoder is None:
                self._encoder = self._made(identity)
            return self._encoder

    def _made(self, identity: EncoderIdentity) -> Encoder:
        # Each of these brings what the other does without.
        if self._exported is not None:
            from index.runtime import OnnxEncoder

            return OnnxEncoder(self._exported, identity, self.languages)
        from index.reference import SentenceTransformerEncoder

        question, passage = self._prefixes
        return SentenceTransformerEncoder(
            self._name, question_prefix=question, passage_prefix=passage, languages=self.languages, tokens=self._tokens
        )


def encoder_of(stamp: Stamp, caches: Sequence[Path] | None = None) -> ModelEncoder:
    """The encoder that a corpus was made with, while its model, and the export of it, is still where it was.

    Raises:
        UserError: it is not there any more, or this version of the program works otherwise.
    """
    name = DEFAULT_MODEL if stamp.model.startswith(f"{DEFAULT_MODEL}@") else stamp.location or stamp.model
    runtimes: dict[str, Runtime] = {"onnx-int8": "int8", "onnx-float32": "float32"}
    encoder = ModelEncoder(
        name,
        question_prefix=stamp.question_prefix,
        passage_prefix=stamp.passage_prefix,
        tokens=stamp.tokens,
        runtime=runtimes.get(stamp.runtime, REFERENCE),
        caches=caches,
    )

    def refuse() -> None:
        raise UserError(f"The export of {name!r} that the articles were encoded with is not there any more.")

    encoder.preparing = refuse  # whoever asks for it may hold up others, and an export takes its time
    if not is_of(stamp, encoder.identity):
        raise UserError(f"{name!r} is another model by now, or this version of Verbatim reads articles otherwise")
    return encoder
