"""The truth about one corpus: articles, sentences, float16 vectors and full-text terms in a SQLite file.

With the database beneath it, the only part that speaks SQL. It knows nothing of models, FAISS, ranking or Discord.
Every method may be called from any thread; what a thread reads inside `snapshot()` is one state of the corpus.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from index.article import Article, Sentence, Span
from index.database import Connection, Database, grouped
from index.encoder import Stamp
from index.errors import UserError
from index.fulltext import FullText
from index.layout import snapshot_path
from index.ledger import Ledger, Upload, keep_upload
from index.snapshot import erase
from index.standing import Standing, day_of
from index.stored import (
    Encoding,
    Float16,
    PreparedArticle,
    SentenceDetail,
    Statistics,
    StoredArticle,
    StoredSentence,
    Unit,
    Version,
)

_LANGUAGE = "(SELECT language FROM article_language WHERE article_id = article.id)"
_ARTICLE_COLUMNS = (
    "id, source, title, states_title, url, author, article.published, indexed_at, sentences,"
    f" {_LANGUAGE}, article_detail.updated, first_published, first_indexed, pages,"
    " stands_for, standing.published, standing.updated"
)
_ARTICLES = (
    f"SELECT {_ARTICLE_COLUMNS} FROM article LEFT JOIN article_detail ON article_detail.article_id = id"
    " LEFT JOIN standing ON standing.article_id = id"
)
_CORRECTED_WITHIN = 31  # days


class Store:
    """One corpus's file, made if `create` and it is not there. Raises what `Database` raises."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._database = Database(path, create=create)
        self._rows = self._database.rows
        self.ledger = Ledger(self._database)
        self.settle = Standing(self._database).settle
        self._text = FullText(self._database)
        self.search_text = self._text.search
        self.document_frequencies = self._text.frequencies
        self.term_counts = self._text.counts
        self.lengths = self._text.lengths
        self.close = self._database.close
        self.is_current = self._database.is_current

    @property
    def cached_bytes(self) -> int:
        """What is kept of the file in memory, at most: SQLite's pages, and what searching remembers."""
        return self._database.cached_bytes + self._text.nbytes

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Every read of this thread inside the block sees the same state of the corpus."""
        with self._database.transaction("DEFERRED") as connection, self._text.remembering(self.generation()):
            yield connection

    # -- the corpus as a whole

    def generation(self) -> int:
        """A counter that every committed change of articles raises."""
        return int(self._rows("SELECT value FROM meta WHERE key = 'generation'")[0][0])

    def stamp(self) -> Stamp | None:
        """What the corpus was made with; None until the first article."""
        rows = self._rows("SELECT value FROM meta WHERE key = 'stamp'")
        return Stamp(**json.loads(rows[0][0])) if rows else None

    def statistics(self) -> Statistics:
        copies = "(SELECT count(*) FROM standing WHERE stands_for != article_id)"
        columns = "total(sentences), total(paragraphs), total(sentence_terms), total(paragraph_terms)"
        (row,) = self._rows(f"SELECT {columns}, count(*), {copies} FROM article")
        sentences, paragraphs, sentence_terms, paragraph_terms, rows, copied = map(int, row)
        return Statistics(rows - copied, sentences, paragraphs, sentence_terms, paragraph_terms, copied)

    def languages(self) -> dict[str, int]:
        """ISO 639-1 code, or "und" → how many articles are in that language, the commonest first."""
        sql = "SELECT language, count(*) FROM article_language GROUP BY language ORDER BY count(*) DESC, language"
        return dict(self._rows(sql))

    def problems(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty if it is sound."""
        return self._database.problems()

    # -- what is derived from it, kept in a file beside it

    def snapshot_token(self) -> str | None:
        """What the snapshot beside this file has to bear; None if there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = 'snapshot'")
        return rows[0][0] if rows else None

    def keep_snapshot(self, token: str, generation: int, put: Callable[[], None]) -> bool:
        """Has `put` put a snapshot of this generation into its place, and remembers its token; neither if the corpus is
        another by now. The generation stays. Returns whether it is there.

        The file comes first, and both while nobody else can write: with a crash between them, or before the end, the
        token of the file is none that is remembered, and it counts for nothing. What is forgotten is so either before,
        and the generation is another, or afterwards, and the file is there to be deleted.
        """
        with self._database.transaction("IMMEDIATE") as connection:
            if self.generation() != generation:
                return False
            put()
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (token,))
        if not self.is_current():  # looked at afterwards: who deletes a corpus deletes the database first
            erase(self.path)
            return False
        return True

    # -- articles

    def articles(self) -> list[StoredArticle]:
        """All articles, by title."""
        rows = self._rows(f"{_ARTICLES} ORDER BY title COLLATE NOCASE, id")
        return [_stored_article(row) for row in rows]

    def article(self, article_id: int) -> StoredArticle | None:
        return self.articles_by_id([article_id]).get(article_id)

    def articles_by_id(self, ids: Sequence[int]) -> dict[int, StoredArticle]:
        """Id → article, for those that are there."""
        found: dict[int, StoredArticle] = {}
        for marks, group in grouped(ids):
            rows = self._rows(f"{_ARTICLES} WHERE id IN ({marks})", group)
            found.update((row[0], _stored_article(row)) for row in rows)
        return found

    def text(self, article_id: int) -> str | None:
        """The text of an article."""
        rows = self._rows("SELECT text FROM article WHERE id = ?", (article_id,))
        return rows[0][0] if rows else None

    def load(self, article_id: int) -> Article | None:
        """The whole article, as it was read."""
        columns = f"source, title, text, url, author, published, states_title, {_LANGUAGE}, updated, pages"
        sql = f"SELECT {columns} FROM article LEFT JOIN article_detail ON article_id = id WHERE id = ?"
        rows = self._rows(sql, (article_id,))
        if not rows:
            return None
        source, title, text, url, author, published, states_title, language, updated, pages = rows[0]
        stated = (url, author, day_of(published), bool(states_title), language, day_of(updated))
        return Article(source, title, text, *stated, _pages(pages))

    def versions(self, source: str | None = None) -> dict[str, Version]:
        """Source → version, for every article or only that of `source`."""
        sql = "SELECT source, id, input_hash, article_hash FROM article"
        rows = self._rows(sql) if source is None else self._rows(f"{sql} WHERE source = ?", (source,))
        return {row[0]: Version(*row[1:]) for row in rows}

    def written_since(self, generation: int) -> list[int]:
        """The ids of the articles whose sentences were last written after this generation."""
        sql = "SELECT id FROM article INDEXED BY article_by_generation WHERE generation > ?"
        return [row[0] for row in self._rows(sql, (generation,))]

    def article_ids(self) -> set[int]:
        """The ids of all articles."""
        return {row[0] for row in self._rows("SELECT id FROM article INDEXED BY article_by_generation")}

    # -- changes; each is one transaction

    def put(
        self,
        prepared: PreparedArticle,
        stamp: Stamp,
        *,
        replaces: Version | None = None,
        upload: Upload | None = None,
    ) -> bool:
        """Adds the article, or puts it in the place of its source's `replaces`, whose id it keeps.

        Returns False, having changed nothing, if what is stored is not `replaces`: another run was faster, or the
        article was removed meanwhile and must not come back. `upload` is kept, to be read again.

        Raises:
            UserError: the corpus bears another stamp, or cannot be written; it is then as before.
        """
        source = prepared.article.source
        with self._database.transaction("IMMEDIATE") as connection:
            if self.versions(source).get(source) != replaces:
                return False
            known = self.stamp()
            if known is None:
                _write_stamp(connection, stamp)
            elif known != stamp:
                raise UserError(other_stamp(self.path, known, stamp))
            if upload is not None:
                keep_upload(connection, upload, source, time.time())
            _put(connection, prepared, self._raised_generation(connection))
            return True

    def touch(self, source: str, input_hash: bytes, article_hash: bytes) -> None:
        """Remembers that the article of `source`, read from other bytes, came out the same, with this hash."""
        sql = "UPDATE article SET input_hash = ? WHERE source = ? AND article_hash = ?"
        with self._database.transaction("IMMEDIATE") as connection:
            connection.execute(sql, (input_hash, source, article_hash))

    def remove(self, article_ids: Sequence[int], *, forget: bool = False) -> list[StoredArticle]:
        """Removes articles with their sentences and uploads; returns those that were there.

        With `forget`, their words also leave the full-text index's old segments and the write-ahead log at once,
        which takes a moment in a large corpus, and the snapshot is deleted; otherwise they do so in time.
        """
        with self._writing() as (connection, _):
            removed = list(self.articles_by_id(list(dict.fromkeys(article_ids))).values())
            for article in removed:
                connection.execute("DELETE FROM article WHERE id = ?", (article.id,))
                # An upload may be an archive of several articles, and goes with the last of them.
                gave = "SELECT address FROM source JOIN origin ON source.id = source_id"
                connection.execute(
                    f"DELETE FROM upload WHERE source IN ({gave} WHERE origin.article = ?) AND source NOT IN"
                    f" ({gave} JOIN article ON article.source = origin.article WHERE address = upload.source)",
                    (article.source,),
                )
            if forget:
                connection.execute("DELETE FROM staged")
                connection.execute("DELETE FROM meta WHERE key = 'snapshot'")
                for unit in ("sentence", "paragraph"):
                    connection.execute(f"INSERT INTO {unit}_text ({unit}_text) VALUES ('optimize')")
        try:
            self.settle()
        finally:
            if forget:
                try:
                    self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    self._erase_snapshot()
        return removed

    def _erase_snapshot(self) -> None:
        try:
            erase(self.path)
        except OSError as error:
            raise UserError(
                f"{snapshot_path(self.path)} cannot be deleted ({error.strerror}), and still holds vectors of what was"
                " removed. Delete it."
            ) from error

    def forget_sources(self, source_ids: Sequence[int], *, keep_articles: bool = False) -> int:
        """Forgets sources for good, and removes the articles that no other one gives; returns how many those were."""
        ids = [] if keep_articles else self.given_only_by(source_ids)
        for one in source_ids:
            self.ledger.remove(one)
        return len(self.remove(ids, forget=True)) if ids else 0

    def given_only_by(self, source_ids: Sequence[int]) -> list[int]:
        """The ids of the articles that these sources give, and no other one."""
        versions = self.versions()
        orphans = self.ledger.given_only_by(source_ids)
        return [versions[one].article_id for one in sorted(orphans) if one in versions]

    def removed_from(self, source_id: int) -> set[str]:
        """The articles (as sources) that a source gave and a person has removed."""
        sql = (
            "SELECT article FROM origin LEFT JOIN article ON source = origin.article WHERE source_id = ? AND id IS NULL"
        )
        return {row[0] for row in self._rows(sql, (source_id,))}

    def replace_all(self, articles: Iterable[PreparedArticle], stamp: Stamp) -> None:
        """Replaces every article and the stamp, in one transaction: until it ends, the old state is served."""
        with self._writing() as (connection, generation):
            for prepared in articles:
                _put(connection, prepared, generation)
            _write_stamp(connection, stamp)
            connection.execute("DELETE FROM staged")
            connection.execute("DELETE FROM meta WHERE key = 'staged'")
        self.settle()

    # -- another model's encodings, until all are there

    def stage(self, encodings: Mapping[bytes, Encoding], stamp: Stamp) -> None:
        """Keeps encodings for `replace_all` to come. Those of any other stamp than this are dropped."""
        with self._database.transaction("IMMEDIATE") as connection:
            wanted = json.dumps(asdict(stamp))
            if self._rows("SELECT value FROM meta WHERE key = 'staged'") != [(wanted,)]:
                connection.execute("DELETE FROM staged")
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('staged', ?)", (wanted,))
            rows = [
                (key, one.vector.astype("<f2").tobytes(), one.title_tokens, one.tokens)
                for key, one in encodings.items()
            ]
            connection.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)", rows)

    def staged(self, hashes: Sequence[bytes], stamp: Stamp) -> dict[bytes, Encoding]:
        """Hash of an encoded text → its encoding, for those that have been staged under this stamp."""
        is_this = self._rows("SELECT value FROM meta WHERE key = 'staged'") == [(json.dumps(asdict(stamp)),)]
        return self._encodings("staged", hashes) if is_this else {}

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, int]]:
        with self._database.transaction("IMMEDIATE") as connection:
            yield connection, self._raised_generation(connection)

    def _raised_generation(self, connection: Connection) -> int:
        generation = self.generation() + 1
        connection.execute("UPDATE meta SET value = ? WHERE key = 'generation'", (str(generation),))
        return generation

    # -- uploads, sentences and paragraphs

    def uploads(self) -> list[tuple[str, str]]:
        """(source, name) of everything that came in without a file of its own."""
        return self._rows("SELECT source, name FROM upload ORDER BY source")

    def upload(self, source: str) -> bytes:
        """The bytes of an upload; none if it has been removed."""
        rows = self._rows("SELECT data FROM upload WHERE source = ?", (source,))
        return rows[0][0] if rows else b""

    def find_upload(self, data: bytes) -> str | None:
        """The source of an upload of the same bytes, if there is one."""
        # The length is known without reading the bytes, and rules nearly all of them out.
        sql = "SELECT source FROM upload WHERE length(data) = ? AND data = ? LIMIT 1"
        rows = self._rows(sql, (len(data), data))
        return rows[0][0] if rows else None

    def known_encodings(self, hashes: Sequence[bytes]) -> dict[bytes, Encoding]:
        """Hash of an encoded text → its encoding, for those that the corpus already has."""
        return self._encodings("sentence JOIN sentence_detail ON sentence_id = id", hashes)

    def _encodings(self, tables: str, hashes: Sequence[bytes]) -> dict[bytes, Encoding]:
        found: dict[bytes, Encoding] = {}
        for marks, group in grouped(hashes):
            sql = f"SELECT encoded_hash, vector, title_tokens, tokens FROM {tables} WHERE encoded_hash IN ({marks})"
            found.update((key, Encoding(_vector(blob), *tokens)) for key, blob, *tokens in self._rows(sql, group))
        return found

    def sentences(self, ids: Sequence[int]) -> dict[int, StoredSentence]:
        """Id → sentence, for those that are there."""
        found: dict[int, StoredSentence] = {}
        for marks, group in grouped(ids):
            # The terms are read where FTS5 keeps them: by way of it, each row costs four times as much.
            sql = f"SELECT id, c0 FROM sentence_text_content WHERE id IN ({marks})"
            terms = dict(self._rows(sql, group))
            sql = (
                "SELECT id, article_id, paragraph_id, start, end, is_heading, vector FROM sentence"
                f" WHERE id IN ({marks})"
            )
            for key, article, paragraph, start, end, heading, vector in self._rows(sql, group):
                if key in terms:
                    place = (key, article, paragraph, start, end, bool(heading))
                    found[key] = StoredSentence(*place, _vector(vector), terms[key])
        return found

    def details(self, ids: Sequence[int]) -> dict[int, SentenceDetail]:
        """Id → what a closer look at the sentence needs."""
        found: dict[int, SentenceDetail] = {}
        for marks, group in grouped(ids):
            sql = f"SELECT * FROM sentence_detail WHERE sentence_id IN ({marks})"
            found.update((key, SentenceDetail(*detail)) for key, *detail in self._rows(sql, group))
        return found

    def token_bytes(self) -> int:
        """What the tokens' codes take, of the whole corpus."""
        return int(self._rows("SELECT total(length(tokens)) FROM sentence_detail")[0][0])

    def ids_of(self, unit: Unit, article_id: int) -> range:
        """The ids of an article's sentences or paragraphs, hidden ones included; none if it is not there."""
        # An article is written in one transaction, so the ids of its parts follow each other.
        ((first, last),) = self._rows(f"SELECT min(id), max(id) FROM {unit} WHERE article_id = ?", (article_id,))
        return range(0) if first is None else range(first, last + 1)

    def spans(self, unit: Unit, article_id: int) -> list[Span]:
        """Where an article's sentences or paragraphs stand, in order, hidden ones included."""
        rows = self._rows(f"SELECT start, end FROM {unit} WHERE article_id = ? ORDER BY start", (article_id,))
        return [Span(*row) for row in rows]

    def neighbours(self, sentence: StoredSentence) -> tuple[Sentence | None, Sentence | None]:
        """The sentences before and after this one in its article."""
        where = "SELECT start, end FROM sentence WHERE article_id = ? AND start"
        before = self._rows(f"{where} < ? ORDER BY start DESC LIMIT 1", (sentence.article_id, sentence.start))
        after = self._rows(f"{where} > ? ORDER BY start LIMIT 1", (sentence.article_id, sentence.start))
        return (Sentence(*before[0]) if before else None, Sentence(*after[0]) if after else None)

    # -- searching

    def vocabulary(self, initial: str) -> list[tuple[str, int]]:
        """(term, how many paragraphs hold it) of every term that begins with this character."""
        sql = "SELECT term, doc FROM paragraph_vocabulary WHERE term >= ? AND term < ?"
        return self._rows(sql, (initial, chr(ord(initial) + 1)))

    def passages(self, term: str, k: int) -> list[str]:
        """The texts of `k` paragraphs that hold a term, each under its article's title, which may hold it instead."""
        sql = (
            "SELECT title || char(10) || substr(text, start + 1, end - start) FROM paragraph_text"
            " JOIN paragraph ON paragraph.id = paragraph_text.rowid JOIN article ON article.id = article_id"
            " WHERE paragraph_text MATCH ? LIMIT ?"
        )
        return [row[0] for row in self._rows(sql, (f'"{term}"', k))]


