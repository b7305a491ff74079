"""A corpus opened for asking: its store and the vector indexes derived from it, kept in step.

A `Library` holds the operator's corpus and one for each Discord server, each in a file of its own. Neither knows
anything of questions, ranking or Discord: a server is a number here.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from index.database import Connection
from index.encoder import Encoder, Stamp, is_of, stamp_of
from index.errors import UserError
from index.layout import database_path, files_of, servers_in
from index.loading import sentence_vectors
from index.matrix import widened
from index.memory import give_back
from index.outline import SENTENCE_BYTES, GrowingOutline, Outline, kept
from index.places import run_starts
from index.snapshot import Sliced, Unfit, erase, reading, write
from index.store import Store, other_stamp
from index.stored import Ids, SentenceVectors, Statistics, Unit
from index.vectors import VectorIndex

log = logging.getLogger(__name__)
_ARTICLE_BYTES = 550  # its entries here: two numbers in dictionaries, and two ranges of ids
_MANY = 20_000  # sentences whose reading leaves enough memory behind to be worth a few milliseconds
_SLOW = 3.0  # seconds: what takes longer to derive is kept in a file beside the database
_STOPPING = 5.0  # seconds in which the writing of that file ends; what goes on longer does no harm
_MIB = 1024 * 1024
_TERM_BYTES = 130  # a word with its count, as `vocabulary` reads it
UNITS: tuple[Unit, ...] = ("sentence", "paragraph")


@dataclass(frozen=True, slots=True)
class CorpusView:
    """One state of a corpus: the store within a snapshot, and vector indexes and an outline of (at least) that state.

    These may be a moment newer than the snapshot when another thread has just brought them up to date: an id that the
    store does not know is to be passed over, and so is one that the outline does not.
    """

    store: Store
    vectors: dict[Unit, VectorIndex]
    outline: Outline
    statistics: Statistics
    languages: Mapping[str, int] = field(default_factory=dict)  # of its articles, and how many are in each
    _terms: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # what `vocabulary` has read

    def vocabulary(self, initial: str) -> list[tuple[str, int]]:
        """As the store's, but read once for each state of the corpus: FTS5 passes over every posting to count them."""
        if initial not in self._terms:
            self._terms[initial] = self.store.vocabulary(initial)
        return self._terms[initial]


