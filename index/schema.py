"""The database's tables, and how an older file becomes a newer one: a tuple of scripts, applied in order.

A script that has been released is never edited; a change of the schema is one more script at the end.
"""

# "Vbtm": marks a SQLite file as one of ours, so that no other program's database is ever touched.
APPLICATION_ID = 0x5662746D

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('generation', '0');

    -- `text` comes last: listing articles then never reads the pages that it overflows to.
    CREATE TABLE article (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL UNIQUE,
        input_hash BLOB NOT NULL,
        article_hash BLOB NOT NULL,
        title TEXT NOT NULL,
        states_title INTEGER NOT NULL,
        url TEXT,
        author TEXT,
        published TEXT,
        indexed_at TEXT NOT NULL,
        generation INTEGER NOT NULL,
        sentences INTEGER NOT NULL,
        paragraphs INTEGER NOT NULL,
        sentence_terms INTEGER NOT NULL,
        paragraph_terms INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX article_by_generation ON article (generation);

    -- AUTOINCREMENT: an id is never given twice, so an old vector can't point at a new sentence.
    CREATE TABLE paragraph (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        article_id INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL
    );
    CREATE INDEX paragraph_by_article ON paragraph (article_id);

    CREATE TABLE sentence (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        article_id INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        paragraph_id INTEGER NOT NULL REFERENCES paragraph (id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        is_heading INTEGER NOT NULL,
        encoded_hash BLOB NOT NULL,
        vector BLOB NOT NULL
    );
    CREATE INDEX sentence_by_article ON sentence (article_id, start);
    CREATE INDEX sentence_by_paragraph ON sentence (paragraph_id);
    CREATE INDEX sentence_by_encoded_hash ON sentence (encoded_hash);

    -- The terms come analysed, separated by spaces; this tokenizer leaves them as they are, in any script.
    CREATE VIRTUAL TABLE sentence_text USING fts5 (
        terms, tokenize = "ascii tokenchars '.'"
    );
    CREATE VIRTUAL TABLE paragraph_text USING fts5 (
        terms, tokenize = "ascii tokenchars '.'"
    );
    CREATE TRIGGER sentence_deleted AFTER DELETE ON sentence
        BEGIN DELETE FROM sentence_text WHERE rowid = old.id; END;
    CREATE TRIGGER paragraph_deleted AFTER DELETE ON paragraph
        BEGIN DELETE FROM paragraph_text WHERE rowid = old.id; END;
    CREATE VIRTUAL TABLE sentence_vocabulary USING fts5vocab (sentence_text, row);
    CREATE VIRTUAL TABLE paragraph_vocabulary USING fts5vocab (paragraph_text, row);

    -- What came in without a file of its own (a Discord attachment), kept as it came, to be read again.
    CREATE TABLE upload (
        source TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        data BLOB NOT NULL
    );
    """,
    """
    -- A table of its own: a column behind `text` would have every list read the pages that `text` overflows to. What
    -- was indexed before has no row here, and gets one when it is indexed again.
    CREATE TABLE article_language (
        article_id INTEGER PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,
        language TEXT NOT NULL
    );
    """,
    """
    -- What ranking reads of the few sentences that it looks at closely. A table of its own, so that reading all vectors
    -- does not pass over it.
    CREATE TABLE sentence_detail (
        sentence_id INTEGER PRIMARY KEY REFERENCES sentence (id) ON DELETE CASCADE,
        names TEXT NOT NULL,
        title_tokens INTEGER NOT NULL,
        tokens BLOB NOT NULL
    );
    """,
    """
    -- What the articles come from, to be read again: paths, pages, feeds and uploads. Times are Unix seconds. `reader`
    -- is the READER_VERSION of the last look: what a server calls unchanged still has to be read by a newer one.
    CREATE TABLE source (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        address TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        state TEXT NOT NULL,
        every REAL,
        due REAL NOT NULL,
        added REAL NOT NULL,
        checked REAL,
        etag TEXT,
        last_modified TEXT,
        reader INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        problem TEXT,
        channel INTEGER
    );
    INSERT INTO source (kind, address, title, state, due, added, reader, failures)
        SELECT 'upload', source, name, 'active', 0, 0, 0, 0 FROM upload;
    CREATE TRIGGER upload_deleted AFTER DELETE ON upload
        BEGIN DELETE FROM source WHERE kind = 'upload' AND address = old.source; END;

    -- Which articles a source gave. Not a reference to the article: what a person removed must stay known.
    CREATE TABLE origin (
        source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        article TEXT NOT NULL,
        PRIMARY KEY (source_id, article)
    ) WITHOUT ROWID;
    CREATE INDEX origin_by_article ON origin (article);
    INSERT INTO origin SELECT id, address FROM source;

    -- The entries of a feed that have been settled, with a hash of what the feed said of each.
    CREATE TABLE entry (
        source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        hash BLOB NOT NULL,
        article TEXT NOT NULL,
        PRIMARY KEY (source_id, key)
    ) WITHOUT ROWID;

    -- What only some readers of an article need. `first_published` and `first_indexed` outlive corrections; `site` is
    -- the web site it stands on; `digest` is of all its lines.
    CREATE TABLE article_detail (
        article_id INTEGER PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,
        updated TEXT,
        first_published TEXT,
        first_indexed TEXT NOT NULL,
        site TEXT,
        digest BLOB,
        pages TEXT NOT NULL
    );
    INSERT INTO article_detail SELECT id, NULL, published, indexed_at, NULL, NULL, '[]' FROM article;
    CREATE INDEX article_detail_by_site ON article_detail (site);
    CREATE INDEX article_detail_by_digest ON article_detail (digest);

    -- The addresses by which an article may be known, normalised.
    CREATE TABLE address (
        key TEXT NOT NULL,
        article_id INTEGER NOT NULL REFERENCES article (id) ON DELETE CASCADE,
        PRIMARY KEY (key, article_id)
    ) WITHOUT ROWID;
    CREATE INDEX address_by_article ON address (article_id);

    -- A hash of each sentence's words, by which the same article and the furniture of a site are recognised.
    CREATE TABLE line (
        sentence_id INTEGER PRIMARY KEY REFERENCES sentence (id) ON DELETE CASCADE,
        article_id INTEGER NOT NULL,
        hash INTEGER NOT NULL
    );
    CREATE INDEX line_by_hash ON line (hash, article_id);
    CREATE INDEX line_by_article ON line (article_id, hash);

    -- Everything below is derived from the above; `stale` and `stale_site` say what has to be derived again.
    CREATE TABLE standing (
        article_id INTEGER PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,
        stands_for INTEGER NOT NULL,
        superseded INTEGER NOT NULL,
        published TEXT,
        updated TEXT
    );
    CREATE INDEX standing_by_article ON standing (stands_for);
    CREATE TABLE site (name TEXT PRIMARY KEY, pages INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE furniture (site TEXT NOT NULL, hash INTEGER NOT NULL, PRIMARY KEY (site, hash)) WITHOUT ROWID;
    CREATE TABLE hidden_sentence (id INTEGER PRIMARY KEY REFERENCES sentence (id) ON DELETE CASCADE);
    CREATE TABLE hidden_paragraph (id INTEGER PRIMARY KEY REFERENCES paragraph (id) ON DELETE CASCADE);
    CREATE TABLE stale (article_id INTEGER PRIMARY KEY);
    -- Which pages of a site have changed; 0 stands for one that has gone.
    CREATE TABLE stale_site (name TEXT, article_id INTEGER, PRIMARY KEY (name, article_id)) WITHOUT ROWID;
    CREATE TRIGGER article_leaves BEFORE DELETE ON article BEGIN
        INSERT OR IGNORE INTO stale SELECT mate.article_id FROM standing AS mate JOIN standing AS own
            USING (stands_for) WHERE own.article_id = old.id AND mate.article_id != old.id;
        INSERT OR IGNORE INTO stale_site SELECT site, 0 FROM article_detail
            WHERE article_id = old.id AND site IS NOT NULL;
        DELETE FROM stale WHERE article_id = old.id;
    END;

    -- Encodings by the model that will take the old one's place when all of them are there.
    CREATE TABLE staged (
        encoded_hash BLOB PRIMARY KEY,
        vector BLOB NOT NULL,
        title_tokens INTEGER NOT NULL,
        tokens BLOB NOT NULL
    ) WITHOUT ROWID;

    -- Questions that found nothing, kept only where the operator wants it.
    CREATE TABLE waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        question TEXT NOT NULL UNIQUE,
        asked REAL NOT NULL,
        asker INTEGER
    );
    """,
    """
    -- Where each term stands, one row a place: what searching reads, and scores by itself.
    CREATE VIRTUAL TABLE sentence_posting USING fts5vocab (sentence_text, instance);
    CREATE VIRTUAL TABLE paragraph_posting USING fts5vocab (paragraph_text, instance);
    -- What is counted over all articles, without reading the articles themselves.
    CREATE INDEX article_counts ON article (sentences, paragraphs, sentence_terms, paragraph_terms);
    """,
)
