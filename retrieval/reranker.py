"""A cross-encoder, which reads a question and a sentence together and says how well one answers the other.

It knows a budget of time and nothing of what becomes of its logits: that is `fusion`'s business. Off unless configured,
and nothing heavy is imported before it is first used.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.errors import UserError
from index.models import fingerprint
from index.stored import StoredArticle

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

BUDGET_MS = 200
CANDIDATES = 20
_BATCH = 4  # pairs; the budget is looked at after each batch, and on one core larger ones gained nothing


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder with one score, from a local folder or the model hub. Safe to call from any
    thread: one question's batch at a time.

    It reads `most` candidates at the most, and stops where the next batch would end after `budget_ms`. The first batch
    is always read.

    Raises:
        UserError: from `load` and `check`, when the model cannot be had or is not what it should be.
    """

    def __init__(
        self,
        model: str,
        *,
        budget_ms: float = BUDGET_MS,
        most: int = CANDIDATES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.name = model
        self._budget = budget_ms / 1_000
        self._most = most
        self._clock = clock
        self._identity: str | None = None
        self._model: CrossEncoder | None = None
        self._broken = False
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """What tells this model from others, known without loading it."""
        if self._identity is None:
            self._identity = fingerprint(self.name)
        return self._identity

    def load(self) -> None:
        """Loads the model now rather than with the first question."""
        with self._lock:
            self._loaded()

    def check(self) -> None:
        """Loads the model and reads a sentence."""
        self._read([("Does it work?", "It does.")])

    def logits(self, question: str, scores: Floats, passage: Callable[[int], str]) -> Floats:
        """(n,) The raw logits of the candidates that were read, those with the best `scores` (n,) first; NaN for the
        others. `passage` makes the text of the candidate at a place.

        A model that cannot be had or fails costs its say and not the answer: nothing is read then. The log tells why,
        and what could not be loaded is not tried again.
        """
        found = np.full(len(scores), np.nan)
        if self._broken:
            return found
        try:
            self.load()
            return self._within_budget(question, scores, passage, found)
        except Exception as error:  # whatever the libraries below raise
            self._broken = self._model is None
            log.error("Answers go without the reranker: %s", error, exc_info=not isinstance(error, UserError))
            return found

    def _within_budget(self, question: str, scores: Floats, passage: Callable[[int], str], found: Floats) -> Floats:
        """`found` with the logits of as many as there is time for."""
        order = np.argsort(-scores, kind="stable")[: self._most].tolist()
        started = now = self._clock()
        longest = 0.0
        for start in range(0, len(order), _BATCH):
            if start and now - started + longest > self._budget:
                break
            batch = order[start : start + _BATCH]
            before = now
            found[batch] = self._read([(question, passage(i)) for i in batch])
            now = self._clock()
            longest = max(longest, now - before)
        return found

    def _read(self, pairs: list[tuple[str, str]]) -> Floats:
        from torch.nn import Identity

        with self._lock:
            read = self._loaded().predict(
                pairs, batch_size=_BATCH, activation_fn=Identity(), convert_to_numpy=True, show_progress_bar=False
            )
        logits = np.asarray(read, np.float64)
        if logits.shape != (len(pairs),) or not np.isfinite(logits).all():
            raise UserError(
                f"The reranker {self.name!r} returned invalid numbers; its weights are damaged. Fetch it anew."
            )
        return logits

    def _loaded(self) -> "CrossEncoder":
        if self._model is None:
            self._model = _load(self.name)
        return self._model


def passage_of(article: StoredArticle, sentence: str) -> str:
    """What is read of a candidate: the sentence under its article's title, as the encoder reads it."""
    return f"{article.title}\n{sentence}" if article.states_title else sentence


def _load(name: str) -> "CrossEncoder":
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from sentence_transformers import CrossEncoder

    is_folder = Path(name).is_dir()
    try:
        # trust_remote_code stays off: a model is data, and never runs code of its own here.
        model = CrossEncoder(name, device="cpu", local_files_only=is_folder, trust_remote_code=False)
    except Exception as error:  # the libraries below raise a dozen types, none of them for a reader
        kind = "folder holds no cross-encoder" if is_folder else "reranker cannot be had"
        raise UserError(
            f"The configured {kind}: {name!r} ({type(error).__name__}). Check `reranker.model`; without a network, "
            f"save the model on a connected machine with CrossEncoder({name!r}).save_pretrained('FOLDER') and set "
            "`reranker.model` to that folder; or remove the key to do without a reranker."
        ) from error
    if (wrong := _unfit(model)) is not None:
        raise UserError(
            f"The configured reranker {name!r} {wrong}. Set `reranker.model` to a CrossEncoder that gives a pair of "
            "question and passage one score, or remove the key to do without a reranker."
        )
    return model


def _unfit(model: "CrossEncoder") -> str | None:
    """What a model lacks to be a reranker; None if nothing."""
    if model.num_labels != 1:
        return f"gives a pair {model.num_labels} scores instead of one"
    # Any encoder loads: the head that it lacks is then made up of random numbers.
    known = model.config.architectures or ()
    if len(model) == 1 and not any(name.endswith("ForSequenceClassification") for name in known):
        return "is no cross-encoder: it was never trained to score a pair"
    return None
