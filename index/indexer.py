"""Sync: compare what there is with what is stored, encode what is new, commit an article at a time, report.

It carries out plans, whatever they come from, and joins readers, splitter, encoder and store; it knows nothing of
FAISS, questions or Discord.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from index.article import Article
from index.encoder import Encoder, is_of, stamp_of
from index.errors import Said, UserError, mark
from index.jobs import Documents, Job, Plan, Reader, Stopped, archives_of, members_of
from index.ledger import Upload
from index.preparing import Draft, EncodedText, Splitter, draft_of, encoded_texts, prepare, split_article
from index.readers import DEFAULT_MAX_BYTES
from index.reading import InProcess
from index.report import Outcome, Progress, ProgressCallback, Settled, SyncReport, silent
from index.scan import read_bytes, scan, source_of
from index.store import Store, other_stamp
from index.stored import Encoding, Float16, PreparedArticle, Version
from index.tokens import TokenVectors

log = logging.getLogger(__name__)
_FEW = 50  # articles that are looked up one by one
_GROUP = 256  # texts encoded at once; between two groups a run can be cancelled
_STAYS = mark("{reason}. What was indexed of it before stays."), mark("{reason} What was indexed of it before stays.")
_BATCH = 1_024  # new texts gathered across articles before encoding: batches sorted by length then hardly pad


class Indexer:
    """Brings one store up to date with files or uploads. Runs that overlap, in whatever process, do no harm.

    A file has at most `max_bytes`, and all articles together have at most `max_sentences` (None: any number); what
    goes beyond is reported as failed. `splitter` is another's when sentences must be compared with a published set's.
    `reader` reads what strangers wrote: in a process of its own, or by default in this one.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_sentences: int | None = None,
        splitter: Splitter = split_article,
        reader: Reader | None = None,
    ) -> None:
        self.store = store
        self.encoder = encoder
        self.documents = Documents(reader or InProcess(), max_bytes, splitter)
        self.max_sentences = max_sentences

    def sync(
        self,
        targets: Sequence[str],
        *,
        progress: ProgressCallback = silent,
        cancel: threading.Event | None = None,
        dry_run: bool = False,
    ) -> SyncReport:
        """Indexes files, folders and glob patterns; what vanished from the folders and patterns leaves the index.

        Otherwise as `run`.
        """
        return self.run(self.plan(targets), progress=progress, cancel=cancel, dry_run=dry_run)

    def plan(self, targets: Sequence[str]) -> Plan:
        """The jobs of files, folders and glob patterns."""
        found = scan(targets)
        load = partial(read_bytes, max_bytes=self.documents.max_bytes)
        jobs = [self.documents.job(file.source, file.path.name, partial(load, file.path)) for file in found.files]
        return Plan(jobs, list(found.scopes), list(found.problems), [("", found.note)] if found.note else [])

    def run(
        self,
        plan: Plan,
        *,
        progress: ProgressCallback = silent,
        cancel: threading.Event | None = None,
        dry_run: bool = False,
    ) -> SyncReport:
        """Carries out a plan.

        `progress` is called after each article is settled (an added or changed one: committed). When `cancel` is
        set, the run ends after the article at hand. A target or file that fails is reported and stops nothing. With
        `dry_run` nothing is stored: the report says what would be.

        Raises:
            UserError: the corpus bears another stamp or cannot be written, or the model cannot be had. Articles
                committed before stay.
        """
        started = time.perf_counter()
        known = self.store.stamp()
        if known is not None and not is_of(known, self.encoder.identity):
            # Said before anything is read, and without loading the model.
            raise UserError(other_stamp(self.store.path, known, stamp_of(self.encoder)))
        run = _Run(self, plan, progress, cancel or threading.Event(), dry_run)
        run.carry_out()
        run.report.seconds = time.perf_counter() - started
        return run.report

    def add_upload(self, data: bytes, source: str, name: str, *, cancel: threading.Event | None = None) -> SyncReport:
        """Indexes bytes that come without a file, and keeps them, to be read again by `sync_uploads`."""
        source, name = (one.encode(errors="ignore").decode() for one in (source, name))  # without half characters
        upload = Upload(source, name, data)
        return self.run(Plan([self.documents.job(source, name, lambda: data, upload=upload)]), cancel=cancel)

    def add_articles(self, articles: Iterable[Article]) -> SyncReport:
        """Indexes articles that have been read elsewhere."""

        def opened(article: Article, _: Version | None) -> Draft:
            return draft_of(article, b"", self.documents.splitter)

        return self.run(Plan([Job(article.source, partial(opened, article)) for article in articles]))

    def sync_uploads(
        self,
        *,
        progress: ProgressCallback = silent,
        cancel: threading.Event | None = None,
        dry_run: bool = False,
    ) -> SyncReport:
        """Reads every upload again; it comes out changed where this version reads its format better."""
        return self.run(Plan(self.upload_jobs()), progress=progress, cancel=cancel, dry_run=dry_run)

    def upload_jobs(self) -> list[Job]:
        """The jobs of everything that came in without a file of its own. What a person has removed of an archive is
        none of them."""
        return [self._upload_job(Upload(source, name, None)) for source, name in self.store.uploads()]

    def _upload_job(self, upload: Upload) -> Job:
        def opened(known: Version | None) -> Draft | Sequence[Job] | None:
            data = self.store.upload(upload.address)
            found = self.documents.open(data, upload.address, upload.name, known, upload=upload)
            if found is None or isinstance(found, Draft) or (source := self.store.ledger.find(upload.address)) is None:
                return found
            removed = self.store.removed_from(source.id)
            return [job for job in found if job.source not in removed]

        return Job(upload.address, opened, upload=upload)

    def rebuild(self, *, progress: ProgressCallback = silent, cancel: threading.Event | None = None) -> int | None:
        """Splits and encodes every stored article anew, with this encoder; returns how many there were.

        The encodings are gathered beside the old ones, a few articles at a time, while the old state is served and may
        change; a run that is stopped is taken up by the next. Then all is replaced in one transaction. None if `cancel`
        was set before that.
        """
        stamp = stamp_of(self.encoder)
        for done, (source, version) in enumerate(versions := list(self.store.versions().items()), start=1):
            if cancel is not None and cancel.is_set():
                return None
            if draft := self._redrafted(version):
                texts = dict(encoded_texts([draft]))
                missing = texts.keys() - self.store.staged(list(texts), stamp).keys()
                if missing:
                    self.store.stage(self.encode({key: texts[key] for key in missing}, cancel), stamp)
            progress(Progress(done, len(versions), source))
        if cancel is not None and cancel.is_set():
            return None
        number = 0

        def prepared() -> Iterator[PreparedArticle]:
            nonlocal number
            for version in self.store.versions().values():  # within the transaction: no article can come in between
                number += 1
                if draft := self._redrafted(version):
                    texts = dict(encoded_texts([draft]))
                    staged = self.store.staged(list(texts), stamp)
                    late = {key: text for key, text in texts.items() if key not in staged}
                    yield prepare(draft, staged | self.encode(late, None))

        self.store.replace_all(prepared(), stamp)
        return number

    def _redrafted(self, version: Version) -> Draft | None:
        article = self.store.load(version.article_id)
        return draft_of(article, version.input_hash, self.documents.splitter) if article else None

    def encode(self, texts: dict[bytes, EncodedText], cancel: threading.Event | None) -> dict[bytes, Encoding]:
        """Hash → encoding of each text; fewer if `cancel` is set meanwhile."""
        encodings: dict[bytes, Encoding] = {}
        keys = sorted(texts, key=lambda key: len(texts[key].text))
        for start in range(0, len(keys), _GROUP):
            if cancel is not None and cancel.is_set():
                break
            group = keys[start : start + _GROUP]
            read = self.encoder.read_passages([texts[key].text for key in group])
            for key, vector, tokens in zip(group, read.vectors.astype(np.float16), read.tokens, strict=True):
                encodings[key] = self._encoding(vector, tokens, texts[key].title)
        return encodings

    def _encoding(self, vector: Float16, tokens: TokenVectors, title: int) -> Encoding:
        coder = self.encoder.yardstick.coder
        if coder is None or not len(tokens.vectors):
            return Encoding(vector)
        of_title = int((tokens.spans[:, 0] < title).sum())
        return Encoding(vector, of_title, coder.encode(tokens.vectors))


