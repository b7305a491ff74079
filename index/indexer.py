"""Sync: compare what there is with what is stored, encode what is new, commit an article at a time, report.

It joins readers, splitter, encoder and store; it knows nothing of FAISS, questions or Discord.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from index.article import Article, Paragraph, Sentence
from index.corpus import stamp_of
from index.encoder import Encoder
from index.errors import UserError
from index.lexical import terms
from index.readers import DEFAULT_MAX_BYTES, READER_VERSION, read
from index.scan import read_bytes, scan
from index.sentences import paragraphs, split
from index.store import (
    Float16,
    PreparedArticle,
    PreparedParagraph,
    PreparedSentence,
    Store,
    Version,
    other_stamp,
)

log = logging.getLogger(__name__)
_BATCH = 512  # new texts gathered across articles before encoding: batches sorted by length then hardly pad


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sync is: `done` of `total` articles, and the one just settled."""

    done: int
    total: int
    source: str


@dataclass(slots=True)
class SyncReport:
    """What a sync did, as sources; `failed` also says why. `encoded` and `reused` count sentences."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    encoded: int = 0
    reused: int = 0
    seconds: float = 0.0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """Something to be read: its identity, a name that tells its format, and how to get its bytes."""

    source: str
    name: str
    load: Callable[[], bytes]
    keep: bool = False  # store the bytes beside the article: there is no file to read again


class Indexer:
    """Brings one store up to date with files or uploads. Runs that overlap, in whatever process, do no harm."""

    def __init__(self, store: Store, encoder: Encoder, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._store = store
        self._encoder = encoder
        self._max_bytes = max_bytes

    def sync(
        self,
        targets: Sequence[str],
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        cancel: threading.Event | None = None,
    ) -> SyncReport:
        """Indexes files, folders and glob patterns; what vanished from the folders and patterns leaves the index.

        `progress` is called after each article is settled (an added or changed one: committed). When `cancel` is
        set, the run ends after the article at hand. A target or file that fails is reported and stops nothing.

        Raises:
            UserError: the corpus bears another stamp or cannot be written, or the model cannot be had. Articles
                committed before stay.
        """
        started = time.perf_counter()
        found = scan(targets)
        report = SyncReport(failed=list(found.problems))
        inputs = [
            Input(file.source, file.path.name, partial(read_bytes, file.path, self._max_bytes)) for file in found.files
        ]
        versions = self._store.versions()
        self._run(inputs, report, progress, cancel)
        if not report.cancelled:
            present = {one.source for one in inputs}
            gone = [one for one in versions if one not in present and any(scope.covers(one) for scope in found.scopes)]
            if gone:
                self._store.remove([versions[source].article_id for source in gone])
                report.removed += gone
        report.seconds = time.perf_counter() - started
        return report

    def add_upload(self, data: bytes, source: str, name: str) -> SyncReport:
        """Indexes bytes that come without a file, and keeps them, to be read again by `sync_uploads`."""
        started = time.perf_counter()
        report = SyncReport()
        self._run([Input(source, name, lambda: data, keep=True)], report, lambda _: None, None)
        report.seconds = time.perf_counter() - started
        return report

    def sync_uploads(
        self, *, progress: Callable[[Progress], None] = lambda _: None, cancel: threading.Event | None = None
    ) -> SyncReport:
        """Reads every upload again; it comes out changed where this version reads its format better."""
        started = time.perf_counter()
        report = SyncReport()
        inputs = [Input(source, name, partial(self._store.upload, source)) for source, name in self._store.uploads()]
        self._run(inputs, report, progress, cancel)
        report.seconds = time.perf_counter() - started
        return report

    def rebuild(self, *, progress: Callable[[Progress], None] = lambda _: None) -> int:
        """Splits and encodes every stored article anew, with this encoder; returns how many there were.

        One transaction: until it ends the old state is served, and if it fails or is stopped the old state stays.
        """
        versions = self._store.versions()

        def prepared() -> Iterator[PreparedArticle]:
            for done, (source, version) in enumerate(versions.items(), start=1):
                if article := self._store.load(version.article_id):
                    draft = _draft(article, version.input_hash)
                    yield _prepare(draft, self._encode(dict(_encoded_texts([draft])), None))
                    progress(Progress(done, len(versions), source))

        self._store.replace_all(prepared(), stamp_of(self._encoder))
        return len(versions)

    def _run(
        self,
        inputs: Sequence[Input],
        report: SyncReport,
        progress: Callable[[Progress], None],
        cancel: threading.Event | None,
    ) -> None:
        versions = self._store.versions()
        drafts: list[tuple[Input, _Draft]] = []
        waiting = done = 0

        def settled(source: str) -> None:
            nonlocal done
            done += 1
            progress(Progress(done, len(inputs), source))

        for number, one in enumerate(inputs, start=1):
            draft = self._read(one, versions.get(one.source), report)
            if draft is None:
                settled(one.source)
            else:
                drafts.append((one, draft))
                waiting += sum(map(len, draft.paragraphs))
            if drafts and (waiting >= _BATCH or number == len(inputs)):
                for source in self._commit(drafts, versions, report, cancel):
                    settled(source)
                drafts, waiting = [], 0
            if cancel is not None and cancel.is_set():
                report.cancelled = done < len(inputs)
                return

    def _read(self, one: Input, known: Version | None, report: SyncReport) -> "_Draft | None":
        """The draft of what is new or changed; None if it is settled already."""
        try:
            data = one.load()
            # What decides the result of reading: the reader, the format that the name tells, and the bytes.
            suffix = Path(one.name).suffix.lower()
            input_hash = hashlib.sha256(f"{READER_VERSION}\0{suffix}\0".encode() + data).digest()
            if known is not None and known.input_hash == input_hash:
                report.unchanged.append(one.source)
                return None
            draft = _draft(read(data, one.source, one.name, max_bytes=self._max_bytes), input_hash)
        except UserError as error:
            report.failed.append((one.source, str(error)))
            return None
        except Exception as error:  # a defect that one article brings to light must not cost the others
            log.exception("reading %s", one.source)
            report.failed.append((one.source, f"it could not be read ({type(error).__name__}); please report this"))
            return None
        if known is not None and known.article_hash == draft.article_hash:
            self._store.touch(one.source, input_hash)
            report.unchanged.append(one.source)
            return None
        return draft

    def _commit(
        self,
        drafts: Sequence[tuple[Input, "_Draft"]],
        versions: dict[str, Version],
        report: SyncReport,
        cancel: threading.Event | None,
    ) -> Iterator[str]:
        """Encodes what is new in all drafts together, then stores them one by one, yielding each one's source."""
        stamp = stamp_of(self._encoder)
        known_stamp = self._store.stamp()
        if known_stamp not in (None, stamp):
            raise UserError(other_stamp(self._store.path, known_stamp, stamp))
        texts = dict(_encoded_texts([draft for _, draft in drafts]))
        vectors = self._store.known_vectors(list(texts))
        known = frozenset(vectors)
        vectors |= self._encode({key: text for key, text in texts.items() if key not in known}, cancel)
        for one, draft in drafts:
            if cancel is not None and cancel.is_set():
                return
            prepared = _prepare(draft, vectors)
            self._store.put(prepared, stamp, upload=(one.name, one.load()) if one.keep else None)
            (report.changed if one.source in versions else report.added).append(one.source)
            hashes = [sentence.encoded_hash for paragraph in prepared.paragraphs for sentence in paragraph.sentences]
            reused = sum(key in known for key in hashes)
            report.reused += reused
            report.encoded += len(hashes) - reused
            yield one.source

    def _encode(self, texts: dict[bytes, str], cancel: threading.Event | None) -> dict[bytes, Float16]:
        """Hash → (dimension,) vector of each text; fewer if `cancel` is set meanwhile."""
        vectors: dict[bytes, Float16] = {}
        keys = sorted(texts, key=lambda key: len(texts[key]))
        for start in range(0, len(keys), _BATCH):
            if cancel is not None and cancel.is_set():
                break
            group = keys[start : start + _BATCH]
            vectors.update(
                zip(group, self._encoder.encode_passages([texts[k] for k in group]).astype(np.float16), strict=True)
            )
        return vectors


