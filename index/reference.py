"""Text → unit vectors by sentence-transformers itself: what a lighter runtime is measured against, and what runs a
model that has no other. With retrieval/reranker.py the only file that imports sentence_transformers.
"""

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.encoder import REFERENCE, EncoderIdentity, known_languages
from index.errors import UserError
from index.models import DEFAULT_MODEL, default_model_folder, fingerprint
from index.tokens import Encoded, TokenVectors, token_vectors
from index.yardstick import Yardstick, measure

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer
    from torch import Tensor

_BATCH = 64  # texts; larger batches gained nothing on two cores and cost memory


class SentenceTransformerEncoder:
    """A sentence-transformers model: the packaged default, a local folder, or a name on the model hub.

    Nothing heavy is imported before the first text is encoded or `dimension` is asked for. Without `languages`, the
    default model knows English, and any other model every language. `tokens`: whether tokens are read one by one, too.

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
    ) -> None:
        self.languages = known_languages(model, languages)
        self._name = model
        self._identity: EncoderIdentity | None = None
        self._settings = (question_prefix, passage_prefix, tokens)
        self._model: SentenceTransformer | None = None
        self._tokenizer: Tokenizer | None = None
        self._yardstick: Yardstick | None = None
        self._lock = threading.Lock()

    @property
    def identity(self) -> EncoderIdentity:
        if self._identity is None:
            self._identity = EncoderIdentity(fingerprint(self._name), *self._settings, REFERENCE, self._name)
        return self._identity

    @property
    def dimension(self) -> int:
        dimension = self.model().get_embedding_dimension()
        if dimension is None:
            raise UserError(
                f"The model {self._name!r} makes no sentence vectors. Configure a sentence-embedding model."
            )
        return int(dimension)

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self.identity.question_prefix)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self.identity.passage_prefix)

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._read(texts, self.identity.question_prefix)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return self._read(texts, self.identity.passage_prefix)

    @property
    def yardstick(self) -> Yardstick:
        if self._yardstick is None:  # two threads may both measure it, and find the same
            self._yardstick = measure(self)
        return self._yardstick

    def model(self) -> "SentenceTransformer":
        """The model itself, loaded at the first call."""
        with self._lock:
            if self._model is None:
                model = _load_default() if self._name == DEFAULT_MODEL else _load_named(self._name)
                self._tokenizer = own_tokenizer(model)
                self._model = model
            return self._model

    def _encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        model = self.model()
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        # sentence-transformers sorts the texts of one call by length, so that batches hardly pad.
        vectors = model.encode(
            [prefix + text for text in texts],
            batch_size=_BATCH,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return self._checked(np.asarray(vectors, dtype=np.float32))

    def _read(self, texts: Sequence[str], prefix: str) -> Encoded:
        if not self.identity.tokens or not texts:
            return Encoded(self._encode(texts, prefix), [TokenVectors.none()] * len(texts))
        read = self.model().encode(
            [prefix + text for text in texts], batch_size=_BATCH, output_value=None, show_progress_bar=False
        )
        vectors = np.stack([one["sentence_embedding"].numpy() for one in read]).astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        if self._tokenizer is None:
            return Encoded(self._checked(vectors), [TokenVectors.none()] * len(texts))
        tokens = [_tokens(self._tokenizer, one, prefix, text) for one, text in zip(read, texts, strict=True)]
        return Encoded(self._checked(vectors), tokens)

    def _checked(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        if not np.isfinite(vectors).all():
            raise UserError(
                f"The model {self._name!r} returned invalid numbers; its weights are damaged. Fetch it anew."
            )
        return vectors


def _tokens(tokenizer: "Tokenizer", read: "dict[str, Tensor]", prefix: str, text: str) -> TokenVectors:
    """What the model read of `text`; nothing from a model that does not tell about its tokens."""
    if "token_embeddings" not in read:
        return TokenVectors.none()
    found = tokenizer.encode(prefix + text)
    embeddings = read["token_embeddings"][read["attention_mask"].bool()].numpy()
    if len(found.ids) != len(embeddings):  # a model that pools or drops tokens on its way
        return TokenVectors.none()
    return token_vectors(found.offsets, embeddings, prefix, text)


def own_tokenizer(model: "SentenceTransformer") -> "Tokenizer | None":
    """A copy of the model's tokenizer that tells where tokens stand; None if it has none that can.

    The model's own is changed by every call that pads or does not, which two threads must not do at once.
    """
    if not getattr(model.tokenizer, "is_fast", False):
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_padding()
    if model.max_seq_length:
        tokenizer.enable_truncation(model.max_seq_length)
    return tokenizer


def _load_default() -> "SentenceTransformer":
    folder = default_model_folder()
    # The libraries below read this once, at import: with it they do not so much as look for a network.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def _load_named(name: str) -> "SentenceTransformer":
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from sentence_transformers import SentenceTransformer

    is_folder = Path(name).is_dir()
    try:
        # trust_remote_code stays off: a model is data, and never runs code of its own here.
        return SentenceTransformer(name, device="cpu", local_files_only=is_folder, trust_remote_code=False)
    except Exception as error:  # the libraries below raise a dozen types, none of them for a reader
        kind = "folder holds no sentence-transformers model" if is_folder else "model cannot be had"
        raise UserError(
            f"The configured {kind}: {name!r} ({type(error).__name__}). Check `model.name`; without a network, save "
            f"the model on a connected machine with SentenceTransformer({name!r}).save('FOLDER') and set `model.name` "
            f"to that folder; or remove the key to use {DEFAULT_MODEL}, which is installed with this program."
        ) from error