def other_stamp(path: Path, known: Stamp, wanted: Stamp) -> str:
    """The message for a corpus that was made with something else than what is configured."""
    changed = [
        f"{key} {old!r}, now {asdict(wanted)[key]!r}"
        for key, old in asdict(known).items()
        if old != asdict(wanted)[key] and key != "location"
    ]
    return (
        f"The corpus {path} was made with {'; '.join(changed)}. Run: python bot.py index --rebuild (with the same "
        "--config or --data, if any), which encodes its articles anew; or set the configuration back."
    )


def _put(connection: Connection, prepared: PreparedArticle, generation: int) -> int:
    article, sentences = prepared.article, [s for paragraph in prepared.paragraphs for s in paragraph.sentences]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row: dict[str, Any] = {
        "source": article.source,
        "input_hash": prepared.input_hash,
        "article_hash": prepared.article_hash,
        "title": article.title,
        "states_title": article.states_title,
        "url": article.url,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "indexed_at": now,
        "generation": generation,
        "sentences": len(sentences),
        "paragraphs": len(prepared.paragraphs),
        "sentence_terms": sum(len(sentence.terms) for sentence in sentences),
        "paragraph_terms": sum(len(paragraph.terms) for paragraph in prepared.paragraphs),
        "text": article.text,
    }
    (article_id,) = connection.execute(
        f"INSERT INTO article ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})"
        f" ON CONFLICT (source) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in row)} RETURNING id",
        row,
    ).fetchone()
    connection.execute("DELETE FROM article_language WHERE article_id = ?", (article_id,))
    if article.language is not None:
        connection.execute("INSERT INTO article_language VALUES (?, ?)", (article_id, article.language))
    _put_detail(connection, article_id, prepared, now)
    connection.execute("DELETE FROM paragraph WHERE article_id = ?", (article_id,))
    for paragraph in prepared.paragraphs:
        paragraph_id = _insert(connection, "paragraph", paragraph.terms, article_id, *paragraph.span)
        for sentence in paragraph.sentences:
            encoding = sentence.encoding
            place = (article_id, *sentence.span, paragraph_id, sentence.is_heading)
            values = (*place, sentence.encoded_hash, encoding.vector.astype("<f2").tobytes())
            sentence_id = _insert(connection, "sentence", sentence.terms, *values)
            detail = (sentence_id, " ".join(sentence.names), encoding.title_tokens, encoding.tokens)
            connection.execute("INSERT INTO sentence_detail VALUES (?, ?, ?, ?)", detail)
            if sentence.line is not None:
                connection.execute("INSERT INTO line VALUES (?, ?, ?)", (sentence_id, article_id, sentence.line))
    return int(article_id)


