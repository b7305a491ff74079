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
)
