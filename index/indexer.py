"""Sync: compare what there is with what is stored, encode what is new, commit an article at a time, report.

It joins readers, splitter, encoder and store; it knows nothing of FAISS, questions or Discord.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from index.article import Article, Paragraph, Sentence
from index.encoder import Encoder, Stamp, is_of, stamp_of
from index.errors import UserError
from index.language import UND, analysed_as, language_of
from index.lexical import names, terms
from index.paragraphs import headings, paragraphs
from index.readers import DEFAULT_MAX_BYTES, READER_VERSION, read
from index.scan import read_bytes, scan, source_of
from index.sentences import split
from index.store import (
    Encoding,
    Float16,
    PreparedArticle,
    PreparedParagraph,
    PreparedSentence,
    Store,
    Version,
    other_stamp,
)
from index.tokens import TokenVectors

log = logging.getLogger(__name__)
_MOST_SENTENCES = 50_000  # of one article: some long novels, or a file of single letters that would fill the memory
_GROUP = 128  # texts encoded at once; between two groups a run can be cancelled
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


ProgressCallback = Callable[[Progress], None]


def _silent(_: Progress) -> None:
    """Reports progress to nobody."""


Splitter = Callable[[Article], list[Sentence]]


def _split(article: Article) -> list[Sentence]:
    return split(article.text, analysed_as(article.language))


@dataclass(frozen=True, slots=True)
class _Draft:
    """An article that has been read and split, but not encoded; `upload` is the name and bytes to keep with it."""

    article: Article
    input_hash: bytes
    article_hash: bytes
    paragraphs: list[list[Sentence]]
    upload: tuple[str, bytes] | None = None

    @property
    def sentences(self) -> int:
        return sum(map(len, self.paragraphs))


class _Text(NamedTuple):
    """A text to be encoded, and how many of its characters are the title before the sentence."""

    text: str
    title: int


@dataclass(frozen=True, slots=True)
class _Job:
    """One source to settle. `draft` is given the stored version, if any, and returns None where nothing changed."""

    source: str
    draft: Callable[[Version | None], _Draft | None]


class Indexer:
    """Brings one store up to date with files or uploads. Runs that overlap, in whatever process, do no harm.

    A file has at most `max_bytes`, and all articles together have at most `max_sentences` (None: any number); what
    goes beyond is reported as failed. `splitter` is another's when sentences must be compared with a published set's.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_sentences: int | None = None,
        splitter: Splitter = _split,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._max_bytes = max_bytes
        self._max_sentences = max_sentences
        self._splitter = splitter

    def sync(
        self, targets: Sequence[str], *, progress: ProgressCallback = _silent, cancel: threading.Event | None = None
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
        jobs = [
            self._job(file.source, file.path.name, partial(read_bytes, file.path, self._max_bytes))
            for file in found.files
        ]
        report = self._settle(jobs, progress, cancel)
        versions = self._store.versions()
        for target, message in reversed(found.problems):
            stays = "; it is still indexed: articles remove takes it out" if source_of(target) in versions else ""
            report.failed.insert(0, (target, f"{message}{stays}"))
        if not report.cancelled:
            present = {job.source for job in jobs}
            gone = [one for one in versions if one not in present and any(scope.covers(one) for scope in found.scopes)]
            if gone:
                self._store.remove([versions[source].article_id for source in gone])
                report.removed += gone
        report.seconds = time.perf_counter() - started
        return report

    def add_upload(self, data: bytes, source: str, name: str, *, cancel: threading.Event | None = None) -> SyncReport:
        """Indexes bytes that come without a file, and keeps them, to be read again by `sync_uploads`."""
        return self._settle([self._job(source, name, lambda: data, keep=True)], cancel=cancel)

    def add_articles(self, articles: Iterable[Article]) -> SyncReport:
        """Indexes articles that have been read elsewhere."""
        return self._settle([_Job(article.source, partial(_unread, article, self._splitter)) for article in articles])

    def sync_uploads(
        self, *, progress: ProgressCallback = _silent, cancel: threading.Event | None = None
    ) -> SyncReport:
        """Reads every upload again; it comes out changed where this version reads its format better."""
        uploads = self._store.uploads()
        jobs = [self._job(source, name, partial(self._store.upload, source)) for source, name in uploads]
        return self._settle(jobs, progress, cancel)

    def rebuild(self, *, progress: ProgressCallback = _silent) -> int:
        """Splits and encodes every stored article anew, with this encoder; returns how many there were.

        One transaction: until it ends the old state is served, and if it fails or is stopped the old state stays.
        """
        stamp = stamp_of(self._encoder)
        number = 0

        def prepared() -> Iterator[PreparedArticle]:
            nonlocal number
            versions = self._store.versions()  # read within the transaction: no article can come in between
            number = len(versions)
            for done, (source, version) in enumerate(versions.items(), start=1):
                if article := self._store.load(version.article_id):
                    draft = _draft(article, version.input_hash, self._splitter)
                    yield _prepare(draft, self._encode(dict(_encoded_texts([draft])), None))
                    progress(Progress(done, len(versions), source))

        self._store.replace_all(prepared(), stamp)
        return number

    def _settle(
        self, jobs: Sequence[_Job], progress: ProgressCallback = _silent, cancel: threading.Event | None = None
    ) -> SyncReport:
        started = time.perf_counter()
        report = SyncReport()
        self._require_stamp(self._store.stamp())
        versions = self._store.versions()
        drafts: list[_Draft] = []
        waiting = done = 0

        def settled(source: str) -> None:
            nonlocal done
            done += 1
            progress(Progress(done, len(jobs), source))

        for number, job in enumerate(jobs, start=1):
            known = versions.get(job.source)
            draft = _try_draft(job, known, report)
            if draft is not None and known is not None and draft.article_hash == known.article_hash:
                self._store.touch(job.source, draft.input_hash)
                report.unchanged.append(job.source)
                draft = None
            if draft is not None and (reason := self._no_room(draft, known, waiting)) is not None:
                report.failed.append((job.source, reason))
                draft = None
            if draft is None:
                settled(job.source)
            else:
                drafts.append(draft)
                waiting += draft.sentences
            if drafts and (waiting >= _BATCH or number == len(jobs)):
                for source in self._commit(drafts, versions, report, cancel):
                    settled(source)
                drafts, waiting = [], 0
            if cancel is not None and cancel.is_set():
                report.cancelled = done < len(jobs)
                break
        report.seconds = time.perf_counter() - started
        return report

    def _no_room(self, draft: _Draft, known: Version | None, waiting: int) -> str | None:
        """Why the draft would be too much for the corpus, beside `waiting` sentences; None if it would not."""
        if self._max_sentences is None:
            return None
        old = self._store.article(known.article_id) if known is not None else None
        total = self._store.statistics().sentences - (old.sentences if old else 0) + waiting + draft.sentences
        if total <= self._max_sentences:
            return None
        return (
            f"it has {draft.sentences:,} sentences, and there is room for {self._max_sentences:,} in all articles "
            "together: remove some first, or have the operator raise limits.max_sentences"
        )

    def _require_stamp(self, known: Stamp | None) -> None:
        """Says so before anything is read, and without loading the model, if another model is configured now."""
        if known is not None and not is_of(known, self._encoder.identity):
            raise UserError(other_stamp(self._store.path, known, stamp_of(self._encoder)))

    def _job(self, source: str, name: str, load: Callable[[], bytes], *, keep: bool = False) -> _Job:
        def draft(known: Version | None) -> _Draft | None:
            data = load()
            input_hash = _input_hash(data, name)
            if known is not None and known.input_hash == input_hash:
                return None
            article = read(data, source, name, max_bytes=self._max_bytes)
            return _draft(article, input_hash, self._splitter, (name, data) if keep else None)

        return _Job(source, draft)

    def _commit(
        self,
        drafts: Sequence[_Draft],
        versions: dict[str, Version],
        report: SyncReport,
        cancel: threading.Event | None,
    ) -> Iterator[str]:
        """Encodes what is new in all drafts together, then stores them one by one, yielding each one's source."""
        stamp = stamp_of(self._encoder)
        texts = dict(_encoded_texts(drafts))
        encodings = self._store.known_encodings(list(texts))
        known = frozenset(encodings)
        encodings |= self._encode({key: text for key, text in texts.items() if key not in known}, cancel)
        for draft in drafts:
            if cancel is not None and cancel.is_set():
                return
            prepared = _prepare(draft, encodings)
            source = draft.article.source
            known_version = versions.get(source)
            if not self._store.put(prepared, stamp, replaces=known_version, upload=draft.upload):
                report.unchanged.append(source)  # by this run: another one has settled it meanwhile
                yield source
                continue
            (report.changed if known_version else report.added).append(source)
            hashes = [sentence.encoded_hash for paragraph in prepared.paragraphs for sentence in paragraph.sentences]
            reused = sum(key in known for key in hashes)
            report.reused += reused
            report.encoded += len(hashes) - reused
            yield source

    def _encode(self, texts: dict[bytes, _Text], cancel: threading.Event | None) -> dict[bytes, Encoding]:
        """Hash → encoding of each text; fewer if `cancel` is set meanwhile."""
        encodings: dict[bytes, Encoding] = {}
        keys = sorted(texts, key=lambda key: len(texts[key].text))
        for start in range(0, len(keys), _GROUP):
            if cancel is not None and cancel.is_set():
                break
            group = keys[start : start + _GROUP]
            read = self._encoder.read_passages([texts[key].text for key in group])
            for key, vector, tokens in zip(group, read.vectors.astype(np.float16), read.tokens, strict=True):
                encodings[key] = self._encoding(vector, tokens, texts[key].title)
        return encodings

    def _encoding(self, vector: Float16, tokens: TokenVectors, title: int) -> Encoding:
        coder = self._encoder.yardstick.coder
        if coder is None or not len(tokens.vectors):
            return Encoding(vector)
        of_title = int((tokens.spans[:, 0] < title).sum())
        return Encoding(vector, of_title, coder.encode(tokens.vectors))


def _input_hash(data: bytes, name: str) -> bytes:
    """A hash of all that decides the result of reading: the reader, the format that the name tells, and the bytes."""
    suffix = Path(name).suffix.lower()
    return hashlib.sha256(f"{READER_VERSION}\0{suffix}\0".encode() + data).digest()


def _try_draft(job: _Job, known: Version | None, report: SyncReport) -> _Draft | None:
    """The draft of what is new or changed; None if the job is settled, unchanged or failed."""
    stays = "; what was indexed of it before stays" if known is not None else ""
    try:
        draft = job.draft(known)
    except UserError as error:
        report.failed.append((job.source, f"{error}{stays}"))
        return None
    except Exception as error:  # a defect that one article brings to light must not cost the others
        log.exception("reading %s", job.source)
        report.failed.append((job.source, f"it could not be read ({type(error).__name__}); please report this{stays}"))
        return None
    if draft is None:
        report.unchanged.append(job.source)
    return draft


def _draft(article: Article, input_hash: bytes, splitter: Splitter, upload: tuple[str, bytes] | None = None) -> _Draft:
    if article.language in (None, UND):
        article = replace(article, language=language_of(article.text))
    digest = hashlib.sha256(repr(replace(article, source="")).encode()).digest()
    sentences = splitter(article)
    if len(sentences) > _MOST_SENTENCES:
        raise UserError(
            f"it has {len(sentences):,} sentences, and at most {_MOST_SENTENCES:,} can be indexed: split it up"
        )
    return _Draft(article, input_hash, digest, paragraphs(article.text, sentences), upload)


def _unread(article: Article, splitter: Splitter, known: Version | None) -> _Draft:
    return _draft(article, b"", splitter)


def _encoded_text(article: Article, sentence: Sentence) -> _Text:
    """What the model reads: the sentence under its article's own title, which says what the sentence is about."""
    title = f"{article.title}\n" if article.states_title else ""
    return _Text(title + sentence.of(article.text), len(title))


def _encoded_texts(drafts: Sequence[_Draft]) -> Iterator[tuple[bytes, _Text]]:
    for draft in drafts:
        for sentence in chain.from_iterable(draft.paragraphs):
            text = _encoded_text(draft.article, sentence)
            yield _hash(text.text), text


def _prepare(draft: _Draft, encodings: dict[bytes, Encoding]) -> PreparedArticle:
    article = draft.article
    # A paragraph is found by its article's title too; a sentence only by what it says.
    language = analysed_as(article.language)
    title = terms(article.title, language) if article.states_title else []
    announcing = headings(article.text, list(chain.from_iterable(draft.paragraphs)))

    def sentence(span: Sentence) -> PreparedSentence:
        key, text = _hash(_encoded_text(article, span).text), span.of(article.text)
        announces = span in announcing
        return PreparedSentence(span, announces, key, encodings[key], terms(text, language), names(text, language))

    def paragraph(members: Sequence[Sentence]) -> PreparedParagraph:
        sentences = [sentence(span) for span in members]
        words = title + [term for one in sentences for term in one.terms]
        return PreparedParagraph(Paragraph(members[0].start, members[-1].end), words, sentences)

    return PreparedArticle(article, draft.input_hash, draft.article_hash, [paragraph(m) for m in draft.paragraphs])


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