def _put_detail(connection: Connection, article_id: int, prepared: PreparedArticle, now: str) -> None:
    article = prepared.article
    lines = [s.line for paragraph in prepared.paragraphs for s in paragraph.sentences if s.line is not None]
    detail = {
        "article_id": article_id,
        "updated": article.updated.isoformat() if article.updated else None,
        "first_published": article.published.isoformat() if article.published else None,
        "first_indexed": now,
        "site": prepared.site,
        "digest": hashlib.sha256(repr(lines).encode()).digest()[:16] if lines else None,
        "pages": json.dumps(article.pages),
    }
    # What it was derived from before is stale, too: the copies that it had, and the site that it stood on.
    connection.execute(
        "INSERT OR IGNORE INTO stale SELECT article_id FROM standing WHERE stands_for ="
        " (SELECT stands_for FROM standing WHERE article_id = :article_id) UNION SELECT :article_id",
        detail,
    )
    connection.execute(
        "INSERT OR IGNORE INTO stale_site SELECT site, 0 FROM article_detail WHERE article_id = :article_id"
        " AND site IS NOT NULL AND site IS NOT :site",
        detail,
    )
    connection.execute(
        f"INSERT INTO article_detail VALUES ({', '.join(':' + name for name in detail)})"
        " ON CONFLICT (article_id) DO UPDATE SET updated = excluded.updated, site = excluded.site,"
        " digest = excluded.digest, pages = excluded.pages, first_published = CASE"
        # The text is another and the day a little later: a correction. Any other change of the day mends a mistake.
        " WHEN digest IS NOT excluded.digest"
        f" AND julianday(excluded.first_published) - julianday(first_published) BETWEEN 0 AND {_CORRECTED_WITHIN}"
        " THEN first_published ELSE excluded.first_published END",
        detail,
    )
    connection.execute("DELETE FROM address WHERE article_id = ?", (article_id,))
    connection.executemany("INSERT INTO address VALUES (?, ?)", [(key, article_id) for key in sorted(prepared.keys)])