@dataclass(frozen=True, slots=True)
class _Drafted:
    """A job that has come to an article to be encoded and stored, and the seconds that took."""

    job: Job
    draft: Draft
    seconds: float


class _Versions:
    """The articles that were stored when a run first asked for each: one by one as long as it asks for few, so that one
    more article does not cost what the corpus holds.

    What may find that articles have vanished asks for `all` before it looks: what others add meanwhile has not.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: dict[str, Version | None] = {}
        self._all: dict[str, Version] | None = None

    def of(self, source: str) -> Version | None:
        """The version of the article of this source, if it is there."""
        if source not in self._asked:
            if self._all is None and len(self._asked) < _FEW:
                self._asked[source] = self._store.versions(source).get(source)
            else:
                self._asked[source] = self.all().get(source)
        return self._asked[source]

    def all(self) -> dict[str, Version]:
        """Every article, by its source."""
        if self._all is None:
            self._all = self._store.versions()
        return self._all


@dataclass(slots=True)
class _Run:
    """One run of an indexer over a plan."""

    indexer: Indexer
    plan: Plan
    progress: ProgressCallback
    cancel: threading.Event
    dry_run: bool
    report: SyncReport = field(default_factory=SyncReport)
    _known: "_Versions" = field(init=False)
    _total: int = 0
    _sentences: int = 0  # of the corpus, when all that is drafted is stored
    _seen: set[str] = field(default_factory=set)  # the sources of all jobs that were opened
    _opened: set[str] = field(default_factory=set)  # of them, those that held jobs
    _lost: set[str] = field(default_factory=set)  # of them, those that failed
    _settling: set[str] = field(default_factory=set)  # of them, those that are as they should be or about to be stored
    _brought: set[bytes] = field(default_factory=set)  # texts that articles of this run have brought
    _kept: set[str] = field(default_factory=set)  # addresses of uploads that are stored already

    def __post_init__(self) -> None:
        self._known = _Versions(self.indexer.store)

    def carry_out(self) -> None:
        self.report.dry_run = self.dry_run
        self.report.notes += self.plan.notes
        if self.plan.scopes:
            self._known.all()
        self._sentences = self.indexer.store.statistics().sentences
        for target, message in self.plan.problems:
            stays = (
                "; it is still indexed: articles remove takes it out"
                if (source := source_of(target)) and self._known.of(source)
                else ""
            )
            self.report.add(target, "failed", f"{message}{stays}")
        try:
            self._settle_all()
            if not self.report.cancelled:
                self._remove_vanished()
        finally:
            if not self.dry_run:
                self.indexer.store.settle()

    def _settle_all(self) -> None:
        jobs = deque(self.plan.jobs)
        self._total = len(jobs)
        drafted: list[_Drafted] = []
        waiting = done = 0
        while (jobs or drafted) and not self.cancel.is_set():
            if jobs:
                job = jobs.popleft()
                try:
                    opened = self._open(job)
                except Stopped:
                    break
                if isinstance(opened, _Drafted):
                    drafted.append(opened)
                    waiting += opened.draft.sentences
                elif opened is None:
                    done += 1
                    self.progress(Progress(done, self._total, job.source))
                else:
                    jobs.extendleft(reversed(opened))
                    self._total += len(opened) - 1
                    if not opened:
                        self.progress(Progress(done, max(self._total, done), job.source))
            if drafted and (waiting >= _BATCH or not jobs):
                for source in self._commit(drafted):
                    done += 1
                    self.progress(Progress(done, self._total, source))
                drafted, waiting = [], 0
        self.report.cancelled = self.cancel.is_set() and done < self._total

    def _open(self, job: Job) -> _Drafted | Sequence[Job] | None:
        """What the job comes to; None if it is settled, unchanged or failed."""
        started = time.perf_counter()
        known = self._known.of(job.source)
        self._seen.add(job.source)
        if job.source in self._settling:  # two sources give it, and the first has settled it, or will in a moment
            return None
        try:
            opened = job.open(known)
        except Stopped:
            raise
        except UserError as error:
            self._fail(job, error.said, started)
            return None
        except Exception as error:  # a defect that one article brings to light must not cost the others
            log.exception("reading %s", job.source)
            why = Said("it could not be read ({error}); please report this", error=type(error).__name__)
            self._fail(job, why, started)
            return None
        if isinstance(opened, Draft):
            if known is None or opened.article_hash != known.article_hash:
                if (reason := self._no_room(opened, known)) is not None:
                    self._fail(job, reason, started)
                    return None
                self._settling.add(job.source)
                return _Drafted(job, opened, time.perf_counter() - started)
            if not self.dry_run:
                self.indexer.store.touch(job.source, opened.input_hash, opened.article_hash)
        elif opened is not None:
            self._known.all()
            self._opened.add(job.source)
            return opened
        self._settling.add(job.source)
        self._settle(job, "unchanged", seconds=time.perf_counter() - started)
        return None

    def _fail(self, job: Job, reason: Said, started: float) -> None:
        if self._known.of(job.source) or job.source in members_of(self._known.all()):
            reason = Said(_STAYS[reason.endswith(".")], reason=reason)
        self._lost.add(job.source)
        self._settle(job, "failed", reason, seconds=time.perf_counter() - started)

    def _settle(
        self,
        job: Job,
        outcome: Outcome,
        reason: str | None = None,
        *,
        encoded: int = 0,
        reused: int = 0,
        seconds: float = 0.0,
    ) -> None:
        self.report.settled.append(Settled(job.source, outcome, reason, encoded, reused, seconds))
        if not self.dry_run:
            job.done(outcome)

    def _no_room(self, draft: Draft, known: Version | None) -> Said | None:
        """Why the draft would be too much for the corpus; None if it would not, and is counted then."""
        most, store = self.indexer.max_sentences, self.indexer.store
        old = store.article(known.article_id) if known is not None and most is not None else None
        total = self._sentences - (old.sentences if old else 0) + draft.sentences
        if most is None or total <= most:
            self._sentences = total
            return None
        return Said(
            "it has {number} sentences, and there is room for {limit} in all articles together: remove some first, or "
            "have the operator raise limits.max_sentences",
            number=draft.sentences,
            limit=most,
        )

    def _commit(self, drafted: Sequence[_Drafted]) -> Iterator[str]:
        """Encodes what is new in all drafts together, then stores them one by one, yielding each one's source."""
        store = self.indexer.store
        started = time.perf_counter()
        texts = dict(encoded_texts([one.draft for one in drafted]))
        encodings = store.known_encodings(list(texts))
        known = frozenset(encodings)
        new = {key: text for key, text in texts.items() if key not in known}
        if not self.dry_run:
            encodings |= self.indexer.encode(new, self.cancel)
        each = (time.perf_counter() - started) / max(len(new), 1)  # seconds
        for one in drafted:
            if self.cancel.is_set():
                return
            began = time.perf_counter()
            hashes = [key for key, _ in encoded_texts([one.draft])]
            encoded = len({key for key in hashes if key not in known and key not in self._brought})
            outcome: Outcome = "changed" if self._known.of(one.job.source) else "added"
            if not self.dry_run and not self._put(one, prepare(one.draft, encodings)):
                outcome, encoded, hashes = "unchanged", 0, []  # by this run: another one has settled it meanwhile
            self._brought.update(hashes)
            seconds = one.seconds + encoded * each + time.perf_counter() - began
            reused = len(hashes) - encoded
            self._settle(one.job, outcome, encoded=encoded, reused=reused, seconds=seconds)
            yield one.job.source

    def _put(self, one: _Drafted, prepared: PreparedArticle) -> bool:
        upload = one.job.upload
        if upload is not None and upload.address in self._kept:
            upload = upload._replace(data=None)
        replaces = self._known.of(one.job.source)
        stamp = stamp_of(self.indexer.encoder)
        stored = self.indexer.store.put(prepared, stamp, replaces=replaces, upload=upload)
        if stored and upload is not None:
            self._kept.add(upload.address)
        return stored

    def _remove_vanished(self) -> None:
        """Removes what the plan's scopes would have found if it still existed, and what archives hold no longer."""
        if not (self.plan.scopes or self._opened):
            return  # nothing was looked into that something could be missing from
        versions = self._known.all()
        gone = [source for source in versions if self._has_vanished(source)]
        if gone and not self.dry_run:
            self.indexer.store.remove([versions[source].article_id for source in gone])
            self.indexer.store.ledger.forget_origins(gone)
        for source in gone:
            self.report.add(source, "removed")

    def _has_vanished(self, source: str) -> bool:
        if source in self._seen:
            return source in self._opened  # it was an article, and is an archive now
        archives = archives_of(source)
        if looked_into := self._seen.intersection(archives):
            return not looked_into & self._lost
        return any(scope.covers(one) for scope in self.plan.scopes for one in (source, *archives))
