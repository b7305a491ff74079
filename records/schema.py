"""The tables of what the bot remembers of servers and people, in a database of its own beside the articles'.

A script that has been released is never edited; a change of the schema is one more script at the end.
"""

MIGRATIONS: tuple[str, ...] = (
    """
    -- What a server's own people have set; a name without a row has its default.
    CREATE TABLE preference (
        server INTEGER NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (server, name)
    ) WITHOUT ROWID;

    -- What was asked and shown, for the buttons below it. The id is drawn by lot: it tells nothing of other answers.
    -- `place` is the server whose articles were asked (0: none), `guild` the one where it is shown (NULL: in private).
    -- The question stands here only where the server's question log is on.
    CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        guild INTEGER,
        asker INTEGER NOT NULL,
        private INTEGER NOT NULL,
        asked REAL NOT NULL,
        answered INTEGER NOT NULL,
        shown INTEGER NOT NULL,
        question TEXT,
        searched TEXT,
        model TEXT NOT NULL,
        ranker TEXT NOT NULL
    );
    CREATE INDEX answer_by_time ON answer (asked);
    CREATE INDEX answer_by_asker ON answer (asker);
    CREATE INDEX answer_by_place ON answer (place);

    -- The sentences found, in their order; `corpus` is a server's own articles, 0 the operator's. The `digest` tells
    -- whether the same words still stand there. `others` are the places that say the same or give other figures, as
    -- JSON.
    CREATE TABLE hit (
        answer INTEGER NOT NULL REFERENCES answer (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        corpus INTEGER NOT NULL,
        article INTEGER NOT NULL,
        start INTEGER NOT NULL,
        end INTEGER NOT NULL,
        digest TEXT NOT NULL,
        probability REAL NOT NULL,
        confidence TEXT NOT NULL,
        others TEXT NOT NULL,
        PRIMARY KEY (answer, number)
    ) WITHOUT ROWID;

    -- One of each person for an answer. `hit` is the sentence meant, if one was named; `question` and `hits` (JSON: the
    -- number, the source and the words of each sentence shown) stand here only where the server's question log is on,
    -- and stay when the answer's own record goes.
    CREATE TABLE judgement (
        answer INTEGER NOT NULL,
        person INTEGER NOT NULL,
        place INTEGER NOT NULL,
        helpful INTEGER NOT NULL,
        hit INTEGER,
        judged REAL NOT NULL,
        question TEXT NOT NULL,
        hits TEXT NOT NULL,
        model TEXT NOT NULL,
        ranker TEXT NOT NULL,
        PRIMARY KEY (answer, person)
    ) WITHOUT ROWID;
    CREATE INDEX judgement_by_person ON judgement (person);
    CREATE INDEX judgement_by_place ON judgement (place);

    -- Servers that the bot has left, and when: what they had goes after a time of grace.
    CREATE TABLE departure (server INTEGER PRIMARY KEY, since REAL NOT NULL);

    -- What a server has been told and is not to be told again, as long as it stays so.
    CREATE TABLE told (
        server INTEGER NOT NULL,
        what TEXT NOT NULL,
        since REAL NOT NULL,
        PRIMARY KEY (server, what)
    ) WITHOUT ROWID;

    -- The server whose articles somebody asks in direct messages.
    CREATE TABLE chosen (person INTEGER PRIMARY KEY, server INTEGER NOT NULL, since REAL NOT NULL);

    -- How well the judged questions of a server were answered by a model and a ranker, to tell when a change lowers it.
    -- `results` (JSON) is the score of each question, by a digest of it and of what people said of it.
    CREATE TABLE score (
        place INTEGER NOT NULL,
        model TEXT NOT NULL,
        ranker TEXT NOT NULL,
        measured REAL NOT NULL,
        questions INTEGER NOT NULL,
        score REAL NOT NULL,
        results TEXT NOT NULL,
        PRIMARY KEY (place, model, ranker)
    ) WITHOUT ROWID;
    """,
)
