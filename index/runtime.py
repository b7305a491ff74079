"""Text → unit vectors by ONNX Runtime, from an exported model. The only file that imports onnxruntime but for
exporting.py.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from index.encoder import EncoderIdentity
from index.errors import UserError
from index.exported import MODEL, TOKENIZER, Exported
from index.tokens import Encoded, TokenVectors, token_vectors
from index.yardstick import Yardstick, measure

# Read when it is imported: later than that, it has made an identifier for this machine, and an event, already.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

_LINGER = 0.02  # seconds after a question is read, in which the rest of its answer is worked out
_LONGEST_WAIT = 0.05  # seconds that a passage waits for questions, so that indexing goes on under any load

Read = tuple[NDArray[np.float32], TokenVectors]


class OnnxEncoder:
    """An exported model. Nothing of PyTorch is imported.

    Every text is read by itself, on one core: what padding and a larger working set cost, a batch does not save (16
    questions take 15 ms together and 16 one by one), and a text's vector never depends on what was read with it.
    Passages are spread over the cores and step back, text by text, while questions are being answered.

    Raises:
        UserError: the export cannot be loaded, or the model's numbers are invalid.
    """

    def __init__(self, exported: Exported, identity: EncoderIdentity, languages: frozenset[str] | None = None) -> None:
        self.identity = identity
        self.languages = languages
        self.dimension = exported.manifest.dimension
        self._inputs = exported.manifest.inputs
        self._turns = _Turns()
        self._yardstick: Yardstick | None = None
        try:
            self._tokenizer = Tokenizer.from_file(str(exported.folder / TOKENIZER))
            self._session = _session(str(exported.folder / MODEL))
        except Exception as error:  # both raise their own kinds, for a file that was damaged since it was checked
            raise UserError(
                f"The exported model in {exported.folder} cannot be loaded ({type(error).__name__}). Delete that folder"
                "; it is made anew."
            ) from error

    @property
    def yardstick(self) -> Yardstick:
        if self._yardstick is None:  # two threads may both measure it, and find the same
            self._yardstick = measure(self)
        return self._yardstick

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._questions(texts, tokens=False).vectors

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._passages(texts, tokens=False).vectors

    def read_questions(self, texts: Sequence[str]) -> Encoded:
        return self._questions(texts, tokens=self.identity.tokens)

    def read_passages(self, texts: Sequence[str]) -> Encoded:
        return self._passages(texts, tokens=self.identity.tokens)

    def _questions(self, texts: Sequence[str], *, tokens: bool) -> Encoded:
        read = partial(self._read, prefix=self.identity.question_prefix, tokens=tokens)
        with self._turns.asking():
            return self._together(list(map(read, texts)))

    def _passages(self, texts: Sequence[str], *, tokens: bool) -> Encoded:
        read = partial(self._read, prefix=self.identity.passage_prefix, tokens=tokens)
        waiting = partial(self._after_questions, read)
        workers = min(_cores(), len(texts))
        if workers < 2:
            return self._together(list(map(waiting, texts)))
        with ThreadPoolExecutor(workers, thread_name_prefix="encoding") as pool:
            return self._together(list(pool.map(waiting, texts)))

    def _after_questions(self, read: Callable[[str], Read], text: str) -> Read:
        self._turns.give_way()
        return read(text)

    def _read(self, text: str, *, prefix: str, tokens: bool) -> Read:
        found = self._tokenizer.encode(prefix + text)
        given = {"input_ids": found.ids, "attention_mask": found.attention_mask, "token_type_ids": found.type_ids}
        outputs = self._session.run(
            ["vectors", "tokens"] if tokens else ["vectors"],
            {name: np.array([given[name]], np.int64) for name in self._inputs},
        )
        vector = outputs[0][0]
        if not tokens or len(outputs[1][0]) != len(found.ids):
            return vector, TokenVectors.none()
        return vector, token_vectors(found.offsets, outputs[1][0], prefix, text)

    def _together(self, read: Sequence[Read]) -> Encoded:
        vectors = np.array([vector for vector, _ in read], np.float32).reshape(len(read), self.dimension)
        if not np.isfinite(vectors).all():
            raise UserError("The model returned invalid numbers; its weights are damaged. Fetch it anew.")
        return Encoded(vectors, [tokens for _, tokens in read])


class _Turns:
    """Lets passages wait while questions are asked."""

    def __init__(self) -> None:
        self._asking = 0
        self._until = 0.0  # of the monotonic clock
        self._changed = threading.Condition()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """A question is being read within the block, and answered for a moment after it."""
        with self._changed:
            self._asking += 1
        try:
            yield
        finally:
            with self._changed:
                self._asking -= 1
                self._until = time.monotonic() + _LINGER
                self._changed.notify_all()

    def give_way(self) -> None:
        """Returns when no question is being answered, or after a while."""
        end = time.monotonic() + _LONGEST_WAIT
        with self._changed:
            while (now := time.monotonic()) < end and (self._asking or now < self._until):
                self._changed.wait((end if self._asking else min(end, self._until)) - now)


def _session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One question on one core: several at once, and indexing beside them, use the others.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # 8 MB less, and no slower
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _cores() -> int:
    """The cores that this process may use: in a container often fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