class Corpus:
    """One corpus's store with its vectors. Every method may be called from any thread.

    Raises:
        UserError: what `Store` raises; and on `view`, a corpus made with another model.
    """

    def __init__(self, path: Path, encoder: Encoder, *, create: bool = True) -> None:
        self.store = Store(path, create=create)
        self.encoder = encoder
        self._vectors: dict[Unit, VectorIndex] = {}
        self._outline = GrowingOutline()
        self._articles: set[int] = set()  # ids of those whose vectors are here
        self._ids: dict[int, tuple[range, range]] = {}  # article id → ids of its sentences and paragraphs
        self._generation = -1
        self._statistics = Statistics(0, 0, 0, 0, 0)
        self._languages: Mapping[str, int] = {}
        self._terms: dict[str, list[tuple[str, int]]] = {}
        self._lock = threading.Lock()
        self._to_keep = False  # a snapshot is to be written
        self._keeping: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def view(self) -> Iterator[CorpusView]:
        """The corpus as it is now, whoever changed it, for the length of the block."""
        with self.store.snapshot() as connection:
            # What an older snapshot reads must not be taken for what the newer state has.
            terms = self._terms if self._refresh(connection) == self._generation else {}
            vectors, outline = dict(self._vectors), self._outline.now
            yield CorpusView(self.store, vectors, outline, self._statistics, self._languages, terms)
        if self._to_keep:  # only now, so that nobody waits for it
            self._start_keeping()

    def close(self) -> None:
        self._closed = True
        if (keeping := self._keeping) is not None:
            keeping.join(_STOPPING)
        self.store.close()

    @property
    def nbytes(self) -> int:
        """What the corpus takes in memory while it is open, about: vectors, ids, words and SQLite's pages."""
        vectors = sum(index.nbytes for index in list(self._vectors.values()))
        words = sum(len(words) for words in list(self._terms.values()))
        places = len(self._outline.now.ids) * SENTENCE_BYTES
        return vectors + places + len(self._ids) * _ARTICLE_BYTES + words * _TERM_BYTES + self.store.cached_bytes

    def _refresh(self, connection: Connection) -> int:
        """Brings the vectors up to the snapshot's generation, which it returns, at the cost of what changed."""
        generation = self.store.generation()
        with self._lock:
            if generation <= self._generation:
                return generation
            stamp = self.store.stamp()
            if stamp is None:
                return generation
            if stamp != (wanted := stamp_of(self.encoder)):
                raise UserError(other_stamp(self.store.path, stamp, wanted))
            restored = not self._vectors and self._restore(stamp, generation)
            if not self._vectors:
                self._vectors = {unit: VectorIndex(stamp.dimension) for unit in UNITS}
            began = time.monotonic()
            statistics, fresh = self.store.statistics(), self.store.written_since(self._generation)
            stale = set(fresh) & self._articles
            # Looking for what has gone costs what the corpus holds, so it has to be known that something has.
            if statistics.articles + statistics.copies != len(self._articles) + len(fresh) - len(stale):
                stale |= self._articles - self.store.article_ids()
            self._remove(list(stale))
            if not self._articles:
                self._vectors["sentence"].reserve(statistics.sentences)
                self._vectors["paragraph"].reserve(statistics.paragraphs)
            # With nothing here yet, one pass over all is several times faster than looking for each article.
            loaded = 0
            for piece in sentence_vectors(connection, fresh if self._articles else None, stamp.dimension):
                self._add(piece)
                loaded += len(piece.ids)
            if loaded >= _MANY:
                give_back()
            self._articles -= stale
            self._articles.update(fresh)
            self._generation, self._statistics = generation, statistics
            self._languages = self.store.languages()
            self._terms = {}
            # What is gone from the corpus is to go from the snapshot, too, in time.
            if time.monotonic() - began > _SLOW or (restored and stale):
                self._to_keep = True
            return generation

    def _restore(self, stamp: Stamp, generation: int) -> bool:
        """Takes what is derived from the snapshot beside the database, of this generation or an earlier one. False,
        with nothing changed, if there is none that can be used; such a one is deleted."""
        path, outline = self.store.path, GrowingOutline()
        vectors: dict[Unit, VectorIndex] = {unit: VectorIndex(stamp.dimension) for unit in UNITS}
        try:
            with reading(path) as file:
                if file is None:
                    return False
                at, token = file.about.pop("generation", None), self.store.snapshot_token()
                if token is None or file.about != _about(stamp, token):
                    raise Unfit("it belongs to another state of the corpus")
                if type(at) is not int or not 0 <= at <= generation:
                    raise Unfit("it belongs to another generation of the corpus")
                articles = file.take("articles", "<i8")
                outline.restore(file)
                for unit in UNITS:
                    vectors[unit].restore(unit, file)
                file.finish()
        except Unfit as why:
            log.warning("the vectors kept beside %s are not used, but made anew: %s", path, why)
            with suppress(OSError):
                erase(path)
            return False
        now, self._articles, self._ids = outline.now, set(articles.tolist()), {}
        if len(now.ids):
            self._note(now.ids, now.articles, now.paragraphs)
        self._vectors, self._outline, self._generation = vectors, outline, at
        return True

    def _start_keeping(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # the corpus is changing, and whoever asks next sees to it
        try:
            if self._to_keep and not self._closed and (self._keeping is None or not self._keeping.is_alive()):
                self._to_keep = False
                thread = threading.Thread(target=self._keep, name="snapshot", daemon=True)
                thread.start()
                self._keeping = thread
        except RuntimeError as error:  # no more threads
            log.warning("no snapshot of %s is written: %s", self.store.path, error)
        finally:
            self._lock.release()

    def _keep(self) -> None:
        """Writes a snapshot of what is derived, unless that changes meanwhile: then the next question has it tried
        again."""
        began, path, token = time.monotonic(), self.store.path, secrets.token_hex(16)
        try:
            with self._lock:
                generation, stamp = self._generation, stamp_of(self.encoder)
                outline, vectors = self._outline.now, self._vectors
                articles = np.array(sorted(self._articles), np.int64)
            arrays: dict[str, Sliced] = {"articles": articles, **kept(outline)}
            for unit in UNITS:
                arrays |= vectors[unit].kept(unit)

            def holds() -> bool:
                # What is derived changes only after the file has: while that is of this generation, all pieces are.
                return not self._closed and self.store.is_current() and self.store.generation() == generation

            def place(put: Callable[[], None]) -> bool:
                return holds() and self.store.keep_snapshot(token, generation, put)

            about = {**_about(stamp, token), "generation": generation}
            if write(path, about, arrays, holds=holds, place=place):
                log.info("snapshot written", extra={"seconds": round(time.monotonic() - began, 1)})
            else:
                self._to_keep = True
        except Exception as error:
            log.warning("no snapshot of %s is written, and the next start is as slow: %s", path, error)

    def _remove(self, article_ids: Sequence[int]) -> None:
        gone = [self._ids.pop(article_id) for article_id in article_ids if article_id in self._ids]
        for unit, ranges in zip(UNITS, zip(*gone, strict=True), strict=False):
            ids = np.concatenate([np.arange(ids.start, ids.stop) for ids in ranges])
            self._vectors[unit].remove(ids)
            if unit == "sentence":
                self._outline.remove(ids)

    def _add(self, stored: SentenceVectors) -> None:
        vectors = widened(stored.vectors)
        self._outline.add(stored)
        self._vectors["sentence"].add(stored.ids, stored.vectors)
        # A paragraph's vector is the mean direction of its sentences': as good as encoding its text, and free.
        starts = run_starts(stored.paragraph_ids)
        means = np.add.reduceat(vectors, starts)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
        self._vectors["paragraph"].add(stored.paragraph_ids[starts], means)
        self._note(stored.ids, stored.article_ids, stored.paragraph_ids)

    def _note(self, ids: Ids, article_ids: Ids, paragraph_ids: Ids) -> None:
        # An article is written by one writer in one transaction, so the ids of its parts follow each other.
        starts = run_starts(article_ids)
        ends = np.r_[starts[1:], len(ids)] - 1
        columns = (ids[starts], ids[ends], paragraph_ids[starts], paragraph_ids[ends])
        for article_id, first, last, *paragraphs in zip(
            article_ids[starts].tolist(), *(column.tolist() for column in columns), strict=True
        ):
            self._ids[article_id] = range(first, last + 1), range(paragraphs[0], paragraphs[1] + 1)


def _about(stamp: Stamp, token: str) -> dict[str, Any]:
    """What a snapshot belongs to. Where the model lay makes no difference."""
    return {"stamp": asdict(replace(stamp, location="")), "token": token}


@dataclass(slots=True)
class _Open:
    corpus: Corpus
    asked: float  # when it was asked for last, by the monotonic clock


class Library:
    """The operator's corpus (`operator.db`) and one for each server (`servers/ID.db`) in one data folder.

    `shared_with` names the servers that may also ask the operator's corpus; None: all of them. Corpora are opened
    when they are first asked for. Of the servers' own, those asked for last stay open: at most `most_open`, and no
    more than take `most_bytes` with the operator's, except that the last one stays whatever it takes. The operator's
    is part of most questions, and closes only when `idle`: so many seconds after it was asked for last, as any does,
    provided that somebody calls `close_idle`. None: no such bound.

    `previous` makes the encoder of another stamp: a corpus of that stamp is then served with it until it is encoded
    anew with `encoder`. Without it, such a corpus is an error when it is first viewed.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        *,
        shared_with: frozenset[int] | None = None,
        most_open: int = 64,
        most_bytes: int | None = None,
        idle: float | None = None,
        previous: Callable[[Stamp], Encoder] | None = None,
    ) -> None:
        self.folder = folder
        self.encoder = encoder
        self._most_open = most_open
        self._most_bytes = most_bytes
        self._idle = idle
        self._previous = previous
        self._earlier: dict[Stamp, Encoder] = {}
        self._shared_with = shared_with
        self._open: dict[int | None, _Open] = {}  # the one asked for last comes last
        self._told = False
        self._lock = threading.Lock()

    def path(self, server: int | None) -> Path:
        """The database file of a server's corpus, or of the operator's (None)."""
        return database_path(self.folder, server)

    def corpus(self, server: int | None, *, create: bool = False, passing: bool = False) -> Corpus | None:
        """A server's own corpus, or the operator's (None). None if it does not exist and is not to be made.

        A look in `passing`, which nobody asked for, neither opens a corpus for longer than the caller holds it nor
        keeps it open for longer than it would have stayed.
        """
        with self._lock:
            # A corpus that leaves the dictionary is left to the questions still running in it, and closes when the
            # last of them lets go.
            known = self._open.pop(server, None)
            corpus = known.corpus if known else None
            if corpus is not None and not corpus.store.is_current():
                corpus = None  # the file was deleted or replaced: what it held must not be served any longer
            if corpus is None and (create or self.path(server).exists()):
                corpus = Corpus(self.path(server), self.encoder, create=create)
            if corpus is not None and corpus.encoder is not (encoder := self._encoder_of(corpus.store.stamp())):
                corpus = Corpus(self.path(server), encoder, create=False)
            if corpus is None or (passing and known is None):
                return corpus
            asked = known.asked if passing and known else time.monotonic()
            self._open[server] = _Open(corpus, asked)
            if passing:
                self._open = dict(sorted(self._open.items(), key=lambda item: item[1].asked))
            else:
                self._make_room()
            return corpus

    def close_idle(self, now: float | None = None) -> int:
        """Closes what nobody has asked for long enough, and what is beyond the bounds; returns how many corpora.

        To be called every minute or so, not on a thread that must not wait. `now` is of the monotonic clock.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            before = len(self._open)
            if self._idle is not None:
                self._open = {server: one for server, one in self._open.items() if now - one.asked < self._idle}
            self._make_room()
            closed = before - len(self._open)
            operators = self._open[None].corpus.nbytes if None in self._open else 0
        if self._most_bytes is not None and operators > self._most_bytes and not self._told:
            self._told = True
            taken, most = operators // _MIB, self._most_bytes // _MIB
            log.warning(
                "the operator's articles take %d MiB of memory, and all that are open may take %d MiB: servers' own are"
                " opened anew for each question, unless limits.corpora_mb is raised",
                taken,
                most,
            )
        if closed:
            give_back()
            log.debug("corpora closed", extra={"corpora": closed})
        return closed

    @property
    def nbytes(self) -> int:
        """What the open corpora take in memory, about."""
        with self._lock:
            return sum(one.corpus.nbytes for one in self._open.values())

    def opened(self) -> list[int | None]:
        """Whose corpora are open, the one asked for last at the end."""
        with self._lock:
            return list(self._open)

    def _make_room(self) -> None:
        """Lets go of the servers' corpora that were asked for longest ago, until the rest is within the bounds."""
        servers = [one for one in self._open if one is not None]
        taken = sum(one.corpus.nbytes for one in self._open.values()) if self._most_bytes is not None else 0
        for left, server in zip(range(len(servers), 1, -1), servers, strict=False):
            if left <= self._most_open and taken <= (self._most_bytes or 0):
                return
            taken -= self._open.pop(server).corpus.nbytes

    def is_behind(self, server: int | None) -> bool:
        """Whether a corpus still has to be encoded anew with the present model."""
        corpus = self.corpus(server, passing=True)
        stamp = corpus.store.stamp() if corpus else None
        return stamp is not None and not is_of(stamp, self.encoder.identity)

    def _encoder_of(self, stamp: Stamp | None) -> Encoder:
        """The encoder that a corpus of this stamp is served with; the present one where no other can be had."""
        if stamp is None or self._previous is None or is_of(stamp, self.encoder.identity):
            return self.encoder
        if stamp not in self._earlier:
            try:
                self._earlier[stamp] = self._previous(stamp)
            except UserError as error:
                log.warning("the model that the articles were encoded with cannot be had any more: %s", error)
                self._earlier[stamp] = self.encoder
        return self._earlier[stamp]

    def askable(self, server: int | None) -> list[Corpus]:
        """The corpora that a question asked in `server` (None: by the operator) may be answered from."""
        allowed: list[int | None] = [server]
        if server is not None and (self._shared_with is None or server in self._shared_with):
            allowed.append(None)
        return [corpus for one in allowed if (corpus := self.corpus(one)) is not None]

    def servers(self) -> list[int]:
        """The servers that have a corpus of their own."""
        return servers_in(self.folder)

    def delete(self, server: int | None) -> bool:
        """Deletes a corpus's files for good. Returns whether there was one."""
        with self._lock:
            if (known := self._open.pop(server, None)) is not None:
                known.corpus.close()
            path = self.path(server)
            existed = path.exists()
            for file in files_of(path):
                with suppress(FileNotFoundError):
                    file.unlink()
            return existed

    def close(self) -> None:
        with self._lock:
            for one in self._open.values():
                one.corpus.close()
            self._open.clear()