_COLUMNS: dict[Unit, str] = {
    "paragraph": "article_id, start, end",
    "sentence": "article_id, start, end, paragraph_id, is_heading, encoded_hash, vector",
}


def _insert(connection: Connection, unit: Unit, terms: Sequence[str], *values: int | bytes) -> int:
    sql = f"INSERT INTO {unit} ({_COLUMNS[unit]}) VALUES ({', '.join('?' * len(values))})"
    rowid = connection.execute(sql, values).lastrowid
    connection.execute(f"INSERT INTO {unit}_text (rowid, terms) VALUES (?, ?)", (rowid, " ".join(terms)))
    return int(rowid or 0)


def _write_stamp(connection: Connection, stamp: Stamp) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('stamp', ?)", (json.dumps(asdict(stamp)),))


def _vector(blob: bytes) -> Float16:
    return np.frombuffer(blob, "<f2")


def _stored_article(row: Sequence[Any]) -> StoredArticle:
    article_id, source, title, states_title, url, author, stated, indexed_at, sentences, language, *more = row
    updated, first_published, first_indexed, pages, stands_for, group_published, group_updated = more
    published = min(filter(None, (stated, first_published, group_published)), default=None)
    # A page whose day has moved on was corrected on its new one.
    corrected = max(filter(None, (updated, group_updated, stated if stated != published else None)), default=None)
    return StoredArticle(
        article_id,
        source,
        title,
        bool(states_title),
        url,
        author,
        day_of(published),
        datetime.fromisoformat(indexed_at),
        sentences,
        language,
        day_of(corrected) if corrected != published else None,
        datetime.fromisoformat(first_indexed) if first_indexed else None,
        _pages(pages),
        stands_for if stands_for != article_id else None,
    )


def _pages(text: str | None) -> tuple[int, ...]:
    return tuple(json.loads(text)) if text else ()