@dataclass(frozen=True, slots=True)
class _Draft:
    """An article that has been read and split, but not encoded."""

    article: Article
    input_hash: bytes
    article_hash: bytes
    paragraphs: list[list[Sentence]]


def _draft(article: Article, input_hash: bytes) -> _Draft:
    digest = hashlib.sha256(repr(replace(article, source="")).encode()).digest()
    return _Draft(article, input_hash, digest, paragraphs(article.text, split(article.text)))


def _encoded_text(article: Article, sentence: Sentence) -> str:
    """What the model reads: a sentence says little of what its article is about, and the article's own title says it."""
    text = sentence.of(article.text)
    return f"{article.title}\n{text}" if article.states_title else text


def _encoded_texts(drafts: Sequence[_Draft]) -> Iterator[tuple[bytes, str]]:
    for draft in drafts:
        for sentence in chain.from_iterable(draft.paragraphs):
            text = _encoded_text(draft.article, sentence)
            yield _hash(text), text


def _prepare(draft: _Draft, vectors: dict[bytes, Float16]) -> PreparedArticle:
    article = draft.article
    # A paragraph is found by its article's title too; a sentence only by what it says.
    title = terms(article.title) if article.states_title else []

    def sentence(span: Sentence) -> PreparedSentence:
        key = _hash(_encoded_text(article, span))
        return PreparedSentence(span, key, vectors[key], terms(span.of(article.text)))

    def paragraph(members: Sequence[Sentence]) -> PreparedParagraph:
        sentences = [sentence(span) for span in members]
        words = title + [term for one in sentences for term in one.terms]
        return PreparedParagraph(Paragraph(members[0].start, members[-1].end), words, sentences)

    return PreparedArticle(article, draft.input_hash, draft.article_hash, [paragraph(m) for m in draft.paragraphs])


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
